//! Requests with and without the guard, at the same rate in turn, and searches with and without logins beside them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use coditect_benches::client::{Client, DocumentInput, SearchRequest};
use coditect_benches::open_loop::{self, Schedule};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::accounts::{Accounts, PASSWORD, TENANT, email};
use crate::{Arguments, Run};

const COLLECTION: &str = "guard";
const DOCUMENTS: usize = 200;
const LOGINS: usize = 20;
const SEARCHES_PER_SECOND: f64 = 50.0;

/// `/healthz`, which nobody is asked to sign in for, and a guarded route as small, in turn.
pub(crate) async fn pairs(arguments: &Arguments, base: &str, accounts: &Accounts) -> Result<Vec<Run>> {
    let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().context("build the http client")?;
    let tokens: Arc<[SecretString]> = accounts.tokens.clone().into();
    let mut runs = Vec::new();
    for round in 0..arguments.rounds {
        for (name, path) in [("open", "/healthz"), ("guarded", "/auth/session")] {
            let url: Arc<str> = format!("{base}{path}").into();
            let (http, tokens) = (http.clone(), tokens.clone());
            let outcome = open_loop::run(arguments.schedule(), move |number| {
                let token = tokens[number % tokens.len()].expose_secret();
                let request = http.get(&*url).bearer_auth(token);
                async move {
                    let answer = request.send().await.context("ask")?;
                    ensure!(answer.status().is_success(), "{}", answer.status());
                    answer.bytes().await.context("read the answer").map(drop)
                }
            });
            runs.push(named(format!("{name} {}", round + 1), outcome.await?)?);
        }
    }
    Ok(runs)
}

fn named(name: String, outcome: open_loop::Outcome) -> Result<Run> {
    ensure!(outcome.errors.is_empty(), "{name}: {} requests failed: {}", outcome.errors.len(), outcome.errors[0]);
    Ok(Run { name, latency: outcome.latency.summary(), achieved: outcome.achieved })
}

/// Transactions of the server that were done again because of a conflict, as its metrics tell.
pub(crate) async fn conflicts(metrics: SocketAddr) -> Result<f64> {
    let answer = reqwest::get(format!("http://{metrics}/metrics")).await.context("read the metrics")?;
    let text = answer.text().await.context("read the metrics")?;
    ensure!(text.contains("auth_touches_total"), "the metrics do not tell of sessions");
    let line = "store_retries_total{kind=\"conflict\"}";
    Ok(text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or(0.0))
}

/// Searches by text alone, beside logins that take turns, and alone again.
pub(crate) async fn searches_beside_logins(
    arguments: &Arguments,
    anybody: &Client,
    accounts: &Accounts,
) -> Result<Vec<Run>> {
    let client = Client::new(anybody.base(), accounts.tokens.first())?;
    let mut version = None;
    for number in 0..DOCUMENTS {
        let document = DocumentInput {
            collection: COLLECTION.into(),
            document_id: format!("{number}.md"),
            text: format!("What the document number {number} says of retries, timeouts and queues."),
            ..DocumentInput::default()
        };
        version = client.put(&document).await?.version;
    }
    let mut runs = Vec::new();
    for (name, logins) in [("searches", 0), ("searches beside logins", LOGINS), ("searches again", 0)] {
        let stop = Arc::new(tokio::sync::Notify::new());
        let logging_in = (0..logins).map(|user| tokio::spawn(log_in(anybody.clone(), user, stop.clone())));
        let logging_in: Vec<_> = logging_in.collect();
        runs.push(named(name.into(), searches(arguments, &client, version.clone()).await?)?);
        let mut count = 0;
        for task in logging_in {
            stop.notify_waiters();
            count += task.await.context("wait for logins")??;
        }
        if count > 0 {
            println!("{count} logins during the searches");
        }
    }
    Ok(runs)
}

async fn searches(arguments: &Arguments, client: &Client, version: Option<String>) -> Result<open_loop::Outcome> {
    let schedule = Schedule { rate: SEARCHES_PER_SECOND, time: Duration::from_secs(arguments.seconds) };
    let client = client.clone();
    open_loop::run(schedule, move |number| {
        let request = SearchRequest {
            query: Some(format!("timeouts of number {}", number % DOCUMENTS)),
            collections: vec![COLLECTION.into()],
            min_version: version.clone(),
            ..SearchRequest::default()
        };
        let client = client.clone();
        async move { client.search(&request).await.map(drop) }
    })
    .await
}

/// Logs in again and again until it is told to stop. Attempts that are limited count as none.
async fn log_in(client: Client, user: usize, stop: Arc<tokio::sync::Notify>) -> Result<usize> {
    let http = reqwest::Client::builder().no_proxy().build().context("build the http client")?;
    let body = json!({"tenant": TENANT, "email": email(user), "password": PASSWORD});
    let mut stopped = std::pin::pin!(stop.notified());
    let mut count = 0;
    loop {
        let attempt = http.post(format!("{}/auth/login", client.base())).json(&body).send();
        tokio::select! {
            () = &mut stopped => return Ok(count),
            answer = attempt => match answer.context("log in")?.status().as_u16() {
                200 => count += 1,
                429 => tokio::time::sleep(Duration::from_millis(200)).await,
                status => anyhow::bail!("a login was answered with {status}"),
            },
        }
    }
}

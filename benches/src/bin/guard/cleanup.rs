//! The clean-up of many sessions, and what requests feel of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coditect_auth::{
    Auth, AuthOptions, Credentials, KeyRing, NewUser, Origin, Role, Session, SessionDetails, SessionId,
};
use coditect_benches::open_loop::{Latencies, Summary};
use coditect_store::{EmbeddedOptions, Store, TenantId};
use jiff::ToSpan as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::accounts::{PASSWORD, TENANT, cheap, email};

const BATCH: usize = 1_000;
const KEPT: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Pause between two looks at a session.
const PAUSE: Duration = Duration::from_micros(500);

/// What the clean-up did, and looks at a session without and with it.
#[derive(Debug, Serialize)]
pub(crate) struct Cleaned {
    pub(crate) scanned: u64,
    pub(crate) deleted: u64,
    pub(crate) seconds: f64,
    pub(crate) alone: Summary,
    pub(crate) beside: Summary,
}

/// Fills a store with sessions, six of ten of them over, and cleans up.
pub(crate) async fn measure(folder: &Path, sessions: usize) -> Result<Cleaned> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let store = Store::open_embedded(EmbeddedOptions::new(folder)).await.context("open a store")?;
    let keys = KeyRing::new(&"a secret of the benchmark, 32 bytes".into(), &[])?;
    let auth = Auth::start(store.clone(), AuthOptions { cost: cheap(), ..AuthOptions::new(keys) })?;
    let tenant = TenantId::new(TENANT)?;
    let new = NewUser { email: email(0), password: PASSWORD.into(), name: String::new() };
    auth.operator(&tenant).create_user(&new, Role::Member).await?;
    let given = Credentials { tenant, email: email(0), password: PASSWORD.into() };
    let granted = auth.login(&given, &SessionDetails::default(), &Origin::default()).await?;
    fill(&store, &granted.session, sessions).await?;
    let alone = look(&auth, &granted.token, tokio::time::sleep(Duration::from_secs(3))).await?.1;
    let began = Instant::now();
    let (report, beside) = look(&auth, &granted.token, auth.clean_up(KEPT)).await?;
    let seconds = began.elapsed().as_secs_f64();
    let report = report.context("clean up")?;
    auth.stop().await;
    store.close().await.context("close the store")?;
    let total = report.total();
    Ok(Cleaned { scanned: report.scanned, deleted: total.expired + total.terminated, seconds, alone, beside })
}

async fn fill(store: &Store, like: &Session, sessions: usize) -> Result<()> {
    let numbers: Vec<usize> = (0..sessions).collect();
    for batch in numbers.chunks(BATCH) {
        let records = batch.iter().map(|number| {
            let is_over = number % 10 < 6;
            let last_access_at = if is_over { like.last_access_at - 48.hours() } else { like.last_access_at };
            let session_id = SessionId::new(format!("s-{number:09}"))?;
            let session = Session { session_id, last_access_at, ..like.clone() };
            let key = format!("{}/session/{}", session.tenant_id, session.session_id);
            Ok((key.into_bytes(), session.encode()?))
        });
        let records: &Vec<(Vec<u8>, Vec<u8>)> = &records.collect::<Result<_>>()?;
        store
            .run(|tx| async move {
                records.iter().for_each(|(key, value)| tx.set(key, value));
                Ok::<_, coditect_store::Error>(())
            })
            .await
            .context("write sessions")?;
    }
    Ok(())
}

/// Looks at a session again and again while `work` goes on.
async fn look<T>(auth: &Auth, token: &SecretString, work: impl Future<Output = T>) -> Result<(T, Summary)> {
    let mut latencies = Latencies::new()?;
    let looking = async {
        loop {
            let began = Instant::now();
            if let Err(error) = auth.authenticate(token.expose_secret()).await {
                return error;
            }
            latencies.record(began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        done = work => Ok((done, latencies.summary())),
        error = looking => Err(error).context("look at a session"),
    }
}

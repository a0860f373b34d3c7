//! One run of searches at a fixed rate.

use std::time::Instant;

use anyhow::{Result, ensure};
use coditect_benches::client::{Client, SearchRequest};
use coditect_benches::open_loop::{Schedule, Summary, run as run_open_loop};
use coditect_benches::prose::Prose;
use coditect_benches::server::Server;
use serde::Serialize;

use crate::corpus::COLLECTION;

/// Streams of the generator for queries, far from those of the pages.
const QUERY_STREAM: u64 = 1 << 40;

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text that the server has not seen before, so that it is embedded.
    Text,
    /// Ready vectors, evenly drawn directions.
    Vector {
        /// Length of the vectors.
        dimension: usize,
    },
}

/// The result of a run.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// From the moment that a search was due.
    pub(crate) latency_ms: Summary,
    /// From the moment that it was sent.
    pub(crate) service_ms: Summary,
    /// How late the driver itself was.
    pub(crate) lateness_ms: Summary,
    /// Searches answered per second.
    pub(crate) achieved_rate: f64,
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    /// Processor time of the server over the time of the run; 1 is one core.
    pub(crate) server_cpu: f64,
    /// Documents that were written meanwhile, over all runs of the phase.
    pub(crate) documents_written: usize,
}

/// Searches by schedule.
pub(crate) async fn run(
    client: &Client,
    schedule: Schedule,
    kind: Kind,
    seed: u64,
    server: &Server,
) -> Result<Measured> {
    let requests: Vec<SearchRequest> =
        (0..schedule.requests() as u64).map(|number| request(kind, seed, number)).collect();
    let (started, used) = (Instant::now(), server.processor_time()?);
    let outcome = run_open_loop(schedule, |number| {
        let (client, request) = (client.clone(), requests[number].clone());
        async move {
            let answer = client.search(&request).await?;
            ensure!(!answer.results.is_empty(), "a search found nothing");
            Ok(())
        }
    });
    let outcome = outcome.await?;
    let used = server.processor_time()?.saturating_sub(used);
    Ok(Measured {
        name: kind.name().to_owned(),
        latency_ms: outcome.latency.summary(),
        service_ms: outcome.service.summary(),
        lateness_ms: outcome.lateness.summary(),
        achieved_rate: outcome.achieved,
        errors: outcome.errors.len(),
        first_error: outcome.errors.into_iter().next(),
        server_cpu: used.as_secs_f64() / started.elapsed().as_secs_f64(),
        documents_written: 0,
    })
}

fn request(kind: Kind, seed: u64, number: u64) -> SearchRequest {
    let mut prose = Prose::new(seed, QUERY_STREAM + number);
    let (query, vector) = match kind {
        Kind::Text => (Some(prose.question()), None),
        Kind::Vector { dimension } => (None, Some(prose.direction(dimension))),
    };
    SearchRequest { query, vector, collections: vec![COLLECTION.to_owned()], ..SearchRequest::default() }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text queries",
            Kind::Vector { .. } => "ready vectors",
        }
    }
}

//! The process's log and metrics: set up once, described here, measured when somebody asks.

use std::io::IsTerminal;
use std::time::Duration;

use coditect_engine::model::SearchInfo;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use tracing_subscriber::EnvFilter;

use crate::limits;
use crate::settings::{Log, LogFormat};
use crate::state::App;

/// Bounds of histograms of times, seconds.
const SECONDS: [f64; 15] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of histograms of counts.
const COUNTS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Libraries whose own notes are too many below a warning.
const QUIET: &str = "tantivy=warn,ort=warn,hyper=warn,reqwest=warn,h2=warn,rustls=warn";

/// Starts the log. A second call in one process changes nothing.
pub fn start_log(log: &Log) {
    let directives = format!("{QUIET},{}", log.level);
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Only a second start in one process fails, and the first one's log goes on.
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// The process's one metrics registry.
///
/// # Errors
/// When another recorder was installed before.
pub fn metrics_handle() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    // Held until the recorder is the process's: of two servers that start at once, one waits for the other's.
    let mut known = HANDLE.lock();
    if let Some(handle) = &*known {
        return Ok(handle.clone());
    }
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_texts".into()), &COUNTS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    describe();
    *known = Some(handle.clone());
    Ok(handle)
}

/// Tidies histograms until the process ends.
pub async fn upkeep(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(limits::METRICS_UPKEEP).await;
        handle.run_upkeep();
    }
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("http_requests_total", "Requests by method, route template and status.");
    describe_histogram!("http_request_duration_seconds", "Time from a request's head to its answer.");
    describe_gauge!("http_requests_in_flight", "Requests that are being handled.");
    describe_counter!("http_requests_shed_total", "Requests turned away because there were too many at once.");
    describe_counter!("http_panics_total", "Handlers that panicked.");
    describe_counter!("searches_total", "Searches by the mode that was used.");
    describe_counter!("search_degraded_total", "Hybrid searches that went on without vectors.");
    describe_histogram!("search_stage_seconds", "Time of a search's stages: embed, wait, legs, fuse, read.");
    describe_counter!("query_cache_requests_total", "Query vectors by whether the cache had them.");
    describe_counter!("ingest_documents_total", "Documents by what became of them.");
    describe_histogram!("ingest_stage_seconds", "Time of a document's stages: split, write.");
    describe_histogram!("ingest_embed_seconds", "Time of a call to the embedder.");
    describe_histogram!("ingest_embed_batch_texts", "Texts of a call to the embedder.");
    describe_counter!("ingest_embedded_passages_total", "Passages that were embedded.");
    describe_counter!("ingest_reused_vectors_total", "Passages whose vector was known from a copy.");
    describe_counter!("ingest_embed_failures_total", "Calls to the embedder that failed.");
    describe_gauge!(
        "engine_ready",
        "1 when the log has been followed to its head since the start, and is being followed."
    );
    describe_gauge!("engine_follow_age_seconds", "Time since the change log was last read.");
    describe_gauge!("engine_version_lag", "Commits that the store has and the indexes do not show yet.");
    describe_counter!(
        "engine_follow_rebuilds_total",
        "Times that the trimmed log was behind, and the indexes were built anew."
    );
    describe_counter!("engine_upkeep_rounds_total", "Rounds of upkeep by job.");
    describe_counter!("engine_upkeep_done_total", "Things that upkeep took away or made, by job.");
    describe_counter!("engine_upkeep_failures_total", "Rounds of upkeep that failed, by job.");
    describe_histogram!("engine_upkeep_seconds", "Time of a round of upkeep, by job.");
    describe_counter!("engine_snapshots_made_total", "Snapshots that this process made.");
    describe_counter!("engine_snapshot_bytes_total", "Bytes of the snapshots that this process made.");
    describe_counter!("engine_snapshots_loaded_total", "Snapshots that were taken up.");
    describe_counter!("engine_snapshots_refused_total", "Snapshots that could not be taken up.");
    describe_counter!("engine_backup_objects_total", "Objects of the backup by what was done or found.");
    describe_counter!("engine_backup_bytes_total", "Bytes that this process brought to the backup.");
    describe_gauge!("engine_backup_lag_seconds", "For how long something has been missing in the backup.");
    describe_gauge!("collection_documents", "Documents of a collection.");
    describe_gauge!("collection_passages", "Passages of a collection.");
    describe_gauge!(
        "collection_recall",
        "Recall of a collection's approximate vector searches: the mean of the last samples."
    );
    describe_gauge!("collection_recall_target", "Recall that a collection's searches shall have.");
    describe_gauge!("collection_search_effort", "Effort (ef) of a collection's searches that do not bring their own.");
    describe_counter!("collection_recall_samples_total", "Searches that were answered exactly as well.");
    describe_counter!("collection_recall_dropped_total", "Searches that were to be, and for which there was no time.");
    describe_histogram!("recall_check_seconds", "Time of answering a search exactly.");
    describe_counter!("auth_requests_total", "Requests by what the guard said.");
    describe_counter!("auth_logins_total", "Logins by result.");
    describe_counter!("auth_throttled_total", "Attempts to log in that were too many, by account or address.");
    describe_counter!("auth_touches_total", "Uses of sessions by whether they were written down.");
    describe_counter!("auth_refresh_reuse_total", "Refresh tokens that were used again, and ended their session.");
    describe_counter!("auth_sessions_deleted_total", "Sessions that the clean-up deleted, by reason.");
    describe_gauge!("gateway_sockets", "Sockets to workspaces that are open.");
    describe_counter!("gateway_sockets_shed_total", "Sockets that found no place, by whose places were taken.");
    describe_counter!("quota_refusals_total", "Requests that a limit refused, by whose it is and what of.");
}

/// The labels of a collection's gauges.
fn labels(tenant: &str, collection: &str) -> [(&'static str, String); 2] {
    [("tenant", tenant.to_owned()), ("collection", collection.to_owned())]
}

/// A dropped collection has nothing any more.
pub(crate) fn forget_collection(tenant: &str, name: &str) {
    let labels = &labels(tenant, name);
    metrics::gauge!("collection_documents", labels).set(0.0);
    metrics::gauge!("collection_passages", labels).set(0.0);
    // Recall of nothing is no number: a zero would look like a failure.
    metrics::gauge!("collection_recall", labels).set(f64::NAN);
    metrics::gauge!("collection_recall_target", labels).set(f64::NAN);
    metrics::gauge!("collection_search_effort", labels).set(f64::NAN);
}

/// Sets the gauges that are read from the engine.
pub async fn measure(app: &App) {
    let state = app.engine.readiness();
    metrics::gauge!("engine_ready").set(if state.ready && !state.is_behind() { 1.0 } else { 0.0 });
    metrics::gauge!("engine_follow_age_seconds").set(state.age.map_or(f64::NAN, |age| age.as_secs_f64()));
    let transaction = app.store.begin();
    let head = tokio::time::timeout(Duration::from_secs(1), transaction.read_version());
    if let Ok(Ok(head)) = head.await {
        metrics::gauge!("engine_version_lag").set(head.saturating_sub(state.version.commit()) as f64);
    }
    let collections = tokio::time::timeout(Duration::from_secs(1), app.engine.collections()).await;
    if let Ok(Ok(collections)) = collections {
        for (tenant, info) in collections.iter().take(limits::METRICS_COLLECTIONS) {
            let labels = labels(tenant.as_str(), info.name.as_str());
            metrics::gauge!("collection_documents", &labels).set(info.documents as f64);
            metrics::gauge!("collection_passages", &labels).set(info.passages as f64);
            measure_search(&labels, &info.search);
        }
    }
}

fn measure_search(labels: &[(&'static str, String); 2], search: &SearchInfo) {
    if let Some(recall) = search.recall {
        metrics::gauge!("collection_recall", labels).set(recall);
    }
    metrics::gauge!("collection_recall_target", labels).set(search.settings.recall_target);
    metrics::gauge!("collection_search_effort", labels).set(search.effort as f64);
    metrics::counter!("collection_recall_samples_total", labels).absolute(search.checked);
    metrics::counter!("collection_recall_dropped_total", labels).absolute(search.dropped);
}

//! Checks that the types of settings cannot express: ranges, and what belongs together.

use axum::http::{HeaderValue, Uri};
use coditect_auth::KeyRing;
use coditect_engine::Bucket;
use coditect_engine::model::TenantId;
use coditect_ingest::embed::ProviderKind;
use coditect_workspaces::limits as bounds;
use tracing_subscriber::EnvFilter;

use super::{ClusterKind, GatewaySettings, Limits, Recall, Settings, StoreBackend, StoreSettings, WorkspacesSettings};
use crate::limits;

/// A setting at fault.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) key: String,
    pub(super) message: String,
}

type Result<T = ()> = std::result::Result<T, Fault>;

fn fault<T>(key: &str, message: impl Into<String>) -> Result<T> {
    Err(Fault { key: key.into(), message: message.into() })
}

/// The first fault, if there is one.
pub(super) fn check(settings: &Settings) -> Result {
    check_auth(settings)?;
    if let Err(error) = EnvFilter::try_new(&settings.log.level) {
        return fault("log.level", error.to_string());
    }
    if !(32..=8_192).contains(&settings.chunking.target_tokens) {
        return fault("chunking.target_tokens", "must be 32 to 8192");
    }
    if settings.query_cache_mb > 65_536 {
        return fault("query_cache_mb", "must be at most 65536");
    }
    check_store(&settings.store)?;
    check_snapshots(settings)?;
    settings.cors.origins.iter().try_for_each(|origin| check_origin(origin))?;
    check_embedder(settings)?;
    check_recall(&settings.recall)?;
    check_gateway(&settings.gateway)?;
    check_workspaces(&settings.workspaces)?;
    check_limits(&settings.limits)
}

fn check_auth(settings: &Settings) -> Result {
    let auth = &settings.auth;
    let is_reached = !settings.listen.ip().is_loopback();
    if is_reached && auth.jwt_secret.is_none() {
        return fault(
            "auth.jwt_secret",
            format!(
                "{} can be reached from other machines: set JWT_SECRET to a secret of at least {} bytes, the same for all servers \
                 and services that share sessions (openssl rand -base64 48 makes one)",
                settings.listen,
                coditect_auth::limits::SECRET_BYTES
            ),
        );
    }
    if let Some(secret) = &auth.jwt_secret
        && let Err(error) = KeyRing::new(secret, &auth.previous_secrets)
    {
        return fault("auth.jwt_secret", error.to_string());
    }
    if let Err(error) = TenantId::new(auth.shared_tenant.as_str()) {
        return fault("auth.shared_tenant", error.to_string());
    }
    if auth.issuer.is_empty() || auth.audience.as_ref().is_some_and(String::is_empty) {
        return fault("auth.issuer", "neither issuer nor audience can be empty");
    }
    let ranges = [
        ("auth.token_life_s", auth.token_life_s, 60, 30 * 86_400),
        ("auth.proxies", auth.proxies as u64, 0, 16),
        ("auth.cleanup_interval_s", auth.cleanup_interval_s, 0, 30 * 86_400),
        ("auth.audit_kept_s", auth.audit_kept_s, 3_600, 3_153_600_000),
    ];
    check_ranges(&ranges)?;
    match (&settings.tls.certificate, &settings.tls.key) {
        (Some(_), None) => fault("tls.key", "tls.certificate needs its private key"),
        (None, Some(_)) => fault("tls.certificate", "tls.key needs its certificate"),
        _ => Ok(()),
    }
}

fn check_store(store: &StoreSettings) -> Result {
    if store.backend == StoreBackend::Fdb && !cfg!(feature = "fdb") {
        return fault(
            "store.backend",
            "this program was built without FoundationDB: build it with --features fdb (docs/operations.md)",
        );
    }
    if store.cluster_file.is_some() && store.cluster_string.is_some() {
        return fault("store.cluster_string", "store.cluster_file is set too: keep one of them");
    }
    if !(100..=3_600_000).contains(&store.start_timeout_ms) {
        return fault("store.start_timeout_ms", "must be 100 to 3600000");
    }
    Ok(())
}

fn check_snapshots(settings: &Settings) -> Result {
    if !(1..=100).contains(&settings.snapshots.keep) {
        return fault("snapshots.keep", "must be 1 to 100");
    }
    if !(10..=604_800).contains(&settings.snapshots.interval_s) {
        return fault("snapshots.interval_s", "must be 10 to 604800");
    }
    if !(3_600..=315_360_000).contains(&settings.backup.history_s) {
        return fault("backup.history_s", "must be 3600 to 315360000");
    }
    match settings.bucket.as_ref().map(|url| Bucket::open(url, [])) {
        Some(Err(error)) => fault("bucket", error.to_string()),
        _ => Ok(()),
    }
}

fn check_origin(origin: &str) -> Result {
    if origin == "*" {
        return fault("cors.origins", "* would let every web page read the knowledge base: name the origins");
    }
    let parsed = origin.parse::<Uri>().ok().filter(|uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        scheme && uri.authority().is_some() && uri.path() == "/" && uri.query().is_none() && !origin.ends_with('/')
    });
    match parsed.is_some() && HeaderValue::from_str(origin).is_ok() {
        true => Ok(()),
        false => fault("cors.origins", format!("{origin} is not an origin such as https://ide.example.com")),
    }
}

fn check_embedder(settings: &Settings) -> Result {
    let embedder = &settings.embedder;
    match embedder.provider {
        ProviderKind::Vertex if embedder.vertex.project.is_empty() => {
            fault("embedder.vertex.project", "provider vertex needs a project: set GCP_PROJECT")
        }
        ProviderKind::OpenAi if embedder.openai.model.is_empty() => {
            fault("embedder.openai.model", "provider openai needs a model")
        }
        _ => Ok(()),
    }
}

fn check_recall(recall: &Recall) -> Result {
    if !(0.0..=1.0).contains(&recall.sample_share) {
        return fault("recall.sample_share", "must be 0 to 1");
    }
    if !(0.001..=1.0).contains(&recall.cpu_share) {
        return fault("recall.cpu_share", "must be 0.001 to 1; recall.sample_share = 0 switches it off");
    }
    Ok(())
}

fn check_gateway(given: &GatewaySettings) -> Result {
    check_ranges(&[
        ("gateway.sockets", given.sockets as u64, 1, 1_000_000),
        ("gateway.sockets_per_user", given.sockets_per_user as u64, 1, 1_000_000),
    ])
}

fn check_workspaces(given: &WorkspacesSettings) -> Result {
    if given.cluster != ClusterKind::None && given.gateway_url.is_none() {
        return fault("workspaces.gateway_url", "a cluster needs to know where its pods reach this server");
    }
    if given.api_url.is_some() && given.kubeconfig.is_some() {
        return fault("workspaces.kubeconfig", "workspaces.api_url is set too: keep one of them");
    }
    let (of_user, of_tenant) = (bounds::PER_USER_MOST as u64, bounds::PER_TENANT_MOST as u64);
    let ranges: [(&str, u64, u64, u64); 12] = [
        ("workspaces.per_user", given.per_user as u64, 1, of_user),
        ("workspaces.per_tenant", given.per_tenant as u64, 1, of_tenant),
        ("workspaces.idle_after_s", given.idle_after_s, 0, 365 * 86_400),
        ("workspaces.settle_within_s", given.settle_within_s, 10, 86_400),
        ("workspaces.attempts", given.attempts.into(), 1, 100),
        ("workspaces.failed_retry_s", given.failed_retry_s, 1, 86_400),
        ("workspaces.keep_deleted_s", given.keep_deleted_s, 600, 30 * 86_400),
        ("workspaces.resync_s", given.resync_s, 1, 86_400),
        ("workspaces.recheck_s", given.recheck_s, 1, 3_600),
        ("workspaces.concurrency", given.concurrency as u64, 1, 1_000),
        ("workspaces.lease_s", given.lease_s, 3, 3_600),
        ("workspaces.requests_per_s", given.requests_per_s.into(), 1, 100_000),
    ];
    check_ranges(&ranges)
}

fn check_limits(given: &Limits) -> Result {
    let ranges: [(&str, u64, u64, u64); 9] = [
        ("limits.body_bytes", given.body_bytes, 1_024, limits::BODY_BYTES_MAX),
        ("limits.body_timeout_ms", given.body_timeout_ms, 10, 3_600_000),
        ("limits.batch_documents", given.batch_documents as u64, 1, 10_000),
        ("limits.read_timeout_ms", given.read_timeout_ms, 10, 3_600_000),
        ("limits.write_timeout_ms", given.write_timeout_ms, 10, 86_400_000),
        ("limits.read_concurrency", given.read_concurrency as u64, 1, 100_000),
        ("limits.write_concurrency", given.write_concurrency as u64, 1, 100_000),
        ("limits.connections", given.connections as u64, 1, 1_000_000),
        ("limits.shutdown_ms", given.shutdown_ms, 0, 3_600_000),
    ];
    check_ranges(&ranges)
}

fn check_ranges(ranges: &[(&str, u64, u64, u64)]) -> Result {
    for (key, value, least, most) in ranges {
        if !(least..=most).contains(&value) {
            return fault(key, format!("{value} is out of range, {least} to {most} are allowed"));
        }
    }
    Ok(())
}

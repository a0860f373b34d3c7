//! The table of all settings: their keys, environment variables, defaults and meanings. Everything else about settings
//! (unknown keys, the environment, `--print-config`, docs/configuration.md) follows it.

/// How a setting's text in the environment or after `--set` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text as it is.
    Text,
    /// A whole number.
    Number,
    /// A number that need not be whole.
    Decimal,
    /// Texts between commas.
    List,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its path in the file.
    pub key: &'static str,
    /// How its text is read.
    pub kind: Kind,
    /// Its default as TOML; empty when it is unset.
    pub default: &'static str,
    /// Environment variables besides `CODITECT_` and the key, which goes first.
    pub variables: &'static [&'static str],
    /// What it is for.
    pub help: &'static str,
}

impl Setting {
    /// Whether its value must not be shown.
    pub fn is_secret(&self) -> bool {
        ["api_key", "password", "secret", "secrets"].iter().any(|end| self.key.ends_with(end))
    }

    /// Its own environment variable: `CODITECT_LIMITS_BODY_BYTES` for `limits.body_bytes`.
    pub fn variable(&self) -> String {
        format!("CODITECT_{}", self.key.to_ascii_uppercase().replace('.', "_"))
    }

    /// The setting with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

const fn text(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind: Kind::Text, default, variables: &[], help }
}

const fn number(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind: Kind::Number, default, variables: &[], help }
}

const fn decimal(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind: Kind::Decimal, default, variables: &[], help }
}

const fn list(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind: Kind::List, default, variables: &[], help }
}

const fn also(setting: Setting, variables: &'static [&'static str]) -> Setting {
    Setting { variables, ..setting }
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    text("listen", "\"127.0.0.1:8080\"", "Address to listen on; port 0 takes a free one."),
    text("address_file", "", "File that the address is written to once the server listens."),
    text("data_dir", "\"./data\"", "Folder of the embedded store and of scratch files; made when it is missing."),
    text(
        "store.backend",
        "\"embedded\"",
        "Where everything is kept: embedded (in data_dir) or fdb (a FoundationDB cluster).",
    ),
    also(
        text("store.cluster_file", "", "Cluster file; fdb.cluster here or in /etc/foundationdb when neither is set."),
        &["FDB_CLUSTER_FILE"],
    ),
    also(
        text("store.cluster_string", "", "Content of a cluster file, description:id@host:port,…, in place of one."),
        &["FDB_CLUSTER_STRING"],
    ),
    number("store.start_timeout_ms", "15000", "How long the start waits for the cluster to answer, milliseconds."),
    also(
        text("store.tls.certificate", "", "File of the certificate chain shown to the cluster, PEM."),
        &["FDB_TLS_CERTIFICATE_FILE"],
    ),
    also(text("store.tls.key", "", "File of its private key, PEM."), &["FDB_TLS_KEY_FILE"]),
    also(
        text("store.tls.ca", "", "File of the authorities that sign the cluster's certificates, PEM."),
        &["FDB_TLS_CA_FILE"],
    ),
    also(
        text("store.tls.verify_peers", "", "What the cluster's certificates must say, as Check.Valid=1,S.CN=…."),
        &["FDB_TLS_VERIFY_PEERS"],
    ),
    also(text("store.tls.password", "", "Passphrase of the private key."), &["FDB_TLS_PASSWORD"]),
    also(
        text(
            "bucket",
            "",
            "Object storage for snapshots and backup: gs://bucket/prefix, s3://bucket/prefix or file:///folder; none when unset.",
        ),
        &["KNOWLEDGE_BUCKET"],
    ),
    number(
        "snapshots.interval_s",
        "900",
        "Age of its last snapshot at which a collection that has changed gets another, seconds.",
    ),
    number("snapshots.keep", "2", "Snapshots that are kept of a collection."),
    text("backup.mode", "\"on\"", "Whether every document is backed up where there is a bucket: on or off."),
    number(
        "backup.history_s",
        "604800",
        "How long it stays possible to go back to a state that was replaced or removed, seconds.",
    ),
    also(
        text(
            "auth.jwt_secret",
            "",
            "What tokens are signed with, at least 32 bytes; made at the first start on a loopback address.",
        ),
        &["JWT_SECRET"],
    ),
    also(
        list("auth.previous_secrets", "[]", "Earlier secrets, whose tokens are still believed."),
        &["JWT_PREVIOUS_SECRETS"],
    ),
    text("auth.issuer", "\"coditect\"", "Who makes tokens (claim iss); those of others are refused."),
    text("auth.audience", "", "Whom tokens are made for (claim aud); without it, tokens for somebody are refused."),
    number("auth.token_life_s", "86400", "Life of a token, seconds; its session may end it before."),
    text(
        "auth.registration",
        "\"invitation\"",
        "Who may register: closed, invitation, or open (also whoever founds a tenant).",
    ),
    text(
        "auth.shared_tenant",
        "\"shared\"",
        "The tenant whose collections all may read, and only its administrators write.",
    ),
    number("auth.proxies", "0", "Proxies in front of the server that add to x-forwarded-for; 0 believes none."),
    number("auth.cleanup_interval_s", "3600", "How often the server deletes sessions that are over, seconds; 0 never."),
    number("auth.audit_kept_s", "31536000", "How long entries of the audit log stay, seconds."),
    number("quotas.tenant.requests_per_s", "0", "Requests of a tenant in a second; 0 sets no limit."),
    number(
        "quotas.tenant.documents_per_min",
        "0",
        "Documents that a tenant writes or deletes in a minute; 0 sets no limit.",
    ),
    number("quotas.tenant.bytes_per_min", "0", "Bytes of documents that a tenant writes in a minute; 0 sets no limit."),
    number("quotas.caller.requests_per_s", "0", "Requests of one user or service token in a second; 0 sets no limit."),
    number(
        "quotas.caller.documents_per_min",
        "0",
        "Documents that one of them writes or deletes in a minute; 0 sets no limit.",
    ),
    number(
        "quotas.caller.bytes_per_min",
        "0",
        "Bytes of documents that one of them writes in a minute; 0 sets no limit.",
    ),
    text("tls.certificate", "", "File of the certificate chain, PEM: the server speaks HTTPS."),
    text("tls.key", "", "File of the certificate's private key, PEM."),
    text("metrics.listen", "", "Address that answers /metrics, without sign-in; none when unset."),
    number("gateway.sockets", "10000", "Sockets to workspaces at once; further ones are turned away."),
    number("gateway.sockets_per_user", "100", "Sockets to workspaces of one user at once."),
    text("gateway.cookie", "\"coditect_token\"", "Cookie that may bring the token of a socket."),
    text(
        "sidecar.workspace",
        "",
        "Id of a workspace on this machine whose sockets the server serves; none when unset.",
    ),
    text("sidecar.tenant", "\"default\"", "The tenant of its user."),
    text("sidecar.user", "", "Id of the user whose workspace it is; needed with sidecar.workspace."),
    text("sidecar.upstream", "\"http://127.0.0.1:3000\"", "Where the workspace listens."),
    text("workspaces.cluster", "\"none\"", "The cluster that users' workspaces run in: none or kubernetes."),
    text(
        "workspaces.api_url",
        "",
        "Address of the Kubernetes API without credentials, as of kubectl proxy; the service account or the kubeconfig when unset.",
    ),
    text("workspaces.kubeconfig", "", "Kubeconfig in place of the usual one."),
    text(
        "workspaces.template_dir",
        "",
        "Folder of templates of workspaces; built-in ones stand in for what is missing.",
    ),
    text("workspaces.image", "", "Image of the workspace; the template's when unset."),
    text("workspaces.sidecar_image", "", "Image of the sidecar; the template's when unset."),
    text("workspaces.gateway_url", "", "Where pods reach the servers; needed with a cluster."),
    text("workspaces.gateway_ca", "", "File of who signed the servers' certificate, for sidecars, PEM."),
    number("workspaces.per_user", "1", "Workspaces that one user may have."),
    number("workspaces.per_tenant", "1000", "Workspaces that the users of a tenant may have together."),
    number(
        "workspaces.idle_after_s",
        "3600",
        "A workspace that nobody uses for so long is suspended, seconds; 0 for never.",
    ),
    number("workspaces.settle_within_s", "600", "What is not done after so long has failed, seconds."),
    number("workspaces.attempts", "5", "Failures in a row after which a workspace has failed."),
    number("workspaces.failed_retry_s", "600", "Pause between attempts after that, seconds."),
    number("workspaces.keep_deleted_s", "3600", "How long a deleted workspace is still shown, seconds."),
    number("workspaces.resync_s", "300", "Pause between rounds over all workspaces, seconds."),
    number("workspaces.recheck_s", "10", "Pause between looks at a workspace that is on its way, seconds."),
    number("workspaces.concurrency", "8", "Workspaces that are worked on at once."),
    number(
        "workspaces.lease_s",
        "30",
        "How long the others wait for the server that keeps the cluster when it does not answer, seconds; the same for all.",
    ),
    number("workspaces.requests_per_s", "50", "Requests to the Kubernetes API in a second, over time."),
    list("hosts", "[]", "Host names that requests may be addressed to, besides loopback ones."),
    number("query_cache_mb", "32", "Memory for vectors of recent queries, mebibytes; 0 keeps none."),
    text("embedder.provider", "\"local\"", "What embeds texts: local, vertex or openai."),
    also(
        text(
            "embedder.local.model_dir",
            "",
            "Folder of a sentence-transformers model; where scripts/fetch_model.py puts it when unset.",
        ),
        &["CODITECT_MODEL_DIR"],
    ),
    also(
        text(
            "embedder.local.onnxruntime",
            "",
            "ONNX Runtime's library; where scripts/fetch_model.py puts it when unset.",
        ),
        &["CODITECT_ONNXRUNTIME", "ORT_DYLIB_PATH"],
    ),
    text("embedder.local.precision", "\"f32\"", "Number format of the model: f32 or int8."),
    number("embedder.local.document_threads", "", "Threads that embed documents; one for each processor when unset."),
    number("embedder.local.query_threads", "", "Threads that embed queries; one for each four processors when unset."),
    also(text("embedder.vertex.project", "\"\"", "Google Cloud project; needed for vertex."), &["GCP_PROJECT"]),
    also(text("embedder.vertex.region", "\"us-central1\"", "Region, or global."), &["VERTEX_AI_REGION"]),
    text("embedder.vertex.model", "\"text-embedding-004\"", "Publisher model."),
    number("embedder.vertex.dimension", "", "Length of a vector; the model's own when unset."),
    text("embedder.vertex.endpoint", "", "Base URL in place of Google's, for private endpoints."),
    number("embedder.vertex.http.timeout_ms", "60000", "Longest wait for one answer about documents, milliseconds."),
    number(
        "embedder.vertex.http.query_timeout_ms",
        "10000",
        "Longest wait for one answer about a query, milliseconds.",
    ),
    number("embedder.vertex.http.retries", "6", "Attempts after the first."),
    number("embedder.vertex.http.backoff_ms", "500", "First pause before a retry, milliseconds; doubles each time."),
    number("embedder.vertex.http.max_backoff_ms", "60000", "Longest pause before a retry, milliseconds."),
    number("embedder.vertex.http.concurrency", "4", "Requests about documents at once."),
    text("embedder.openai.base_url", "\"https://api.openai.com/v1\"", "Base URL; /embeddings is appended."),
    text("embedder.openai.model", "\"\"", "Model; needed for openai."),
    also(text("embedder.openai.api_key", "", "Bearer token; some servers need none."), &["OPENAI_API_KEY"]),
    number("embedder.openai.dimension", "", "Length of a vector, for models that can shorten theirs."),
    number("embedder.openai.batch", "128", "Most texts in one request."),
    number("embedder.openai.max_tokens", "512", "Most tokens that the model reads of a text; passages are cut to fit."),
    text("embedder.openai.query_prefix", "\"\"", "Put before every query."),
    text("embedder.openai.document_prefix", "\"\"", "Put before every passage."),
    number("embedder.openai.http.timeout_ms", "60000", "Longest wait for one answer about documents, milliseconds."),
    number(
        "embedder.openai.http.query_timeout_ms",
        "10000",
        "Longest wait for one answer about a query, milliseconds.",
    ),
    number("embedder.openai.http.retries", "6", "Attempts after the first."),
    number("embedder.openai.http.backoff_ms", "500", "First pause before a retry, milliseconds; doubles each time."),
    number("embedder.openai.http.max_backoff_ms", "60000", "Longest pause before a retry, milliseconds."),
    number("embedder.openai.http.concurrency", "4", "Requests about documents at once."),
    text(
        "late_interaction",
        "\"auto\"",
        "Keep passages' tokens to rank by: auto (where the embedder is local), on (load the local model also beside a remote \
         embedder) or off.",
    ),
    number(
        "chunking.target_tokens",
        "180",
        "Tokens that a passage is packed up to; another value re-embeds documents when they are next sent.",
    ),
    decimal(
        "recall.sample_share",
        "0.01",
        "Share of the approximate vector searches that are answered exactly as well, to measure recall; 0 checks none.",
    ),
    decimal("recall.cpu_share", "0.02", "Share of one processor that this may take; further samples are dropped."),
    number("limits.body_bytes", "33554432", "Largest request body, bytes."),
    number("limits.body_timeout_ms", "30000", "Longest wait for a request's body, milliseconds."),
    number("limits.batch_documents", "256", "Most documents of one batch."),
    number("limits.read_timeout_ms", "30000", "Longest handling of a request that reads, milliseconds."),
    number("limits.write_timeout_ms", "600000", "Longest handling of a request that writes, milliseconds."),
    number("limits.read_concurrency", "256", "Requests that read and are handled at once; further ones get 503."),
    number("limits.write_concurrency", "16", "Requests that write and are handled at once; further ones get 503."),
    number("limits.connections", "1024", "Open connections; further ones wait."),
    number("limits.shutdown_ms", "20000", "How long requests under way may take to finish at shutdown, milliseconds."),
    list("cors.origins", "[]", "Origins of web pages that may call the API, such as https://ide.example.com."),
    also(
        text("log.level", "\"info\"", "A level, or directives such as info,coditect_server=debug."),
        &["CODITECT_LOG", "RUST_LOG"],
    ),
    text("log.format", "\"text\"", "text or json."),
];

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Toml};

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_table_has_the_defaults_of_the_structs() {
        let from_table =
            SETTINGS.iter().filter(|setting| !setting.default.is_empty()).fold(Figment::new(), |figment, setting| {
                figment.merge(Toml::string(&format!("{} = {}", setting.key, setting.default)))
            });
        let from_table: Settings = from_table.extract().unwrap();
        assert_eq!(format!("{from_table:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn every_key_of_the_table_is_a_setting() {
        for setting in SETTINGS {
            let value = match (setting.default, setting.kind) {
                ("", Kind::Text) if setting.key == "metrics.listen" => "\"127.0.0.1:9464\"",
                ("", Kind::Text) => "\"x\"",
                ("", Kind::Number) => "1",
                (default, _) => default,
            };
            let toml = format!("{} = {value}", setting.key);
            let extracted = Figment::new().merge(Toml::string(&toml)).extract::<Settings>();
            assert!(extracted.is_ok(), "{}: {}", setting.key, extracted.unwrap_err());
        }
    }

    #[test]
    fn keys_and_variables_are_unique() {
        let mut names: Vec<String> = SETTINGS.iter().map(|setting| setting.variable()).collect();
        names.extend(SETTINGS.iter().flat_map(|setting| setting.variables).map(|name| (*name).to_owned()));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_guide_names_every_setting() {
        let guide = include_str!("../../../docs/configuration.md");
        for setting in SETTINGS {
            assert!(
                guide.contains(&format!("`{}`", setting.key)),
                "docs/configuration.md does not name {}",
                setting.key
            );
            for variable in setting.variables {
                assert!(guide.contains(variable), "docs/configuration.md does not name {variable}");
            }
        }
    }
}

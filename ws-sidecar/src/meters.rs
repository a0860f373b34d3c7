//! What is measured. Handles are taken once, so that counting costs an addition.

use metrics::{Counter, Gauge, Histogram};

/// Handles of everything that is counted for each byte or message.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) connections: Gauge,
    pub(crate) queued_bytes: Gauge,
    pub(crate) from_client_bytes: Counter,
    pub(crate) from_workspace_bytes: Counter,
    pub(crate) client_round_trip: Histogram,
    pub(crate) workspace_round_trip: Histogram,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            connections: metrics::gauge!("ws_connections"),
            queued_bytes: metrics::gauge!("ws_queued_bytes"),
            from_client_bytes: metrics::counter!("ws_bytes_total", "from" => "client"),
            from_workspace_bytes: metrics::counter!("ws_bytes_total", "from" => "workspace"),
            client_round_trip: metrics::histogram!("ws_round_trip_seconds", "with" => "client"),
            workspace_round_trip: metrics::histogram!("ws_round_trip_seconds", "with" => "workspace"),
        }
    }
}

/// A connection ended.
pub(crate) fn closed(code: u16, by: &'static str) {
    metrics::counter!("ws_closes_total", "code" => code.to_string(), "by" => by).increment(1);
}

/// A connection was refused, for this reason.
pub(crate) fn refused(reason: &'static str) {
    metrics::counter!("ws_refused_total", "reason" => reason).increment(1);
}

/// The workspace was away, and this is how that ended.
pub(crate) fn bridged(result: &'static str) {
    metrics::counter!("ws_bridges_total", "result" => result).increment(1);
}

/// A client came back to its channel, or not.
pub(crate) fn resumed(result: &'static str) {
    metrics::counter!("ws_resumes_total", "result" => result).increment(1);
}

/// Says what each means.
pub(crate) fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("ws_connections", "WebSocket connections, and channels whose client is away.");
    describe_gauge!("ws_queued_bytes", "Bytes that wait to be sent, in both directions.");
    describe_counter!("ws_bytes_total", "Bytes of messages that were read, by where from.");
    describe_histogram!("ws_round_trip_seconds", "Time from a heartbeat to its answer, by with whom.");
    describe_counter!("ws_closes_total", "Connections that ended, by close code and by who ended them.");
    describe_counter!("ws_refused_total", "Connections that were refused, by reason.");
    describe_counter!("ws_bridges_total", "Times that the workspace was away, by how that ended.");
    describe_counter!("ws_resumes_total", "Times that a client wanted its channel back, by result.");
    describe_counter!("ws_http_requests_total", "Plain requests to the workspace, by status.");
}

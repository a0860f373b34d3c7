//! The record of a session: an interface that the IDE and other services read and write, at the key `{tenant_id}/session/{session_id}`, as JSON.

use coditect_store::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::ids::{SessionId, UserId};
use crate::limits;

/// A session. Names, order and form of the fields are fixed; fields of other services stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The user's tenant.
    pub tenant_id: TenantId,
    /// The workspace that the IDE has open; empty for none.
    pub workspace_id: String,
    /// Namespace of the workspace's pod.
    pub pod_namespace: Option<String>,
    /// The workspace's pod.
    pub pod_name: Option<String>,
    /// Whether the IDE's socket is connected.
    pub websocket_connected: bool,
    /// Whether it may be used.
    pub status: SessionStatus,
    /// When it began (ISO 8601).
    pub created_at: Timestamp,
    /// When it was last used (ISO 8601), at most [`limits::TOUCH_EVERY`] late.
    pub last_access_at: Timestamp,
    /// What the client said of itself at login.
    pub metadata: Option<Value>,
    /// Fields of other services.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Whether a session may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    /// It may.
    Active,
    /// Not for now.
    Suspended,
    /// No more.
    Terminated,
    /// A word of another service: it may not.
    #[serde(untagged)]
    Other(String),
}

impl Session {
    /// Whether it was not used for so long that it is over.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_access_at)
            > jiff::SignedDuration::try_from(limits::SESSION_IDLE).unwrap_or_default()
    }

    /// Whether it may be used now.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            SessionStatus::Active if self.is_idle(now) => Err(Refusal::Idle),
            SessionStatus::Active => Ok(()),
            SessionStatus::Terminated => Err(Refusal::Terminated),
            SessionStatus::Suspended | SessionStatus::Other(_) => Err(Refusal::Suspended),
        }
    }

    /// The record's bytes.
    ///
    /// # Errors
    /// `Internal` for metadata that JSON has no form for.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal("encode a session").caused_by(error))
    }

    /// The record in these bytes.
    ///
    /// # Errors
    /// `Corrupt` when they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::new(ErrorKind::Corrupt, "read a session's record").caused_by(error))
    }
}

/// A point in time as records say it: to the millisecond.
#[must_use]
pub fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that the IDE and other services read and write. They cannot change.
    const PINNED: &str = "{\"session_id\":\"0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e\",\"user_id\":\"u-1\",\"tenant_id\":\"acme\",\
        \"workspace_id\":\"ws-7\",\"pod_namespace\":null,\"pod_name\":\"ws-7-0\",\"websocket_connected\":false,\
        \"status\":\"active\",\"created_at\":\"2026-03-01T09:30:00Z\",\"last_access_at\":\"2026-03-01T09:45:12.345Z\",\
        \"metadata\":{\"client\":\"ide\"}}";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_record_is_the_interface_byte_for_byte() {
        let session = Session::decode(PINNED.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(session.encode().unwrap()).unwrap(), PINNED);
        assert_eq!(session.status, SessionStatus::Active);
        assert_eq!((session.workspace_id.as_str(), session.pod_name.as_deref()), ("ws-7", Some("ws-7-0")));
    }

    #[test]
    fn records_of_other_services_are_read_and_keep_what_is_theirs() {
        let theirs = PINNED
            .replace("09:30:00Z", "09:30:00.123456789+00:00")
            .replace("\"active\"", "\"paused\"")
            .replace("}}", "},\"theirs\":[1,2]}");
        let session = Session::decode(theirs.as_bytes()).unwrap();
        assert_eq!(session.created_at, at("2026-03-01T09:30:00.123456789Z"));
        assert_eq!(session.status, SessionStatus::Other("paused".into()));
        assert_eq!(session.check(at("2026-03-01T10:00:00Z")), Err(Refusal::Suspended));
        let again = String::from_utf8(session.encode().unwrap()).unwrap();
        assert!(again.contains("\"status\":\"paused\"") && again.ends_with("\"theirs\":[1,2]}"), "{again}");
    }

    #[test]
    fn a_session_is_over_after_a_day_without_use() {
        let session = Session::decode(PINNED.as_bytes()).unwrap();
        assert_eq!(session.check(at("2026-03-02T09:45:12.345Z")), Ok(()));
        assert_eq!(session.check(at("2026-03-02T09:45:12.346Z")), Err(Refusal::Idle));
        for (status, refusal) in [("suspended", Refusal::Suspended), ("terminated", Refusal::Terminated)] {
            let session = Session::decode(PINNED.replace("active", status).as_bytes()).unwrap();
            assert_eq!(session.check(at("2026-03-01T10:00:00Z")), Err(refusal));
        }
    }

    #[test]
    fn what_is_no_record_is_told() {
        for bad in
            ["", "null", "[]", "{}", &PINNED.replace("acme", "../acme"), &PINNED.replace("2026-03-01T09:30", "x")]
        {
            assert_eq!(*Session::decode(bad.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt, "{bad}");
        }
    }
}

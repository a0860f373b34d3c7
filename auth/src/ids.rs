//! Identifiers as types.

use std::fmt;
use std::str::FromStr;

use coditect_store::Clock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::limits;

fn is_plain(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= limits::ID_BYTES && id.bytes().all(allowed)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $type:ident, $pointer:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks and wraps an id.
            ///
            /// # Errors
            /// `Invalid` when it is not 1 to 128 characters from `A-Z a-z 0-9 - _ .`.
            pub fn new(id: impl Into<String>) -> Result<Self> {
                let id = id.into();
                match is_plain(&id) {
                    true => Ok(Self(id)),
                    false => Err(Error::invalid($pointer, concat!($what, " is 1 to 128 characters from A-Z a-z 0-9 - _ ."))),
                }
            }

            /// A new id, greater than all before.
            #[must_use]
            pub fn made(clock: &Clock) -> Self {
                Self(clock.uuid().to_string())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(id: String) -> Result<Self> {
                Self::new(id)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A session's id: part of the key `{tenant_id}/session/{session_id}`. Ours are UUIDs; other services may choose theirs.
    SessionId, "/session_id", "a session's id"
);
text_id!(
    /// A user's id within its tenant. Ours are UUIDs; other services may choose theirs.
    UserId, "/user_id", "a user's id"
);

text_id!(
    /// A workspace's id within its tenant.
    WorkspaceId, "/workspace_id", "a workspace's id"
);

macro_rules! uuid_id {
    ($type:ty, $what:literal) => {
        impl $type {
            /// A new id, greater than all before.
            #[must_use]
            pub fn made(clock: &Clock) -> Self {
                Self(clock.uuid())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                // One spelling alone: what is shown in listings.
                let id = Uuid::try_parse(text).ok().filter(|id| id.to_string() == text);
                id.map(Self).ok_or_else(|| Error::not_found($what))
            }
        }
    };
}

/// A service token's id: public, unlike the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub(crate) Uuid);

/// An invitation's id: public, unlike its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InvitationId(pub(crate) Uuid);

/// A sidecar's id: another for each start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SidecarId(pub(crate) Uuid);

/// A connection's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub(crate) Uuid);

uuid_id!(TokenId, "token");
uuid_id!(SidecarId, "sidecar");
uuid_id!(ConnectionId, "connection");
uuid_id!(InvitationId, "invitation");

//! The messages of the resume protocol (docs/resume-protocol.md).

use serde::{Deserialize, Serialize};

use crate::limits;

/// The subprotocol that asks for a channel.
pub const PROTOCOL: &str = "coditect.resume.v1";

/// The first message of a client.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Opening {
    /// A new channel.
    Open,
    /// Back to a channel; everything up to `received` has arrived at the client.
    Resume {
        channel: String,
        received: u64,
        #[serde(default)]
        attempt: u64,
    },
}

/// What a client says later, besides envelopes.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromClient {
    Ack {
        received: u64,
    },
    Ping {
        id: serde_json::Number,
    },
    #[serde(other)]
    Unknown,
}

/// What the sidecar says, besides envelopes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToClient<'a> {
    Ready {
        channel: &'a str,
        resumed: bool,
        received: u64,
        protocol: &'a str,
        keep_ms: u64,
        buffer_bytes: usize,
        max_envelope_bytes: usize,
        max_message_bytes: u64,
    },
    Ack {
        received: u64,
    },
    Pong {
        id: serde_json::Number,
    },
    Workspace {
        state: WorkspaceState,
    },
    Closed {
        code: u16,
        reason: &'a str,
    },
}

/// Whether the workspace is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WorkspaceState {
    Away,
    Back,
}

impl ToClient<'_> {
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

const TEXT: u8 = 1;
const LAST: u8 = 2;

/// What is before an envelope's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) is_text: bool,
    pub(crate) is_last: bool,
    pub(crate) number: u64,
}

impl Head {
    pub(crate) fn encode(self) -> [u8; limits::ENVELOPE_HEAD_BYTES] {
        let mut bytes = [0; limits::ENVELOPE_HEAD_BYTES];
        bytes[0] = if self.is_text { TEXT } else { 0 } | if self.is_last { LAST } else { 0 };
        bytes[1..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// Reads a head; `None` for something that is none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first()?;
        let number = u64::from_be_bytes(*rest.first_chunk()?);
        let is_known = flags & !(TEXT | LAST) == 0;
        is_known.then_some(Self { is_text: flags & TEXT != 0, is_last: flags & LAST != 0, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back_and_others_are_told() {
        let head = Head { is_text: true, is_last: false, number: 1 << 40 };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        assert_eq!(Head::decode(&[4, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(Head::decode(&[0; 8]), None);
    }

    #[test]
    fn texts_are_those_of_the_document() {
        let opening = |text| serde_json::from_str::<Opening>(text).ok();
        assert_eq!(opening(r#"{"type":"open","more":1}"#), Some(Opening::Open));
        let resume = Opening::Resume { channel: "k".into(), received: 17, attempt: 0 };
        assert_eq!(opening(r#"{"type":"resume","channel":"k","received":17}"#), Some(resume));
        assert_eq!(opening(r#"{"type":"ack","received":1}"#), None);
        let later = |text| serde_json::from_str::<FromClient>(text).unwrap();
        assert_eq!(later(r#"{"type":"news","x":[]}"#), FromClient::Unknown);
        assert_eq!(later(r#"{"type":"ack","received":18}"#), FromClient::Ack { received: 18 });
        let away = ToClient::Workspace { state: WorkspaceState::Away };
        assert_eq!(away.text(), r#"{"type":"workspace","state":"away"}"#);
    }
}

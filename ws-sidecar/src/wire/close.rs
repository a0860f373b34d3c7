//! Close frames: a code and a reason (RFC 6455, section 7.4).

use bytes::Bytes;

use super::decoder::Violation;
use crate::limits;

/// Codes that we send.
pub(crate) mod code {
    /// Everything is said.
    pub(crate) const NORMAL: u16 = 1000;
    /// The other end goes away.
    pub(crate) const GOING_AWAY: u16 = 1001;
    /// Not a frame, or not in this place.
    pub(crate) const PROTOCOL: u16 = 1002;
    /// A text that is none.
    pub(crate) const NOT_TEXT: u16 = 1007;
    /// Too large.
    pub(crate) const TOO_LARGE: u16 = 1009;
    /// We restart, or the workspace did and could not be bridged.
    pub(crate) const RESTART: u16 = 1012;
    /// Not now.
    pub(crate) const TRY_LATER: u16 = 1013;
    /// The workspace does not speak WebSocket as it should.
    pub(crate) const BAD_GATEWAY: u16 = 1014;
    /// The other end does not keep to the resume protocol.
    pub(crate) const RESUME_PROTOCOL: u16 = 4400;
    /// The session is not, or no longer, in force.
    pub(crate) const UNAUTHENTICATED: u16 = 4401;
    /// This user may not use this workspace, or not any more.
    pub(crate) const FORBIDDEN: u16 = 4403;
    /// There is no such channel.
    pub(crate) const NO_CHANNEL: u16 = 4404;
    /// The first message did not come in time.
    pub(crate) const TIMEOUT: u16 = 4408;
    /// A newer connection has the channel.
    pub(crate) const TAKEN_OVER: u16 = 4409;
}

/// What a Close frame says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Close {
    /// None when the frame is empty.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

impl Close {
    pub(crate) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code: Some(code), reason: reason.into() }
    }

    /// Reads a frame's payload.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Violation> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return match payload.is_empty() {
                true => Ok(Self::default()),
                false => Err(Violation::Protocol("a Close frame of one byte")),
            };
        };
        let code = u16::from_be_bytes(*code);
        if !may_travel(code) {
            return Err(Violation::Protocol("a close code that must not be sent"));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Violation::NotText)?;
        Ok(Self::new(code, reason))
    }

    /// The frame's payload. A reason that is too long is cut.
    pub(crate) fn payload(&self) -> Bytes {
        let Some(code) = self.code else { return Bytes::new() };
        let reason = &self.reason[..self.reason.floor_char_boundary(limits::CONTROL_BYTES - 2)];
        [&code.to_be_bytes(), reason.as_bytes()].concat().into()
    }

    /// The code for logs and metrics: 1005 stands for none (RFC 6455, section 7.4.1).
    pub(crate) fn code_or_none(&self) -> u16 {
        self.code.unwrap_or(1005)
    }
}

/// Codes that may be in a frame (RFC 6455, section 7.4, and the registry that it set up).
fn may_travel(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_come_back() {
        for close in [Close::default(), Close::new(1000, ""), Close::new(4999, "weg")] {
            assert_eq!(Close::parse(&close.payload()).unwrap(), close);
        }
        let long = Close::new(1000, "ä".repeat(100));
        assert_eq!(Close::parse(&long.payload()).unwrap().reason, "ä".repeat(61));
    }

    #[test]
    fn abuse_is_told() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert!(matches!(Close::parse(&u16::to_be_bytes(code)), Err(Violation::Protocol(_))), "{code}");
        }
        assert!(matches!(Close::parse(&[3]), Err(Violation::Protocol(_))));
        assert!(matches!(Close::parse(&[3, 232, 0xff]), Err(Violation::NotText)));
    }
}

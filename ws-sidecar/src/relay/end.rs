//! How a relay ends: who began it, what was said, and what is still awaited.

use std::pin::Pin;

use tokio::time::Instant;

use super::Relay;
use super::client::ClientEnd;
use super::goodbye;
use crate::limits;
use crate::wire::{Close, code};

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Client,
    Workspace,
    /// The sidecar: a session that ended, a broken rule, a restart.
    Sidecar,
}

impl By {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Workspace => "workspace",
            Self::Sidecar => "sidecar",
        }
    }
}

/// An end that has begun.
pub(super) struct End {
    pub(super) by: By,
    pub(super) close: Close,
    /// Whether the other side has closed as well.
    pub(super) is_answered: bool,
    pub(super) deadline: Instant,
}

impl End {
    /// The client is gone, without a word.
    pub(super) fn lost(now: Instant) -> Self {
        let close = Close { code: Some(LOST), reason: String::new() };
        Self { by: By::Client, close, is_answered: true, deadline: now }
    }

    /// Something of what came before the workspace's Close still moves: there is time again.
    pub(super) fn put_off(&mut self, now: Instant) {
        if self.by == By::Workspace {
            self.deadline = self.deadline.max(now + limits::CLOSE_WAIT);
        }
    }
}

/// The code for a connection that ended without Close (RFC 6455, section 7.4.1). It is never sent.
const LOST: u16 = 1006;

impl Relay {
    /// Begins the end. What the sidecar ends is over at once, whatever had begun before.
    pub(super) fn end(&mut self, by: By, close: Close) {
        if self.end.is_some() && by != By::Sidecar {
            return;
        }
        let mut wait = limits::CLOSE_WAIT;
        match by {
            By::Client => self.workspace.close(&close),
            By::Workspace => {
                // Data that came before goes to the client first, also to one that is away.
                self.workspace.close(&close);
                self.client.close(&close);
                if matches!(self.client, ClientEnd::Channel(_)) {
                    wait += self.settings.times.keep;
                }
            }
            By::Sidecar => {}
        }
        // Nobody else can answer the client now. What it sent before is still delivered.
        let is_answered = by == By::Client && !self.workspace.is_there();
        if is_answered {
            self.client.close(&close);
        }
        self.end = Some(End { by, close, is_answered, deadline: Instant::now() + wait });
    }

    /// A client that is gone ends the relay without a word.
    pub(super) fn look_for_end(&mut self, now: Instant) {
        if self.end.is_none() && self.client.is_gone(now) {
            self.end = Some(End::lost(now));
        }
    }

    pub(super) fn is_finished(&self, now: Instant) -> bool {
        let Some(end) = &self.end else { return false };
        let is_over = now >= end.deadline || self.client.is_gone(now);
        match end.by {
            By::Sidecar => true,
            By::Client | By::Workspace => is_over || end.is_answered && self.client.is_flushed(),
        }
    }

    /// Sends what is still to be said, to both ends at once. Boxed: it is needed once, and would be the largest part of each connection until then.
    pub(super) fn say_goodbye(self, end: End) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.say(end))
    }

    async fn say(self, end: End) {
        let Self { client, mut workspace, .. } = self;
        // Whoever was told already only has to go.
        let to_workspace = match end.by {
            By::Client if end.close.code == Some(LOST) => {
                let close = Close::new(code::GOING_AWAY, "the client is gone");
                // Behind what the client had sent before.
                workspace.close(&close);
                Some(close)
            }
            // What the client had sent before is still on its way.
            By::Client if workspace.is_away() || !end.is_answered => Some(end.close.clone()),
            By::Client | By::Workspace => None,
            By::Sidecar => Some(Close::new(code::GOING_AWAY, "the sidecar ended the connection")),
        };
        let is_told = end.by != By::Sidecar && end.is_answered;
        let untold = client.take().filter(|_| !is_told);
        let client = async {
            if let Some(side) = untold {
                goodbye::say_now(side, end.close).await;
            }
        };
        let workspace = async {
            match (end.by, to_workspace) {
                (_, None) => {}
                (By::Sidecar, Some(close)) => {
                    if let Some(side) = workspace.take() {
                        goodbye::say_now(side, close).await;
                    }
                }
                (By::Client | By::Workspace, Some(close)) => {
                    if let Some(side) = workspace.take_back().await {
                        goodbye::say(side, &close).await;
                    }
                }
            }
        };
        tokio::join!(client, workspace);
    }
}

//! Heartbeats of one end: pings of our own with numbers, and whether anything came within the time allowed.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::settings::Times;

/// Heartbeats of one end.
#[derive(Debug)]
pub(super) struct Heart {
    every: Duration,
    dead_after: Duration,
    next: Instant,
    pub(super) heard: Instant,
    /// The last heartbeat that was not answered yet: its number, and when it was sent.
    beat: Option<Instant>,
    number: u64,
}

/// What a heartbeat says, before its number. Answers to it are not passed on.
pub(super) const BEAT: &[u8] = b"coditect ";

impl Heart {
    /// One that begins now. `random` is any number: not all connections that began together beat together.
    pub(super) fn new(times: &Times, random: u64) -> Self {
        let now = Instant::now();
        let first = times.ping_every.mul_f64(0.5 + (random % 1_000) as f64 / 2_000.0);
        Self {
            every: times.ping_every,
            dead_after: times.dead_after,
            next: now + first,
            heard: now,
            beat: None,
            number: 0,
        }
    }

    /// When something is to be done: a heartbeat, or an end because nothing was heard.
    pub(super) fn next_beat(&self) -> Instant {
        self.next.min(self.heard + self.dead_after)
    }

    /// The payload of the heartbeat that is due, if one is.
    pub(super) fn beat(&mut self, now: Instant) -> Option<Bytes> {
        if now < self.next {
            return None;
        }
        self.next = now + self.every;
        self.number += 1;
        self.beat = Some(now);
        Some([BEAT, &self.number.to_be_bytes()].concat().into())
    }

    pub(super) fn is_alive(&self, now: Instant) -> bool {
        now < self.heard + self.dead_after
    }

    /// When the heartbeat of this answer was sent, if it is the last one's.
    pub(super) fn answered(&mut self, payload: &[u8]) -> Option<Instant> {
        let is_last = payload[BEAT.len()..] == self.number.to_be_bytes();
        self.beat.take_if(|_| is_last)
    }
}

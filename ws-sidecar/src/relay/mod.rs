//! The relay between a client and the workspace: one task, no queue between the ends but what each may have waiting, and nothing copied on the way.

pub(crate) mod client;
mod end;
pub(crate) mod goodbye;
pub(crate) mod workspace;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::channel::directory::{Attach, Listed};
use crate::channel::message::WorkspaceState;
use crate::http::dial::{DialError, Dialled};
use crate::live::Seat;
use crate::meters::{self, Meters};
use crate::settings::Settings;
use crate::wire::{Close, Event, code};
use client::ClientEnd;
pub(crate) use end::By;
use end::End;
use workspace::Workspace;

/// Rounds between two looks at the sockets, so that one connection does not keep a thread from the others.
const ROUNDS: usize = 16;

/// See the module.
pub(crate) struct Relay {
    client: ClientEnd,
    workspace: Workspace,
    seat: Seat,
    listed: Option<Listed>,
    settings: Arc<Settings>,
    meters: Meters,
    /// A ping of the client that the workspace has not answered.
    unanswered: Option<Bytes>,
    end: Option<End>,
    /// Bytes that wait, as last told to the meter.
    queued: usize,
}

impl Relay {
    pub(crate) fn new(
        client: ClientEnd,
        workspace: Workspace,
        seat: Seat,
        settings: Arc<Settings>,
        meters: Meters,
    ) -> Self {
        Self { client, workspace, seat, listed: None, settings, meters, unanswered: None, end: None, queued: 0 }
    }

    /// A relay whose client may come back.
    pub(crate) fn listed(mut self, listed: Listed) -> Self {
        self.listed = Some(listed);
        self
    }

    /// Relays until one side ends it.
    pub(crate) async fn run(mut self) {
        let mut timer = Box::pin(tokio::time::sleep(Duration::ZERO));
        loop {
            let is_done = self.exchange();
            if let Some(listed) = &mut self.listed {
                listed.note(self.client.away());
            }
            let now = Instant::now();
            self.look_for_end(now);
            if self.is_finished(now) {
                break;
            }
            let due = self.next_tick(now);
            if timer.is_elapsed() || due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            self.wait(timer.as_mut(), is_done).await;
        }
        self.meters.queued_bytes.decrement(self.queued as f64);
        // Whoever wants to come back from now on hears that there is nothing to come back to.
        self.listed = None;
        let end = self.end.take().unwrap_or_else(|| End::lost(Instant::now()));
        let (by, code) = (end.by, end.close.code_or_none());
        meters::closed(code, by.label());
        tracing::info!(connection = %self.seat.id, by = by.label(), code, reason = end.close.reason, "a connection ended");
        self.say_goodbye(end).await;
    }

    /// Moves what is there between the ends, and sends what the sockets take. Answers whether that was all.
    fn exchange(&mut self) -> bool {
        let is_done = (0..ROUNDS).any(|_| !self.exchange_once());
        let queued = self.client.queued_bytes() + self.workspace.queued_bytes();
        if queued < self.queued
            && let Some(end) = &mut self.end
        {
            // A slow reader gets all that was there before the end, as long as it does read.
            end.put_off(Instant::now());
        }
        if queued != self.queued {
            self.meters.queued_bytes.increment(queued as f64 - self.queued as f64);
            self.queued = queued;
        }
        is_done
    }

    /// Answers whether anything moved. What was sent makes room for what was read before, so that is progress as well.
    fn exchange_once(&mut self) -> bool {
        let taken = [self.take_from_client(), self.take_from_workspace()];
        let sent = [self.client.flush(), self.workspace.flush()];
        taken.into_iter().chain(sent).any(|moved| moved)
    }

    fn reads_client(&self) -> bool {
        let is_taken = match &self.end {
            None => self.workspace.has_room(self.settings.bounds.queue_bytes),
            Some(end) => end.by == By::Workspace,
        };
        is_taken && self.client.can_be_answered()
    }

    fn reads_workspace(&self) -> bool {
        let is_open = self.end.as_ref().is_none_or(|end| end.by == By::Client);
        is_open && self.client.has_room(self.settings.bounds.queue_bytes)
    }

    fn take_from_client(&mut self) -> bool {
        let mut moved = false;
        while self.reads_client() {
            let round_trip = &self.meters.client_round_trip;
            self.client.splice_up_to(self.workspace.splice_room(self.settings.bounds.queue_bytes));
            match self.client.next(|time| round_trip.record(time)) {
                Ok(Some(event)) => self.client_said(event),
                Ok(None) => {
                    self.client.lose_if_over();
                    break;
                }
                Err(close) => self.end(By::Sidecar, close),
            }
            moved = true;
        }
        moved
    }

    fn client_said(&mut self, event: Event) {
        if let Some(end) = &mut self.end {
            end.is_answered |= matches!(event, Event::Close(_));
            return;
        }
        match event {
            Event::Data(piece) => {
                self.seat.used();
                self.meters.from_client_bytes.increment(piece.payload.len() as u64);
                if let Some(outbox) = self.workspace.outbox() {
                    outbox.piece(piece);
                }
            }
            Event::Spliced(piece) => {
                self.seat.used();
                self.meters.from_client_bytes.increment(piece.len() as u64);
                if let Some(outbox) = self.workspace.outbox() {
                    outbox.spliced(piece);
                }
            }
            Event::Ping(payload) if self.workspace.is_there() => {
                self.workspace.ping(payload.clone());
                self.unanswered = Some(payload);
            }
            Event::Ping(payload) => self.client.pong(payload),
            Event::Pong(payload) => self.workspace.pong(payload),
            Event::Close(close) => self.end(By::Client, close),
        }
    }

    fn take_from_workspace(&mut self) -> bool {
        let mut moved = false;
        while self.reads_workspace() {
            let round_trip = &self.meters.workspace_round_trip;
            self.workspace.splice_up_to(self.client.splice_room(self.settings.bounds.queue_bytes));
            match self.workspace.next(|time| round_trip.record(time)) {
                Ok(Some(event)) => self.workspace_said(event),
                Ok(None) => {
                    if self.workspace.is_over() {
                        self.workspace_lost();
                    }
                    break;
                }
                Err(violation) => {
                    self.workspace.close(&violation.close());
                    let reason = format!("the workspace broke the protocol: {}", violation.close().reason);
                    self.end(By::Sidecar, Close::new(code::BAD_GATEWAY, reason));
                }
            }
            moved = true;
        }
        moved
    }

    fn workspace_said(&mut self, event: Event) {
        match event {
            Event::Data(piece) => {
                self.seat.used();
                self.meters.from_workspace_bytes.increment(piece.payload.len() as u64);
                self.client.give(piece);
            }
            Event::Spliced(piece) => {
                self.seat.used();
                self.meters.from_workspace_bytes.increment(piece.len() as u64);
                self.client.spliced(piece);
            }
            Event::Ping(payload) => {
                if !self.client.ping(&payload) {
                    self.workspace.pong(payload);
                }
            }
            Event::Pong(payload) => {
                self.unanswered.take_if(|ping| *ping == payload);
                self.client.pong(payload);
            }
            Event::Close(close) => self.workspace_closed(close),
        }
    }

    fn workspace_closed(&mut self, close: Close) {
        let restarts = matches!(close.code, Some(code::GOING_AWAY | code::RESTART));
        match &mut self.end {
            Some(end) => {
                end.is_answered = true;
                self.client.close(&close);
            }
            None if restarts && !self.settings.times.bridge.is_zero() => self.workspace_lost(),
            None => self.end(By::Workspace, close),
        }
    }

    /// The connection to the workspace ended without a word, or it said that it restarts.
    fn workspace_lost(&mut self) {
        if let Some(end) = &mut self.end {
            // When the workspace closed first it is the client's answer that is waited for, and a channel's client may still be away.
            if end.by == By::Client {
                end.is_answered = true;
                let close = end.close.clone();
                self.client.close(&close);
            }
            self.workspace.give_up();
        } else if self.workspace.bridge(self.settings.times.bridge) {
            tracing::info!(connection = %self.seat.id, "the workspace is away");
            self.client.say_workspace(WorkspaceState::Away);
            if let Some(ping) = self.unanswered.take() {
                self.client.pong(ping);
            }
        } else {
            meters::bridged("not_possible");
            self.end(By::Sidecar, Close::new(code::RESTART, "the workspace ended its connection within a message"));
        }
    }

    fn dialled(&mut self, dialled: Result<Dialled, DialError>) {
        match dialled.map(|dialled| self.workspace.back(dialled)) {
            Ok(Some(away)) => {
                tracing::info!(connection = %self.seat.id, away_ms = away.as_millis() as u64, "the workspace is back");
                meters::bridged("back");
                self.client.say_workspace(WorkspaceState::Back);
            }
            Ok(None) => {
                meters::bridged("another");
                self.end(
                    By::Sidecar,
                    Close::new(code::RESTART, "the workspace restarted, and chose another subprotocol"),
                );
            }
            Err(error) => {
                self.workspace.give_up();
                meters::bridged("gave_up");
                self.end(By::Sidecar, Close::new(code::RESTART, format!("the workspace did not come back: {error}")));
            }
        }
    }

    /// Goes on with another connection of the client.
    fn attach(&mut self, attach: Option<Attach>) {
        let Some(attach) = attach else {
            self.listed = None;
            return self.end(By::Sidecar, Close::new(code::NO_CHANNEL, "the channel made room for another"));
        };
        if let ClientEnd::Channel(channel) = &mut self.client {
            if !channel.attach(attach.side, attach.received, attach.attempt) {
                return;
            }
            if !self.workspace.is_there() && self.end.is_none() {
                channel.say_workspace(WorkspaceState::Away);
            }
            self.seat = attach.seat;
        }
    }

    /// Waits until there is something to do. Before all is done there is, but others come first.
    async fn wait(&mut self, timer: std::pin::Pin<&mut tokio::time::Sleep>, is_done: bool) {
        tokio::task::consume_budget().await;
        let (reads_client, reads_workspace) = (self.reads_client(), self.reads_workspace());
        let listed = &mut self.listed;
        let attached = async {
            match listed {
                Some(listed) => listed.attached().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            close = self.seat.ordered() => return self.end(By::Sidecar, close),
            attached = attached => return self.attach(attached),
            () = timer => return self.tick(Instant::now()),
            () = self.client.ready(reads_client) => {}
            dialled = self.workspace.ready(reads_workspace) => {
                if let Some(dialled) = dialled {
                    self.dialled(dialled);
                }
            }
            () = tokio::task::yield_now(), if !is_done => {}
        }
        // One that is always ready does not keep the other from its turn.
        if reads_client {
            self.client.read();
        }
        if reads_workspace {
            self.workspace.read();
        }
    }

    fn next_tick(&self, now: Instant) -> Instant {
        let ends = self.end.as_ref().map(|end| end.deadline);
        let all = [self.client.next_tick(), self.workspace.next_tick(), ends];
        all.into_iter().flatten().min().unwrap_or(now + self.settings.times.ping_every)
    }

    fn tick(&mut self, now: Instant) {
        let (reads_client, reads_workspace) = (self.reads_client(), self.reads_workspace());
        // A client that takes no answers may not be silent, nor one beside an end that is cut: nothing else would end a wait for room.
        let is_stuck = !self.client.can_be_answered() || self.client.is_cut() || self.workspace.is_cut();
        self.client.tick(now, reads_client || is_stuck);
        if !self.workspace.tick(now, reads_workspace) {
            tracing::warn!(connection = %self.seat.id, "the workspace is silent");
            self.workspace_lost();
        }
    }
}

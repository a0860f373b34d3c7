//! What makes workspaces due: wishes in the store, what the cluster tells, and time.

use std::time::Duration;

use coditect_store::{RangeQuery, Watch};
use futures::StreamExt as _;
use futures::stream::{BoxStream, select_all, unfold};
use tokio::sync::Notify;

use super::Reconciler;
use super::meters::ByState;
use super::queue::{Queue, Wake};
use crate::cluster::Change;
use crate::error::{Result, causes};
use crate::keys::Name;
use crate::limits;
use crate::workspace::{self, State};

/// See the module.
#[derive(Debug)]
pub(super) enum News {
    /// These are due.
    Due(Vec<Name>, Wake),
    /// Everything is to be looked at.
    Everything,
}

impl News {
    /// Enters it into the queue; `again` makes it everybody's turn.
    pub(super) fn enter(self, queue: &mut Queue, again: &Notify) {
        match self {
            Self::Due(names, why) => names.into_iter().for_each(|name| queue.wake(name, why)),
            Self::Everything => again.notify_one(),
        }
    }
}

impl Reconciler {
    pub(super) fn news<'a>(&'a self, again: &'a Notify) -> BoxStream<'a, News> {
        let changes = self.cluster.changes().map(|change| match change {
            Change::Of { tenant, workspace } => News::Due(vec![Name { tenant, workspace }], Wake::Event),
            Change::Everything => News::Everything,
        });
        select_all([changes.boxed(), self.wishes(), self.turns(again)]).boxed()
    }

    /// The wishes that nobody has looked at, whenever there are more. The watch may be lost, so they are looked for now and then.
    fn wishes(&self) -> BoxStream<'_, News> {
        let next = move |watch: Option<Watch>| async move {
            if let Some(watch) = watch
                && let Ok(Err(error)) = tokio::time::timeout(limits::WISHES_POLL, watch).await
            {
                tracing::debug!(%error, "the watch for wishes was lost");
                tokio::time::sleep(self.options.recheck).await;
            }
            loop {
                match self.read_wishes().await {
                    Ok((names, watch)) => return Some((News::Due(names, Wake::Wish), Some(watch))),
                    Err(error) => tracing::warn!(%error, "wishes for workspaces cannot be read"),
                }
                tokio::time::sleep(self.options.recheck).await;
            }
        };
        unfold(None, next).boxed()
    }

    async fn read_wishes(&self) -> Result<(Vec<Name>, Watch)> {
        let (space, wished) = (&self.inner.keys.wishes(), &self.inner.keys.wished());
        let read = self.inner.run(|tx| async move {
            let watch = tx.watch(wished);
            let found = tx.snapshot().collect_range(RangeQuery::from(space)).await?;
            Ok((found.items, watch))
        });
        let (items, watch) = read.await?;
        Ok((items.iter().filter_map(|item| readable(&item.key, Name::in_key(space, &item.key))).collect(), watch))
    }

    /// All workspaces: at once, after each [`ReconcilerOptions::resync`](super::ReconcilerOptions::resync), and when `again` says so.
    fn turns<'a>(&'a self, again: &'a Notify) -> BoxStream<'a, News> {
        let next = move |pause: Option<Duration>| async move {
            if let Some(pause) = pause {
                // However often it is called for meanwhile, one look is enough.
                let _ = tokio::time::timeout(pause, again.notified()).await;
            }
            match self.all().await {
                Ok(names) => Some((News::Due(names, Wake::Turn), Some(self.options.resync))),
                Err(error) => {
                    tracing::warn!(%error, "workspaces cannot be listed");
                    Some((News::Due(Vec::new(), Wake::Turn), Some(self.options.recheck)))
                }
            }
        };
        unfold(None, next).boxed()
    }

    /// The names of all workspaces. Counts them on the way.
    async fn all(&self) -> Result<Vec<Name>> {
        let (space, mut names) = (&self.inner.keys.records(), Vec::new());
        let mut counts = [0u32; State::ALL.len()];
        let mut range = Some(RangeQuery::from(space).limit(limits::SCAN_BATCH));
        while let Some(query) = range {
            let wanted = &query;
            let page = self.inner.run(|tx| async move { Ok(tx.snapshot().get_range(wanted.clone()).await?) }).await?;
            for item in &page.items {
                let read = Name::in_key(space, &item.key).and_then(|name| Ok((name, workspace::decode(&item.value)?)));
                if let Some((name, found)) = readable(&item.key, read) {
                    counts[found.state as usize] += 1;
                    names.push(name);
                }
            }
            range = query.rest(&page);
        }
        ByState::set(counts);
        Ok(names)
    }
}

/// What was read at a key; one that cannot be read is told, and holds nothing else up.
fn readable<T>(key: &[u8], read: Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        let key = String::from_utf8_lossy(key);
        tracing::warn!(%key, %error, causes = causes(error), "what the store has of a workspace cannot be read");
    })
    .ok()
}

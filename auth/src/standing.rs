//! Hearing of changes that something which lasts, such as a socket, depends on: the end of its session, and orders to close it.
//!
//! Whoever waits for orders says what it saw last, and is answered as soon as there is something else: nothing that happens between two questions is missed.

use std::time::Duration;

use coditect_store::Watch;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::{Refusal, Result};
use crate::guard::judge;
use crate::ids::{ConnectionId, SessionId, SidecarId};
use crate::limits;
use crate::pod_access::PodAccess;
use crate::{sessions, users};

/// The connections of a sidecar that somebody wants closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// All that are wanted closed and still there.
    pub connections: Vec<ConnectionId>,
    /// That of the order which came last.
    pub latest: Option<ConnectionId>,
}

impl PodAccess {
    /// Why a session may not be used, if so: waits up to `wait` for as long as it may. With `is_used` its use is noted, as that of a request is.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn standing(&self, session: &SessionId, is_used: bool, wait: Duration) -> Result<Option<Refusal>> {
        let mut is_used = is_used;
        until(Option::is_some, wait, || {
            let used = std::mem::take(&mut is_used);
            async move { self.look(session, used).await }
        })
        .await
    }

    async fn look(&self, id: &SessionId, is_used: bool) -> Result<(Option<Refusal>, Vec<Watch>)> {
        let (auth, keys, user) = (&*self.auth, &self.keys, &self.pod.user);
        let found = auth
            .look(|tx| async move {
                let both = tokio::try_join!(sessions::read(&tx, keys, id), users::read(&tx, keys, user))?;
                Ok((both, vec![tx.watch(&keys.session(id)), tx.watch(&keys.user(user))]))
            })
            .await;
        let (found, watches) = match found {
            Ok((both, watches)) => (Ok(both), watches),
            Err(error) => (Err(error), vec![]),
        };
        let now = auth.clock.now();
        let refusal = match judge(found, keys, user, id, now) {
            Ok((session, _)) => {
                if is_used {
                    auth.toucher.used(keys, &session, now);
                }
                None
            }
            Err(error) => Some(error.refusal().ok_or(error)?),
        };
        Ok((refusal, watches))
    }

    /// What is ordered of a sidecar: waits up to `wait` until there is another order than `seen`, the latest of which the sidecar knows.
    ///
    /// # Errors
    /// Store failures.
    pub async fn orders(&self, sidecar: SidecarId, seen: Option<ConnectionId>, wait: Duration) -> Result<Orders> {
        let key = &self.keys.ordered(&self.pod.workspace, sidecar);
        let look = || {
            self.auth.run(|tx| async move {
                let latest = tx.get(key).await?;
                let latest = latest.and_then(|id| std::str::from_utf8(&id).ok()?.parse().ok());
                Ok((Orders { connections: self.ordered(&tx, sidecar).await?, latest }, vec![tx.watch(key)]))
            })
        };
        until(|found: &Orders| found.latest != seen, wait, look).await
    }
}

/// Looks until there is news, or `wait` is over.
async fn until<T, F>(is_news: impl Fn(&T) -> bool, wait: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<(T, Vec<Watch>)>>,
{
    let end = Instant::now() + wait;
    loop {
        let (found, watches) = look().await?;
        let left = end.saturating_duration_since(Instant::now());
        if is_news(&found) || left.is_zero() {
            return Ok(found);
        }
        let any = async {
            match watches.is_empty() {
                true => std::future::pending().await,
                false => futures::future::select_all(watches).await.0,
            }
        };
        // A store may lose a watch, which then ends at once or never: neither must this become a busy loop, nor wait for ever.
        let _ = tokio::time::timeout(limits::LOOK_EVERY.min(left), any).await;
        tokio::time::sleep(limits::LOOK_PAUSE).await;
    }
}

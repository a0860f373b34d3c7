//! How a session stands while something that lasts, such as a socket, depends on it.

use coditect_store::Watch;

use crate::auth::Auth;
use crate::caller::Caller;
use crate::error::{Refusal, Result};
use crate::guard::judge;
use crate::{sessions, users};

/// What a look at a session found. Made by [`Auth::standing`].
#[derive(Debug)]
pub struct Standing {
    refusal: Option<Refusal>,
    watches: Option<[Watch; 2]>,
}

impl Standing {
    /// Why the session may not be used any more, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Waits until the records of the session or its user have changed since the look. A change may go unseen when the store lost the watch: look again
    /// now and then as well.
    pub async fn changed(self) {
        let Some([session, user]) = self.watches else { return std::future::pending().await };
        tokio::select! {
            _ = session => {}
            _ = user => {}
        }
    }
}

impl Auth {
    /// How the session of `caller` stands now. With `is_used` its use is noted, as that of a request is.
    ///
    /// # Errors
    /// `Unauthenticated` for a caller without a session; `Unavailable` when the store does not answer.
    pub async fn standing(&self, caller: &Caller, is_used: bool) -> Result<Standing> {
        let auth = &*self.inner;
        let keys = &auth.keys.tenant(caller.tenant());
        let (Some(user), Some(id)) = (caller.user(), caller.session()) else {
            return Err(Refusal::NoSession.into());
        };
        let found = auth
            .look(|tx| async move {
                let both = tokio::try_join!(sessions::read(&tx, keys, id), users::read(&tx, keys, user))?;
                Ok((both, [tx.watch(&keys.session(id)), tx.watch(&keys.user(user))]))
            })
            .await;
        let (found, watches) = match found {
            Ok((both, watches)) => (Ok(both), Some(watches)),
            Err(error) => (Err(error), None),
        };
        let now = auth.clock.now();
        match judge(found, keys, user, id, now) {
            Ok((session, _)) => {
                if is_used {
                    auth.toucher.used(keys, &session, now);
                }
                Ok(Standing { refusal: None, watches })
            }
            Err(error) => match error.refusal() {
                Some(refusal) => Ok(Standing { refusal: Some(refusal), watches }),
                None => Err(error),
            },
        }
    }
}

//! Sessions as records: making, looking at, suspending and ending them.

use std::sync::atomic::{AtomicUsize, Ordering};

use coditect_store::{RangeQuery, Transaction};
use futures::future::try_join_all;
use jiff::Timestamp;
use serde_json::Value;

use crate::acting::Acting;
use crate::auth::Expect as _;
use crate::caller::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{SessionId, UserId};
use crate::keys::TenantKeys;
use crate::limits;
use crate::scope::Scope;
use crate::session::{Session, SessionStatus, to_millis};

/// What a client says of itself at login.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionDetails {
    /// The workspace that the IDE has open.
    pub workspace_id: Option<String>,
    /// Anything, for listings.
    pub metadata: Option<Value>,
}

impl SessionDetails {
    pub(crate) fn check(&self) -> Result<()> {
        let most = limits::WORKSPACE_BYTES;
        if self.workspace_id.as_ref().is_some_and(|id| id.len() > most) {
            return Err(Error::invalid("/workspace_id", format!("a workspace's id has at most {most} bytes")));
        }
        let most = limits::METADATA_BYTES;
        if self.metadata.as_ref().is_some_and(|value| value.to_string().len() > most) {
            return Err(Error::invalid("/metadata", format!("metadata has at most {most} bytes")));
        }
        Ok(())
    }

    pub(crate) fn session(&self, keys: &TenantKeys, session: SessionId, user: UserId, now: Timestamp) -> Session {
        let now = to_millis(now);
        Session {
            session_id: session,
            user_id: user,
            tenant_id: keys.tenant().clone(),
            workspace_id: self.workspace_id.clone().unwrap_or_default(),
            pod_namespace: None,
            pod_name: None,
            websocket_connected: false,
            status: SessionStatus::Active,
            created_at: now,
            last_access_at: now,
            metadata: self.metadata.clone(),
            others: Default::default(),
        }
    }
}

pub(crate) async fn read(tx: &Transaction, keys: &TenantKeys, session: &SessionId) -> Result<Option<Session>> {
    let Some(bytes) = tx.get(&keys.session(session)).await? else { return Ok(None) };
    let found = Session::decode(&bytes)?;
    // What is done to a record is done to the key that it names.
    match found.session_id == *session && found.tenant_id == *keys.tenant() {
        true => Ok(Some(found)),
        false => Err(Error::new(ErrorKind::Corrupt, "the record of a session names another")),
    }
}

pub(crate) fn write(tx: &Transaction, keys: &TenantKeys, session: &Session) -> Result<()> {
    tx.set(&keys.session(&session.session_id), &session.encode()?);
    Ok(())
}

/// Ends a session for good. Its record stays for a while, so that its end can be told from its absence.
pub(crate) fn end(tx: &Transaction, keys: &TenantKeys, session: &Session, now: Timestamp) -> Result<()> {
    tx.clear(&keys.family(&session.session_id));
    tx.clear(&keys.session_of(&session.user_id, &session.session_id));
    let ended = Session { status: SessionStatus::Terminated, last_access_at: to_millis(now), ..session.clone() };
    write(tx, keys, &ended)
}

/// The ids of a user's sessions, oldest first.
pub(crate) async fn ids_of(tx: &Transaction, keys: &TenantKeys, user: &UserId) -> Result<Vec<SessionId>> {
    let space = keys.sessions_of(user);
    let found = tx.collect_range(RangeQuery::from(&space)).await?;
    let ids = found.items.iter().map(|item| {
        let corrupt = || Error::new(ErrorKind::Corrupt, "read the key of a user's session");
        let id: String = space.unpack(&item.key).map_err(|error| corrupt().caused_by(error))?;
        SessionId::new(id)
    });
    ids.collect()
}

/// A user's sessions, oldest first.
async fn all_of(tx: &Transaction, keys: &TenantKeys, user: &UserId) -> Result<Vec<Session>> {
    let ids = ids_of(tx, keys, user).await?;
    let read = try_join_all(ids.iter().map(|id| read(tx, keys, id))).await?;
    Ok(read.into_iter().flatten().collect())
}

/// Ends all sessions of a user but one. Answers how many that were.
pub(crate) async fn end_all(
    tx: &Transaction,
    keys: &TenantKeys,
    user: &UserId,
    except: Option<&SessionId>,
    now: Timestamp,
) -> Result<usize> {
    let mut sessions = all_of(tx, keys, user).await?;
    sessions.retain(|session| session.status != SessionStatus::Terminated && except != Some(&session.session_id));
    sessions.iter().try_for_each(|session| end(tx, keys, session, now))?;
    Ok(sessions.len())
}

/// Ends the user's oldest sessions until there is room for another.
pub(crate) async fn make_room(tx: &Transaction, keys: &TenantKeys, user: &UserId, now: Timestamp) -> Result<()> {
    let ids = ids_of(tx, keys, user).await?;
    let too_many = (ids.len() + 1).saturating_sub(limits::SESSIONS_PER_USER);
    for id in ids.iter().take(too_many) {
        match read(tx, keys, id).await? {
            Some(session) => end(tx, keys, &session, now)?,
            None => {
                tx.clear(&keys.family(id));
                tx.clear(&keys.session_of(user, id));
            }
        }
    }
    Ok(())
}

impl Acting {
    /// The session that the request belongs to.
    ///
    /// # Errors
    /// `Forbidden` for a service token; `NotFound` when it went meanwhile.
    pub async fn session(&self) -> Result<Session> {
        let (keys, id) = (&self.keys, self.own_session()?);
        self.auth.run(|tx| async move { read(&tx, keys, id).await }).await?.or_not_found("session")
    }

    /// The sessions of a user that are not over, oldest first; the caller's own when `user` is `None`.
    ///
    /// # Errors
    /// `Forbidden` for another's without the scope `admin`.
    pub async fn sessions(&self, user: Option<&UserId>) -> Result<Vec<Session>> {
        let user = match user {
            Some(user) => {
                self.must(Scope::Admin)?;
                user
            }
            None => self.own_user()?,
        };
        let (auth, keys, now) = (&*self.auth, &self.keys, self.auth.clock.now());
        let ids = auth.run(|tx| async move { ids_of(&tx, keys, user).await }).await?;
        let reads = ids.iter().map(|id| auth.run(move |tx| async move { read(&tx, keys, id).await }));
        let mut sessions: Vec<Session> = try_join_all(reads).await?.into_iter().flatten().collect();
        sessions.retain(|session| session.status != SessionStatus::Terminated && !session.is_idle(now));
        Ok(sessions)
    }

    /// Ends a session, the caller's own or with the scope `admin` anybody's. Every replica refuses its next request. Ending one that has ended
    /// is no error.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may end.
    pub async fn terminate(&self, session: &SessionId) -> Result<()> {
        self.change(session, "session.terminate", |session| {
            Ok((session.status != SessionStatus::Terminated).then_some(SessionStatus::Terminated))
        })
        .await
    }

    /// Makes a session unusable until it is resumed.
    ///
    /// # Errors
    /// As [`Acting::terminate`]; `Conflict` when it has ended.
    pub async fn suspend(&self, session: &SessionId) -> Result<()> {
        self.change(session, "session.suspend", |session| match session.status {
            SessionStatus::Terminated => Err(Error::conflict("the session has ended")),
            SessionStatus::Suspended => Ok(None),
            _ => Ok(Some(SessionStatus::Suspended)),
        })
        .await
    }

    /// Makes a suspended session usable again.
    ///
    /// # Errors
    /// As [`Acting::terminate`]; `Conflict` when it has ended, or was not used for too long.
    pub async fn resume(&self, session: &SessionId) -> Result<()> {
        let now = self.auth.clock.now();
        self.change(session, "session.resume", |session| match session.status {
            SessionStatus::Terminated => Err(Error::conflict("the session has ended")),
            _ if session.is_idle(now) => Err(Error::conflict("the session was not used for too long")),
            SessionStatus::Active => Ok(None),
            _ => Ok(Some(SessionStatus::Active)),
        })
        .await
    }

    /// Ends all sessions of the caller but, if so wanted, the one of the request. Answers how many that were.
    ///
    /// # Errors
    /// `Forbidden` for a service token.
    pub async fn terminate_all(&self, keep_this: bool) -> Result<usize> {
        let (keys, user, now) = (&self.keys, self.own_user()?, self.auth.clock.now());
        let (except, tried) = (keep_this.then(|| self.caller.session()).flatten(), &AtomicUsize::new(0));
        self.auth
            .run(|tx| async move {
                let ended = end_all(&tx, keys, user, except, now).await?;
                let before = tried.fetch_max(ended, Ordering::Relaxed);
                if ended == 0 && before > 0 {
                    // An attempt whose result was unknown has ended them, and told of it.
                    return Ok(before);
                }
                if ended > 0 {
                    self.auditor.note(&tx, 0, "session.terminate", &format!("{ended} sessions of user {user}"))?;
                }
                Ok(ended)
            })
            .await
    }

    /// Gives a session the status that `next` says, `None` for the one it has.
    async fn change(
        &self,
        id: &SessionId,
        action: &'static str,
        next: impl Fn(&Session) -> Result<Option<SessionStatus>> + Send + Sync,
    ) -> Result<()> {
        let (keys, now, next) = (&self.keys, self.auth.clock.now(), &next);
        self.auth
            .run(|tx| async move {
                let session = read(&tx, keys, id).await?.filter(|session| self.may_look_after(&session.user_id));
                let session = session.or_not_found("session")?;
                match next(&session)? {
                    None => return Ok(()),
                    Some(SessionStatus::Terminated) => end(&tx, keys, &session, now)?,
                    Some(status) => write(&tx, keys, &Session { status, ..session.clone() })?,
                }
                self.auditor.note(&tx, 0, action, &format!("session {id} of user {}", session.user_id))
            })
            .await
    }
}

/// Who acts when a user logs in.
pub(crate) fn actor(user: &UserId, session: &SessionId) -> Actor {
    Actor::User { user: user.clone(), session: Some(session.clone()) }
}

//! The clean-up: deletes sessions that are over, invitations that nobody accepted, and old entries of the audit log. In bounded transactions, each of
//! which decides anew, so that several can go on at once.

use std::collections::BTreeMap;
use std::time::Duration;

use coditect_store::{KeyValue, Lease, RangeQuery, RunOptions, TenantId, Transaction, key_after, prefix_end, record};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, Inner};
use crate::error::Result;
use crate::keys::TenantKeys;
use crate::session::{Session, SessionStatus};
use crate::{audit, invitations, limits, tenants};

/// What a clean-up did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Sessions that were looked at.
    pub scanned: u64,
    /// Records that cannot be read: they stay, for somebody to look at.
    pub unreadable: u64,
    /// Sessions that were deleted.
    pub deleted: BTreeMap<TenantId, Deleted>,
    /// Invitations that nobody accepted in time.
    pub invitations: u64,
    /// Old entries of the audit log.
    pub audit_entries: u64,
    /// How long it took.
    pub took: Duration,
}

/// Sessions of one tenant that were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// They were not used for too long.
    pub expired: u64,
    /// They were ended some time ago.
    pub terminated: u64,
}

/// Why a session is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was not used for too long.
    Expired,
    /// It was ended some time ago.
    Terminated,
}

impl Reason {
    /// Why `session` is to be deleted, if it is.
    #[must_use]
    pub fn of(session: &Session, now: Timestamp) -> Option<Self> {
        let kept = SignedDuration::try_from(limits::TERMINATED_KEPT).unwrap_or(SignedDuration::MAX);
        let idle = SignedDuration::try_from(limits::SESSION_IDLE + limits::EXPIRED_KEPT).unwrap_or(SignedDuration::MAX);
        let age = now.duration_since(session.last_access_at);
        match session.status {
            SessionStatus::Terminated if age > kept => Some(Self::Terminated),
            SessionStatus::Terminated => None,
            _ => (age > idle).then_some(Self::Expired),
        }
    }
}

impl CleanupReport {
    /// Sessions that were deleted, of all tenants.
    #[must_use]
    pub fn total(&self) -> Deleted {
        self.deleted.values().fold(Deleted::default(), |sum, one| Deleted {
            expired: sum.expired + one.expired,
            terminated: sum.terminated + one.terminated,
        })
    }

    /// Writes the report into the log, as one line.
    pub fn log(&self) {
        let Deleted { expired, terminated } = self.total();
        let by_tenant: BTreeMap<&str, [u64; 2]> =
            self.deleted.iter().map(|(tenant, one)| (tenant.as_str(), [one.expired, one.terminated])).collect();
        let by_tenant = serde_json::to_string(&by_tenant).unwrap_or_default();
        tracing::info!(
            scanned = self.scanned,
            deleted = expired + terminated,
            expired,
            terminated,
            by_tenant,
            unreadable = self.unreadable,
            invitations = self.invitations,
            audit_entries = self.audit_entries,
            seconds = self.took.as_secs_f64(),
            "sessions were cleaned up"
        );
    }
}

impl Auth {
    /// Cleans up everything of all tenants. `audit_kept` is how long entries of the audit log stay.
    ///
    /// # Errors
    /// Store failures; what was deleted until then stays so, and is logged.
    pub async fn clean_up(&self, audit_kept: Duration) -> Result<CleanupReport> {
        let auth = &*self.inner;
        let begun = auth.clock.monotonic();
        let mut report = CleanupReport::default();
        let mut failed = None;
        for tenant in tenants::all(auth).await? {
            if let Err(error) = auth.clean_tenant(&tenant, audit_kept, &mut report).await {
                // The others are cleaned up all the same.
                tracing::warn!(%tenant, %error, "a tenant was not cleaned up");
                failed = failed.or(Some(error));
            }
        }
        report.took = auth.clock.monotonic().saturating_sub(begun);
        let Deleted { expired, terminated } = report.total();
        metrics::counter!("auth_sessions_deleted_total", "reason" => "expired").increment(expired);
        metrics::counter!("auth_sessions_deleted_total", "reason" => "terminated").increment(terminated);
        match failed {
            None => Ok(report),
            Some(error) => {
                // The caller gets no report, and what was deleted shall be known.
                report.log();
                Err(error)
            }
        }
    }

    /// Cleans up again and again, of several processes one at a time, until `stop`.
    pub async fn keep_clean(&self, every: Duration, audit_kept: Duration, stop: CancellationToken) {
        let store = self.inner.store.clone();
        let mut lease = Lease::new(store, self.inner.keys.lease("sessions"), limits::CLEANUP_LEASE);
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            let round = lease.during(|_| self.clean_up(audit_kept));
            match stop.run_until_cancelled(round).await {
                Some(Ok(Some(Ok(report)))) => report.log(),
                Some(Ok(None)) | None => {}
                Some(Ok(Some(Err(error)))) => tracing::warn!(%error, "sessions were not cleaned up"),
                Some(Err(error)) => tracing::warn!(%error, "sessions were not cleaned up"),
            }
        }
        match tokio::time::timeout(limits::STOP_WAIT, lease.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the lease of the clean-up was not given back"),
            Err(_) => tracing::debug!("the lease of the clean-up was not given back in time"),
        }
    }
}

/// A page of what was looked at, and what of it was deleted.
#[derive(Debug, Clone, Default)]
struct Swept {
    scanned: u64,
    unreadable: u64,
    deleted: Deleted,
    /// Where to go on; nothing at the end.
    next: Option<Vec<u8>>,
}

impl Inner {
    async fn clean_tenant(&self, tenant: &TenantId, audit_kept: Duration, report: &mut CleanupReport) -> Result<()> {
        let keys = &self.keys.tenant(tenant);
        let mut begin = Some(keys.sessions());
        while let Some(from) = begin {
            let swept = self.sweep_sessions(keys, &from).await?;
            report.scanned += swept.scanned;
            report.unreadable += swept.unreadable;
            if swept.deleted != Deleted::default() {
                let deleted = report.deleted.entry(tenant.clone()).or_default();
                deleted.expired += swept.deleted.expired;
                deleted.terminated += swept.deleted.terminated;
            }
            begin = swept.next;
        }
        let (invitations, unreadable) = self.sweep_invitations(keys).await?;
        report.invitations += invitations;
        report.unreadable += unreadable;
        report.audit_entries += self.trim_audit(keys, audit_kept).await?;
        Ok(())
    }

    /// Runs `f` as work that can wait, and rests.
    async fn run_behind<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let begun = self.clock.monotonic();
        let done = self.store.run_with(RunOptions::background("sessions"), f).await;
        let took = self.clock.monotonic().saturating_sub(begun);
        tokio::time::sleep(took * limits::CLEANUP_REST).await;
        done
    }

    /// As [`Self::run_behind`], for what counts what it takes away: `f` says whether it changed something. An attempt whose result was unknown leaves its mark with what it
    /// changed, so that the next one answers what that did, and not that nothing is left to do.
    async fn run_counted<T, F, Fut>(&self, keys: &TenantKeys, f: F) -> Result<T>
    where
        T: Clone + Send,
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<(T, bool)>> + Send,
    {
        let (mark, id, earlier, f) = (&keys.cleaned(), self.clock.uuid(), &Mutex::new(None::<T>), &f);
        self.run_behind(|tx| async move {
            let before = earlier.lock().clone();
            if let Some(before) = before
                && tx.snapshot().get(mark).await?.is_some_and(|mark| *mark == *id.as_bytes())
            {
                return Ok(before);
            }
            let (done, is_changed) = f(tx.clone()).await?;
            if is_changed {
                tx.set(mark, id.as_bytes());
                *earlier.lock() = Some(done.clone());
            }
            Ok(done)
        })
        .await
    }

    async fn sweep_sessions(&self, keys: &TenantKeys, from: &[u8]) -> Result<Swept> {
        let (now, end) = (self.clock.now(), prefix_end(&keys.sessions()));
        let range = &RangeQuery::from((from.to_vec(), end)).limit(limits::CLEANUP_BATCH);
        self.run_counted(keys, |tx| async move {
            let page = tx.snapshot().get_range(range.clone()).await?;
            let mut swept = Swept { scanned: page.items.len() as u64, ..Swept::default() };
            for item in &page.items {
                match Session::decode(&item.value) {
                    Ok(session) if keys.session(&session.session_id) != item.key => {
                        tracing::warn!(key = %String::from_utf8_lossy(&item.key), "the record of a session names another");
                        swept.unreadable += 1;
                    }
                    Ok(session) => sweep_session(&tx, keys, item, &session, now, &mut swept.deleted),
                    Err(error) => {
                        tracing::warn!(key = %String::from_utf8_lossy(&item.key), %error, "the record of a session cannot be read");
                        swept.unreadable += 1;
                    }
                }
            }
            swept.next = page.items.last().filter(|_| page.more).map(|last| key_after(&last.key).to_vec());
            let is_changed = swept.deleted != Deleted::default();
            Ok((swept, is_changed))
        })
        .await
    }

    /// Answers how many it took away, and how many cannot be read.
    async fn sweep_invitations(&self, keys: &TenantKeys) -> Result<(u64, u64)> {
        let (now, mut swept, mut unreadable) = (self.clock.now(), 0, 0);
        let mut range = Some(RangeQuery::from(&keys.invitations()).limit(limits::CLEANUP_BATCH));
        while let Some(query) = range {
            let wanted = &query;
            let (page, count, odd) = self
                .run_counted(keys, |tx| async move {
                    let page = tx.snapshot().get_range(wanted.clone()).await?;
                    let (mut count, mut odd) = (0, 0);
                    for item in &page.items {
                        match record::decode::<invitations::Record>(&item.value, "the record of an invitation") {
                            Ok(record) if record.expires_at <= now => {
                                tx.clear(&item.key);
                                count += 1;
                            }
                            Ok(_) => {}
                            Err(_) => odd += 1,
                        }
                    }
                    Ok(((page, count, odd), count > 0))
                })
                .await?;
            swept += count;
            unreadable += odd;
            range = query.rest(&page);
        }
        Ok((swept, unreadable))
    }

    /// Takes entries of the audit log away that are older than `kept`, from its beginning.
    async fn trim_audit(&self, keys: &TenantKeys, kept: Duration) -> Result<u64> {
        let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
        let Ok(before) = self.clock.now().checked_sub(kept) else { return Ok(0) };
        let range = &RangeQuery::from(&keys.audit()).limit(limits::AUDIT_BATCH);
        let mut taken = 0;
        loop {
            let (count, more) = self
                .run_counted(keys, |tx| async move {
                    let page = tx.snapshot().get_range(range.clone()).await?;
                    // What cannot be read is taken to be as old as what stands before it.
                    let is_old =
                        |item: &&KeyValue| audit::decoded(keys, item).map_or(true, |(_, entry)| entry.at < before);
                    let count = page.items.iter().take_while(is_old).count();
                    if let Some(last) = count.checked_sub(1).and_then(|last| page.items.get(last)) {
                        tx.clear_range(&keys.audit().range().0, &key_after(&last.key));
                    }
                    Ok(((count, page.more && count == page.items.len()), count > 0))
                })
                .await?;
            taken += count as u64;
            if !more {
                return Ok(taken);
            }
        }
    }
}

/// Deletes a session that is over. The transaction fails if it is used or ended meanwhile, and is then done anew.
fn sweep_session(
    tx: &Transaction,
    keys: &TenantKeys,
    item: &KeyValue,
    session: &Session,
    now: Timestamp,
    deleted: &mut Deleted,
) {
    let Some(reason) = Reason::of(session, now) else { return };
    match reason {
        Reason::Expired => deleted.expired += 1,
        Reason::Terminated => deleted.terminated += 1,
    }
    tx.add_read_conflict_range(&item.key, &key_after(&item.key));
    tx.clear(&item.key);
    tx.clear(&keys.family(&session.session_id));
    tx.clear(&keys.session_of(&session.user_id, &session.session_id));
}

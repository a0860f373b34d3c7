//! The handle that callers keep, and what it is made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_store::{Clock, RunOptions, Store, TenantId, Transaction};
use tokio_util::task::TaskTracker;

use crate::acting::Acting;
use crate::audit::Auditor;
use crate::caller::{Actor, Caller};
use crate::error::{Error, Result};
use crate::jwt::{Issuing, Jwt};
use crate::keyring::KeyRing;
use crate::keys::Keys;
use crate::limits;
use crate::password::{HashCost, Hasher};
use crate::scope::{Scope, Scopes};
use crate::throttle::LoginThrottle;
use crate::touch::Toucher;

/// How authentication is set up.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// The first element of every key but those of sessions.
    pub root: String,
    /// The secrets that tokens are signed with.
    pub keys: KeyRing,
    /// Who makes tokens, for whom, and for how long.
    pub issuing: Issuing,
    /// What a password hash costs.
    pub cost: HashCost,
    /// Who may register.
    pub registration: Registration,
}

impl AuthOptions {
    /// The usual set-up with these secrets.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self {
            root: "coditect".into(),
            keys,
            issuing: Issuing::default(),
            cost: HashCost::default(),
            registration: Registration::default(),
        }
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Nobody.
    Closed,
    /// Whoever an administrator of the tenant has invited.
    #[default]
    Invitation,
    /// Also whoever founds a tenant, and becomes its administrator. A tenant that is there is joined by invitation alone.
    Open,
}

/// Users, sessions and tokens on a store. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) keys: Keys,
    pub(crate) jwt: Jwt,
    pub(crate) hasher: Hasher,
    pub(crate) registration: Registration,
    pub(crate) throttle: LoginThrottle,
    pub(crate) toucher: Toucher,
    /// What is written beside answers.
    pub(crate) beside: TaskTracker,
}

impl Auth {
    /// Begins to work on `store`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `Internal` for a cost of hashes that Argon2 does not take.
    pub fn start(store: Store, options: AuthOptions) -> Result<Self> {
        let clock = store.clock().clone();
        let inner = Inner {
            keys: Keys::new(&options.root),
            jwt: Jwt::new(options.keys, options.issuing, clock.clone()),
            hasher: Hasher::new(options.cost, clock.clone())?,
            registration: options.registration,
            throttle: LoginThrottle::new(&clock),
            toucher: Toucher::start(store.clone()),
            beside: TaskTracker::new(),
            store,
            clock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Writes down what is not written down yet of the use of sessions. The store stays open.
    pub async fn stop(&self) {
        self.inner.toucher.stop().await;
        self.inner.beside.close();
        if tokio::time::timeout(limits::STOP_WAIT, self.inner.beside.wait()).await.is_err() {
            tracing::warn!("the store takes too long: the last entries of the audit log were not all written");
        }
    }

    /// What a caller can do, in its own tenant and for itself. `request_id` goes into the audit log.
    #[must_use]
    pub fn acting(&self, caller: Caller, request_id: &str) -> Acting {
        Acting::new(self.inner.clone(), caller, request_id)
    }

    /// What the operator can do in a tenant, from the server's machine: everything.
    #[must_use]
    pub fn operator(&self, tenant: &TenantId) -> Acting {
        let scopes = Scopes::of(&Scope::ALL);
        let caller = Caller { tenant: tenant.clone(), actor: Actor::Operator, scopes, collections: None };
        self.acting(caller, "command")
    }
}

impl Inner {
    /// Runs `f` in a transaction that gives up before a client would.
    pub(crate) async fn run<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        self.store.run_with(RunOptions::deadline(limits::WRITE_WAIT), f).await
    }

    pub(crate) fn auditor(&self, tenant: &TenantId, actor: Actor, request_id: &str) -> Auditor {
        let at = crate::session::to_millis(self.clock.now());
        Auditor::new(self.keys.tenant(tenant), actor, request_id.to_owned(), at)
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("registration", &self.inner.registration).finish_non_exhaustive()
    }
}

/// Whether a transaction's closure has got as far as this before: a commit whose result is unknown is followed by another attempt, which finds what the first one did.
#[derive(Debug, Default)]
pub(crate) struct Tried(AtomicBool);

impl Tried {
    /// It is tried now.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Shorthand for what must be there.
pub(crate) trait Expect<T> {
    fn or_not_found(self, what: &str) -> Result<T>;
}

impl<T> Expect<T> for Option<T> {
    fn or_not_found(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Error::not_found(what))
    }
}

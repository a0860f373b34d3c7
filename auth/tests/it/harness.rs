//! Authentication on a store of its own, with a clock that stands still, and people who log in.

use std::time::Duration;

use coditect_auth::{
    Acting, Auth, AuthOptions, Caller, Credentials, Granted, HashCost, KeyRing, NewUser, Origin, Refusal, Registration,
    Role, SessionDetails, UserInfo,
};
use coditect_store::{Clock, Store, TenantId, testing};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "a secret of the tests, 32 bytes and more";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A password hash that costs next to nothing.
pub(crate) const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 2 };

pub(crate) struct Rig {
    pub(crate) auth: Auth,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    dir: TempDir,
}

pub(crate) fn options() -> AuthOptions {
    options_with(SECRET, &[])
}

pub(crate) fn options_with(secret: &str, previous: &[&str]) -> AuthOptions {
    let previous: Vec<SecretString> = previous.iter().map(|secret| (*secret).into()).collect();
    let keys = KeyRing::new(&secret.into(), &previous).unwrap();
    AuthOptions { cost: CHEAP, registration: Registration::Open, ..AuthOptions::new(keys) }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin { address: None, request_id: "test".into() }
}

pub(crate) fn new_user(email: &str) -> NewUser {
    NewUser { email: email.into(), password: PASSWORD.into(), name: String::new() }
}

pub(crate) fn credentials(tenant_name: &str, email: &str, password: &str) -> Credentials {
    Credentials { tenant: tenant(tenant_name), email: email.into(), password: password.into() }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: AuthOptions) -> Self {
        Self::through(options, |store| store).await
    }

    /// With something before the store.
    pub(crate) async fn through(options: AuthOptions, wrap: impl FnOnce(Store) -> Store) -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::manual("2026-03-01T09:30:00Z".parse().unwrap());
        let store = wrap(testing::open(dir.path(), clock.clone()).await.unwrap());
        let auth = Auth::start(store.clone(), options).unwrap();
        Self { auth, store, clock, dir }
    }

    /// Another server's, on the same store.
    pub(crate) async fn another(&self, options: AuthOptions) -> Auth {
        Auth::start(testing::open_again(self.dir.path(), &self.store).await.unwrap(), options).unwrap()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Makes a user, and the tenant where it is new.
    pub(crate) async fn user(&self, tenant_name: &str, email: &str, role: Role) -> UserInfo {
        self.auth.operator(&tenant(tenant_name)).create_user(&new_user(email), role).await.unwrap()
    }

    pub(crate) async fn login(&self, tenant: &str, email: &str) -> Granted {
        self.try_login(tenant, email, PASSWORD).await.unwrap()
    }

    pub(crate) async fn try_login(&self, tenant: &str, email: &str, password: &str) -> coditect_auth::Result<Granted> {
        self.auth.login(&credentials(tenant, email, password), &SessionDetails::default(), &origin()).await
    }

    /// A new user of `acme` who is logged in.
    pub(crate) async fn ada(&self) -> Granted {
        self.user("acme", "ada@example.com", Role::Administrator).await;
        self.login("acme", "ada@example.com").await
    }

    pub(crate) async fn caller(&self, granted: &Granted) -> Caller {
        self.auth.authenticate(granted.token.expose_secret()).await.unwrap()
    }

    pub(crate) async fn acting(&self, granted: &Granted) -> Acting {
        self.auth.acting(self.caller(granted).await, "test")
    }

    /// Why a token is not believed.
    pub(crate) async fn refused(&self, token: &SecretString) -> Option<Refusal> {
        refusal_of(&self.auth, token).await
    }
}

pub(crate) async fn refusal_of(auth: &Auth, token: &SecretString) -> Option<Refusal> {
    match auth.authenticate(token.expose_secret()).await {
        Ok(_) => None,
        Err(error) => Some(error.refusal().unwrap_or_else(|| panic!("{error:?}"))),
    }
}

//! Users and their sessions, made in the server's store before it starts: logins are limited by address and account.

use anyhow::{Context, Result};
use coditect_auth::{Auth, AuthOptions, Credentials, HashCost, KeyRing, NewUser, Origin, Role, SessionDetails};
use coditect_benches::server::ServerOptions;
use coditect_store::{EmbeddedOptions, Store, TenantId};
use secrecy::{ExposeSecret as _, SecretString};

pub(crate) const TENANT: &str = "guard";
pub(crate) const PASSWORD: &str = "correct horse battery";
const USERS: usize = 20;
const SESSIONS_EACH: usize = 10;

/// Who is logged in.
pub(crate) struct Accounts {
    /// A token for each session.
    pub(crate) tokens: Vec<SecretString>,
}

/// E-mail address of a user.
pub(crate) fn email(user: usize) -> String {
    format!("user{user}@example.com")
}

impl Accounts {
    pub(crate) async fn make(options: &ServerOptions) -> Result<Self> {
        // Makes the data folder, and the server's own secret in it.
        let created = ["admin", "create", "--tenant", TENANT, "--email", "admin@example.com"];
        options.command(&created, PASSWORD)?;
        let secret =
            std::fs::read_to_string(options.data_dir.join("jwt_secret")).context("read the server's secret")?;
        let keys = KeyRing::new(&secret.trim().into(), &[])?;
        let store = Store::open_embedded(EmbeddedOptions::new(&options.data_dir)).await.context("open the store")?;
        let auth = Auth::start(store.clone(), AuthOptions { cost: cheap(), ..AuthOptions::new(keys) })?;
        let tenant = TenantId::new(TENANT)?;
        let operator = auth.operator(&tenant);
        let mut tokens = Vec::with_capacity(USERS * SESSIONS_EACH);
        for user in 0..USERS {
            let new = NewUser { email: email(user), password: PASSWORD.into(), name: String::new() };
            operator.create_user(&new, Role::Member).await?;
            for _ in 0..SESSIONS_EACH {
                let given = Credentials { tenant: tenant.clone(), email: email(user), password: PASSWORD.into() };
                let granted = auth.login(&given, &SessionDetails::default(), &Origin::default()).await?;
                tokens.push(granted.token.expose_secret().into());
            }
        }
        auth.stop().await;
        store.close().await.context("close the store")?;
        Ok(Self { tokens })
    }
}

/// A hash that costs next to nothing: the server hashes anew at the first login.
pub(crate) fn cheap() -> HashCost {
    HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 2 }
}

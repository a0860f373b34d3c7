//! `coditect-server admin`: the first administrator of a tenant, and the first service token, made where the server's data is.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use coditect_auth::{Acting, Auth, NewServiceToken, NewUser, Role, Scope, Scopes};
use coditect_store::{Clock, Store, TenantId};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use super::output;
use crate::settings::Settings;
use crate::sign_in;
use crate::start::{StartError, chain, open_store};

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Make a user who looks after a tenant. The tenant is made where it is new.
    Create(CreateArgs),
    /// Make a service token, and print it: it is shown this once.
    Token(TokenArgs),
}

/// Who is to be an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CreateArgs {
    /// The tenant.
    #[arg(long)]
    pub tenant: String,
    /// E-mail address.
    #[arg(long)]
    pub email: String,
    /// Name to show; the address when left out.
    #[arg(long, default_value = "")]
    pub name: String,
    /// File whose first line is the password; asked for, or read from the standard input, when left out.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Which service token.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TokenArgs {
    /// The tenant.
    #[arg(long)]
    pub tenant: String,
    /// What it is for.
    #[arg(long)]
    pub name: String,
    /// What it shall allow, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "kb:read,kb:write")]
    pub scopes: Vec<String>,
    /// A collection that it is confined to; may be repeated.
    #[arg(long = "collection", value_name = "NAME")]
    pub collections: Vec<String>,
    /// Days until it ends; never when left out.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub days: Option<u16>,
}

/// Makes what the command says.
pub(super) async fn run(command: &AdminCommand, settings: &Settings) -> Result<(), StartError> {
    let name = match command {
        AdminCommand::Create(arguments) => &arguments.tenant,
        AdminCommand::Token(arguments) => &arguments.tenant,
    };
    let tenant = TenantId::new(name.as_str()).map_err(|error| StartError::Settings(format!("--tenant: {error}")))?;
    let (store, auth) = open(settings).await?;
    let operator = auth.operator(&tenant);
    let made = match command {
        AdminCommand::Create(arguments) => create(&operator, arguments).await,
        AdminCommand::Token(arguments) => token(&operator, arguments, store.clock()).await,
    };
    close(&store, &auth).await;
    made
}

/// Opens the store and what is needed of authentication.
pub(super) async fn open(settings: &Settings) -> Result<(Store, Auth), StartError> {
    let store = open_store(settings, &Clock::system()).await?;
    match sign_in::start(settings, store.clone()) {
        Ok(auth) => Ok((store, auth)),
        Err(error) => {
            if let Err(error) = store.close().await {
                tracing::warn!(%error, "the store did not close cleanly");
            }
            Err(error)
        }
    }
}

pub(super) async fn close(store: &Store, auth: &Auth) {
    auth.stop().await;
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the store did not close cleanly");
    }
}

async fn create(operator: &Acting, arguments: &CreateArgs) -> Result<(), StartError> {
    let password = password(arguments.password_file.as_ref())?;
    let new = NewUser { email: arguments.email.clone(), password, name: arguments.name.clone() };
    let user = operator.create_user(&new, Role::Administrator).await.map_err(refused)?;
    output::say(&format!("{} is an administrator of tenant {}\n", user.email, arguments.tenant))
}

async fn token(operator: &Acting, arguments: &TokenArgs, clock: &Clock) -> Result<(), StartError> {
    let scopes: Vec<Scope> =
        arguments.scopes.iter().map(|name| name.trim().parse()).collect::<Result<_, _>>().map_err(refused)?;
    let collections: BTreeSet<String> = arguments.collections.iter().cloned().collect();
    let life = arguments.days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    let expires_at = life.map(|life| clock.now().saturating_add(life)).transpose();
    let wanted = NewServiceToken {
        name: arguments.name.clone(),
        scopes: Scopes::of(&scopes),
        collections: (!collections.is_empty()).then_some(collections),
        expires_at: expires_at.map_err(|error| StartError::Settings(format!("--days: {error}")))?,
    };
    let (_, token) = operator.create_token(&wanted).await.map_err(refused)?;
    output::say(&format!("{}\n", token.expose_secret()))
}

fn refused(error: coditect_auth::Error) -> StartError {
    use coditect_auth::ErrorKind;
    match error.kind() {
        ErrorKind::Invalid { .. } | ErrorKind::Conflict => StartError::Settings(error.to_string()),
        _ => StartError::Other(chain(&error)),
    }
}

fn password(file: Option<&PathBuf>) -> Result<SecretString, StartError> {
    let cannot = |error: std::io::Error| StartError::Settings(format!("read the password: {error}"));
    if let Some(file) = file {
        let text: SecretString = std::fs::read_to_string(file).map_err(cannot)?.into();
        return Ok(text.expose_secret().lines().next().unwrap_or_default().into());
    }
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").map(SecretString::from).map_err(cannot);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(cannot)?;
    let line: SecretString = line.into();
    Ok(line.expose_secret().trim_end_matches(['\r', '\n']).into())
}

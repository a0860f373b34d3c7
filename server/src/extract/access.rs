//! Who calls, as handlers get it: what a caller may do, bound to its tenant. There is no other way to documents or accounts, and nothing to extract on a
//! route that the guard does not stand before.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coditect_auth::{Acting, Caller, Scope};
use coditect_engine::Tenant;

use crate::middleware::request_id::RequestId;
use crate::problem::{Code, Problem, Result};
use crate::quotas::Charge;
use crate::state::AppState;

/// Somebody who may read documents.
pub(crate) struct Reader(pub(crate) Tenant);

/// Somebody who may write documents. What is written is told to the audit log in the same commit.
pub(crate) struct Writer {
    pub(crate) tenant: Tenant,
    charge: Charge,
}

/// Somebody who logged in.
pub(crate) struct SignedIn(pub(crate) Acting);

/// Somebody who looks after the tenant.
pub(crate) struct Administrator(pub(crate) Acting);

/// Somebody who logged in, or looks after the tenant.
pub(crate) struct Known(pub(crate) Acting);

impl Writer {
    /// Takes what is about to be written off the limits of tenant and caller.
    pub(crate) fn charge(&self, documents: usize, bytes: usize) -> Result<()> {
        self.charge.take(documents, bytes)
    }
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let acting = acting(parts, app)?;
        acting.must(Scope::KbRead)?;
        Ok(Self(app.tenant(acting.caller())?))
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let acting = acting(parts, app)?;
        acting.must(Scope::KbWrite)?;
        if app.is_shared(acting.caller().tenant()) {
            // What every tenant reads is written by those who look after it.
            acting.must(Scope::Admin)?;
        }
        let tenant = app.tenant(acting.caller())?.observed_by(crate::audit::observer(acting.auditor().clone()));
        Ok(Self { tenant, charge: app.quotas.charge(acting.caller()) })
    }
}

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let acting = acting(parts, app)?;
        acting.must_be_signed_in()?;
        Ok(Self(acting))
    }
}

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let acting = acting(parts, app)?;
        acting.must(Scope::Admin)?;
        Ok(Self(acting))
    }
}

impl FromRequestParts<AppState> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let acting = acting(parts, app)?;
        acting.must(Scope::Admin).or_else(|_| acting.must_be_signed_in())?;
        Ok(Self(acting))
    }
}

fn acting(parts: &Parts, app: &AppState) -> Result<Acting> {
    let request_id = parts.extensions.get::<RequestId>().map_or("", |id| id.0.as_str());
    match parts.extensions.get::<Caller>() {
        Some(caller) => Ok(app.auth.acting(caller.clone(), request_id)),
        None => Err(Problem::new(Code::Internal, "the route has no guard")),
    }
}

//! The guard: no request passes whose sender is not known. It stands before every route but those that nobody can be asked to sign in for: health, the
//! description and its page, login, registration and refresh.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use coditect_auth::{Caller, Refusal, bearer};

use crate::problem::Result;
use crate::state::{App, AppState};

/// Lets known senders pass, with who they are.
pub(crate) async fn check(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    match known(&app, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn known(app: &App, headers: &HeaderMap) -> Result<Caller> {
    let caller = app.auth.authenticate(token(headers)?).await?;
    app.quotas.request(&caller)?;
    Ok(caller)
}

/// The one bearer token of a request.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (None, _) => Err(coditect_auth::Error::from(Refusal::Missing).into()),
        (Some(one), None) => bearer(one.as_bytes()).map_err(|refusal| coditect_auth::Error::from(refusal).into()),
        (Some(_), Some(_)) => Err(coditect_auth::Error::from(Refusal::Malformed).into()),
    }
}

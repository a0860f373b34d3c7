//! The sidecar of a workspace, as its handlers get it: known by its pod's token, and bound to its own workspace.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coditect_auth::PodAccess;

use crate::middleware::guard;
use crate::problem::{Problem, Result};
use crate::state::AppState;

/// What the sidecar of a pod can do.
pub(crate) struct AtPod(pub(crate) PodAccess);

impl FromRequestParts<AppState> for AtPod {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        let pod = app.auth.authenticate_pod(guard::token(&parts.headers)?).await?;
        Ok(Self(app.auth.pod_access(pod)))
    }
}

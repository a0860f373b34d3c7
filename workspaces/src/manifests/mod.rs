//! What a workspace is made of in the cluster: objects from templates, with the workspace's names, marks and images.

mod load;
mod render;

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;

use crate::cluster::{ClusterError, ClusterResult};
pub use load::TemplateError;

/// Label of all objects that this crate looks after.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value, and the field manager of server-side apply.
pub(crate) const MANAGER: &str = "coditect-server";
/// Labels: ids, shortened where they do not fit.
pub(crate) const WORKSPACE_LABEL: &str = "coditect.io/workspace";
const TENANT_LABEL: &str = "coditect.io/tenant";
const USER_LABEL: &str = "coditect.io/user";
/// Annotations: ids as they are. Templates may hand them to containers through the downward API.
pub(crate) const WORKSPACE_ID: &str = "coditect/workspace-id";
pub(crate) const TENANT: &str = "coditect/tenant";
pub(crate) const USER_ID: &str = "coditect/user-id";
const ORIGINS: &str = "coditect/origins";
const GATEWAY_URL: &str = "coditect/gateway-url";
/// The container that gets [`TemplateOptions::image`].
const CONTAINER: &str = "workspace";
/// The container that gets [`TemplateOptions::sidecar_image`].
const SIDECAR: &str = "websocket-gateway";
/// What templates call the Secret of the workspace's token.
const TOKEN_SECRET: &str = "workspace-token";

/// Where templates come from, and what is put into them.
#[derive(Debug, Clone, Default)]
pub struct TemplateOptions {
    /// Folder with `namespace.yaml`, `networkpolicy.yaml`, `service.yaml`, `claim.yaml` and `pod.yaml`; built-in ones stand in for those that are missing.
    pub folder: Option<PathBuf>,
    /// Image of the container `workspace`; the template's when `None`.
    pub image: Option<String>,
    /// Image of the container `websocket-gateway`; the template's when `None`.
    pub sidecar_image: Option<String>,
    /// Where sidecars ask about sessions, for the annotation `coditect/gateway-url`.
    pub gateway_url: String,
    /// Origins whose pages may connect, for the annotation `coditect/origins`.
    pub origins: Vec<String>,
    /// Who signed the gateway's certificate (PEM), beside the token as `ca.crt`.
    pub gateway_ca: Option<String>,
}

/// Templates that were read and understood.
#[derive(Debug, Clone)]
pub struct Templates {
    namespace: Namespace,
    policy: NetworkPolicy,
    service: Service,
    claim: PersistentVolumeClaim,
    pod: Pod,
    options: TemplateOptions,
}

/// The objects of one workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifests {
    /// Its user's namespace.
    pub namespace: Namespace,
    /// Who may connect to it.
    pub policy: NetworkPolicy,
    /// Its address.
    pub service: Service,
    /// Its disk, where the pod mounts one.
    pub claim: Option<PersistentVolumeClaim>,
    /// Its token, where there is one.
    pub token: Option<Secret>,
    /// What runs.
    pub pod: Pod,
    /// Whether the pod cannot start without a token.
    pub needs_token: bool,
}

/// The name of a workspace's Secret.
pub(crate) fn token_name(pod: &str) -> String {
    format!("{pod}-token")
}

impl Manifests {
    /// Refuses to make a pod that could not start.
    pub(crate) fn must_be_complete(&self) -> ClusterResult<()> {
        match self.needs_token && self.token.is_none() {
            true => Err(ClusterError::refused("its pod needs a token for the gateway, and this server gives none")),
            false => Ok(()),
        }
    }
}

//! Templates become the objects of one workspace.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod, PodSpec, Secret, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    CONTAINER, GATEWAY_URL, MANAGED_BY, MANAGER, Manifests, ORIGINS, SIDECAR, TENANT, TENANT_LABEL, TOKEN_SECRET,
    Templates, USER_ID, USER_LABEL, WORKSPACE_ID, WORKSPACE_LABEL, token_name,
};
use crate::names;
use crate::workspace::Workspace;

/// How a pod needs the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    None,
    May,
    Must,
}

impl Need {
    fn of(optional: Option<bool>) -> Self {
        if optional == Some(true) { Self::May } else { Self::Must }
    }
}

impl Templates {
    /// The objects of a workspace.
    #[must_use]
    pub fn manifests(&self, workspace: &Workspace, token: Option<&SecretString>) -> Manifests {
        let (pod, need, needs_disk) = self.pod(workspace);
        let mut namespace = self.namespace.clone();
        mark_owner(&mut namespace.metadata, workspace);
        namespace.metadata.name = Some(workspace.pod_namespace.clone());
        let mut policy = self.policy.clone();
        mark(&mut policy.metadata, workspace, &workspace.pod_name);
        let mut service = self.service.clone();
        mark(&mut service.metadata, workspace, &workspace.service);
        // The user may have several workspaces in its namespace.
        let selector = service.spec.get_or_insert_default().selector.get_or_insert_default();
        selector.insert(WORKSPACE_LABEL.into(), names::label_value(workspace.id.as_str()));
        let mut claim = self.claim.clone();
        mark(&mut claim.metadata, workspace, &workspace.pod_name);
        let claim = needs_disk.then_some(claim);
        let token = token.map(|token| self.secret(workspace, token));
        let needs_token = need == Need::Must;
        Manifests { namespace, policy, service, claim, token, pod, needs_token }
    }

    /// Whether a pod of the workspace can use a token.
    pub(crate) fn takes_token(&self, workspace: &Workspace) -> bool {
        self.pod(workspace).1 > Need::None
    }

    /// The pod, how it needs the token, and whether it needs the disk.
    fn pod(&self, workspace: &Workspace) -> (Pod, Need, bool) {
        let mut pod = self.pod.clone();
        mark(&mut pod.metadata, workspace, &workspace.pod_name);
        let annotations = pod.metadata.annotations.get_or_insert_default();
        annotations.insert(ORIGINS.into(), self.options.origins.join(","));
        annotations.insert(GATEWAY_URL.into(), self.options.gateway_url.clone());
        let disk = self.claim.metadata.name.clone().unwrap_or_default();
        let (mut token, mut needs_disk) = (Need::None, false);
        let spec = pod.spec.get_or_insert_default();
        for container in containers(spec) {
            self.set_image(container);
            for variable in container.env.iter_mut().flatten() {
                token = token.max(set_variable(variable, workspace));
            }
        }
        for volume in spec.volumes.iter_mut().flatten() {
            token = token.max(name_secret(volume, workspace));
            needs_disk |= name_disk(volume, &disk, workspace);
        }
        (pod, token, needs_disk)
    }

    fn set_image(&self, container: &mut Container) {
        let image = match container.name.as_str() {
            CONTAINER => &self.options.image,
            SIDECAR => &self.options.sidecar_image,
            _ => return,
        };
        if let Some(image) = image {
            container.image = Some(image.clone());
        }
    }

    fn secret(&self, workspace: &Workspace, token: &SecretString) -> Secret {
        let mut metadata = ObjectMeta::default();
        mark(&mut metadata, workspace, &token_name(&workspace.pod_name));
        let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
        let mut data = BTreeMap::from([("token".to_owned(), bytes(token.expose_secret()))]);
        if let Some(ca) = &self.options.gateway_ca {
            data.insert("ca.crt".into(), bytes(ca));
        }
        Secret { metadata, data: Some(data), type_: Some("Opaque".into()), ..Default::default() }
    }
}

fn containers(spec: &mut PodSpec) -> impl Iterator<Item = &mut Container> {
    spec.init_containers.iter_mut().flatten().chain(&mut spec.containers)
}

/// Gives a part of a workspace its name, and says whose it is.
fn mark(metadata: &mut ObjectMeta, workspace: &Workspace, name: &str) {
    metadata.name = Some(name.to_owned());
    metadata.namespace = Some(workspace.pod_namespace.clone());
    mark_owner(metadata, workspace);
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(WORKSPACE_LABEL.into(), names::label_value(workspace.id.as_str()));
    metadata.annotations.get_or_insert_default().insert(WORKSPACE_ID.into(), workspace.id.to_string());
}

fn mark_owner(metadata: &mut ObjectMeta, workspace: &Workspace) {
    let (tenant, user) = (workspace.tenant.as_str(), workspace.user.as_str());
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    labels.insert(TENANT_LABEL.into(), names::label_value(tenant));
    labels.insert(USER_LABEL.into(), names::label_value(user));
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(TENANT.into(), tenant.to_owned());
    annotations.insert(USER_ID.into(), user.to_owned());
}

/// Fills in a variable that the template leaves to us. Answers how it needs the token.
fn set_variable(variable: &mut EnvVar, workspace: &Workspace) -> Need {
    let id = match variable.name.as_str() {
        "CODITECT_WORKSPACE_ID" => Some(workspace.id.as_str()),
        "CODITECT_WORKSPACE_TENANT" => Some(workspace.tenant.as_str()),
        "CODITECT_WORKSPACE_USER" => Some(workspace.user.as_str()),
        _ => None,
    };
    if let (Some(id), None) = (id, &variable.value_from) {
        variable.value = Some(id.to_owned());
    }
    let source = variable.value_from.as_mut().and_then(|from| from.secret_key_ref.as_mut());
    match source.filter(|source| source.name == TOKEN_SECRET) {
        Some(source) => {
            source.name = token_name(&workspace.pod_name);
            Need::of(source.optional)
        }
        None => Need::None,
    }
}

/// Leads a volume of the token to this workspace's. Answers how it needs it.
fn name_secret(volume: &mut Volume, workspace: &Workspace) -> Need {
    let name = token_name(&workspace.pod_name);
    let mut need = Need::None;
    if let Some(secret) = volume.secret.as_mut().filter(|it| it.secret_name.as_deref() == Some(TOKEN_SECRET)) {
        secret.secret_name = Some(name.clone());
        need = need.max(Need::of(secret.optional));
    }
    let projected = volume.projected.iter_mut().flat_map(|it| it.sources.iter_mut().flatten());
    for secret in projected.filter_map(|source| source.secret.as_mut()).filter(|it| it.name == TOKEN_SECRET) {
        secret.name.clone_from(&name);
        need = need.max(Need::of(secret.optional));
    }
    need
}

/// Leads a volume of the template's disk to this workspace's. Answers whether it is one.
fn name_disk(volume: &mut Volume, disk: &str, workspace: &Workspace) -> bool {
    match volume.persistent_volume_claim.as_mut().filter(|claim| claim.claim_name == disk) {
        Some(claim) => {
            claim.claim_name.clone_from(&workspace.pod_name);
            true
        }
        None => false,
    }
}

//! Making the parts of a workspace, in the order in which they need each other: nothing runs before the policy that guards it.

use coditect_auth::WorkspaceId;
use coditect_store::TenantId;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{Api, Resource, ResourceExt as _};

use super::{KubeCluster, pod};
use crate::cluster::{ClusterError, ClusterResult, Observed, Phase};
use crate::keys::Name;
use crate::manifests::{MANAGED_BY, MANAGER, Manifests, TENANT, USER_ID, WORKSPACE_ID};
use crate::workspace::Workspace;

impl KubeCluster {
    pub(super) async fn make(&self, workspace: &Workspace, manifests: &Manifests) -> ClusterResult<Observed> {
        let namespace = &workspace.pod_namespace;
        self.ensure_namespace(workspace, &manifests.namespace).await?;
        self.put::<NetworkPolicy>(&self.api(namespace), &manifests.policy).await?;
        self.put_service(workspace, &manifests.service).await?;
        if let Some(claim) = &manifests.claim {
            self.ensure_claim(workspace, claim).await?;
        }
        if let Some(token) = &manifests.token {
            self.put::<Secret>(&self.api(namespace), token).await?;
        }
        let seen = self.look(workspace).await?;
        if seen.phase != Phase::Absent {
            return Ok(seen);
        }
        manifests.must_be_complete()?;
        self.create::<Pod>(&self.api(namespace), &manifests.pod).await?;
        self.look(workspace).await
    }

    pub(super) async fn look(&self, workspace: &Workspace) -> ClusterResult<Observed> {
        Ok(self.pod(workspace).await?.map_or(Observed::only(Phase::Absent), |found| pod::observed(&found)))
    }

    pub(super) async fn delete_pod(&self, workspace: &Workspace) -> ClusterResult<Observed> {
        let Some(found) = self.pod(workspace).await? else { return Ok(Observed::only(Phase::Absent)) };
        if found.metadata.deletion_timestamp.is_none() {
            self.delete(&self.api::<Pod>(&workspace.pod_namespace), &found).await?;
        }
        self.look(workspace).await
    }

    async fn pod(&self, workspace: &Workspace) -> ClusterResult<Option<Pod>> {
        let found = self.get::<Pod>(&self.api(&workspace.pod_namespace), &workspace.pod_name).await?;
        match found {
            Some(found) if !is_of(&found, workspace) => Err(taken("Pod", &found)),
            found => Ok(found),
        }
    }

    async fn ensure_namespace(&self, workspace: &Workspace, wanted: &Namespace) -> ClusterResult<()> {
        let api = Api::<Namespace>::all(self.client.clone());
        let name = &workspace.pod_namespace;
        let found = match self.get(&api, name).await? {
            Some(found) => found,
            None if self.create(&api, wanted).await? => return Ok(()),
            None => {
                self.get(&api, name).await?.ok_or_else(|| ClusterError::waiting("its namespace is being deleted"))?
            }
        };
        if found.metadata.deletion_timestamp.is_some() {
            return Err(ClusterError::waiting("its namespace is being deleted"));
        }
        let annotations = found.annotations();
        let is_own = found.labels().get(MANAGED_BY).is_some_and(|it| it == MANAGER)
            && annotations.get(TENANT).is_some_and(|it| it == workspace.tenant.as_str())
            && annotations.get(USER_ID).is_some_and(|it| it == workspace.user.as_str());
        if is_own { Ok(()) } else { Err(taken("Namespace", &found)) }
    }

    /// The name may have been an earlier workspace's, and may be a later one's when the request arrives. So each has a field manager of its own, and takes over from
    /// others only in the very object that it has seen to be its own.
    async fn put_service(&self, workspace: &Workspace, wanted: &Service) -> ClusterResult<()> {
        let api = self.api::<Service>(&workspace.pod_namespace);
        let manager = &format!("{MANAGER}-{}", workspace.pod_name);
        self.own_service(&api, workspace).await?;
        let Some(failure) = self.put_gently(&api, wanted, manager).await? else { return Ok(()) };
        let Some(seen) = self.own_service(&api, workspace).await? else {
            return Err(failure.of_part("Service"));
        };
        let mut wanted = wanted.clone();
        wanted.metadata.uid = seen.metadata.uid;
        wanted.metadata.resource_version = seen.metadata.resource_version;
        self.put_by_force(&api, &wanted, manager, &failure).await
    }

    async fn own_service(&self, api: &Api<Service>, workspace: &Workspace) -> ClusterResult<Option<Service>> {
        match self.get(api, &workspace.service).await? {
            Some(found) if !is_of(&found, workspace) => Err(taken("Service", &found)),
            found => Ok(found),
        }
    }

    /// A disk cannot be changed; so one that is there stays, whatever the template says.
    async fn ensure_claim(&self, workspace: &Workspace, wanted: &PersistentVolumeClaim) -> ClusterResult<()> {
        let api = self.api::<PersistentVolumeClaim>(&workspace.pod_namespace);
        match self.get(&api, &workspace.pod_name).await? {
            Some(found) if !is_of(&found, workspace) => Err(taken("disk", &found)),
            Some(found) if found.metadata.deletion_timestamp.is_some() => {
                Err(ClusterError::waiting("its disk is being deleted"))
            }
            Some(_) => Ok(()),
            None => self.create(&api, wanted).await.map(drop),
        }
    }

    pub(super) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Whether an object is a part of this workspace.
pub(super) fn is_of(object: &impl Resource, workspace: &Workspace) -> bool {
    let metadata = object.meta();
    let is = |key: &str, wanted: &str| {
        metadata.annotations.as_ref().and_then(|all| all.get(key)).is_some_and(|it| it == wanted)
    };
    is(WORKSPACE_ID, workspace.id.as_str()) && is(TENANT, workspace.tenant.as_str())
}

fn taken(part: &str, found: &impl Resource) -> ClusterError {
    let error = ClusterError::refused(format!("the cluster has a {part} of its name that is not its own"));
    error.in_the_way(owner(found))
}

/// The workspace that an object is a part of.
fn owner(object: &impl Resource) -> Option<Name> {
    let annotations = object.meta().annotations.as_ref()?;
    let (tenant, workspace) = (annotations.get(TENANT)?, annotations.get(WORKSPACE_ID)?);
    Some(Name { tenant: TenantId::new(tenant).ok()?, workspace: WorkspaceId::new(workspace).ok()? })
}

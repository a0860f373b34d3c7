//! Deleting the parts of a workspace: the pod first, and what guards it only when the pod is gone.

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::{Api, Resource};

use super::KubeCluster;
use super::objects::Part;
use super::parts::is_of;
use crate::cluster::{ClusterResult, Observed, Phase};
use crate::manifests::token_name;
use crate::workspace::Workspace;

impl KubeCluster {
    pub(super) async fn delete_all(&self, workspace: &Workspace) -> ClusterResult<Observed> {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        if self.get(&namespaces, &workspace.pod_namespace).await?.is_none() {
            return Ok(Observed::only(Phase::Gone));
        }
        let left = self.delete_pod(workspace).await?;
        if left.phase != Phase::Absent {
            return Ok(left);
        }
        // A second look tells that nothing has stayed: most objects go at once.
        let is_gone = self.delete_parts(workspace).await? || self.delete_parts(workspace).await?;
        Ok(match is_gone {
            true => Observed::only(Phase::Gone),
            false => Observed::saying(Phase::Absent, "its parts are being deleted"),
        })
    }

    /// Answers whether there was nothing to delete. Secrets are not looked at: reading them takes a right that a server should not have. Their names are of one
    /// workspace alone.
    async fn delete_parts(&self, workspace: &Workspace) -> ClusterResult<bool> {
        let (namespace, name) = (&workspace.pod_namespace, &workspace.pod_name);
        self.delete_unseen::<Secret>(&self.api(namespace), &token_name(name)).await?;
        let service = self.delete_part::<Service>(workspace, &workspace.service).await?;
        let claim = self.delete_part::<PersistentVolumeClaim>(workspace, name).await?;
        let policy = self.delete_part::<NetworkPolicy>(workspace, name).await?;
        Ok(service && claim && policy)
    }

    /// Answers whether it was not there. One that another workspace has is not there.
    async fn delete_part<K>(&self, workspace: &Workspace, name: &str) -> ClusterResult<bool>
    where
        K: Part + Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    {
        let api = self.api::<K>(&workspace.pod_namespace);
        let Some(found) = self.get(&api, name).await?.filter(|found| is_of(found, workspace)) else {
            return Ok(true);
        };
        if found.meta().deletion_timestamp.is_none() {
            self.delete(&api, &found).await?;
        }
        Ok(false)
    }
}

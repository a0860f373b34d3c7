//! The requests that are made of any kind of object.

use std::fmt::Debug;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::KubeCluster;
use super::failure::Failure;
use crate::cluster::ClusterResult;
use crate::manifests::MANAGER;

/// A kind of object that this crate makes.
pub(super) trait Part: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Sync {}

impl<T: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Sync> Part for T {}

impl KubeCluster {
    pub(super) async fn get<K: Part>(&self, api: &Api<K>, name: &str) -> ClusterResult<Option<K>> {
        match self.calls.run(|| api.get(name)).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(of(failure, api)),
        }
    }

    /// Makes an object. Answers whether it was not there before.
    pub(super) async fn create<K: Part>(&self, api: &Api<K>, object: &K) -> ClusterResult<bool> {
        let params = &PostParams { field_manager: Some(MANAGER.into()), ..Default::default() };
        match self.calls.run(|| api.create(params, object)).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_already_there() => Ok(false),
            Err(failure) => Err(of(failure, api)),
        }
    }

    /// Brings an object to what it shall be. Fields that somebody else has set otherwise are taken over, and that is told.
    pub(super) async fn put<K: Part>(&self, api: &Api<K>, object: &K) -> ClusterResult<()> {
        match self.put_gently(api, object, MANAGER).await? {
            None => Ok(()),
            Some(failure) => self.put_by_force(api, object, MANAGER, &failure).await,
        }
    }

    /// Brings an object to what it shall be, unless somebody else has set a field otherwise; then that is answered.
    pub(super) async fn put_gently<K: Part>(
        &self,
        api: &Api<K>,
        object: &K,
        manager: &str,
    ) -> ClusterResult<Option<Failure>> {
        match self.patch(api, object, &PatchParams::apply(manager)).await {
            Ok(()) => Ok(None),
            Err(failure) if failure.is_of_field_managers() => Ok(Some(failure)),
            Err(failure) => Err(of(failure, api)),
        }
    }

    /// Takes the fields over that somebody else has set otherwise.
    pub(super) async fn put_by_force<K: Part>(
        &self,
        api: &Api<K>,
        object: &K,
        manager: &str,
        failure: &Failure,
    ) -> ClusterResult<()> {
        let name = &object.name_any();
        tracing::warn!(part = %K::kind(&()), %name, %failure, "somebody else has changed a part of a workspace: it is changed back");
        self.patch(api, object, &PatchParams::apply(manager).force()).await.map_err(|failure| of(failure, api))
    }

    async fn patch<K: Part>(&self, api: &Api<K>, object: &K, params: &PatchParams) -> Result<(), Failure> {
        let (name, patch) = (&object.name_any(), &Patch::Apply(object));
        self.calls.run(|| api.patch(name, params, patch)).await.map(drop)
    }

    /// Deletes the very object that was seen.
    pub(super) async fn delete<K: Part>(&self, api: &Api<K>, seen: &K) -> ClusterResult<()> {
        let preconditions = Preconditions { uid: seen.uid(), resource_version: None };
        self.delete_as(api, &seen.name_any(), &DeleteParams::default().preconditions(preconditions)).await
    }

    /// Deletes whatever has this name.
    pub(super) async fn delete_unseen<K: Part>(&self, api: &Api<K>, name: &str) -> ClusterResult<()> {
        self.delete_as(api, name, &DeleteParams::default()).await
    }

    async fn delete_as<K: Part>(&self, api: &Api<K>, name: &str, params: &DeleteParams) -> ClusterResult<()> {
        match self.calls.run(|| api.delete(name, params)).await {
            Ok(_) => Ok(()),
            // It is gone, or another has its name.
            Err(failure) if failure.is_not_found() || failure.is_conflict() => Ok(()),
            Err(failure) => Err(of(failure, api)),
        }
    }
}

fn of<K: Part>(failure: Failure, _: &Api<K>) -> crate::cluster::ClusterError {
    failure.of_part(&K::kind(&()))
}

//! ConfigMaps of our own: read, written with an optimistic lock, removed.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, PostParams};

use super::call::Call;
use super::client::Live;
use super::pages::whole;
use crate::cluster::ClusterError;

impl Live {
    pub(super) fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), self.namespace())
    }

    pub(super) fn map_call(&self, verb: &'static str, name: &str) -> Call {
        Call::new(verb, format!("configmap {name} in namespace {}", self.namespace()))
    }

    /// The ConfigMap of that name; None if it is not there.
    pub(super) async fn map(&self, name: &str) -> Result<Option<ConfigMap>, ClusterError> {
        let maps = self.maps();
        self.again(&self.map_call("get", name), || maps.get_opt(name)).await
    }

    /// The same for one of many, of which a role cannot know the names: with the verb `list`.
    pub(super) async fn one_of_the_maps(&self, name: &str) -> Result<Option<ConfigMap>, ClusterError> {
        let (maps, named) = (self.maps(), ListParams::default().fields(&format!("metadata.name={name}")));
        let call = Call::new("list", format!("configmaps in namespace {}", self.namespace()));
        let found = self.again(&call, || maps.list(&named)).await?;
        Ok(whole(found).map_err(|failed| call.error(&failed))?.pop())
    }

    /// Writes a ConfigMap: a new one if it carries no version, else the one that it was read as.
    ///
    /// # Errors
    /// Somebody else wrote it meanwhile ([`ClusterError::Conflict`]), or it cannot be written.
    pub(super) async fn put_map(&self, map: &ConfigMap) -> Result<(), ClusterError> {
        let (maps, post) = (self.maps(), PostParams::default());
        let name = map.metadata.name.as_deref().unwrap_or_default();
        if map.metadata.resource_version.is_some() {
            return self.once(&self.map_call("update", name), maps.replace(name, &post, map)).await.map(drop);
        }
        match self.once(&self.map_call("create", name), maps.create(&post, map)).await {
            Err(ClusterError::NotFound(_)) => Err(self.no_namespace()),
            other => other.map(drop),
        }
    }

    /// Removes a ConfigMap; one that is not there is no error.
    pub(super) async fn remove_map(&self, name: &str) -> Result<(), ClusterError> {
        let maps = self.maps();
        match self.once(&self.map_call("delete", name), maps.delete(name, &DeleteParams::default())).await {
            Err(ClusterError::NotFound(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Nothing of ours can be kept in this cluster yet.
    pub(super) fn no_namespace(&self) -> ClusterError {
        let name = self.namespace();
        ClusterError::NotFound(format!(
            "namespace {name}, where Tidegate keeps lock, memory and records (`kubectl create namespace {name}` makes it),"
        ))
    }
}

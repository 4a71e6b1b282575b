//! What our role allows, asked of the cluster itself: one SelfSubjectAccessReview for each verb that is needed.

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use super::call::Call;
use super::client::Live;
use super::kinds::kinds;
use super::memory;
use super::tokens::NAMESPACE;
use crate::cluster::ClusterError;

/// Reviews that are asked for side by side.
const AT_ONCE: usize = 8;

/// Something that must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The verb.
    pub verb: &'static str,
    /// The API group; empty is the core.
    pub group: &'static str,
    /// The resource, with its subresource: `pods/eviction`.
    pub resource: &'static str,
    /// Only the object of this name; None is all. A role may grant one alone.
    pub name: Option<&'static str>,
    /// Only in this namespace; None is all, or a resource that has none.
    pub namespace: Option<String>,
    /// Only `apply` needs it.
    pub to_apply: bool,
}

impl Need {
    /// `create pods/eviction`, `get configmaps/tidegate-memory in tidegate`.
    pub fn words(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let within = self.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        let name = self.name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{} {}{group}{name}{within}", self.verb, self.resource)
    }
}

/// What only some policies need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Special {
    /// A pool makes or deletes its servers, and then their Nodes.
    pub delete_nodes: bool,
    /// `onTimeout: delete`.
    pub delete_pods: bool,
    /// User data asks for a bootstrap token.
    pub tokens: bool,
}

impl Special {
    fn rights(self) -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> {
        let tokens = ["create", "get", "delete"].map(|verb| (self.tokens, verb, "secrets", Some(NAMESPACE)));
        let deletes = [(self.delete_nodes, "delete", "nodes", None), (self.delete_pods, "delete", "pods", None)];
        let all = deletes.into_iter().chain(tokens).filter(|(asked, ..)| *asked);
        all.map(|(_, verb, resource, namespace)| (verb, resource, namespace))
    }
}

/// Everything that `plan` and `apply` need, as `examples/rbac.yaml` grants it.
pub fn needs(namespace: &str, special: Special) -> Vec<Need> {
    const WRITE: [(&str, &str, &str); 4] =
        [("get", "", "nodes"), ("patch", "", "nodes"), ("patch", "", "nodes/status"), ("create", "", "pods/eviction")];
    const OURS: [(&str, &str, &str); 6] = [
        ("create", "coordination.k8s.io", "leases"),
        ("get", "coordination.k8s.io", "leases"),
        ("update", "coordination.k8s.io", "leases"),
        ("create", "", "configmaps"),
        ("update", "", "configmaps"),
        ("delete", "", "configmaps"),
    ];
    let need = |verb, group, resource, namespace: Option<&str>, to_apply| Need {
        verb,
        group,
        resource,
        name: None,
        namespace: namespace.map(str::to_owned),
        to_apply,
    };
    let mut all: Vec<Need> = Vec::new();
    for listed in kinds() {
        let (verbs, group) = (if listed.followed() { &["list", "watch"][..] } else { &["list"] }, listed.group());
        all.extend(verbs.iter().map(|verb| need(verb, group, listed.resource, listed.namespace, false)));
    }
    all.extend(WRITE.map(|(verb, group, resource)| need(verb, group, resource, None, true)));
    all.extend(special.rights().map(|(verb, resource, within)| need(verb, "", resource, within, true)));
    all.extend(OURS.map(|(verb, group, resource)| need(verb, group, resource, Some(namespace), true)));
    // What a plan reads of our own: the memory by its name, and the records of nodes, whose names no role can know.
    all.push(Need { name: Some(memory::NAME), ..need("get", "", "configmaps", Some(namespace), false) });
    all.push(need("list", "", "configmaps", Some(namespace), false));
    all
}

impl Live {
    /// What is not allowed of what `plan` and `apply` need.
    ///
    /// # Errors
    /// The cluster does not answer.
    pub async fn denied(&self, special: Special) -> Result<Vec<Need>, ClusterError> {
        let asked = stream::iter(needs(self.namespace(), special)).map(|need| async {
            let allowed = self.allowed(&need).await?;
            Ok::<_, ClusterError>((need, allowed))
        });
        let answers: Vec<(Need, bool)> = asked.buffered(AT_ONCE).try_collect().await?;
        Ok(answers.into_iter().filter(|(_, allowed)| !allowed).map(|(need, _)| need).collect())
    }

    async fn allowed(&self, need: &Need) -> Result<bool, ClusterError> {
        let (resource, subresource) = match need.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (need.resource, None),
        };
        let asked = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(need.verb.to_owned()),
                    group: Some(need.group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource,
                    name: need.name.map(str::to_owned),
                    namespace: need.namespace.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let (call, parameters) = (Call::new("create", "selfsubjectaccessreviews"), PostParams::default());
        let answer = self.again(&call, || reviews.create(&parameters, &asked)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

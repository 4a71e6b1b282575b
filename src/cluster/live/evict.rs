//! Pods that are to go: through the Eviction API, with the UID of the pod that is meant, and every answer it has for that.
//!
//! The answers of `pods/eviction` (`pkg/registry/core/pod/storage/eviction.go` of Kubernetes): 201 accepted; 429 a budget
//! allows none now, with the budget in a cause; 404 gone; 409 another pod has that name by now; 500 more than one budget;
//! 403 a budget of which nothing can be told, a namespace that is being deleted, or our role.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::policy::v1::{Eviction, PodDisruptionBudget};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Preconditions};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::core::{Selector, SelectorExt, Status};

use super::call::{Call, Failed, once};
use super::client::Live;
use super::pages::whole;
use crate::cluster::{ClusterError, Evicted};
use crate::model::{Name, PodKey};

/// What a refusal says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// No such pod.
    Gone,
    /// Perhaps another pod of that name: look.
    Look,
    /// A budget, or somebody's webhook, holds it: the budgets' names as far as the answer has them.
    Held(Vec<String>),
    /// More than one budget counts it.
    Several,
    /// Its namespace is being deleted, and the pod with it.
    Ending,
    /// Anything else.
    Other,
}

/// How the server begins to speak of a budget in a cause.
const BUDGET: &str = "The disruption budget ";

fn verdict(status: &Status) -> Verdict {
    let causes = || status.details.iter().flat_map(|details| &details.causes);
    let about_budgets = status.details.as_ref().is_some_and(|details| details.kind.starts_with("poddisruptionbudget"));
    match status.code {
        404 => Verdict::Gone,
        409 => Verdict::Look,
        // The server asks to slow down, which says nothing of the pod.
        429 if status.message.to_ascii_lowercase().starts_with("too many requests") => Verdict::Other,
        429 => {
            let named = causes().filter_map(|cause| cause.message.strip_prefix(BUDGET)?.split(' ').next());
            Verdict::Held(named.map(str::to_owned).collect())
        }
        500 if status.message.contains("more than one PodDisruptionBudget") => Verdict::Several,
        403 if causes().any(|cause| cause.reason == "NamespaceTerminating") => Verdict::Ending,
        403 if about_budgets => Verdict::Held(status.details.iter().map(|details| details.name.clone()).collect()),
        _ => Verdict::Other,
    }
}

/// The server's words, the causes behind them.
fn words(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let causes: Vec<&str> = causes.map(|cause| cause.message.as_str()).filter(|text| !text.is_empty()).collect();
    if causes.is_empty() { status.message.clone() } else { causes.join("; ") }
}

fn retry_after(status: &Status) -> Option<SignedDuration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| SignedDuration::from_secs(seconds.into()))
}

impl Live {
    /// See [`crate::cluster::Cluster::evict`].
    pub(super) async fn ask_to_evict(&self, key: &PodKey, uid: &Name) -> Result<Evicted, ClusterError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let meant = Preconditions { uid: Some(uid.to_string()), resource_version: None };
        // `Api::evict` sends its options under a name that the server does not know, and so without the precondition.
        let eviction = Eviction {
            metadata: ObjectMeta {
                name: Some(key.name.to_string()),
                namespace: Some(key.namespace.to_string()),
                ..ObjectMeta::default()
            },
            delete_options: Some(DeleteOptions { preconditions: Some(meant), ..DeleteOptions::default() }),
        };
        let call = Call::new("create", format!("pods/eviction of {key}"));
        let post = PostParams::default();
        let asked = pods.create_subresource::<_, serde_json::Value>("eviction", &key.name, &post, &eviction);
        match once(self.patience, asked).await {
            Ok(_) => Ok(Evicted::Accepted),
            Err(Failed::Said(kube::Error::Api(status))) => match verdict(&status) {
                Verdict::Gone => Ok(Evicted::Gone),
                Verdict::Look if self.is_there(key, uid).await? == There::No => Ok(Evicted::Gone),
                Verdict::Look => Err(ClusterError::Conflict(format!("pod {key}"))),
                Verdict::Held(names) => {
                    let named: Vec<PodKey> =
                        names.iter().map(|name| PodKey::new(key.namespace.clone(), name.as_str())).collect();
                    let budgets = if named.is_empty() { self.budgets_of(key).await.unwrap_or_default() } else { named };
                    let (cause, retry_after) = (words(&status), retry_after(&status));
                    Ok(Evicted::Blocked { budgets, cause, retry_after })
                }
                Verdict::Several => Ok(Evicted::SeveralBudgets(self.budgets_of(key).await.unwrap_or_default())),
                Verdict::Ending => Ok(match self.is_there(key, uid).await? {
                    There::No => Evicted::Gone,
                    There::Ending => Evicted::Accepted,
                    There::Yes => Evicted::Blocked {
                        budgets: Vec::new(),
                        cause: format!("namespace {} is being deleted, and its pods with it", key.namespace),
                        retry_after: retry_after(&status),
                    },
                }),
                Verdict::Other => Err(self.told(&call, &Failed::Said(kube::Error::Api(status)))),
            },
            Err(failed) => Err(self.told(&call, &failed)),
        }
    }

    /// See [`crate::cluster::Cluster::delete_pod`].
    pub(super) async fn ask_to_delete(&self, key: &PodKey, uid: &Name) -> Result<(), ClusterError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let meant = kube::api::Preconditions { uid: Some(uid.to_string()), resource_version: None };
        let options = DeleteParams { preconditions: Some(meant), ..DeleteParams::default() };
        let call = Call::new("delete", format!("pod {key}"));
        match self.once(&call, pods.delete(&key.name, &options)).await {
            Ok(_) => Ok(()),
            Err(ClusterError::Conflict(_)) => match self.is_there(key, uid).await? {
                There::No => Err(ClusterError::NotFound(format!("pod {key}"))),
                There::Yes | There::Ending => Err(ClusterError::Conflict(format!("pod {key}"))),
            },
            Err(error) => Err(error),
        }
    }

    /// Deletes a Node object.
    pub(super) async fn remove_node(&self, name: &Name, uid: &Name) -> Result<(), ClusterError> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let resource_version = self.before_deletion(name, uid).await?;
        let again = resource_version.is_some();
        let meant = kube::api::Preconditions { uid: Some(uid.to_string()), resource_version };
        let options = DeleteParams { preconditions: Some(meant), ..DeleteParams::default() };
        let call = Call::new("delete", format!("node {name}"));
        match self.once(&call, nodes.delete(name, &options)).await {
            Ok(_) => Ok(()),
            // Somebody changed it since it was read: what they did is read as well.
            Err(error @ ClusterError::Conflict(_)) if again => Err(error),
            // Another node has that name now: ours is gone.
            Err(ClusterError::Conflict(_)) => Err(ClusterError::NotFound(format!("node {name}"))),
            Err(error) => Err(error),
        }
    }

    /// The pod of that name.
    async fn pod(&self, key: &PodKey) -> Result<Option<Pod>, ClusterError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &key.namespace);
        let named = ListParams::default().fields(&format!("metadata.name={}", key.name));
        let call = Call::new("list", format!("pods in namespace {}", key.namespace));
        let found = self.again(&call, || pods.list(&named)).await?;
        Ok(whole(found).map_err(|failed| call.error(&failed))?.pop())
    }

    /// Whether that very pod is there.
    async fn is_there(&self, key: &PodKey, uid: &Name) -> Result<There, ClusterError> {
        let found = self.pod(key).await?;
        Ok(match found.filter(|pod| pod.metadata.uid.as_deref() == Some(uid)) {
            None => There::No,
            Some(pod) if pod.metadata.deletion_timestamp.is_some() => There::Ending,
            Some(_) => There::Yes,
        })
    }

    /// The budgets that count a pod, where an answer does not name them.
    async fn budgets_of(&self, key: &PodKey) -> Result<Vec<PodKey>, ClusterError> {
        let budgets: Api<PodDisruptionBudget> = Api::namespaced(self.client.clone(), &key.namespace);
        let labels = self.pod(key).await?.map(|pod| pod.metadata.labels.unwrap_or_default());
        let Some(labels) = labels else { return Ok(Vec::new()) };
        let call = Call::new("list", format!("poddisruptionbudgets in namespace {}", key.namespace));
        let every = ListParams::default();
        let all = self.again(&call, || budgets.list(&every)).await?;
        let all = whole(all).map_err(|failed| call.error(&failed))?;
        let counts = |budget: &PodDisruptionBudget| {
            let selector = budget.spec.as_ref().and_then(|spec| spec.selector.clone());
            selector.and_then(|selector| Selector::try_from(selector).ok()).is_some_and(|it| it.matches(&labels))
        };
        let named = all.into_iter().filter(counts).filter_map(|budget| budget.metadata.name);
        let mut found: Vec<PodKey> = named.map(|name| PodKey::new(key.namespace.clone(), name)).collect();
        found.sort();
        Ok(found)
    }
}

/// What became of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    No,
    Ending,
    Yes,
}

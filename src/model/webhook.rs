//! Admission webhooks that refuse what they cannot judge, as far as they live on nodes (H17).

use serde::{Deserialize, Serialize};

use super::{Kind, Name, PodKey, Selector};

/// The webhooks of one configuration that fail closed and are behind a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhooks {
    /// `ValidatingWebhookConfiguration` or `MutatingWebhookConfiguration`.
    pub kind: Kind,
    /// The configuration's name.
    pub name: Name,
    /// In its order.
    pub closed: Vec<Webhook>,
}

/// A webhook with `failurePolicy: Fail`: without a backend everything that it is asked about is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its name.
    pub name: Name,
    /// The Service behind which its backends are.
    pub service: PodKey,
    /// Whether it is asked about new pods.
    pub judges_pods: bool,
    /// In namespaces with such labels only.
    pub namespaces: Selector,
    /// And of those the ones with such labels only.
    pub objects: Selector,
}

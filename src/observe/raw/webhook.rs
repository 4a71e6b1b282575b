//! Configurations of admission webhooks.

use serde::Deserialize;

use super::{LabelSelector, Meta};

/// A ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WebhookConfiguration {
    /// `metadata`.
    pub metadata: Option<Meta>,
    /// `webhooks`.
    pub webhooks: Option<Vec<Webhook>>,
}

/// One of `webhooks`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Webhook {
    /// `name`.
    pub name: Option<String>,
    /// `failurePolicy`; Fail where unset.
    pub failure_policy: Option<String>,
    /// `clientConfig`.
    pub client_config: Option<ClientConfig>,
    /// `rules`.
    pub rules: Option<Vec<Rule>>,
    /// `namespaceSelector`.
    pub namespace_selector: Option<LabelSelector>,
    /// `objectSelector`.
    pub object_selector: Option<LabelSelector>,
}

/// `clientConfig`: a Service, or a URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientConfig {
    /// `service`.
    pub service: Option<ServiceReference>,
}

/// `clientConfig.service`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServiceReference {
    /// `namespace`.
    pub namespace: Option<String>,
    /// `name`.
    pub name: Option<String>,
}

/// One of `rules`: each list may hold `*`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// `operations`.
    pub operations: Option<Vec<String>>,
    /// `apiGroups`.
    pub api_groups: Option<Vec<String>>,
    /// `resources`.
    pub resources: Option<Vec<String>>,
    /// `scope`.
    pub scope: Option<String>,
}

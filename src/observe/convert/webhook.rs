//! Configurations of admission webhooks.

use super::Converter;
use super::meta::told;
use crate::model::{Kind, PodKey, Webhook, Webhooks};
use crate::observe::raw;

impl Converter {
    /// Those of a configuration's webhooks that fail closed and are behind a Service: others lose nothing with a node.
    pub(in crate::observe) fn webhooks(
        &mut self,
        kind: Kind,
        raw: raw::WebhookConfiguration,
    ) -> Result<Webhooks, String> {
        let name = self.object_name(&raw.metadata.unwrap_or_default())?;
        let closed = |one: &raw::webhook::Webhook| one.failure_policy.as_deref().unwrap_or("Fail") == "Fail";
        let mut webhooks = Vec::new();
        for one in raw.webhooks.unwrap_or_default().into_iter().filter(closed) {
            let Some(service) = one.client_config.unwrap_or_default().service else { continue };
            let service = (service.namespace.unwrap_or_default(), service.name.unwrap_or_default());
            webhooks.push(Webhook {
                name: self.intern.name(&told(&one.name.unwrap_or_default())),
                service: PodKey::new(self.intern.name(&told(&service.0)), self.intern.name(&told(&service.1))),
                judges_pods: one.rules.unwrap_or_default().iter().any(judges_pods),
                namespaces: self.selector(one.namespace_selector.unwrap_or_default())?,
                objects: self.selector(one.object_selector.unwrap_or_default())?,
            });
        }
        Ok(Webhooks { kind, name, closed: webhooks })
    }
}

/// Whether a rule takes in the creation of pods.
fn judges_pods(rule: &raw::webhook::Rule) -> bool {
    let has =
        |list: &Option<Vec<String>>, words: &[&str]| list.iter().flatten().any(|word| words.contains(&word.as_str()));
    has(&rule.operations, &["*", "CREATE"])
        && has(&rule.api_groups, &["*", ""])
        && has(&rule.resources, &["*", "*/*", "pods"])
        && rule.scope.as_deref() != Some("Cluster")
}

//! Webhooks that fail closed and whose backends would all be away at once (H17): found before anything is evicted.

use std::collections::{BTreeMap, BTreeSet};

use super::budgets::{Allowances, Bound, Say};
use super::{Code, Evidence, Reason};
use crate::model::{Name, Pod, PodKey, Webhook, World};
use crate::policy::Drain;

/// A webhook that has backends in the cluster.
#[derive(Clone, Debug)]
pub struct Front {
    /// As it is called in its configuration.
    pub name: Name,
    /// `ValidatingWebhookConfiguration policies`.
    pub configuration: String,
    /// Its Ready backends.
    pub backends: BTreeSet<PodKey>,
    /// It is asked about new pods in the place of its own backends: without one of them none can be made.
    pub locks_out: bool,
}

/// Every webhook that fails closed and has a Ready backend; one behind a Service without a selector has none that is known.
pub fn fronts(world: &World) -> Vec<Front> {
    let closed = world.webhooks.values().flat_map(|of| of.closed.iter().map(move |one| (of, one)));
    let front = |(of, one): (&crate::model::Webhooks, &Webhook)| {
        let backends = backends(one, world);
        (!backends.is_empty()).then(|| Front {
            name: one.name.clone(),
            configuration: format!("{} {}", of.kind, of.name),
            locks_out: one.judges_pods && judges(one, &backends, world),
            backends: backends.iter().map(|pod| pod.key.clone()).collect(),
        })
    };
    closed.filter_map(front).collect()
}

fn backends<'a>(one: &Webhook, world: &'a World) -> Vec<&'a Pod> {
    let selector = world.services.get(&one.service).and_then(|service| service.selector.as_ref());
    let Some(selector) = selector.filter(|selector| !selector.requirements.is_empty()) else { return Vec::new() };
    let first = PodKey::new(one.service.namespace.clone(), "");
    (world.pods.range(first..).map(|(_, pod)| &**pod))
        .take_while(|pod| pod.key.namespace == one.service.namespace)
        .filter(|pod| pod.ready && !pod.finished() && !pod.terminating() && selector.matches(&pod.labels))
        .collect()
}

/// Whether it is asked about pods like these where they are. A namespace that was not listed has its name for a label, as
/// every namespace has.
fn judges(one: &Webhook, pods: &[&Pod], world: &World) -> bool {
    const NAME: &str = "kubernetes.io/metadata.name";
    let mut labels = world.namespaces.get(&one.service.namespace).map(|labels| (**labels).clone()).unwrap_or_default();
    labels.entry(NAME.into()).or_insert_with(|| one.service.namespace.clone());
    one.namespaces.matches(&labels) && pods.iter().any(|pod| one.objects.matches(&pod.labels))
}

/// Why pods that leave may not: with `going` a webhook has no backend, and nothing keeps one Ready meanwhile, so that no
/// replacement could ever be made. `leaves` says who goes, those of earlier nodes counted in.
pub fn locked_out(
    fronts: &[Front],
    going: &[&Pod],
    leaves: &dyn Fn(&PodKey) -> bool,
    (world, drain, allowances): (&World, &Drain, &Allowances),
) -> Vec<Reason> {
    let closed = fronts.iter().filter(|front| front.locks_out);
    let closed = closed.filter_map(|front| {
        let pod = going.iter().find(|pod| front.backends.contains(&pod.key))?;
        let all = front.backends.iter().all(leaves);
        (all && !kept(front, world, drain, allowances)).then(|| Reason {
            code: Code::WebhookLockout,
            text: format!(
                "{} is the last backend of webhook {} ({}), without which no pod is made in its namespace: its replacement \
                 would be refused",
                pod.key, front.name, front.configuration
            ),
            evidence: Evidence {
                pod: Some(pod.key.to_string()),
                key: Some(front.name.to_string()),
                ..Evidence::default()
            },
            origin: None,
        })
    });
    closed.collect()
}

/// Whether a budget, written or implied, keeps one of the backends Ready at all times.
fn kept(front: &Front, world: &World, drain: &Drain, allowances: &Allowances) -> bool {
    let mut counts: BTreeMap<Bound, (u32, u32)> = BTreeMap::new();
    for pod in front.backends.iter().filter_map(|key| world.pods.get(key)) {
        if let Say::AtOnce(bound, most) = allowances.say(world, drain, pod) {
            let (count, least) = counts.entry(bound).or_insert((0, most));
            *count = count.saturating_add(1);
            *least = most.min(*least);
        }
    }
    counts.values().any(|(count, most)| count > most)
}

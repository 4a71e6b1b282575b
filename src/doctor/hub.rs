//! JupyterHub: do its time-outs agree with how long a node takes to come, and how long its users' pods are waited for?

use jiff::SignedDuration;

use super::{Finding, Level};
use crate::model::{Pod, World};
use crate::plan::wake_lead;
use crate::policy::{DrainAction, Policy};

/// `KubeSpawner.start_timeout` of Zero to JupyterHub, unless its values say otherwise.
const START_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// `cull.timeout` there.
const CULL_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

fn component(pod: &Pod, name: &str) -> bool {
    pod.labels.get("component").is_some_and(|found| &**found == name)
        && pod.labels.get("app").is_some_and(|app| &**app == "jupyterhub")
}

/// What is to be said where a hub runs.
pub fn hub(policy: &Policy, world: &World) -> Vec<Finding> {
    const CHECK: &str = "jupyterhub";
    let Some(hub) = world.pods.values().find(|pod| component(pod, "hub")) else {
        return vec![Finding::ok(CHECK, "no JupyterHub was found")];
    };
    let mut found = Vec::new();
    let measured = world.memory.pools.values().flat_map(|memory| &memory.wake_times).max().copied();
    let assumed = || policy.pools.iter().map(|pool| wake_lead(world, pool)).max().unwrap_or_default();
    let slowest = measured.unwrap_or_else(assumed);
    let namespace = &hub.key.namespace;
    let values = format!(
        "`kubectl get secret hub -n {namespace} -o go-template='{{{{index .data \"values.yaml\" | base64decode}}}}' | grep -iE \
         'timeout|cull|every|maxAge'` shows it to whoever may read that secret, which Tidegate may not"
    );
    if slowest >= START_TIMEOUT {
        let text = format!(
            "a node takes up to {slowest:#} to come, and whether the hub in `{namespace}` waits for a user's server for longer \
             is not known: {START_TIMEOUT:#} unless its values say otherwise"
        );
        let advice = format!(
            "set `hub.config.KubeSpawner.start_timeout` well above that, or keep `headroom` so that users find room; {values}"
        );
        found.push(Finding::new(CHECK, Level::Unknown, text, advice));
    }
    // A user's pod as the hub makes them; one that runs stands for all.
    let user = world.pods.values().find(|pod| component(pod, "singleuser-server"));
    let rule = user.and_then(|pod| policy.drain.pods.iter().find(|rule| rule.matches(pod)));
    match (user, rule.map(|rule| (rule.action, rule.at_most))) {
        (None, _) => {
            let text =
                format!("nobody works in the hub of `{namespace}` now, so what would become of its users is not known");
            let advice = "ask again while somebody does";
            found.push(Finding::new(CHECK, Level::Unknown, text, advice));
        }
        (Some(pod), None) => {
            let text =
                format!("{} is bare: no rule of the policy says that it is waited for, so it keeps its node", pod.key);
            let advice = format!(
                "`drain.pods: [{{match: {{namespaces: [{namespace}], labels: {{component: singleuser-server}}}}, action: \
                 wait, atMost: 2h}}]` waits until the hub's culler has ended it"
            );
            found.push(Finding::new(CHECK, Level::Warning, text, advice));
        }
        (Some(_), Some((DrainAction::Wait, Some(at_most)))) if at_most <= CULL_TIMEOUT => {
            let text = format!(
                "users' pods are waited for {at_most:#}, and whether the hub's culler ends idle ones before is not known: it does \
                 after {CULL_TIMEOUT:#} unless its values say otherwise"
            );
            let advice = format!(
                "lengthen `atMost`, or shorten `cull.timeout`: else a node with one idle user is given back each time; {values}"
            );
            found.push(Finding::new(CHECK, Level::Unknown, text, advice));
        }
        (Some(_), Some(_)) => {}
    }
    if found.is_empty() {
        found.push(Finding::ok(
            CHECK,
            format!(
                "the hub in `{namespace}` has time for nodes that come, and its users are seen to, unless its values shorten \
                 `start_timeout` ({START_TIMEOUT:#}) or lengthen `cull.timeout` ({CULL_TIMEOUT:#})"
            ),
        ));
    }
    found
}

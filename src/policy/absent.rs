//! What a policy names and a cluster does not have now: no mistake by itself, and worth a look before one relies on it.

use std::collections::BTreeSet;

use super::check::{key, warning};
use super::{Disposable, DrainRule, Members, Policy, Problem, Severity};
use crate::model::{Kind, Name, Pod, World};

/// Names that are listed before `and so many more`.
const SHOWN: usize = 5;

/// That the cluster is not the one that it is for: an error. Names of a range that no node has, and drain rules that no
/// pod matches: warnings, for a look at a policy: nodes may be made tomorrow, and users come and go.
pub fn absent_from(policy: &Policy, world: &World) -> Vec<Problem> {
    let mut problems: Vec<Problem> = other_cluster(policy, world).into_iter().collect();
    names(policy, world, &mut problems);
    if world.knows(Kind::Pod) {
        rules(policy, world, &mut problems);
    }
    problems.sort_by(|a, b| key(a).cmp(&key(b)));
    problems
}

fn other_cluster(policy: &Policy, world: &World) -> Option<Problem> {
    let (pinned, origin) = (policy.cluster.as_ref()?, policy.cluster_origin.as_ref()?);
    let seen = world.cluster.as_ref().filter(|seen| *seen != pinned)?;
    let message = format!("the policy is for cluster {pinned}, and this is cluster {seen}");
    let help = "look at the other cluster; or write the UID that `kubectl get ns kube-system -o \
                jsonpath={.metadata.uid}` prints";
    Some(Problem { severity: Severity::Error, ..warning("other-cluster", origin, message, help) })
}

fn names(policy: &Policy, world: &World, problems: &mut Vec<Problem>) {
    let mut nodes: BTreeSet<Name> = world.nodes.keys().cloned().collect();
    nodes.extend(world.servers.values().map(|server| server.carries().clone()));
    for pool in policy.pools.iter().filter(|pool| pool.create.is_none()) {
        let Members::Names(patterns) = &pool.members else { continue };
        for pattern in patterns {
            let named = pattern.expand().unwrap_or_default();
            let gone: Vec<&str> = named.iter().map(String::as_str).filter(|name| !nodes.contains(*name)).collect();
            // A pattern of which nothing is there is said otherwise.
            if gone.is_empty() || gone.len() == named.len() {
                continue;
            }
            let more = gone.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown: Vec<&str> = gone.into_iter().take(SHOWN).collect();
            let message = format!("`{}` names nodes that are not there: {}{more}", pattern.text, shown.join(", "));
            let help = "they count as absent, and nothing makes them; shorten the range if they are not to come";
            problems.push(warning("names-absent-nodes", &pattern.origin, message, help));
        }
    }
}

fn rules(policy: &Policy, world: &World, problems: &mut Vec<Problem>) {
    let none = |of: &dyn Fn(&Pod) -> bool| !world.pods.values().any(|pod| of(pod));
    let mut report = |list: &str, origin: &super::Origin| {
        let message = format!("no pod of this cluster matches this entry of `drain.{list}` now");
        let help =
            "check namespaces and labels against `kubectl get pods -A --show-labels`; pods that come later count";
        problems.push(warning("matches-no-pod", origin, message, help));
    };
    for rule in policy.drain.pods.iter().filter(|rule| none(&|pod| DrainRule::matches(rule, pod))) {
        report("pods", &rule.origin);
    }
    for entry in policy.drain.disposable.iter().filter(|entry| none(&|pod| Disposable::of(entry, pod))) {
        report("disposable", &entry.origin);
    }
}

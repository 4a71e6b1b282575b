//! What is said of pending pods: each stands in the plan once, those with a node fit there, and each node that comes for
//! pods has some.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::case::{Case, Life, takes};
use super::headroom;
use super::violation::{Found, Rule};
use crate::model::{Name, Pod};
use crate::placement::Site;
use crate::plan::creating::Daemons;
use crate::plan::{Code, Outlook, Verb};

/// A pod and the node that it is said to fit on.
type Claim = (Arc<Pod>, Name);

/// Reads the claims and tries them.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let plan = case.plan;
    let mut listed = BTreeSet::new();
    let mut claims: Vec<Claim> = Vec::new();
    let going: BTreeSet<&str> = plan.steps.iter().filter(|step| takes(step)).map(|step| step.node.as_str()).collect();
    for entry in plan.waiting.iter().flat_map(|waiting| waiting.pods.iter().map(move |pod| (waiting.outlook, pod))) {
        let (outlook, entry) = entry;
        let mut wrong = |text: String| found.plan(Rule::Pending, text);
        if !listed.insert(entry.pod.as_str()) {
            wrong(format!("{} is listed twice as pending", entry.pod));
        }
        let Some(pod) = case.pod(&entry.pod).filter(|pod| pod.node.is_none() && !pod.finished()) else {
            wrong(format!("{} is not pending", entry.pod));
            continue;
        };
        let stated = matches!(outlook, Outlook::Comes | Outlook::Room);
        match &entry.node {
            Some(node) if stated => {
                let comes = case.has(Verb::Uncordon, node);
                if comes != (outlook == Outlook::Comes) {
                    wrong(format!(
                        "{node}, said to take {}, {}",
                        entry.pod,
                        if comes { "only comes" } else { "is not brought" }
                    ));
                }
                if !comes && case.life(node) != Life::Active || going.contains(node.as_str()) {
                    wrong(format!("{node}, said to take {}, takes no pods when the plan is done", entry.pod));
                }
                claims.push((pod.clone(), node.as_str().into()));
            }
            None if !stated => {}
            _ => wrong(format!("whether {} has a node does not fit what is said of it", entry.pod)),
        }
        if outlook == Outlook::Waits && !refused(pod) {
            wrong(format!("the scheduler did not refuse {}", entry.pod));
        }
    }
    let pending = case.world.pods.values().filter(|pod| pod.node.is_none());
    let pending = pending.filter(|pod| !pod.finished() && !pod.terminating() && !pod.mirror());
    for pod in pending.filter(|pod| !listed.contains(pod.key.to_string().as_str())) {
        found.plan(Rule::Pending, format!("{} is pending, and nothing is said of it", pod.key));
    }
    each_has_pods(case, &claims, found);
    fit(case, claims, &going, found);
}

/// Whether it is a pod for which a node may be brought.
fn refused(pod: &Pod) -> bool {
    pod.marked_unschedulable && pod.spec.gates.is_empty() && !pod.daemon()
}

/// Every node that comes for pods has one, and names one.
fn each_has_pods(case: &Case<'_>, claims: &[Claim], found: &mut Found) {
    for step in case.plan.steps.iter().filter(|step| step.reason.code == Code::Demand) {
        let served = claims.iter().filter(|(pod, node)| **node == *step.node && refused(pod));
        let served: BTreeSet<String> = served.map(|(pod, _)| pod.key.to_string()).collect();
        let named = step.reason.evidence.pod.as_ref().is_some_and(|pod| served.contains(pod));
        if !named {
            found.step(step, Rule::Pending, "it comes for pods, and the one that it names does not fit there");
        }
    }
}

/// All claims hold together, in some order: first those on nodes that are up, then those on what comes.
fn fit(case: &Case<'_>, mut claims: Vec<Claim>, going: &BTreeSet<&str>, found: &mut Found) {
    let mut site = case.site();
    try_all(&mut site, &mut claims);
    let daemons = Daemons::of(case.world);
    for step in case.plan.steps.iter().filter(|step| step.verb == Verb::Uncordon) {
        match case.new_node(&step.node) {
            Some(node) => daemons.arrive(&mut site, node),
            None => site.open(&step.node),
        }
    }
    try_all(&mut site, &mut claims);
    // What leaves makes room, and may have given its own place to others.
    for step in case.plan.steps.iter().filter(|step| step.verb == Verb::Drain) {
        site.close(&step.node);
        for entry in &step.pods {
            let Some((pod, home)) = case.pod(&entry.pod).zip(entry.home.as_ref()) else { continue };
            site.lift(pod, &step.node);
            site.place(pod, home);
        }
    }
    try_all(&mut site, &mut claims);
    for (pod, node) in &claims {
        let why = site.unfit(pod, node).first().map(ToString::to_string).unwrap_or_default();
        found.plan(
            Rule::Pending,
            format!("{} does not fit {node} together with what else is to be there: {why}", pod.key),
        );
    }
    room(case, found);
    headroom::check(case, site, going, found);
}

fn try_all(site: &mut Site, claims: &mut Vec<Claim>) {
    loop {
        let before = claims.len();
        claims.retain(|(pod, node)| {
            let fits = site.fits(pod, node);
            if fits {
                site.place(pod, node);
            }
            !fits
        });
        if claims.len() == before {
            return;
        }
    }
}

/// By plain sums: no node that pods are sent to has more asked of it, when the plan is done, than it has, unless it was so.
fn room(case: &Case<'_>, found: &mut Found) {
    let mut asked: BTreeMap<&str, (i128, i128, i128)> = BTreeMap::new();
    let mut add = |node: &str, pod: &Pod, sign: i128| {
        let planned = || case.plan.steps.iter().map(|step| step.node.as_str()).find(|name| *name == node);
        let known = case.world.nodes.get_key_value(node).map(|(name, _)| &**name);
        let Some(name) = known.or_else(planned) else { return };
        let entry = asked.entry(name).or_default();
        entry.0 += sign * i128::from(pod.spec.requests.cpu.max(0));
        entry.1 += sign * i128::from(pod.spec.requests.memory.max(0));
        entry.2 += sign;
    };
    let mut sent = BTreeSet::new();
    for entry in case.plan.waiting.iter().flat_map(|waiting| &waiting.pods) {
        if let Some((pod, node)) = case.pod(&entry.pod).zip(entry.node.as_deref()) {
            add(node, pod, 1);
            sent.insert(node);
        }
    }
    for step in &case.plan.steps {
        for entry in &step.pods {
            if let Some((pod, home)) = case.pod(&entry.pod).zip(entry.home.as_deref()) {
                add(home, pod, 1);
            }
        }
    }
    for node in &sent {
        for pod in case.world.pods_on(node).filter(|pod| !pod.finished()) {
            add(node, pod, 1);
        }
    }
    for node in sent {
        let new = || case.new_node(node).map(|node| node.allocatable);
        let has = case.node(node).map(|node| node.allocatable.clone()).or_else(new);
        let (Some(has), Some(asked)) = (has, asked.get(node)) else { continue };
        let over = asked.0 > i128::from(has.cpu) || asked.1 > i128::from(has.memory) || asked.2 > i128::from(has.pods);
        if over {
            found.plan(Rule::Pending, format!("{node} is sent more pods than it has room for"));
        }
    }
}

//! Whether a policy fits the cluster that it is for: names that match nothing, nodes of two pools, overrides that ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::nearest::nearest;
use super::{DrainRule, Members, NamePattern, Origin, Place, Policy, Pool, Problem, Related, Severity};
use crate::model::{Name, Pod, Target, World};

/// Compares a policy with a cluster at `now`. A node that two pools take in is an error; everything else is a warning:
/// it may be true tomorrow. Nothing is said about kinds that the snapshot does not know.
pub fn check_against(policy: &Policy, world: &World, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut nodes: BTreeSet<Name> = world.nodes.keys().cloned().collect();
    nodes.extend(world.servers.values().map(|server| server.carries().clone()));

    for pool in &policy.pools {
        unmatched(pool, &nodes, world, &mut problems);
    }
    twice(policy, world, &nodes, &mut problems);
    for entry in &policy.overrides {
        if let Target::Node(name) = &entry.target
            && entry.expires > now
            && !nodes.contains(name)
        {
            let message = format!("there is no node `{name}` in this cluster");
            problems.push(warning("matches-nothing", &entry.origin, message, &did_you_mean(name, &nodes)));
        }
    }
    problems.extend(expired(policy, now));
    two_rules(policy, world, &mut problems);
    problems.sort_by(|a, b| key(a).cmp(&key(b)));
    problems
}

/// Overrides that have ended at `now`.
pub fn expired(policy: &Policy, now: Timestamp) -> Vec<Problem> {
    let ended = policy.overrides.iter().filter(|entry| entry.expires <= now);
    let problem = |entry: &super::Override| {
        let message = format!("the override for `{}` ended at {}", entry.target, entry.expires);
        warning("override-expired", &entry.origin, message, "remove it")
    };
    ended.map(problem).collect()
}

pub(super) fn key(problem: &Problem) -> Option<(&Name, u32, u32)> {
    problem.place.as_ref().map(|place| (&place.file, place.line, place.column))
}

fn place(origin: &Origin) -> Place {
    Place { file: origin.file.clone(), line: origin.line, column: origin.column, bytes: None }
}

pub(super) fn warning(code: &str, origin: &Origin, message: String, help: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        code: code.into(),
        message,
        place: Some(place(origin)),
        path: None,
        help: (!help.is_empty()).then(|| help.to_owned()),
        related: Vec::new(),
    }
}

fn did_you_mean(name: &str, nodes: &BTreeSet<Name>) -> String {
    nearest(name, nodes.iter().map(|node| &**node)).map_or_else(
        || "`kubectl get nodes` lists the names that there are".to_owned(),
        |node| format!("did you mean `{node}`?"),
    )
}

/// Patterns and selectors of one pool that take in nothing.
fn unmatched(pool: &Pool, nodes: &BTreeSet<Name>, world: &World, problems: &mut Vec<Problem>) {
    // A pool that can create its nodes may well have none.
    let can_create = pool.create.is_some();
    let mut report = |pattern: &NamePattern| {
        let message = format!("`{}` matches no node of this cluster", pattern.text);
        problems.push(warning("matches-nothing", &pattern.origin, message, &did_you_mean(&pattern.text, nodes)));
    };
    let matched = |pattern: &&NamePattern| nodes.iter().any(|node| pattern.matches(node));
    pool.keep.iter().filter(|pattern| !matched(pattern)).for_each(&mut report);
    if can_create {
        return;
    }
    match &pool.members {
        Members::Names(patterns) => patterns.iter().filter(|pattern| !matched(pattern)).for_each(report),
        Members::Labels(selector) => {
            let number = world.nodes.values().filter(|node| selector.matches(&node.labels)).count();
            if number == 0 {
                let message = format!("no node of this cluster has the labels of pool `{}`", pool.name);
                problems.push(warning("matches-nothing", &pool.origin, message, "check `nodes`"));
            } else if usize::try_from(pool.min).is_ok_and(|min| min > number) {
                let message = format!("pool `{}` wants at least {} nodes and has {number}", pool.name, pool.min);
                problems.push(warning("too-few-nodes", &pool.origin, message, "lower `min`, or label more nodes"));
            }
        }
    }
}

/// Nodes that two pools take in: one problem for each pair of pools.
fn twice(policy: &Policy, world: &World, nodes: &BTreeSet<Name>, problems: &mut Vec<Problem>) {
    let takes_in = |pool: &Pool, node: &Name| match &pool.members {
        Members::Names(patterns) => patterns.iter().any(|pattern| pattern.matches(node)),
        Members::Labels(selector) => world.nodes.get(node).is_some_and(|found| selector.matches(&found.labels)),
    };
    let mut shared: BTreeMap<(usize, usize), Vec<&Name>> = BTreeMap::new();
    for node in nodes {
        let mut owners = policy.pools.iter().enumerate().filter(|(_, pool)| takes_in(pool, node));
        if let (Some((first, _)), Some((second, _))) = (owners.next(), owners.next()) {
            shared.entry((first, second)).or_default().push(node);
        }
    }
    for ((first, second), nodes) in shared {
        let (Some(first), Some(second)) = (policy.pools.get(first), policy.pools.get(second)) else { continue };
        let more = if nodes.len() > 1 { format!(" and {} more", nodes.len() - 1) } else { String::new() };
        let node = nodes.first().map(|node| &***node).unwrap_or_default();
        problems.push(Problem {
            severity: Severity::Error,
            code: "node-in-two-pools".into(),
            message: format!("node `{node}`{more} would belong to pools `{}` and `{}`", first.name, second.name),
            place: Some(place(&second.origin)),
            path: None,
            help: Some("a node belongs to one pool: change `nodes` of one of the two".into()),
            related: vec![Related { message: "the other pool".into(), place: place(&first.origin) }],
        });
    }
}

/// Pods that two entries of `drain.pods` match and would treat differently: one problem for each pair of entries.
fn two_rules(policy: &Policy, world: &World, problems: &mut Vec<Problem>) {
    let rules = &policy.drain.pods;
    let mut pairs: BTreeMap<(usize, usize), &Pod> = BTreeMap::new();
    if rules.len() < 2 {
        return;
    }
    for pod in world.pods.values().filter(|pod| !pod.daemon() && !pod.mirror()) {
        let mut matching = rules.iter().enumerate().filter(|(_, rule)| rule.matches(pod));
        let Some((first, decides)) = matching.next() else { continue };
        let differs = |rule: &DrainRule| rule.action != decides.action || rule.at_most != decides.at_most;
        if let Some((second, _)) = matching.find(|(_, rule)| differs(rule)) {
            pairs.entry((first, second)).or_insert(pod);
        }
    }
    for ((first, second), pod) in pairs {
        let (Some(first), Some(second)) = (rules.get(first), rules.get(second)) else { continue };
        let message = format!("pod `{}` is matched by two entries of `drain.pods`; the first decides", pod.key);
        let help = if first.origin.file == second.origin.file {
            "make one of the two narrower if that is not meant"
        } else {
            "files count in the order of their names: rename one, or make one of the two narrower, if that is not meant"
        };
        let mut problem = warning("two-rules", &second.origin, message, help);
        problem.related.push(Related { message: "the entry that decides".into(), place: place(&first.origin) });
        problems.push(problem);
    }
}

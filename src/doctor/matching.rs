//! Whether what the policy names is there: everything listed, nodes in pools, a server behind each node.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Finding, Level};
use crate::model::{Kind, Server, World, counted};
use crate::plan::{Inventory, Member};
use crate::policy::{Policy, Severity, check_against};

/// Names that are said before `and 3 more`.
const SHOWN: usize = 5;

/// `a, b and 3 more`.
pub fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn count(number: usize, what: &str) -> String {
    counted(u32::try_from(number).unwrap_or(u32::MAX), what)
}

/// Gaps in what was looked at.
pub fn observed(world: &World) -> Vec<Finding> {
    const CHECK: &str = "observation";
    let unlisted: Vec<String> = [Kind::Node, Kind::Pod, Kind::PodDisruptionBudget, Kind::Server]
        .into_iter()
        .filter(|kind| !world.knows(*kind))
        .map(|kind| kind.to_string())
        .collect();
    let mut found: Vec<Finding> = (world.gaps.iter())
        .map(|gap| Finding::new(CHECK, Level::Error, gap.clone(), "nothing is taken away while this cannot be read"))
        .collect();
    if !unlisted.is_empty() {
        let text = format!("not listed: {}", some(&unlisted));
        let advice = "`tidegate snapshot` lists everything of a live cluster; a plan without it is not carried out";
        found.push(Finding::new(CHECK, Level::Warning, text, advice));
    }
    if found.is_empty() {
        let (nodes, pods) = (count(world.nodes.len(), "node"), count(world.pods.len(), "pod"));
        let servers = count(world.servers.len(), "server");
        found.push(Finding::ok(CHECK, format!("{nodes}, {pods} and {servers} were read")));
    }
    found
}

/// What `validate` says of policy and cluster together.
pub fn policy(policy: &Policy, world: &World, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "policy";
    let problems = check_against(policy, world, now);
    let mut found: Vec<Finding> = (problems.into_iter())
        .map(|problem| {
            let level = if problem.severity == Severity::Error { Level::Error } else { Level::Warning };
            let place = problem.place.map(|place| format!(" ({}:{})", place.file, place.line)).unwrap_or_default();
            let advice =
                problem.help.unwrap_or_else(|| "`tidegate validate` with this cluster shows the line".to_owned());
            Finding::new(CHECK, level, format!("{}{place}", problem.message), advice)
        })
        .collect();
    if policy.cluster.is_none() {
        let uid = world.cluster.as_deref().unwrap_or("UID");
        let advice =
            format!("`spec.cluster: {uid}` keeps this policy from being applied to another cluster by mistake");
        found.push(Finding::new(CHECK, Level::Warning, "the policy does not say which cluster it is for", advice));
    }
    if found.is_empty() {
        let nodes: usize = Inventory::take(policy, world).pools.iter().map(Vec::len).sum();
        found.push(Finding::ok(CHECK, format!("its pools take in {}", count(nodes, "node"))));
    }
    found
}

/// A server behind each member, and none twice.
pub fn servers(policy: &Policy, world: &World) -> Vec<Finding> {
    const CHECK: &str = "names";
    if !world.knows(Kind::Server) {
        let advice = "name a live cluster whose policy has `providers`: the servers are listed there";
        return vec![Finding::new(CHECK, Level::Unknown, "the servers behind the nodes are not known", advice)];
    }
    let inventory = Inventory::take(policy, world);
    let members = || inventory.pools.iter().flatten().filter(|member| member.exists());
    let bare = |member: &&Member| member.server.as_ref().is_none_or(|server| server.inferred);
    let bare: Vec<String> = members().filter(bare).map(|member| member.name.to_string()).collect();
    let mut found = Vec::new();
    if !bare.is_empty() {
        let text = format!("no server was found behind {}: they can be drained and not parked", some(&bare));
        let advice = "a node's `spec.providerID` names its server, or else both have the same name: look at `kubectl get \
                      nodes -o custom-columns=N:.metadata.name,ID:.spec.providerID` beside `openstack server list`, and \
                      whether `providers` of the policy names the right project and region";
        found.push(Finding::new(CHECK, Level::Error, text, advice));
    }
    let mut named: BTreeMap<&str, Vec<&Server>> = BTreeMap::new();
    for server in world.servers.values() {
        named.entry(&server.name).or_default().push(server);
    }
    let pooled = |name: &str| inventory.pool_of.contains_key(name);
    for (name, several) in named.into_iter().filter(|(name, several)| several.len() > 1 && pooled(name)) {
        let ids: Vec<String> = several.iter().map(|server| server.id.to_string()).collect();
        let text = format!("{} servers are called {name}: {}", several.len(), some(&ids));
        let advice = "rename or remove the one that is no node: which is meant is not guessed";
        found.push(Finding::new(CHECK, Level::Error, text, advice));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            CHECK,
            format!("a server was found behind each of {}", count(members().count(), "node")),
        ));
    }
    found
}

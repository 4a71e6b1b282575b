//! The reasons of kept nodes, grouped, each with the lines of policy that would lift it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::budgets::root;
use super::leaving::{Asked, Settings, undeclared_volumes};
use super::{Blocker, Code, Kept, Reason};
use crate::model::{Labels, OTHER_OWNERS, Pod, PodKey, World};
use crate::policy::Drain;

/// Reasons that say a node is wanted as it is, by the policy or by a person for a while, or that its time is still to come;
/// not that something is in its way.
pub fn needed(code: Code) -> bool {
    matches!(
        code,
        Code::Floor
            | Code::MinParked
            | Code::UnneededFor
            | Code::Headroom
            | Code::Keep
            | Code::ControlPlane
            | Code::OverCeiling
            | Code::WindDown
            | Code::Override
    )
}

/// Whether something is in the way of a node that is not needed.
pub fn blocked(kept: &Kept) -> bool {
    kept.reasons.first().is_some_and(|reason| !needed(reason.code)) && kept.reasons.iter().any(|r| !needed(r.code))
}

/// What reasons of one group have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Group {
    code: Code,
    what: String,
}

/// Groups the reasons of every blocked node. Most nodes first, then by code and text.
pub fn group(kept: &[Kept], world: &World, drain: &Drain) -> Vec<Blocker> {
    let mut nodes: BTreeMap<Group, BTreeSet<&str>> = BTreeMap::new();
    let mut pods: BTreeMap<Group, BTreeSet<String>> = BTreeMap::new();
    let mut untils: BTreeMap<Group, Timestamp> = BTreeMap::new();
    let mut groups_of: BTreeMap<&str, BTreeSet<Group>> = BTreeMap::new();
    for kept in kept.iter().filter(|kept| blocked(kept)) {
        for reason in kept.reasons.iter().filter(|reason| !needed(reason.code)) {
            let group = Group { code: reason.code, what: what(reason, world, drain) };
            nodes.entry(group.clone()).or_default().insert(&kept.node);
            groups_of.entry(&kept.node).or_default().insert(group.clone());
            if let Some(until) = reason.evidence.until {
                untils.entry(group.clone()).and_modify(|first| *first = until.min(*first)).or_insert(until);
            }
            if let Some(pod) = &reason.evidence.pod {
                pods.entry(group).or_default().insert(pod.clone());
            }
        }
    }
    let mut blockers: Vec<Blocker> = nodes
        .iter()
        .map(|(group, held)| {
            let alone = held.iter().filter(|node| groups_of.get(*node).is_some_and(|groups| groups.len() == 1));
            let pods: Vec<String> = pods.get(group).into_iter().flatten().cloned().collect();
            let (lift, hint) = match (group.code, untils.get(group)) {
                (Code::RecentlyFailed | Code::BackOff | Code::Freeze, Some(until)) => {
                    (Vec::new(), format!("the first `apply` after {until} tries it again"))
                }
                _ => lift(group.code, &group.what, &pods, world, drain),
            };
            Blocker {
                code: group.code,
                text: group.what.clone(),
                nodes: held.iter().map(|node| (*node).to_owned()).collect(),
                frees: u32::try_from(alone.count()).unwrap_or(u32::MAX),
                pods,
                lift,
                hint,
            }
        })
        .collect();
    blockers.sort_by(|a, b| {
        b.nodes.len().cmp(&a.nodes.len()).then_with(|| a.code.cmp(&b.code)).then_with(|| a.text.cmp(&b.text))
    });
    blockers
}

/// The pod that a reason names.
fn pod_of<'a>(text: &str, world: &'a World) -> Option<&'a Pod> {
    let (namespace, name) = text.split_once('/')?;
    world.pods.get(&PodKey::new(namespace, name)).map(AsRef::as_ref)
}

/// The group's name: the workload rather than its pods, where there is one.
fn what(reason: &Reason, world: &World, drain: &Drain) -> String {
    let pod = reason.evidence.pod.as_deref().and_then(|text| pod_of(text, world));
    let of = pod.and_then(|pod| root(world, pod)).map(|root| root.name);
    let bare = pod.map(|pod| format!("pods of namespace {} without a controller", pod.key.namespace));
    let subject = of.or(bare);
    match (reason.code, subject) {
        (Code::LocalStorage, Some(subject)) => {
            let volumes = pod.map(|pod| local_volumes(pod, world, drain)).unwrap_or_default();
            let s = if volumes.len() == 1 { "" } else { "s" };
            format!("local storage (volume{s} {}) of {subject}", volumes.join(", "))
        }
        (Code::NoController, Some(subject)) => subject,
        (Code::SystemPod, Some(subject)) => format!("young kube-system pod of {subject}"),
        (Code::DoNotDisrupt, Some(subject)) => {
            format!("mark {} on {subject}", reason.evidence.key.as_deref().unwrap_or("?"))
        }
        (Code::NoOtherHome, Some(subject)) => {
            let why = reason.text.split_once("no other home: ").map_or("", |(_, why)| why);
            format!("{subject} has no other home: {why}")
        }
        (Code::LongGrace | Code::PolicyBlock, Some(subject)) => subject,
        (Code::SpreadDomainStays, Some(subject)) => {
            let key = reason.evidence.key.as_deref().unwrap_or("?");
            format!("{subject} spreads hard over {key} and would count parked nodes as domains without pods")
        }
        (Code::ServerBusy | Code::ServerError | Code::NotReady, _) => {
            reason.text.split_once("; we began").map_or_else(|| reason.text.clone(), |(what, _)| what.to_owned())
        }
        (Code::Budget, _) => {
            format!("budget {} allows no disruption now", reason.evidence.budget.as_deref().unwrap_or("?"))
        }
        (Code::HoldsStorage | Code::FrontDoor | Code::ServerUnknown, _) => {
            reason.text.split_once(" (").map_or_else(|| reason.text.clone(), |(what, _)| what.to_owned())
        }
        _ => reason.text.clone(),
    }
}

/// The lines that would lift it, and where they go.
fn lift(code: Code, what: &str, pods: &[String], world: &World, drain: &Drain) -> (Vec<String>, String) {
    let pod = pods.first().and_then(|text| pod_of(text, world));
    let found = |lines: Vec<String>, hint: &str| (lines, hint.to_owned());
    match (code, pod) {
        (Code::LocalStorage, Some(pod)) => {
            let volumes = local_volumes(pod, world, drain);
            let quoted: Vec<String> = volumes.iter().map(|volume| quoted(volume)).collect();
            let line = format!("  - {{{}, volumes: [{}]}}", selector(pod), quoted.join(", "));
            (vec!["disposable:".to_owned(), line], format!("under spec.drain, {}", lost(pod, &volumes)))
        }
        (Code::NoController | Code::ControllerNotFound, Some(pod)) => {
            let which = if pod.owner.is_some() {
                selector(pod)
            } else {
                format!("namespaces: [{}], owners: [none]", quoted(&pod.key.namespace))
            };
            let waiting = format!("  - {{match: {{{which}}}, action: wait, atMost: 2h}}");
            let losing = format!("  # or {{match: {{{which}}}, action: evict}}");
            found(
                vec!["pods:".to_owned(), waiting, losing],
                "under spec.drain, `wait` lets it end by itself; `evict` LOSES it for good: nothing makes it again",
            )
        }
        (Code::SystemPod, Some(pod)) => {
            let line = format!("  - {{match: {{{}}}, action: evict}}", selector(pod));
            found(
                vec!["pods:".to_owned(), line],
                "under spec.drain, if the cluster can do without it for a moment; or wait: an hour after its start it \
                 may go",
            )
        }
        (Code::LongGrace, Some(pod)) => {
            let line = format!("longestGrace: {}s", pod.spec.grace_seconds);
            found(vec![line], "under spec.drain, if a drain may take that long")
        }
        (Code::FrontDoor, _) => found(vec!["frontDoors: allowed".to_owned()], "in the pool, if its traffic may end"),
        (Code::HoldsStorage, _) => {
            found(vec!["nodeStorage: allowed".to_owned()], "in the pool, if its data may be away")
        }
        (Code::ServerBusy, _) => found(
            Vec::new(),
            "wait for it; a task that does not end is the provider's to reset (OpenStack: `openstack server set --state \
             active SERVER`), after which the next run goes on",
        ),
        (Code::ServerError, _) => found(
            Vec::new(),
            "look at it with the provider (OpenStack: `openstack server show SERVER`) and repair or delete it; the next run \
             goes on from there",
        ),
        (Code::NotReady, _) => found(
            Vec::new(),
            "see why with `kubectl describe node NODE`; once it is Ready the next run decides about it",
        ),
        (Code::RecordUnreadable, _) => {
            found(Vec::new(), "repair the annotation `tidegate.dev/record` on the node, or remove it")
        }
        (Code::CordonedByOther, _) => found(Vec::new(), "`kubectl uncordon NODE` if it is to serve, or to be parked"),
        (Code::StoppedByOther, _) => {
            found(vec!["adopt: true".to_owned()], "in the pool, if these nodes are Tidegate's to wake")
        }
        (Code::Budget, _) => found(Vec::new(), "raise the workload's replicas, or let the budget allow one disruption"),
        (Code::DoNotDisrupt, _) => found(Vec::new(), "remove the mark, or open a `relaxed` window that names its key"),
        (Code::NoOtherHome, _) => found(Vec::new(), "there is no room, or no node that matches, among those that stay"),
        (Code::OtherOwner, _) => match OTHER_OWNERS.iter().find(|owner| what.starts_with(owner.name)) {
            Some(owner) if owner.by_hand.is_empty() => found(
                vec![format!("sharedWith: [{}]", quoted(owner.name))],
                "in the pool, if both may act on these nodes",
            ),
            Some(owner) => (
                vec![format!("sharedWith: [{}]", quoted(owner.name))],
                format!("in the pool, if both may act on these nodes; {}", owner.by_hand),
            ),
            None => found(Vec::new(), ""),
        },
        (Code::SpreadDomainStays, _) => {
            found(Vec::new(), "set `nodeTaintsPolicy: Honor` in the workload's topologySpreadConstraints")
        }
        (Code::StartedByHand, _) => found(Vec::new(), "`tidegate wake` it to use it, or stop its server again"),
        (Code::RecentlyFailed | Code::BackOff | Code::Freeze, _) => found(Vec::new(), "a later `apply` tries it again"),
        (Code::PoolBroken, _) => found(
            Vec::new(),
            "look at the provider (quota, free hosts, the image) and at the nodes' boot; a later `apply` tries it again, and \
             a wake that works mends it",
        ),
        (Code::Quota, _) => found(
            Vec::new(),
            "ask the provider for more, free some, or lower the floor; the next run wakes what the quota then allows",
        ),
        (Code::Limit, _) => {
            found(Vec::new(), "raise that limit under `spec.limits`, if so much may run; or lower the floor")
        }
        (Code::ServerUnknown, _) => found(
            Vec::new(),
            "look whether its server is in the provider's list, and whether the policy's `provider` names the right cloud, \
             region and project",
        ),
        (Code::ServerRefuses, _) => found(Vec::new(), "another `idle` for the pool, or what the reason says"),
        (Code::PodUnreadable, _) => {
            found(Vec::new(), "what is wrong with it is said above; mend it, or take the snapshot again")
        }
        (Code::NotActedOn, _) => found(
            vec!["idle: shelve".to_owned()],
            "in the pool (`stop` or `suspend` too), if its servers may be kept; or delete them yourself",
        ),
        (Code::Hold, _) => found(
            Vec::new(),
            "ask who holds it; `tidegate hold --release node/NODE` (with the cluster's flags) lets it go",
        ),
        (Code::NoCreate, _) => found(Vec::new(), "create the server, or lower the floor"),
        _ => found(Vec::new(), ""),
    }
}

/// The pod's volumes on its node that nobody declared disposable.
fn local_volumes(pod: &Pod, world: &World, drain: &Drain) -> Vec<String> {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let asked = Asked { pod, world, drain, now, relaxed: &[], settings: Settings::default() };
    undeclared_volumes(&asked).map(|volume| volume.name.to_string()).collect()
}

/// What declaring these volumes disposable costs: said by name, and louder where it looks like data that is kept.
fn lost(pod: &Pod, volumes: &[String]) -> String {
    const KEPT: [&str; 10] =
        ["db", "data", "database", "storage", "store", "postgres", "mysql", "redis", "etcd", "wal"];
    let looks_kept = |name: &&String| {
        name.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| KEPT.contains(&word))
    };
    let kept: Vec<&str> = volumes.iter().filter(looks_kept).map(String::as_str).collect();
    let names = volumes.join(", ");
    match (kept.as_slice(), pod.owner.as_ref().map(|owner| &*owner.kind)) {
        ([], Some("StatefulSet")) => {
            format!("LOSES what a StatefulSet keeps in {names} each time its node goes: only if nobody misses it")
        }
        ([], _) => format!("loses what is in {names} each time its node goes: only if nobody misses it"),
        (kept, _) => format!(
            "LOSES DATA each time its node goes, {} by its name: only if nobody misses what is in {names}",
            kept.join(", ")
        ),
    }
}

/// `namespaces: [n], labels: {k: v}`: enough to find the workload's pods, without what changes with each rollout.
fn selector(pod: &Pod) -> String {
    const FLEETING: [&str; 6] = [
        "pod-template-hash",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
    ];
    let namespace = quoted(&pod.key.namespace);
    match telling(&pod.labels, &FLEETING) {
        None => format!("namespaces: [{namespace}]"),
        Some((key, value)) => format!("namespaces: [{namespace}], labels: {{{}: {}}}", quoted(key), quoted(value)),
    }
}

fn telling<'a>(labels: &'a Labels, fleeting: &[&str]) -> Option<(&'a str, &'a str)> {
    const TELLING: [&str; 5] = ["component", "app.kubernetes.io/name", "k8s-app", "app", "name"];
    let by_habit = TELLING.iter().find_map(|key| labels.get_key_value(*key));
    by_habit
        .or_else(|| labels.iter().find(|(key, _)| !fleeting.contains(&&***key)))
        .map(|(key, value)| (&**key, &**value))
}

/// As a YAML scalar in a flow sequence: quoted where it might read as something else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
        );
    if plain { text.to_owned() } else { format!("{text:?}") }
}

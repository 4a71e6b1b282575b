//! Reasons for which a node stays, whatever its pods would allow.

use jiff::Timestamp;

use super::members::Member;
use super::{Code, Evidence, Reason};
use crate::model::{Name, Node, OTHER_OWNERS, PodKey, Target, VolumeSource, WorkloadKind, World, keys, skew};
use crate::policy::{Policy, Pool};

/// Annotations by which a person, or another owner, keeps a node.
const DISABLED: [&str; 2] = ["cluster-autoscaler.kubernetes.io/scale-down-disabled", "karpenter.sh/do-not-disrupt"];

/// Everything that keeps `member`, strongest first; empty if nothing does.
pub fn staying(policy: &Policy, pool: &Pool, member: &Member, world: &World, now: Timestamp) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut push = |code, text: String, evidence: Evidence, origin| {
        reasons.push(Reason { code, text, evidence, origin });
    };
    if let Some(pattern) = pool.keep.iter().find(|pattern| pattern.matches(&member.name)) {
        let text = format!("the policy keeps it (`{pattern}`)");
        push(Code::Keep, text, Evidence::default(), Some(pattern.origin.clone()));
    }
    if let Some(awake) = (policy.overrides.iter()).find(|entry| {
        entry.expires > now
            && matches!(&entry.target, Target::Node(name) if *name == member.name)
            && (entry.ask.min.is_some_and(|min| min > 0) || entry.ask.replicas.is_some_and(|n| n > 0))
    }) {
        let evidence = Evidence { until: Some(awake.expires), ..Evidence::default() };
        push(Code::Override, format!("kept awake by hand: {}", awake.reason), evidence, Some(awake.origin.clone()));
    }
    if let Some(until) = member.left_alone_until(now) {
        let evidence = Evidence { until: Some(until), ..Evidence::default() };
        let text = format!("somebody started its server, which we had parked: left alone until {until}");
        push(Code::StartedByHand, text, evidence, None);
    }
    if let Some(node) = &member.node {
        by_node(pool, node, world, &mut push);
        if let Some((by, until)) = rebooting(node, world, now) {
            let text = format!("{by} reboots it: it holds the lock for that");
            push(Code::RebootLock, text, Evidence { workload: Some(by), until, ..Evidence::default() }, None);
        }
    }
    for pod in world.unread.get(&member.name).into_iter().flatten() {
        let evidence = Evidence { pod: Some(pod.to_string()), ..Evidence::default() };
        push(Code::PodUnreadable, format!("{pod} is on it and could not be read"), evidence, None);
    }
    let here = world.here.as_ref().and_then(|pod| world.pods.get(pod));
    if let Some(pod) = here.filter(|pod| pod.node.as_ref() == Some(&member.name)) {
        let evidence = Evidence { pod: Some(pod.key.to_string()), ..Evidence::default() };
        let text = format!("Tidegate itself runs on it ({}): a drain would end what carries it out", pod.key);
        push(Code::RunsHere, text, evidence, None);
    }
    if let (Some(node), None) = (&member.node, &member.server) {
        let id = node.provider_id.as_ref().map_or(String::new(), |id| format!(" (its providerID is {id})"));
        push(Code::ServerUnknown, format!("no server is known behind it{id}"), Evidence::default(), None);
    }
    if let Some(refusal) = refuses(member, pool.idle.verb()) {
        push(refusal.code, refusal.text, refusal.evidence, Some(pool.origin.clone()));
    }
    if member.server.as_ref().is_some_and(|server| server.floating_address) && !pool.front_doors_allowed {
        let text = "its server has a floating address: traffic enters here".to_owned();
        push(Code::FrontDoor, text, Evidence::default(), None);
    }
    if let Some(memory) = world.memory.nodes.get(&member.name) {
        if let Some(failure) = memory.drain_failure.as_ref().filter(|failure| failure.next > now) {
            let evidence = Evidence {
                pod: failure.pod.as_ref().map(ToString::to_string),
                until: Some(failure.next),
                ..Evidence::default()
            };
            let text = format!("its last drain failed ({}), {} in a row", failure.why, failure.tries);
            push(Code::RecentlyFailed, text, evidence, None);
        }
        if let Some(next) = memory.not_before.filter(|next| *next > now) {
            let evidence = Evidence { until: Some(next), ..Evidence::default() };
            let text = "given back a while ago, for the pods that it waited for did not end in time".to_owned();
            push(Code::RecentlyFailed, text, evidence, None);
        }
    }
    reasons
}

/// Why a node stays as it is, whatever that is: a person holds it.
pub fn hold(node: &Node) -> Option<Reason> {
    let said = node.annotations.get(keys::HOLD)?;
    let text = if said.is_empty() { "held by a person".to_owned() } else { format!("held by a person: {said}") };
    let evidence = Evidence { key: Some(keys::HOLD.to_owned()), ..Evidence::default() };
    Some(Reason { code: Code::Hold, text, evidence, origin: None })
}

/// Who reboots a node just now, and until when the lock counts at most (H25). A cluster has a handful of DaemonSets.
fn rebooting(node: &Node, world: &World, now: Timestamp) -> Option<(String, Option<Timestamp>)> {
    let first = (WorkloadKind::DaemonSet, PodKey::new("", ""));
    let daemons = world.workloads.range(first..).take_while(|((kind, _), _)| *kind == WorkloadKind::DaemonSet);
    daemons.flat_map(|(_, daemon)| daemon.reboots.iter().map(move |lock| (daemon, lock))).find_map(|(daemon, lock)| {
        let counts = lock.node == node.name && lock.until.is_none_or(|until| until > now);
        counts.then(|| (daemon.key.to_string(), lock.until))
    })
}

/// That the provider, or a lock, does not let the member's server be treated so.
pub fn refuses(member: &Member, verb: &str) -> Option<Reason> {
    let why = member.server.as_ref()?.cannot.get(verb)?;
    let text = format!("its server does not allow `{verb}`: {why}");
    Some(Reason { code: Code::ServerRefuses, text, evidence: Evidence::default(), origin: None })
}

/// That the cluster was upgraded while the node slept, so that its kubelet does not fit any more.
pub fn skewed(member: &Member, world: &World) -> Option<Reason> {
    let (kubelet, server) = member.node.as_ref()?.kubelet_version.as_ref().zip(world.version.as_ref())?;
    let text = skew(kubelet, server)?;
    Some(Reason { code: Code::KubeletSkew, text, evidence: Evidence::default(), origin: None })
}

fn by_node(
    pool: &Pool,
    node: &Node,
    world: &World,
    push: &mut impl FnMut(Code, String, Evidence, Option<crate::policy::Origin>),
) {
    let key = |name: &str| Evidence { key: Some(name.to_owned()), ..Evidence::default() };
    if node.control_plane() {
        push(Code::ControlPlane, "it belongs to the control plane".to_owned(), Evidence::default(), None);
    }
    if let Some(hold) = hold(node) {
        push(hold.code, hold.text, hold.evidence, hold.origin);
    }
    // What we set ourselves to be left alone keeps no node from us.
    let record = crate::model::NodeRecord::of(node).ok().flatten();
    let ours = |key: &str| record.as_ref().is_some_and(|record| record.annotations.contains(key));
    for disabled in DISABLED {
        let says = node.annotations.get(disabled).is_some_and(|value| &**value == "true");
        if says && !ours(disabled) {
            push(Code::ScaleDownDisabled, format!("it says {disabled}: \"true\""), key(disabled), None);
        }
    }
    for owner in OTHER_OWNERS.iter().filter(|owner| !owner.named_in(&pool.shared_with)) {
        if let Some(mark) = owner.claims(node, record.as_ref()) {
            push(Code::OtherOwner, format!("{} acts on it too", owner.name), key(mark), Some(pool.origin.clone()));
        }
    }
    if !pool.node_storage_allowed
        && let Some((what, evidence)) = storage_on(node, world)
    {
        push(Code::HoldsStorage, what, evidence, None);
    }
    if !pool.front_doors_allowed
        && let Some(pod) = ingress_on(&node.name, world)
    {
        let evidence = Evidence { pod: Some(pod.clone()), ..Evidence::default() };
        push(Code::FrontDoor, format!("{pod} takes traffic on host ports 80 or 443"), evidence, None);
    }
}

/// Data that lives on the node (H11): a local volume in use, or a storage system's own pods.
fn storage_on(node: &Node, world: &World) -> Option<(String, Evidence)> {
    for pod in world.pods_on(&node.name).filter(|pod| !pod.finished()) {
        let label = |key: &str, value: &str| pod.labels.get(key).is_some_and(|found| &**found == value);
        let system = if label("longhorn.io/component", "instance-manager") {
            "Longhorn replicas"
        } else if label("app", "rook-ceph-osd") {
            "a Ceph OSD"
        } else if label("app.kubernetes.io/component", "linstor-satellite") {
            "a Linstor satellite"
        } else {
            continue;
        };
        let evidence = Evidence { pod: Some(pod.key.to_string()), ..Evidence::default() };
        return Some((format!("{system} live here ({})", pod.key), evidence));
    }
    for pod in world.pods_on(&node.name).filter(|pod| !pod.finished()) {
        for volume in &pod.spec.volumes {
            let VolumeSource::Claim(claim) = &volume.source else { continue };
            let key = crate::model::PodKey::new(pod.key.namespace.clone(), claim.clone());
            let bound = world.claims.get(&key).and_then(|claim| claim.volume.as_ref());
            if let Some(local) = bound.and_then(|name| world.volumes.get(name)).filter(|found| found.local) {
                let evidence = Evidence {
                    pod: Some(pod.key.to_string()),
                    volume: Some(local.name.to_string()),
                    ..Evidence::default()
                };
                return Some((format!("local volume {} of {} lives here", local.name, pod.key), evidence));
            }
        }
    }
    None
}

fn ingress_on(node: &Name, world: &World) -> Option<String> {
    let web = |pod: &crate::model::Pod| pod.spec.host_ports.iter().any(|port| matches!(port.port, 80 | 443));
    world.pods_on(node).find(|pod| pod.daemon() && !pod.finished() && web(pod)).map(|pod| pod.key.to_string())
}

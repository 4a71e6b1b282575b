//! What lifts a group of reasons: the lines of policy and where they go, or what else to do.

use std::collections::BTreeSet;

use super::allowance::Allowance;
use super::cause::Ground;
use super::group::Found;
use super::selector::{quoted, selector};
use super::volumes;
use crate::model::{OTHER_OWNERS, Pod};
use crate::plan::{Code, Reason};

/// What lifts something.
pub struct Lifted {
    /// A heading with entries below it, or a field, ready to paste; empty if no line would.
    pub lines: Vec<String>,
    /// Where to put them and what that costs, or what else to do.
    pub hint: String,
}

fn listed(heading: &str, entries: Vec<String>, hint: impl Into<String>) -> Lifted {
    let lines = if entries.is_empty() { entries } else { [vec![heading.to_owned()], entries].concat() };
    Lifted { lines, hint: hint.into() }
}

fn line(line: String, hint: impl Into<String>) -> Lifted {
    Lifted { lines: vec![line], hint: hint.into() }
}

fn only(hint: impl Into<String>) -> Lifted {
    Lifted { lines: Vec::new(), hint: hint.into() }
}

/// Each once, in order.
fn each(pods: &[&Pod], of: impl Fn(&Pod) -> String) -> Vec<String> {
    pods.iter().map(|pod| of(pod)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What lifts a group with that code.
pub fn lift(code: Code, found: &Found<'_>, ground: &Ground<'_>) -> Lifted {
    let first = found.reasons.values().next().copied();
    match code {
        Code::RecentlyFailed | Code::BackOff | Code::Freeze => match found.until {
            Some(until) => only(format!("the first `apply` after {until} tries it again")),
            None => only("a later `apply` tries it again"),
        },
        Code::LocalStorage => {
            let lost = volumes::lost(found, ground);
            listed("disposable:", volumes::entries(found, ground), format!("under spec.drain, {lost}"))
        }
        Code::NoController | Code::ControllerNotFound => listed(
            "pods:",
            left_alone(&found.pods),
            "under spec.drain, `wait` lets it end by itself; `evict` LOSES it for good: nothing makes it again",
        ),
        Code::SystemPod => listed(
            "pods:",
            each(&found.pods, |pod| format!("  - {{match: {{{}}}, action: evict}}", selector(pod))),
            "under spec.drain, if the cluster can do without it for a moment; or wait: an hour after its start it may go",
        ),
        Code::LongGrace => {
            let grace = found.pods.iter().map(|pod| pod.spec.grace_seconds).max().unwrap_or_default();
            line(format!("longestGrace: {grace}s"), "under spec.drain, if a drain may take that long")
        }
        Code::Budget => only(first.map_or("", |reason| Allowance::of(reason, ground.world).hint())),
        Code::OtherOwner => first.map_or_else(|| only(""), other_owner),
        _ => plain(code),
    }
}

/// For pods that nothing makes again: the line that waits, and behind it the one that loses them.
fn left_alone(pods: &[&Pod]) -> Vec<String> {
    let which = each(pods, |pod| match pod.owner {
        Some(_) => selector(pod),
        None => format!("namespaces: [{}], owners: [none]", quoted(&pod.key.namespace)),
    });
    let lines = |which: String| {
        let waiting = format!("  - {{match: {{{which}}}, action: wait, atMost: 2h}}");
        [waiting, format!("  # or {{match: {{{which}}}, action: evict}}")]
    };
    which.into_iter().flat_map(lines).collect()
}

fn other_owner(reason: &Reason) -> Lifted {
    let Some(owner) = OTHER_OWNERS.iter().find(|owner| reason.text.starts_with(owner.name)) else { return only("") };
    let shared = format!("sharedWith: [{}]", quoted(owner.name));
    match owner.by_hand {
        "" => line(shared, "in the pool, if both may act on these nodes"),
        by_hand => line(shared, format!("in the pool, if both may act on these nodes; {by_hand}")),
    }
}

/// For what is the same for every node and pod.
fn plain(code: Code) -> Lifted {
    match code {
        Code::FrontDoor => line("frontDoors: allowed".to_owned(), "in the pool, if its traffic may end"),
        Code::HoldsStorage => line("nodeStorage: allowed".to_owned(), "in the pool, if its data may be away"),
        Code::StoppedByOther => line("adopt: true".to_owned(), "in the pool, if these nodes are Tidegate's to wake"),
        Code::NotOurs => line(
            "adopt: true".to_owned(),
            "in the pool, if all of its servers may be destroyed for good; or `idle: shelve`, which keeps them",
        ),
        other => only(advice(other)),
    }
}

/// For what no line of policy lifts.
fn advice(code: Code) -> &'static str {
    match code {
        Code::ServerBusy => {
            "wait for it; a task that does not end is the provider's to reset (OpenStack: `openstack server set --state active \
             SERVER`), after which the next run goes on"
        }
        Code::ServerError => {
            "look at it with the provider (OpenStack: `openstack server show SERVER`) and repair or delete it; the next run goes \
             on from there"
        }
        Code::NotReady => "see why with `kubectl describe node NODE`; once it is Ready the next run decides about it",
        Code::RecordUnreadable => "repair the annotation `tidegate.dev/record` on the node, or remove it",
        Code::CordonedByOther => "`kubectl uncordon NODE` if it is to serve, or to be parked",
        Code::DoNotDisrupt => "remove the mark, or open a `relaxed` window that names its key",
        Code::NoOtherHome => {
            "there is no room, or no node that matches, among those that stay; above a ceiling `drain.whenNoHome` lets such pods \
             sleep until the pool may have more nodes"
        }
        Code::SleepBudget => {
            "let the budget allow all of its pods to be away for so long, or leave the pool a node for them (`max: 1` in the window)"
        }
        Code::SpreadDomainStays => "set `nodeTaintsPolicy: Honor` in the workload's topologySpreadConstraints",
        Code::WebhookLockout => {
            "give it a second replica, of which one then stays Ready, or leave its own namespace out by the webhook's \
             `namespaceSelector`"
        }
        Code::StartedByHand => "`tidegate wake` it to use it, or stop its server again",
        Code::PoolBroken => {
            "look at the provider (quota, free hosts, the image) and at the nodes' boot; a later `apply` tries it again, and a \
             wake that works mends it"
        }
        Code::Quota => {
            "ask the provider for more, free some, or lower the floor; the next run wakes what the quota then allows"
        }
        Code::Limit => "raise that limit under `spec.limits`, if so much may run; or lower the floor",
        Code::ServerUnknown => {
            "look whether its server is in the provider's list, and whether the policy's `provider` names the right cloud, \
             region and project"
        }
        Code::ServerRefuses => "another `idle` for the pool, or what the reason says",
        Code::RunsHere => "run it on a node that the policy keeps, or outside of the cluster",
        Code::RebootLock => "wait until it is back; a lock that nobody gives back is kured's to release",
        Code::KubeletSkew => {
            "wake it by hand (`tidegate wake node/NODE`): it stays cordoned; upgrade its kubelet, then `tidegate apply`"
        }
        Code::PodUnreadable => "what is wrong with it is said above; mend it, or take the snapshot again",
        Code::Hold => "ask who holds it; `tidegate hold --release node/NODE` (with the cluster's flags) lets it go",
        Code::NoCreate => "create the server, or lower the floor",
        _ => "",
    }
}

//! The pending pods as the plan tells of them: by workload, outlook and reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::choose::Grown;
use super::document::{Outlook, Waiting, WaitingPod};
use crate::model::{Name, Pod, World};
use crate::plan::budgets::root;
use crate::plan::members::natural;
use crate::plan::removal::Removals;
use crate::plan::{Code, Evidence, Reason, Step, Verb};

/// The scheduler looks again at what it refused within seconds of a change; so long after one, its refusal stands (H9).
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

/// Every pending pod, with what becomes of it when `steps` are done.
pub fn waiting(grown: Grown, world: &World, removals: &Removals<'_>, steps: &[Step], now: Timestamp) -> Vec<Waiting> {
    let brought: BTreeSet<&str> =
        steps.iter().filter(|step| step.verb == Verb::Uncordon).map(|step| step.node.as_str()).collect();
    let mut groups: BTreeMap<(Outlook, String, Reason), Vec<WaitingPod>> = BTreeMap::new();
    let mut put = |pod: &Pod, outlook, reason, node: Option<&Name>| {
        let workload = root(world, pod).map_or_else(|| pod.key.to_string(), |root| root.name);
        let pod = WaitingPod { pod: pod.key.to_string(), node: node.map(ToString::to_string) };
        groups.entry((outlook, workload, reason)).or_default().push(pod);
    };
    for (pod, lodging) in &grown.placed {
        // What goes in the same plan passes its guests on.
        let node = removals.home(&pod.key).unwrap_or(lodging);
        let (outlook, reason) = match brought.contains(&**node) {
            true => (Outlook::Comes, plain(Code::Demand, "there is room on nodes that come")),
            false => (Outlook::Room, room(pod, node, world, now)),
        };
        put(pod, outlook, reason, Some(node));
    }
    grown.left.into_iter().for_each(|(pod, reason)| put(&pod, Outlook::Waits, reason, None));
    grown.ignored.into_iter().for_each(|(pod, reason)| put(&pod, Outlook::Ignored, reason, None));
    let groups = groups.into_iter().map(|((outlook, workload, reason), mut pods)| {
        pods.sort_by(|one, other| natural(&one.pod, &other.pod));
        Waiting { workload, outlook, reason, pods }
    });
    groups.collect()
}

/// That there is room where nothing has to come, and whether the scheduler should have seen it by now.
fn room(pod: &Arc<Pod>, node: &Name, world: &World, now: Timestamp) -> Reason {
    let since = world.nodes.get(node).and_then(|node| node.condition("Ready")).and_then(|ready| ready.transition);
    let long = |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) >= SETTLED);
    if !(pod.marked_unschedulable && long(since) && long(pod.created)) {
        return plain(Code::HasRoom, "there is room on nodes that are up");
    }
    let said = pod.unscheduled_message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    let text = format!("there is room by simulation, so nothing is brought, but the scheduler refuses them{said}");
    plain(Code::PlacementDisagrees, text.trim_end_matches('.'))
}

fn plain(code: Code, text: &str) -> Reason {
    Reason { code, text: text.to_owned(), evidence: Evidence::default(), origin: None }
}

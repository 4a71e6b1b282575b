//! What is left of a plan that is taken up again.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{NodeMark, NodeRecord};
use crate::execute::machine::Past;
use crate::model::{Name, World};
use crate::plan::{Code, Kept, Plan, Reason, Verb};

/// What of a plan is still to be done, and what not.
#[derive(Debug)]
pub struct Left {
    /// The rest of the plan.
    pub plan: Plan,
    /// Nodes that are left out, each with why.
    pub out: Vec<(String, String)>,
    /// How many steps are only put off, for their nodes are barred for a while (H3, H8): the plan is not done without them.
    pub put_off: u32,
}

/// What is left, by what is wanted now: a node goes on going only if the plan made now,
/// with the brakes that hold now, wants it gone, or if its server was told to go already. A node that was begun also goes
/// on where nothing but pods stands in the way: that may be our own doing (a budget that waits for what we evicted), and
/// each pod is looked at again anyway. Any other node is left out; if it was begun, it comes back by the steps that the
/// plan made now has for it. A node whose wake failed is not woken again before its time.
pub fn still_wanted(told: &Plan, fresh: &Plan, world: &World, past: &BTreeMap<Name, Past>) -> Left {
    let wanted: BTreeSet<&str> =
        fresh.steps.iter().filter(|step| step.verb.takes()).map(|step| step.node.as_str()).collect();
    let kept: BTreeMap<&str, &Kept> = fresh.kept.iter().map(|kept| (kept.node.as_str(), kept)).collect();
    let mark = |name: &str| NodeRecord::of(world.nodes.get(name)?).ok().flatten().map(|record| record.mark);
    let sent = |name: &str| {
        let node = world.nodes.get(name).filter(|_| mark(name).is_some());
        let server = node.and_then(|node| world.server_of(node));
        server.is_some_and(|server| server.task.is_some() || server.state.parked())
    };
    let only_pods = |name: &str| {
        let frozen = |pool: &str| fresh.pools.iter().any(|line| line.name == pool && line.freeze.is_some());
        let about = |kept: &&Kept| kept.reasons.iter().all(|reason| about_pods(reason.code)) && !frozen(&kept.pool);
        mark(name).is_some() && kept.get(name).is_some_and(about)
    };
    // Gone with its Node: what is left is to say so.
    let destroyed = |name: &str| {
        let deletes = told.steps.iter().any(|step| step.verb == Verb::Delete && step.node == name);
        deletes && !world.nodes.contains_key(name)
    };
    // Where the provider was asked, what comes of it is looked at, though the server runs again: that is a failure.
    let asked = |name: &str| {
        let node = world.nodes.get(name).filter(|_| mark(name) == Some(NodeMark::Draining));
        let fault = node.and_then(|node| world.server_of(node)).is_some_and(|server| server.fault.is_some());
        past.get(name).is_some_and(|past| past.parking(fault).is_some())
    };
    // What is being woken already is brought to its end.
    let asleep =
        |name: &str| mark(name) != Some(NodeMark::Waking) && past.get(name).is_none_or(|past| past.wake.is_none());
    // One that failed and is put to sleep again has failed, whatever its server is at.
    let failed = |name: &str| {
        let memory = world.memory.nodes.get(name).filter(|_| past.get(name).is_some_and(|past| past.failed));
        let failure = memory.and_then(|memory| memory.wake_failure.as_ref());
        failure.filter(|failure| failure.next > fresh.now && mark(name) == Some(NodeMark::Parked))
    };
    let barred = |name: &str| kept.get(name).and_then(|kept| barred(kept));
    let mut plan = told.clone();
    let mut out: Vec<(String, String)> = Vec::new();
    let mut put_off = 0_u32;
    plan.steps.retain(|step| {
        let node = step.node.as_str();
        // What a person drained has no step any more when it is empty, and is no reason to say that it is not to go.
        let drained = world.memory.drained(node, fresh.now).is_some();
        let takes = step.verb.takes();
        let keep = match takes {
            true => wanted.contains(node) || sent(node) || asked(node) || only_pods(node) || drained || destroyed(node),
            false if failed(node).is_some() => false,
            false => barred(node).is_none_or(|reason| reason.code == Code::RecentlyFailed) || !asleep(node),
        };
        if !keep {
            let (barred, failed) = (barred(node), failed(node));
            put_off = put_off.saturating_add(u32::from(barred.is_some() || failed.is_some()));
            if out.iter().all(|(named, _)| named != node) {
                let failed =
                    failed.map(|failure| format!("{node} is left out until {}: {}", failure.next, failure.why));
                let text = failed.unwrap_or_else(|| why(node, barred, kept.get(node).copied()));
                out.push((step.node.clone(), text));
            }
        }
        keep
    });
    let left_out = |node: &str| out.iter().any(|(named, _)| named == node);
    let missing = |id: &str| told.steps.iter().all(|step| step.id != id);
    let back = fresh.steps.iter().filter(|step| !step.verb.takes() && left_out(&step.node) && missing(&step.id));
    plan.steps.extend(back.cloned());
    let there: BTreeSet<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
    plan.steps.iter_mut().for_each(|step| step.after.retain(|id| there.contains(id)));
    Left { plan, out, put_off }
}

fn barred(kept: &Kept) -> Option<&Reason> {
    let codes = [Code::RecentlyFailed, Code::BackOff, Code::PoolBroken];
    kept.reasons.iter().find(|reason| codes.contains(&reason.code) && reason.evidence.until.is_some())
}

fn why(node: &str, barred: Option<&Reason>, kept: Option<&Kept>) -> String {
    if let Some(reason) = barred
        && let Some(until) = reason.evidence.until
    {
        return format!("{node} is left out until {until}: {}", reason.text);
    }
    let reason = kept.and_then(|kept| kept.reasons.first()).map(|reason| format!(": {}", reason.text));
    format!("{node} is not to go any more{}", reason.unwrap_or_default())
}

/// Reasons that rest on pods alone.
fn about_pods(code: Code) -> bool {
    matches!(
        code,
        Code::DoNotDisrupt
            | Code::PolicyBlock
            | Code::PolicyWait
            | Code::JobRuns
            | Code::NoController
            | Code::ControllerNotFound
            | Code::LocalStorage
            | Code::SystemPod
            | Code::LongGrace
            | Code::Budget
            | Code::ImpliedBudget
            | Code::NoOtherHome
    )
}

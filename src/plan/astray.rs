//! Members that are neither in use nor parked: each is kept, with what is the matter with it.

use std::collections::BTreeSet;

use super::members::{Member, State, natural};
use super::pool_decision::{Decision, Pooled};
use super::{Code, Evidence, Kept, Plan, Reason, by_hand, node_rules};
use crate::model::{NodeMark, ServerState, Target, Wish};

/// States in which nothing can be done with a node, in the order in which they are told.
const ASTRAY: [Code; 5] =
    [Code::ServerBusy, Code::ServerError, Code::NotReady, Code::RecordUnreadable, Code::CordonedByOther];

/// Whether a node is kept because nothing can be done with it as it is.
pub fn astray(kept: &Kept) -> bool {
    kept.reasons.first().is_some_and(|reason| ASTRAY.contains(&reason.code))
}

impl Pooled<'_> {
    /// Speaks of every member that nothing speaks of yet, so that none drops out; of those that are absent
    /// only where the floor misses them, of those that are parked also where a person asked for that by name.
    pub(super) fn account(&self, decision: &mut Decision) {
        let moving = decision.coming.iter().map(|coming| coming.member);
        let gone = decision.going.iter().map(|going| going.member);
        let remains = decision.remains.iter().map(|(member, _)| *member);
        let mended = decision.repairs.mended.iter().map(|mending| mending.member);
        let moving: BTreeSet<usize> = moving.chain(gone).chain(remains).chain(mended).collect();
        let spoken: BTreeSet<String> = decision.kept.iter().map(|kept| kept.node.clone()).collect();
        for (index, member) in self.members.iter().enumerate() {
            if moving.contains(&index) || spoken.contains(&*member.name) {
                continue;
            }
            let by_name = self.world.memory.asked(&Target::Node(member.name.clone()), self.now);
            let parked = by_name.filter(|asked| asked.wish == Wish::Parked);
            if let (Some(asked), State::Parked(_)) = (parked, &member.state) {
                decision.kept.push(self.kept(member, vec![by_hand::reason(asked)]));
                continue;
            }
            let Some((code, text)) = matter(member, decision.short > 0) else { continue };
            let mut reasons = vec![Reason { code, text, evidence: Evidence::default(), origin: self.origin("min") }];
            if ASTRAY.contains(&code) {
                reasons.extend(node_rules::staying(self.policy, self.pool, member, self.world, self.now));
                reasons.extend(decision.repairs.left.get(&index).cloned());
            }
            decision.kept.push(self.kept(member, reasons));
        }
        decision.kept.sort_by(|a, b| natural(&a.node, &b.node));
    }
}

/// What is the matter with a member; `short` is whether the floor misses nodes.
fn matter(member: &Member, short: bool) -> Option<(Code, String)> {
    let busy =
        |task: &str| (Code::ServerBusy, format!("the provider is at work on its server ({task}){}", begun(member)));
    Some(match &member.state {
        State::Busy(task) => busy(task),
        State::Waking => match member.server.as_ref().and_then(|server| server.task.as_ref()) {
            Some(task) => busy(task),
            None => (Code::NotReady, format!("its server runs but the node is not Ready{}", begun(member))),
        },
        State::Joining => (Code::NotReady, "Tidegate made its server, and the node has not joined yet".to_owned()),
        State::LeftOver => (Code::NotReady, "its server is deleted, and the Node is left".to_owned()),
        State::NotReady => (Code::NotReady, format!("its server runs but the node is not Ready{}", begun(member))),
        State::Broken(why) if member.record_error.is_some() => (Code::RecordUnreadable, why.clone()),
        State::Broken(why) => (Code::ServerError, format!("{why}{}", begun(member))),
        State::ForeignCordon => (Code::CordonedByOther, "somebody else cordoned it".to_owned()),
        State::StoppedByOther(state) if short => {
            let text =
                format!("its server is {state} and carries no record of ours; `adopt: true` makes it ours to wake");
            (Code::StoppedByOther, text)
        }
        State::Absent if short => {
            (Code::NoCreate, "neither node nor server exists, and the pool has no `create` to make one".to_owned())
        }
        _ => return None,
    })
}

/// What of ours is not finished there, since when.
fn begun(member: &Member) -> String {
    let Some(record) = &member.record else { return String::new() };
    let runs = member.server.as_ref().is_none_or(|server| server.state != ServerState::Build);
    match record.mark {
        NodeMark::Draining if runs => {
            format!("; we began to take it away at {} and it is not parked yet", record.since)
        }
        NodeMark::Waking => format!("; we began to wake it at {}", record.since),
        _ => String::new(),
    }
}

/// What is said of nodes with which nothing can be done: those that the policy wants parked, then the others.
pub struct Said {
    /// `9 nodes are not parked that should be: 9 servers busy`.
    pub unwanted: Option<String>,
    /// The provider is at work on all of `unwanted`: time alone may help.
    pub only_busy: bool,
    /// `1 node not Ready, see above`.
    pub others: Option<String>,
}

/// Sorts a plan's nodes with which nothing can be done. `short` is how many the floor misses, by pool.
pub fn said(plan: &Plan, short: &[u32]) -> Said {
    let (mut unwanted, mut others): (Vec<&Kept>, Vec<&Kept>) = (Vec::new(), Vec::new());
    for (pool, short) in plan.pools.iter().zip(short) {
        let mut short = usize::try_from(*short).unwrap_or(usize::MAX);
        for kept in plan.kept.iter().filter(|kept| kept.pool == pool.name && astray(kept)) {
            let ours = kept.reasons.iter().all(|reason| reason.code != Code::CordonedByOther);
            // That parking it failed is no reason for which it is to stay.
            let failed = |reason: &Reason| reason.code == Code::RecentlyFailed;
            if ours && short > 0 {
                // It is one of those that the floor misses, and counted there.
                short -= 1;
            } else if ours && kept.reasons.iter().skip(1).all(failed) && pool.freeze.is_none() {
                unwanted.push(kept);
            } else {
                others.push(kept);
            }
        }
    }
    let only_busy = unwanted.iter().all(|kept| kept.reasons.iter().all(|reason| reason.code == Code::ServerBusy));
    let count = match unwanted.len() {
        1 => "1 node is not parked that should be".to_owned(),
        many => format!("{many} nodes are not parked that should be"),
    };
    Said {
        only_busy: only_busy && !unwanted.is_empty(),
        unwanted: (!unwanted.is_empty()).then(|| format!("{count} ({})", counted(&unwanted))),
        others: (!others.is_empty()).then(|| format!("{}, see above", counted(&others))),
    }
}

/// `9 servers busy, 1 node not Ready`.
fn counted(kept: &[&Kept]) -> String {
    let each = ASTRAY.iter().filter_map(|code| {
        let first = |kept: &&&Kept| kept.reasons.first().is_some_and(|reason| reason.code == *code);
        let count = kept.iter().filter(first).count();
        let (what, how) = match code {
            Code::ServerBusy => ("server", "busy at the provider"),
            Code::ServerError => ("server", "in error or gone"),
            Code::NotReady => ("node", "not Ready"),
            Code::RecordUnreadable => ("node", "with a record that cannot be read"),
            _ => ("node", "cordoned by somebody else"),
        };
        (count > 0).then(|| format!("{count} {what}{} {how}", if count == 1 { "" } else { "s" }))
    });
    each.collect::<Vec<_>>().join(", ")
}

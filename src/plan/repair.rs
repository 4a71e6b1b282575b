//! Nodes that stay NotReady: restarted or replaced, few at a time, and none where so many are NotReady that it is not the
//! nodes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::candidates::Nearness;
use super::creating::strange;
use super::members::{Member, State};
use super::pool_decision::{Decision, Pooled};
use super::steps::at_once;
use super::{Code, Evidence, Reason, by_hand, node_rules};
use crate::model::{Name, NodeMark, Pod, ServerState, World, counted, they_are};
use crate::policy::{Idle, Origin, Repair, RepairAction};

/// A node that is repaired.
#[derive(Clone, Debug)]
pub struct Mending {
    /// Index into the pool's members.
    pub member: usize,
    /// Why.
    pub reason: Reason,
    /// It is woken again.
    pub back: bool,
}

/// What is repaired of a pool, and why the rest of its NotReady nodes is not, or not yet.
#[derive(Clone, Debug, Default)]
pub struct Repairs {
    /// In order: who has been NotReady longest comes first.
    pub mended: Vec<Mending>,
    /// By index into the pool's members.
    pub left: BTreeMap<usize, Reason>,
}

impl Pooled<'_> {
    /// Decides who is repaired. `up` are those that are up when what comes has come.
    pub fn mend(&self, decision: &mut Decision, up: &[usize]) {
        let Some(repair) = &self.pool.repair else { return };
        let silent = self.members.iter().enumerate().filter(|(_, member)| member.state == State::NotReady);
        let mut silent: Vec<(Option<Timestamp>, usize)> = silent.map(|(index, one)| (since(one), index)).collect();
        // Since when nobody knows: last, and not repaired.
        silent.sort_by_key(|(since, index)| (since.is_none(), *since, *index));
        let most = repair.at_once.min(at_once(self.pool, self.active()));
        let many = self.outage(repair);
        let ceiling = self.holding.ceiling.map_or(u32::MAX, |ceiling| ceiling.max(self.holding.floor));
        let mut up = u32::try_from(up.len()).unwrap_or(u32::MAX);
        let mut repairs = Repairs::default();
        for (since, index) in silent {
            let Some(member) = self.members.get(index).filter(|member| self.asked_about(member)) else { continue };
            let staying = node_rules::staying(self.policy, self.pool, member, self.world, self.now);
            // What keeps it is told of every node that is NotReady.
            if !staying.is_empty() {
                continue;
            }
            let back = repair.action == RepairAction::Restart && up < ceiling;
            let mended = u32::try_from(repairs.mended.len()).unwrap_or(u32::MAX);
            let full = (mended >= most).then(|| self.turn(most));
            let left = self.not_mended(member, repair, since, back).or_else(|| many.clone()).or(full);
            if let Some(reason) = left {
                repairs.left.insert(index, reason);
                continue;
            }
            up = up.saturating_add(u32::from(back));
            decision.short = decision.short.saturating_sub(u32::from(back));
            let what = match (back, repair.action) {
                (true, _) => "restarted",
                (false, RepairAction::Replace) => "replaced",
                (false, RepairAction::Restart) => "not brought back, for there are enough without it",
            };
            let since = since.map_or_else(String::new, |since| format!(" since {since}"));
            let text = format!("NotReady{since}, longer than {:#}: {what}", repair.not_ready_for);
            let reason = Reason { code: Code::Repair, text, evidence: Evidence::default(), origin: self.stands() };
            repairs.mended.push(Mending { member: index, reason, back });
        }
        decision.repairs = repairs;
    }

    fn active(&self) -> u32 {
        let active = self.members.iter().filter(|member| member.state == State::Active).count();
        u32::try_from(active).unwrap_or(u32::MAX)
    }

    /// Where the policy says what is repaired.
    fn stands(&self) -> Option<Origin> {
        self.pool.origins.get("repair").cloned()
    }

    fn why(&self, code: Code, text: String, evidence: Evidence) -> Reason {
        Reason { code, text, evidence, origin: self.stands() }
    }

    /// That as many as may be repaired at once go before.
    fn turn(&self, most: u32) -> Reason {
        let text = format!("{} repaired before it: no more at once (`repair.atOnce`)", they_are(most, "node"));
        self.why(Code::Parallelism, text, Evidence::default())
    }

    /// That so many nodes of the pool are NotReady that it is rather the network, or the control plane.
    fn outage(&self, repair: &Repair) -> Option<Reason> {
        let there = self.members.iter().filter(|member| {
            let parked = member.server.as_ref().is_some_and(|server| server.state.parked());
            member.node.is_some() && !parked
        });
        let (mut all, mut silent) = (0, 0);
        for member in there {
            let runs = member.server.as_ref().is_none_or(|server| {
                server.task.is_none() && matches!(server.state, ServerState::Active | ServerState::Unknown)
            });
            all += 1;
            silent += u32::from(runs && member.node.as_ref().is_some_and(|node| !node.ready()));
        }
        repair.too_many(silent, all).then(|| {
            let text = format!(
                "{silent} of {} of the pool are not Ready, more than {}% (`repair.maxNotReady`): that looks like the network \
                 or the control plane, so none is repaired",
                counted(all, "node"),
                repair.max_not_ready
            );
            self.why(Code::Repair, text, Evidence::default())
        })
    }

    /// Why a node that is NotReady is not repaired, or not yet.
    /// One that does not come `back` must hold nothing that somebody else needs.
    fn not_mended(&self, member: &Member, repair: &Repair, since: Option<Timestamp>, back: bool) -> Option<Reason> {
        let node = member.node.as_deref()?;
        if let Some(asked) = self.asked_to_drain(member) {
            return Some(by_hand::reason(asked));
        }
        if let Some(asked) = self.asked_to_sleep(member) {
            let evidence = Evidence { until: Some(asked.expires), ..Evidence::default() };
            return Some(self.why(Code::Override, format!("to be parked by hand: {}", asked.reason), evidence));
        }
        let ours = member.record.as_ref().is_some_and(|record| record.mark != NodeMark::Leaving);
        if node.unschedulable && !ours {
            let text = "somebody else cordoned it: it is theirs to repair".to_owned();
            return Some(self.why(Code::CordonedByOther, text, Evidence::default()));
        }
        let Some(since) = since else {
            let text = "since when is not known, so it is not repaired".to_owned();
            return Some(self.why(Code::Repair, text, Evidence::default()));
        };
        let due = since.checked_add(repair.not_ready_for).unwrap_or(Timestamp::MAX);
        if due > self.now {
            let what = match repair.action {
                RepairAction::Restart => "restarted",
                RepairAction::Replace => "replaced",
            };
            let text = format!("NotReady since {since}; it is {what} if it still is at {due}");
            return Some(self.why(Code::Repair, text, Evidence { until: Some(due), ..Evidence::default() }));
        }
        if let Some(pod) = self.world.pods_on(&member.name).find(|pod| !given_up(pod)) {
            let text = format!("Kubernetes has not given up {} on it", pod.key);
            let evidence = Evidence { pod: Some(pod.key.to_string()), ..Evidence::default() };
            return Some(self.why(Code::WaitsForPods, text, evidence));
        }
        let keeps = self.pool.idle != Idle::Delete;
        if let Some(volume) = attached(self.world, &member.name).filter(|_| keeps && !back) {
            let help = match repair.action {
                RepairAction::Replace => "`action: restart` brings both back",
                RepairAction::Restart => "there are enough nodes without it, so it would not be brought back",
            };
            let text = format!("volume {volume} is attached to it and would stay with its server: {help}");
            return Some(self.why(
                Code::Repair,
                text,
                Evidence { volume: Some(volume.to_string()), ..Evidence::default() },
            ));
        }
        let freeze = || {
            let freeze = self.holding.freeze.as_ref()?;
            let evidence =
                Evidence { window: Some(freeze.name.to_string()), until: freeze.until, ..Evidence::default() };
            Some(Reason {
                code: Code::Freeze,
                text: format!("freeze {}", freeze.text()),
                evidence,
                origin: Some(freeze.origin.clone()),
            })
        };
        let hindered = || self.hindrance(member, Nearness::Parked, false).filter(|_| back);
        strange(self.pool, member, self.world).or_else(freeze).or_else(hindered)
    }
}

/// Since when a node is not Ready, as its Ready condition says.
fn since(member: &Member) -> Option<Timestamp> {
    member.node.as_ref().and_then(|node| node.condition("Ready")).and_then(|ready| ready.transition)
}

/// Whether nobody waits for a pod on a silent node: it is deleted, or over, or comes with every node.
fn given_up(pod: &Pod) -> bool {
    pod.terminating() || pod.finished() || pod.daemon() || pod.mirror()
}

fn attached<'a>(world: &'a World, node: &str) -> Option<&'a Name> {
    let attachment = world.attachments.values().find(|attachment| *attachment.node == *node)?;
    Some(attachment.volume.as_ref().unwrap_or(&attachment.name))
}

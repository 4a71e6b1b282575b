//! From what was decided for a pool to steps that wait for one another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::budgets::{Bound, Say};
use super::members::{Member, State};
use super::pool_decision::{Decision, Depth, Going};
use super::prices::Prices;
use super::rehearsal::Waves;
use super::removal::Removals;
use super::{Creation, PodAction, PodMove, Precondition, Step, StepCost, Verb, sleeping};
use crate::model::{IntOrPercent, Name};
use crate::policy::{Idle, OnTimeout, Policy, Pool};

/// Counts evictions under each bound over the whole plan: the n-th pod under a bound of k goes in round ⌈n/k⌉.
#[derive(Debug, Default)]
pub struct Rounds {
    taken: BTreeMap<Bound, u32>,
    /// The last drain that rests on its cordon to open a budget: the next such node is cordoned after it (H19).
    cordons_first: Option<String>,
}

impl Rounds {
    /// The round of one more pod under `bound`, which allows so many at once; the first is 1.
    pub fn next(&mut self, bound: &Bound, at_once: u32) -> u32 {
        let taken = self.taken.entry(bound.clone()).or_insert(0);
        *taken += 1;
        taken.div_ceil(at_once.max(1))
    }
}

/// The steps after which nodes that come are there.
#[derive(Debug, Default)]
pub struct Returning {
    /// The last step of each node.
    last: BTreeMap<String, String>,
    /// The steps after which all of a pool are there.
    all_up: BTreeMap<Name, Vec<String>>,
}

/// How many nodes of a pool may be in transition at once: `parallelism`, and `maxUnavailable` of the active nodes,
/// per cent rounded down; never less than one, or nothing would ever move.
pub fn at_once(pool: &Pool, active: u32) -> u32 {
    let bound = match pool.max_unavailable {
        None => u32::MAX,
        Some(IntOrPercent::Count(count)) => count,
        Some(IntOrPercent::Percent(percent)) => {
            u32::try_from(u64::from(active) * u64::from(percent) / 100).unwrap_or(u32::MAX)
        }
    };
    pool.parallelism.min(bound).max(1)
}

/// What the steps of one pool are made from.
pub struct Build<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The pool.
    pub pool: &'a Pool,
    /// Its members.
    pub members: &'a [Member],
    /// Prices now.
    pub prices: &'a Prices<'a>,
    /// The simulation that decided.
    pub removals: &'a Removals<'a>,
    /// Who goes before whom.
    pub waves: &'a Waves,
}

impl Build<'_> {
    fn active(&self) -> u32 {
        let active = self.members.iter().filter(|member| member.state == State::Active).count();
        u32::try_from(active).unwrap_or(u32::MAX)
    }

    /// How many of the pool's nodes may be in transition at once.
    fn width(&self) -> usize {
        usize::try_from(at_once(self.pool, self.active())).unwrap_or(1)
    }

    /// Adds the steps of what comes, as wide as the pool allows.
    pub fn bring(&self, decision: &Decision, returning: &mut Returning, steps: &mut Vec<Step>) {
        let width = self.width();
        let mut last_of: Vec<String> = Vec::new();
        for coming in &decision.coming {
            let Some(member) = self.members.get(coming.member) else { continue };
            let after = last_of.len().checked_sub(width).and_then(|index| last_of.get(index)).cloned();
            let mut after: Vec<String> = after.into_iter().collect();
            let mut push = |verb: Verb, step: &dyn Fn(&mut Step)| {
                let mut made = self.step(verb, member, coming.reason.clone());
                made.after = std::mem::take(&mut after);
                step(&mut made);
                after.push(made.id.clone());
                steps.push(made);
            };
            if matches!(member.state, State::Parked(_)) {
                push(Verb::Wake, &|step| {
                    step.provider_verb = Some(wake_verb(member, self.pool).to_owned());
                    step.preconditions.extend(server_is(member));
                    step.cost = self.prices.change(self.pool, member, true);
                });
            }
            let creation = coming.build.as_ref().map(|build| Creation::of(build));
            let absent = member.state == State::Absent;
            if let Some(build) = coming.build.as_ref().filter(|_| absent) {
                push(Verb::Create, &|step| {
                    step.provider_verb = Some("create".to_owned());
                    step.creation = creation.clone();
                    step.cost = self.prices.change(self.pool, &build.member(self.pool, &member.name), true);
                });
            }
            if absent || matches!(member.state, State::Parked(_) | State::Waking | State::Joining) {
                // What was woken before costs more once its server is up.
                push(Verb::Wait, &|step| {
                    let change = || self.prices.change(self.pool, member, true);
                    let changes = |cost: &StepCost| cost.per_hour_micros != 0;
                    step.cost = (member.state == State::Waking).then(change).flatten().filter(changes);
                    step.creation = creation.clone().filter(|_| !absent && member.node.is_none());
                });
            }
            push(Verb::Uncordon, &|step| step.preconditions.push(Precondition::NotCordonedByOther));
            let last = after.pop().unwrap_or_default();
            returning.last.insert(member.name.to_string(), last.clone());
            last_of.push(last);
        }
        returning.all_up.insert(self.pool.name.clone(), last_of.into_iter().rev().take(width).collect());
    }

    /// Adds the steps of what goes, as wide as the pool allows, after the steps of what comes in every pool.
    /// `last_of` are the steps with which others of the pool end that are in transition before them.
    pub fn take(
        &self,
        decision: &Decision,
        mut last_of: Vec<String>,
        returning: &Returning,
        rounds: &mut Rounds,
        steps: &mut Vec<Step>,
    ) {
        let width = self.width();
        let mut stay = self.active();
        let cordoned = self.members.iter().filter(|member| matches!(member.state, State::OwnCordon(_))).count();
        let mut standing = stay.saturating_add(u32::try_from(cordoned).unwrap_or(u32::MAX));
        for going in &decision.going {
            let Some(member) = self.members.get(going.member) else { continue };
            // What is so already needs no step, and nobody waits for it.
            if going.as_it_is(member) {
                continue;
            }
            let gate = last_of.len().checked_sub(width).and_then(|index| last_of.get(index)).cloned();
            let mut after: Vec<String> = gate.into_iter().collect();
            stay = stay.saturating_sub(u32::from(member.state == State::Active));
            standing = standing.saturating_sub(u32::from(going.depth > Depth::Cordon));
            // What is still on its way does not count: a wake may fail.
            if (member.state == State::Active && stay < decision.least) || standing < decision.least_standing {
                after.extend(returning.all_up.get(&self.pool.name).into_iter().flatten().cloned());
            }
            last_of.push(self.take_away(member, (going, decision.wakes_at), after, returning, rounds, steps));
        }
    }

    fn take_away(
        &self,
        member: &Member,
        (going, wakes_at): (&Going, Option<Timestamp>),
        mut after: Vec<String>,
        returning: &Returning,
        rounds: &mut Rounds,
        steps: &mut Vec<Step>,
    ) -> String {
        let cordoned = matches!(member.state, State::OwnCordon(_));
        let cordons_first = going.movers.iter().any(|mover| mover.after_cordon);
        if cordons_first && let Some(before) = &rounds.cordons_first {
            after.push(before.clone());
        }
        let wave = self.waves.before(&member.name).iter().map(|node| step_id(Verb::Drain, node));
        after.extend(wave.collect::<BTreeSet<_>>());
        after.dedup();
        let mut cordon = self.step(Verb::Cordon, member, going.reason.clone());
        cordon.after = std::mem::take(&mut after);
        if !cordoned {
            cordon.preconditions.push(Precondition::NotCordonedByOther);
        }
        after.push(cordon.id.clone());
        steps.push(cordon);
        if going.depth == Depth::Cordon {
            return after.pop().unwrap_or_default();
        }
        let mut drain = self.step(Verb::Drain, member, going.reason.clone());
        drain.pods = self.moves(going, wakes_at, rounds);
        // A home on a node that this plan brings back must be there first.
        let homes = drain.pods.iter().filter_map(|pod| pod.home.as_ref()).filter_map(|home| returning.last.get(home));
        after.extend(homes.cloned().collect::<BTreeSet<_>>());
        drain.after = std::mem::take(&mut after);
        if cordons_first {
            rounds.cordons_first = Some(drain.id.clone());
        }
        after.push(drain.id.clone());
        steps.push(drain);
        if going.depth == Depth::Drain {
            return after.pop().unwrap_or_default();
        }
        let verb = if self.pool.idle == Idle::Delete { Verb::Delete } else { Verb::Park };
        let mut park = self.step(verb, member, going.reason.clone());
        park.after = after;
        park.provider_verb = Some(self.pool.idle.verb().to_owned());
        park.preconditions.push(Precondition::Marked);
        park.preconditions.extend(server_is(member));
        park.cost = self.prices.change(self.pool, member, false);
        let id = park.id.clone();
        steps.push(park);
        id
    }

    /// Adds the steps of what is repaired: nothing is drained, for its kubelet is silent. What is not brought back goes when
    /// all that comes is there. Returns the step of each with which its server is parked or deleted.
    pub fn mend(&self, decision: &Decision, returning: &Returning, steps: &mut Vec<Step>) -> Vec<String> {
        let mut last_of = Vec::new();
        for mending in &decision.repairs.mended {
            let Some(member) = self.members.get(mending.member) else { continue };
            let all_up = returning.all_up.get(&self.pool.name).into_iter().flatten().cloned();
            let mut after: Vec<String> = if mending.back { Vec::new() } else { all_up.collect() };
            let mut push = |verb: Verb, step: &dyn Fn(&mut Step)| {
                let mut made = self.step(verb, member, mending.reason.clone());
                made.after = std::mem::take(&mut after);
                step(&mut made);
                after.push(made.id.clone());
                steps.push(made);
            };
            push(Verb::Cordon, &|step| step.preconditions.push(Precondition::NotCordonedByOther));
            let ends = if self.pool.idle == Idle::Delete { Verb::Delete } else { Verb::Park };
            push(ends, &|step| {
                step.provider_verb = Some(self.pool.idle.verb().to_owned());
                step.preconditions.push(Precondition::Marked);
                step.preconditions.extend(server_is(member));
                step.cost = self.prices.change(self.pool, member, false).filter(|_| !mending.back);
            });
            last_of.push(step_id(ends, &member.name));
            if mending.back {
                push(Verb::Wake, &|step| step.provider_verb = Some(self.pool.idle.wake_verb().to_owned()));
                push(Verb::Wait, &|_| {});
                push(Verb::Uncordon, &|step| step.preconditions.push(Precondition::NotCordonedByOther));
            }
        }
        last_of
    }

    /// Adds the steps of what is destroyed without having been in use.
    pub fn clear(&self, decision: &Decision, steps: &mut Vec<Step>) {
        for (index, reason) in &decision.remains {
            let Some(member) = self.members.get(*index) else { continue };
            let mut delete = self.step(Verb::Delete, member, reason.clone());
            delete.provider_verb = Some(Idle::Delete.verb().to_owned());
            delete.preconditions.extend(server_is(member));
            delete.cost = member.server.is_some().then(|| self.prices.destroyed(self.pool, member)).flatten();
            steps.push(delete);
        }
    }

    fn moves(&self, going: &Going, wakes_at: Option<Timestamp>, rounds: &mut Rounds) -> Vec<PodMove> {
        let mut moves = Vec::new();
        for mover in &going.movers {
            let evicted = mover.action == PodAction::Evict;
            let sleeps = evicted && self.removals.asleep(&mover.pod.key);
            let entry = self.policy.drain.sleeps(&mover.pod).zip(wakes_at).filter(|_| sleeps);
            let asleep = entry.map(|(entry, until)| sleeping::reason(&self.pool.name, entry, until));
            let (chunk, budget) = match &mover.say {
                // Nobody waits for it to be Ready again.
                Some(Say::AtOnce(bound, _)) if self.removals.spared(&mover.pod, bound) => (Some(1), None),
                Some(Say::AtOnce(bound, at_once)) => (Some(rounds.next(bound, *at_once)), Some(bound.to_string())),
                _ => (evicted.then_some(1), None),
            };
            moves.push(PodMove {
                pod: mover.pod.key.to_string(),
                uid: mover.pod.uid.to_string(),
                action: mover.action,
                chunk,
                budget,
                home: evicted.then(|| self.removals.home(&mover.pod.key).map(ToString::to_string)).flatten(),
                at_most: mover.at_most,
                after_cordon: mover.after_cordon,
                delete_on_timeout: evicted && self.policy.drain.on_timeout == OnTimeout::Delete,
                lost: evicted && self.removals.world().loses(&mover.pod),
                sleeps,
                reason: asleep.or_else(|| mover.reason.clone()),
            });
        }
        moves
    }

    fn step(&self, verb: Verb, member: &Member, reason: super::Reason) -> Step {
        let uid = member.node.as_ref().map(|node| node.uid.to_string()).filter(|uid| !uid.is_empty());
        Step {
            id: step_id(verb, &member.name),
            verb,
            provider_verb: None,
            pool: self.pool.name.to_string(),
            node: member.name.to_string(),
            server: member.server.as_ref().filter(|server| !server.inferred).map(|server| server.id.to_string()),
            after: Vec::new(),
            origin: reason.origin.clone(),
            reason,
            preconditions: uid.map(|uid| Precondition::Node { uid }).into_iter().collect(),
            cost: None::<StepCost>,
            pods: Vec::new(),
            creation: None,
        }
    }
}

fn server_is(member: &Member) -> Option<Precondition> {
    let server = member.server.as_ref().filter(|server| !server.inferred)?;
    Some(Precondition::Server { id: server.id.to_string(), state: server.state.to_string() })
}

fn wake_verb(member: &Member, pool: &Pool) -> &'static str {
    use crate::model::ServerState;
    match member.state {
        State::Parked(ServerState::Shelved | ServerState::ShelvedOffloaded) => "unshelve",
        State::Parked(ServerState::Shutoff) => "start",
        State::Parked(ServerState::Suspended | ServerState::Paused) => "resume",
        _ => pool.idle.wake_verb(),
    }
}

fn step_id(verb: Verb, node: &Name) -> String {
    format!("{}/{node}", verb_name(verb))
}

/// The verb as it stands in ids and output.
pub fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Cordon => "cordon",
        Verb::Drain => "drain",
        Verb::Park => "park",
        Verb::Record => "record",
        Verb::Wake => "wake",
        Verb::Wait => "wait",
        Verb::Uncordon => "uncordon",
        Verb::Create => "create",
        Verb::Delete => "delete",
    }
}

//! The cluster after every prefix of an order: each evicted pod has a home, floors and ceilings hold.
//!
//! Bounded: four orders with each drain as one step, and a fifth in which all drains that may run together do, their
//! evictions interleaved round by round. What depends on who goes before whom within one round is judged by the rounds'
//! sums, not here.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Life, Wanted, takes};
use super::graph::{ORDERS, Prefer, order};
use super::violation::{Found, Rule};
use crate::placement::Site;
use crate::plan::creating::Daemons;
use crate::plan::{Code, Kept, PodAction, Step, Verb};

/// Replays every order.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let going: BTreeSet<&str> =
        case.plan.steps.iter().filter(|step| takes(step)).map(|step| step.node.as_str()).collect();
    let start = Replay::start(case, &going);
    for prefer in ORDERS {
        let mut replay = start.clone();
        for step in order(case.plan, prefer) {
            replay.act(step, found);
        }
    }
    together(start, order(case.plan, Prefer::First), found);
}

/// Whatever needs no drain goes first, then all drains that need no other, and so on.
fn together<'a>(mut replay: Replay<'a>, mut rest: Vec<&'a Step>, found: &mut Found) {
    while !rest.is_empty() {
        let mut held: BTreeSet<&str> = BTreeSet::new();
        let (mut drains, mut later) = (Vec::new(), Vec::new());
        for step in rest {
            let waits = step.after.iter().any(|before| held.contains(before.as_str()));
            if waits || step.verb == Verb::Drain {
                held.insert(step.id.as_str());
            }
            match (waits, step.verb) {
                (true, _) => later.push(step),
                (false, Verb::Drain) => drains.push(step),
                (false, _) => replay.act(step, found),
            }
        }
        replay.drain(&drains, found);
        rest = later;
    }
}

/// The cluster after a prefix.
#[derive(Clone)]
struct Replay<'a> {
    case: &'a Case<'a>,
    going: &'a BTreeSet<&'a str>,
    site: Site,
    daemons: Daemons,
    /// Ready and schedulable, by pool.
    active: BTreeMap<&'a str, u32>,
    /// Ready and not drained, by pool: what a wind-down cordons still serves those who are there.
    standing: BTreeMap<&'a str, u32>,
}

impl<'a> Replay<'a> {
    fn start(case: &'a Case<'a>, going: &'a BTreeSet<&'a str>) -> Self {
        let counted = |test: fn(Life) -> bool| {
            case.pools.iter().map(|wanted| (&*wanted.pool.name, case.count(wanted, test))).collect()
        };
        let mut active: BTreeMap<&str, u32> = counted(|life| life == Life::Active);
        // What a wind-down cordoned and cannot take away is there again when its window ends, without being woken.
        let goes = |kept: &Kept| kept.reasons.iter().any(|reason| reason.code == Code::WindDown);
        for kept in case.plan.kept.iter().filter(|kept| !goes(kept)) {
            let wanted = case.pool_of(&kept.node).filter(|wanted| wanted.holding.winding_down_to.is_some());
            if let Some(wanted) = wanted.filter(|_| case.life(&kept.node) == (Life::Cordoned { ours: true })) {
                change(&mut active, wanted, 1);
            }
        }
        Self {
            case,
            going,
            site: case.site(),
            daemons: Daemons::of(case.world),
            active,
            standing: counted(|life| matches!(life, Life::Active | Life::Cordoned { ours: true })),
        }
    }

    fn act(&mut self, step: &Step, found: &mut Found) {
        let case = self.case;
        // A step on no pool's node is reported elsewhere; its pods are still moved.
        let wanted = case.pool_of(&step.node);
        let life = case.life(&step.node);
        match (step.verb, wanted) {
            (Verb::Cordon, wanted) => {
                self.site.close(&step.node);
                if let Some(wanted) = wanted.filter(|_| life == Life::Active) {
                    let active = change(&mut self.active, wanted, -1);
                    self.above_floor(step, wanted, active, wanted.least(), found);
                }
            }
            (Verb::Drain, _) => self.drain(&[step], found),
            (Verb::Uncordon, Some(wanted)) => {
                match case.new_node(&step.node) {
                    Some(node) => self.daemons.arrive(&mut self.site, node),
                    None => self.site.open(&step.node),
                }
                if life != Life::Active {
                    let active = change(&mut self.active, wanted, 1);
                    self.below_ceiling(step, wanted, active, found);
                }
                if !matches!(life, Life::Active | Life::Cordoned { ours: true }) {
                    change(&mut self.standing, wanted, 1);
                }
            }
            _ => {}
        }
    }

    /// A person may ask for less than the policy does.
    fn above_floor(&self, step: &Step, wanted: &Wanted<'_>, active: u32, floor: u32, found: &mut Found) {
        if active < floor && !self.case.asleep_by_hand(&step.node) {
            let text = format!("{active} active in pool {} would stay, below its floor of {floor}", wanted.pool.name);
            found.step(step, Rule::Floor, text);
        }
    }

    /// Only a wake can be left: what we cordoned is given back even to a pool that has too many, if it cannot go.
    fn below_ceiling(&self, step: &Step, wanted: &Wanted<'_>, active: u32, found: &mut Found) {
        let ceiling = wanted.holding.ceiling.map_or(u32::MAX, |ceiling| ceiling.max(wanted.holding.floor));
        let woken = self.case.has(Verb::Wake, &step.node) || self.case.has(Verb::Create, &step.node);
        if active > ceiling && woken && !self.case.awake_by_hand(&step.node) {
            let text = format!("{active} would be active in pool {}, above its ceiling of {ceiling}", wanted.pool.name);
            found.step(step, Rule::Ceiling, text);
        }
    }

    /// Drains these nodes together.
    fn drain(&mut self, steps: &[&Step], found: &mut Found) {
        self.evict(steps, found);
        for step in steps {
            let Some(wanted) = self.case.pool_of(&step.node) else { continue };
            let standing = change(&mut self.standing, wanted, -1);
            if wanted.holding.winding_down_to.is_some() {
                self.above_floor(step, wanted, standing, wanted.holding.floor, found);
            }
        }
    }

    fn evict(&mut self, steps: &[&Step], found: &mut Found) {
        let pods = steps.iter().flat_map(|step| step.pods.iter().map(move |entry| (*step, entry)));
        let mut moves: Vec<_> = pods.filter(|(_, entry)| entry.action == PodAction::Evict).collect();
        moves.sort_by_key(|(_, entry)| (entry.chunk, entry.pod.as_str()));
        for (step, entry) in moves {
            let Some(pod) = self.case.pod(&entry.pod).filter(|pod| pod.node.as_deref() == Some(&*step.node)) else {
                continue;
            };
            let Some(home) = &entry.home else {
                if entry.sleeps {
                    self.site.lift(pod, &step.node);
                    continue;
                }
                found.step(step, Rule::Home, format!("{} is evicted without another home", entry.pod));
                continue;
            };
            if self.going.contains(home.as_str()) {
                found.step(step, Rule::Home, format!("{home}, the home of {}, goes too (H14)", entry.pod));
            }
            self.site.lift(pod, &step.node);
            if let Some(unfit) = self.site.unfit(pod, home).first() {
                found.step(step, Rule::Home, format!("{} does not fit {home}: {unfit}", entry.pod));
            }
            self.site.place(pod, home);
        }
    }
}

fn change<'a>(counts: &mut BTreeMap<&'a str, u32>, wanted: &Wanted<'a>, by: i32) -> u32 {
    let count = counts.entry(&*wanted.pool.name).or_insert(0);
    *count = count.saturating_add_signed(by);
    *count
}

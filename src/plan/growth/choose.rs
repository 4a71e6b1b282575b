//! Where pending pods go: on what is there or coming, then on the nodes that serve most for their cost.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::anew::Refused;
use super::bound::at_least;
use super::demand::{Alike, Demand, named, not_refused};
use super::headroom::{Spare, members, namespace, refill, unit_words};
use super::next::Nexts;
use super::offered::{Asked, Candidate, candidates};
use super::value::Offer;
use super::why::Why;
use crate::model::{Name, Pod, PodKey, Resources};
use crate::placement::{Mark, Site, looks_at_pods};
use crate::plan::bounds::Bounds;
use crate::plan::candidates::Nearness;
use crate::plan::creating::Blueprint;
use crate::plan::members::Member;
use crate::plan::pool_decision::{Coming, Decision, Pooled};
use crate::plan::prices::Prices;
use crate::plan::removal::Removals;
use crate::plan::{Code, Evidence, Reason};

/// What became of the pending pods, before anything is taken away.
#[derive(Debug, Default)]
pub struct Grown {
    /// Pods with a node that takes them.
    pub placed: Vec<(Arc<Pod>, Name)>,
    /// Demand that nothing was brought for.
    pub left: Vec<(Arc<Pod>, Reason)>,
    /// Pods for which nothing is brought, by a rule.
    pub ignored: Vec<(Arc<Pod>, Reason)>,
    /// What the pools are to keep free.
    pub spares: Vec<Spare>,
    /// Where its units are.
    pub lodged: BTreeMap<PodKey, Name>,
    /// Why units are missing.
    pub short: BTreeMap<PodKey, Reason>,
    /// How many nodes come, and how many are needed at least, in words.
    pub quality: Option<String>,
}

/// A choice under way.
pub struct Growth<'g, 'a> {
    /// The pools.
    pub pooled: &'g [Pooled<'a>],
    /// Nodes that can still be brought.
    pub candidates: Vec<Candidate>,
    /// How many more each pool may have.
    pub left: Vec<u32>,
    /// Members of each pool of which nothing exists, in the order in which they get what is made.
    pub free: Vec<VecDeque<usize>>,
    pub(super) removals: &'g mut Removals<'a>,
    /// Who has a place, by node.
    pub(super) placed: BTreeMap<Name, Vec<Arc<Pod>>>,
    /// What is brought.
    pub(super) chosen: Vec<Candidate>,
    /// What stands for the nodes that could come.
    pub(super) nexts: Nexts,
    /// What the scheduler could not make use of.
    pub(super) refused: Refused,
    /// Who has room only if the scheduler binds in one order, where nothing more can be brought.
    pub(super) conceded: Vec<Arc<Pod>>,
}

/// Places every pending pod that something can take, and adds to `decisions` the nodes that are brought for them, after
/// every pool has said what comes for its floor. `up` is who is up in each pool then, and grows with them.
pub fn grow<'a>(
    pooled: &[Pooled<'a>],
    decisions: &mut [Decision],
    up: &mut [Vec<usize>],
    removals: &mut Removals<'a>,
    bounds: &mut Bounds<'_>,
    prices: &Prices<'_>,
) -> Grown {
    let Some(world) = pooled.first().map(|pooled| pooled.world) else { return Grown::default() };
    let Demand { mut alike, ignored } = Demand::of(world);
    let mut grown = Grown { ignored, ..Grown::default() };
    for (index, one) in pooled.iter().enumerate() {
        let Some(mut spare) = Spare::of(index, one) else { continue };
        let (since, at) = refill(one, world);
        (spare.short_since, spare.refill_at) = (Some(since), at);
        removals.keep_on(namespace(one.pool), members(one));
        // Last: pods that wait use it first.
        alike.extend(spare.alike(one));
        grown.spares.push(spare);
    }
    if alike.is_empty() {
        return grown;
    }
    let left = pooled.iter().zip(up.iter()).map(|(pooled, up)| {
        let up = u32::try_from(up.len()).unwrap_or(u32::MAX);
        pooled.holding.ceiling.unwrap_or(u32::MAX).saturating_sub(up)
    });
    let left = left.collect();
    let mut growth = Growth {
        pooled,
        candidates: Vec::new(),
        left,
        free: Vec::new(),
        removals,
        placed: BTreeMap::new(),
        chosen: Vec::new(),
        nexts: Nexts::default(),
        refused: Refused::default(),
        conceded: Vec::new(),
    };
    let asked = Asked::of(&alike);
    growth.settle_in(&mut alike, |_| true);
    for fresh in alike.iter().filter(|alike| !alike.demand && alike.only.is_none()) {
        grown.ignored.extend(fresh.pods.iter().map(|pod| (pod.clone(), not_refused())));
    }
    alike.retain(|alike| alike.demand && !alike.pods.is_empty());
    (growth.candidates, growth.free) = candidates(pooled, up, prices, &asked);
    grown.ignored.extend(growth.put_to_sleep(&mut alike));
    alike.retain(|alike| !alike.pods.is_empty());
    let coming = pooled.iter().zip(decisions.iter()).flat_map(|(pooled, decision)| {
        let members = decision.coming.iter().filter_map(|coming| pooled.members.get(coming.member));
        members.map(|member| member.name.clone())
    });
    growth.choose(&mut alike, &asked, &coming.collect::<Vec<_>>(), bounds);
    for (pod, reason) in growth.left_over(&alike) {
        match unit_words(&pod) {
            Some(_) => drop(grown.short.insert(pod.key.clone(), reason)),
            None => grown.left.push((pod, reason)),
        }
    }
    grown.quality = growth.quality();
    growth.decide(decisions, up, &mut grown);
    grown
}

impl Growth<'_, '_> {
    /// The simulated cluster.
    pub fn site(&mut self) -> &mut Site {
        self.removals.site_mut()
    }

    pub(super) fn member(&self, candidate: &Candidate) -> Option<&Member> {
        self.pooled.get(candidate.pool)?.members.get(candidate.member)
    }

    /// What pods may ask of a candidate.
    fn room<'c>(&'c self, candidate: &'c Candidate) -> Option<&'c Resources> {
        match &candidate.build {
            Some(build) => Some(&build.shape.allocatable),
            None => self.member(candidate)?.node.as_ref().map(|node| &node.allocatable),
        }
    }

    /// The node of a candidate takes pods; one that does not exist comes first.
    pub(super) fn open(&mut self, pool: usize, name: &Name, build: Option<&Blueprint>) {
        match (build, self.pooled.get(pool)) {
            (Some(build), Some(pooled)) => self.removals.arrive(pooled.daemons, build.shape.node(name)),
            _ => self.site().open(name),
        }
    }

    /// Back to `mark`, from before a node was opened; one that does not exist is forgotten.
    pub(super) fn close(&mut self, mark: Mark, name: &Name, build: Option<&Blueprint>) {
        self.site().roll_back(mark);
        if build.is_some() {
            self.site().part(name);
        }
    }

    /// Why something that costs is not brought; None if it is, and then it counts.
    fn bound(&self, candidate: &Candidate, bounds: &mut Bounds<'_>) -> Option<Reason> {
        let (pool, member) = (self.pooled.get(candidate.pool)?.pool, self.member(candidate)?);
        match (&candidate.build, candidate.nearness) {
            (Some(build), Nearness::Absent) => bounds.make(pool, &build.member(pool, &member.name)),
            (_, Nearness::Parked) => bounds.wake(pool, member),
            _ => None,
        }
    }

    fn lodge(&mut self, pod: Arc<Pod>, node: &Name) {
        self.site().place(&pod, node);
        self.placed.entry(node.clone()).or_default().push(pod);
    }

    /// Puts what fits on nodes that take pods now or that come for a floor. One pod may make a place for another, so it
    /// goes on for as long as something finds one.
    pub(super) fn settle_in(&mut self, alike: &mut [Alike], mut which: fn(&Alike) -> bool) {
        loop {
            let mut found = false;
            for alike in alike.iter_mut().filter(|alike| which(alike)) {
                let mut rest = Vec::new();
                let mut pods = std::mem::take(&mut alike.pods).into_iter();
                for pod in pods.by_ref() {
                    match self.site().best_home(&pod, |node| alike.may(node)) {
                        Some(home) => {
                            found = true;
                            self.lodge(pod, &home);
                        }
                        None => {
                            rest.push(pod);
                            break;
                        }
                    }
                }
                rest.extend(pods);
                alike.pods = rest;
            }
            if !found {
                return;
            }
            which = Alike::looks_around;
        }
    }

    /// Brings one node after the other, each time the best, until nothing that is left fits on any.
    pub(super) fn bring(&mut self, alike: &mut [Alike], bounds: &mut Bounds<'_>) {
        let mut tried = Tried::of(alike);
        while let Some(best) = self.best(alike, &mut tried) {
            let Some(candidate) = self.named(best) else { return };
            if self.refuses(best, &candidate, bounds) {
                continue;
            }
            self.bring_one(&candidate);
            let taken = fill(self.site(), alike, &candidate.name);
            let placed = self.placed.entry(candidate.name.clone()).or_default();
            for (alike, taken) in alike.iter_mut().zip(taken) {
                placed.extend(alike.pods.drain(..taken.min(alike.pods.len())));
            }
            self.chosen.push(candidate);
            // What came may let others in beside it, or among those that were there before.
            self.settle_in(alike, Alike::looks_around);
        }
    }

    /// Whether a bound is in the way of the candidate at `index`; then it says so.
    pub(super) fn refuses(&mut self, index: usize, candidate: &Candidate, bounds: &mut Bounds<'_>) -> bool {
        let Some(reason) = self.bound(candidate, bounds) else { return false };
        // Of what does not exist all of a sort are refused with one.
        let (sort, absent) = (candidate.sort, candidate.nearness == Nearness::Absent);
        for (other, one) in self.candidates.iter_mut().enumerate() {
            if other == index || absent && one.sort == sort {
                one.hindrance = Some(reason.clone());
            }
        }
        true
    }

    /// The node of a candidate comes, and takes pods.
    pub(super) fn bring_one(&mut self, candidate: &Candidate) {
        self.open(candidate.pool, &candidate.name, candidate.build.as_deref());
        self.take(candidate);
        if let Some(left) = self.left.get_mut(candidate.pool) {
            *left = left.saturating_sub(1);
        }
    }

    /// The candidate at `index`, with the name that it would get now.
    pub(super) fn named(&self, index: usize) -> Option<Candidate> {
        let candidate = self.candidates.get(index)?.clone();
        if candidate.nearness != Nearness::Absent {
            return Some(candidate);
        }
        let member = *self.free.get(candidate.pool)?.front()?;
        let name = self.pooled.get(candidate.pool)?.members.get(member)?.name.clone();
        Some(Candidate { member, name, ..candidate })
    }

    /// It comes: its name is not free any more.
    fn take(&mut self, candidate: &Candidate) {
        let Some(free) = self.free.get_mut(candidate.pool) else { return };
        if candidate.nearness == Nearness::Absent {
            free.pop_front();
            if !free.is_empty() {
                return;
            }
        }
        let (pool, absent) = (candidate.pool, candidate.nearness == Nearness::Absent);
        self.candidates.retain(|other| {
            let same = if absent { other.nearness == Nearness::Absent } else { other.member == candidate.member };
            other.pool != pool || !same
        });
    }

    /// The best node that can be brought now, of each sort of nodes the first.
    fn best(&mut self, alike: &[Alike], tried: &mut Tried) -> Option<usize> {
        let mut seen = BTreeSet::new();
        let mut best: Option<(usize, Nearness, Offer, u32)> = None;
        if alike.iter().all(|alike| alike.pods.is_empty()) {
            return None;
        }
        for index in 0..self.candidates.len() {
            let Some(candidate) = self.candidates.get(index) else { continue };
            let room = self.left.get(candidate.pool).is_some_and(|left| *left > 0);
            if candidate.hindrance.is_some() || !room || !seen.insert(candidate.sort) {
                continue;
            }
            let (nearness, tries, cost, all) = (candidate.nearness, candidate.tries, candidate.cost, candidate.room);
            let weight = self.pooled.get(candidate.pool).map_or(0, |pooled| pooled.pool.weight);
            let (sort, rank, pool) = (candidate.sort, candidate.rank, candidate.pool);
            let taken = match tried.known(sort, alike) {
                Some(taken) => taken,
                None => {
                    let Some(Candidate { name, build, .. }) = self.named(index) else { continue };
                    let mark = self.site().mark();
                    self.open(pool, &name, build.as_deref());
                    let taken = fill(self.site(), alike, &name);
                    self.close(mark, &name, build.as_deref());
                    tried.keep(sort, taken)
                }
            };
            let serves: i128 = alike.iter().zip(taken).map(|(alike, taken)| alike.size(*taken)).sum();
            if serves == 0 {
                continue;
            }
            let offer = Offer { weight, rank, cost, serves, room: all };
            let better = best.as_ref().is_none_or(|(_, near, other, tried)| {
                let order = nearness.cmp(near).then_with(|| offer.order(other)).then_with(|| tries.cmp(tried));
                order == Ordering::Less
            });
            if better {
                best = Some((index, nearness, offer, tries));
            }
        }
        best.map(|(index, ..)| index)
    }

    /// Leaves out again what turned out to be spare: a node that costs and whose pods fit on the others that come, or are there.
    pub(super) fn spare(&mut self) {
        for index in (0..self.chosen.len()).rev() {
            let Some(candidate) = self.chosen.get(index).filter(|one| one.costs()) else { continue };
            let (name, pool, new) = (candidate.name.clone(), candidate.pool, candidate.build.is_some());
            let pods = self.placed.get(&name).cloned().unwrap_or_default();
            // One that minds nobody and has no other room now has none when others move either: there is only less.
            let stuck = |pod: &Arc<Pod>| !looks_at_pods(&pod.spec) && self.removals.home_beside(pod, &name).is_none();
            if pods.first().is_some_and(stuck) {
                continue;
            }
            let mark = self.site().mark();
            self.site().close(&name);
            pods.iter().for_each(|pod| self.site().lift(pod, &name));
            let mut homes = Vec::new();
            for pod in &pods {
                let Some(home) = self.removals.home_for(pod) else { break };
                self.site().place(pod, &home);
                homes.push(home);
            }
            if homes.len() < pods.len() {
                self.site().roll_back(mark);
                continue;
            }
            if new {
                self.site().settle();
                self.site().part(&name);
            }
            self.placed.remove(&name);
            for (pod, home) in pods.into_iter().zip(homes) {
                self.placed.entry(home).or_default().push(pod);
            }
            self.chosen.remove(index);
            if let Some(left) = self.left.get_mut(pool) {
                *left = left.saturating_add(1);
            }
        }
    }

    /// Of two nodes or more, how few would do at least.
    fn quality(&self) -> Option<String> {
        let whole = self.pooled.iter().all(|pooled| pooled.targets.is_empty());
        let count = self.chosen.len();
        if count < 2 || !whole {
            return None;
        }
        let on = |candidate: &Candidate| self.placed.get(&candidate.name).map(Vec::as_slice).unwrap_or_default();
        let asked = self.chosen.iter().flat_map(on).map(|pod| &pod.spec.requests);
        let all = self.chosen.iter().chain(&self.candidates);
        let least = at_least(asked, all.filter_map(|candidate| self.room(candidate))).min(count);
        Some(format!("{count} nodes come for what has no room on those that are up, at least {least} needed"))
    }

    fn left_over(&mut self, alike: &[Alike]) -> Vec<(Arc<Pod>, Reason)> {
        let conceded = std::mem::take(&mut self.conceded);
        let mut why = Why::new(self);
        let mut left = Vec::new();
        for alike in alike {
            let Some(reason) = alike.one().map(|pod| why.waits(pod)) else { continue };
            left.extend(alike.pods.iter().map(|pod| (pod.clone(), reason.clone())));
        }
        for pod in conceded {
            let mut reason = why.waits(&pod);
            let text = "they find room on what comes only if the scheduler binds others in the right order";
            reason.text = format!("{text}; {}", reason.text);
            left.push((pod, reason));
        }
        left
    }

    /// What was chosen comes, each with the pods that it serves as its reason; who was not asked about stays away.
    fn decide(mut self, decisions: &mut [Decision], up: &mut [Vec<usize>], grown: &mut Grown) {
        for candidate in std::mem::take(&mut self.chosen) {
            let Some(pooled) = self.pooled.get(candidate.pool) else { continue };
            let asked = self.member(&candidate).is_some_and(|member| pooled.asked_about(member));
            if !asked {
                self.site().close(&candidate.name);
                if candidate.build.is_some() {
                    self.site().settle();
                    self.site().part(&candidate.name);
                }
                let reason = Reason {
                    code: Code::Target,
                    text: "a node that would come for them was not asked about (`--target`)".to_owned(),
                    evidence: Evidence { node: Some(candidate.name.to_string()), ..Evidence::default() },
                    origin: None,
                };
                let pods = self.placed.remove(&candidate.name).unwrap_or_default();
                let pods = pods.into_iter().filter(|pod| unit_words(pod).is_none());
                grown.left.extend(pods.map(|pod| (pod, reason.clone())));
                continue;
            }
            let name = candidate.name.clone();
            let pods = self.placed.get(&name).map(Vec::as_slice).unwrap_or_default();
            let reason = serves(pods, pooled);
            let (Some(decision), Some(up)) = (decisions.get_mut(candidate.pool), up.get_mut(candidate.pool)) else {
                continue;
            };
            decision.coming.push(Coming { member: candidate.member, reason, build: candidate.build });
            up.push(candidate.member);
            self.removals.open(&name);
        }
        for (node, pods) in std::mem::take(&mut self.placed) {
            for pod in pods {
                self.removals.expect(pod.clone(), &node);
                match unit_words(&pod) {
                    Some(_) => drop(grown.lodged.insert(pod.key.clone(), node.clone())),
                    None => grown.placed.push((pod, node.clone())),
                }
            }
        }
    }
}

/// Why a node comes: the pods that it serves, and the headroom that it has room for.
fn serves(pods: &[Arc<Pod>], pooled: &Pooled<'_>) -> Reason {
    let (units, pods): (Vec<&Arc<Pod>>, Vec<&Arc<Pod>>) = pods.iter().partition(|pod| unit_words(pod).is_some());
    let mut keys: Vec<PodKey> = pods.iter().map(|pod| pod.key.clone()).collect();
    keys.sort();
    let mut sizes: BTreeMap<String, u32> = BTreeMap::new();
    units.iter().filter_map(|unit| unit_words(unit)).for_each(|size| *sizes.entry(size).or_insert(0) += 1);
    let sizes: Vec<String> = sizes.iter().map(|(size, count)| format!("{count} × ({size})")).collect();
    let spare = sizes.join(", ");
    let text = match keys.as_slice() {
        [] => format!("headroom needs it: {spare}"),
        [one] => format!("pending pod {one} needs it"),
        many => format!("{} pending pods need it: {}", many.len(), named(many)),
    };
    let beside = if keys.is_empty() || units.is_empty() { String::new() } else { format!("; and headroom: {spare}") };
    let windows = pooled.origin("headroom").filter(|_| keys.is_empty());
    Reason {
        code: if keys.is_empty() { Code::Headroom } else { Code::Demand },
        text: text + &beside,
        evidence: Evidence { pod: keys.first().map(ToString::to_string), ..Evidence::default() },
        origin: windows.or_else(|| Some(pooled.pool.origin.clone())),
    }
}

/// What a node of each sort took when it was tried. Where no pod looks at others that stays true as long as there are
/// as many left of each likeness: each sort is tried again only when it would take less, not for every node that comes.
struct Tried {
    lasts: bool,
    taken: BTreeMap<usize, Vec<usize>>,
}

impl Tried {
    fn of(alike: &[Alike]) -> Self {
        let alone = |alike: &Alike| {
            alike.one().is_none_or(|pod| {
                pod.spec.affinity.as_ref().is_none_or(|affinity| affinity.anti.is_empty()) && !alike.looks_around()
            })
        };
        Self { lasts: alike.iter().all(alone), taken: BTreeMap::new() }
    }

    fn known(&self, sort: usize, alike: &[Alike]) -> Option<&[usize]> {
        let taken = self.taken.get(&sort).filter(|_| self.lasts)?;
        alike.iter().zip(taken).all(|(alike, taken)| *taken <= alike.pods.len()).then_some(taken)
    }

    fn keep(&mut self, sort: usize, taken: Vec<usize>) -> &[usize] {
        let kept = self.taken.entry(sort).or_default();
        *kept = taken;
        kept
    }
}

/// Fills `node` with what waits, in order. How many of each likeness it takes, from the first on.
fn fill(site: &mut Site, alike: &[Alike], node: &Name) -> Vec<usize> {
    let mut taken = vec![0_usize; alike.len()];
    loop {
        let before: usize = taken.iter().sum();
        for (alike, taken) in alike.iter().zip(&mut taken).filter(|(alike, _)| alike.may(node)) {
            for pod in alike.pods.iter().skip(*taken) {
                if !site.fits(pod, node) {
                    break;
                }
                site.place(pod, node);
                *taken += 1;
            }
        }
        // A pod may make a place for another that comes before it in the order.
        if taken.iter().sum::<usize>() == before || !alike.iter().any(Alike::looks_around) {
            return taken;
        }
    }
}

//! What-if: may this node go, given everything that was decided before it?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::budgets::{Allowances, Bound, Closed, Say};
use super::creating::Daemons;
use super::growth::unit_words;
use super::leaving::{Asked, Ruling, Settings, cordon_first, may_leave};
use super::running;
use super::sleeping::Sleepers;
use super::spread::{Spreads, in_the_way};
use super::webhooks::{Front, fronts, locked_out};
use super::{Code, Evidence, PodAction, Reason};
use crate::model::{Name, Node, Pod, PodKey, World};
use crate::placement::{Site, Unfit};
use crate::policy::{Drain, Origin};

/// What happens to one pod of a node that goes.
#[derive(Clone, Debug)]
pub struct Mover {
    /// The pod.
    pub pod: Arc<Pod>,
    /// What happens to it.
    pub action: PodAction,
    /// What bounds its eviction.
    pub say: Option<Say>,
    /// Why, where it is not plain.
    pub reason: Option<Reason>,
    /// Longest wait in seconds.
    pub at_most: Option<i64>,
    /// Its budget is closed, and the policy says that a cordon opens it (H19).
    pub after_cordon: bool,
}

impl Mover {
    /// A pod that is evicted, with nothing more said of it yet.
    pub fn evicted(pod: Arc<Pod>) -> Self {
        Self { pod, action: PodAction::Evict, say: None, reason: None, at_most: None, after_cordon: false }
    }
}

/// Who has which home, and who sleeps without one.
type Rehoused = (Vec<(Arc<Pod>, Name)>, Vec<Arc<Pod>>);

/// The simulated cluster after the removals decided so far.
#[derive(Clone)]
pub struct Removals<'a> {
    world: &'a World,
    drain: &'a Drain,
    now: Timestamp,
    /// Free room and who is where.
    site: Site,
    /// Budgets and Ready counts.
    pub allowances: Allowances,
    /// Pods that found a home on a node, by node; they move on if that node goes too.
    guests: BTreeMap<Name, Vec<Arc<Pod>>>,
    /// Hard spreads that would count the nodes that go (H7).
    spreads: Spreads<'a>,
    /// Webhooks that fail closed (H17).
    fronts: Vec<Front>,
    /// Some displaced pod must run near others.
    followed: bool,
    /// Every displaced pod's home.
    homes: BTreeMap<PodKey, Name>,
    /// Nodes of pools that keep headroom, by its namespace.
    only: BTreeMap<Name, Arc<BTreeSet<Name>>>,
    /// Displaced pods that have no home, and need none for a while.
    sleepers: Sleepers,
    /// The node that is cordoned, or will be, for the sake of budgets that a cordon releases (H19).
    cordoned_first: Option<Name>,
}

impl<'a> Removals<'a> {
    /// The Node objects of these go once they are parked.
    pub fn forget(&mut self, nodes: impl IntoIterator<Item = Name>) {
        self.spreads.forget(nodes);
    }

    /// Nothing removed yet.
    pub fn new(world: &'a World, drain: &'a Drain, now: Timestamp) -> Self {
        let mut spreads = Spreads::new(world);
        running::off(world).keys().for_each(|node| spreads.close(node));
        let site = running::site(world);
        let allowances = Allowances::count(world, drain);
        Self {
            world,
            drain,
            now,
            site,
            allowances,
            guests: BTreeMap::new(),
            spreads,
            fronts: fronts(world),
            followed: false,
            homes: BTreeMap::new(),
            only: BTreeMap::new(),
            sleepers: Sleepers::default(),
            cordoned_first: world
                .nodes
                .values()
                .find(|node| node.unschedulable && rests_on_cordon(world, drain, &node.name))
                .map(|node| node.name.clone()),
        }
    }

    /// Why a cordon of `node` for its own sake may not be now: of the nodes whose budgets wait for a cordon one is cordoned
    /// at a time (H19). If nothing speaks against it, it has its turn from now on.
    pub fn not_wound_down(&mut self, node: &Name) -> Option<Reason> {
        if !rests_on_cordon(self.world, self.drain, node) {
            return None;
        }
        let first = self.cordoned_first.get_or_insert_with(|| node.clone());
        (first != node).then(|| Reason {
            code: Code::Parallelism,
            text: format!("its cordon moves pods (`cordonFirst`), as that of {first} does: one such node at a time"),
            evidence: Evidence { node: Some(first.to_string()), ..Evidence::default() },
            origin: None,
        })
    }

    /// A node that the plan brings back takes pods from now on.
    pub fn open(&mut self, node: &str) {
        self.site.open(node);
        self.spreads.open(node);
    }

    /// A node that the plan makes takes pods from now on.
    pub fn arrive(&mut self, daemons: &Daemons, node: Node) {
        daemons.arrive(&mut self.site, node);
    }

    /// The world that nodes are taken from.
    pub fn world(&self) -> &'a World {
        self.world
    }

    /// The simulated cluster.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Who has a place on a node without having been there: pods that waited, units of headroom, displaced pods.
    pub fn guests(&self) -> &BTreeMap<Name, Vec<Arc<Pod>>> {
        &self.guests
    }

    /// The simulated cluster, to place in it what comes.
    pub fn site_mut(&mut self) -> &mut Site {
        &mut self.site
    }

    /// What stands for spare capacity in this namespace stays on these nodes.
    pub fn keep_on(&mut self, namespace: Name, nodes: Arc<BTreeSet<Name>>) {
        self.only.insert(namespace, nodes);
    }

    /// Whether a pod may be placed there at all: headroom of a pool is on its own nodes.
    pub fn may(&self, pod: &Pod, node: &Name) -> bool {
        self.only.get(&pod.key.namespace).is_none_or(|only| only.contains(node))
    }

    /// The best node for a pod that waits, or for a unit of headroom.
    pub fn home_for(&self, pod: &Pod) -> Option<Name> {
        self.site.best_home(pod, |home| self.may(pod, home))
    }

    /// The best node for it beside the one that it is on.
    pub fn home_beside(&self, pod: &Pod, node: &Name) -> Option<Name> {
        self.site.best_home(pod, |home| home != node && self.may(pod, home))
    }

    /// A pending pod was placed on `node`: should that go, it needs another.
    pub fn expect(&mut self, pod: Arc<Pod>, node: &Name) {
        self.guests.entry(node.clone()).or_default().push(pod);
    }

    /// Where a displaced pod goes by simulation.
    pub fn home(&self, pod: &PodKey) -> Option<&Name> {
        self.homes.get(pod)
    }

    /// Whether a displaced pod sleeps: it has no home, and the policy lets it wait.
    pub fn asleep(&self, pod: &PodKey) -> bool {
        self.sleepers.has(pod)
    }

    /// Whether the implied budget of its workload does not count for a pod: it may sleep, and others of it do.
    pub fn spared(&self, pod: &Pod, bound: &Bound) -> bool {
        let implied = matches!(bound, Bound::Implied(_));
        implied && self.drain.sleeps(pod).is_some() && self.sleepers.under(bound)
    }

    /// What the table, budgets and marks say of each pod of `node`: the pods, or every reason for which it stays.
    pub fn pods(&self, node: &str, relaxed: &[Name]) -> Result<Vec<Mover>, Vec<Reason>> {
        let mut movers = Vec::new();
        let mut reasons = Vec::new();
        for pod in self.world.pods_on(node) {
            let asked = Asked {
                pod,
                world: self.world,
                drain: self.drain,
                now: self.now,
                relaxed,
                settings: Settings::default(),
            };
            let mut mover = Mover::evicted(pod.clone());
            match may_leave(&asked) {
                Ruling::Blocks(reason) => {
                    reasons.push(reason);
                    continue;
                }
                Ruling::Stays(_) => mover.action = PodAction::Stays,
                Ruling::Waits(at_most, reason) => {
                    mover.action = PodAction::Wait;
                    mover.at_most = at_most.map(|limit| limit.as_secs());
                    mover.reason = Some(reason);
                }
                Ruling::Goes if pod.terminating() => mover.action = PodAction::Stays,
                Ruling::Goes => match self.allowances.say(self.world, self.drain, pod) {
                    Say::Closed(Closed::Exhausted(key)) if cordon_first(self.drain, pod).is_some() => {
                        let at_most = cordon_first(self.drain, pod).and_then(|entry| entry.at_most);
                        mover.at_most = Some(at_most.unwrap_or(self.drain.budget_timeout).as_secs());
                        mover.after_cordon = true;
                        mover.say = Some(Say::AtOnce(Bound::Budget(key), 1));
                    }
                    Say::Closed(closed) => {
                        reasons.push(closed_reason(pod, &closed));
                        continue;
                    }
                    say => mover.say = Some(say),
                },
            }
            movers.push(mover);
        }
        if reasons.is_empty() { Ok(movers) } else { Err(reasons) }
    }

    /// Tries to give every evicted pod of `node` (and every guest on it) another home. Kept if all find one; else
    /// everything is as before and the reasons come back. `prefers` says which nodes are sure to stay, `may_sleep` whether
    /// pods may wait without a home where the policy says so. Costs a look at every node for each pod that moves, so that a
    /// plan costs at most nodes times pods that move.
    pub fn remove(
        &mut self,
        node: &Name,
        movers: &[Mover],
        prefers: &dyn Fn(&Name) -> bool,
        may_sleep: bool,
    ) -> Result<(), Vec<Reason>> {
        let (found, asleep) = self.rehouse(node, movers, prefers, may_sleep)?;
        if self.anybody_sleeps() {
            self.sleepers.add(movers, &asleep);
            asleep.iter().for_each(|pod| drop(self.homes.remove(&pod.key)));
        }
        self.spreads.close(node);
        self.guests.remove(node);
        for (pod, home) in found {
            self.guests.entry(home.clone()).or_default().push(pod.clone());
            self.homes.insert(pod.key.clone(), home);
        }
        Ok(())
    }

    /// Whether [`Removals::remove`] would find every pod a home; everything is as before.
    pub fn can_remove(&mut self, node: &Name, movers: &[Mover], prefers: &dyn Fn(&Name) -> bool) -> bool {
        let mark = self.site.mark();
        let found = self.rehouse(node, movers, prefers, false).is_ok();
        self.site.roll_back(mark);
        found
    }

    fn anybody_sleeps(&self) -> bool {
        self.drain.when_no_home.iter().any(|entry| entry.sleeps)
    }

    /// Closes `node` and gives each of its pods and guests another home, but for those that sleep; or leaves everything as
    /// it was.
    fn rehouse(
        &mut self,
        node: &Name,
        movers: &[Mover],
        prefers: &dyn Fn(&Name) -> bool,
        may_sleep: bool,
    ) -> Result<Rehoused, Vec<Reason>> {
        let spread = self.spreads.stays(node);
        if !spread.is_empty() {
            return Err(spread);
        }
        let locked_out = self.locked_out(movers);
        if !locked_out.is_empty() {
            return Err(locked_out);
        }
        let mark = self.site.mark();
        let guests = self.guests.get(node).cloned().unwrap_or_default();
        let own = movers.iter().filter(|mover| mover.action == PodAction::Evict).map(|mover| mover.pod.clone());
        let mut displaced: Vec<Arc<Pod>> = own.chain(guests).collect();
        displaced.sort_by(|a, b| {
            let size = |pod: &Pod| (pod.spec.requests.cpu, pod.spec.requests.memory);
            size(b).cmp(&size(a)).then_with(|| a.key.cmp(&b.key))
        });
        self.site.close(node);
        let mut found: Vec<(Arc<Pod>, Name)> = Vec::new();
        let mut asleep = Vec::new();
        let mut reasons = Vec::new();
        for pod in &displaced {
            self.site.lift(pod, node);
        }
        for pod in &displaced {
            let may = |home: &Name| self.may(pod, home);
            let preferred = self.site.best_home(pod, |home| prefers(home) && may(home));
            match preferred.or_else(|| self.site.best_home(pod, may)) {
                Some(home) => {
                    self.site.place(pod, &home);
                    found.push((pod.clone(), home));
                }
                // What waits for its first node is no one's sleeper yet.
                None if may_sleep && pod.node.is_some() && self.drain.sleeps(pod).is_some() => asleep.push(pod.clone()),
                None => {
                    reasons.push(in_the_way(self.world, &self.site, pod).unwrap_or_else(|| self.homeless(pod, node)))
                }
            }
        }
        if reasons.is_empty() {
            reasons.extend(self.forsaken(&found, node));
        }
        if reasons.is_empty() && self.anybody_sleeps() {
            reasons.extend(self.sleepers.closed(movers, &asleep));
        }
        if !reasons.is_empty() {
            self.site.roll_back(mark);
            return Err(reasons);
        }
        Ok((found, asleep))
    }

    /// Why these may not leave after all that have: a webhook would be without a backend for ever (H17).
    fn locked_out(&self, movers: &[Mover]) -> Vec<Reason> {
        let evicted = movers.iter().filter(|mover| mover.action == PodAction::Evict);
        let going: Vec<&Pod> = evicted.map(|mover| &*mover.pod).collect();
        let leaves = |key: &PodKey| self.homes.contains_key(key) || going.iter().any(|pod| pod.key == *key);
        locked_out(&self.fronts, &going, &leaves, (self.world, self.drain, &self.allowances))
    }

    /// A displaced pod that must run near others and whose home would offer them only if pods left in one order: they must be
    /// there among those that stay, and where pods were before as well. `found` are the homes of those that leave `node`.
    fn forsaken(&mut self, found: &[(Arc<Pod>, Name)], node: &Name) -> Option<Reason> {
        let follows = |pod: &Pod| pod.spec.affinity.as_ref().is_some_and(|affinity| !affinity.pod.is_empty());
        self.followed |= found.iter().any(|(pod, _)| follows(pod));
        if !self.followed {
            return None;
        }
        let settled = self.guests.iter().filter(|(home, _)| *home != node);
        let settled = settled.flat_map(|(home, pods)| pods.iter().map(|pod| (pod.clone(), home.clone())));
        let moved: Vec<(Arc<Pod>, Name)> = settled.chain(found.iter().cloned()).collect();
        let followers: Vec<&(Arc<Pod>, Name)> = moved.iter().filter(|(pod, _)| follows(pod)).collect();
        if followers.is_empty() {
            return None;
        }
        let mark = self.site.mark();
        let lost = |site: &Site, pod: &Pod, home: &str| site.unfit(pod, home).contains(&Unfit::PodAffinity);
        moved.iter().for_each(|(pod, home)| self.site.lift(pod, home));
        let mut alone = followers.iter().find(|(pod, home)| lost(&self.site, pod, home));
        if alone.is_none() {
            let origins = || moved.iter().filter_map(|(pod, _)| Some((pod, pod.node.as_ref()?)));
            origins().for_each(|(pod, origin)| self.site.place(pod, origin));
            alone = followers.iter().find(|(pod, home)| {
                let before = self.site.mark();
                pod.node.iter().for_each(|origin| self.site.lift(pod, origin));
                let lost = lost(&self.site, pod, home);
                self.site.roll_back(before);
                lost
            });
        }
        self.site.roll_back(mark);
        alone.map(|(pod, _)| Reason {
            code: Code::NoOtherHome,
            text: format!("{} has no other home: the pods that it must run near would leave too", pod.key),
            evidence: Evidence { pod: Some(pod.key.to_string()), ..Evidence::default() },
            origin: None,
        })
    }

    /// Why no other node takes the pod: the scheduler's reasons with counts, most frequent first.
    fn homeless(&self, pod: &Pod, node: &Name) -> Reason {
        if let Some(size) = unit_words(pod) {
            let text = format!("spare capacity is kept on it: a headroom unit ({size}) has no other room");
            return Reason { code: Code::Headroom, text, evidence: Evidence::default(), origin: None };
        }
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for name in self.world.nodes.keys().filter(|name| *name != node) {
            for unfit in self.site.unfit(pod, name) {
                *counts.entry(unfit.to_string()).or_insert(0) += 1;
            }
        }
        let mut counts: Vec<(String, u32)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let listed: Vec<String> = counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let why = if listed.is_empty() { "there is no other node".to_owned() } else { listed.join(", ") };
        let who = if pod.node.is_none() {
            format!("pending pod {}, which has room here,", pod.key)
        } else {
            pod.key.to_string()
        };
        Reason {
            code: Code::NoOtherHome,
            text: format!("{who} has no other home: {why}"),
            evidence: Evidence { pod: Some(pod.key.to_string()), ..Evidence::default() },
            origin: None,
        }
    }
}

/// Whether a pod there has a budget that only a cordon releases, by the policy.
fn rests_on_cordon(world: &World, drain: &Drain, node: &str) -> bool {
    world.pods_on(node).any(|pod| !pod.finished() && cordon_first(drain, pod).is_some())
}

fn closed_reason(pod: &Pod, closed: &Closed) -> Reason {
    let (text, budget) = match closed {
        Closed::Exhausted(key) => (format!("budget {key} allows no disruption of {} now", pod.key), key.to_string()),
        Closed::Several(keys) => {
            let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let names = names.join(", ");
            (format!("{} is in several budgets ({names}): the Eviction API refuses such pods", pod.key), names)
        }
    };
    let origin: Option<Origin> = None;
    Reason {
        code: Code::Budget,
        text,
        evidence: Evidence { pod: Some(pod.key.to_string()), budget: Some(budget), ..Evidence::default() },
        origin,
    }
}

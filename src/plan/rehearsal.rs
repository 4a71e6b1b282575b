//! Would what moves find a home in whatever order the scheduler binds it (H9)? A plan's homes hold in its own order alone.
//!
//! First a bound that needs no order ([`Crowd`]). Where that is not sure, the drains are rehearsed in several orders, each
//! pod going where the scheduler would put it. If one is left over, nodes go in waves, one after the other; and who leaves
//! a pod without a home even then stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::binding::{binding, close};
use super::growth::unit_words;
use super::pool_decision::{Decision, Depth, Pooled};
use super::removal::Removals;
use super::{Code, Evidence, PodAction, Reason};
use crate::model::{Labels, Name, Pod, PodKey};
use crate::placement::{Crowd, Site};

/// A pod at a node is one look. Nodes that are not reached within so many wait for a later plan.
const LOOKS: usize = 20_000_000;

/// So often it is decided anew who goes.
const TRIES: u32 = 4;

/// The orders in which what moves may arrive.
const ORDERS: [Order; 5] = [Order::AsAsked, Order::InTurns, Order::SmallestFirst, Order::LargestFirst, Order::ByNode];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// As drains that begin together ask for them: node by node, by name.
    AsAsked,
    /// Of each node the first by name, then of each the second.
    InTurns,
    SmallestFirst,
    LargestFirst,
    ByNode,
}

/// Who stays, because not every order leaves all pods a home.
#[derive(Clone, Debug, Default)]
pub struct Barred {
    stranded: BTreeMap<Name, Reason>,
    /// Nobody else goes, once set.
    only: Option<BTreeSet<Name>>,
}

impl Barred {
    /// Why `node` stays, if it does.
    pub fn says(&self, node: &Name) -> Option<Reason> {
        let stranded = self.stranded.get(node).cloned();
        let elsewhere = || self.only.as_ref().is_some_and(|only| !only.contains(node)).then(unrehearsed);
        stranded.or_else(elsewhere)
    }
}

/// The nodes that go, wave by wave.
#[derive(Debug, Default)]
pub struct Waves {
    /// Each but the first begins when all of the one before are drained.
    waves: Vec<Vec<Name>>,
    of: BTreeMap<Name, usize>,
}

impl Waves {
    /// The nodes that are drained before `node` is cordoned.
    pub fn before(&self, node: &str) -> &[Name] {
        let before = self.of.get(node).and_then(|at| at.checked_sub(1)).and_then(|before| self.waves.get(before));
        before.map(Vec::as_slice).unwrap_or_default()
    }

    fn add(&mut self, wave: &[Leaving]) {
        self.of.extend(wave.iter().map(|leaving| (leaving.node.clone(), self.waves.len())));
        self.waves.push(wave.iter().map(|leaving| leaving.node.clone()).collect());
    }
}

/// A node that goes, with the pods that are evicted.
struct Leaving {
    node: Name,
    pods: Vec<Arc<Pod>>,
}

/// Decides what goes so that it does in every order that is looked at. `take` decides it with who must stay, each time
/// from the same beginning: who stays may let another go that could not before.
pub fn settle(
    pooled: &[Pooled<'_>],
    decisions: &mut Vec<Decision>,
    removals: &mut Removals<'_>,
    mut take: impl FnMut(&mut Vec<Decision>, &mut Removals<'_>, &Barred),
) -> Waves {
    let before = removals.clone();
    let come = decisions.clone();
    let mut barred = Barred::default();
    for left in (0..TRIES).rev() {
        take(decisions, removals, &barred);
        let (closed, leaving) = leaving(pooled, decisions);
        let asleep: BTreeSet<PodKey> = leaving
            .iter()
            .flat_map(|one| &one.pods)
            .filter(|pod| removals.asleep(&pod.key))
            .map(|pod| pod.key.clone())
            .collect();
        if sure(&before, &closed, &leaving, &asleep) {
            return Waves::default();
        }
        let (waves, stranded) = Rehearsal::of(&before, &closed, &leaving, asleep).run(&leaving);
        if stranded.is_empty() {
            return waves;
        }
        barred.stranded.extend(stranded);
        decisions.clone_from(&come);
        *removals = before.clone();
        if left == 0 {
            barred.only = Some(waves.of.keys().cloned().collect());
            take(decisions, removals, &barred);
            return waves;
        }
    }
    Waves::default()
}

/// The nodes that take no pods any more, and of those who must be emptied first.
fn leaving(pooled: &[Pooled<'_>], decisions: &[Decision]) -> (Vec<Name>, Vec<Leaving>) {
    let (mut closed, mut leaving) = (Vec::new(), Vec::new());
    for (pooled, decision) in pooled.iter().zip(decisions) {
        for going in &decision.going {
            let Some(member) = pooled.members.get(going.member) else { continue };
            if going.depth == Depth::Cordon || going.as_it_is(member) {
                closed.push(member.name.clone());
                continue;
            }
            let evicted = going.movers.iter().filter(|mover| mover.action == PodAction::Evict);
            leaving.push(Leaving { node: member.name.clone(), pods: evicted.map(|mover| mover.pod.clone()).collect() });
        }
    }
    (closed, leaving)
}

/// Whether everybody finds a home whatever the order.
fn sure(before: &Removals<'_>, closed: &[Name], leaving: &[Leaving], asleep: &BTreeSet<PodKey>) -> bool {
    if leaving.iter().all(|leaving| leaving.pods.is_empty() && !before.guests().contains_key(&leaving.node)) {
        return true;
    }
    let mut site = before.site().clone();
    let guests = before.guests().iter().flat_map(|(node, pods)| pods.iter().map(move |pod| (node, pod)));
    let own = leaving.iter().flat_map(|leaving| leaving.pods.iter().map(move |pod| (&leaving.node, pod)));
    let mut crowd = Crowd::default();
    let mut alike: BTreeMap<(&Name, &Labels, usize), &Arc<Pod>> = BTreeMap::new();
    for (node, pod) in guests.chain(own) {
        site.lift(pod, node);
        crowd.add(&pod.spec);
        // Who sleeps may yet take room, and needs none.
        if !asleep.contains(&pod.key) {
            alike.entry((&pod.key.namespace, &pod.labels, Arc::as_ptr(&pod.spec).addr())).or_insert(pod);
        }
    }
    closed.iter().chain(leaving.iter().map(|leaving| &leaving.node)).for_each(|node| site.close(node));
    alike.values().all(|pod| site.surely_fits(pod, &crowd, |node| before.may(pod, node)))
}

/// The cluster in each of the orders.
struct Rehearsal<'r, 'a> {
    before: &'r Removals<'a>,
    /// Who goes sooner or later: nobody is sent there who can go elsewhere.
    leaving: BTreeSet<Name>,
    units: Vec<Arc<Pod>>,
    /// Who takes room if there is any, and else waits.
    asleep: BTreeSet<PodKey>,
    courses: Vec<Course>,
    /// So many nodes are looked at for each pod.
    nodes: usize,
    close: bool,
    looks: usize,
}

/// The cluster in one order.
struct Course {
    order: Order,
    site: Site,
    guests: BTreeMap<Name, Vec<Arc<Pod>>>,
    /// Headroom has its room as long as nobody goes.
    roomy: bool,
}

impl<'r, 'a> Rehearsal<'r, 'a> {
    fn of(before: &'r Removals<'a>, closed: &[Name], leaving: &[Leaving], asleep: BTreeSet<PodKey>) -> Self {
        let guests: Vec<(usize, Arc<Pod>)> = (before.guests().values().enumerate())
            .flat_map(|(at, pods)| pods.iter().map(move |pod| (at, pod.clone())))
            .collect();
        let homes: Vec<&Name> = before.guests().keys().collect();
        let (units, lodgers): (Vec<_>, Vec<_>) = guests.into_iter().partition(|(_, pod)| unit_words(pod).is_some());
        let nodes = before.world().nodes.len();
        let pods = lodgers.len() + units.len() + leaving.iter().map(|leaving| leaving.pods.len()).sum::<usize>();
        let mut rehearsal = Self {
            before,
            leaving: leaving.iter().map(|leaving| leaving.node.clone()).collect(),
            units: units.iter().map(|(_, pod)| pod.clone()).collect(),
            asleep,
            courses: Vec::new(),
            nodes,
            close: close(pods, nodes),
            looks: 0,
        };
        for order in ORDERS {
            let mut course = Course { order, site: before.site().clone(), guests: BTreeMap::new(), roomy: false };
            closed.iter().for_each(|node| course.site.close(node));
            for (at, pod) in lodgers.iter().chain(&units) {
                homes.get(*at).iter().for_each(|home| course.site.lift(pod, home));
            }
            for (at, pod) in sorted(order, lodgers.clone()) {
                let planned = || homes.get(at).filter(|home| course.site.fits(&pod, home)).map(|home| (*home).clone());
                // Who finds nothing even now waits on, and is no reason for anybody to stay.
                if let Some(home) = rehearsal.home(&course.site, &pod).or_else(planned) {
                    course.site.place(&pod, &home);
                    course.guests.entry(home).or_default().push(pod);
                }
            }
            course.roomy = rehearsal.lacks_room(&mut course.site).is_none();
            rehearsal.courses.push(course);
        }
        rehearsal
    }

    /// The waves in which they go, and why the others stay.
    fn run(mut self, leaving: &[Leaving]) -> (Waves, BTreeMap<Name, Reason>) {
        let mut waves = Waves::default();
        let mut stranded = BTreeMap::new();
        let (mut rest, mut width) = (leaving, leaving.len());
        while let Some((wave, later)) = rest.split_at_checked(width.clamp(1, rest.len().max(1))) {
            if self.looks > LOOKS {
                stranded.extend(rest.iter().map(|leaving| (leaving.node.clone(), unrehearsed())));
                break;
            }
            match self.go(wave) {
                Ok(()) => waves.add(wave),
                Err(_) if wave.len() > 1 => {
                    width = wave.len() / 2;
                    continue;
                }
                Err(pod) => wave.iter().for_each(|leaving| {
                    self.leaving.remove(&leaving.node);
                    stranded.insert(leaving.node.clone(), left_over(&pod));
                }),
            }
            (rest, width) = (later, later.len());
        }
        (waves, stranded)
    }

    /// All of `wave` go at once, in each order; or none, because of this pod.
    fn go(&mut self, wave: &[Leaving]) -> Result<(), Arc<Pod>> {
        let mut courses = std::mem::take(&mut self.courses);
        let marks: Vec<_> = courses.iter().map(|course| course.site.mark()).collect();
        let mut went = Vec::new();
        for course in &mut courses {
            match self.empty(course, wave) {
                Ok(placed) => went.push(placed),
                Err(pod) => {
                    courses.iter_mut().zip(marks).for_each(|(course, mark)| course.site.roll_back(mark));
                    self.courses = courses;
                    return Err(pod);
                }
            }
        }
        for (course, placed) in courses.iter_mut().zip(went) {
            wave.iter().for_each(|leaving| drop(course.guests.remove(&leaving.node)));
            placed.into_iter().for_each(|(pod, home)| course.guests.entry(home).or_default().push(pod));
        }
        self.courses = courses;
        Ok(())
    }

    /// Everybody on the nodes of `wave` goes elsewhere, in the order of the course.
    fn empty(&mut self, course: &mut Course, wave: &[Leaving]) -> Result<Vec<(Arc<Pod>, Name)>, Arc<Pod>> {
        let mut moving = Vec::new();
        for (at, leaving) in wave.iter().enumerate() {
            course.site.close(&leaving.node);
            let guests = course.guests.get(&leaving.node).into_iter().flatten();
            for pod in leaving.pods.iter().chain(guests) {
                course.site.lift(pod, &leaving.node);
                moving.push((at, pod.clone()));
            }
        }
        let mut placed = Vec::new();
        for (_, pod) in sorted(course.order, moving) {
            let Some(home) = self.home(&course.site, &pod) else {
                if self.asleep.contains(&pod.key) {
                    continue;
                }
                return Err(pod);
            };
            course.site.place(&pod, &home);
            placed.push((pod, home));
        }
        let lacks = if course.roomy { self.lacks_room(&mut course.site) } else { None };
        lacks.map_or(Ok(placed), Err)
    }

    /// Where the scheduler puts a pod: not on what goes, if it can help it (H14).
    fn home(&mut self, site: &Site, pod: &Pod) -> Option<Name> {
        self.looks = self.looks.saturating_add(self.nodes);
        binding(site, pod, self.close, &|node| self.before.may(pod, node), &|node| !self.leaving.contains(node))
    }

    /// A unit of headroom that has no room; everything is as before.
    fn lacks_room(&mut self, site: &mut Site) -> Option<Arc<Pod>> {
        let mark = site.mark();
        let units = self.units.clone();
        let lacks = units.iter().find(|unit| match self.home(site, unit) {
            Some(home) => {
                site.place(unit, &home);
                false
            }
            None => true,
        });
        site.roll_back(mark);
        lacks.cloned()
    }
}

/// Pods in an order; the number is that of the node that they leave.
fn sorted(order: Order, mut pods: Vec<(usize, Arc<Pod>)>) -> Vec<(usize, Arc<Pod>)> {
    let size = |pod: &Pod| (pod.spec.requests.cpu, pod.spec.requests.memory);
    pods.sort_by(|(at, pod), (other_at, other)| {
        let by_size = || size(pod).cmp(&size(other)).then_with(|| pod.key.cmp(&other.key));
        match order {
            Order::AsAsked | Order::InTurns => (at, &pod.key).cmp(&(other_at, &other.key)),
            Order::SmallestFirst => by_size(),
            Order::LargestFirst => by_size().reverse(),
            Order::ByNode => at.cmp(other_at).then_with(|| by_size().reverse()),
        }
    });
    if order == Order::InTurns {
        let mut turns: BTreeMap<usize, usize> = BTreeMap::new();
        pods.sort_by_cached_key(|(at, _)| {
            let turn = turns.entry(*at).or_insert(0);
            *turn += 1;
            (*turn, *at)
        });
    }
    pods
}

fn left_over(pod: &Pod) -> Reason {
    let (code, who) = match unit_words(pod) {
        Some(size) => (Code::Headroom, format!("a headroom unit ({size})")),
        None => (Code::NoOtherHome, pod.key.to_string()),
    };
    let text = format!(
        "{who} has other room only if the scheduler binds what moves in one order: it stays until there is more room"
    );
    let pod = (code == Code::NoOtherHome).then_some(who);
    Reason { code, text, evidence: Evidence { pod, ..Evidence::default() }, origin: None }
}

fn unrehearsed() -> Reason {
    let text = "more would move than one plan rehearses: a later one goes on".to_owned();
    Reason { code: Code::NoOtherHome, text, evidence: Evidence::default(), origin: None }
}

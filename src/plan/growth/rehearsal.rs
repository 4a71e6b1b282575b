//! What comes is what is needed if the scheduler binds as it likes (H9): in its own order, and as one node after the other
//! is Ready. If that leaves somebody over, more comes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choose::Growth;
use super::demand::Alike;
use super::headroom::unit_words;
use super::offered::Candidate;
use crate::model::{Labels, Name, Node, Pod};
use crate::placement::{Crowd, Site, Unfit, looks_at_pods};
use crate::plan::binding::{binding, close};
use crate::plan::bounds::Bounds;
use crate::plan::creating::Daemons;

/// A pod at a node is one look. Where more would be needed for one order, what was chosen stands; sooner where pods mind
/// others, since each of them is looked at more than once.
const LOOKS: usize = 10_000_000;

/// So many nodes come together by default.
const TOGETHER: usize = 10;
/// So many orders of arrival are looked at where pods mind others: all of them, for up to five nodes.
const SHUFFLES: usize = 120;

impl Growth<'_, '_> {
    /// Brings more until nobody is left over, or nothing more can be brought: then who may be left over is said to wait.
    /// `others` wait in any case; `coming` comes in any case.
    pub fn rehearse(&mut self, others: &[Alike], coming: &[Name], bounds: &mut Bounds<'_>) {
        loop {
            let over = self.left_over_by_the_scheduler(others, coming);
            if over.is_empty() {
                return;
            }
            let helped = over.iter().any(|(pod, home)| self.bring_for(pod.clone(), home, bounds));
            if !helped && !self.concede(over) {
                return;
            }
        }
    }

    /// Promises nothing to these any more, but that a node comes for somebody. Whether any promise was taken back.
    fn concede(&mut self, over: Vec<(Arc<Pod>, Name)>) -> bool {
        let mut conceded = false;
        for (pod, home) in over {
            if self.holds_up(&pod, &home, |_| true) {
                continue;
            }
            let last = self.placed.get(&home).is_none_or(|pods| pods.len() < 2);
            self.site().lift(&pod, &home);
            if last && self.chosen.iter().any(|candidate| candidate.name == home) {
                let Some((heir, from)) = self.heir(&home) else {
                    self.site().place(&pod, &home);
                    continue;
                };
                self.inherit(heir, &from, &home);
            }
            self.leave(&pod, &home);
            self.conceded.push(pod);
            conceded = true;
        }
        conceded
    }

    /// One more node, with this pod on it. Its old place is somebody else's then, as the scheduler has it.
    fn bring_for(&mut self, pod: Arc<Pod>, home: &Name, bounds: &mut Bounds<'_>) -> bool {
        if self.holds_up(&pod, home, |unfit| *unfit == Unfit::PodAffinity) {
            return false;
        }
        let mark = self.site().mark();
        self.site().lift(&pod, home);
        let emptied = self.chosen.iter().any(|candidate| candidate.name == *home)
            && self.placed.get(home).is_some_and(|pods| pods.len() < 2);
        let heir = if emptied { self.heir(home) } else { None };
        let before = self.chosen.len();
        let mut one = [Alike { pods: vec![pod.clone()], demand: true, only: None }];
        if !emptied || heir.is_some() {
            self.bring(&mut one, bounds);
        }
        if self.chosen.len() == before {
            self.site().roll_back(mark);
            return false;
        }
        self.leave(&pod, home);
        if let Some((heir, from)) = heir {
            self.inherit(heir, &from, home);
        }
        true
    }

    fn inherit(&mut self, heir: Arc<Pod>, from: &Name, home: &Name) {
        self.site().lift(&heir, from);
        self.site().place(&heir, home);
        self.leave(&heir, from);
        self.placed.entry(home.clone()).or_default().push(heir);
    }

    /// Whether somebody who minds others has a place only as long as `pod` has its own, for one of these reasons.
    fn holds_up(&mut self, pod: &Pod, home: &Name, counts: fn(&Unfit) -> bool) -> bool {
        let minders: Vec<(Arc<Pod>, Name)> = (self.placed.iter())
            .flat_map(|(node, pods)| pods.iter().map(move |pod| (pod.clone(), node.clone())))
            .filter(|(other, _)| looks_at_pods(&other.spec) && other.key != pod.key)
            .collect();
        let site = self.site();
        let mark = site.mark();
        site.lift(pod, home);
        let lost = minders.iter().any(|(other, node)| {
            let before = site.mark();
            site.lift(other, node);
            let lost = site.unfit(other, node).iter().any(counts);
            site.roll_back(before);
            lost
        });
        site.roll_back(mark);
        lost
    }

    pub(super) fn leave(&mut self, pod: &Pod, node: &Name) {
        if let Some(pods) = self.placed.get_mut(node) {
            pods.retain(|other| other.key != pod.key);
        }
    }

    /// Somebody who is not alone and fits there, so that no node comes for nobody.
    fn heir(&mut self, home: &Name) -> Option<(Arc<Pod>, Name)> {
        let others = self.placed.iter().filter(|(node, pods)| *node != home && pods.len() > 1);
        let others = others.flat_map(|(node, pods)| pods.iter().map(move |pod| (pod.clone(), node.clone())));
        // Who minds others was placed with regard to them.
        let free = |pod: &Pod| unit_words(pod).is_none() && !looks_at_pods(&pod.spec);
        let others: Vec<(Arc<Pod>, Name)> = others.filter(|(pod, _)| free(pod)).collect();
        others.into_iter().find(|(pod, node)| {
            if self.holds_up(pod, node, |_| true) {
                return false;
            }
            let site = self.site();
            let mark = site.mark();
            site.lift(pod, node);
            let fits = site.fits(pod, home);
            site.roll_back(mark);
            fits
        })
    }

    /// Who of those that have a place would go without, if more do than wait in any case.
    pub(super) fn left_over_by_the_scheduler(&mut self, others: &[Alike], coming: &[Name]) -> Vec<(Arc<Pod>, Name)> {
        let all = self.placed.iter().flat_map(|(node, pods)| pods.iter().map(move |pod| (pod.clone(), node.clone())));
        let all: Vec<(Arc<Pod>, Name)> = all.collect();
        let mut site = self.site().clone();
        all.iter().for_each(|(pod, node)| site.lift(pod, node));
        let placed: Vec<(Arc<Pod>, Name)> = all.into_iter().filter(|(pod, _)| unit_words(pod).is_none()).collect();
        let nodes = self.removals.world().nodes.len() + self.chosen.len();
        let waits = others.iter().filter(|alike| alike.only.is_none()).flat_map(|alike| &alike.pods);
        let waits: Vec<Arc<Pod>> = waits.chain(&self.conceded).cloned().collect();
        let pods = placed.len() + waits.len();
        let company = placed.iter().map(|(pod, _)| pod).chain(&waits).any(|pod| looks_at_pods(&pod.spec));
        let many = pods.saturating_mul(nodes) > if company { LOOKS / 10 } else { LOOKS };
        if placed.is_empty() || many || sure(&site, &placed, &waits) {
            return Vec::new();
        }
        let homes: BTreeMap<_, _> = placed.iter().map(|(pod, node)| (pod.key.clone(), node.clone())).collect();
        let mut queue: Vec<Arc<Pod>> = placed.into_iter().map(|(pod, _)| pod).chain(waits.iter().cloned()).collect();
        queue.sort_by_cached_key(|pod| (Reverse(pod.spec.priority), pod.created, pod.key.clone()));
        let chosen = self.chosen.iter().map(|candidate| candidate.name.clone());
        let arriving: Vec<Name> = coming.iter().cloned().chain(chosen).collect();
        let built = |candidate: &Candidate| Some(candidate.build.as_ref()?.shape.node(&candidate.name));
        let new: Vec<Node> = self.chosen.iter().filter_map(built).collect();
        let Some(daemons) = self.pooled.first().map(|pooled| pooled.daemons) else { return Vec::new() };
        let orders = orders(arriving, company);
        for arriving in orders {
            let over = bound(site.clone(), &queue, (&arriving, &new, daemons), (close(pods, nodes), company));
            if over.len() > waits.len() {
                let over = over.into_iter().filter_map(|pod| Some((pod.clone(), homes.get(&pod.key)?.clone())));
                return over.collect();
            }
        }
        Vec::new()
    }
}

/// The orders of arrival that are looked at; who is in none of them is there from the start. Who spreads over hosts crowds
/// those that are there first, so where pods mind others and few nodes come, more orders are looked at, and with many only
/// all at once.
fn orders(arriving: Vec<Name>, company: bool) -> Vec<Vec<Name>> {
    let mut orders = vec![Vec::new()];
    if company && arriving.len() > TOGETHER {
        return orders;
    }
    let reverse: Vec<Name> = arriving.iter().rev().cloned().collect();
    orders.extend([arriving.clone(), reverse]);
    if company {
        // Each step of a count says who comes next of those that are left: with few nodes that is every order there is.
        for number in 0..SHUFFLES {
            let (mut left, mut rest) = (arriving.clone(), number);
            let mut order = Vec::with_capacity(left.len());
            while !left.is_empty() {
                let at = rest % left.len();
                rest /= left.len();
                order.push(left.remove(at));
            }
            if !orders.contains(&order) {
                orders.push(order);
            }
        }
    }
    orders
}

/// Whether each finds a place whatever comes before it.
fn sure(site: &Site, placed: &[(Arc<Pod>, Name)], waits: &[Arc<Pod>]) -> bool {
    let mut crowd = Crowd::default();
    let mut alike: BTreeMap<(&Name, &Labels, usize), &Arc<Pod>> = BTreeMap::new();
    waits.iter().for_each(|pod| crowd.add(&pod.spec));
    for (pod, _) in placed {
        crowd.add(&pod.spec);
        alike.entry((&pod.key.namespace, &pod.labels, Arc::as_ptr(&pod.spec).addr())).or_insert(pod);
    }
    alike.values().all(|pod| site.surely_fits(pod, &crowd, |_| true))
}

/// Who is left when every node has come, one after the other those that arrive; of those that are `new` nobody knows before.
/// Where pods mind others, one that finds a
/// place may open one for another, which is looked at again.
fn bound(
    mut site: Site,
    queue: &[Arc<Pod>],
    (arriving, new, daemons): (&[Name], &[Node], &Daemons),
    (close, company): (bool, bool),
) -> Vec<Arc<Pod>> {
    site.settle();
    let new: BTreeMap<&Name, &Node> = new.iter().map(|node| (&node.name, node)).collect();
    for node in arriving {
        if new.contains_key(node) { site.part(node) } else { site.close(node) }
    }
    site.settle();
    let mut left = queue.to_vec();
    for node in std::iter::once(None).chain(arriving.iter().map(Some)) {
        match node.map(|node| (node, new.get(node))) {
            Some((_, Some(node))) => daemons.arrive(&mut site, (*node).clone()),
            Some((node, None)) => site.open(node),
            None => {}
        }
        loop {
            let before = left.len();
            // Room only shrinks until the next node comes: what one was refused, its twins are.
            let mut refused: BTreeSet<(Name, Labels, usize)> = BTreeSet::new();
            left.retain(|pod| {
                let like = (pod.key.namespace.clone(), pod.labels.clone(), Arc::as_ptr(&pod.spec).addr());
                if refused.contains(&like) {
                    return true;
                }
                match binding(&site, pod, close, &|_| true, &|_| true) {
                    Some(home) => {
                        site.place(pod, &home);
                        false
                    }
                    None => refused.insert(like),
                }
            });
            if !company || left.len() == before {
                break;
            }
        }
    }
    left
}

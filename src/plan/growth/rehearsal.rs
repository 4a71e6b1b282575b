//! What comes is what is needed if the scheduler binds as it likes (H9): in its own order, and as one node after the other
//! is Ready. If that leaves somebody over, more comes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choose::Growth;
use super::demand::Alike;
use super::headroom::unit_words;
use crate::model::{Labels, Name, Pod};
use crate::placement::{Crowd, Site, looks_at_pods};
use crate::plan::binding::{binding, close};
use crate::plan::bounds::Bounds;

/// A pod at a node is one look. Where more would be needed for one order, what was chosen stands; and where pods look at
/// other pods.
const LOOKS: usize = 10_000_000;

impl Growth<'_, '_> {
    /// Brings more until nobody is left over, or nothing more can be brought. `others` wait in any case; `coming` comes in
    /// any case.
    pub fn rehearse(&mut self, others: &[Alike], coming: &[Name], bounds: &mut Bounds<'_>) {
        loop {
            let over = self.left_over_by_the_scheduler(others, coming);
            if !over.into_iter().any(|(pod, home)| self.bring_for(pod, &home, bounds)) {
                return;
            }
        }
    }

    /// One more node, with this pod on it. Its old place is somebody else's then, as the scheduler has it.
    fn bring_for(&mut self, pod: Arc<Pod>, home: &Name, bounds: &mut Bounds<'_>) -> bool {
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
            self.site().lift(&heir, &from);
            self.site().place(&heir, home);
            self.leave(&heir, &from);
            self.placed.entry(home.clone()).or_default().push(heir);
        }
        true
    }

    fn leave(&mut self, pod: &Pod, node: &Name) {
        if let Some(pods) = self.placed.get_mut(node) {
            pods.retain(|other| other.key != pod.key);
        }
    }

    /// Somebody who is not alone and fits there, so that no node comes for nobody.
    fn heir(&mut self, home: &Name) -> Option<(Arc<Pod>, Name)> {
        let others = self.placed.iter().filter(|(node, pods)| *node != home && pods.len() > 1);
        let others = others.flat_map(|(node, pods)| pods.iter().map(move |pod| (pod.clone(), node.clone())));
        let others: Vec<(Arc<Pod>, Name)> = others.filter(|(pod, _)| unit_words(pod).is_none()).collect();
        let site = self.site();
        others.into_iter().find(|(pod, node)| {
            let mark = site.mark();
            site.lift(pod, node);
            let fits = site.fits(pod, home);
            site.roll_back(mark);
            fits
        })
    }

    /// Who of those that have a place would go without, if more do than wait in any case.
    fn left_over_by_the_scheduler(&mut self, others: &[Alike], coming: &[Name]) -> Vec<(Arc<Pod>, Name)> {
        let all = self.placed.iter().flat_map(|(node, pods)| pods.iter().map(move |pod| (pod.clone(), node.clone())));
        let all: Vec<(Arc<Pod>, Name)> = all.collect();
        let mut site = self.site().clone();
        all.iter().for_each(|(pod, node)| site.lift(pod, node));
        let placed: Vec<(Arc<Pod>, Name)> = all.into_iter().filter(|(pod, _)| unit_words(pod).is_none()).collect();
        let nodes = self.removals.world().nodes.len() + self.chosen.len();
        let waits = others.iter().filter(|alike| alike.only.is_none()).flat_map(|alike| &alike.pods);
        let waits: Vec<Arc<Pod>> = waits.cloned().collect();
        let pods = placed.len() + waits.len();
        // Who moves may take the company of others along.
        let company = placed.iter().map(|(pod, _)| pod).chain(&waits).any(|pod| looks_at_pods(&pod.spec));
        let many = pods.saturating_mul(nodes) > LOOKS;
        if placed.is_empty() || company || many || sure(&site, &placed, &waits) {
            return Vec::new();
        }
        let homes: BTreeMap<_, _> = placed.iter().map(|(pod, node)| (pod.key.clone(), node.clone())).collect();
        let mut queue: Vec<Arc<Pod>> = placed.into_iter().map(|(pod, _)| pod).chain(waits.iter().cloned()).collect();
        queue.sort_by_cached_key(|pod| (Reverse(pod.spec.priority), pod.created, pod.key.clone()));
        let chosen = self.chosen.iter().map(|candidate| candidate.name.clone());
        let arriving: Vec<Name> = coming.iter().cloned().chain(chosen).collect();
        let reverse: Vec<Name> = arriving.iter().rev().cloned().collect();
        for arriving in [Vec::new(), arriving, reverse] {
            let over = bound(site.clone(), &queue, &arriving, close(pods, nodes));
            if over.len() > waits.len() {
                let over = over.into_iter().filter_map(|pod| Some((pod.clone(), homes.get(&pod.key)?.clone())));
                return over.collect();
            }
        }
        Vec::new()
    }
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

/// Who is left when every node has come, one after the other those that arrive.
fn bound(mut site: Site, queue: &[Arc<Pod>], arriving: &[Name], close: bool) -> Vec<Arc<Pod>> {
    arriving.iter().for_each(|node| site.close(node));
    let mut left = queue.to_vec();
    for node in std::iter::once(None).chain(arriving.iter().map(Some)) {
        node.iter().for_each(|node| site.open(node));
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
    }
    left
}

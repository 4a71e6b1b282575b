//! Counts pods by budget and by owner, and follows each change: a drain asks for these numbers for each of its pods at
//! each input, and nothing it asks may cost more than O(log n) in the number of pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Budget, Followed, Name, Pod, PodKey, Selector, World};

/// The pods that one budget counts.
#[derive(Clone, Debug, Default)]
struct Counted {
    selector: Option<Selector>,
    sums: Sums,
}

/// Pods that stand and are not on their way out, and pods whose eviction was asked for and not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Healthy and not asked to go.
    pub standing: u32,
    /// Asked to go, without an answer yet.
    pub unanswered: u32,
}

/// The pods of one owner. Those that came since the census began have numbers in the order of their coming.
#[derive(Clone, Debug, Default)]
struct Kin {
    standing: u32,
    live: u32,
    ready: u32,
    came: BTreeSet<u64>,
    bound: BTreeSet<u64>,
    /// Ready, or finished already.
    able: BTreeSet<u64>,
    on: BTreeSet<(Name, u64)>,
}

/// What the owner of a pod that went has instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kindred {
    /// Pods that neither finished nor are on their way out.
    pub live: usize,
    /// Those of them that are Ready.
    pub ready: usize,
    /// One came that takes nobody's place yet.
    pub coming: bool,
}

/// All pods, counted.
#[derive(Clone, Debug, Default)]
pub struct Census {
    followed: Option<Followed>,
    pods: BTreeMap<PodKey, Arc<Pod>>,
    /// Pods whose eviction was asked for or accepted, by UID; true while the answer has not come.
    away: BTreeMap<Name, (PodKey, bool)>,
    budgets: BTreeMap<PodKey, Counted>,
    kin: BTreeMap<Name, Kin>,
    /// Of those that came and take nobody's place yet: their numbers by UID, their keys by number.
    numbers: BTreeMap<Name, u64>,
    keys: BTreeMap<u64, PodKey>,
    newest: u64,
}

/// Ready, and on its way nowhere.
pub fn healthy(pod: &Pod) -> bool {
    pod.ready && !pod.finished() && !pod.terminating()
}

fn count(sum: &mut u32, counts: bool, more: bool) {
    *sum = if !counts {
        *sum
    } else if more {
        sum.saturating_add(1)
    } else {
        sum.saturating_sub(1)
    };
}

fn put<T: Ord>(set: &mut BTreeSet<T>, item: T, belongs: bool, more: bool) {
    if belongs && more {
        set.insert(item);
    } else {
        set.remove(&item);
    }
}

impl Counted {
    fn shift(&mut self, pod: &Pod, away: Option<bool>, more: bool) {
        if self.selector.as_ref().is_some_and(|selector| selector.matches(&pod.labels)) {
            count(&mut self.sums.standing, healthy(pod) && away.is_none(), more);
            count(&mut self.sums.unanswered, away == Some(true), more);
        }
    }
}

impl Kin {
    fn shift(&mut self, pod: &Pod, away: bool, number: Option<u64>, more: bool) {
        let live = !pod.terminating() && !pod.finished();
        count(&mut self.standing, healthy(pod) && !away, more);
        count(&mut self.live, live, more);
        count(&mut self.ready, live && pod.ready, more);
        let Some(number) = number else { return };
        let here = !pod.terminating();
        put(&mut self.came, number, here, more);
        put(&mut self.bound, number, here && pod.node.is_some(), more);
        put(&mut self.able, number, here && (pod.ready || pod.finished()), more);
        if let Some(node) = &pod.node {
            put(&mut self.on, (node.clone(), number), live, more);
        }
    }
}

impl Census {
    /// Takes in what changed in `world` since it was last looked at.
    pub fn follow(&mut self, world: &World) {
        let known = self.followed.as_ref().and_then(|followed| world.pods_after(followed));
        let keys: BTreeSet<PodKey> = match known {
            Some(keys) => keys.cloned().collect(),
            None => self.pods.keys().chain(world.pods.keys()).cloned().collect(),
        };
        let first = self.followed.is_none();
        for key in keys {
            self.take(&key, world.pods.get(&key), first);
        }
        self.followed = Some(world.followed());
    }

    fn take(&mut self, key: &PodKey, now: Option<&Arc<Pod>>, first: bool) {
        let before = self.pods.get(key).cloned();
        if let Some(before) = &before {
            self.shift(before, false);
            if now.is_none_or(|now| now.uid != before.uid) {
                self.away.remove(&before.uid);
                self.forget(&before.uid);
            }
        }
        let Some(now) = now else {
            self.pods.remove(key);
            return;
        };
        if !first && before.is_none_or(|before| before.uid != now.uid) {
            self.newest += 1;
            self.numbers.insert(now.uid.clone(), self.newest);
            self.keys.insert(self.newest, key.clone());
        }
        self.shift(now, true);
        self.pods.insert(key.clone(), Arc::clone(now));
    }

    fn forget(&mut self, uid: &Name) {
        if let Some(number) = self.numbers.remove(uid) {
            self.keys.remove(&number);
        }
    }

    /// Counts a pod in (`more`) or out, as it stands now.
    fn shift(&mut self, pod: &Pod, more: bool) {
        let away = self.away.get(&pod.uid).map(|(_, asked)| *asked);
        let of_namespace = PodKey::new(pod.key.namespace.clone(), "");
        for (_, counted) in
            self.budgets.range_mut(of_namespace..).take_while(|(budget, _)| budget.namespace == pod.key.namespace)
        {
            counted.shift(pod, away, more);
        }
        if let Some(owner) = &pod.owner {
            let number = self.numbers.get(&pod.uid).copied();
            self.kin.entry(owner.uid.clone()).or_default().shift(pod, away.is_some(), number, more);
        }
    }

    /// What `budget` counts. The first question about a budget, or about its new selector, looks at its namespace.
    pub fn of_budget(&mut self, budget: &Budget) -> Sums {
        let known = self.budgets.get(&budget.key).filter(|counted| counted.selector == budget.selector);
        if let Some(counted) = known {
            return counted.sums;
        }
        let mut counted = Counted { selector: budget.selector.clone(), sums: Sums::default() };
        let of_namespace = PodKey::new(budget.key.namespace.clone(), "");
        for (_, pod) in self.pods.range(of_namespace..).take_while(|(pod, _)| pod.namespace == budget.key.namespace) {
            let away = self.away.get(&pod.uid).map(|(_, asked)| *asked);
            counted.shift(pod, away, true);
        }
        let sums = counted.sums;
        self.budgets.insert(budget.key.clone(), counted);
        sums
    }

    /// Pods of this owner that are healthy and were not asked to go.
    pub fn standing(&self, owner: &Name) -> u32 {
        self.kin.get(owner).map_or(0, |kin| kin.standing)
    }

    /// The number of the newest pod: who comes later may take somebody's place.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// A pod of `owner` that came after `since` and is on `node`.
    pub fn back_on(&self, owner: &Name, since: u64, node: &Name) -> Option<&PodKey> {
        let from = (node.clone(), since.saturating_add(1));
        let found = self.kin.get(owner)?.on.range(from..=(node.clone(), u64::MAX)).next();
        found.and_then(|(_, number)| self.keys.get(number))
    }

    /// Whether a pod of `owner` that came after `since` can take a place; it is taken then. To take the place of a
    /// Ready one it must be Ready itself (H2).
    pub fn claim(&mut self, owner: &Name, since: u64, ready: bool) -> bool {
        let heir = self.kin.get(owner).and_then(|kin| {
            let able = if ready { &kin.able } else { &kin.bound };
            able.range(since.saturating_add(1)..).next().copied()
        });
        let pod = heir.and_then(|number| self.keys.get(&number)).and_then(|key| self.pods.get(key)).cloned();
        let Some(pod) = pod else { return false };
        self.shift(&pod, false);
        self.forget(&pod.uid);
        self.shift(&pod, true);
        true
    }

    /// What `owner` has beside `but`.
    pub fn kindred(&self, owner: &Name, since: u64, but: &Pod) -> Kindred {
        let Some(kin) = self.kin.get(owner) else { return Kindred { live: 0, ready: 0, coming: false } };
        let own = self.pods.get(&but.key).filter(|pod| pod.uid == but.uid && !pod.terminating() && !pod.finished());
        let less = |sum: u32, counts: bool| usize::try_from(sum).unwrap_or(usize::MAX) - usize::from(counts);
        Kindred {
            live: less(kin.live, own.is_some()),
            ready: less(kin.ready, own.is_some_and(|pod| pod.ready)),
            coming: kin.came.range(since.saturating_add(1)..).next().is_some(),
        }
    }

    /// The eviction of a pod is asked for.
    pub fn ask(&mut self, pod: &Pod) {
        self.set(&pod.key, &pod.uid, Some(true));
    }

    /// It was accepted (or the pod is gone), or refused.
    pub fn answered(&mut self, uid: &Name, accepted: bool) {
        if let Some((key, _)) = self.away.get(uid).cloned() {
            self.set(&key, uid, accepted.then_some(false));
        }
    }

    fn set(&mut self, key: &PodKey, uid: &Name, away: Option<bool>) {
        let pod = self.pods.get(key).filter(|pod| pod.uid == *uid).cloned();
        if let Some(pod) = &pod {
            self.shift(pod, false);
        }
        match away {
            Some(asked) => drop(self.away.insert(uid.clone(), (key.clone(), asked))),
            None => drop(self.away.remove(uid)),
        }
        if let Some(pod) = &pod {
            self.shift(pod, true);
        }
    }
}

#[cfg(test)]
#[path = "census_tests.rs"]
mod tests;

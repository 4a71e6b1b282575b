//! Somebody wants more or fewer pods of a workload, as `kubectl scale` asks for it.

use std::cmp::Reverse;

use super::replica::Habit;
use super::state::Sim;
use crate::model::{Name, Pod, PodKey, Workload};

impl Sim {
    /// The owner whose pods a workload of this name has: itself, or of a Deployment the ReplicaSet with most of them. None
    /// if there is none, or it has no pod to go by, or keeps one on each node.
    fn scalable(&self, key: &PodKey) -> Option<Name> {
        let owns = |uid: &Name| {
            let workload = self.world.workloads.values().find(|workload| workload.uid == *uid);
            workload.and_then(|workload| workload.owner.as_ref()).is_some_and(|owner| owner.name == key.name)
        };
        let sets = self.sets.iter().filter(|(_, set)| set.namespace == key.namespace);
        let sets = sets.filter(|(_, set)| !matches!(set.habit, Habit::PerNode | Habit::Static));
        let named = sets.filter(|(uid, set)| set.owner.name == key.name || owns(uid));
        named.max_by_key(|(uid, set)| (set.wanted, Reverse((*uid).clone()))).map(|(uid, _)| uid.clone())
    }

    /// From now on so many pods of `key` are wanted. False if no workload of that name can be scaled.
    pub fn scale(&mut self, key: &PodKey, wanted: u32) -> bool {
        let Some(uid) = self.scalable(key) else { return false };
        let Some(set) = self.sets.get_mut(&uid) else { return false };
        set.wanted = wanted;
        let numbered = set.habit == Habit::Numbered;
        let counted: Vec<Workload> = (self.world.workloads.values())
            .filter(|workload| workload.uid == uid || workload.key == *key)
            .map(|workload| Workload { replicas: Some(wanted), ..(**workload).clone() })
            .collect();
        counted.into_iter().for_each(|workload| self.put_workload(workload));
        let there = self.world.pods_of(&uid).filter(|pod| !pod.finished() && !pod.terminating());
        let mut there: Vec<Pod> = there.map(|pod| (**pod).clone()).collect();
        // Who is kept comes first: of a numbered set the lowest, else who runs, is ready and is oldest.
        there.sort_by_cached_key(|pod| {
            let number = pod.key.name.rsplit('-').next().and_then(|number| number.parse::<u32>().ok());
            (number.filter(|_| numbered), pod.node.is_none(), !pod.ready, pod.created, pod.key.clone())
        });
        for pod in there.into_iter().skip(usize::try_from(wanted).unwrap_or(usize::MAX)) {
            self.delete(pod);
        }
        self.dirty_sets.insert(uid);
        self.settle();
        true
    }
}

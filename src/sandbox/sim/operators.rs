//! Operators that react to a cordon: a database's primary becomes a replica, and another one takes its part (H19).

use std::sync::Arc;

use jiff::SignedDuration;

use super::state::{Event, Sim};
use crate::model::{Labels, Name, Pod, PodKey};

/// Annotation on a pod, `LABEL=DURATION`: so long after its node was cordoned, its operator swaps the value of this label
/// with a Ready pod of the same owner on a node that is not cordoned, if there is one.
pub const HANDS_OVER: &str = "sandbox.tidegate.dev/hands-over";

/// Between two looks for a pod that could take over.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

fn said(pod: &Pod) -> Option<(&str, SignedDuration)> {
    let (label, delay) = pod.annotations.get(HANDS_OVER)?.split_once('=')?;
    let delay = delay.parse::<SignedDuration>().ok().filter(|delay| !delay.is_negative())?;
    Some((label, delay))
}

impl Sim {
    /// The node was cordoned.
    pub(super) fn operators_see_cordon(&mut self, node: &Name) {
        let pods = self.world.pods_on(node).filter_map(|pod| Some((pod.key.clone(), pod.uid.clone(), said(pod)?.1)));
        for (key, uid, delay) in pods.collect::<Vec<_>>() {
            self.after(delay, Event::HandsOver(key, uid));
        }
    }

    pub(super) fn hands_over(&mut self, key: &PodKey, uid: &str) {
        let Some(pod) = self.pod(key, uid).filter(|pod| !pod.terminating()) else { return };
        let schedulable = |node: &Name| self.world.nodes.get(node).is_some_and(|node| !node.unschedulable);
        let (Some((label, _)), Some(owner), Some(false)) = (said(&pod), &pod.owner, pod.node.as_ref().map(schedulable))
        else {
            return;
        };
        let label = Name::from(label);
        let part = pod.labels.get(&label).cloned();
        let heir = self.world.pods_of(&owner.uid).find(|other| {
            let fit = other.ready && !other.terminating() && other.node.as_ref().is_some_and(schedulable);
            fit && other.labels.get(&label) != part.as_ref()
        });
        let Some(heir) = heir.map(|heir| (**heir).clone()) else {
            return self.after(AGAIN, Event::HandsOver(key.clone(), pod.uid));
        };
        let theirs = heir.labels.get(&label).cloned();
        self.relabel(pod, &label, theirs);
        self.relabel(heir, &label, part);
    }

    /// Whatever takes the pod's place later has the new label too.
    fn relabel(&mut self, mut pod: Pod, label: &Name, value: Option<Name>) {
        pod.labels = with(&pod.labels, label, value.clone());
        if let Some(set) = pod.owner.as_ref().and_then(|owner| self.sets.get_mut(&owner.uid)) {
            let known = set.by_name.get_mut(&pod.key.name).into_iter();
            let template = Some(&mut set.template).filter(|template| template.key == pod.key);
            for copied in known.chain(template) {
                let labels = with(&copied.labels, label, value.clone());
                Arc::make_mut(copied).labels = labels;
            }
        }
        self.put_pod(pod);
    }
}

fn with(labels: &Labels, label: &Name, value: Option<Name>) -> Labels {
    let mut labels = (**labels).clone();
    match value {
        Some(value) => drop(labels.insert(label.clone(), value)),
        None => drop(labels.remove(label)),
    }
    Arc::new(labels)
}

//! Sets of pods that somebody keeps complete, and how a new pod of such a set looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::latency::{hash, suffix};
use crate::model::{
    Affinity, FieldRequirement, Name, NodeTerm, Operator, Owner, Pod, PodSpec, Requirement, Volume, VolumeSource,
};

/// How a set replaces its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Habit {
    /// As soon as one terminates (ReplicaSet, ReplicationController, Job).
    AtOnce,
    /// When one is gone (owners that are not known better).
    WhenGone,
    /// By number, in order, when one is gone (StatefulSet).
    Numbered,
    /// One per eligible node, when one is gone.
    PerNode,
    /// The kubelet's own: on its node, under its name, at once.
    Static,
}

/// The pods of one owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// The owner, as the pods name it.
    pub owner: Owner,
    /// Its namespace.
    pub namespace: Name,
    /// How it replaces pods.
    pub habit: Habit,
    /// Pods wanted; not for [`Habit::PerNode`] and [`Habit::Static`].
    pub wanted: u32,
    /// All at a time, for [`Habit::Numbered`].
    pub parallel: bool,
    /// The first number, for [`Habit::Numbered`].
    pub first: u32,
    /// A pod to copy.
    pub template: Arc<Pod>,
    /// Pods to copy by name: a set's third pod has other volumes than its first.
    pub by_name: BTreeMap<Name, Arc<Pod>>,
    /// Every pod crashed in the snapshot: so will the new ones.
    pub sick: bool,
}

impl Set {
    /// Whether it keeps a pod per node.
    pub fn daemon(&self) -> bool {
        self.habit == Habit::PerNode
    }

    /// The name of the `n`th pod of a numbered set.
    pub fn numbered(&self, n: u32) -> Name {
        format!("{}-{}", self.owner.name, self.first.saturating_add(n)).into()
    }

    /// A name for the `born`th pod of the simulation.
    pub fn generated(&self, born: u64) -> Name {
        format!("{}-{}", self.owner.name, suffix(hash(&[&self.owner.uid, &born.to_string()]))).into()
    }

    /// The spec of a new pod called `name`, bound to be on `node` where the set keeps one per node.
    pub fn copy(&self, name: &Name, node: Option<&Name>) -> Pod {
        if let Some(known) = self.by_name.get(name) {
            return (**known).clone();
        }
        let mut pod = (*self.template).clone();
        if self.habit == Habit::Numbered {
            self.renumber(&mut pod, name);
        }
        if let Some(node) = node {
            pod.spec = Arc::new(pinned(&pod.spec, node));
        }
        pod
    }

    fn renumber(&self, pod: &mut Pod, name: &Name) {
        let old = format!("-{}", self.template.key.name);
        let mut spec = (*pod.spec).clone();
        spec.volumes = std::mem::take(&mut spec.volumes)
            .into_iter()
            .map(|volume| match &volume.source {
                VolumeSource::Claim(claim) => match claim.strip_suffix(&old) {
                    Some(start) => {
                        Volume { source: VolumeSource::Claim(format!("{start}-{name}").into()), name: volume.name }
                    }
                    None => volume,
                },
                _ => volume,
            })
            .collect::<BTreeSet<_>>();
        pod.spec = Arc::new(spec);
        let mut labels = (*pod.labels).clone();
        for (key, value) in [
            ("statefulset.kubernetes.io/pod-name", &**name),
            ("apps.kubernetes.io/pod-index", name.rsplit('-').next().unwrap_or_default()),
        ] {
            if let Some(label) = labels.get_mut(key) {
                *label = value.into();
            }
        }
        pod.labels = Arc::new(labels);
    }
}

/// The same spec, for this node only, as the DaemonSet controller writes it.
fn pinned(spec: &PodSpec, node: &Name) -> PodSpec {
    let mut spec = spec.clone();
    let mut affinity = spec.affinity.take().unwrap_or_default();
    let values = BTreeSet::from([node.clone()]);
    let here = FieldRequirement(Requirement { key: "metadata.name".into(), operator: Operator::In, values });
    let terms = affinity.node.take().unwrap_or_else(|| vec![NodeTerm::default()]);
    affinity.node =
        Some(terms.into_iter().map(|term| NodeTerm { labels: term.labels, fields: vec![here.clone()] }).collect());
    spec.affinity = Some(affinity);
    spec
}

/// What a DaemonSet's pod asks of any node: its affinity without the node it is for.
pub fn unpinned(affinity: Option<&Affinity>) -> Vec<&[Requirement]> {
    let terms = affinity.and_then(|affinity| affinity.node.as_ref());
    terms.into_iter().flatten().map(|term| term.labels.as_slice()).collect()
}

/// The node that a DaemonSet's pod is for.
pub fn pinned_to(pod: &Pod) -> Option<Name> {
    let terms = pod.spec.affinity.as_ref()?.node.as_ref()?;
    terms.first()?.fields.first()?.0.values.first().cloned()
}

//! Claims and volumes: made with the pods that need them, bound when their pod is, gone with it.

use std::sync::Arc;

use super::replica::{Habit, Set};
use super::state::Sim;
use super::touched::Touch;
use crate::model::{
    Change, Claim, ClaimSpec, Disk, MIGRATED, Name, Node, NodeTerm, Operator, PersistentVolume, Pod, PodKey,
    Requirement, VolumeSource,
};

/// The driver of volumes that are made for classes that nobody knows.
const DRIVER: &str = "sandbox.tidegate.dev";

impl Sim {
    /// Completes what the snapshot tells of storage: a claim that a pod runs with is there and bound, and so is its volume.
    /// Where claims were not listed, those of waiting pods are too. What is made up can be on any node.
    pub(super) fn load_storage(&mut self, claims_known: bool) {
        let pods: Vec<Arc<Pod>> = self.world.pods.values().filter(|pod| !pod.finished()).cloned().collect();
        for pod in pods.iter().filter(|pod| pod.node.is_some() || !claims_known) {
            for (key, ephemeral) in claims(pod) {
                let claim = match self.world.claims.get(&key) {
                    Some(claim) => claim.clone(),
                    None => new_claim(key, ephemeral.cloned().unwrap_or_default(), ephemeral.map(|_| pod.uid.clone())),
                };
                let there = claim.volume.as_ref().is_some_and(|name| self.world.volumes.contains_key(name));
                let settled = claim.lost || (claim.bound && there);
                if !settled {
                    self.make_volume(claim, None);
                }
            }
        }
    }

    /// Makes the claims that come with a new pod: those of its ephemeral volumes, and those that a StatefulSet keeps for
    /// each of its numbers, as the pod that the set copies has them.
    pub(super) fn make_claims(&mut self, pod: &Pod, set: &Set) {
        for (key, ephemeral) in claims(pod) {
            if self.world.claims.contains_key(&key) {
                continue;
            }
            let claim = match ephemeral {
                Some(spec) => new_claim(key, spec.clone(), Some(pod.uid.clone())),
                None => match self.sibling(pod, set, &key) {
                    Some(spec) => new_claim(key, spec, None),
                    None => continue,
                },
            };
            let class = claim.spec.class.as_ref().and_then(|class| self.world.classes.get(class));
            if class.is_some_and(|class| class.waits_for_consumer) {
                self.put_claim(claim);
            } else {
                self.make_volume(claim, None);
            }
        }
    }

    /// What the claim of the same volume asks for in the pod that a numbered set copies.
    fn sibling(&self, pod: &Pod, set: &Set, key: &PodKey) -> Option<ClaimSpec> {
        let wanted = VolumeSource::Claim(key.name.clone());
        let volume = pod.spec.volumes.iter().find(|volume| volume.source == wanted)?;
        let mut theirs = set.template.spec.volumes.iter();
        let theirs = theirs.find(|other| other.name == volume.name).filter(|_| set.habit == Habit::Numbered)?;
        let VolumeSource::Claim(name) = &theirs.source else { return None };
        let claim = self.world.claims.get(&PodKey::new(set.namespace.clone(), name.clone()))?;
        Some(claim.spec.clone())
    }

    /// A pod was bound: its claims that waited for it get the volume that the scheduler chose, or one made for the node.
    pub(super) fn bind_claims(&mut self, pod: &Pod) {
        let Some(node) = pod.node.as_ref().and_then(|node| self.world.nodes.get(node)).cloned() else { return };
        let waiting = claims(pod).into_iter().filter_map(|(key, _)| {
            let claim = self.world.claims.get(&key).filter(|claim| !claim.bound)?;
            let chosen = self.room.as_ref().and_then(|room| room.promised(&key));
            Some((claim.clone(), chosen.and_then(|name| self.world.volumes.get(name)).cloned()))
        });
        for (claim, volume) in waiting.collect::<Vec<_>>() {
            match volume {
                Some(volume) => self.bind(claim, volume),
                None => self.make_volume(claim, Some(&node)),
            }
        }
    }

    /// A pod is gone: so are the claims that were made for it, and their volumes.
    pub(super) fn drop_claims(&mut self, pod: &Pod) {
        for (key, ephemeral) in claims(pod) {
            let claim = self.world.claims.get(&key).filter(|claim| claim.owner.as_ref() == Some(&pod.uid)).cloned();
            let Some(claim) = claim.filter(|_| ephemeral.is_some()) else { continue };
            if let Some(volume) = claim.volume {
                self.note(Touch::Volume(volume.clone()), Change::PersistentVolumeGone(volume));
            }
            self.note(Touch::Claim(key.clone()), Change::ClaimGone(key));
        }
    }

    /// Makes a volume for a claim and binds them; with a node, in its zone.
    fn make_volume(&mut self, claim: Claim, node: Option<&Node>) {
        let class = claim.spec.class.as_ref().and_then(|class| self.world.classes.get(class));
        let provisioner = class.map_or_else(|| DRIVER.into(), |class| class.provisioner.clone());
        let migrated = MIGRATED.iter().find(|migrated| *migrated.plugin == *provisioner);
        let driver: Name = migrated.map_or(provisioner, |migrated| migrated.driver.into());
        let name: Name =
            claim.volume.clone().unwrap_or_else(|| format!("pvc-{}", super::latency::uid(&[&claim.uid])).into());
        let volume = PersistentVolume {
            name: name.clone(),
            labels: Arc::default(),
            node_affinity: node.and_then(|node| zone(node, &driver)).map(|term| vec![term]),
            disk: Some(Disk { driver, handle: name, in_tree: false }),
            local: false,
            class: claim.spec.class.clone(),
            bytes: claim.spec.bytes,
            access_modes: claim.spec.access_modes.clone(),
            block: claim.spec.block,
            attributes_class: claim.spec.attributes_class.clone(),
            claim: None,
            claim_uid: None,
            available: false,
            deleting: false,
        };
        self.bind(claim, volume);
    }

    fn bind(&mut self, claim: Claim, volume: PersistentVolume) {
        let (key, uid) = (Some(claim.key.clone()), Some(claim.uid.clone()));
        let name = volume.name.clone();
        let volume = PersistentVolume { claim: key, claim_uid: uid, available: false, ..volume };
        self.note(Touch::Volume(name.clone()), Change::PersistentVolume(volume));
        self.put_claim(Claim { volume: Some(name), bound: true, ..claim });
    }

    fn put_claim(&mut self, claim: Claim) {
        self.note(Touch::Claim(claim.key.clone()), Change::Claim(claim));
    }

    fn note(&mut self, touch: Touch, change: Change) {
        self.touched.note(touch);
        self.take(change);
    }
}

/// The claims that a pod uses; for those of ephemeral volumes with what they ask for.
fn claims(pod: &Pod) -> Vec<(PodKey, Option<&ClaimSpec>)> {
    let key = |name: Name| PodKey::new(pod.key.namespace.clone(), name);
    let claims = pod.spec.volumes.iter().filter_map(|volume| match &volume.source {
        VolumeSource::Claim(name) => Some((key(name.clone()), None)),
        VolumeSource::Ephemeral(spec) => Some((key(format!("{}-{}", pod.key.name, volume.name).into()), Some(&**spec))),
        _ => None,
    });
    claims.collect()
}

fn new_claim(key: PodKey, spec: ClaimSpec, owner: Option<Name>) -> Claim {
    let uid = super::latency::uid(&["claim", &key.namespace, &key.name, owner.as_deref().unwrap_or_default()]).into();
    Claim { key, uid, owner, spec, volume: None, bound: false, lost: false, deleting: false, selected_node: None }
}

/// The zone that a volume of `driver` made for `node` is in: the driver's own label where the node has it.
fn zone(node: &Node, driver: &str) -> Option<NodeTerm> {
    let own = MIGRATED.iter().find(|migrated| migrated.driver == driver).and_then(|migrated| migrated.zone);
    let keys = own.into_iter().chain(["topology.kubernetes.io/zone"]);
    let (key, zone) = keys.into_iter().find_map(|key| Some((key, node.labels.get(key)?)))?;
    let here = Requirement { key: key.into(), operator: Operator::In, values: [zone.clone()].into() };
    Some(NodeTerm { labels: vec![here], fields: Vec::new() })
}

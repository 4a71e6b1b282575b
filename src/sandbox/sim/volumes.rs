//! The attach-detach controller: volumes follow their pods from node to node.

use super::latency::{Delay, hash};
use super::state::{Event, Sim};
use crate::model::{Name, Pod, PodKey, VolumeAttachment, VolumeSource};

impl Sim {
    /// The volumes of a pod that are attached to its node, with their drivers.
    fn attachable(&self, pod: &Pod) -> Vec<(Name, Name)> {
        let claims = pod.spec.volumes.iter().filter_map(|volume| match &volume.source {
            VolumeSource::Claim(claim) => Some(claim.clone()),
            VolumeSource::Ephemeral(_) => Some(format!("{}-{}", pod.key.name, volume.name).into()),
            _ => None,
        });
        claims
            .filter_map(|claim| self.world.claims.get(&PodKey::new(pod.key.namespace.clone(), claim)))
            .filter_map(|claim| self.world.volumes.get(claim.volume.as_ref()?))
            .filter(|volume| !volume.local)
            .filter_map(|volume| Some((volume.name.clone(), volume.disk.as_ref()?.driver.clone())))
            .collect()
    }

    /// Whether a volume of this pod is still attached elsewhere and cannot be in two places. What can is attached.
    pub(super) fn waits_for_volume(&mut self, pod: &Pod) -> bool {
        let Some(node) = &pod.node else { return false };
        let volumes = self.attachable(pod);
        let elsewhere = volumes.iter().any(|(name, _)| {
            let single = self
                .world
                .volumes
                .get(name)
                .is_some_and(|volume| volume.access_modes.iter().all(|mode| mode.starts_with("ReadWriteOnce")));
            let mut attachments = self.world.attachments.values();
            single && attachments.any(|found| found.volume.as_ref() == Some(name) && found.node != *node)
        });
        if elsewhere {
            return true;
        }
        for (volume, attacher) in volumes {
            let mut attachments = self.world.attachments.values();
            if attachments.any(|found| found.volume.as_ref() == Some(&volume) && found.node == *node) {
                continue;
            }
            let name: Name = format!("csi-{:016x}", hash(&[&volume, &attacher, node])).into();
            let (node, volume) = (node.clone(), Some(volume));
            self.put_attachment(VolumeAttachment { name, attacher, node, volume, attached: true });
        }
        false
    }

    /// The last pod with a volume has left its node: the volume is detached soon.
    pub(super) fn release_volumes(&mut self, pod: &Pod) {
        let Some(node) = &pod.node else { return };
        for (volume, _) in self.attachable(pod) {
            let found = self.world.attachments.values();
            let names: Vec<Name> = found
                .filter(|found| found.volume.as_ref() == Some(&volume) && found.node == *node)
                .map(|found| found.name.clone())
                .collect();
            for name in names {
                self.after(Delay::Detach.of(&name), Event::Detach(name));
            }
        }
    }

    pub(super) fn detach(&mut self, name: &Name) {
        let Some(attachment) = self.world.attachments.get(name).cloned() else { return };
        let Some(volume) = &attachment.volume else { return };
        let used = (self.world.pods_on(&attachment.node))
            .any(|pod| !pod.finished() && self.attachable(pod).iter().any(|(used, _)| used == volume));
        if !used {
            self.drop_attachment(name);
        }
    }
}

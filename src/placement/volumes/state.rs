//! What is attached and promised where, while a simulation moves pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::binding::{Choice, Place, Source};
use super::needs::VolumeNeeds;
use super::node::NodeVolumes;
use super::storage::{Storage, Used};
use super::topology::{can_be_on, in_zones};
use super::unfit::VolumeUnfit;
use crate::model::{Disk, InlineDisk, Kind, Name, Node, Pod, PodKey, VolumeAttachment, VolumeSource, World};

/// The volumes of every node.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    pub(super) storage: Arc<Storage>,
    /// Shared with copies until one of them changes it.
    state: Arc<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    nodes: BTreeMap<Name, NodeVolumes>,
    /// Pods that use a claim which only one may use.
    users: BTreeMap<PodKey, i64>,
    /// Claims without a volume whose pods were placed.
    promised: BTreeMap<PodKey, Promise>,
    /// Volumes that were promised to a claim.
    taken: BTreeSet<Name>,
    /// Bytes that claims were promised, by what says that there is room.
    drawn: BTreeMap<PodKey, i128>,
}

/// What a claim will get.
#[derive(Clone, Debug)]
struct Promise {
    /// The node of its first pod.
    node: Name,
    /// Its volume.
    source: Source,
    /// What it asks for.
    bytes: i64,
    /// How many placed pods use it.
    pods: i64,
}

/// One pod's coming or going: what [`Volumes::take_back`] needs.
#[derive(Clone, Debug)]
pub struct Moved {
    node: Name,
    load: Load,
    comes: bool,
    /// Promises that ended when it went.
    ended: Vec<(PodKey, Promise)>,
}

/// What a pod, as it is, has on its node.
#[derive(Clone, Debug, Default, PartialEq)]
struct Load {
    attach: Vec<Disk>,
    disks: Vec<InlineDisk>,
    exclusive: BTreeSet<PodKey>,
    waiting: BTreeSet<PodKey>,
}

impl Volumes {
    /// No pod is anywhere; VolumeAttachments are where they are.
    pub fn new(world: &World) -> Self {
        let csi = |name: &Name| NodeVolumes::new(world.csi_nodes.get(name).cloned());
        let nodes = world.nodes.keys().map(|name| (name.clone(), csi(name))).collect();
        let state = State { nodes, ..State::default() };
        let mut volumes = Self { storage: Arc::new(Storage::new(world)), state: Arc::new(state) };
        for attachment in world.attachments.values() {
            volumes.attachment(attachment, true);
        }
        volumes
    }

    /// As they are with every bound pod of `world` where it is.
    pub fn of(world: &World) -> Self {
        let mut volumes = Self::new(world);
        for pod in world.pods.values().filter(|pod| !pod.finished() && !pod.spec.volumes.is_empty()) {
            if let Some(node) = pod.node.as_ref().and_then(|node| world.nodes.get(node)) {
                drop(volumes.place(pod, node));
            }
        }
        volumes
    }

    /// A VolumeAttachment came or went. Those of in-tree volumes count nowhere.
    pub fn attachment(&mut self, attachment: &VolumeAttachment, comes: bool) {
        let volume = attachment.volume.as_ref().and_then(|name| self.storage.volume(name));
        let disk = volume.and_then(|volume| volume.disk.as_ref()).filter(|disk| !disk.in_tree);
        if let (Some(disk), Some(node), false) =
            (disk, Arc::make_mut(&mut self.state).nodes.get_mut(&attachment.node), attachment.attacher.is_empty())
        {
            node.attachment(attachment.attacher.clone(), disk.handle.clone(), comes);
        }
    }

    /// The free volume that a claim will get; None too where one is made.
    pub fn promised(&self, claim: &PodKey) -> Option<&Name> {
        match &self.state.promised.get(claim)?.source {
            Source::Free(volume) => Some(volume),
            Source::Made(_) => None,
        }
    }

    /// What `pod`, placed anew, asks of any node.
    pub fn needs(&self, pod: &Pod) -> VolumeNeeds {
        VolumeNeeds::of(pod, &self.storage)
    }

    /// Whether nothing speaks against `node`: [`Volumes::reasons`] is empty.
    pub fn fits(&self, needs: &VolumeNeeds, node: &Node) -> bool {
        needs.is_empty() || self.reasons(needs, node).is_empty()
    }

    /// Every reason why `node` cannot have these volumes, in the order of the scheduler's filters.
    pub fn reasons(&self, needs: &VolumeNeeds, node: &Node) -> Vec<VolumeUnfit> {
        if let Some(refused) = &needs.refused {
            return vec![refused.clone()];
        }
        let state = &self.state;
        let Some(here) = state.nodes.get(&node.name) else { return Vec::new() };
        let mut reasons = Vec::new();
        let mut unless = |fine: bool, reason: VolumeUnfit| {
            if !fine {
                reasons.push(reason);
            }
        };
        unless(!here.disk_in_use(&needs.disks), VolumeUnfit::DiskInUse);
        unless(!needs.exclusive.iter().any(|claim| state.users.contains_key(claim)), VolumeUnfit::ClaimInUse);
        if !needs.attach.is_empty() {
            let limited = here.limits(&needs.attach).then_some(Kind::VolumeAttachment);
            let kinds: Vec<Kind> = [Kind::CSINode].into_iter().chain(limited).collect();
            let unread = self.storage.unread(&kinds);
            unless(unread.is_empty(), VolumeUnfit::NotRead(unread));
            let lacks = |disk: &&Disk| self.storage.must_be_there(&disk.driver) && !here.has(&disk.driver);
            if let Some(disk) = needs.attach.iter().filter(|disk| here.counts(disk)).find(lacks) {
                unless(false, VolumeUnfit::NoDriver(disk.driver.clone()));
            }
            unless(!here.too_many(&needs.attach), VolumeUnfit::TooMany);
        }
        let here = here.migrated();
        unless(needs.bound.iter().all(|volume| can_be_on(volume, node, here)), VolumeUnfit::OtherNode);
        if let Err(reason) = self.choose(needs, node) {
            unless(false, reason);
        }
        unless(!needs.ephemeral_gone, VolumeUnfit::EphemeralGone);
        unless(in_zones(&needs.zones, node), VolumeUnfit::OtherZone);
        reasons
    }

    /// What the waiting claims would get on `node`, those left out that were promised something that can be there.
    pub(super) fn choose(&self, needs: &VolumeNeeds, node: &Node) -> Result<Choice, VolumeUnfit> {
        let (promised, open): (Vec<_>, Vec<_>) =
            needs.waiting.iter().cloned().partition(|claim| self.state.promised.contains_key(&claim.key));
        let kept = promised.iter().filter_map(|claim| self.state.promised.get(&claim.key)).all(|promise| {
            let volume = match &promise.source {
                Source::Free(name) => self.storage.volume(name),
                Source::Made(_) => None,
            };
            volume.map_or_else(|| promise.node == node.name, |volume| can_be_on(volume, node, &BTreeSet::new()))
        });
        if !kept {
            return Err(VolumeUnfit::NothingToBind);
        }
        let place = Place { node, taken: &self.state.taken, drawn: &self.state.drawn };
        place.choose(&open, &self.storage)
    }

    /// Whether `pod` has a claim without a volume: which one it gets depends on who came before it.
    pub fn waits(&self, pod: &Pod) -> bool {
        let without = |used: &Used| !matches!(used, Used::Claim(claim) if claim.bound && claim.volume.is_some());
        self.storage.used(pod).any(|used| without(&used))
    }

    /// `pod` comes to `node`, whether it fits or not. None if it has no volumes that matter, or the node is unknown.
    pub fn place(&mut self, pod: &Pod, node: &Node) -> Option<Box<Moved>> {
        let load = self.load(pod, node)?;
        let promised: Vec<(PodKey, Promise)> = if load.waiting.is_empty() {
            Vec::new()
        } else {
            let open = Pod { node: None, ..pod.clone() };
            let needs = self.needs(&open);
            let mut chosen: BTreeMap<PodKey, Source> =
                self.choose(&needs, node).unwrap_or_default().into_iter().collect();
            let mut promise = |key: &PodKey| {
                let asked = needs.waiting.iter().find(|claim| claim.key == *key);
                let bytes = asked.map_or(0, |claim| claim.spec.bytes);
                let source = chosen.remove(key).unwrap_or(Source::Made(None));
                Promise { node: node.name.clone(), source, bytes, pods: 0 }
            };
            let open = load.waiting.iter().filter(|key| !self.state.promised.contains_key(*key));
            open.map(|key| (key.clone(), promise(key))).collect()
        };
        Arc::make_mut(&mut self.state).comes(&node.name, &load, promised);
        Some(Box::new(Moved { node: node.name.clone(), load, comes: true, ended: Vec::new() }))
    }

    /// `pod`, which was on `node`, goes.
    pub fn lift(&mut self, pod: &Pod, node: &Node) -> Option<Box<Moved>> {
        let load = self.load(pod, node)?;
        let ended = Arc::make_mut(&mut self.state).goes(&node.name, &load);
        Some(Box::new(Moved { node: node.name.clone(), load, comes: false, ended }))
    }

    /// Undoes the last coming or going that was not undone yet.
    pub fn take_back(&mut self, moved: Moved) {
        let Moved { node, load, comes, ended } = moved;
        if comes {
            Arc::make_mut(&mut self.state).goes(&node, &load);
        } else {
            Arc::make_mut(&mut self.state).comes(&node, &load, ended);
        }
    }

    fn load(&self, pod: &Pod, node: &Node) -> Option<Load> {
        let volumes = &pod.spec.volumes;
        let here = self.state.nodes.get(&node.name).filter(|_| !volumes.is_empty())?;
        let mut load = Load::default();
        for used in self.storage.used(pod) {
            match &used {
                Used::Claim(claim) if claim.bound && claim.volume.is_some() => {}
                Used::Claim(claim) => drop(load.waiting.insert(claim.key.clone())),
                Used::ToCome(key, _) => drop(load.waiting.insert(key.clone())),
            }
            if let Used::Claim(claim) = &used
                && claim.spec.access_modes.contains("ReadWriteOncePod")
            {
                load.exclusive.insert(claim.key.clone());
            }
            load.attach.extend(self.storage.disk(&used));
        }
        for volume in volumes {
            if let VolumeSource::Disk(disk) = &volume.source {
                load.attach.extend(disk.disk.clone().filter(|disk| !disk.handle.is_empty()));
                load.disks.push((**disk).clone());
            }
        }
        load.attach.retain(|disk| here.counts(disk));
        (load != Load::default()).then_some(load)
    }
}

impl State {
    fn comes(&mut self, node: &Name, load: &Load, promised: Vec<(PodKey, Promise)>) {
        for (key, promise) in promised {
            self.draw(&promise, 1);
            self.promised.insert(key, promise);
        }
        for key in &load.waiting {
            if let Some(promise) = self.promised.get_mut(key) {
                promise.pods += 1;
            }
        }
        self.account(node, load, 1);
    }

    /// The promises that end, as they were before any pod.
    fn goes(&mut self, node: &Name, load: &Load) -> Vec<(PodKey, Promise)> {
        self.account(node, load, -1);
        let mut ended = Vec::new();
        for key in &load.waiting {
            let Some(promise) = self.promised.get_mut(key) else { continue };
            promise.pods -= 1;
            if promise.pods == 0
                && let Some((key, promise)) = self.promised.remove_entry(key)
            {
                self.draw(&promise, -1);
                ended.push((key, promise));
            }
        }
        ended
    }

    /// A promise is made (`sign` 1) or ends (-1).
    fn draw(&mut self, promise: &Promise, sign: i128) {
        match &promise.source {
            Source::Free(volume) if sign > 0 => drop(self.taken.insert(volume.clone())),
            Source::Free(volume) => drop(self.taken.remove(volume)),
            Source::Made(None) => {}
            Source::Made(Some(room)) => {
                let drawn = self.drawn.entry(room.clone()).or_insert(0);
                *drawn += sign * i128::from(promise.bytes);
                if *drawn == 0 {
                    self.drawn.remove(room);
                }
            }
        }
    }

    fn account(&mut self, node: &Name, load: &Load, sign: i64) {
        if let Some(here) = self.nodes.get_mut(node) {
            here.account(&load.attach, &load.disks, sign);
        }
        for claim in &load.exclusive {
            let pods = self.users.entry(claim.clone()).or_insert(0);
            *pods += sign;
            if *pods == 0 {
                self.users.remove(claim);
            }
        }
    }
}

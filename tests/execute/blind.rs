//! A cluster whose watch is lost in the middle of an apply, and that then shows less than all: a kind that could not be
//! listed is unknown, and nothing is concluded from its absence.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use tidegate::cluster::{Cluster, ClusterError, Evicted, NodeNews, NodePatch, Pending};
use tidegate::model::{Change, Kind, Memory, Name, Node, Pod, PodKey, Snapshot, VolumeAttachment};

use super::executing::{Stage, exit, lines, policy};
use super::{LEAD, SUNDAY};

/// The sandbox's cluster: at one of the calls the watch is lost, and of the looks that follow some lack a kind.
struct Blind<'a> {
    stage: &'a Stage,
    lost_at: usize,
    kind: Kind,
    calls: Cell<usize>,
    half: Cell<u32>,
    /// A volume that the lists show and no watch tells of, and whether it goes once it was listed.
    untold: RefCell<Option<VolumeAttachment>>,
    goes: bool,
    listed: Cell<u32>,
}

impl<'a> Blind<'a> {
    fn of(stage: &'a Stage, lost_at: usize, kind: Kind) -> Self {
        let (calls, half, untold, listed) = Default::default();
        Self { stage, lost_at, kind, calls, half, untold, goes: false, listed }
    }

    fn late(stage: &'a Stage, untold: VolumeAttachment, goes: bool) -> Self {
        Self { untold: RefCell::new(Some(untold)), goes, ..Self::of(stage, usize::MAX, Kind::VolumeAttachment) }
    }

    fn without(&self, mut seen: Snapshot) -> Snapshot {
        match self.kind {
            Kind::Node => seen.nodes.clear(),
            Kind::Pod => seen.pods.clear(),
            Kind::PodDisruptionBudget => seen.budgets.clear(),
            Kind::ReplicaSet => seen.workloads.clear(),
            Kind::VolumeAttachment => seen.attachments.clear(),
            Kind::Server => seen.servers.clear(),
            other => panic!("{other} is not taken away here"),
        }
        seen.observed.remove(&self.kind);
        seen.gaps.push(format!("{} could not be listed: 503", self.kind));
        seen
    }
}

impl Cluster for Blind<'_> {
    fn observe(&self) -> Pending<'_, Snapshot> {
        Box::pin(async {
            let seen = self.stage.sandbox.observe().await?;
            let half = self.half.get();
            self.half.set(half.saturating_sub(1));
            Ok(if half > 0 { self.without(seen) } else { seen })
        })
    }
    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        Box::pin(async move {
            self.calls.set(self.calls.get() + 1);
            if self.calls.get() == self.lost_at {
                self.half.set(3);
                return Err(ClusterError::Unavailable("the watch was lost".to_owned()));
            }
            assert_eq!(self.half.get(), 0, "nobody listens before everything was seen");
            if self.goes
                && self.listed.get() > 0
                && let Some(gone) = self.untold.take()
            {
                return Ok(vec![Change::VolumeAttachmentGone(gone.name)]);
            }
            self.stage.sandbox.changes(until).await
        })
    }
    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        self.stage.sandbox.node(name)
    }
    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        let node = node.clone();
        Box::pin(async move {
            let mut found = self.stage.sandbox.attachments_on(&node).await?;
            let untold = self.untold.borrow().clone().filter(|untold| untold.node == node);
            self.listed.set(self.listed.get() + u32::from(untold.is_some()));
            found.extend(untold);
            Ok(found)
        })
    }
    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        self.stage.sandbox.pods_on(node)
    }
    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        self.stage.sandbox.patch_node(name, patch)
    }
    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        self.stage.sandbox.suspend_node(name, suspended)
    }
    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        self.stage.sandbox.evict(pod, uid)
    }
    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        self.stage.sandbox.delete_pod(pod, uid)
    }
    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        self.stage.sandbox.delete_node(name, uid)
    }
    fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
        self.stage.sandbox.remember(memory)
    }
    fn note(&self, news: NodeNews) {
        self.stage.sandbox.note(news);
    }
}

const KINDS: [Kind; 6] =
    [Kind::Node, Kind::Pod, Kind::PodDisruptionBudget, Kind::ReplicaSet, Kind::VolumeAttachment, Kind::Server];

#[test]
fn h22_from_half_an_answer_nothing_is_concluded_on_the_way_down_and_up() {
    let policy = policy("jetstream-workshop");
    for kind in KINDS {
        for lost_at in (1..60).step_by(7) {
            let stage = Stage::workshop(SUNDAY, "");
            for (moment, parked) in [(SUNDAY, 9), (LEAD, 0)] {
                if moment == LEAD {
                    stage.until(moment);
                }
                let blind = Blind::of(&stage, lost_at, kind);
                let (outcome, told) = stage.carry_out_in(&policy, &blind);
                let context = format!("{kind} missing after call {lost_at}: {outcome:?}\n{}", lines(&told));
                assert_eq!((exit(&outcome), stage.parked()), (0, parked), "{context}");
                let said = |words: &str| told.iter().filter(|event| event.message.contains(words)).count();
                assert!(blind.calls.get() >= lost_at, "{context}");
                assert_eq!((said("the watch was lost"), said("could not be listed: 503")), (1, 1), "{context}");
                assert_eq!(said("everything was seen again"), 1, "{context}");
                stage.sound();
            }
            assert!(stage.nothing_of_ours(), "{kind} {lost_at}");
        }
    }
}

const NODE: &str = "demo-k8s-node-nf-3";

fn held() -> VolumeAttachment {
    VolumeAttachment {
        name: "held".into(),
        attacher: "cinder.csi.openstack.org".into(),
        node: NODE.into(),
        volume: Some("pv-held".into()),
        attached: true,
    }
}

/// The harm that this would do: a server shelved while a volume is attached to it.
#[test]
fn h22_a_volume_that_cannot_be_listed_for_a_while_is_still_attached() {
    let policy = policy("jetstream-workshop");
    let mut start = Stage::workshop(SUNDAY, "").sandbox.snapshot();
    let node: Name = NODE.into();
    start.attachments.push(held());
    for lost_at in 1..60 {
        let stage = Stage::of(start.clone(), "");
        let (outcome, told) = stage.carry_out_in(&policy, &Blind::of(&stage, lost_at, Kind::VolumeAttachment));
        let context = format!("lost at {lost_at}: {outcome:?}\n{}", lines(&told));
        assert_eq!((exit(&outcome), stage.parked()), (6, 8), "{context}");
        assert!(!stage.world().nodes[&node].unschedulable, "given back: {context}");
        assert!(told.iter().any(|event| event.message.contains("waits for volume pv-held")), "{context}");
    }
}

/// Between the last event of a watch and the park there is time enough for a volume to be attached.
#[test]
fn h22_a_volume_that_no_watch_has_told_of_is_seen_right_before_its_server_goes() {
    let policy = policy("jetstream-workshop");
    for (goes, expected) in [(true, (0, 9)), (false, (6, 8))] {
        let stage = Stage::workshop(SUNDAY, "");
        let late = Blind::late(&stage, held(), goes);
        let (outcome, told) = stage.carry_out_in(&policy, &late);
        let context = format!("goes: {goes}, {outcome:?}\n{}", lines(&told));
        assert_eq!((exit(&outcome), stage.parked()), expected, "{context}");
        assert_eq!(late.listed.get(), 1, "looked at once, and then waited for: {context}");
        let waited = told.iter().position(|event| event.message.contains("waits for volume pv-held")).expect(&context);
        let parked = told.iter().position(|event| event.message.starts_with(&format!("parking {NODE}")));
        assert_eq!(parked.is_some_and(|parked| parked > waited), goes, "{context}");
        let node = stage.world().nodes[NODE].clone();
        assert_eq!(node.unschedulable, goes, "parked, or given back: {context}");
        stage.sound();
    }
}

//! One question: may this pod go there, and if not why.

use std::borrow::Cow;

use super::Unfit;
use super::class::{Class, Company, Likeness, looks_at_pods};
use super::counter::Who;
use super::index::{CounterIx, NodeIx};
use super::node_rules::{CORDON, selected, tolerated};
use super::resources::{enough, enough_extended, is_device_claim, lacking, ports_taken};
use super::room::{Nominee, Room};
use super::site::Site;
use super::tile::{Gate, Tile};
use super::volumes::VolumeNeeds;
use crate::model::{Pod, Selector};

/// A pod with everything about it that holds for all nodes.
pub struct Asked<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Its class, if the site knows it.
    class: Option<&'a Class>,
    /// What it asks of other pods.
    pub company: Cow<'a, Company>,
    /// Terms of others' anti-affinity that mean it.
    pub against: Cow<'a, [CounterIx]>,
    tolerates_cordon: bool,
    pub(super) needs: VolumeNeeds,
    /// Why it fits nowhere, whatever the node.
    pub refused: Vec<Unfit>,
}

impl Site {
    /// Why `pod` does not fit on `node`, in the order of the scheduler's filters; empty if it fits. A node that is unknown
    /// or closed takes nothing.
    pub fn unfit(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        let Some(at) = self.at(node) else { return vec![Unfit::NodeName] };
        self.ask(pod, |site, asked| site.reasons(asked, at))
    }

    /// Whether `pod` fits on `node`: [`Site::unfit`] is empty.
    pub fn fits(&self, pod: &Pod, node: &str) -> bool {
        self.at(node).is_some_and(|at| self.ask(pod, |site, asked| site.takes(asked, at)))
    }

    /// Prepares a pod for questions about nodes. One whose class is not known and that looks at other pods is made known
    /// to a copy first, each time anew: see [`Site::know`]. The copy shares rooms and counters; what costs is to count the
    /// pods that a new term means (some milliseconds for 150,000), and to part classes anew for a label that nobody looked
    /// at before.
    pub(super) fn ask<R>(&self, pod: &Pod, question: impl FnOnce(&Self, &Asked<'_>) -> R) -> R {
        let class = self.classes.find(&Likeness::of(pod)).and_then(|ix| self.classes.get(ix));
        if class.is_none() && looks_at_pods(&pod.spec) {
            let mut informed = self.clone();
            informed.know(pod);
            let class = informed.classes.find(&Likeness::of(pod)).and_then(|ix| informed.classes.get(ix));
            return question(&informed, &informed.asked(pod, class));
        }
        question(self, &self.asked(pod, class))
    }

    fn asked<'a>(&self, pod: &'a Pod, class: Option<&'a Class>) -> Asked<'a> {
        let against = || {
            let about = self.counters.about(&pod.key.namespace);
            let meant = about.filter(|(_, counter)| match &counter.subject.who {
                Who::Carrying(matcher) => matcher.means(&pod.key.namespace, &pod.labels, &self.namespaces, true),
                Who::Meant { .. } => false,
            });
            Cow::Owned(meant.map(|(ix, _)| ix).collect())
        };
        let needs = self.volumes.needs(pod);
        Asked {
            pod,
            class,
            company: class.map_or_else(|| Cow::Owned(Company::default()), |class| Cow::Borrowed(&class.company)),
            against: class.map_or_else(against, |class| Cow::Borrowed(&class.against[..])),
            tolerates_cordon: tolerated(&pod.spec.tolerations, &CORDON),
            refused: refused(pod, &needs),
            needs,
        }
    }

    /// Whether the pod fits there. Cheap rules first.
    pub(super) fn takes(&self, asked: &Asked<'_>, at: NodeIx) -> bool {
        self.tiles.get(at.at()).is_some_and(|tile| self.may_take(asked, at, tile) && self.does_take(asked, at))
    }

    /// The rules that look at the tile and the class alone.
    pub(super) fn may_take(&self, asked: &Asked<'_>, at: NodeIx, tile: &Tile) -> bool {
        let gate = match tile.gate {
            Gate::Open => true,
            Gate::Cordoned => asked.tolerates_cordon,
            Gate::Shut => false,
        };
        gate && asked.refused.is_empty() && tile.enough(&asked.pod.spec) && self.kind_takes(asked, at, tile)
    }

    /// The rules that look at the room and its neighbours.
    pub(super) fn does_take(&self, asked: &Asked<'_>, at: NodeIx) -> bool {
        let Some(room) = self.room(at) else { return false };
        let spec = &asked.pod.spec;
        let extras = extras(room, asked.pod);
        self.enforced(&room.node)
            && enough_extended(spec, room)
            && (extras.is_empty() || enough(spec, room, &extras))
            && !ports_taken(spec, room, &extras)
            && self.volumes.fits(&asked.needs, &room.node)
            && !self.avoids(asked, at, &extras)
            && !self.avoided(asked, at, &extras)
            && !self.alone(asked, at, &[])
            && (extras.is_empty() || !self.alone(asked, at, &extras))
            && self.skewed(asked, at, &[]).is_none()
            && (extras.is_empty() || self.skewed(asked, at, &extras).is_none())
    }

    fn kind_takes(&self, asked: &Asked<'_>, at: NodeIx, tile: &Tile) -> bool {
        let spec = &asked.pod.spec;
        let named = || self.room(at).is_some_and(|room| selected(spec, &room.node.name, &room.node.labels));
        match asked.class {
            Some(class) => {
                let row = class.row.get_or_init(|| self.kinds.row(&class.spec));
                row.has(tile.kind.at()) && (!class.names_nodes || named())
            }
            None => {
                let taints = self.room(at).map_or(&[][..], |room| &room.state.taints);
                taints.iter().all(|taint| tolerated(&spec.tolerations, taint)) && named()
            }
        }
    }

    /// Every rule that says no, in the order of the scheduler's filters. They are asked as if the promised pods were there;
    /// if that is no obstacle, once more without them, for affinity may rest on them alone.
    pub(super) fn reasons(&self, asked: &Asked<'_>, at: NodeIx) -> Vec<Unfit> {
        let Some(room) = self.room(at) else { return vec![Unfit::NodeName] };
        let extras = extras(room, asked.pod);
        let mut reasons = self.filters(asked, at, room, &extras);
        if reasons.is_empty() && !extras.is_empty() {
            reasons = self.filters(asked, at, room, &[]);
        }
        if !room.state.closed && !room.state.ready {
            reasons.push(Unfit::NotReady);
        }
        if room.unread {
            reasons.push(Unfit::Unread);
        }
        reasons.extend(asked.refused.iter().cloned());
        reasons.sort_by_key(Unfit::plugin);
        reasons
    }

    fn filters(&self, asked: &Asked<'_>, at: NodeIx, room: &Room, extras: &[&Nominee]) -> Vec<Unfit> {
        let (spec, state) = (&asked.pod.spec, &room.state);
        let mut reasons = Vec::new();
        if state.closed || (state.unschedulable && !asked.tolerates_cordon) {
            reasons.push(Unfit::Unschedulable);
        }
        let taint = state.taints.iter().find(|taint| !tolerated(&spec.tolerations, taint));
        reasons.extend(taint.cloned().map(Unfit::Taint));
        if !self.enforced(&room.node) {
            reasons.push(Unfit::Enforced);
        }
        if !selected(spec, &room.node.name, &room.node.labels) {
            reasons.push(Unfit::NodeSelector);
        }
        if ports_taken(spec, room, extras) {
            reasons.push(Unfit::HostPorts);
        }
        lacking(spec, room, extras, &mut reasons);
        if asked.needs.refused().is_none() {
            reasons.extend(self.volumes.reasons(&asked.needs, &room.node).into_iter().map(Unfit::Volume));
        }
        reasons.extend(self.skewed(asked, at, extras));
        if self.alone(asked, at, extras) {
            reasons.push(Unfit::PodAffinity);
        }
        if self.avoids(asked, at, extras) {
            reasons.push(Unfit::PodAntiAffinity);
        }
        if self.avoided(asked, at, extras) {
            reasons.push(Unfit::ExistingAntiAffinity);
        }
        reasons
    }
}

/// The pods that were promised this node and must not be pushed out by `pod`: those of no lower priority.
pub(super) fn extras<'a>(room: &'a Room, pod: &Pod) -> Vec<&'a Nominee> {
    let nominees = room.nominees.iter();
    nominees.filter(|extra| extra.spec.priority >= pod.spec.priority && extra.key != pod.key).collect()
}

/// Why the pod fits nowhere, whatever the node.
fn refused(pod: &Pod, needs: &VolumeNeeds) -> Vec<Unfit> {
    let spec = &pod.spec;
    let gated = (!spec.gates.is_empty()).then_some(Unfit::Gated);
    let devices = !spec.resource_claims.is_empty() || spec.requests.extended.keys().any(is_device_claim);
    let devices = devices.then_some(Unfit::DynamicResources);
    let volumes = needs.refused().cloned().map(Unfit::Volume);
    let terms = spec.affinity.iter().flat_map(|affinity| affinity.pod.iter().chain(&affinity.anti));
    let selectors = terms.filter_map(|term| term.selector.as_ref());
    let selector = selectors.filter_map(Selector::impossible_value).next().cloned().map(Unfit::BadSelector);
    gated.into_iter().chain(volumes).chain(selector).chain(devices).collect()
}

//! How pods of one kind are tied to each other and to others, in short: whether new nodes can be filled with them by
//! counting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::class::{Likeness, SpreadRule};
use super::counter::Counter;
use super::index::{ClassIx, CounterIx};
use super::node_rules::{selected, tolerated};
use super::site::{Site, Undo, twins};
use crate::model::{HOSTNAME, Name, Pod, Resources, VolumeSource};

/// What pods of a class ask of other pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// Counts of pods that decide where they may go.
    looks: BTreeSet<CounterIx>,
    /// Counts that change where one of them goes.
    moves: BTreeSet<CounterIx>,
    /// So many of them at most on a node with none of those that they mind.
    pub most: u32,
    /// They are spread evenly over the values of a label that is not the host's.
    pub spread: Option<Evenly>,
    /// They all go to one value of this label.
    pub together: Option<Together>,
    /// Counting is not enough: each of them has to be asked about.
    pub tangled: bool,
}

/// Pods that are spread evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evenly {
    /// The label.
    pub label: Name,
    /// How many more one value may have than another.
    pub max_skew: i64,
    /// The values of nodes that count, with the pods that are there.
    pub pods: BTreeMap<Name, i64>,
}

/// Pods that keep together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The label.
    pub label: Name,
    /// The values that have such pods; none yet if the first may choose.
    pub at: BTreeSet<Name>,
}

impl Ties {
    /// Marks those as tangled that mind where others of these go.
    pub fn tangle(all: &mut [Self]) {
        let mut movers: BTreeMap<CounterIx, (usize, bool)> = BTreeMap::new();
        for (at, ties) in all.iter().enumerate() {
            for ix in &ties.moves {
                movers.entry(*ix).and_modify(|(first, several)| *several |= *first != at).or_insert((at, false));
            }
        }
        for (at, ties) in all.iter_mut().enumerate() {
            let minds = |ix| movers.get(ix).is_some_and(|(first, several)| *several || *first != at);
            ties.tangled |= ties.looks.iter().any(minds);
        }
    }
}

impl Site {
    /// The ties of `pod`.
    pub fn ties(&mut self, pod: &Pod) -> Ties {
        let ix = self.learn(&Likeness::of(pod));
        let mut ties = Ties { most: u32::MAX, ..Ties::default() };
        let Some(class) = self.classes.get(ix) else { return ties };
        let company = &class.company;
        ties.moves = class.moves.iter().copied().collect();
        let rules = company.spread.iter().map(|rule| rule.counter);
        ties.looks = company.affinity.iter().chain(&company.anti).chain(&class.against).copied().chain(rules).collect();
        let claims = |source: &VolumeSource| {
            matches!(source, VolumeSource::Claim(_) | VolumeSource::Ephemeral(_) | VolumeSource::Disk(_))
        };
        let spec = &pod.spec;
        ties.tangled = class.names_nodes
            || !spec.host_ports.is_empty()
            || spec.volumes.iter().any(|volume| claims(&volume.source));
        for ix in company.anti.iter().chain(&class.against) {
            match self.counters.get(*ix) {
                Some(counter) if self.by_host(counter) => {
                    let own = ties.moves.contains(ix);
                    ties.most = if own { 1 } else { ties.most };
                }
                _ => ties.tangled = true,
            }
        }
        for rule in &company.spread {
            self.evenly(rule, &mut ties);
        }
        if let Some(ix) = company.affinity.first() {
            let alone = company.affinity.len() == 1 && company.meets_itself && ties.spread.is_none();
            match self.counters.get(*ix).filter(|counter| alone && !self.by_host(counter)) {
                Some(counter) => {
                    let at = self.topology.values(counter.subject.key).filter(|(_, domain)| counter.of(*domain) > 0);
                    let at = at.map(|(value, _)| value.clone()).collect();
                    let label = self.topology.label(counter.subject.key).cloned().unwrap_or_default();
                    ties.together = Some(Together { label, at });
                }
                None => ties.tangled = true,
            }
        }
        ties
    }

    fn evenly(&self, rule: &SpreadRule, ties: &mut Ties) {
        let Some(counter) = self.counters.get(rule.counter).filter(|_| rule.own == 1 && !rule.everyone) else {
            ties.tangled = true;
            return;
        };
        if self.by_host(counter) {
            // One more host can always be had: none of them is there.
            ties.most = ties.most.min(u32::try_from(rule.max_skew).unwrap_or(u32::MAX));
            return;
        }
        ties.tangled |= ties.spread.is_some() || rule.min_domains > 1;
        let key = counter.subject.key;
        let values = self.topology.values(key).filter(|(_, domain)| counter.admits(*domain));
        ties.spread = Some(Evenly {
            label: self.topology.label(key).cloned().unwrap_or_default(),
            max_skew: rule.max_skew,
            pods: values.map(|(value, domain)| (value.clone(), counter.of(domain))).collect(),
        });
    }

    fn by_host(&self, counter: &Counter) -> bool {
        self.topology.label(counter.subject.key).is_some_and(|label| &**label == HOSTNAME)
    }

    /// Whether labels, lasting taints and the scheduler's configuration let `pod` onto `node`, whatever else is there and
    /// whether it takes pods now.
    pub fn suits(&self, pod: &Pod, node: &str) -> bool {
        let Some(room) = self.at(node).and_then(|at| self.room(at)) else { return false };
        let opened = room.state.opened();
        self.enforced(&room.node)
            && opened.taints.iter().all(|taint| tolerated(&pod.spec.tolerations, taint))
            && selected(&pod.spec, &room.node.name, &room.node.labels)
    }

    /// Puts pods that are alike on `node`, whether they fit or not, as [`Site::place`] does one by one.
    pub fn place_all(&mut self, pods: &[Arc<Pod>], node: &str) {
        let Some(at) = self.at(node) else { return };
        let mut last: Option<(&Arc<Pod>, ClassIx)> = None;
        for pod in pods.iter().filter(|pod| !pod.finished()) {
            let twin = last.filter(|(other, _)| twins(other, pod)).map(|(_, class)| class);
            let class = twin.unwrap_or_else(|| self.learn(&Likeness::of(pod)));
            last = Some((pod, class));
            let (placed, moved) = self.settle_pod(at, class, pod);
            self.undo.push(Undo::Lift(at, placed, moved));
        }
    }

    /// What is free on `node`, by the sums of what is there: nothing where it is unknown.
    pub fn free(&self, node: &str) -> Resources {
        let Some(room) = self.at(node).and_then(|at| self.room(at)) else { return Default::default() };
        let (has, used) = (&room.node.allocatable, &room.used);
        let left = |has: i64, used: i128| i64::try_from(i128::from(has) - used).unwrap_or(0);
        Resources {
            cpu: left(has.cpu, used.cpu),
            memory: left(has.memory, used.memory),
            ephemeral_storage: left(has.ephemeral_storage, used.ephemeral_storage),
            pods: left(has.pods, used.pods),
            extended: (has.extended.iter())
                .map(|(name, has)| (name.clone(), left(*has, used.extended.get(name).copied().unwrap_or(0))))
                .collect(),
        }
    }
}

//! One node: what it has, what is used of it, who is there, whether it takes pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::class::Likeness;
use super::index::ClassIx;
use super::matcher::Matcher;
use crate::model::{HostPort, Labels, Name, Node, Pod, PodKey, PodSpec, Taint, TaintEffect};

/// Prefixes of taint keys that speak of a passing condition of the node, not of its purpose.
const PASSING: [&str; 3] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "tidegate.dev/"];

/// Whether the taint is of a passing condition: gone once the node is Ready and takes pods.
pub fn passes(taint: &Taint) -> bool {
    PASSING.iter().any(|prefix| taint.key.starts_with(prefix))
}

/// A node in a simulation.
#[derive(Clone, Debug)]
pub struct Room {
    /// The node as observed.
    pub node: Arc<Node>,
    /// Whether it takes pods.
    pub state: RoomState,
    /// What is used.
    pub used: Used,
    /// Host ports in use, with the number of pods on each.
    pub ports: BTreeMap<HostPort, u32>,
    /// The pods that are there.
    pub placed: Vec<Placed>,
    /// Pending pods for which the scheduler made room here.
    pub nominees: Vec<Nominee>,
    /// A pod on it could not be read, so nobody knows what is left.
    pub unread: bool,
}

/// A pod on a node, without its name: equal ones are interchangeable.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its class.
    pub class: ClassIx,
    /// All its labels.
    pub labels: Labels,
    /// Its spec.
    pub spec: Arc<PodSpec>,
}

impl Placed {
    /// Whether the other could stand in its place.
    pub fn equals(&self, class: ClassIx, pod: &Likeness<'_>) -> bool {
        self.class == class && (Arc::ptr_eq(&self.spec, pod.spec) || self.spec == *pod.spec)
    }
}

/// A pending pod that was promised a node (`status.nominatedNodeName`). Pods of lower priority must leave room for it.
#[derive(Clone, Debug)]
pub struct Nominee {
    /// Who.
    pub key: PodKey,
    /// All its labels.
    pub labels: Labels,
    /// Its spec.
    pub spec: Arc<PodSpec>,
    /// Its terms of anti-affinity, each with its topology label.
    pub anti: Vec<(Matcher, Name)>,
}

impl Nominee {
    /// Of a pod that is not bound yet.
    pub fn of(pod: &Pod) -> Self {
        let terms = pod.spec.affinity.iter().flat_map(|affinity| &affinity.anti);
        let matcher = |term| Matcher::of(term, &pod.key.namespace, &pod.labels);
        let anti = terms.map(|term| (matcher(term), term.topology_key.clone())).collect();
        Self { key: pod.key.clone(), labels: pod.labels.clone(), spec: pod.spec.clone(), anti }
    }
}

/// Whether a node takes pods: what a simulation can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// Closed by the simulation: no toleration opens it.
    pub closed: bool,
    /// Cordoned.
    pub unschedulable: bool,
    /// Ready.
    pub ready: bool,
    /// Taints that keep pods off, sorted.
    pub taints: Vec<Taint>,
}

impl RoomState {
    /// As observed.
    pub fn of(node: &Node) -> Self {
        let hard = node.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
        Self { closed: false, unschedulable: node.unschedulable, ready: node.ready(), taints: hard.cloned().collect() }
    }

    /// Once the node is Ready and uncordoned: taints of passing conditions are gone.
    pub fn opened(&self) -> Self {
        let lasting = self.taints.iter().filter(|taint| !passes(taint));
        Self { closed: false, unschedulable: false, ready: true, taints: lasting.cloned().collect() }
    }
}

/// What is used. Wider than the amounts, so that hostile sums neither wrap nor lose the way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Millicores.
    pub cpu: i128,
    /// Bytes.
    pub memory: i128,
    /// Bytes.
    pub ephemeral_storage: i128,
    /// Pods.
    pub pods: i128,
    /// Scalar resources; zeros are left out.
    pub extended: BTreeMap<Name, i128>,
    /// Millicores for scoring.
    pub scored_cpu: i128,
    /// Bytes for scoring.
    pub scored_memory: i128,
}

impl Used {
    /// Adds (`sign` 1) or removes (`sign` -1) a pod.
    pub fn account(&mut self, spec: &PodSpec, sign: i128) {
        self.cpu += sign * i128::from(spec.requests.cpu);
        self.memory += sign * i128::from(spec.requests.memory);
        self.ephemeral_storage += sign * i128::from(spec.requests.ephemeral_storage);
        self.pods += sign;
        self.scored_cpu += sign * i128::from(spec.scored.0);
        self.scored_memory += sign * i128::from(spec.scored.1);
        for (name, amount) in &spec.requests.extended {
            let entry = self.extended.entry(name.clone()).or_insert(0);
            *entry += sign * i128::from(*amount);
            if *entry == 0 {
                self.extended.remove(name);
            }
        }
    }
}

impl Room {
    /// The node with nothing on it.
    pub fn empty(node: Arc<Node>) -> Self {
        Self {
            state: RoomState::of(&node),
            node,
            used: Used::default(),
            ports: BTreeMap::new(),
            placed: Vec::new(),
            nominees: Vec::new(),
            unread: false,
        }
    }

    /// A pod comes.
    pub fn add(&mut self, pod: Placed) {
        self.used.account(&pod.spec, 1);
        for port in &pod.spec.host_ports {
            *self.ports.entry(port.clone()).or_insert(0) += 1;
        }
        self.placed.push(pod);
    }

    /// One pod that equals this one goes. None if there is no such pod.
    pub fn take(&mut self, class: ClassIx, pod: &Likeness<'_>) -> Option<Placed> {
        // With the same labels if there is one: others may be told apart later.
        let same = |placed: &Placed| placed.equals(class, pod) && placed.labels == *pod.labels;
        let place = self.placed.iter().position(same);
        let place = place.or_else(|| self.placed.iter().position(|placed| placed.equals(class, pod)))?;
        let placed = self.placed.swap_remove(place);
        self.used.account(&placed.spec, -1);
        for port in &placed.spec.host_ports {
            if let Some(pods) = self.ports.get_mut(port) {
                *pods = pods.saturating_sub(1);
                if *pods == 0 {
                    self.ports.remove(port);
                }
            }
        }
        Some(placed)
    }
}

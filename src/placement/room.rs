//! One node: what it has, what is used of it, whether it takes pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{HostPort, Name, Node, PodSpec, Taint, TaintEffect};

/// Prefixes of taint keys that speak of a passing condition of the node, not of its purpose.
const PASSING: [&str; 3] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "tidegate.dev/"];

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
    pub ports: BTreeMap<HostPort, i128>,
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

impl Room {
    /// The node with nothing on it.
    pub fn empty(node: Arc<Node>) -> Self {
        let hard = node.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
        let state = RoomState {
            closed: false,
            unschedulable: node.unschedulable,
            ready: node.ready(),
            taints: hard.cloned().collect(),
        };
        Self { node, state, used: Used::default(), ports: BTreeMap::new() }
    }

    /// Adds (`sign` 1) or removes (`sign` -1) a pod.
    pub fn account(&mut self, spec: &PodSpec, sign: i128) {
        let used = &mut self.used;
        used.cpu += sign * i128::from(spec.requests.cpu);
        used.memory += sign * i128::from(spec.requests.memory);
        used.ephemeral_storage += sign * i128::from(spec.requests.ephemeral_storage);
        used.pods += sign;
        used.scored_cpu += sign * i128::from(spec.scored.0);
        used.scored_memory += sign * i128::from(spec.scored.1);
        for (name, amount) in &spec.requests.extended {
            let entry = used.extended.entry(name.clone()).or_insert(0);
            *entry += sign * i128::from(*amount);
            if *entry == 0 {
                used.extended.remove(name);
            }
        }
        for port in &spec.host_ports {
            let count = self.ports.entry(port.clone()).or_insert(0);
            *count += sign;
            if *count == 0 {
                self.ports.remove(port);
            }
        }
    }

    /// The state of this node once it is Ready and uncordoned: taints of passing conditions are gone.
    pub fn opened(&self) -> RoomState {
        let lasting =
            self.state.taints.iter().filter(|taint| !PASSING.iter().any(|prefix| taint.key.starts_with(prefix)));
        RoomState { closed: false, unschedulable: false, ready: true, taints: lasting.cloned().collect() }
    }
}

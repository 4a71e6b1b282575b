//! Which nodes can take a pod now, best first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scheduler::tolerates;
use crate::model::{HostPort, Name, Node, Pod, Resources, TaintEffect, World};

/// The free room of every node.
pub(super) struct Homes {
    rooms: BTreeMap<Name, Room>,
}

struct Room {
    node: Arc<Node>,
    used: Resources,
    ports: Vec<HostPort>,
}

impl Homes {
    /// The room as it is.
    pub fn new(world: &World) -> Self {
        let rooms = world.nodes.values().map(|node| {
            let mut room = Room { node: node.clone(), used: Resources::default(), ports: Vec::new() };
            for pod in world.pods_on(&node.name).filter(|pod| !pod.finished()) {
                room.take(pod);
            }
            (node.name.clone(), room)
        });
        Self { rooms: rooms.collect() }
    }

    /// The nodes that can take `pod`, least allocated first, then by name.
    pub fn of(&self, pod: &Pod) -> Vec<Name> {
        let mut fitting: Vec<(i64, &Name)> = (self.rooms.iter())
            .filter(|(_, room)| room.takes(pod))
            .map(|(name, room)| (room.load_after(pod), name))
            .collect();
        fitting.sort();
        fitting.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Puts `pod` on `node`.
    pub fn place(&mut self, pod: &Pod, node: &str) {
        if let Some(room) = self.rooms.get_mut(node) {
            room.take(pod);
        }
    }
}

impl Room {
    fn take(&mut self, pod: &Pod) {
        self.used.add(&pod.spec.requests);
        self.ports.extend(pod.spec.host_ports.iter().cloned());
    }

    fn takes(&self, pod: &Pod) -> bool {
        let (spec, node) = (&pod.spec, &self.node);
        let mut after = self.used.clone();
        after.add(&spec.requests);
        let have = &node.allocatable;
        let room = |asked: i64, used: i64, have: i64| asked == 0 || used <= have;
        let asks = &spec.requests;
        let labels = spec.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
        let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node.as_ref()).is_none_or(|terms| {
            terms.iter().any(|term| {
                !(term.labels.is_empty() && term.fields.is_empty())
                    && term.labels.iter().all(|requirement| requirement.matches(&node.labels))
                    && term.fields.iter().all(|field| field.0.values.contains(&node.name))
            })
        });
        let ports = |port: &HostPort| {
            self.ports.iter().all(|taken| {
                taken.port != port.port
                    || taken.protocol != port.protocol
                    || (taken.address != port.address && &*taken.address != "0.0.0.0" && &*port.address != "0.0.0.0")
            })
        };
        labels
            && affinity
            && (node.ready() || pod.daemon())
            && room(asks.cpu, after.cpu, have.cpu)
            && room(asks.memory, after.memory, have.memory)
            && room(asks.ephemeral_storage, after.ephemeral_storage, have.ephemeral_storage)
            && after.pods <= have.pods
            && asks.extended.iter().all(|(name, asked)| room(*asked, after.extended(name), have.extended(name)))
            && node.taints.iter().all(|taint| {
                taint.effect == TaintEffect::PreferNoSchedule
                    || tolerates(spec, taint)
                    || (pod.daemon() && taint.key.starts_with("node.kubernetes.io/"))
            })
            && (!node.unschedulable || pod.daemon() || tolerates(spec, &cordon()))
            && spec.host_ports.iter().all(ports)
    }

    /// How full the node would be, in thousandths of processors and of memory together: less is better.
    fn load_after(&self, pod: &Pod) -> i64 {
        let share = |used: i64, have: i64| used.max(0).saturating_mul(1000).checked_div(have).unwrap_or(1000);
        let (cpu, memory) = pod.spec.scored;
        let have = &self.node.allocatable;
        share(self.used.cpu.saturating_add(cpu), have.cpu) + share(self.used.memory.saturating_add(memory), have.memory)
    }
}

fn cordon() -> crate::model::Taint {
    let key = "node.kubernetes.io/unschedulable".into();
    crate::model::Taint { key, value: "".into(), effect: TaintEffect::NoSchedule }
}

//! How a simulation begins: what a snapshot says, completed to a world that can run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::latency::Delay;
use super::replica::{Habit, Set};
use super::state::{Event, Kubelet, Sim, waiting};
use super::tokens::Tokens;
use super::touched::Touched;
use crate::model::{
    Change, Kind, Name, Node, Owner, Phase, Pod, PodKey, Server, ServerState, Snapshot, Workload, WorkloadKind, World,
};
use crate::sandbox::faults::Faults;

/// A pod that is younger is still starting; an older one that is not Ready stays as it is.
const YOUNG: SignedDuration = SignedDuration::from_mins(10);

impl Sim {
    /// Starts at the moment the snapshot was taken. What the snapshot does not tell is made up in a written way: a node
    /// without a server gets one, an owner without an object wants as many pods as it has, and a kind that was not
    /// listed is empty. From then on this *is* the cluster, so every kind is known, but for pods and disruption budgets:
    /// what a rehearsal without them does would be no proof of anything. What could not be read stays a gap too.
    pub fn start(snapshot: Snapshot, faults: &Faults) -> Self {
        let now = snapshot.taken.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut world = World::build(snapshot);
        let claims_known = world.knows(Kind::PersistentVolumeClaim);
        let gap = [Kind::Pod, Kind::PodDisruptionBudget].map(|kind| (!world.knows(kind)).then_some(kind));
        world.observed = Kind::ALL.into_iter().filter(|kind| !gap.contains(&Some(*kind))).collect();
        let mut sim = Self {
            now,
            pending: waiting(&world),
            world,
            queue: BTreeMap::new(),
            sequence: 0,
            born: 0,
            touched: Touched::default(),
            sets: BTreeMap::new(),
            kubelets: BTreeMap::new(),
            node_of: BTreeMap::new(),
            unborn: BTreeMap::new(),
            tokens: Tokens::default(),
            dirty_sets: BTreeSet::new(),
            dirty_nodes: BTreeSet::new(),
            dirty_namespaces: BTreeSet::new(),
            schedule: true,
            room: None,
            faults: faults.faults.clone(),
            struck: vec![0; faults.faults.len()],
            audit: Vec::new(),
        };
        sim.load_servers();
        sim.load_nodes();
        sim.load_sets();
        sim.load_storage(claims_known);
        sim.load_pods();
        sim.dirty_sets = sim.sets.keys().cloned().collect();
        sim.dirty_namespaces = sim.world.budgets.keys().map(|key| key.namespace.clone()).collect();
        sim.settle();
        sim
    }

    fn load_servers(&mut self) {
        let nodes: Vec<Arc<Node>> = self.world.nodes.values().cloned().collect();
        for node in nodes {
            if let Some(server) = self.world.server_of(&node).cloned() {
                self.node_of.insert(server.id.clone(), node.name.clone());
                if server.inferred {
                    self.world.apply(Change::Server(Server { inferred: false, ..(*server).clone() }));
                }
                continue;
            }
            let server = made_up(&node, self.now);
            self.node_of.insert(server.id.clone(), node.name.clone());
            self.world.apply(Change::Server(server));
        }
        let busy: Vec<Arc<Server>> =
            self.world.servers.values().filter(|server| server.task.is_some()).cloned().collect();
        for server in busy {
            let task = server.task.as_deref().unwrap_or_default();
            let (delay, state) = match task {
                "unshelving" => (Delay::Unshelve, ServerState::Active),
                "powering-on" => (Delay::PowerOn, ServerState::Active),
                "resuming" | "unpausing" => (Delay::Resume, ServerState::Active),
                "spawning" => {
                    self.expect_node(&server);
                    (Delay::Build, ServerState::Active)
                }
                "deleting" => {
                    self.after(Delay::Destroy.of(&server.name), Event::ServerGone(server.id.clone()));
                    continue;
                }
                _ => match server.going() {
                    Some(state @ ServerState::Shutoff) => (Delay::PowerOff, state),
                    Some(state @ ServerState::Suspended) => (Delay::Suspend, state),
                    Some(state) => (Delay::Shelve, state),
                    None => continue,
                },
            };
            let (id, delay) = (server.id.clone(), delay.of(&server.name));
            self.after(delay, Event::Server { id, state, task: None, fault: None });
        }
    }

    fn load_nodes(&mut self) {
        let nodes: Vec<Arc<Node>> = self.world.nodes.values().cloned().collect();
        for node in nodes {
            let server = self.world.server_of(&node).cloned();
            let running = server.as_ref().is_none_or(|server| server.state == ServerState::Active);
            let alive = node.ready() && running;
            let heard = node.condition("Ready").and_then(|ready| ready.heartbeat);
            let since = self.world.leases.get(&node.name).copied().max(heard).filter(|_| !alive);
            self.kubelets.insert(node.name.clone(), Kubelet { alive, since, generation: 0 });
            if alive {
                if server.as_ref().is_some_and(|server| server.going().is_some()) {
                    self.after(SignedDuration::from_secs(5), Event::NodeDown(node.name.clone()));
                }
            } else if node.ready() {
                self.after(SignedDuration::from_secs(40), Event::NodeLost(node.name.clone(), 0));
            } else if let Some(server) = server.filter(|server| {
                let young = server.since.is_some_and(|since| self.now.duration_since(since) < YOUNG);
                server.state == ServerState::Active && server.task.is_none() && young
            }) {
                self.join_soon(&node.name, &server.id);
            }
        }
    }

    fn load_sets(&mut self) {
        let mut owned: BTreeMap<Name, (Owner, Vec<Arc<Pod>>)> = BTreeMap::new();
        for pod in self.world.pods.values() {
            if let Some(owner) = &pod.owner {
                let entry = owned.entry(owner.uid.clone()).or_insert_with(|| (owner.clone(), Vec::new()));
                entry.1.push(pod.clone());
            }
        }
        for (uid, (owner, pods)) in owned {
            if let Some(set) = self.load_set(owner, &pods) {
                self.sets.insert(uid, set);
            }
        }
    }

    fn load_set(&mut self, owner: Owner, pods: &[Arc<Pod>]) -> Option<Set> {
        let living = || pods.iter().filter(|pod| !pod.finished());
        let template = living().next_back().or_else(|| pods.last())?.clone();
        let namespace = template.key.namespace.clone();
        let kind = WorkloadKind::named(&owner.kind);
        let habit = match &kind {
            _ if &*owner.kind == "Node" => Habit::Static,
            WorkloadKind::DaemonSet => Habit::PerNode,
            WorkloadKind::StatefulSet => Habit::Numbered,
            WorkloadKind::Scaled(_) => Habit::WhenGone,
            _ => Habit::AtOnce,
        };
        let there = u32::try_from(living().filter(|pod| !pod.terminating()).count()).unwrap_or(u32::MAX);
        let workload = self.world.workload_of(&template).cloned();
        let daemon = habit == Habit::PerNode;
        let finished = workload.as_ref().is_some_and(|workload| workload.finished);
        let wanted = workload.as_ref().and_then(|workload| workload.replicas).unwrap_or(there);
        let key = (kind.clone(), PodKey::new(namespace.clone(), owner.name.clone()));
        if habit != Habit::Static && !self.world.workloads.contains_key(&key) {
            self.world.apply(Change::Workload(Workload {
                kind,
                key: key.1,
                uid: owner.uid.clone(),
                owner: None,
                replicas: (!daemon).then_some(there),
                selector: None,
                finished: false,
                ignores_disruption: false,
                parallel: false,
                reboots: Vec::new(),
                reboot_times: Vec::new(),
            }));
        }
        let highest = pods.iter().filter_map(|pod| pod.key.name.rsplit('-').next()?.parse::<u32>().ok()).max();
        let first = highest.filter(|highest| *highest >= wanted).map_or(0, |highest| highest + 1 - wanted.max(1));
        let keeps = matches!(habit, Habit::Numbered | Habit::Static);
        let by_name = pods.iter().filter(|_| keeps).map(|pod| (pod.key.name.clone(), pod.clone())).collect();
        Some(Set {
            owner,
            namespace,
            habit,
            wanted: if finished { 0 } else { wanted },
            parallel: workload.is_some_and(|workload| workload.parallel),
            first,
            template,
            by_name,
            sick: living().next().is_some() && living().all(|pod| pod.crash_looping),
        })
    }

    fn load_pods(&mut self) {
        let pods: Vec<Arc<Pod>> = self.world.pods.values().cloned().collect();
        for pod in pods.iter().filter(|pod| !pod.finished()) {
            self.count_lifetime(pod);
            let Some(node) = pod.node.clone().filter(|node| self.alive(node)) else { continue };
            let (key, uid) = (pod.key.clone(), pod.uid.clone());
            let young = pod.created.is_some_and(|created| self.now.duration_since(created) < YOUNG);
            if let Some(deletion) = pod.deletion {
                let left = deletion.duration_since(self.now).min(Delay::Stop.of(&uid));
                self.after(left, Event::PodEnds(key, uid));
            } else if pod.phase == Phase::Pending {
                self.start_soon(pod);
            } else if !pod.ready && !pod.crash_looping && young {
                let delay = Delay::Ready.of(&node) + Delay::Start.of(&uid);
                self.after(delay, Event::PodReady(key, uid));
            }
        }
    }
}

fn made_up(node: &Node, now: Timestamp) -> Server {
    let id = node.provider_id.as_deref().and_then(|id| id.rsplit('/').next()).filter(|id| !id.is_empty());
    let label = |key: &str| node.labels.get(key).cloned();
    Server {
        id: id.map_or_else(|| super::latency::uid(&["server", &node.name]).into(), Name::from),
        name: node.name.clone(),
        state: if node.ready() { ServerState::Active } else { ServerState::Shutoff },
        flavor: label("node.kubernetes.io/instance-type").unwrap_or_else(|| "".into()),
        zone: label("topology.kubernetes.io/zone"),
        node: Some(node.name.clone()),
        since: node.created.or(Some(now)),
        floating_address: !node.external_addresses.is_empty(),
        ..Server::default()
    }
}

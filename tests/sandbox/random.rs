//! Random small clusters, and random things that are asked of them.

use proptest::prelude::*;
use tidegate::cloud::Provider;
use tidegate::cluster::{Cluster, NodePatch};
use tidegate::model::*;
use tidegate::policy::Idle;
use tidegate::sandbox::{Fault, FaultKind, Faults, Sandbox};

use crate::build::*;

/// Something that is asked, with objects chosen by number among those that are there then.
#[derive(Clone, Debug)]
pub enum Step {
    Advance(i64),
    Evict(usize),
    Delete(usize),
    Cordon(usize, bool),
    Park(usize, Idle),
    Wake(usize),
}

pub fn snapshot() -> impl Strategy<Value = Snapshot> {
    let sets = prop::collection::vec(set(), 1..4);
    (2_usize..7, sets, 0_usize..3).prop_map(|(nodes, sets, bare)| {
        let mut snapshot = cluster(nodes);
        for (n, set) in sets.into_iter().enumerate() {
            set.add(n, nodes, &mut snapshot);
        }
        for n in 0..bare {
            let session = pod(&format!("bare-{n}"), &format!("n-{}", n * 2 % nodes + 1));
            snapshot.pods.push(annotated(session, "sandbox.tidegate.dev/lifetime", "11h"));
        }
        snapshot.pods.sort_by(|one, other| one.key.cmp(&other.key));
        snapshot
    })
}

#[derive(Clone, Debug)]
struct Set {
    kind: &'static str,
    count: u32,
    there: u32,
    millicores: i64,
    budget: Option<(bool, IntOrPercent)>,
    crashing: bool,
    asks: Option<Asks>,
}

/// What a pod asks for beside room.
#[derive(Clone, Copy, Debug)]
enum Asks {
    /// Scratch space on its node, which the policies do not give up.
    Scratch,
    /// A node without another of its kind.
    Apart,
    /// A node with another of its kind.
    Near,
}

impl Asks {
    fn of(self, app: &str, spec: &mut PodSpec) {
        let requirement = Requirement { key: "app".into(), operator: Operator::In, values: [Name::from(app)].into() };
        let term = PodTerm {
            selector: Some(Selector { requirements: [requirement].into() }),
            namespaces: Default::default(),
            namespace_selector: None,
            topology_key: "kubernetes.io/hostname".into(),
            match_label_keys: Vec::new(),
            mismatch_label_keys: Vec::new(),
        };
        match self {
            Self::Scratch => {
                let source = VolumeSource::EmptyDir { memory: false };
                spec.volumes.insert(Volume { name: "scratch".into(), source });
            }
            Self::Apart => spec.affinity = Some(Affinity { anti: vec![term], ..Affinity::default() }),
            Self::Near => spec.affinity = Some(Affinity { pod: vec![term], ..Affinity::default() }),
        }
    }
}

fn set() -> impl Strategy<Value = Set> {
    let kinds = prop::sample::select(vec!["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Cluster"]);
    let amount = prop_oneof![(0_u32..4).prop_map(IntOrPercent::Count), (0_u32..120).prop_map(IntOrPercent::Percent)];
    let budget = prop::option::of((any::<bool>(), amount));
    let asks = prop::option::weighted(0.3, prop::sample::select(vec![Asks::Scratch, Asks::Apart, Asks::Near]));
    (kinds, 1_u32..5, 1_u32..5, 100_i64..1000, budget, (prop::bool::weighted(0.1), asks)).prop_map(
        |(kind, count, there, millicores, budget, (crashing, asks))| Set {
            kind,
            count,
            there,
            millicores,
            budget,
            crashing,
            asks,
        },
    )
}

impl Set {
    fn add(&self, n: usize, nodes: usize, snapshot: &mut Snapshot) {
        let name = format!("set-{n}");
        let most = if self.kind == "DaemonSet" { u32::try_from(nodes).unwrap() } else { self.count };
        for index in 0..self.there.min(most) {
            let node = format!("n-{}", index as usize % nodes + 1);
            let mut pod = owned(pod(&format!("{name}-{index}"), &node), self.kind, &name);
            let mut spec = spec(self.millicores);
            if let Some(asks) = self.asks {
                asks.of(&name, &mut spec);
            }
            pod.spec = std::sync::Arc::new(spec);
            if self.crashing {
                (pod.ready, pod.crash_looping) = (false, true);
            }
            snapshot.pods.push(pod);
        }
        let replicas = (self.kind != "DaemonSet").then_some(self.count);
        snapshot.workloads.push(workload(self.kind, &name, replicas));
        if let Some((least, amount)) = self.budget {
            let (min, max) = if least { (Some(amount), None) } else { (None, Some(amount)) };
            snapshot.budgets.push(budget(&name, min, max));
        }
    }
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let idle = prop::sample::select(vec![Idle::Shelve, Idle::Stop, Idle::Suspend]);
    let step = prop_oneof![
        3 => (0_i64..400).prop_map(Step::Advance),
        4 => (0_usize..40).prop_map(Step::Evict),
        1 => (0_usize..40).prop_map(Step::Delete),
        1 => ((0_usize..5), any::<bool>()).prop_map(|(node, cordon)| Step::Cordon(node, cordon)),
        1 => ((0_usize..5), idle).prop_map(|(server, idle)| Step::Park(server, idle)),
        1 => (0_usize..5).prop_map(Step::Wake),
    ];
    prop::collection::vec(step, 0..25)
}

pub fn faults() -> impl Strategy<Value = Faults> {
    let kinds = vec![
        FaultKind::Slow,
        FaultKind::Error,
        FaultKind::Stuck,
        FaultKind::NoValidHost,
        FaultKind::NodeNeverReady,
        FaultKind::PodNeverReady,
        FaultKind::CrashLoop,
        FaultKind::EvictError,
    ];
    let target = prop::sample::select(vec!["server/*", "node/n-1", "pod/web/set-0-*", "workload/web/set-1"]);
    let fault =
        (target, prop::sample::select(kinds), prop::option::of(0_u32..3)).prop_map(|(target, kind, times)| Fault {
            target: target.to_owned(),
            kind,
            on: None,
            factor: Some(3),
            latency: None,
            ends: Default::default(),
            times,
        });
    prop::collection::vec(fault, 0..3).prop_map(|faults| Faults { faults })
}

/// Asks it. What is refused is refused.
pub fn ask(sandbox: &Sandbox, step: &Step) {
    let pick = |n: usize| {
        let pods = sandbox.snapshot().pods;
        (!pods.is_empty()).then(|| pods[n % pods.len()].clone())
    };
    let nodes = sandbox.snapshot().nodes;
    let name = |n: usize| nodes[n % nodes.len()].name.clone();
    let id = |n: usize| Name::from(format!("id-{}", name(n)));
    match step {
        Step::Advance(seconds) => sandbox.advance(secs(*seconds)).unwrap(),
        Step::Evict(n) => {
            if let Some(pod) = pick(*n) {
                let _ = now(sandbox.evict(&pod.key, &pod.uid));
            }
        }
        Step::Delete(n) => {
            if let Some(pod) = pick(*n) {
                now(sandbox.delete_pod(&pod.key, &pod.uid)).unwrap();
            }
        }
        Step::Cordon(n, unschedulable) => {
            let patch = NodePatch { unschedulable: Some(*unschedulable), ..NodePatch::default() };
            now(sandbox.patch_node(&name(*n), &patch)).unwrap();
        }
        Step::Park(n, how) => drop(now(sandbox.park(&id(*n), *how))),
        Step::Wake(n) => drop(now(sandbox.wake(&id(*n)))),
    }
}

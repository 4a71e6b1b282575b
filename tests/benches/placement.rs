//! Placement at the size of a large cluster: 5,000 nodes, 150,000 pods, 500 workloads and two DaemonSets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use divan::Bencher;
use tidegate::model::{
    Affinity, Change, Claim, ClaimSpec, Condition, ConditionStatus, FieldRequirement, Labels, Name, Node, NodeTerm,
    Operator, Owner, Phase, Pod, PodKey, PodSpec, PodTerm, Requirement, Resources, Selector, Snapshot, Spread, Taint,
    TaintEffect, Toleration, Workload, WorkloadKind, World,
};
use tidegate::placement::{Site, Strategy};

const NODES: usize = 5_000;
const WORKLOADS: usize = 500;
const REPLICAS: usize = 280;
const DAEMONS: usize = 2;
const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

pub fn labels(pairs: &[(&str, String)]) -> Labels {
    Arc::new(pairs.iter().map(|(key, value)| ((*key).into(), value.as_str().into())).collect())
}

fn node(number: usize) -> Node {
    let name: Name = format!("node-{number:05}").into();
    let size = [8, 16, 32, 64][number % 4];
    let allocatable = Resources {
        cpu: size * 1000,
        memory: size << 32,
        ephemeral_storage: 100 << 30,
        pods: 110,
        extended: BTreeMap::new(),
    };
    let dedicated = number % 10 == 9;
    let taint = Taint { key: "dedicated".into(), value: "batch".into(), effect: TaintEffect::NoSchedule };
    Node {
        uid: name.clone(),
        labels: labels(&[
            (HOSTNAME, name.to_string()),
            (ZONE, format!("zone-{}", number % 3)),
            ("pool", format!("pool-{}", number % 10)),
            ("kubernetes.io/os", "linux".to_owned()),
        ]),
        name,
        annotations: Labels::default(),
        created: None,
        unschedulable: false,
        taints: BTreeSet::from_iter(dedicated.then_some(taint)),
        provider_id: None,
        capacity: allocatable.clone(),
        allocatable,
        conditions: vec![Condition {
            kind: "Ready".into(),
            status: ConditionStatus::True,
            heartbeat: None,
            transition: None,
        }],
        kubelet_version: None,
        external_addresses: Vec::new(),
        volumes_in_use: Vec::new(),
    }
}

/// What each workload asks for: one in five keeps apart by node, one in five spreads over zones, one in ten follows
/// another, one in five names a pool, one in ten may use the dedicated nodes.
pub fn spec(workload: usize) -> PodSpec {
    let cpu = [50, 100, 250, 500][workload % 4];
    let own = |app: usize| {
        let values = [format!("app-{app}").as_str().into()].into();
        Some(Selector { requirements: [Requirement { key: "app".into(), operator: Operator::In, values }].into() })
    };
    let term = |app: usize, key: &str| PodTerm {
        selector: own(app),
        namespaces: BTreeSet::new(),
        namespace_selector: None,
        topology_key: key.into(),
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    };
    let mut affinity = Affinity::default();
    if workload.is_multiple_of(5) {
        affinity.anti.push(term(workload, HOSTNAME));
    }
    if workload % 10 == 3 {
        affinity.pod.push(term(workload, ZONE));
    }
    let mut spec = PodSpec {
        requests: Resources { cpu, memory: cpu << 22, pods: 1, ..Resources::default() },
        scored: (cpu, cpu << 22),
        affinity: (affinity != Affinity::default()).then_some(affinity),
        grace_seconds: 30,
        ..PodSpec::default()
    };
    if workload % 5 == 1 {
        spec.spread.push(Spread {
            max_skew: 1,
            topology_key: ZONE.into(),
            hard: true,
            selector: own(workload),
            min_domains: None,
            honor_affinity: true,
            honor_taints: false,
            match_label_keys: Vec::new(),
        });
    }
    if workload % 5 == 2 {
        spec.node_selector.insert("pool".into(), format!("pool-{}", workload % 9).into());
    }
    if workload % 10 == 4 {
        spec.tolerations.insert(Toleration { key: Some("dedicated".into()), value: None, effect: None, seconds: None });
    }
    spec
}

pub fn pod(name: String, app: &str, labels: Labels, spec: Arc<PodSpec>, node: Option<&Name>) -> Pod {
    let owner = Owner {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        name: app.into(),
        uid: format!("uid-{app}").into(),
    };
    Pod {
        uid: format!("uid-{name}").into(),
        key: PodKey::new("default", name),
        labels,
        annotations: Labels::default(),
        created: None,
        deletion: None,
        owner: Some(owner),
        node: node.cloned(),
        nominated_node: None,
        phase: Phase::Running,
        ready: true,
        ready_since: None,
        marked_unschedulable: false,
        unscheduled_message: None,
        crash_looping: false,
        spec,
    }
}

/// The whole of it.
fn snapshot() -> Snapshot {
    sized(8)
}

/// So many eighths of the nodes and of each workload's replicas, which go around the nodes that take them.
pub fn sized(eighths: usize) -> Snapshot {
    let nodes: Vec<Node> = (0..NODES * eighths / 8).map(node).collect();
    let mut pods = Vec::new();
    let mut workloads = Vec::new();
    for workload in 0..WORKLOADS {
        let app = format!("app-{workload}");
        let (labels, spec) =
            (labels(&[("app", app.clone()), ("pod-template-hash", format!("h{workload}"))]), Arc::new(spec(workload)));
        let pool = spec.node_selector.get("pool");
        let takes =
            |node: &&Node| pool.is_none_or(|pool| node.labels.get("pool") == Some(pool)) && node.taints.is_empty();
        let homes: Vec<&Node> = nodes.iter().filter(takes).collect();
        for replica in 0..REPLICAS * eighths / 8 {
            let home = homes[(workload * 37 + replica * 16 + replica / 4) % homes.len()];
            pods.push(pod(format!("{app}-{replica:04}"), &app, labels.clone(), spec.clone(), Some(&home.name)));
        }
        let selector = Selector {
            requirements: [Requirement {
                key: "app".into(),
                operator: Operator::In,
                values: [app.as_str().into()].into(),
            }]
            .into(),
        };
        workloads.push(Workload {
            kind: WorkloadKind::ReplicaSet,
            key: PodKey::new("default", app.as_str()),
            uid: format!("uid-{app}").into(),
            owner: None,
            replicas: u32::try_from(REPLICAS * eighths / 8).ok(),
            selector: Some(selector),
            finished: false,
            ignores_disruption: false,
            parallel: false,
            reboots: Vec::new(),
            reboot_times: Vec::new(),
        });
    }
    for daemon in 0..DAEMONS {
        let app = format!("agent-{daemon}");
        let labels = labels(&[("app", app.clone())]);
        for node in &nodes {
            let values = [node.name.clone()].into();
            let field = Requirement { key: "metadata.name".into(), operator: Operator::In, values };
            let term = NodeTerm { labels: Vec::new(), fields: vec![FieldRequirement(field)] };
            let affinity = Affinity { node: Some(vec![term]), ..Affinity::default() };
            let spec = PodSpec { affinity: Some(affinity), ..spec(0) };
            pods.push(pod(format!("{app}-{}", node.name), &app, labels.clone(), Arc::new(spec), Some(&node.name)));
        }
    }
    pods.sort_by(|a, b| a.key.cmp(&b.key));
    Snapshot { nodes, pods, workloads, ..Snapshot::default() }
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::build(snapshot()))
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| Site::new(world()))
}

/// One pod of each workload.
fn one_of_each() -> Vec<&'static Pod> {
    let pods = &world().pods;
    (0..WORKLOADS).map(|workload| &*pods[&PodKey::new("default", format!("app-{workload}-0000"))]).collect()
}

/// Resident memory in MB, where the system tells.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) / 1024
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn world_and_site_of_150_000_pods(bencher: Bencher) {
    let before = resident();
    let snapshot = snapshot();
    let world = World::build(snapshot.clone());
    let site = Site::new(&world);
    println!("snapshot, world and site together: {} MB", resident().saturating_sub(before));
    drop((world, site));
    bencher.with_inputs(|| snapshot.clone()).bench_values(|snapshot| {
        let world = World::build(snapshot);
        let site = Site::new(&world);
        (world, site)
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn site_alone_of_150_000_pods(bencher: Bencher) {
    bencher.bench(|| Site::new(world()));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn feasibility_of_500_workloads_on_5_000_nodes(bencher: Bencher) {
    let (site, pods) = (site(), one_of_each());
    bencher.bench(|| pods.iter().map(|pod| site.homes(pod).len()).sum::<usize>());
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn first_fit_of_500_workloads(bencher: Bencher) {
    let (site, pods) = (site(), one_of_each());
    bencher.bench(|| pods.iter().filter(|pod| site.best_home(pod, |_| true).is_some()).count());
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn ranking_of_nodes_as_the_scheduler_scores(bencher: Bencher) {
    let (site, pods) = (site(), one_of_each());
    let mut pods = pods.iter().cycle();
    bencher.bench_local(|| site.ranking(pods.next().unwrap(), Strategy::LeastAllocated).len());
}

/// Of a pod whose class nobody has: its terms are known, one is new, or one looks at a label that nobody looked at.
#[divan::bench(sample_count = 10, sample_size = 1, args = ["known", "new", "label"])]
fn homes_of_a_stranger(bencher: Bencher, what: &str) {
    let pod = one_of_each()[0];
    let mut spec = (*pod.spec).clone();
    let affinity = spec.affinity.as_mut().unwrap();
    match what {
        "known" => spec.node_selector = [("pool".into(), "pool-1".into())].into(),
        "new" => affinity.anti[0].topology_key = ZONE.into(),
        _ => {
            let anybody = Requirement { key: "colour".into(), operator: Operator::Exists, values: BTreeSet::new() };
            affinity.anti[0].selector = Some(Selector { requirements: [anybody].into() });
        }
    }
    let stranger = Pod { spec: Arc::new(spec), ..pod.clone() };
    let site = site();
    bencher.bench_local(|| site.homes(&stranger).len());
}

#[divan::bench(sample_count = 100)]
fn what_if_one_node_goes(bencher: Bencher) {
    let mut site = site().clone();
    let mut nodes = world().nodes.keys().cycle();
    bencher.bench_local(|| {
        let node = nodes.next().unwrap();
        let movers: Vec<_> = world().pods_on(node).filter(|pod| !pod.key.name.starts_with("agent")).collect();
        let mark = site.mark();
        site.close(node);
        movers.iter().for_each(|pod| site.lift(pod, node));
        let mut homeless = 0;
        for pod in &movers {
            match site.best_home(pod, |_| true) {
                Some(home) => site.place(pod, &home),
                None => homeless += 1,
            }
        }
        site.roll_back(mark);
        homeless
    });
}

/// Applies `there` and `back` in turn.
fn applied(bencher: Bencher, there: impl Fn(usize) -> Change, back: impl Fn(usize) -> Change) {
    let (mut world, mut site) = (world().clone(), site().clone());
    let mut turn = 0;
    bencher
        .with_inputs(|| {
            turn += 1;
            if turn % 2 == 1 { there(turn / 2) } else { back((turn - 1) / 2) }
        })
        .bench_local_values(|change| site.apply(&mut world, change));
}

fn pod_at(turn: usize) -> Pod {
    (**world().pods.values().nth(turn * 7 % 150_000).unwrap()).clone()
}

fn node_at(turn: usize) -> Node {
    (**world().nodes.values().nth(turn * 7 % NODES).unwrap()).clone()
}

#[divan::bench(sample_count = 1000, sample_size = 1)]
fn apply_a_pod_that_goes_and_comes(bencher: Bencher) {
    applied(bencher, |turn| Change::PodGone(pod_at(turn).key), |turn| Change::Pod(pod_at(turn)));
}

#[divan::bench(sample_count = 1000, sample_size = 1)]
fn apply_a_pod_that_is_ready_or_not(bencher: Bencher) {
    applied(bencher, |turn| Change::Pod(Pod { ready: false, ..pod_at(turn) }), |turn| Change::Pod(pod_at(turn)));
}

#[divan::bench(sample_count = 1000, sample_size = 1)]
fn apply_a_pod_that_terminates(bencher: Bencher) {
    let dying = |turn| Pod { deletion: Some(jiff::Timestamp::UNIX_EPOCH), ..pod_at(turn) };
    applied(bencher, move |turn| Change::Pod(dying(turn)), |turn| Change::Pod(pod_at(turn)));
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn apply_a_node_that_is_cordoned(bencher: Bencher) {
    let cordoned = |turn| Node { unschedulable: true, ..node_at(turn) };
    applied(bencher, move |turn| Change::Node(cordoned(turn)), |turn| Change::Node(node_at(turn)));
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn apply_a_node_that_moves_to_another_zone(bencher: Bencher) {
    let moved = |turn| {
        let node = node_at(turn);
        let mut labels = (*node.labels).clone();
        labels.insert(ZONE.into(), "zone-9".into());
        Node { labels: Arc::new(labels), ..node }
    };
    applied(bencher, move |turn| Change::Node(moved(turn)), |turn| Change::Node(node_at(turn)));
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn apply_a_node_that_goes_and_comes(bencher: Bencher) {
    applied(bencher, |turn| Change::NodeGone(node_at(turn).name), |turn| Change::Node(node_at(turn)));
}

/// A claim that changes: what every pod mounts is looked at again. One in which nothing is new costs nothing.
#[divan::bench(sample_count = 50, sample_size = 1, args = [false, true])]
fn apply_a_claim(bencher: Bencher, bound: bool) {
    let claim = move |turn: usize| {
        Change::Claim(Claim {
            key: PodKey::new("default", format!("data-{}", turn % 3)),
            uid: "uid".into(),
            owner: None,
            spec: ClaimSpec { bytes: if bound { i64::try_from(turn).unwrap() } else { 0 }, ..ClaimSpec::default() },
            volume: None,
            bound,
            lost: false,
            deleting: false,
            selected_node: None,
        })
    };
    applied(bencher, claim, claim);
}

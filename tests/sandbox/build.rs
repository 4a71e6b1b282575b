//! Small clusters as values.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use tidegate::model::*;

pub fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// Nothing in the sandbox waits for the wall clock, so a future is ready when it is asked.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the sandbox waits for something"),
    }
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Arc::new(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
}

pub fn node(name: &str) -> Node {
    let size =
        Resources { cpu: 8000, memory: 32 << 30, ephemeral_storage: 100 << 30, pods: 110, ..Resources::default() };
    Node {
        name: name.into(),
        uid: format!("uid-{name}").into(),
        labels: labels(&[("kubernetes.io/hostname", name)]),
        annotations: labels(&[]),
        created: Some(start() - mins(9000)),
        unschedulable: false,
        taints: BTreeSet::new(),
        provider_id: Some(format!("openstack:///id-{name}").into()),
        allocatable: size.clone(),
        capacity: size,
        conditions: vec![Condition {
            kind: "Ready".into(),
            status: ConditionStatus::True,
            heartbeat: Some(start() - secs(20)),
            transition: Some(start() - mins(9000)),
        }],
        kubelet_version: None,
        external_addresses: Vec::new(),
        volumes_in_use: Vec::new(),
    }
}

pub fn server(name: &str) -> Server {
    Server {
        id: format!("id-{name}").into(),
        name: name.into(),
        provider: "cloud".into(),
        state: ServerState::Active,
        flavor: "m3.medium".into(),
        since: Some(start() - mins(9000)),
        ..Server::default()
    }
}

pub fn spec(millicores: i64) -> PodSpec {
    let requests = Resources { cpu: millicores, memory: millicores << 20, pods: 1, ..Resources::default() };
    PodSpec {
        scored: (requests.cpu, requests.memory),
        requests,
        grace_seconds: 30,
        has_readiness: true,
        ..PodSpec::default()
    }
}

pub fn pod(name: &str, on: &str) -> Pod {
    let there = !on.is_empty();
    Pod {
        uid: format!("uid-{name}").into(),
        labels: labels(&[("app", "web")]),
        created: Some(start() - mins(600)),
        node: there.then(|| on.into()),
        phase: if there { Phase::Running } else { Phase::Pending },
        ready: there,
        ..Pod::new(PodKey::new("web", name), Arc::new(spec(500)))
    }
}

pub fn owned(pod: Pod, kind: &str, name: &str) -> Pod {
    let owner = Owner {
        api_version: "apps/v1".into(),
        kind: kind.into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
    };
    Pod { owner: Some(owner), labels: labels(&[("app", name)]), ..pod }
}

pub fn annotated(pod: Pod, key: &str, value: &str) -> Pod {
    Pod { annotations: labels(&[(key, value)]), ..pod }
}

pub fn workload(kind: &str, name: &str, replicas: Option<u32>) -> Workload {
    Workload {
        kind: WorkloadKind::named(kind),
        key: PodKey::new("web", name),
        uid: format!("uid-{name}").into(),
        owner: None,
        replicas,
        selector: None,
        finished: false,
        ignores_disruption: false,
        parallel: false,
        reboots: Vec::new(),
        reboot_times: Vec::new(),
    }
}

pub fn budget(app: &str, min_available: Option<IntOrPercent>, max_unavailable: Option<IntOrPercent>) -> Budget {
    let values = BTreeSet::from([app.into()]);
    let requirement = Requirement { key: "app".into(), operator: Operator::In, values };
    Budget {
        key: PodKey::new("web", app),
        uid: format!("uid-budget-{app}").into(),
        selector: Some(Selector { requirements: BTreeSet::from([requirement]) }),
        min_available,
        max_unavailable,
        unhealthy: UnhealthyPodEviction::IfHealthyBudget,
        status: None,
    }
}

/// Nodes `n-1`, `n-2`, … each with its server.
pub fn cluster(nodes: usize) -> Snapshot {
    let names: Vec<String> = (1..=nodes).map(|n| format!("n-{n}")).collect();
    Snapshot {
        taken: Some(start()),
        context: Some("sandbox".into()),
        nodes: names.iter().map(|name| node(name)).collect(),
        servers: names.iter().map(|name| server(name)).collect(),
        // What is not listed is unknown, and nothing is taken away then.
        observed: Kind::ALL.into_iter().collect(),
        ..Snapshot::default()
    }
}

//! A snapshot in a file reads back as what was observed, and holds no secrets.

use std::io::Write;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{
    Allowance, Flavor, Kind, Memory, NodeMemory, Quota, Resources, Server as Machine, ServerState, Setback, Snapshot,
};
use tidegate::observe::{self, Builder, SnapshotFile};

use super::server::{Server, forbidden};
use super::{PODS, cluster, connect, pod, run};

fn back(file: SnapshotFile, snapshot: &Snapshot) -> (Vec<u8>, Snapshot) {
    let mut bytes = Vec::new();
    file.write(snapshot, &mut bytes).unwrap();
    let mut builder = Builder::default();
    observe::read_bytes("file", &bytes, &mut builder).unwrap();
    (bytes, builder.finish())
}

#[test]
fn what_was_observed_reads_back_the_same_and_without_secrets() {
    for broken in [false, true] {
        let server = Server::start(cluster(700));
        let mut odd = pod("p-odd", 100);
        odd["spec"]["containers"] = "none".into();
        let mut pods: Vec<Value> = (0..700).map(|number| pod(&format!("p-{number:04}"), 100)).collect();
        pods.push(odd);
        server.put(PODS, pods);
        if broken {
            // Half a list in the file would be a lie as well.
            server.when(|asked| {
                (asked.path == PODS && asked.of("continue").is_some()).then(|| forbidden("list", "pods"))
            });
        }
        let mut file = SnapshotFile::default();
        let snapshot = run(async { connect(&server).await.observe_into(Some(&mut file)).await.unwrap() });
        assert_eq!(snapshot.pods.len(), if broken { 0 } else { 700 });
        assert_eq!(snapshot.gaps.len(), 1, "{:?}", snapshot.gaps);
        assert_eq!(snapshot.version.as_deref(), Some("v1.33.1"));
        let (bytes, read) = back(file, &snapshot);
        assert_eq!(read, snapshot);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("hunter2") && serde_json::from_str::<Value>(&text).is_ok());
    }
}

#[test]
fn a_file_that_was_packed_reads_back_too() {
    let snapshot = Snapshot {
        observed: [Kind::Node].into(),
        taken: Some("2026-11-24T12:31:00Z".parse().unwrap()),
        ..Snapshot::default()
    };
    let mut file = SnapshotFile::default();
    file.begin("nodes");
    file.item("nodes", "v1", "Node", json!({"metadata": {"name": "n-1"}}).to_string().as_bytes());
    let mut pack = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    file.write(&snapshot, &mut pack).unwrap();
    pack.flush().unwrap();
    let mut builder = Builder::default();
    observe::read_bytes("file", &pack.finish().unwrap(), &mut builder).unwrap();
    assert_eq!(&*builder.finish().nodes[0].name, "n-1");
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,8}"
}

fn machine() -> impl Strategy<Value = Machine> {
    let states = [ServerState::Active, ServerState::ShelvedOffloaded, ServerState::Error, ServerState::Unknown];
    let state = prop::sample::select(states.to_vec());
    let some = || prop::option::of(word().prop_map(Into::into));
    let map = || prop::collection::btree_map(word().prop_map(Into::into), word().prop_map(Into::into), 0..3);
    let since = (0..2_000_000_000_i64).prop_map(|second| jiff::Timestamp::from_second(second).unwrap());
    let setback = prop::option::of(prop::sample::select(vec![Setback::NoHost, Setback::Snapshot]));
    let volumes = prop::collection::btree_set(word().prop_map(Into::into), 0..3);
    let told = (some(), prop::option::of(since), setback, map(), volumes);
    ((word(), word(), word(), state), (some(), some(), some()), (map(), any::<bool>()), told).prop_map(
        |((id, name, provider, state), (task, zone, node), (metadata, floating_address), told)| {
            let (fault, since, setback, cannot, volumes) = told;
            Machine {
                id: id.into(),
                name: name.into(),
                provider: provider.into(),
                state,
                task,
                flavor: "m3.medium".into(),
                zone,
                node,
                since,
                metadata,
                floating_address,
                fault,
                setback,
                cannot,
                volumes,
                inferred: false,
            }
        },
    )
}

fn flavor() -> impl Strategy<Value = Flavor> {
    let amount = || 0..1_i64 << 50;
    let extended =
        prop::collection::btree_map(prop::sample::select(vec!["nvidia.com/gpu", "hugepages-2Mi"]), amount(), 0..2);
    (word(), amount(), amount(), amount(), 0..500_i64, extended).prop_map(
        |(name, cpu, memory, ephemeral_storage, pods, extended)| Flavor {
            name: name.into(),
            provider: "p".into(),
            capacity: Resources {
                cpu,
                memory,
                ephemeral_storage,
                pods,
                extended: extended.into_iter().map(|(name, had)| (name.into(), had)).collect(),
            },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_the_cloud_says_and_what_was_remembered_read_back_the_same(
        machines in prop::collection::btree_map(word(), machine(), 0..4),
        flavors in prop::collection::btree_map(word(), flavor(), 0..3),
        parked in prop::option::of(0..2_000_000_000_i64),
        gaps in prop::collection::vec("[ -~]{1,20}", 0..3),
        quotas in prop::collection::btree_map(word(), (prop::option::of(0..99_i64), 0..99_i64), 0..2),
    ) {
        let quota = |(provider, (most, used)): (String, (Option<i64>, i64))| Quota {
            provider: provider.as_str().into(),
            cpu: Allowance { most, used },
            memory: Allowance { most: None, used },
            servers: Allowance { most, used: 0 },
        };
        let mut servers: Vec<Machine> = machines.into_iter().map(|(id, machine)| Machine { id: id.as_str().into(), ..machine }).collect();
        servers.sort_by(|a, b| a.id.cmp(&b.id));
        let flavors: Vec<Flavor> = flavors.into_iter().map(|(name, flavor)| Flavor { name: name.as_str().into(), ..flavor }).collect();
        let nodes = parked.map(|second| {
            let parked_since = Some(jiff::Timestamp::from_second(second).unwrap());
            ("n-1".into(), NodeMemory { parked_since, ..NodeMemory::default() })
        });
        let snapshot = Snapshot {
            taken: Some("2026-11-24T12:31:00Z".parse().unwrap()),
            context: Some("play".into()),
            cluster: Some("uid".into()),
            api_server: Some("https://10.0.0.1:6443".into()),
            observed: [Kind::Server, Kind::Flavor].into(),
            memory: Memory { nodes: nodes.into_iter().collect(), ..Memory::default() },
            servers,
            flavors,
            quotas: quotas.into_iter().map(quota).collect(),
            gaps,
            ..Snapshot::default()
        };
        prop_assert_eq!(back(SnapshotFile::default(), &snapshot).1, snapshot);
    }
}

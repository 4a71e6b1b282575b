//! Several providers as one, and a cluster joined with them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::cloud::{Fleet, Joined, Polling, Provider, ProviderError, with_servers};
use tidegate::cluster::{Cluster as _, keys};
use tidegate::model::{Change, Kind, Name, Server, ServerState, Snapshot};
use tidegate::observe::read_object;
use tidegate::policy::Idle;
use tidegate::sandbox::{Faults, Sandbox};
use wiremock::ResponseTemplate;

use crate::false_cloud::{COMPUTE, Cloud, block_on, no, ok, shown};

async fn with(cloud: &Cloud, ids: &[&str]) {
    let servers: Vec<Value> = ids.iter().map(|id| shown(id, &format!("n-{id}"), "active", Value::Null)).collect();
    cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&json!({"servers": servers}))]).await;
    cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![ok(&json!({"flavors": []}))]).await;
    cloud.on("GET", &format!("{COMPUTE}/limits"), vec![no(403, "not for you")]).await;
    for server in servers {
        let at = format!("{COMPUTE}/servers/{}", server["id"].as_str().unwrap());
        cloud.on("GET", &format!("{at}/os-instance-actions"), vec![ok(&json!({"instanceActions": []}))]).await;
        cloud.on("GET", &at, vec![ok(&json!({"server": server}))]).await;
        cloud.on("POST", &format!("{at}/action"), vec![ResponseTemplate::new(202)]).await;
    }
}

fn fleet(clouds: &[(&str, &Cloud)]) -> Fleet {
    let mut fleet = Fleet::default();
    for (name, cloud) in clouds {
        fleet.add((*name).into(), Box::new(cloud.provider("")));
    }
    fleet
}

#[test]
fn each_server_is_asked_where_it_is() {
    block_on(async {
        let (east, west) = (Cloud::start().await, Cloud::start().await);
        with(&east, &["a", "c"]).await;
        with(&west, &["b"]).await;
        for listed in [false, true] {
            let fleet = fleet(&[("east", &east), ("west", &west)]);
            if listed {
                let ids: Vec<Name> = fleet.servers().await.unwrap().into_iter().map(|server| server.id).collect();
                assert_eq!(ids, ["a".into(), "b".into(), "c".into()]);
            }
            let before = west.times(&format!("POST {COMPUTE}/servers/b/action")).await;
            fleet.park(&"b".into(), Idle::Stop).await.unwrap();
            assert_eq!(west.times(&format!("POST {COMPUTE}/servers/b/action")).await, before + 1);
            assert_eq!(fleet.server(&"b".into()).await.unwrap().unwrap().name, "n-b".into());
            assert_eq!(fleet.server(&"z".into()).await, Ok(None));
            assert_eq!(fleet.wake(&"z".into()).await, Err(ProviderError::NotFound("z".to_owned())));
        }
        assert!(!east.asked().await.contains_key(&format!("POST {COMPUTE}/servers/b/action")));
    });
}

#[test]
fn one_that_fails_is_a_named_gap_and_the_others_go_on() {
    block_on(async {
        let (east, west) = (Cloud::start().await, Cloud::start().await);
        with(&east, &["a"]).await;
        west.on("GET", &format!("{COMPUTE}/servers/detail"), vec![no(501, "closed")]).await;
        west.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![no(501, "closed")]).await;
        west.on("GET", &format!("{COMPUTE}/servers/b"), vec![no(501, "closed")]).await;
        let fleet = fleet(&[("east", &east), ("west", &west)]);
        let survey = fleet.survey().await.unwrap();
        assert_eq!(survey.servers.iter().map(|server| &*server.id).collect::<Vec<_>>(), ["a"]);
        assert!(
            survey.gaps.len() == 2 && survey.gaps.iter().all(|gap| gap.starts_with("provider west: ")),
            "{:?}",
            survey.gaps
        );
        // It may be the one that has it: not known is not gone.
        assert!(matches!(fleet.server(&"b".into()).await, Err(ProviderError::Unavailable(_))));
        assert!(matches!(fleet.wake(&"b".into()).await, Err(ProviderError::Unavailable(_))));
        assert_eq!(fleet.server(&"a".into()).await.unwrap().unwrap().state, ServerState::Active);

        let sandbox = Sandbox::in_memory(tidegate::model::Snapshot::default(), &Faults::default());
        let seen = Joined::new(&sandbox, &fleet, Polling::default()).observe().await.unwrap();
        assert_eq!((seen.servers.len(), seen.gaps.len(), seen.observed.contains(&Kind::Server)), (1, 2, false));
    });
}

/// What happens at the provider comes in the cluster's stream; what stays as it is does not.
#[test]
fn a_joined_cluster_tells_what_changes_at_the_provider() {
    block_on(async {
        let cloud = Cloud::start().await;
        let list = |servers: &[Value]| ok(&json!({"servers": servers}));
        let a = |task: Value| shown("a", "n-a", "active", task);
        let b = || shown("b", "n-b", "active", Value::Null);
        let answers = vec![
            list(&[a(Value::Null), b()]),
            list(&[a(Value::Null), b()]),
            no(501, "closed"),
            list(&[a(json!("shelving")), b()]),
            list(&[a(json!("shelving"))]),
        ];
        cloud.on("GET", &format!("{COMPUTE}/servers/detail"), answers).await;
        cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![ok(&json!({"flavors": []}))]).await;
        cloud.on("GET", &format!("{COMPUTE}/limits"), vec![no(403, "no")]).await;
        let fleet = fleet(&[("east", &cloud)]);
        let quiet = Quiet(Sandbox::in_memory(tidegate::model::Snapshot::default(), &Faults::default()));
        let polling = Polling { calm: Duration::from_millis(20), busy: Duration::from_millis(10) };
        let joined = Joined::new(&quiet, &fleet, polling);
        let seen = joined.observe().await.unwrap();
        assert_eq!((seen.servers.len(), seen.observed.contains(&Kind::Server)), (2, true));
        let never = jiff::Timestamp::MAX;
        let first = joined.changes(never).await.unwrap();
        assert!(
            matches!(&first[..], [Change::Server(server)] if server.task.as_deref() == Some("shelving")),
            "{first:?}"
        );
        assert_eq!(joined.changes(never).await.unwrap(), [Change::ServerGone("b".into())]);
    });
}

/// Nova leaves the servers of a cell that is down out of its lists, and says nothing of that (H6).
#[test]
fn a_server_that_the_list_lacks_is_gone_once_its_id_says_so_and_not_before() {
    block_on(async {
        let cloud = Cloud::start().await;
        let list = |servers: &[Value]| ok(&json!({"servers": servers}));
        let shelving = || shown("b", "n-b", "active", json!("shelving"));
        let at = format!("{COMPUTE}/servers/b");
        cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![list(&[shelving()]), list(&[])]).await;
        cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![ok(&json!({"flavors": []}))]).await;
        cloud.on("GET", &format!("{COMPUTE}/limits"), vec![no(403, "no")]).await;
        cloud.on("GET", &format!("{at}/os-instance-actions"), vec![ok(&json!({"instanceActions": []}))]).await;
        let there = ok(&json!({"server": shown("b", "n-b", "shelved_offloaded", Value::Null)}));
        cloud
            .on(
                "GET",
                &at,
                vec![no(501, "cell down"), no(501, "cell down"), no(501, "cell down"), there, no(404, "gone")],
            )
            .await;
        let fleet = fleet(&[("east", &cloud)]);
        let quiet = Quiet(Sandbox::in_memory(Snapshot::default(), &Faults::default()));
        let polling = Polling { calm: Duration::from_millis(20), busy: Duration::from_millis(10) };
        let joined = Joined::new(&quiet, &fleet, polling);
        assert_eq!(joined.observe().await.unwrap().servers.len(), 1);
        // While nobody can tell, the last that was known stands, and that it is old is a gap.
        let seen = joined.observe().await.unwrap();
        assert_eq!(seen.servers.iter().map(|server| server.task.as_deref()).collect::<Vec<_>>(), [Some("shelving")]);
        assert!(
            matches!(&seen.gaps[..], [gap] if gap.contains("lacks server b") && gap.contains("cell down")),
            "{:?}",
            seen.gaps
        );
        assert!(!seen.observed.contains(&Kind::Server));
        let never = jiff::Timestamp::MAX;
        let first = joined.changes(never).await.unwrap();
        assert!(
            matches!(&first[..], [Change::Server(server)] if server.state == ServerState::ShelvedOffloaded),
            "{first:?}"
        );
        assert!(cloud.times(&format!("GET {at}")).await >= 4, "it was asked for until it answered");
        assert_eq!(joined.changes(never).await.unwrap(), [Change::ServerGone("b".into())]);
    });
}

/// What a node names and the list lacks is asked for: 404 is gone, 500 is a gap (H6). Nodes that run and carry nothing of
/// ours cost no question: servers of other projects stand behind many.
#[test]
fn a_server_that_a_node_names_and_the_list_lacks_is_asked_for() {
    let node = |name: &str, annotations: Value, status: &str| {
        let object = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "uid": format!("u-{name}"), "annotations": annotations},
            "spec": {"providerID": format!("openstack:///id-{name}")},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        });
        match read_object(object) {
            Ok(Some(Change::Node(node))) => node,
            other => panic!("{other:?}"),
        }
    };
    let nodes = vec![
        node("marked", json!({keys::RECORD: "{}"}), "True"),
        node("silent", json!({}), "Unknown"),
        node("stranger", json!({}), "True"),
    ];
    for (status, gaps, there) in [(404, 0, 0), (501, 2, 0), (200, 0, 2), (403, 1, 0)] {
        block_on(async {
            let cloud = Cloud::start().await;
            with(&cloud, &[]).await;
            for id in ["id-marked", "id-silent", "id-stranger"] {
                let at = format!("{COMPUTE}/servers/{id}");
                let answer = match status {
                    200 => ok(&json!({"server": shown(id, "n", "active", Value::Null)})),
                    refusal => no(refusal, "words of Nova"),
                };
                cloud.on("GET", &format!("{at}/os-instance-actions"), vec![ok(&json!({"instanceActions": []}))]).await;
                cloud.on("GET", &at, vec![answer]).await;
            }
            let fleet = fleet(&[("east", &cloud)]);
            let snapshot = Snapshot { nodes: nodes.clone(), ..Snapshot::default() };
            let Ok(survey) = fleet.survey().await;
            let seen = with_servers(snapshot, survey, &fleet, &BTreeMap::new()).await;
            assert_eq!((seen.gaps.len(), seen.servers.len()), (gaps, there), "{status}: {:?}", seen.gaps);
            assert_eq!(seen.observed.contains(&Kind::Server), gaps == 0, "{status}");
            assert!(gaps == 0 || seen.gaps[0].contains("server id-marked of node marked"), "{:?}", seen.gaps);
            assert_eq!(cloud.times(&format!("GET {COMPUTE}/servers/id-stranger")).await, 0);
        });
    }
}

/// A cloud that does not answer is not asked a hundred times, each up to the deadline.
#[test]
fn after_a_few_without_an_answer_no_more_are_asked() {
    block_on(async {
        let cloud = Cloud::start().await;
        with(&cloud, &[]).await;
        let known: BTreeMap<Name, Server> = (0..100)
            .map(|number| Name::from(format!("s-{number:02}").as_str()))
            .map(|id| (id.clone(), Server { id: id.clone(), name: id, ..Server::default() }))
            .collect();
        for id in known.keys() {
            cloud.on("GET", &format!("{COMPUTE}/servers/{id}"), vec![no(501, "down")]).await;
        }
        let fleet = fleet(&[("east", &cloud)]);
        let Ok(survey) = fleet.survey().await;
        let seen = with_servers(Snapshot::default(), survey, &fleet, &known).await;
        assert_eq!((seen.servers.len(), seen.gaps.len()), (100, 4), "{:?}", seen.gaps);
        let asked = cloud.asked().await;
        let looks = known.keys().filter(|id| asked.contains_key(&format!("GET {COMPUTE}/servers/{id}"))).count();
        assert!((3..=16).contains(&looks), "{looks}");
    });
}

/// A cluster in which nothing ever happens.
struct Quiet(Sandbox);

mod quiet {
    use jiff::Timestamp;
    use tidegate::cluster::{Cluster, Evicted, NodePatch, Pending};
    use tidegate::model::{Change, Memory, Name, Node, Pod, PodKey, Snapshot, VolumeAttachment};

    impl Cluster for super::Quiet {
        fn observe(&self) -> Pending<'_, Snapshot> {
            self.0.observe()
        }
        fn changes(&self, _: Timestamp) -> Pending<'_, Vec<Change>> {
            Box::pin(std::future::pending())
        }
        fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
            self.0.node(name)
        }
        fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
            self.0.attachments_on(node)
        }
        fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
            self.0.pods_on(node)
        }
        fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
            self.0.patch_node(name, patch)
        }
        fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
            self.0.suspend_node(name, suspended)
        }
        fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
            self.0.evict(pod, uid)
        }
        fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
            self.0.delete_pod(pod, uid)
        }
        fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
            self.0.delete_node(name, uid)
        }
        fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
            self.0.remember(memory)
        }
    }
}

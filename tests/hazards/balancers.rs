//! Traffic ends before the load balancer knows (H15).

use serde_json::json;
use tidegate::cluster::keys::EXCLUDE_FROM_LOAD_BALANCERS as EXCLUDED;
use tidegate::execute::EventKind;
use tidegate::plan::Code;
use tidegate::sandbox::sim::What;

use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge};
use crate::{CALM, object, one_of_them, parks, stage};

/// Two workers, and a Service of this type (none at all where empty).
fn with_service(kind: &str) -> Cluster {
    let mut cluster = Cluster::workers(2);
    if !kind.is_empty() {
        cluster.items.push(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": kind},
        }));
    }
    cluster
}

fn excluded(stage: &Stage) -> bool {
    stage.world().nodes["worker-2"].labels.contains_key(EXCLUDED)
}

/// From the cordon until the server is asked to go, in seconds. There is nothing to evict.
fn cordon_to_park(stage: &Stage) -> i64 {
    let audit = stage.sandbox.audit();
    let cordon = audit.iter().find(|record| matches!(record.what, What::Cordoned { cordoned: true, .. })).unwrap();
    let park = audit.iter().find(|record| matches!(&record.what, What::Server { task: Some(_), .. })).unwrap();
    park.at.duration_since(cordon.at).as_secs()
}

#[test]
fn h15_the_label_comes_with_the_cordon_where_traffic_comes_to_nodes_and_goes_on_the_way_back() {
    for (kind, grace, label, waited) in [
        ("LoadBalancer", "", true, 30),
        ("NodePort", "", true, 30),
        ("NodePort", "  drain: {trafficGrace: 75s}\n", true, 75),
        ("NodePort", "  drain: {trafficGrace: 0s}\n", true, 0),
        ("ClusterIP", "", false, 0),
        ("ExternalName", "", false, 0),
        ("", "", false, 0),
    ] {
        let stage = stage(&with_service(kind), "");
        let (outcome, told) = stage.apply(&one_of_them("", grace));
        assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{kind}\n{}", lines(&told));
        assert_eq!(excluded(&stage), label, "{kind}");
        assert_eq!(cordon_to_park(&stage), waited, "{kind} {grace}");
        let both = crate::fixture::policy("      replicas: 2\n", "");
        let (outcome, told) = stage.apply(&both);
        assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{kind}\n{}", lines(&told));
        assert!(!excluded(&stage) && stage.nothing_of_ours(), "{kind}");
    }
}

#[test]
fn h15_where_nobody_knows_of_services_there_may_be_some() {
    let mut known = Cluster::workers(2);
    assert!(!known.world().balanced());
    let kinds = known.items[0]["kinds"].as_array_mut().unwrap();
    kinds.retain(|kind| kind != "Service");
    assert!(known.world().balanced());
}

#[test]
fn h15_a_label_that_somebody_else_set_stays() {
    let mut cluster = with_service("NodePort");
    merge(object(&mut cluster, "Node", "worker-2"), json!({"metadata": {"labels": {EXCLUDED: "mine"}}}));
    let stage = stage(&cluster, "");
    stage.apply(&one_of_them("", ""));
    let (outcome, _) = stage.apply(&crate::fixture::policy("      replicas: 2\n", ""));
    assert_eq!((exit(&outcome), excluded(&stage)), (0, true));
}

#[test]
fn h15_the_label_goes_too_where_the_drain_fails() {
    let mut cluster = with_service("LoadBalancer");
    cluster.pod("web-1", "worker-2", "web", "100m");
    let stage = stage(&cluster, "- {target: pod/default/web-1, kind: stuck, on: stop}");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
    assert!(told.iter().any(|event| event.kind == EventKind::GivenBack));
    assert!(!excluded(&stage) && stage.nothing_of_ours());
}

#[test]
fn h15_nodes_that_traffic_enters_by_are_kept_unless_named() {
    let floating = || {
        let mut cluster = Cluster::workers(3);
        merge(object(&mut cluster, "Server", "worker-2"), json!({"spec": {"floatingAddress": true}}));
        cluster
    };
    let ingress = || {
        let mut cluster = Cluster::workers(3);
        let pod = cluster.pod("ingress/nginx-a", "worker-2", "nginx", "100m");
        pod["metadata"]["ownerReferences"][0]["kind"] = json!("DaemonSet");
        pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8443, "hostPort": 443}]);
        cluster
    };
    for cluster in [floating(), ingress()] {
        let plan = cluster.plan(&one_of_them("", ""), CALM);
        assert_eq!(parks(&plan), ["worker-3"]);
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
        assert_eq!(kept.reasons[0].code, Code::FrontDoor);
        let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::FrontDoor).unwrap();
        let named = one_of_them(&format!("      {}\n", blocker.lift[0]), "");
        assert_eq!(parks(&cluster.plan(&named, CALM)).len(), 2);
    }
}

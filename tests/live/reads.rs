//! Single reads: of now, and never older than what was seen (H22).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate::cluster::ClusterError;
use tidegate::model::Change;

use super::server::{Asked, Reply, Server, event, lines, list, status};
use super::{NODES, PODS, cluster, connect, no_lists, node, pod, run};

#[test]
fn a_node_is_read_as_it_is_now() {
    let server = Server::start(cluster(0));
    run(async {
        let live = connect(&server).await;
        assert_eq!(live.read_node(&"n-1".into()).await.unwrap().map(|node| node.name), Some("n-1".into()));
        assert_eq!(live.read_node(&"n-9".into()).await.unwrap(), None);
    });
    let cached = server.asked().into_iter().filter(|asked| asked.of("resourceVersion").is_some()).count();
    assert_eq!(cached, 0, "no version is asked for, so that no cache may answer");
}

#[test]
fn an_answer_older_than_what_was_seen_is_asked_for_again() {
    let server = Server::start(cluster(0));
    run(async {
        let live = connect(&server).await;
        server.put(NODES, vec![node("n-1", 900, true)]);
        live.observe().await.unwrap();
        let mut stale = 2;
        server.when(move |asked| {
            let old = asked.path == format!("{NODES}/n-1") && stale > 0;
            stale -= i32::from(old);
            old.then(|| super::server::Reply::Json(200, node("n-1", 800, false)))
        });
        assert!(live.read_node(&"n-1".into()).await.unwrap().unwrap().unschedulable);
        server.when(|asked| {
            (asked.path == format!("{NODES}/n-1")).then(|| super::server::Reply::Json(200, node("n-1", 800, false)))
        });
        let error = live.read_node(&"n-1".into()).await.unwrap_err();
        assert!(error.to_string().contains("older than what was seen before; the API server lags behind"), "{error}");
    });
}

#[test]
fn the_pods_of_a_node_come_page_by_page() {
    let server = Server::start(cluster(0));
    let mut elsewhere = pod("p-elsewhere", 100);
    elsewhere["spec"]["nodeName"] = "n-2".into();
    let mut pods: Vec<_> = (0..700).map(|number| pod(&format!("p-{number}"), 100)).collect();
    pods.push(elsewhere);
    server.put(PODS, pods);
    run(async {
        let live = connect(&server).await;
        assert_eq!(live.read_pods_on(&"n-1".into()).await.unwrap().len(), 700);
        assert_eq!(live.read_pods_on(&"n-2".into()).await.unwrap().len(), 1);
    });
    assert!(server.asked().iter().all(|asked| asked.of("resourceVersion").is_none()));
}

/// All of them are listed, for the API server selects them by name alone.
#[test]
fn the_volumes_attached_to_a_node_are_those_of_no_other() {
    let server = Server::start(cluster(0));
    run(async {
        let live = connect(&server).await;
        let on = async |node: &str| live.read_attachments_on(&node.into()).await.unwrap();
        let names: Vec<_> = on("n-1").await.into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["it".into()]);
        assert_eq!(on("n-2").await, []);
        server.when(|asked| asked.path.ends_with("/volumeattachments").then(|| status(403, "Forbidden", "no")));
        let error = live.read_attachments_on(&"n-1".into()).await.unwrap_err();
        assert_eq!(error.to_string(), "not allowed to list volumeattachments in storage.k8s.io/v1: no");
    });
    assert!(server.asked().iter().all(|asked| asked.of("resourceVersion").is_none()));
}

/// H6, H22: the last look before a server is stopped does not take any JSON for "no pods" and "no volumes".
#[test]
fn an_answer_that_is_no_list_of_the_kind_says_nothing_of_a_nodes_pods_and_volumes() {
    let server = Server::start(cluster(1));
    run(async {
        let live = connect(&server).await;
        for (answer, _) in no_lists() {
            let words = answer.to_string();
            server.when(move |asked| asked.of("limit").is_some().then(|| Reply::Json(200, answer.clone())));
            for error in [
                live.read_pods_on(&"n-1".into()).await.unwrap_err(),
                live.read_attachments_on(&"n-1".into()).await.unwrap_err(),
            ] {
                assert!(error.to_string().contains(": the answer makes no sense: "), "{words}: {error}");
            }
        }
        server.when(|_| None);
        assert_eq!(live.read_pods_on(&"n-1".into()).await.unwrap().len(), 1);
    });
}

#[test]
fn an_answer_that_is_no_node_is_none() {
    let server = Server::start(cluster(0));
    server.when(|asked| {
        let status = json!({"apiVersion": "v1", "kind": "Status", "metadata": {"name": "n-1"}, "status": "Success"});
        (asked.path == format!("{NODES}/n-1")).then(|| Reply::Json(200, status))
    });
    run(async {
        let error = connect(&server).await.read_node(&"n-1".into()).await.unwrap_err();
        assert!(error.to_string().contains("the answer makes no sense: it is no node"), "{error}");
    });
}

#[test]
fn a_pod_that_was_seen_going_does_not_come_back_from_a_list() {
    let server = Server::start(cluster(1));
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        let (going, _open) = lines(vec![event("DELETED", &pod("p-0000", 1020))]);
        let (mut going, mut stale) = (Some(going), 1);
        server.when(move |asked: &Asked| {
            if asked.path != PODS {
                return None;
            }
            if asked.watches() {
                return going.take();
            }
            stale -= 1;
            let pods = if stale == 0 { vec![pod("p-0000", 100)] } else { vec![pod("p-other", 1030)] };
            Some(list("Pod", &pods, asked))
        });
        let heard = live.follow_until(Timestamp::now() + SignedDuration::from_secs(20)).await.unwrap();
        assert!(matches!(heard.as_slice(), [Change::PodGone(key)] if &*key.name == "p-0000"), "{heard:?}");
        let pods = live.read_pods_on(&"n-1".into()).await.unwrap();
        assert_eq!(pods.iter().map(|pod| &*pod.key.name).collect::<Vec<_>>(), ["p-other"]);
    });
}

#[test]
fn failures_name_the_verb_and_the_object() {
    let server = Server::start(cluster(0));
    type Expected = fn(&ClusterError) -> bool;
    let cases: [(u16, &str, Expected); 4] = [
        (403, "not allowed to get node n-1", |error| matches!(error, ClusterError::Forbidden { .. })),
        (401, "does not accept our credentials (get node n-1: 401)", |error| matches!(error, ClusterError::Broken(_))),
        (500, "get node n-1: 500", |error| matches!(error, ClusterError::Unavailable(_))),
        (422, "get node n-1: 422", |error| matches!(error, ClusterError::Unavailable(_))),
    ];
    run(async {
        let live = connect(&server).await;
        for (code, words, expected) in cases {
            server.when(move |_| Some(status(code, "Reason", "words of the server")));
            let error = live.read_node(&"n-1".into()).await.unwrap_err();
            assert!(expected(&error) && error.to_string().contains(words), "{code}: {error:?}");
        }
    });
}

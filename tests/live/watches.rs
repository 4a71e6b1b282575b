//! What changed since: told once, in order, never something older than what was seen, and said when it may be old (H22).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::cluster::ClusterError;
use tidegate::cluster::live::Live;
use tidegate::model::Change;

use super::server::{Asked, Reply, Server, event, forbidden, lines, list, status};
use super::{NODES, PODS, cluster, connect, no_lists, node, page_of_pods, pod, run};

fn soon() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(20)
}

/// Changes in few words.
fn told(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change| match change {
        Change::Node(node) => format!("node {}{}", node.name, if node.unschedulable { " cordoned" } else { "" }),
        Change::Pod(pod) => format!("pod {}", pod.key.name),
        Change::PodGone(key) => format!("pod {} gone", key.name),
        Change::Lease(node, _) => format!("lease {node}"),
        other => panic!("{other:?}"),
    };
    changes.iter().map(word).collect()
}

/// Hears until so many changes were told.
async fn hear(live: &Live, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        heard.extend(told(&live.follow_until(soon()).await.unwrap()));
    }
    heard
}

/// The first watch of pods says `first` and stays open; later ones say `then`.
fn pods_say(server: &Server, first: Vec<Value>, then: impl Fn(&Asked) -> Option<Reply> + Send + 'static) {
    let mut first = Some(first);
    let mut open = Vec::new();
    server.when(move |asked| {
        if asked.path != PODS {
            return None;
        }
        if !asked.watches() || first.is_none() {
            return then(asked);
        }
        let (reply, sender) = lines(first.take().unwrap());
        open.push(sender);
        Some(reply)
    });
}

#[test]
fn what_comes_changes_and_goes_is_told_in_order() {
    let server = Server::start(cluster(2));
    let said = vec![
        event("ADDED", &pod("p-new", 1001)),
        event("BOOKMARK", &json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "1002"}})),
        event("MODIFIED", &pod("p-0000", 1003)),
        event("DELETED", &pod("p-0001", 1004)),
    ];
    pods_say(&server, said, |_| None);
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        assert_eq!(hear(&live, 3).await, ["pod p-new", "pod p-0000", "pod p-0001 gone"]);
        let until = Timestamp::now() + SignedDuration::from_millis(300);
        assert_eq!(live.follow_until(until).await.unwrap(), [], "until the time is up");
        assert!(Timestamp::now() >= until);
    });
    let watches: Vec<Asked> = server.asked().into_iter().filter(Asked::watches).collect();
    assert_eq!(watches.len(), super::KINDS.len() - 1, "one for each kind that a plan looks into");
    assert!(watches.iter().all(|asked| asked.of("resourceVersion") == Some("1000")), "from where it was observed");
    assert!(watches.iter().all(|asked| asked.of("allowWatchBookmarks") == Some("true")));
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
    let server = Server::start(cluster(0));
    let said = (1..=40).map(|number| event("ADDED", &pod(&format!("p-{number:04}"), 1_000 + number))).collect();
    pods_say(&server, said, |_| None);
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < 40 {
            // Dropped at another place each time.
            for micros in [0, 50, 300, 900] {
                let wait = tokio::time::timeout(Duration::from_micros(micros), live.follow_until(soon()));
                heard.extend(wait.await.into_iter().flat_map(|changes| told(&changes.unwrap())));
            }
        }
        let expected: Vec<String> = (1..=40).map(|number| format!("pod p-{number:04}")).collect();
        assert_eq!(heard, expected);
    });
}

#[test]
fn an_event_from_before_what_was_read_is_no_news() {
    let server = Server::start(cluster(0));
    let (first, sender) = lines(Vec::new());
    let mut first = Some(first);
    server.when(move |asked| (asked.path == NODES && asked.watches()).then(|| first.take()).flatten());
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        // Cordoned by ourselves, read back, and only then told of what was before.
        server.put(NODES, vec![node("n-1", 1010, true), node("n-2", 8, false)]);
        assert!(live.read_node(&"n-1".into()).await.unwrap().unwrap().unschedulable);
        for line in [event("MODIFIED", &node("n-1", 1005, false)), event("MODIFIED", &node("n-2", 1011, false))] {
            sender.send(line).unwrap();
        }
        assert_eq!(hear(&live, 1).await, ["node n-2"], "the uncordoned n-1 of 1005 is past");
        sender.send(event("MODIFIED", &node("n-1", 1012, false))).unwrap();
        assert_eq!(hear(&live, 1).await, ["node n-1"], "this one is somebody's hand");
    });
}

#[test]
fn a_watch_that_is_too_old_tells_the_difference_after_a_new_list() {
    // Said by the status of the answer, and by an event.
    for in_a_line in [false, true] {
        let server = Server::start(cluster(3));
        let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
        let mut first = Some(if in_a_line { lines(vec![event("ERROR", &gone)]).0 } else { Reply::Json(410, gone) });
        let observed = Arc::new(Mutex::new(false));
        let now = observed.clone();
        server.when(move |asked| {
            if asked.path != PODS || !*now.lock().unwrap() {
                return None;
            }
            let there = [pod("p-0000", 100), pod("p-0002", 1007), pod("p-0003", 1008)];
            if asked.watches() { first.take() } else { Some(list("Pod", &there, asked)) }
        });
        run(async {
            let live = connect(&server).await;
            live.observe().await.unwrap();
            *observed.lock().unwrap() = true;
            assert_eq!(hear(&live, 3).await, ["pod p-0002", "pod p-0003", "pod p-0001 gone"], "p-0000 is as it was");
        });
    }
}

/// A list without an end in the middle of an execution: it ends, and is read again.
#[test]
fn a_relist_without_an_end_ends_and_is_tried_again() {
    let server = Server::start(cluster(3));
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let mut endless = 0;
    let observed = Arc::new(Mutex::new(false));
    let now = observed.clone();
    server.when(move |asked| {
        if asked.path != PODS || !*now.lock().unwrap() {
            return None;
        }
        if asked.watches() {
            return (endless < 3).then(|| Reply::Json(410, gone.clone()));
        }
        endless += 1;
        let again = page_of_pods("abc", Vec::new());
        Some(if endless <= 2 { Reply::Json(200, again) } else { list("Pod", &[pod("p-0002", 1007)], asked) })
    });
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        *observed.lock().unwrap() = true;
        assert_eq!(hear(&live, 3).await, ["pod p-0002", "pod p-0000 gone", "pod p-0001 gone"]);
    });
}

/// H6, H22: a relist that is answered with something else does not make all pods go.
#[test]
fn a_relist_that_is_no_list_is_tried_again() {
    let server = Server::start(cluster(3));
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let mut odd = no_lists().into_iter().map(|(answer, _)| answer).take(2);
    let observed = Arc::new(Mutex::new(false));
    let (now, mut mended) = (observed.clone(), false);
    server.when(move |asked| {
        if asked.path != PODS || !*now.lock().unwrap() {
            return None;
        }
        if asked.watches() {
            return (!mended).then(|| Reply::Json(410, gone.clone()));
        }
        let answer = odd.next();
        mended = answer.is_none();
        Some(answer.map_or_else(|| list("Pod", &[pod("p-0002", 1007)], asked), |answer| Reply::Json(200, answer)))
    });
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        *observed.lock().unwrap() = true;
        assert_eq!(hear(&live, 3).await, ["pod p-0002", "pod p-0000 gone", "pod p-0001 gone"]);
    });
    let lists = server.asked().iter().filter(|asked| asked.path == PODS && asked.of("limit").is_some()).count();
    assert_eq!(lists, 4, "one observed, two of which nothing is taken, and one that counts");
}

#[test]
fn a_watch_that_ends_goes_on_where_it_was() {
    let server = Server::start(cluster(0));
    let bookmark = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "1500"}});
    let (first, sender) = lines(vec![event("ADDED", &pod("p-1", 1001)), event("BOOKMARK", &bookmark)]);
    drop(sender);
    let (second, _open) = lines(vec![event("ADDED", &pod("p-2", 1501))]);
    // A server that was started anew is not there, and then does not know its roles.
    let mut replies = vec![second, forbidden("watch", "pods"), status(503, "ServiceUnavailable", "starting"), first];
    server.when(move |asked| (asked.path == PODS && asked.watches()).then(|| replies.pop()).flatten());
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        assert_eq!(hear(&live, 2).await, ["pod p-1", "pod p-2"]);
    });
    let from: Vec<Asked> = server.asked().into_iter().filter(|asked| asked.path == PODS && asked.watches()).collect();
    let from: Vec<Option<&str>> = from.iter().map(|asked| asked.of("resourceVersion")).collect();
    assert_eq!(from, [Some("1000"), Some("1500"), Some("1500"), Some("1500")]);
}

#[test]
fn leases_ride_along_and_wake_nobody() {
    let server = Server::start(cluster(0));
    let leases = super::KINDS[19].1;
    let mut lease = super::object("Lease", "kube-node-lease", "n-1", 1001);
    lease["spec"] = json!({"renewTime": "2026-11-24T12:31:05.000000Z"});
    let (renewals, _open) = lines(vec![event("MODIFIED", &lease)]);
    let mut renewals = Some(renewals);
    server.when(move |asked| (asked.path == leases && asked.watches()).then(|| renewals.take()).flatten());
    run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        let until = Timestamp::now() + SignedDuration::from_millis(500);
        assert_eq!(told(&live.follow_until(until).await.unwrap()), ["lease n-1"]);
        assert!(Timestamp::now() >= until, "only when the time was up");
    });
}

#[test]
fn a_watch_that_is_not_allowed_is_said_with_its_verb_and_kind() {
    let server = Server::start(cluster(0));
    server.when(|asked| (asked.path == PODS && asked.watches()).then(|| forbidden("watch", "pods")));
    let error = run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        live.follow_until(soon()).await.unwrap_err()
    });
    let ClusterError::Broken(text) = error else { panic!("{error:?}") };
    assert_eq!(text, "not allowed to watch pods as system:serviceaccount:tidegate:tidegate");
}

#[test]
fn an_object_that_cannot_be_read_calls_for_a_new_look() {
    let server = Server::start(cluster(0));
    let mut odd = pod("p-odd", 1001);
    odd["spec"]["containers"] = "none".into();
    pods_say(&server, vec![event("ADDED", &odd)], |_| None);
    let error = run(async {
        let live = connect(&server).await;
        live.observe().await.unwrap();
        live.follow_until(soon()).await.unwrap_err()
    });
    let ClusterError::Unavailable(text) = error else { panic!("{error:?}") };
    assert!(text.contains("watch pods") && text.contains("Pod p-odd cannot be read"), "{text}");
}

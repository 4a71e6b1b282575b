//! Everything at one moment, or said to be less.

use serde_json::{Value, json};
use tidegate::cluster::ClusterError;
use tidegate::model::{Kind, Memory, Name, NodeMemory, Snapshot};

use super::server::{Asked, DATE, Reply, Server, VERSION, forbidden, list, status};
use super::{KINDS, NODES, PODS, cluster, no_lists, observe, page_of_pods, pod};

fn kind(name: &str) -> Kind {
    serde_json::from_value(name.into()).unwrap()
}

/// The only gap.
fn gap(snapshot: &Snapshot) -> &str {
    assert_eq!(snapshot.gaps.len(), 1, "{:?}", snapshot.gaps);
    &snapshot.gaps[0]
}

#[test]
fn every_kind_is_listed_as_of_one_version_page_by_page() {
    let server = Server::start(cluster(1_200));
    let snapshot = observe(&server).unwrap();
    assert_eq!(snapshot.gaps, [""; 0]);
    assert_eq!(snapshot.observed, KINDS.iter().map(|(name, _)| kind(name)).collect());
    assert_eq!((snapshot.nodes.len(), snapshot.pods.len(), snapshot.workloads.len()), (2, 1_200, 5));
    assert_eq!(snapshot.cluster.as_deref(), Some("uid-of-kube-system"));
    assert_eq!(snapshot.context.as_deref(), Some("play"));
    assert_eq!(snapshot.api_server.as_deref(), Some(&*server.address()));
    let date = jiff::fmt::rfc2822::parse(DATE).unwrap().timestamp();
    assert_eq!((snapshot.taken, snapshot.taken_inferred), (Some(date), false));

    let asked = server.asked();
    let first: Vec<&Asked> =
        asked.iter().filter(|asked| asked.of("limit").is_some() && asked.of("continue").is_none()).collect();
    assert_eq!(first.len(), KINDS.len());
    for asked in first {
        let exact = (asked.of("resourceVersion"), asked.of("resourceVersionMatch"));
        let expected = if asked.path.ends_with("/namespaces") { (None, None) } else { (Some(VERSION), Some("Exact")) };
        assert_eq!(exact, expected, "{asked:?}");
    }
    let pages: Vec<Option<&str>> =
        asked.iter().filter(|asked| asked.path == PODS).map(|asked| asked.of("continue")).collect();
    assert_eq!(pages, [None, Some("500"), Some("1000")]);
}

#[test]
fn a_list_that_may_not_be_read_is_unknown_and_named_with_its_verb() {
    for (name, path) in KINDS {
        let server = Server::start(cluster(3));
        let resource = path.rsplit('/').next().unwrap();
        server.when(move |asked| {
            (asked.path == path && asked.of("limit").is_some()).then(|| forbidden("list", resource))
        });
        let snapshot = observe(&server).unwrap();
        let gap = gap(&snapshot);
        assert!(gap.starts_with(&format!("not allowed to list {resource}")), "{gap}");
        assert!(gap.contains("as system:serviceaccount:tidegate:tidegate") && gap.contains("rbac.yaml"), "{gap}");
        assert!(!snapshot.observed.contains(&kind(name)), "{name} is unknown");
        assert_eq!(snapshot.observed.len(), KINDS.len() - 1, "{name}: the others are known");
    }
}

#[test]
fn half_a_list_never_passes_for_a_whole_one() {
    // What goes wrong with the second page, and what is said then.
    type Wrong = fn() -> Reply;
    let wrong: [(Wrong, &str); 4] = [
        (|| status(500, "InternalError", "etcdserver: mvcc: database space exceeded"), "database space exceeded"),
        (|| Reply::Half(json!({"kind": "PodList", "items": [pod("p-0500", 100)]})), "list pods"),
        (|| Reply::Nothing, "no answer to list pods within 2 s"),
        (|| Reply::Json(200, json!("nonsense")), "list pods: the answer makes no sense"),
    ];
    for (wrong, words) in wrong {
        let server = Server::start(cluster(600));
        server.when(move |asked| (asked.path == PODS && asked.of("continue").is_some()).then(wrong));
        let snapshot = observe(&server).unwrap();
        let about: Vec<&String> = snapshot.gaps.iter().filter(|gap| gap.contains(words)).collect();
        assert!(!about.is_empty(), "{words}: {:?}", snapshot.gaps);
        assert!(snapshot.pods.is_empty() && !snapshot.observed.contains(&Kind::Pod), "{words}");
        assert!(snapshot.observed.contains(&Kind::Node), "{words}");
    }
}

/// A proxy that gives the same page for ever: each list ends, is unknown, and says why (H6).
#[test]
fn a_list_without_an_end_ends_and_is_named() {
    type Page = fn(u64) -> Value;
    let pages: [(Page, &str, u64); 4] = [
        (|_| page_of_pods("abc", Vec::new()), "the same `continue`", 2),
        (|_| page_of_pods("abc", vec![pod("p-1", 100)]), "the same `continue`", 2),
        (|page| page_of_pods(&page.to_string(), Vec::new()), "bring nothing new", 30),
        (|page| page_of_pods(&page.to_string(), vec![pod("p-1", 100)]), "bring nothing new after 1 object", 30),
    ];
    for (page, words, most) in pages {
        let server = Server::start(cluster(1));
        let mut asked_for = 0;
        server.when(move |asked| {
            (asked.path == PODS && asked.of("limit").is_some()).then(|| {
                asked_for += 1;
                Reply::Json(200, page(asked_for))
            })
        });
        let snapshot = observe(&server).unwrap();
        let gap = gap(&snapshot);
        assert!(gap.contains("list pods: ") && gap.contains("the list has no end") && gap.contains(words), "{gap}");
        assert!(snapshot.pods.is_empty() && !snapshot.observed.contains(&Kind::Pod));
        let asked = server.asked().iter().filter(|asked| asked.path == PODS && asked.of("limit").is_some()).count();
        assert!(u64::try_from(asked).unwrap() <= most, "{asked}");
    }
}

/// An API server may give a page without an object on it, and go on after it.
#[test]
fn pages_without_an_object_are_no_end() {
    let server = Server::start(cluster(1));
    server.when(|asked| {
        let page: u64 = asked.of("continue").map_or(0, |token| token.parse().unwrap());
        let items = if page.is_multiple_of(10) { vec![pod(&format!("p-{page}"), 100)] } else { Vec::new() };
        let next = if page < 60 { (page + 1).to_string() } else { String::new() };
        (asked.path == PODS && asked.of("limit").is_some()).then(|| Reply::Json(200, page_of_pods(&next, items)))
    });
    let snapshot = observe(&server).unwrap();
    assert_eq!((snapshot.pods.len(), snapshot.gaps.len()), (7, 0), "{:?}", snapshot.gaps);
}

/// H6: what is no list of the kind that was asked for, or not all of one, is never an empty list.
#[test]
fn an_answer_that_is_no_list_of_the_kind_is_a_gap() {
    for (answer, words) in no_lists() {
        let server = Server::start(cluster(3));
        server.when(move |asked| {
            (asked.path == PODS && asked.of("limit").is_some()).then(|| Reply::Json(200, answer.clone()))
        });
        let snapshot = observe(&server).unwrap();
        let gap = gap(&snapshot);
        assert!(gap.contains(": list pods: the answer makes no sense: ") && gap.contains(words), "{words}: {gap}");
        assert!(snapshot.pods.is_empty() && !snapshot.observed.contains(&Kind::Pod), "{words}");
        assert_eq!((snapshot.nodes.len(), snapshot.observed.len()), (2, KINDS.len() - 1), "{words}");
    }
}

#[test]
fn a_server_that_goes_away_is_not_asked_for_everything_else() {
    let server = Server::start(cluster(1));
    server.when(|asked| {
        (![NODES, "/api/v1/namespaces"].contains(&&*asked.path) && asked.of("limit").is_some())
            .then_some(Reply::Nothing)
    });
    let begin = std::time::Instant::now();
    let snapshot = observe(&server).unwrap();
    assert!(begin.elapsed() < super::PATIENCE * 3, "each of 18 lists would have taken 2 s");
    assert_eq!(snapshot.observed, [Kind::Namespace, Kind::Node].into());
    assert_eq!(snapshot.gaps.len(), KINDS.len() - 2, "each kind is named: {:?}", snapshot.gaps);
    assert!(snapshot.gaps.iter().any(|gap| {
        gap.starts_with("leases in coordination.k8s.io/v1 in namespace kube-node-lease were not asked for any more")
    }));
}

#[test]
fn without_any_list_there_is_no_snapshot() {
    let server = Server::start(cluster(1));
    server.when(|asked| asked.of("limit").is_some().then(|| forbidden("list", "things")));
    assert!(matches!(observe(&server), Err(ClusterError::Forbidden { verb, .. }) if verb == "list"));
}

#[test]
fn a_moment_that_cannot_be_had_is_said() {
    type Refusal = fn() -> Reply;
    let refusals: [(Refusal, bool); 4] = [
        // (the refusal, whether it comes with the second page)
        (|| status(410, "Expired", "The provided continue parameter is too old"), true),
        (|| status(410, "Expired", "The resourceVersion for the provided list is too old"), false),
        (|| status(400, "BadRequest", "resourceVersionMatch is forbidden"), false),
        (
            || {
                Reply::Json(
                    504,
                    json!({"kind": "Status", "code": 504, "reason": "Timeout", "message": "Too large resource version",
                "details": {"causes": [{"reason": "ResourceVersionTooLarge"}], "retryAfterSeconds": 1}}),
                )
            },
            false,
        ),
    ];
    for (refusal, late) in refusals {
        let server = Server::start(cluster(600));
        let mut refused = false;
        server.when(move |asked| {
            let here = if late { asked.of("continue").is_some() } else { asked.of("resourceVersion").is_some() };
            let refuse = asked.path == PODS && here && (!late || !std::mem::replace(&mut refused, true));
            refuse.then(refusal)
        });
        let snapshot = observe(&server).unwrap();
        assert!(gap(&snapshot).starts_with("pods are of a later moment than the rest"), "{:?}", snapshot.gaps);
        assert_eq!(snapshot.pods.len(), 600, "all of them, each once");
        assert!(snapshot.observed.contains(&Kind::Pod));
    }
}

#[test]
fn a_list_that_is_too_old_at_each_second_page_is_unknown() {
    let server = Server::start(cluster(600));
    server.when(|asked| {
        (asked.path == PODS && asked.of("continue").is_some()).then(|| status(410, "Expired", "too old"))
    });
    let snapshot = observe(&server).unwrap();
    assert!(gap(&snapshot).contains("list pods: 410 too old"), "{:?}", snapshot.gaps);
    assert!(snapshot.pods.is_empty() && !snapshot.observed.contains(&Kind::Pod));
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    for refusal in [429, 500, 503] {
        let server = Server::start(cluster(600));
        let mut left = 2;
        server.when(move |asked| {
            let refuse = asked.path == PODS && left > 0;
            left -= i32::from(refuse);
            refuse.then(|| status(refusal, "Busy", "try again"))
        });
        let snapshot = observe(&server).unwrap();
        assert_eq!((&*snapshot.gaps, snapshot.pods.len()), ([].as_slice(), 600), "{refusal}");
    }
}

#[test]
fn a_group_that_is_not_served_is_unknown_rather_than_empty() {
    let server = Server::start(cluster(1));
    let (_, path) = KINDS[3];
    server.when(move |asked| {
        (asked.path == path).then(|| status(404, "NotFound", "the server could not find the requested resource"))
    });
    let snapshot = observe(&server).unwrap();
    assert_eq!(gap(&snapshot), "poddisruptionbudgets in policy/v1 is not there");
    assert!(!snapshot.observed.contains(&Kind::PodDisruptionBudget));
}

#[test]
fn one_object_that_cannot_be_read_is_named_and_the_rest_is_kept() {
    let server = Server::start(cluster(3));
    server.when(|asked| {
        let mut odd = pod("p-odd", 100);
        odd["spec"]["containers"] = "none".into();
        (asked.path == PODS).then(|| list("Pod", &[pod("p-1", 100), odd, pod("p-2", 100)], asked))
    });
    let snapshot = observe(&server).unwrap();
    assert!(
        gap(&snapshot).starts_with("pods: object 2: Pod a/p-odd cannot be read and is left out"),
        "{:?}",
        snapshot.gaps
    );
    assert_eq!(snapshot.pods.len(), 2);
}

#[test]
fn memory_is_read_from_its_config_map() {
    let path = "/api/v1/namespaces/tidegate/configmaps/tidegate-memory";
    let memory = Memory {
        nodes: [(
            Name::from("n-1"),
            NodeMemory { parked_since: Some("2026-11-20T08:00:00Z".parse().unwrap()), ..NodeMemory::default() },
        )]
        .into(),
        ..Memory::default()
    };
    let written = serde_json::to_string(&memory).unwrap();
    let cases = [
        (Some(written), None, memory),
        (
            Some("{".to_owned()),
            Some("get configmap tidegate-memory in namespace tidegate: the answer makes no sense"),
            Memory::default(),
        ),
        (None, None, Memory::default()),
    ];
    for (text, complaint, expected) in cases {
        let server = Server::start(cluster(1));
        if let Some(text) = text {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tidegate-memory"}, "data": {"memory.json": text}});
            server.when(move |asked| (asked.path == path).then(|| Reply::Json(200, map.clone())));
        }
        let snapshot = observe(&server).unwrap();
        assert_eq!(snapshot.memory, expected);
        assert_eq!(snapshot.gaps.len(), usize::from(complaint.is_some()), "{:?}", snapshot.gaps);
        assert!(complaint.is_none_or(|words| snapshot.gaps[0].contains(words)), "{:?}", snapshot.gaps);
    }
    let server = Server::start(cluster(1));
    server.when(move |asked| (asked.path == path).then(|| forbidden("get", "configmaps")));
    assert!(
        gap(&observe(&server).unwrap())
            .starts_with("not allowed to get configmap tidegate-memory in namespace tidegate")
    );
}

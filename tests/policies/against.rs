//! What a policy and a cluster say to each other.

use tidegate::model::World;
use tidegate::observe;
use tidegate::policy::{Policy, PolicySource, Severity, absent_from, check_against, load, losses};

const HEAD: &str = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n";

fn policy(spec: &str) -> (Policy, Vec<PolicySource>) {
    let sources = vec![PolicySource { path: "p.yaml".into(), text: format!("{HEAD}{spec}").into_bytes() }];
    let loaded = load(&sources);
    (loaded.policy.unwrap_or_else(|| panic!("{:?}", loaded.problems)), sources)
}

fn world() -> World {
    let node = |name: &str, label: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name, "labels": {"pool": label}},
        })
    };
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "x", "namespace": "jhub", "uid": "x", "labels": {"component": "user"}},
        "spec": {"nodeName": "worker-1", "containers": [{"name": "c"}]},
    });
    let items = vec![node("worker-1", "a"), node("worker-2", "a"), node("gpu-1", "b"), pod];
    World::build(observe::from_values(items))
}

#[test]
fn a_policy_is_compared_with_the_cluster() {
    let at = "2026-06-01T00:00:00Z".parse().unwrap();
    for (spec, expected) in [
        ("  pools: [{name: a, nodes: {names: \"worker-{1..2}\"}}]\n", vec![]),
        // A range of which one exists is no mistake: the others may come back.
        (
            "  pools: [{name: a, nodes: {names: \"worker-{1..9}\"}, keep: worker-9}]\n",
            vec!["matches-nothing `worker-9`"],
        ),
        ("  pools: [{name: a, nodes: {names: [wroker-1, worker-2]}}]\n", vec!["matches-nothing `wroker-1`"]),
        (
            "  providers: [{name: cloud, openstack: {cloud: c}}]\n  pools: [{name: a, nodes: {names: new-1}, idle: delete, create: {image: u, flavors: f}}]\n",
            vec![],
        ),
        ("  pools: [{name: a, nodes: {labels: {pool: c}}}]\n", vec!["matches-nothing no"]),
        ("  pools: [{name: a, nodes: {labels: {pool: a}}, min: 3}]\n", vec!["too-few-nodes pool"]),
        (
            "  pools: [{name: a, nodes: {labels: {pool: a}}}, {name: b, nodes: {names: \"worker-*\"}}]\n",
            vec!["node-in-two-pools node"],
        ),
        (
            "  pools: [{name: a, nodes: {names: \"worker-{1..9}\"}}]\n  overrides:\n    - {target: pool/a, min: 1, expires: \"2026-05-01T00:00:00Z\", reason: r}\n    - {target: node/worker-7, min: 1, expires: \"2026-07-01T00:00:00Z\", reason: r}\n    - {target: node/worker-2, min: 1, expires: \"2026-07-01T00:00:00Z\", reason: r}\n",
            vec!["override-expired the", "matches-nothing there"],
        ),
        (
            "  pools: [{name: a, nodes: {names: worker-1}}]\n  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: wait}\n      - {match: {labels: {component: user}}, action: evict}\n",
            vec!["two-rules pod"],
        ),
    ] {
        let (policy, sources) = policy(spec);
        let problems = check_against(&policy, &world(), at);
        let found: Vec<String> = problems
            .iter()
            .map(|problem| format!("{} {}", problem.code, problem.message.split(' ').next().unwrap()))
            .collect();
        assert_eq!(found, expected, "{spec}\n{problems:?}");
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        assert_eq!(errors, expected.iter().filter(|code| code.starts_with("node-in-two-pools")).count());
        // The words that are meant are underlined although only their beginning is known.
        let text =
            tidegate::report::diagnostics::text(&problems, &sources, tidegate::report::diagnostics::Style::PLAIN);
        assert_eq!(text.matches("p.yaml:").count(), problems.len(), "{text}");
    }
}

/// What is named and not there is said where a policy is looked at, and nothing is said of kinds that were not listed.
#[test]
fn what_a_cluster_does_not_have_now_is_told() {
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: block}\n      - {match: {namespaces: [hub]}, action: evict}\n    disposable:\n      - {labels: {component: user}}\n      - {labels: {component: usr}}\n";
    for (spec, expected) in [
        ("  pools: [{name: a, nodes: {names: \"worker-{1..2}\"}}]\n", vec![]),
        ("  pools: [{name: a, nodes: {names: \"worker-*\"}}]\n", vec![]),
        ("  pools: [{name: a, nodes: {names: \"worker-{1..4}\"}}]\n", vec!["names-absent-nodes 5"]),
        // Nothing of it is there: that is a warning of its own.
        ("  pools: [{name: a, nodes: {names: \"wroker-{1..4}\"}}]\n", vec![]),
        (
            "  providers: [{name: cloud, openstack: {cloud: c}}]\n  pools: [{name: a, nodes: {names: \"worker-{1..4}\"}, create: {image: u, flavors: f}}]\n",
            vec![],
        ),
        (&format!("  pools: []\n{drain}"), vec!["matches-no-pod 9", "matches-no-pod 12"]),
    ] {
        let (policy, _) = policy(spec);
        let told = |world: &World| -> Vec<String> {
            let problems = absent_from(&policy, world);
            assert!(problems.iter().all(|problem| problem.severity == Severity::Warning && problem.help.is_some()));
            problems.iter().map(|one| format!("{} {}", one.code, one.place.as_ref().unwrap().line)).collect()
        };
        assert_eq!(told(&world()), expected, "{spec}");
        let nodes = observe::from_values(vec![serde_json::json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1", "uid": "worker-1"},
        })]);
        let listed: Vec<String> = told(&World::build(nodes));
        assert!(!listed.iter().any(|code| code.starts_with("matches-no-pod")), "no pods were listed: {listed:?}");
    }
}

/// A policy that is for another cluster is an error wherever that can be told, and nowhere else.
#[test]
fn a_policy_for_another_cluster_is_told() {
    for (seen, pinned, expected) in [
        (Some("c-1"), "  cluster: c-1\n", false),
        (Some("c-2"), "  cluster: c-1\n", true),
        (Some("c-2"), "", false),
        (None, "  cluster: c-1\n", false),
    ] {
        let (policy, _) = policy(&format!("{pinned}  pools: [{{name: a, nodes: {{names: worker-1}}}}]\n"));
        let mut world = world();
        world.cluster = seen.map(Into::into);
        let problems = absent_from(&policy, &world);
        let errors = problems.iter().filter(|one| one.severity == Severity::Error);
        let found: Vec<_> = errors.map(|one| (&*one.code, one.place.as_ref().unwrap().line)).collect();
        assert_eq!(
            found,
            expected.then_some(("other-cluster", 5)).into_iter().collect::<Vec<_>>(),
            "{seen:?} {pinned}"
        );
    }
}

/// An entry that lets pods go which nothing makes again says which, where it is the one that decides.
#[test]
fn what_an_entry_loses_is_told() {
    for (rules, expected) in [
        ("{match: {namespaces: [jhub]}, action: evict}", vec!["loses-pods jhub/x"]),
        ("{match: {namespaces: [jhub]}, action: wait}", vec![]),
        ("{match: {namespaces: [jhub]}, action: block}, {match: {labels: {component: user}}, action: evict}", vec![]),
        ("{match: {namespaces: [other]}, action: evict}", vec![]),
    ] {
        let (policy, _) = policy(&format!("  pools: []\n  drain: {{pods: [{rules}]}}\n"));
        let problems = losses(&policy, &world());
        let found: Vec<String> = (problems.iter())
            .map(|problem| format!("{} {}", problem.code, problem.message.rsplit(": ").next().unwrap()))
            .collect();
        assert_eq!(found, expected, "{rules}");
        assert!(problems.iter().all(|problem| problem.severity == Severity::Warning && problem.help.is_some()));
    }
}

//! Explanations: which of the other nodes can take a pod that keeps its node, and if not why, node by node.

use serde_json::json;
use tidegate::plan::{Explanation, explain_node, explain_pool, plan};
use tidegate::report::explain_text;

use super::CALM;
use super::fixture::{Cluster, RATES, WORKSHOP, at, merge, policy};

fn explained(cluster: &Cluster, object: &str) -> (Explanation, String) {
    let policy = policy(WORKSHOP, "");
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    let (kind, name) = object.split_once('/').unwrap();
    let found = match kind {
        "node" => explain_node(&policy, &world, &plan, name, at(CALM)),
        _ => explain_pool(&policy, &world, &plan, name, at(CALM)),
    };
    let found = found.unwrap();
    let text = explain_text(&found, &plan, 100);
    (found, text)
}

/// A pod of 7 cores on worker-5; worker-6 has no room for it, worker-7 a taint, worker-1 stays and is full.
fn crowded() -> Cluster {
    let mut cluster = Cluster::workers(7);
    cluster.pod("big", "worker-5", "big", "7");
    for number in [1, 6] {
        cluster.pod(&format!("bare-{number}"), &format!("worker-{number}"), "", "2");
    }
    let taint = json!({"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]});
    let node = cluster.items.iter_mut().find(|i| i["kind"] == "Node" && i["metadata"]["name"] == "worker-7").unwrap();
    merge(node, json!({"spec": taint, "metadata": {"annotations": {"tidegate.dev/hold": "debugging"}}}));
    cluster
}

#[test]
fn a_pod_that_keeps_its_node_says_what_each_other_node_says() {
    let cluster = crowded();
    let (found, text) = explained(&cluster, "node/worker-5");
    let pod = found.pods.iter().find(|pod| pod.pod == "default/big").unwrap();
    assert_eq!((pod.answer.as_str(), pod.homes), ("blocks", 0), "{text}");
    let nodes: Vec<(&str, bool, String)> =
        pod.nodes.iter().map(|node| (node.node.as_str(), node.fits, node.reasons.join("; "))).collect();
    assert_eq!(nodes.len(), 6, "every node but its own");
    let why = |name: &str| nodes.iter().find(|(node, ..)| *node == name).map(|(.., why)| why.as_str()).unwrap();
    assert_eq!(why("worker-1"), "Insufficient cpu");
    assert_eq!(why("worker-6"), "Insufficient cpu");
    assert!(why("worker-7").contains("untolerated taint {gpu: yes}"), "{}", why("worker-7"));
    assert_eq!(why("worker-2"), "it goes by this plan too");
    let text = strip(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.contains("on ")).collect();
    // The reason of most nodes first.
    assert_eq!(lines[0], "fits on no other node");
    assert!(lines[1].starts_with("not on worker-2, worker-3, worker-4: it goes by this plan too"), "{lines:?}");
    assert!(lines[2].starts_with("not on worker-1, worker-6: Insufficient cpu"), "{lines:?}");
}

/// Without colours.
fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut escape = false;
    for c in text.chars() {
        escape |= c == '\u{1b}';
        if !escape {
            plain.push(c);
        }
        escape &= c != 'm';
    }
    plain
}

#[test]
fn a_pool_shows_one_pod_for_each_thing_in_the_way() {
    let cluster = crowded();
    let (found, text) = explained(&cluster, "pool/workers");
    let pods: Vec<&str> = found.pods.iter().map(|pod| pod.pod.as_str()).collect();
    assert!(pods.contains(&"default/big") && pods.contains(&"default/bare-6"), "{pods:?}");
    assert!(found.pods.iter().all(|pod| pod.nodes.len() == 6));
    assert!(text.contains("what is in the way: a pod of each kind"), "{text}");
}

/// What happens to a node is one line, wherever nodes stand in a list.
#[test]
fn a_node_that_goes_is_one_line() {
    let mut cluster = Cluster::workers(4);
    cluster.pod("web-1", "worker-3", "web", "1");
    let (_, text) = explained(&cluster, "pool/workers");
    let text = strip(&text);
    for number in 2..=4 {
        assert_eq!(text.matches(&format!("worker-{number} ")).count(), 1, "{text}");
    }
    assert!(
        text.contains("worker-3 cordon → drain (1 eviction) → shelve: everything on it has another home"),
        "{text}"
    );
    let markdown = tidegate::report::plan_markdown(&cluster.plan(&policy(WORKSHOP, ""), CALM));
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| worker-")).collect();
    assert_eq!(rows.len(), 3, "{markdown}");
    assert!(rows.iter().any(|row| row.starts_with("| worker-3 | cordon → drain (1 eviction) → shelve | ")), "{rows:?}");
}

/// What a reviewer asks of a comment: who stays and why, who says so, where pods go, what is interrupted, what it costs.
#[test]
fn a_comment_says_what_the_text_says() {
    let mut cluster = Cluster::workers(4);
    cluster.pod("bare", "worker-2", "", "100m");
    cluster.pod("web-1", "worker-3", "web", "100m");
    let allocation = "  allocation: {balance: 1000, asOf: \"2026-11-22T00:00:00Z\"}\n";
    let money = format!("{RATES}{allocation}");
    let plan = cluster.plan(&policy(WORKSHOP, &money), CALM);
    let markdown = tidegate::report::plan_markdown(&plan);
    let home = plan.steps.iter().flat_map(|step| &step.pods).find_map(|pod| pod.home.clone()).unwrap();
    for words in [
        "stay as they are</summary>",
        "default/bare has no controller",
        "- workers: min 1 by ",
        "(`policy.yaml:",
        &format!("- worker-3: evict default/web-1 (room on {home}"),
        "has no Ready pod while `default/web-1` moves off worker-3",
        "| -8 SU/h |",
        "the allocation runs out ",
        "other nodes",
    ] {
        assert!(markdown.contains(words), "{words}:\n{markdown}");
    }
    let notes = plan.cost.as_ref().unwrap().notes.iter();
    assert!(notes.clone().count() > 0);
    notes.for_each(|note| {
        let note = tidegate::report::local_times(note, "America/Denver");
        assert!(markdown.contains(&note), "{note}:\n{markdown}");
    });
}

/// GitHub takes 65,536 characters in a comment: what is left out is counted.
#[test]
fn a_comment_on_a_large_plan_fits_and_counts_what_it_leaves_out() {
    let mut cluster = Cluster::workers(0);
    for number in 1..=3000 {
        cluster.node(&format!("worker-{number}"), json!({"labels": {"pool": "w"}}), json!({}), "ACTIVE");
        let owner = if number % 2 == 0 { format!("web-{number}") } else { String::new() };
        cluster.pod(&format!("pod-{number}"), &format!("worker-{number}"), &owner, "100m");
    }
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: test}\nspec:\n  \
                pools:\n    - {name: workers, nodes: {labels: {pool: w}}, min: 1}\n";
    let source = tidegate::policy::PolicySource { path: "p.yaml".into(), text: text.into() };
    let policy = tidegate::policy::load(&[source]).policy.unwrap();
    let plan = plan(&policy, &cluster.world(), at(CALM)).0;
    assert!(plan.steps.len() > 3000 && plan.kept.len() > 1000 && plan.outages.len() > 1000, "{}", plan.summary.text);
    let markdown = tidegate::report::plan_markdown(&plan);
    assert!(markdown.len() < 65_000, "{} bytes", markdown.len());
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
    let nodes = plan.steps.iter().map(|step| step.node.as_str()).collect::<std::collections::BTreeSet<_>>().len();
    let shown = markdown.lines().filter(|line| line.starts_with("| worker-")).count();
    assert!(shown > 50, "{shown}");
    let cut = format!("{} more, for which a comment has no room", nodes - shown);
    assert!(markdown.contains(&cut), "{cut}");
}

/// Five thousand nodes, each kept for a reason of its own: a text that a person can read, and all of it as a value.
#[test]
fn an_explanation_of_a_large_pool_stays_short() {
    let mut cluster = Cluster::workers(0);
    for number in 1..=5000 {
        cluster.node(&format!("worker-{number}"), json!({"labels": {"pool": "w"}}), json!({}), "ACTIVE");
        cluster.pod(&format!("bare-{number}"), &format!("worker-{number}"), "", "5");
    }
    let text = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: test}\nspec:\n  \
                pools:\n    - {name: workers, nodes: {labels: {pool: w}}, min: 1}\n";
    let source = tidegate::policy::PolicySource { path: "p.yaml".into(), text: text.into() };
    let policy = tidegate::policy::load(&[source]).policy.unwrap();
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    for found in [
        explain_pool(&policy, &world, &plan, "workers", at(CALM)).unwrap(),
        explain_node(&policy, &world, &plan, "worker-2500", at(CALM)).unwrap(),
    ] {
        let text = explain_text(&found, &plan, 100);
        assert!(text.lines().count() < 150, "{} lines", text.lines().count());
        assert!(text.contains("4999 nodes, "), "{text}");
        assert!(found.pods.iter().all(|pod| pod.nodes.len() == 4999));
    }
    assert!(tidegate::report::plan_text(&plan, 100).lines().count() < 300);
}

//! Each verb of writing taken from the role, one by one, under an apply of one node: named, and nothing is left half-way.

use super::both::{Both, node, nothing_left, status, workers};
use super::load::{only_on, template, workload};
use crate::acts::{role, without};
use crate::kubectl::{kubectl, make, until};
use serde_json::json;

/// Whether the account may do it, as the API server's authorizer says.
fn may(verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let resource = if resource == "events" { "events.events.k8s.io" } else { resource };
    let subresource = format!("--subresource={subresource}");
    let account = "--as=system:serviceaccount:tidegate:tidegate";
    let args = ["auth", "can-i", verb, resource, account, "-n", namespace, &subresource];
    kubectl(&args).is_ok_and(|answer| answer.trim() == "yes")
}

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn each_verb_that_an_apply_of_one_node_lacks_is_named() {
    let both = Both::open();
    let nodes = &workers()[..1];
    let web = [workload("Deployment", "apps", "web", 1, &template("web", "1s", "1s"))];
    only_on(&nodes[0], &web, &[("web".to_owned(), 1)].into());
    let (down, up) = (both.policy(1, nodes, ""), both.policy(2, nodes, ""));
    let cluster = ("clusterrole", "default", "tidegate-apply");
    let (own, events) = (("role", "tidegate", "tidegate-apply"), ("role", "default", "tidegate-events"));
    let (ready, cordoned, parked) = ("Ready", "Ready,SchedulingDisabled", "NotReady,SchedulingDisabled");
    // Each begins where the one before it left the node.
    for (verb, resource, (kind, namespace, name), policy, code, wanted) in [
        ("get", "leases", own, &down, 1, ready),
        ("create", "leases", own, &down, 1, ready),
        ("patch", "nodes", cluster, &down, 6, ready),
        ("create", "configmaps", own, &down, 6, ready),
        ("create", "pods/eviction", cluster, &down, 6, ready),
        ("create", "events", events, &down, 0, parked),
        ("delete", "configmaps", own, &up, 6, cordoned),
        ("update", "leases", own, &up, 0, ready),
        ("patch", "nodes/status", cluster, &down, 0, parked),
        ("update", "configmaps", own, &up, 6, parked),
    ] {
        let whole = role(kind, namespace, name);
        make(&[without(whole.clone(), resource, verb)]);
        until("the verb to be gone", || (!may(verb, resource, namespace)).then_some(()));
        let ran = both.apply(policy, &[]);
        let mut whole = whole;
        whole["metadata"] = json!({"name": name, "namespace": whole["metadata"]["namespace"]});
        make(&[whole]);
        until("the role to be whole again", || may(verb, resource, namespace).then_some(()));
        let said = format!("{}{}", ran.out, ran.err);
        let line = said.lines().find(|line| line.contains(&format!("not allowed to {verb} ")));
        println!("labs: without {verb} {resource}: {:?}, {}", ran.code, line.unwrap_or("NOTHING"));
        let line = line.unwrap_or_else(|| panic!("{verb} {resource} is not named:\n{said}"));
        assert!(line.contains("system:serviceaccount:tidegate:tidegate"), "{line}");
        assert_eq!(ran.code, Some(code), "{verb} {resource}: {said}");
        // A lock that could not be given back is over in a minute.
        let _ = kubectl(&["delete", "lease", "-n", "tidegate", "tidegate-apply", "--ignore-not-found"]);
        // What a failure bars for ten minutes is tried again at once here.
        let _ = kubectl(&["delete", "configmap", "-n", "tidegate", "tidegate-memory", "--ignore-not-found"]);
        assert_eq!(status(&node(&nodes[0])), wanted, "{verb} {resource}: {said}");
    }
    both.apply(&up, &[]).with(0);
    nothing_left(nodes);
}

//! Each verb of writing taken from the role, one by one, under an apply of one node: named, and nothing is left half-way.

use std::collections::{BTreeMap, BTreeSet};

use super::both::{Both, node, nothing_left, status, workers};
use super::load::{only_on, stand, template, workload};
use crate::acts::{role, without};
use crate::kubectl::{kubectl, make, until};
use serde_json::{Value, json};

/// Whether the account may do it, as the API server's authorizer says.
fn may(verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let resource = if resource == "events" { "events.events.k8s.io" } else { resource };
    let subresource = format!("--subresource={subresource}");
    let account = "--as=system:serviceaccount:tidegate:tidegate";
    let args = ["auth", "can-i", verb, resource, account, "-n", namespace, &subresource];
    kubectl(&args).is_ok_and(|answer| answer.trim() == "yes")
}

/// A role by kind, namespace and name.
type Role = (&'static str, &'static str, &'static str);

const CLUSTER: Role = ("clusterrole", "default", "tidegate-apply");
const OWN: Role = ("role", "tidegate", "tidegate-apply");
const EVENTS: Role = ("role", "default", "tidegate-events");

/// What a role lets an apply write.
fn verbs((kind, namespace, name): Role) -> BTreeSet<(String, String)> {
    let of = |rule: &Value, field: &str| -> Vec<String> {
        rule[field].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let whole = role(kind, namespace, name);
    let rules = whole["rules"].as_array().unwrap().iter();
    rules
        .flat_map(|rule| of(rule, "verbs").into_iter().map(|verb| (verb, of(rule, "resources"))))
        .flat_map(|(verb, resources)| resources.into_iter().map(move |resource| (verb.clone(), resource)))
        .collect()
}

/// The pods of `apps` on this node again, and on no other.
fn gather(on: &str, wanted: &BTreeMap<String, usize>) {
    let all = workers();
    let others: Vec<&str> =
        all.iter().map(String::as_str).chain([super::both::KEPT]).filter(|one| *one != on).collect();
    kubectl(&[&["cordon"], others.as_slice()].concat()).unwrap();
    kubectl(&["delete", "pods", "-n", "apps", "--all", "--force", "--grace-period=0"]).unwrap();
    stand(wanted);
    kubectl(&[&["uncordon"], others.as_slice()].concat()).unwrap();
}

#[test]
#[ignore = "needs both labs: tests/labs/run workshop"]
fn each_verb_that_an_apply_of_one_node_lacks_is_named() {
    let both = Both::open();
    let nodes = &workers()[..1];
    let name = &nodes[0];
    let mut stuck = template("stuck", "1s", "never");
    stuck["spec"]["terminationGracePeriodSeconds"] = json!(1);
    let wanted: BTreeMap<String, usize> = [("web".to_owned(), 2)].into();
    only_on(name, &[workload("Deployment", "apps", "web", 2, &template("web", "1s", "1s"))], &wanted);
    let (down, up) = (both.policy(1, nodes, ""), both.policy(2, nodes, ""));
    let forced = both.file("forced.yaml").to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&down).unwrap();
    std::fs::write(&forced, format!("{text}  drain: {{podTimeout: 5s, onTimeout: delete}}\n")).unwrap();
    let vanishing = both.file("vanishing.yaml").to_str().unwrap().to_owned();
    std::fs::write(&vanishing, text.replace("idle: shelve", "idle: shelve\n      parkedNode: delete")).unwrap();
    let (ready, cordoned, parked) = ("Ready", "Ready,SchedulingDisabled", "NotReady,SchedulingDisabled");
    let nothing = || {};
    let back = || drop(both.apply(&up, &[]).with(0));
    let home = || {
        back();
        gather(name, &wanted);
    };
    let with_stuck = || {
        back();
        make(&[workload("Deployment", "apps", "stuck", 1, &stuck)]);
        gather(name, &[("web".to_owned(), 2), ("stuck".to_owned(), 1)].into());
    };
    let without_stuck = || {
        kubectl(&["delete", "deployment", "-n", "apps", "stuck"]).unwrap();
        kubectl(&["delete", "pods", "-n", "apps", "-l", "app=stuck", "--force", "--grace-period=0"]).unwrap();
        home();
    };
    let deleted = || drop(kubectl(&["delete", "node", name]).unwrap());
    // Each begins where the one before it left the node.
    type Row<'a> = (&'a str, &'a str, Role, &'a dyn Fn(), &'a str, i32, &'a str);
    let table: [Row<'_>; 14] = [
        ("get", "leases", OWN, &nothing, &down, 1, ready),
        ("create", "leases", OWN, &nothing, &down, 1, ready),
        ("patch", "nodes", CLUSTER, &nothing, &down, 6, ready),
        ("create", "configmaps", OWN, &nothing, &down, 6, ready),
        ("create", "pods/eviction", CLUSTER, &nothing, &down, 6, ready),
        ("create", "events", EVENTS, &nothing, &down, 0, parked),
        ("delete", "configmaps", OWN, &nothing, &up, 6, cordoned),
        ("update", "leases", OWN, &nothing, &up, 0, ready),
        ("patch", "nodes/status", CLUSTER, &nothing, &down, 0, parked),
        ("update", "configmaps", OWN, &nothing, &up, 6, parked),
        ("delete", "pods", CLUSTER, &with_stuck, &forced, 6, ready),
        ("patch", "events", EVENTS, &without_stuck, &down, 0, parked),
        ("delete", "nodes", CLUSTER, &home, &vanishing, 0, parked),
        ("create", "nodes", CLUSTER, &deleted, &up, 6, "gone"),
    ];
    let taken = |of: Role| -> BTreeSet<(String, String)> {
        let rows = table.iter().filter(|row| row.2 == of);
        rows.map(|(verb, resource, ..)| ((*verb).to_owned(), (*resource).to_owned())).collect()
    };
    for of in [CLUSTER, OWN, EVENTS] {
        assert_eq!(taken(of), verbs(of), "{of:?}: each verb of the role is taken from it here");
    }
    // The short form leaves out the last ones, before which pods gather again and servers are shelved and woken.
    let rows = if std::env::var_os("TIDEGATE_LONG").is_some() { table.len() } else { 10 };
    for (verb, resource, (kind, namespace, of), prepare, policy, code, wanted) in table.into_iter().take(rows) {
        prepare();
        let whole = role(kind, namespace, of);
        make(&[without(whole.clone(), resource, verb)]);
        until("the verb to be gone", || (!may(verb, resource, namespace)).then_some(()));
        let ran = both.apply(policy, &[]);
        let mut whole = whole;
        whole["metadata"] = json!({"name": of, "namespace": whole["metadata"]["namespace"]});
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
        let there = kubectl(&["get", "node", name]).is_ok();
        let is = if there { status(&node(name)) } else { "gone".to_owned() };
        assert_eq!(is, wanted, "{verb} {resource}: {said}");
    }
    both.apply(&up, &[]).with(0);
    // With the whole role the Node object goes with its parked server, and comes back as it was (H24).
    let labels = node(name)["metadata"]["labels"].clone();
    both.apply(&vanishing, &[]).with(0);
    assert!(kubectl(&["get", "node", name]).is_err(), "the Node object of a parked server is deleted");
    both.apply(&up, &[]).with(0);
    assert_eq!(node(name)["metadata"]["labels"], labels);
    nothing_left(nodes);
}

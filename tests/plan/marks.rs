//! Nodes that carry our marks and that nobody wants to go any more, or that somebody else cordoned meanwhile.

use serde_json::json;
use tidegate::plan::{Code, Verb, verify};

use super::fixture::{Cluster, policy};
use super::{CALM, codes, verbs};

/// Chosen to go by a run that ended before it came to it.
fn chosen(cluster: &mut Cluster, number: usize, cordoned: bool) {
    let taint = json!({"key": "tidegate.dev/leaving", "value": "", "effect": "PreferNoSchedule"});
    let record = json!({"mark": "leaving", "since": "2026-11-22T18:00:00Z", "policy": "test", "pool": "workers",
                        "taints": [taint]});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    let spec = json!({"unschedulable": cordoned, "taints": [taint]});
    cluster.node(&format!("worker-{number}"), metadata, spec, "ACTIVE");
}

/// The taint would keep pods away for good (H14), and the label balancers (H15).
#[test]
fn h14_a_node_that_was_chosen_to_go_and_stays_loses_our_marks() {
    let mut cluster = Cluster::workers(2);
    (3..=4).for_each(|number| chosen(&mut cluster, number, false));
    for (min, given, parked) in [(4, vec!["worker-3", "worker-4"], 0), (1, vec![], 3)] {
        let policy = policy(&format!("      min: {min}\n"), "");
        let plan = cluster.plan(&policy, CALM);
        assert_eq!((verbs(&plan, Verb::Uncordon), verbs(&plan, Verb::Park).len()), (given, parked), "min {min}");
        let why: Vec<Code> =
            plan.steps.iter().filter(|step| step.verb == Verb::Uncordon).map(|step| step.reason.code).collect();
        assert!(why.iter().all(|code| *code == Code::GiveBack), "{why:?}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "min {min}");
    }
}

/// Tidegate's cordon and its mark come in one patch, so a cordon beside the mark of a chosen node is somebody else's.
#[test]
fn h12_a_chosen_node_that_somebody_cordons_is_not_uncordoned_for_the_floor() {
    let mut cluster = Cluster::workers(2);
    chosen(&mut cluster, 3, true);
    let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node("worker-4", metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    let policy = policy("      min: 3\n", "");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(verbs(&plan, Verb::Uncordon), ["worker-4"], "{:?}", plan.steps);
    assert_eq!(verbs(&plan, Verb::Wake), ["worker-4"]);
    assert!(codes(&plan, "worker-3").contains(&Code::CordonedByOther), "{:?}", plan.kept);
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

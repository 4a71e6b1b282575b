//! Two owners of one node (H16).

use serde_json::json;
use tidegate::model::OTHER_OWNERS;
use tidegate::plan::Code;

use crate::executing::{exit, lines};
use crate::fixture::{Cluster, merge};
use crate::{CALM, object, one_of_them, parks, stage};

/// A label, an annotation or a taint on worker-2.
fn marked(place: &str, key: &str) -> Cluster {
    let mut cluster = Cluster::workers(3);
    let with = match place {
        "taint" => json!({"spec": {"taints": [{"key": key, "value": "1", "effect": "PreferNoSchedule"}]}}),
        place => json!({"metadata": {place: {key: "some"}}}),
    };
    merge(object(&mut cluster, "Node", "worker-2"), with);
    cluster
}

/// Mark, place, owner as a person writes it, and the skip mark that a parked node then carries (place and key).
type Row = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);

const TABLE: [Row; 9] = [
    ("karpenter.sh/nodepool", "labels", "karpenter", Some(("annotations", "karpenter.sh/do-not-disrupt"))),
    ("karpenter.sh/provisioner-name", "labels", "Karpenter", Some(("annotations", "karpenter.sh/do-not-disrupt"))),
    (
        "DeletionCandidateOfClusterAutoscaler",
        "taint",
        "cluster-autoscaler",
        Some(("annotations", "cluster-autoscaler.kubernetes.io/scale-down-disabled")),
    ),
    ("cluster.x-k8s.io/machine", "annotations", "cluster-api", None),
    ("machine.openshift.io/machine", "annotations", "OpenShift Machine API", None),
    (
        "remediation.medik8s.io/exclude-from-remediation",
        "labels",
        "node-health-check",
        Some(("labels", "remediation.medik8s.io/exclude-from-remediation")),
    ),
    ("magnum.openstack.org/nodegroup", "labels", "magnum", None),
    ("spotinst.io/node-lifecycle", "labels", "Ocean", None),
    ("eks.amazonaws.com/nodegroup", "labels", "EKS node groups", None),
];

#[test]
fn h16_each_owner_keeps_its_nodes_until_the_policy_names_it() {
    for (mark, place, name, skip) in TABLE {
        let cluster = marked(place, mark);
        let plan = cluster.plan(&one_of_them("", ""), CALM);
        assert_eq!(parks(&plan), ["worker-3"], "{mark}");
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
        let reason = kept.reasons.iter().find(|reason| reason.code == Code::OtherOwner).unwrap();
        assert_eq!(reason.evidence.key.as_deref(), Some(mark));
        // The line that the blocker offers is one that lifts it.
        let blocker = plan.blockers.iter().find(|blocker| blocker.code == Code::OtherOwner).unwrap();
        for line in [blocker.lift[0].clone(), format!("sharedWith: [\"{name}\"]")] {
            let shared = one_of_them(&format!("      {line}\n"), "");
            let plan = cluster.plan(&shared, CALM);
            assert_eq!(parks(&plan).len(), 2, "{mark}: {line}");
            let told = plan.notes.iter().any(|note| note.starts_with("pool workers is shared with"));
            assert_eq!(told, skip.is_none(), "{mark}: where no mark helps, a person is told: {:?}", plan.notes);
        }
    }
    let covered = |mark: &str| TABLE.iter().any(|(known, ..)| *known == mark);
    assert!(OTHER_OWNERS.iter().all(|owner| owner.marks.iter().any(|mark| covered(mark))));
}

#[test]
fn h16_the_skip_marks_come_with_the_cordon_and_go_on_the_way_back() {
    for (mark, place, name, skip) in TABLE {
        let cluster = marked(place, mark);
        let stage = stage(&cluster, "");
        let more = format!("      sharedWith: [\"{name}\"]\n");
        let (outcome, told) = stage.apply(&one_of_them(&more, ""));
        assert_eq!((exit(&outcome), stage.parked()), (0, 2), "{mark}\n{}", lines(&told));
        let carries = |node: &str, (at, key): (&str, &str)| {
            let world = stage.world();
            let node = world.nodes[node].clone();
            if at == "labels" { node.labels.contains_key(key) } else { node.annotations.contains_key(key) }
        };
        for node in ["worker-2", "worker-3"] {
            assert!(skip.is_none_or(|skip| carries(node, skip)), "{mark} {node}");
        }
        let again = stage.plan(&one_of_them(&more, ""));
        assert!(again.steps.is_empty(), "our own marks are no reason: {:?}", again.summary.text);
        let (outcome, told) = stage.apply(&three(&more));
        assert_eq!((exit(&outcome), stage.parked()), (0, 0), "{mark}\n{}", lines(&told));
        let theirs = skip.is_some_and(|(_, key)| key == mark);
        for node in ["worker-2", "worker-3"] {
            let left = skip.is_some_and(|skip| carries(node, skip));
            assert_eq!(left, theirs && node == "worker-2", "{mark} {node}: only what is ours goes");
        }
        assert!(stage.nothing_of_ours());
    }
}

fn three(more: &str) -> tidegate::policy::Policy {
    crate::fixture::policy(&format!("      min: 3\n      max: 10\n{more}"), "")
}

#[test]
fn h16_a_skip_mark_by_somebody_else_keeps_the_node_and_stays() {
    let mut cluster = Cluster::workers(3);
    let key = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
    merge(object(&mut cluster, "Node", "worker-2"), json!({"metadata": {"annotations": {key: "true"}}}));
    let plan = cluster.plan(&one_of_them("      sharedWith: [cluster-autoscaler]\n", ""), CALM);
    assert_eq!(parks(&plan), ["worker-3"]);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
    assert_eq!(kept.reasons[0].code, Code::ScaleDownDisabled);
}

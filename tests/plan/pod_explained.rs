//! One pod: where it fits and where not, in one word, and what would help, each found by asking again.

use serde_json::{Value, json};
use tidegate::model::PodKey;
use tidegate::plan::{HelpKind, PodExplanation, PodVerdict, explain_pod, plan};
use tidegate::report::pod_text;

use super::CALM;
use super::fixture::{Cluster, WORKSHOP, at, merge, policy};

/// Of a pending pod `default/p` with this spec among seven workers of 8 cores.
fn cluster(pod: Value, change: impl Fn(&mut Cluster)) -> Cluster {
    let mut cluster = Cluster::workers(3);
    let mut object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "labels": {"app": "p"}},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Pending"},
    });
    merge(&mut object, pod);
    cluster.items.push(object);
    change(&mut cluster);
    cluster
}

fn explained(cluster: &Cluster) -> PodExplanation {
    let policy = policy(WORKSHOP, "");
    let world = cluster.world();
    let plan = plan(&policy, &world, at(CALM)).0;
    explain_pod(&world, Some((&policy, &plan)), &PodKey::new("default", "p"), at(CALM)).unwrap()
}

fn node<'a>(cluster: &'a mut Cluster, name: &str) -> &'a mut Value {
    cluster.items.iter_mut().find(|item| item["kind"] == "Node" && item["metadata"]["name"] == name).unwrap()
}

fn asks(cpu: &str) -> Value {
    json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}})
}

#[test]
fn every_state_of_a_pod_has_its_word() {
    use PodVerdict::*;
    let bound = |phase: &str| json!({"spec": {"nodeName": "worker-2"}, "status": {"phase": phase}});
    let owned = |kind: &str| {
        let mut pod = bound("Running");
        let owner = json!([{"apiVersion": "apps/v1", "kind": kind, "name": "d", "uid": "d", "controller": true}]);
        merge(&mut pod, json!({"metadata": {"ownerReferences": owner}}));
        pod
    };
    let unschedulable = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "x"}]);
    for (pod, verdict, words) in [
        (bound("Running"), FitsElsewhere, "on worker-2"),
        (bound("Pending"), FitsElsewhere, "is starting on worker-2; 2 other nodes"),
        (bound("Succeeded"), Finished, "has succeeded"),
        (bound("Failed"), Finished, "has failed"),
        (json!({"spec": {"nodeName": "gone"}, "status": {"phase": "Running"}}), FitsElsewhere, "not in the snapshot"),
        (owned("DaemonSet"), Tied, "a DaemonSet's pod"),
        (json!({}), Fits, "has no word of the scheduler"),
        (json!({"status": {"conditions": unschedulable}}), Fits, "found none when it last looked"),
        (json!({"spec": {"schedulerName": "packer"}}), Fits, "the scheduler `packer` has not placed it"),
        (
            json!({"spec": {"schedulingGates": [{"name": "quota"}]}}),
            Gated,
            "(`quota`) has to remove them; then 3 nodes",
        ),
        (json!({"status": {"nominatedNodeName": "worker-3"}}), Fits, "promised it worker-3, which has room for it now"),
        (
            json!({"status": {"nominatedNodeName": "gone"}}),
            Fits,
            "gone, which the scheduler promised it, cannot any more",
        ),
        (asks("100"), Unschedulable, "no node can take it"),
        (
            json!({"metadata": {"deletionTimestamp": "2026-11-10T23:40:00Z"}, "spec": {"nodeName": "worker-1"}}),
            Terminating,
            "is being deleted on worker-1",
        ),
    ] {
        let found = explained(&cluster(pod.clone(), |_| {}));
        assert_eq!(found.verdict, verdict, "{pod}: {}", found.text);
        assert!(found.text.contains(words), "{pod}: {}", found.text);
        let fits: Vec<bool> = found.nodes.iter().map(|node| node.fits).collect();
        assert!(fits.is_sorted_by(|one, other| one >= other), "those that fit first: {fits:?}");
        assert_eq!(found.leaving.is_some(), found.node.is_some(), "{pod}");
    }
}

/// A promise holds where pods have still to go from the node, and nowhere else: the scheduler looks at every node again.
#[test]
fn a_promised_node_counts_while_pods_go_from_it() {
    use PodVerdict::*;
    let nominated = |extra: Value| {
        let mut pod = asks("6");
        let message = "0/3 nodes are available: 3 Insufficient cpu.";
        let refused =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
        merge(
            &mut pod,
            json!({"spec": {"priority": 1000},
            "status": {"nominatedNodeName": "worker-1", "conditions": refused}}),
        );
        merge(&mut pod, extra);
        pod
    };
    type Change = fn(&mut Cluster);
    let full = |cluster: &mut Cluster, numbers: std::ops::RangeInclusive<u32>, priority: i32| {
        for number in numbers {
            let pod = cluster.pod(&format!("crowd-{number}"), &format!("worker-{number}"), "", "7");
            merge(pod, json!({"spec": {"priority": priority}}));
        }
    };
    let cases: [(Change, Value, PodVerdict, &str); 6] = [
        (|_| {}, json!({}), Fits, "has room for it now and is asked first"),
        (
            |cluster| node(cluster, "worker-1")["spec"]["unschedulable"] = json!(true),
            json!({}),
            Fits,
            "cannot any more",
        ),
        (|_| {}, json!({"status": {"nominatedNodeName": "gone"}}), Fits, "cannot any more"),
        (|_| {}, json!({"spec": {"preemptionPolicy": "Never"}}), Fits, "has room"),
        (|_| {}, json!({"spec": {"schedulingGates": [{"name": "quota"}]}}), Gated, "(`quota`)"),
        (
            |_| {},
            json!({"spec": {"nodeName": "worker-2"}, "status": {"phase": "Running"}}),
            FitsElsewhere,
            "on worker-2",
        ),
    ];
    for (change, extra, verdict, words) in cases {
        let found = explained(&cluster(nominated(extra.clone()), change));
        assert_eq!(found.verdict, verdict, "{extra}: {}", found.text);
        assert!(found.text.contains(words), "{extra}: {}", found.text);
    }
    for (numbers, priority, verdict, outlook) in [
        // Lower ones have to go: it waits for that, and nothing is brought.
        (1..=3, 0, Promised, "Nominated"),
        // Nobody will go from there.
        (1..=3, 1000, Unschedulable, ""),
        (1..=1, 1000, Fits, ""),
    ] {
        let cluster = cluster(nominated(json!({})), |cluster| full(cluster, numbers.clone(), priority));
        let found = explained(&cluster);
        assert_eq!(found.verdict, verdict, "{numbers:?} {priority}: {}", found.text);
        let reason = found.promise.map(|promise| format!("{:?}", promise.reason.code)).unwrap_or_default();
        assert_eq!(reason == "Nominated", outlook == "Nominated", "{numbers:?} {priority}: {reason}");
    }
}

/// What nobody read is no room, is not the scheduler's word, and is said.
#[test]
fn what_is_not_known_is_neither_yes_nor_no() {
    let unread = |cluster: &mut Cluster| {
        for number in 1..=3 {
            merge(cluster.pod(&format!("odd-{number}"), &format!("worker-{number}"), "", "1"), asks("-1"));
        }
    };
    let found = explained(&cluster(json!({}), unread));
    assert_eq!(found.verdict, PodVerdict::Unknown, "{}", found.text);
    assert!(found.nodes.iter().all(|node| !node.fits && node.unknown), "{:#?}", found.nodes);
    assert!(
        found.incomplete.iter().any(|gap| gap.contains("Pod default/odd-1 cannot be read")),
        "{:?}",
        found.incomplete
    );
    assert!(found.scheduler.is_none_or(|words| words.message.is_none()));
    // Devices are recognised, by either way to ask for them, and not simulated.
    for spec in [
        json!({"resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}]}),
        json!({"containers": [{"name": "c", "resources": {"limits": {"deviceclass.resource.kubernetes.io/gpu": "1"}}}]}),
    ] {
        let found = explained(&cluster(json!({"spec": spec}), |_| {}));
        let reasons: Vec<&String> = found.nodes.iter().flat_map(|node| &node.reasons).collect();
        assert!(reasons.iter().all(|reason| reason.contains("dynamic resource claims")), "{spec}: {reasons:?}");
        assert!(!reasons.is_empty(), "{spec}");
    }
    // A node that is not Ready, and says so by no taint, may get the pod from the scheduler: nothing would start there.
    let asleep = |cluster: &mut Cluster| {
        (1..=3).for_each(|number| node(cluster, &format!("worker-{number}"))["status"]["conditions"] = json!([]));
    };
    let found = explained(&cluster(json!({}), asleep));
    assert_eq!(found.verdict, PodVerdict::Unschedulable);
    assert!(found.text.contains("not Ready: the scheduler may bind it there all the same"), "{}", found.text);
    let message = found.scheduler.and_then(|words| words.message).unwrap();
    assert_eq!(message, "3/3 nodes are available", "not in the scheduler's mouth");
}

/// Forty teams with a taint each: one line for the taint, one for the cpu, and every toleration that would do.
#[test]
fn many_nodes_are_told_by_reason_and_every_help_is_there() {
    let teams = |cluster: &mut Cluster| {
        cluster.items.retain(|item| item["kind"] != "Node" && item["kind"] != "Server");
        for number in 1..=40 {
            let taint = json!([{"key": "team", "value": format!("t-{number}"), "effect": "NoSchedule"}]);
            cluster.node(&format!("worker-{number}"), json!({}), json!({"taints": taint}), "ACTIVE");
            if number > 25 {
                node(cluster, &format!("worker-{number}"))["status"]["allocatable"]["cpu"] = json!("500m");
            }
        }
    };
    let found = explained(&cluster(json!({}), teams));
    let tolerations = found.helps.iter().filter(|help| help.kind == HelpKind::Toleration).count();
    assert_eq!((tolerations, found.untried), (25, 0));
    let text = pod_text(&found, None, "UTC", 200);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("not on ")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("40 nodes") && lines[0].contains("untolerated taint {team}"), "{text}");
    assert!(lines[1].contains("15 nodes") && lines[1].contains("Insufficient cpu"), "{text}");
    let asks: Vec<_> =
        found.asks.iter().map(|asks| (&*asks.resource, &*asks.asked, &*asks.most_left, &*asks.largest)).collect();
    assert_eq!(asks, [("cpu", "1", "8", "8")]);
}

/// Only by pushing others out: pending, however important it is.
#[test]
fn a_pod_that_fits_only_by_preempting_says_so() {
    let crowd = |cluster: &mut Cluster| {
        for number in 1..=3 {
            cluster.pod(&format!("crowd-{number}"), &format!("worker-{number}"), "", "7");
        }
    };
    let mut pod = asks("6");
    merge(&mut pod, json!({"spec": {"priority": 1000}}));
    let found = explained(&cluster(pod.clone(), crowd));
    assert_eq!(found.verdict, PodVerdict::Preempts, "{}", found.text);
    assert_eq!(found.helps[0].kind, HelpKind::Preemption);
    assert_eq!(found.helps[0].nodes.len(), 3);
    merge(&mut pod, json!({"spec": {"preemptionPolicy": "Never"}}));
    assert_eq!(explained(&cluster(pod, crowd)).verdict, PodVerdict::Unschedulable);
}

/// Each single change that helps is found, with the nodes that it opens; what helps nobody is not said.
#[test]
fn what_would_help_is_found_by_asking_again() {
    let taint = |key: &str| json!({"spec": {"taints": [{"key": key, "value": "yes", "effect": "NoSchedule"}]}});
    let anti = json!({"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchLabels": {"app": "p"}}, "topologyKey": "kubernetes.io/hostname"}]});
    let twins = |cluster: &mut Cluster| {
        for number in 1..=3 {
            let name = format!("worker-{number}");
            merge(node(cluster, &name), json!({"metadata": {"labels": {"kubernetes.io/hostname": name}}}));
            cluster.items.push(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("twin-{number}"), "namespace": "default", "labels": {"app": "p"}},
                "spec": {"nodeName": name, "containers": [{"name": "c"}]}, "status": {"phase": "Running"}}));
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Cluster);
    let memory = json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"memory": "1000Gi"}}}]}});
    let cases: [(Value, Change<'_>, HelpKind, &str, &[&str]); 7] = [
        (
            memory,
            &|cluster| {
                (1..=3).for_each(|n| {
                    let room = json!({"status": {"allocatable": {"memory": "6776184Ki"}}});
                    merge(node(cluster, &format!("worker-{n}")), room);
                });
            },
            HelpKind::Request,
            "6617Mi instead of 1000Gi",
            &["worker-1", "worker-2", "worker-3"],
        ),
        (asks("8500m"), &|_| {}, HelpKind::Request, "8 instead of 8500m", &["worker-1", "worker-2", "worker-3"]),
        (
            json!({"spec": {"nodeSelector": {"disk": "ssd", "pool": "w"}}}),
            &|cluster| merge(node(cluster, "worker-2"), json!({"metadata": {"labels": {"pool": "w"}}})),
            HelpKind::NodeSelector,
            "drop disk=ssd",
            &["worker-2"],
        ),
        (
            json!({}),
            &|cluster| (1..=3).for_each(|n| merge(node(cluster, &format!("worker-{n}")), taint(&format!("t{n}")))),
            HelpKind::Toleration,
            "tolerate the taint t2=yes:NoSchedule",
            &["worker-2"],
        ),
        (
            json!({}),
            &|cluster| {
                (1..=3).for_each(|n| {
                    merge(node(cluster, &format!("worker-{n}")), json!({"spec": {"unschedulable": true}}))
                });
            },
            HelpKind::Uncordon,
            "uncordon one of 3 nodes",
            &["worker-1", "worker-2", "worker-3"],
        ),
        (
            json!({"spec": {"affinity": {"podAntiAffinity": anti}}}),
            &twins,
            HelpKind::PodAntiAffinity,
            "drop its required pod anti-affinity over kubernetes.io/hostname",
            &["worker-1", "worker-2", "worker-3"],
        ),
        (asks("100"), &|_| {}, HelpKind::Request, "cpu", &["worker-1", "worker-2", "worker-3"]),
    ];
    for (pod, change, kind, text, nodes) in cases {
        let found = explained(&cluster(pod.clone(), change));
        assert_eq!(found.verdict, PodVerdict::Unschedulable, "{pod}: {}", found.text);
        let help = found.helps.iter().find(|help| help.kind == kind && help.text.contains(text));
        let help = help.unwrap_or_else(|| panic!("{pod}: {:?}", found.helps));
        assert_eq!(help.nodes, nodes, "{pod}");
    }
}

/// The scheduler's message for the snapshot beside its own, which it wrote when there was more room or less.
#[test]
fn both_messages_are_shown_where_they_differ() {
    let says = |message: &str| {
        let condition =
            json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
        let mut pod = asks("100");
        merge(&mut pod, json!({"status": {"conditions": condition}}));
        let found = explained(&cluster(pod, |_| {}));
        let text = pod_text(&found, None, "UTC", 200);
        (found.scheduler.unwrap(), text)
    };
    let ours = "0/3 nodes are available: 3 Insufficient cpu.";
    let (words, text) = says(&format!("{ours} preemption: 0/3 nodes are available: 3 No preemption victims found."));
    assert!(words.agree && words.message.as_deref() == Some(ours), "{words:?}");
    assert!(!text.contains("for this snapshot"), "{text}");
    let (words, text) = says("0/2 nodes are available: 2 Insufficient cpu.");
    assert!(
        !words.agree
            && text.contains("when it last looked: 0/2")
            && text.contains(&format!("for this snapshot: {ours}"))
    );
}

/// A parked node is woken, and where there is none a pool can get one more; a text of few lines whatever the size.
#[test]
fn parked_nodes_and_new_ones_help() {
    let found = explained(&cluster(json!({}), |cluster| {
        for number in 1..=3 {
            cluster.pod(&format!("full-{number}"), &format!("worker-{number}"), "", "8");
        }
    }));
    assert!(found.helps.iter().any(|help| help.kind == HelpKind::NewNode), "{:?}", found.helps);
    let found = explained(&cluster(asks("6"), |cluster| {
        for number in 1..=3 {
            cluster.pod(&format!("full-{number}"), &format!("worker-{number}"), "", "8");
        }
        for number in 4..=5 {
            let record =
                json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
            let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
            cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
        }
    }));
    let wake = found.helps.iter().find(|help| help.kind == HelpKind::Wake).unwrap();
    assert_eq!((&*wake.text, wake.nodes.len()), ("wake one of 2 parked nodes of pool workers", 2));
    assert!(found.helps.iter().all(|help| help.kind != HelpKind::NewNode), "there are nodes to wake");
    let mut large = cluster(asks("100"), |_| {});
    for number in 4..=5000 {
        large.node(&format!("worker-{number}"), json!({"labels": {"pool": "w"}}), json!({}), "ACTIVE");
    }
    let world = large.world();
    let found = explain_pod(&world, None, &PodKey::new("default", "p"), at(CALM)).unwrap();
    assert_eq!(found.nodes.len(), 5000);
    let text = pod_text(&found, None, "UTC", 100);
    assert!(text.lines().count() < 40 && text.contains("does not fit on 5000 of 5000 nodes"), "{text}");
}

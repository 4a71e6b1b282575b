//! Pods on their way out: crash loops (H2), nodes that fail again (H3), Jobs (H4), long graces (H5), data (H11), pods that
//! come back (H13) or land on the next to go (H14).

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::execute::machine::Act;
use tidegate::execute::run::journal;
use tidegate::execute::{Event, EventKind};
use tidegate::plan::{Code, PodAction, verify};
use tidegate::policy::Policy;
use tidegate::sandbox::sim::What;

use crate::executing::cut::cut_after;
use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge};
use crate::{CALM, one_of_them, parks, stage};

#[test]
fn h2_a_pod_that_crashed_before_is_done_when_it_is_gone_and_its_replacement_is_bound() {
    let mut cluster = Cluster::workers(2);
    let crashed = json!({"status": {
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "c", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
    }});
    merge(cluster.pod("web-1", "worker-2", "web", "100m"), crashed);
    let stage = stage(&cluster, "");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{}", lines(&told));
    let at =
        |kind| told.iter().find(|event| event.kind == kind && event.pod.as_deref() == Some("default/web-1")).unwrap();
    let (gone, done) = (at(EventKind::PodGone).time, at(EventKind::ReplacementReady).time);
    assert!(done >= gone && done.duration_since(gone).as_secs() < 60, "{}", lines(&told));
    let world = stage.world();
    let pod = world.pods.values().next().unwrap();
    assert_eq!((pod.ready, pod.node.as_deref()), (false, Some("worker-1")), "bound elsewhere, and crashing as before");
}

/// What nothing makes again is waited for by nobody, and no event speaks of a replacement.
#[test]
fn h2_a_pod_that_nothing_makes_again_is_said_to_be_gone_for_good() {
    let mut cluster = Cluster::workers(2);
    cluster.pod("jhub/jupyter-dana", "worker-2", "", "100m");
    cluster.pod("jhub/proxy-1", "worker-2", "proxy", "100m");
    let stage = stage(&cluster, "");
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: evict}\n";
    let (outcome, told) = stage.apply(&one_of_them("", drain));
    assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{}", lines(&told));
    let of = |kind| -> Vec<(&str, bool)> {
        let mut of: Vec<(&str, bool)> = (told.iter().filter(|event| event.kind == kind))
            .map(|event| (event.pod.as_deref().unwrap(), event.message.contains("for good: nothing makes it again")))
            .collect();
        of.sort_unstable();
        of
    };
    let gone = [("jhub/jupyter-dana", true), ("jhub/proxy-1", false)];
    assert_eq!(of(EventKind::PodGone), gone, "{}", lines(&told));
    assert_eq!(of(EventKind::ReplacementReady), [("jhub/proxy-1", false)], "{}", lines(&told));
    assert_eq!(stage.world().pods.len(), 1, "one pod is left of two");
}

#[test]
fn h3_a_node_whose_drain_fails_is_barred_for_ten_minutes_doubling_to_six_hours() {
    let mut cluster = Cluster::workers(2);
    cluster.pod("web-1", "worker-2", "web", "100m");
    let stage = stage(&cluster, "- {target: pod/default/web-*, kind: evict-error}");
    let policy = one_of_them("", "");
    for (tries, minutes) in (1..).zip([10, 20, 40, 80, 160, 320, 360, 360]) {
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
        assert!(stage.nothing_of_ours() && stage.cordoned().is_empty(), "given back");
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        let plan = stage.plan(&policy);
        assert_eq!(plan.steps, [], "the same node again");
        let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
        let reason = &kept.reasons[0];
        let next = reason.evidence.until.unwrap();
        assert_eq!((reason.code, next.duration_since(failed.time).as_mins()), (Code::RecentlyFailed, minutes));
        assert_eq!(reason.evidence.pod.as_deref(), Some("default/web-1"));
        assert!(reason.text.contains(&format!("{tries} in a row")), "{}", reason.text);
        stage.until(&next.to_string());
    }
}

/// Two workers, a Job's pod on the second, and the Job with more of what is given.
fn job(pod: Value, job: Value) -> Cluster {
    let mut cluster = Cluster::workers(2);
    let found = cluster.pod("sums-1", "worker-2", "sums", "100m");
    found["metadata"]["ownerReferences"][0]["kind"] = json!("Job");
    found["metadata"]["ownerReferences"][0]["apiVersion"] = json!("batch/v1");
    merge(found, pod);
    let mut object = json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 1},
        "metadata": {"name": "sums", "namespace": "default", "uid": "uid-default-sums"}});
    merge(&mut object, job);
    cluster.items.push(object);
    cluster
}

#[test]
fn h4_pods_of_jobs_are_waited_for_unless_somebody_says_otherwise() {
    let evict = "  drain: {pods: [{match: {namespaces: [default]}, action: evict}]}\n";
    let safe = json!({"metadata": {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}}});
    let policy = |action: &str| {
        let rule = json!({"action": action, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]});
        json!({"spec": {"podFailurePolicy": {"rules": [rule]}}})
    };
    for (pod, object, rest, action) in [
        (json!({}), json!({}), "", PodAction::Wait),
        (json!({}), json!({}), evict, PodAction::Evict),
        (safe, json!({}), "", PodAction::Evict),
        (json!({}), policy("Ignore"), "", PodAction::Evict),
        (json!({}), policy("FailJob"), "", PodAction::Wait),
    ] {
        let cluster = job(pod.clone(), object.clone());
        let policy = one_of_them("", rest);
        let plan = cluster.plan(&policy, CALM);
        let found = plan.steps.iter().flat_map(|step| &step.pods).find(|entry| entry.pod == "default/sums-1").unwrap();
        assert_eq!(found.action, action, "{pod} {object} {rest}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
    // While it works its node stays up, and nothing is evicted.
    let stage = stage(&job(json!({}), json!({})), "");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
    let audit = stage.sandbox.audit();
    assert!(!audit.iter().any(|record| matches!(record.what, What::Evicted { .. } | What::Deleted { .. })));
}

#[test]
fn h4_a_job_that_ends_lets_its_node_go_and_not_before() {
    // `Always` is no Job's policy, but a pod that ended is never started again, whatever it says.
    for restart in ["Never", "OnFailure", "Always"] {
        let lasts = json!({"metadata": {"annotations": {"sandbox.tidegate.dev/lifetime": "30m"},
                                        "creationTimestamp": CALM}, "spec": {"restartPolicy": restart}});
        let stage = stage(&job(lasts, json!({})), "");
        let policy = one_of_them("", "");
        let plan = stage.plan(&policy);
        let (outcome, told) = stage.carry_out(&policy, Some(plan), false, false);
        assert_eq!((exit(&outcome), stage.parked()), (0, 1), "{restart}: {}", lines(&told));
        let audit = stage.sandbox.audit();
        assert!(!audit.iter().any(|record| matches!(record.what, What::Evicted { .. } | What::Deleted { .. })));
        let ended = audit.iter().find(|record| matches!(record.what, What::Finished { .. })).unwrap().at;
        let drain = |event: &&Event| event.kind == EventKind::StepStarted && event.message.starts_with("draining");
        let drained = told.iter().find(drain).unwrap().time;
        let began = CALM.parse::<Timestamp>().unwrap();
        assert_eq!((ended.duration_since(began).as_mins(), drained), (30, ended), "{restart}: {}", lines(&told));
    }
}

#[test]
fn h5_a_pod_has_its_own_grace_and_a_grace_beyond_the_longest_keeps_its_node() {
    let with = |grace: i64| {
        let mut cluster = Cluster::workers(2);
        let spec = json!({"spec": {"terminationGracePeriodSeconds": grace}});
        merge(cluster.pod("web-1", "worker-2", "web", "100m"), spec);
        cluster
    };
    let policy = one_of_them("", "");
    // Two minutes from the eviction's acceptance, or its grace and half a minute, whichever is longer.
    for (grace, seconds) in [(30, 120), (300, 330)] {
        let stage = stage(&with(grace), "- {target: pod/default/web-1, kind: stuck, on: stop}");
        let (outcome, told) = stage.apply(&policy);
        let at = |kind| told.iter().find(|event| event.kind == kind).unwrap().time;
        let took = at(EventKind::StepFailed).duration_since(at(EventKind::PodEvicted));
        assert_eq!((exit(&outcome), took.as_secs()), (6, seconds), "{}", lines(&told));
    }
    let slow = stage(&with(300), "- {target: pod/default/web-1, kind: slow, on: stop, latency: 290s}");
    let (outcome, told) = slow.apply(&policy);
    assert_eq!((exit(&outcome), slow.parked()), (0, 1), "{}", lines(&told));
    for (grace, goes) in [(600, 1), (601, 0)] {
        let plan = with(grace).plan(&policy, CALM);
        assert_eq!(parks(&plan).len(), goes, "{grace}: {:?}", plan.kept);
        let codes = plan.kept.iter().flat_map(|kept| &kept.reasons).filter(|reason| reason.code == Code::LongGrace);
        assert_eq!(codes.count(), 1 - goes);
    }
}

#[test]
fn h11_nodes_that_hold_data_stay_unless_the_pool_allows_it() {
    let labelled = |key: &str, value: &str| {
        let mut cluster = Cluster::workers(2);
        let mut labels = json!({});
        labels[key] = json!(value);
        merge(cluster.pod("data-1", "worker-2", "data", "100m"), json!({"metadata": {"labels": labels}}));
        cluster
    };
    let mut local = Cluster::workers(2);
    let claim = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    local.pod("data-1", "worker-2", "data", "100m")["spec"]["volumes"] = claim;
    local.items.push(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
        "spec": {"volumeName": "pv-1", "storageClassName": "local"}, "status": {"phase": "Bound"},
    }));
    local.items.push(json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
        "spec": {"local": {"path": "/data"}, "storageClassName": "local",
                 "claimRef": {"namespace": "default", "name": "data"},
                 "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                     {"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-2"]}]}]}}},
        "status": {"phase": "Bound"},
    }));
    for (cluster, moves) in [
        (labelled("longhorn.io/component", "instance-manager"), true),
        (labelled("app", "rook-ceph-osd"), true),
        (labelled("app.kubernetes.io/component", "linstor-satellite"), true),
        (local, false),
    ] {
        let of = |more: &str| {
            let policy = one_of_them(more, "");
            let plan = cluster.plan(&policy, CALM);
            assert_eq!(verify(&plan, &cluster.world(), &policy), []);
            let held = plan.kept.iter().flat_map(|kept| &kept.reasons).any(|reason| reason.code == Code::HoldsStorage);
            (held, parks(&plan).len())
        };
        assert_eq!(of(""), (true, 0));
        // Where the data itself cannot move, the pod has no other home.
        assert_eq!(of("      nodeStorage: allowed\n"), (false, usize::from(moves)));
    }
}

#[test]
fn h13_a_pod_that_tolerates_the_cordon_goes_last_and_once_and_stops_the_drain_if_it_comes_back() {
    let mut cluster = Cluster::workers(2);
    // So much is on the other node that the scheduler takes the emptied one.
    cluster.pod("heavy", "worker-1", "heavy", "6");
    let tolerates = json!({"spec": {"tolerations": [{"operator": "Exists"}]}});
    merge(cluster.pod("agent-1", "worker-2", "agent", "100m"), tolerates);
    cluster.pod("web-1", "worker-2", "web", "100m");
    let stage = stage(&cluster, "");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
    let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(failed.message.contains("tolerates-cordon"), "{}", failed.message);
    let audit = stage.sandbox.audit();
    let evicted = audit.iter().filter_map(|record| match &record.what {
        What::Evicted { pod, .. } => Some(&*pod.name),
        _ => None,
    });
    assert_eq!(evicted.collect::<Vec<_>>(), ["web-1", "agent-1"]);
    assert!(stage.nothing_of_ours() && stage.cordoned().is_empty());
    stage.sound();
}

#[test]
fn h14_evicted_pods_do_not_land_on_the_next_to_go() {
    let mut cluster = Cluster::workers(4);
    // The node that stays is the fullest: without our soft taint the scheduler would take the others first.
    cluster.pod("heavy", "worker-1", "heavy", "6");
    for number in 2..=4 {
        cluster.pod(&format!("web-{number}"), &format!("worker-{number}"), &format!("web{number}"), "100m");
    }
    let stage = stage(&cluster, "");
    let (outcome, told) = stage.apply(&one_of_them("      parallelism: 1\n", ""));
    assert_eq!((exit(&outcome), stage.parked()), (0, 3), "{}", lines(&told));
    for record in stage.sandbox.audit() {
        if let What::Bound { pod, node, .. } = record.what {
            assert_eq!(&*node, "worker-1", "{pod}");
        }
    }
    let taints = |node: &str| stage.world().nodes[node].taints.len();
    assert_eq!(taints("worker-1"), 0);
    // And it goes where the drain comes to nothing.
    let stage = self::stage(&cluster, "- {target: pod/default/web-3, kind: evict-error}");
    assert_eq!(exit(&stage.apply(&one_of_them("      parallelism: 1\n", "")).0), 6);
    assert!(stage.world().nodes["worker-3"].taints.is_empty() && stage.record("worker-3").is_none());
}

/// A node with a pod that never stops and one that does, cut short as soon as the first was told to go.
fn stuck(policy: &Policy) -> Stage {
    let mut cluster = Cluster::workers(2);
    cluster.pod("hangs-1", "worker-2", "hangs", "100m");
    cluster.pod("web-1", "worker-2", "web", "100m");
    (1..60)
        .find_map(|records| {
            let stage = stage(&cluster, "- {target: pod/default/hangs-*, kind: stuck, on: stop}");
            cut_after(&stage, policy, records);
            let audit = stage.sandbox.audit();
            let hangs = |what: &What| matches!(what, What::Evicted { pod, .. } if &*pod.name == "hangs-1");
            audit.iter().any(|record| hangs(&record.what)).then_some(stage)
        })
        .expect("it is evicted some time")
}

/// The one act that asks no budget: the plan spelled it out when it was agreed to, and the policy still says so.
#[test]
fn a_pod_is_deleted_only_where_the_plan_spelled_it_out_and_the_policy_still_says_so() {
    let give_back = one_of_them("", "");
    let delete = one_of_them("", "  drain: {onTimeout: delete}\n");
    for (agreed, now, expected) in [
        (&delete, &delete, ["default/hangs-1"].as_slice()),
        (&give_back, &delete, &[]),
        (&delete, &give_back, &[]),
        (&give_back, &give_back, &[]),
    ] {
        let stage = stuck(agreed);
        let spelled_out = journal::read(stage.folder.path()).unwrap().unwrap().plan;
        let moves: Vec<bool> =
            spelled_out.steps.iter().flat_map(|step| &step.pods).map(|pod| pod.delete_on_timeout).collect();
        assert_eq!(moves, [std::ptr::eq(agreed, &delete); 2]);
        let (outcome, told) = stage.carry_out(now, None, true, true);
        let acts = journal::read(stage.folder.path()).unwrap().unwrap().records;
        let deleted: Vec<String> = (acts.iter())
            .filter_map(|(_, record)| match record {
                journal::Record::Intent { what: Act::Delete { pod, .. }, .. } => Some(pod.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(deleted, expected, "{}", lines(&told));
        // A kubelet that does not answer keeps it all the same: the node is given back, and says why.
        assert_eq!((exit(&outcome), stage.parked()), (6, 0), "{}", lines(&told));
        let why = if expected.is_empty() { "after its eviction" } else { "after its deletion" };
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        assert!(failed.message.contains(why), "{}", failed.message);
        assert!(stage.nothing_of_ours() && stage.cordoned().is_empty(), "given back");
    }
}

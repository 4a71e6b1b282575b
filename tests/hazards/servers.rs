//! What a provider does with servers and refuses to do: each wrong ending is told apart, and the next choice is taken.

use serde_json::{Value, json};
use tidegate::execute::EventKind;
use tidegate::model::{ServerState, Uncertain};
use tidegate::plan::{Code, Plan};
use tidegate::policy::Policy;

use crate::executing::{Stage, exit, lines};
use crate::fixture::{Cluster, merge, policy};
use crate::{object, one_of_them, parks, stage};

fn state(stage: &Stage, name: &str) -> ServerState {
    stage.world().servers.values().find(|server| &*server.name == name).unwrap().state
}

fn kept<'a>(plan: &'a Plan, node: &str) -> Option<&'a tidegate::plan::Reason> {
    plan.kept.iter().find(|kept| kept.node == node).and_then(|kept| kept.reasons.first())
}

fn wakes(plan: &Plan) -> Vec<&str> {
    let steps = plan.steps.iter().filter(|step| step.verb == tidegate::plan::Verb::Wake);
    steps.map(|step| step.node.as_str()).collect()
}

fn both() -> Policy {
    policy("      replicas: 2\n", "")
}

/// Most clouds keep the second half of shelving for administrators; then SHELVED is parked, and what that costs is said.
#[test]
fn what_is_not_offloaded_is_asked_for_and_else_accepted_with_its_cost() {
    for (times, ends, warned) in
        [("", ServerState::Shelved, true), (", times: 1", ServerState::ShelvedOffloaded, false)]
    {
        let stage =
            stage(&Cluster::workers(2), &format!("- {{target: server/worker-2, kind: keep-shelved, on: park{times}}}"));
        let (outcome, told) = stage.apply(&one_of_them("", ""));
        assert_eq!((exit(&outcome), state(&stage, "worker-2")), (0, ends), "{}", lines(&told));
        let warning = told.iter().find(|event| event.kind == EventKind::Warning);
        assert_eq!(warning.is_some(), warned, "{}", lines(&told));
        if let Some(warning) = warning {
            let says =
                ["SHELVED and not offloaded", "keeps that for administrators", "its host stays reserved and may cost"];
            assert!(says.iter().all(|says| warning.message.contains(says)), "{}", warning.message);
        }
        // It is parked: nothing is left to do, and it wakes as ever.
        assert_eq!(stage.plan(&one_of_them("", "")).steps.len(), 0);
        let (outcome, told) = stage.apply(&both());
        assert_eq!((exit(&outcome), stage.nothing_of_ours()), (0, true), "{}", lines(&told));
    }
}

/// How long the cloud gets to free a shelved server's host is the provider's in the policy.
#[test]
fn the_time_to_offload_is_the_policys() {
    let faults = "- {target: server/worker-2, kind: keep-shelved, on: park, times: 1}\n\
                  - {target: server/worker-2, kind: slow, on: park, latency: 5m}";
    for (rest, ends) in [("", ServerState::Shelved), (OFFLOADS_SLOWLY, ServerState::ShelvedOffloaded)] {
        let stage = stage(&Cluster::workers(2), faults);
        let (outcome, told) = stage.apply(&one_of_them("", rest));
        assert_eq!((exit(&outcome), state(&stage, "worker-2")), (0, ends), "{rest}{}", lines(&told));
        let says = told.iter().any(|event| event.message.contains("the cloud did not in 2m"));
        assert_eq!(says, rest.is_empty(), "{}", lines(&told));
    }
}

const OFFLOADS_SLOWLY: &str = "  providers: [{name: p, openstack: {cloud: c, offloadTimeout: 10m}}]\n";

/// H8: what failed of one server alone says nothing of the others of its pool; what failed for want of room does.
#[test]
fn h8_the_next_choice_after_a_failed_wake_is_by_its_cause() {
    for (fault, why, next) in [
        ("no-image", "because the image it was shelved into is gone", "worker-3"),
        ("locked", "is locked", "worker-3"),
        ("no-valid-host", "because no host has room for it", ""),
        ("quota", "Quota exceeded for cores", ""),
    ] {
        let stage = stage(&Cluster::workers(3), &format!("- {{target: server/worker-2, kind: {fault}, on: wake}}"));
        assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
        let (outcome, told) = stage.apply(&both());
        let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
        assert_eq!(failed.node.as_deref(), Some("worker-2"), "{}", lines(&told));
        assert!(failed.message.contains(why), "{fault}: {}", failed.message);
        let alone = !next.is_empty();
        let choice = told.iter().find(|event| event.message.starts_with("the policy's next choice"));
        let said = format!("the policy's next choice in place of worker-2: {next}");
        assert_eq!(choice.map(|event| event.message.clone()), alone.then_some(said), "{}", lines(&told));
        // The one that is in ERROR now is not where the policy wants it.
        let code = if fault == "locked" { 0 } else { 6 };
        let expected = if alone { ServerState::Active } else { ServerState::ShelvedOffloaded };
        assert_eq!((exit(&outcome), state(&stage, "worker-3")), (code, expected), "{}", lines(&told));
        assert_eq!(stage.world().memory.pools["workers"].failed_wakes, u32::from(!alone));
        let plan = stage.plan(&both());
        assert!(wakes(&plan).is_empty(), "{fault}: {:#?}", plan.kept);
        let last: Vec<_> = told.iter().filter(|event| event.kind == EventKind::Summary).collect();
        assert_eq!((last.len(), last[0].tally.unwrap().failed), (1, 1), "{}", lines(&told));
        assert_eq!(told.last().unwrap().kind == EventKind::Summary, fault != "no-image", "{}", lines(&told));
    }
}

/// A plan that was approved as it is names all that is done: what fails is not replaced by what it does not name.
#[test]
fn h8_nothing_takes_the_place_of_what_failed_in_an_approved_plan() {
    let stage = stage(&Cluster::workers(3), "- {target: server/worker-2, kind: no-image, on: wake}");
    assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
    let (outcome, told) = stage.carry_out_exactly(&both());
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    assert_eq!(state(&stage, "worker-3"), ServerState::ShelvedOffloaded, "{}", lines(&told));
    assert_eq!(told.iter().filter(|event| event.kind == EventKind::Summary).count(), 1, "{}", lines(&told));
}

/// Where each of them fails for itself, each is tried once, and not all of a large pool in one run.
#[test]
fn h8_next_choices_come_to_an_end() {
    for (workers, tried) in [(4, 3), (9, 6)] {
        let stage = stage(&Cluster::workers(workers), "- {target: server/*, kind: no-image, on: wake}");
        assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
        let (outcome, told) = stage.apply(&both());
        let failed = told.iter().filter(|event| event.kind == EventKind::StepFailed);
        let nodes: Vec<&str> = failed.filter_map(|event| event.node.as_deref()).collect();
        let distinct: std::collections::BTreeSet<&str> = nodes.iter().copied().collect();
        assert_eq!((exit(&outcome), nodes.len(), distinct.len()), (6, tried, tried), "{}", lines(&told));
        let last: Vec<_> = told.iter().filter(|event| event.kind == EventKind::Summary).collect();
        assert_eq!((last.len(), last[0].tally.unwrap().failed as usize), (1, tried), "{}", lines(&told));
    }
}

/// What was cut short after any of its records goes on to the next choice when it is taken up again.
#[test]
fn h8_the_next_choice_is_taken_by_whoever_takes_it_up_again() {
    let mut records = 1;
    loop {
        let stage = stage(&Cluster::workers(3), "- {target: server/worker-2, kind: no-image, on: wake}");
        assert_eq!(exit(&stage.apply(&one_of_them("", "")).0), 0);
        let (_, ended) = crate::executing::cut::cut_after(&stage, &both(), records);
        let (_, told) = stage.carry_out(&both(), None, true, true);
        let expected = if ended { ServerState::ShelvedOffloaded } else { ServerState::Active };
        if ended {
            assert!(records > 5, "it failed before anything was done");
            break;
        }
        assert_eq!(state(&stage, "worker-3"), expected, "after {records} records\n{}", lines(&told));
        records += 1;
    }
}

#[test]
fn a_locked_server_is_not_parked_and_its_node_is_given_back() {
    let stage = stage(&Cluster::workers(3), "- {target: server/worker-3, kind: locked}");
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), stage.parked(), stage.stuck()), (6, 1, 0), "{}", lines(&told));
    let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(failed.message.contains("is locked"), "{}", failed.message);
    assert!(stage.cordoned().len() == 1 && !stage.cordoned().contains("worker-3"));
    assert_eq!(kept(&stage.plan(&one_of_them("", "")), "worker-3").unwrap().code, Code::RecentlyFailed);
}

/// Nova stops a server in order to save its disk. If that fails and the guest stays off, the node is not given back: it
/// keeps our mark, by which it may be woken.
#[test]
fn a_server_that_was_stopped_and_not_shelved_stays_ours() {
    let faults = "- {target: server/worker-2, kind: error, on: park, ends: active}\n\
                  - {target: node/worker-2, kind: node-never-ready, on: join}";
    let stage = stage(&Cluster::workers(2), faults);
    let (outcome, told) = stage.apply(&one_of_them("", ""));
    assert_eq!((exit(&outcome), state(&stage, "worker-2")), (6, ServerState::Active), "{}", lines(&told));
    let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
    assert!(
        failed.message.contains("came to nothing, the server is ACTIVE: shelving failed; the node is not Ready"),
        "{}",
        failed.message
    );
    assert!(stage.cordoned().contains("worker-2") && stage.record("worker-2").is_some());
}

fn with_server(cluster: &mut Cluster, name: &str, more: Value) {
    merge(object(cluster, "Server", name), more);
}

/// A lock, a GPU or a TPM is known before anything is drained for nothing.
#[test]
fn a_server_that_does_not_allow_it_is_kept_with_the_cause() {
    for (verb, idle, holds) in
        [("shelve", "", true), ("suspend", "", false), ("suspend", "      idle: suspend\n", true)]
    {
        let mut cluster = Cluster::workers(2);
        with_server(&mut cluster, "worker-2", json!({"status": {"cannot": {verb: "it has an emulated TPM"}}}));
        let plan = cluster.plan(&one_of_them(idle, ""), crate::CALM);
        assert_eq!(parks(&plan).len(), usize::from(!holds));
        if holds {
            let reason = kept(&plan, "worker-2").unwrap();
            assert_eq!(reason.code, Code::ServerRefuses);
            assert_eq!(reason.text, format!("its server does not allow `{verb}`: it has an emulated TPM"));
        }
    }
    let mut cluster = Cluster::workers(1);
    cluster.node("worker-2", json!({}), json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    cluster.node("worker-3", json!({}), json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    with_server(&mut cluster, "worker-2", json!({"status": {"cannot": {"wake": "it is locked"}}}));
    let plan = cluster.plan(&policy("      replicas: 2\n      adopt: true\n", ""), crate::CALM);
    assert_eq!((wakes(&plan), kept(&plan, "worker-2").unwrap().code), (vec!["worker-3"], Code::ServerRefuses));
}

/// A wake that the quota will refuse is not planned; where the quota counts shelved servers already, waking takes none of it.
#[test]
fn a_quota_bounds_the_wakes_that_are_planned() {
    // One worker of 8 cores runs, three are shelved: 8 or 32 are used.
    for (used, most, state, woken) in [
        (8, 32, "SHELVED_OFFLOADED", 3),
        (8, 24, "SHELVED_OFFLOADED", 2),
        (8, 23, "SHELVED_OFFLOADED", 1),
        (8, 8, "SHELVED_OFFLOADED", 0),
        (32, 32, "SHELVED_OFFLOADED", 3),
        (8, 8, "SHUTOFF", 3),
    ] {
        let mut cluster = Cluster::workers(1);
        for number in 2..=4 {
            cluster.node(&format!("worker-{number}"), json!({}), json!({"unschedulable": true}), state);
        }
        cluster.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Flavor", "metadata": {"name": "m3.medium"},
            "spec": {"capacity": {"cpu": "8", "memory": "30Gi"}},
        }));
        let cores = json!({"most": most * 1000, "used": used * 1000});
        cluster.items.push(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Quota", "metadata": {"name": "cloud"}, "quota": {"cpu": cores},
        }));
        let plan = cluster.plan(&policy("      replicas: 4\n      adopt: true\n", ""), crate::CALM);
        assert_eq!(wakes(&plan).len(), woken, "{used} of {most}: {:#?}", plan.kept);
        if woken < 3 {
            let reason = kept(&plan, "worker-4").unwrap();
            assert_eq!(reason.code, Code::Quota);
            let left = (most - used) as usize - woken * 8;
            assert_eq!(reason.text, format!("the quota of provider  leaves {left} cores, and its server needs 8"));
            assert!(plan.blockers.iter().any(|blocker| blocker.code == Code::Quota), "{:#?}", plan.blockers);
        }
    }
}

/// H27: the provider's attachments may outlive Kubernetes'. Volumes that are none of its own do not count.
#[test]
fn h27_a_volume_that_the_provider_has_still_attached_holds_the_server() {
    for (volume, held) in [("vol-1", true), ("root-disk", false)] {
        let mut cluster = Cluster::workers(2);
        with_server(&mut cluster, "worker-2", json!({"status": {"volumes": [volume]}}));
        cluster.items.push(json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
            "spec": {"csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": "vol-1"}, "capacity": {"storage": "1Gi"}},
        }));
        let stage = stage(&cluster, "");
        let (outcome, told) = stage.apply(&one_of_them("", ""));
        assert_eq!((exit(&outcome), stage.parked()), if held { (6, 0) } else { (0, 1) }, "{}", lines(&told));
        if held {
            let failed = told.iter().find(|event| event.kind == EventKind::StepFailed).unwrap();
            assert!(failed.message.contains("volume pv-1 was still attached at the provider"), "{}", failed.message);
            assert!(stage.nothing_of_ours());
        }
    }
}

/// Two servers of one name: nobody guesses which. A providerID of OpenStack's names one server and no other.
#[test]
fn servers_are_found_by_id_else_by_name_and_never_by_a_guess() {
    let twin = |id: &str| {
        json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "Server", "metadata": {"name": "worker-2"},
            "spec": {"id": id, "flavor": "m3.medium"}, "status": {"state": "ACTIVE"},
        })
    };
    for (provider_id, twins, expected) in [
        ("openstack:///id-worker-2", &["a"][..], Ok("id-worker-2")),
        ("openstack://IU/id-worker-2", &["a"], Ok("id-worker-2")),
        ("", &[], Ok("id-worker-2")),
        ("", &["a"], Err(2)),
        ("kind://docker/worker-2", &[], Ok("id-worker-2")),
        ("kind://docker/worker-2", &["a", "b"], Err(3)),
        // Made anew under the old name: another server.
        ("openstack:///id-of-the-old-one", &[], Err(0)),
    ] {
        let mut cluster = Cluster::workers(2);
        merge(object(&mut cluster, "Node", "worker-2"), json!({"spec": {"providerID": provider_id}}));
        cluster.items.extend(twins.iter().map(|id| twin(id)));
        let world = cluster.world();
        let found = world.find_server("worker-2", world.nodes.get("worker-2").map(AsRef::as_ref));
        let told =
            found.map(|server| server.map(|server| server.id.to_string())).map_err(|uncertain| match uncertain {
                Uncertain::Several(ids) => ids.len(),
                other => panic!("{other}"),
            });
        match expected {
            Ok(id) => assert_eq!(told, Ok(Some(id.to_owned())), "{provider_id}"),
            Err(0) => assert_eq!(told, Ok(None), "{provider_id}"),
            Err(several) => assert_eq!(told, Err(several), "{provider_id}"),
        }
        let plan = cluster.plan(&one_of_them("", ""), crate::CALM);
        assert_eq!(parks(&plan).len(), usize::from(expected.is_ok()), "{provider_id}: {:#?}", plan.kept);
        if expected == Err(0) {
            let reason = kept(&plan, "worker-2").unwrap();
            assert_eq!(reason.text, "no server is known behind it (its providerID is openstack:///id-of-the-old-one)");
        }
        if let Err(several @ 2..) = expected {
            let reason = kept(&plan, "worker-2").unwrap();
            assert_eq!(reason.code, Code::ServerError);
            let text = format!("{several} servers have its name and nothing says which is its own");
            assert!(reason.text.starts_with(&text), "{}", reason.text);
        }
    }
}

/// H23. Two nodes with one server: what is done to one would be done to the other. Neither goes, whoever keeps or holds the other, and
/// a plan that says otherwise is found out.
#[test]
fn a_server_that_two_nodes_claim_is_neithers() {
    let shared = "its server is also that of worker-3, by providerID or name: nobody knows whose it is";
    let carries = "its server says that it carries worker-3: nobody knows whose it is";
    type Claim<'a> = (&'a str, &'a dyn Fn(&mut Cluster), &'a str);
    let claims: [Claim<'_>; 3] = [
        (
            "one providerID twice",
            &|cluster| {
                for name in ["worker-2", "worker-3"] {
                    let one = json!({"spec": {"providerID": "openstack:///id-worker-3"}});
                    merge(object(cluster, "Node", name), one);
                }
            },
            shared,
        ),
        (
            "by providerID one, by name another",
            &|cluster| {
                let bare = object(cluster, "Node", "worker-2");
                bare["spec"].as_object_mut().unwrap().remove("providerID");
                let other = json!({"spec": {"providerID": "openstack:///id-worker-2"}});
                merge(object(cluster, "Node", "worker-3"), other);
            },
            shared,
        ),
        (
            "by the server's own word another's",
            &|cluster| {
                merge(object(cluster, "Node", "worker-2"), json!({"spec": {"providerID": "openstack:///id-worker-2"}}));
                with_server(cluster, "worker-2", json!({"spec": {"node": "worker-3"}}));
            },
            carries,
        ),
    ];
    for (what, claim, words) in claims {
        let mut cluster = Cluster::workers(3);
        let sound = cluster.plan(&one_of_them("", ""), crate::CALM);
        assert_eq!(parks(&sound), ["worker-3", "worker-2"], "undisputed");
        claim(&mut cluster);
        let kept_too = policy("      min: 1\n      keep: [\"worker-1\", \"worker-3\"]\n", "");
        for policy in [one_of_them("", ""), kept_too] {
            let plan = cluster.plan(&policy, crate::CALM);
            // Where only a server's word speaks against a providerID, the other node's own server is undisputed.
            let undisputed = |name: &&str| words == carries && *name == "worker-3";
            assert!(parks(&plan).iter().all(undisputed), "{what}: {:?}", parks(&plan));
            let reason = kept(&plan, "worker-2").unwrap();
            assert!(reason.text.contains(words), "{what}: {}", reason.text);
            assert_eq!(tidegate::plan::verify(&plan, &cluster.world(), &policy), [], "{what}");
            // The plan of a world in which nobody disputed it is no longer true.
            let found = tidegate::plan::verify(&sound, &cluster.world(), &policy);
            let told = |violation: &tidegate::plan::Violation| violation.text.contains("that it names is that of");
            assert!(found.iter().any(told), "{what}: {found:?}");
        }
    }
}

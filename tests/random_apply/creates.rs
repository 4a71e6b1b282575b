//! Servers that are made and destroyed: for pods that wait, cut short anywhere, refused by the cloud, never joining.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate::cluster::keys;
use tidegate::model::{Flavor, Kind, PodKey, Resources, Snapshot, World};
use tidegate::plan::{Code, Outlook, Plan, Step, Verb, verify};
use tidegate::policy::Policy;

use crate::build::{cluster, mins, owned, pod, secs, spec, workload};
use crate::executing::cut::cut_after;
use crate::executing::{Stage, exit, lines, policy_text};

/// One node of 8 cores that stays, with a pod each of `web` and `cart`, which ask for so many millicores; and two flavors.
pub fn shop(web: i64, cart: i64) -> Snapshot {
    let mut snapshot = cluster(1);
    snapshot.observed = Kind::ALL.into_iter().collect();
    for (name, of, cpu) in [("web-1", "web", web), ("cart-1", "cart", cart)] {
        let mut made = owned(pod(name, "n-1"), "ReplicaSet", of);
        made.spec = std::sync::Arc::new(spec(cpu));
        snapshot.pods.push(made);
    }
    snapshot.workloads = vec![workload("ReplicaSet", "web", Some(1)), workload("ReplicaSet", "cart", Some(1))];
    let flavor = |name: &str, cores: i64| Flavor {
        name: name.into(),
        provider: "cloud".into(),
        capacity: Resources { cpu: cores * 1000, memory: cores << 32, pods: 110, ..Resources::default() },
    };
    snapshot.flavors = vec![flavor("small", 4), flavor("large", 8)];
    snapshot
}

pub const RATES: &str = "  rates:\n    - {unit: SU, perHour: {small: 4, large: 9}}\n";

pub fn policy(burst: &str, rest: &str) -> Policy {
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: shop}}
spec:
  providers:
    - {{name: cloud, openstack: {{cloud: shop}}}}
  pools:
    - name: base
      nodes: {{names: \"n-*\"}}
      min: 1
    - name: burst
      nodes: {{names: \"burst-{{1..4}}\"}}
      idle: delete
      unneededFor: 10m
      minParked: 1m
      create:
        image: ubuntu
        flavors: [small, large]
        labels: {{tier: burst}}
        userData: \"#!/bin/sh\\njoin ${{TIDEGATE_NODE}} ${{HOME}}\"
{burst}{rest}"
    ))
}

pub fn scale(stage: &Stage, workload: &str, pods: u32) {
    stage.sandbox.scale(&PodKey::new("web", workload), pods).unwrap();
    stage.sandbox.advance(secs(5)).unwrap();
}

pub fn waiting(world: &World) -> usize {
    world.pods.values().filter(|pod| pod.node.is_none() && !pod.finished()).count()
}

/// The servers that Tidegate made, by name, with their flavors.
pub fn made(world: &World) -> BTreeMap<String, String> {
    let ours = world.servers.values().filter(|server| server.metadata.contains_key(keys::CREATED));
    ours.map(|server| (server.name.to_string(), server.flavor.to_string())).collect()
}

pub fn steps(plan: &Plan, verb: Verb) -> Vec<&Step> {
    plan.steps.iter().filter(|step| step.verb == verb).collect()
}

/// What is made, and nothing else, has a node and a server; every server has a node that is up.
pub fn nothing_leaks(stage: &Stage) {
    let world = stage.world();
    let nodes: Vec<&str> = world.nodes.keys().map(|name| &**name).filter(|name| name.starts_with("burst")).collect();
    let servers = made(&world);
    assert_eq!(nodes, servers.keys().map(String::as_str).collect::<Vec<_>>(), "nodes and servers");
    for name in nodes {
        let node = &world.nodes[name];
        assert!(node.ready() && !node.unschedulable && !node.annotations.contains_key(keys::RECORD), "{name}");
        assert!(
            node.provider_id.as_deref().is_some_and(|id| world.servers.contains_key(id.rsplit('/').next().unwrap()))
        );
    }
    assert_eq!(world.servers.len(), servers.len() + 1, "no other server is there");
}

#[test]
fn servers_are_made_for_pods_and_deleted_when_nothing_needs_them() {
    let stage = Stage::of(shop(1000, 3000), "");
    let policy = policy("", RATES);
    assert!(stage.plan(&policy).steps.is_empty(), "{:#?}", stage.plan(&policy).steps);
    scale(&stage, "cart", 5);
    assert_eq!(waiting(&stage.world()), 3);
    let plan = stage.plan(&policy);
    assert_eq!(verify(&plan, &stage.world(), &policy), vec![]);
    let creates = steps(&plan, Verb::Create);
    assert_eq!(creates.iter().map(|step| &*step.node).collect::<Vec<_>>(), ["burst-1", "burst-2", "burst-3"]);
    assert!(creates.iter().all(|step| step.reason.code == Code::Demand && step.cost.is_some()));
    // Two pods on a large one for 9, or one on a small one for 4: the small ones are cheaper.
    assert!(creates.iter().all(|step| step.creation.as_ref().unwrap().flavor == "small"));
    assert!(plan.summary.text.contains("3 to create (small) for 3 pending pods"), "{}", plan.summary.text);
    assert_eq!(
        plan.cost.as_ref().unwrap().after_per_hour_micros,
        creates.iter().map(|step| step.cost.unwrap().per_hour_micros).sum::<i64>()
    );
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    stage.sandbox.advance(mins(2)).unwrap();
    assert_eq!(waiting(&stage.world()), 0);
    nothing_leaks(&stage);
    let world = stage.world();
    assert_eq!(&*world.nodes["burst-1"].labels["tier"], "burst");
    assert!(stage.plan(&policy).steps.is_empty(), "it settles: {:#?}", stage.plan(&policy).steps);
    scale(&stage, "cart", 2);
    stage.sandbox.advance(mins(1)).unwrap();
    stage.apply(&policy);
    assert_eq!(made(&stage.world()).len(), 3, "nothing goes at once");
    stage.sandbox.advance(mins(10)).unwrap();
    let plan = stage.plan(&policy);
    assert_eq!(verify(&plan, &stage.world(), &policy), vec![]);
    assert_eq!((steps(&plan, Verb::Delete).len(), plan.summary.delete), (3, 3), "{:#?}", plan.kept);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert_eq!(made(&stage.world()).len(), 0);
    nothing_leaks(&stage);
    let after = stage.plan(&policy);
    assert!(after.steps.is_empty() && after.refusals.is_empty(), "{:#?}", after.refusals);
    stage.sound();
}

/// A stage whose next plan makes servers, or deletes them.
fn before(deletes: bool, policy: &Policy) -> Snapshot {
    let stage = Stage::of(shop(1000, 3000), "");
    scale(&stage, "cart", 5);
    if deletes {
        stage.apply(policy);
        stage.sandbox.advance(mins(1)).unwrap();
        scale(&stage, "cart", 3);
        stage.apply(policy);
        stage.sandbox.advance(mins(11)).unwrap();
    }
    stage.sandbox.snapshot()
}

/// Servers by name and flavor, and how many pods wait: ids and generated names differ.
fn end_state(stage: &Stage) -> (BTreeMap<String, String>, usize) {
    stage.sandbox.advance(mins(2)).unwrap();
    (made(&stage.world()), waiting(&stage.world()))
}

fn survives(deletes: bool) {
    let policy = policy("", "");
    let start = before(deletes, &policy);
    let undisturbed = Stage::of(start.clone(), "");
    let verb = if deletes { Verb::Delete } else { Verb::Create };
    assert!(!steps(&undisturbed.plan(&policy), verb).is_empty());
    let (total, whole) = cut_after(&undisturbed, &policy, usize::MAX);
    assert!(whole && total > 5, "{total} records");
    let expected = end_state(&undisturbed);
    for records in 0..total {
        for resume in [true, false] {
            let stage = Stage::of(start.clone(), "");
            cut_after(&stage, &policy, records);
            let context = format!("cut after {records} of {total}, resumed: {resume}");
            if resume {
                let (outcome, told) = stage.carry_out(&policy, None, true, true);
                assert_eq!(exit(&outcome), 0, "{context}\n{}", lines(&told));
            } else {
                // Planned anew as often as there is something to do: at once, and when the provider is done.
                for _ in 0..3 {
                    let plan = stage.plan(&policy);
                    assert_eq!(verify(&plan, &stage.world(), &policy), [], "{context}");
                    let (outcome, told) = stage.apply(&policy);
                    // What the provider is still at work on is said.
                    let code = if stage.plan(&policy).unsettled() { 6 } else { 0 };
                    assert_eq!(exit(&outcome), code, "{context}\n{outcome:?}\n{}", lines(&told));
                    stage.sandbox.advance(mins(1)).unwrap();
                }
            }
            assert_eq!(end_state(&stage), expected, "{context}");
            nothing_leaks(&stage);
            stage.sound();
            let again = stage.plan(&policy);
            assert!(
                again.steps.is_empty() && again.refusals.is_empty(),
                "{context}: {:#?} {:#?}",
                again.steps,
                again.refusals
            );
        }
    }
}

#[test]
fn servers_being_made_survive_a_cut_after_every_record_and_leak_nothing() {
    survives(false);
}

#[test]
fn servers_being_deleted_survive_a_cut_after_every_record_and_leak_nothing() {
    survives(true);
}

/// H8: what the cloud has none of is left in peace for a while, and the next flavor is taken.
#[test]
fn another_flavor_is_taken_when_the_cloud_refuses_one() {
    for fault in [
        "- {target: 'server/burst-*', kind: quota, on: create, times: 1}",
        "- {target: 'server/burst-*', kind: no-valid-host, on: create, times: 1}",
    ] {
        let stage = Stage::of(shop(1000, 3000), fault);
        let policy = policy("", RATES);
        scale(&stage, "cart", 3);
        let first = stage.plan(&policy);
        let wanted = first.steps[0].creation.as_ref().unwrap().flavor.clone();
        let (outcome, told) = stage.apply(&policy);
        assert_eq!(exit(&outcome), 0, "{}", lines(&told));
        let made = made(&stage.world());
        assert_eq!(made.len(), 1, "nothing is left of the first: {}", lines(&told));
        let said = told
            .iter()
            .any(|event| event.message.starts_with("the policy's next choice in place of burst-1: burst-1 ("));
        assert!(said, "{}", lines(&told));
        let taken =
            stage.world().servers.values().find(|server| server.name.starts_with("burst")).unwrap().flavor.to_string();
        assert_ne!(wanted, taken, "the other flavor");
        stage.sandbox.advance(mins(1)).unwrap();
        assert_eq!(waiting(&stage.world()), 0);
        nothing_leaks(&stage);
    }
}

/// H8: it does not count, goes again, and its pool backs off.
#[test]
fn a_server_that_never_joins_is_deleted_and_its_pool_backs_off() {
    let stage = Stage::of(shop(1000, 3000), "- {target: 'node/burst-*', kind: node-never-ready}");
    let policy = policy("", "");
    scale(&stage, "cart", 3);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 6, "{}", lines(&told));
    assert_eq!(made(&stage.world()).len(), 0, "{}", lines(&told));
    let plan = stage.plan(&policy);
    assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
    let held = plan.waiting.iter().find(|waiting| waiting.outlook == Outlook::Waits).unwrap();
    assert_eq!(held.reason.code, Code::BackOff);
    nothing_leaks(&stage);
}

/// Only what carries our mark is destroyed, and more of what is adopted than a brake allows is not.
#[test]
fn what_tidegate_did_not_make_is_not_deleted_unless_it_is_adopted() {
    let text = |adopt: bool, most: u32| {
        policy_text(&format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: shop}}\nspec:\n  brakes: {{maxDeletes: \
             {most}}}\n  pools:\n    - {{name: all, nodes: {{names: \"n-*\"}}, min: 1, idle: delete, adopt: {adopt}}}\n"
        ))
    };
    let stage = Stage::of(Snapshot { observed: Kind::ALL.into_iter().collect(), ..cluster(3) }, "");
    let plan = stage.plan(&text(false, 3));
    assert!(plan.steps.is_empty());
    let kept: Vec<Code> = plan.kept.iter().map(|kept| kept.reasons[0].code).collect();
    assert_eq!(kept.iter().filter(|code| **code == Code::NotOurs).count(), 2, "{kept:?}");
    let braked = stage.plan(&text(true, 1));
    assert!(braked.refusals.iter().any(|refusal| refusal.brake == "max-deletes"), "{:?}", braked.refusals);
    let plan = stage.plan(&text(true, 2));
    assert_eq!(verify(&plan, &stage.world(), &text(true, 2)), vec![]);
    assert_eq!((steps(&plan, Verb::Delete).len(), plan.refusals.len()), (2, 0));
    assert_eq!(exit(&stage.apply(&text(true, 2)).0), 0);
    assert_eq!((stage.world().servers.len(), stage.world().nodes.len()), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the load does and whatever sizes its pods have: what a server could be made for does not wait, limits and
    /// ceilings hold, nothing leaks, and after an apply there is nothing more to do at that moment.
    #[test]
    fn made_capacity_follows_any_load(
        turns in prop::collection::vec((0..8_u32, 0..6_u32, 0..25_i64), 1..5),
        (min, max) in (0..2_u32, 2..5_u32),
        cores in prop::sample::select(vec![16_u32, 24, 1000]),
        (headroom, priced) in (any::<bool>(), any::<bool>()),
        (small, large) in (1..8_i64, 1..16_i64).prop_map(|(one, other)| (one * 500, other * 500)),
    ) {
        let room = if headroom { "      headroom: {units: [{cpu: 2, memory: 1Gi}]}\n" } else { "" };
        let rates = if priced { RATES } else { "" };
        let policy = policy(&format!("      min: {min}\n      max: {max}\n{room}"), &format!("  limits: {{cpu: {cores}}}\n{rates}"));
        let stage = Stage::of(shop(500, 500), "");
        let mut sizes = stage.sandbox.snapshot();
        for pod in &mut sizes.pods {
            let cpu = if pod.key.name.starts_with("web") { small } else { large };
            pod.spec = std::sync::Arc::new(spec(cpu));
        }
        let stage = Stage::of(sizes, "");
        for (web, cart, pause) in turns {
            scale(&stage, "web", web);
            scale(&stage, "cart", cart);
            // The third one comes when what headroom lost to pods is to be filled again (`refillAfter`); the others when a
            // small server that nothing needs any more went only now, which lets a larger one be made in its place.
            for (turn, pause) in [1, 6, 1, 1, 1, 1].into_iter().enumerate() {
                let (plan, world) = (stage.plan(&policy), stage.world());
                if turn > 2 && plan.steps.is_empty() {
                    break;
                }
                prop_assert_eq!(verify(&plan, &world, &policy), vec![]);
                let (outcome, told) = stage.apply(&policy);
                prop_assert_eq!(exit(&outcome), 0, "{}", lines(&told));
                stage.sandbox.advance(mins(pause)).unwrap();
            }
            nothing_leaks(&stage);
            let (after, world) = (stage.plan(&policy), stage.world());
            prop_assert_eq!(verify(&after, &world, &policy), vec![]);
            prop_assert!(steps(&after, Verb::Create).is_empty(), "it settles: {:#?}", after.steps);
            let running: i64 = world.nodes.values().map(|node| node.capacity.cpu).sum();
            prop_assert!(running <= i64::from(cores) * 1000, "{running} of {cores}");
            prop_assert!(made(&world).len() <= max as usize);
            let told: usize = after.waiting.iter().filter(|one| one.outlook == Outlook::Waits).map(|one| one.pods.len()).sum();
            prop_assert_eq!(waiting(&world), told, "{:#?}", after.waiting);
            let bounds = |code| matches!(code, Code::NoNodeFits | Code::Limit | Code::NoCreate | Code::Ceiling);
            let held = after.waiting.iter().filter(|one| one.outlook == Outlook::Waits).map(|one| one.reason.code);
            prop_assert!(held.into_iter().all(bounds), "{:#?}", after.waiting);
            stage.sound();
            stage.sandbox.advance(mins(pause)).unwrap();
        }
    }
}

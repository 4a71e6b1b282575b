//! Taken up again when the world, the time or the policy is another: what is wanted now decides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

use std::collections::BTreeSet;

use executing::cut::cut_after;
use executing::{Stage, example, exit, policy, policy_text};
use tidegate::model::ServerState;
use tidegate::policy::Policy;

const SUNDAY: &str = "2026-11-22T12:00:00Z";

/// The workshop on a Sunday, cut short when all nine nodes are cordoned and some servers are told to go.
fn cut_short() -> Stage {
    let stage = Stage::workshop(SUNDAY, "");
    let (_, whole) = cut_after(&stage, &policy("jetstream-workshop"), 60);
    assert!(!whole);
    stage
}

/// Nodes whose server still runs and is not told otherwise.
fn running(stage: &Stage) -> usize {
    let world = stage.world();
    world.servers.values().filter(|server| server.state == ServerState::Active && server.task.is_none()).count()
}

fn example_with(from: &str, to: &str) -> Policy {
    let text = std::fs::read_to_string(example("jetstream-workshop", "policy.yaml")).unwrap();
    assert!(text.contains(from), "{from}");
    policy_text(&text.replace(from, to))
}

#[test]
fn a_window_that_opened_meanwhile_gives_nodes_back() {
    let stage = cut_short();
    let running_before = running(&stage);
    stage.until("2026-12-01T19:50:00Z");
    let (outcome, told) = stage.carry_out(&policy("jetstream-workshop"), None, true, true);
    assert_eq!(exit(&outcome), 0, "{outcome:?}\n{}", executing::lines(&told));
    assert!(running(&stage) >= running_before, "nothing more was taken away");
    assert_eq!(stage.stuck(), 0, "and no node is left cordoned by us");
    stage.sound();
}

#[test]
fn a_freeze_that_holds_now_gives_nodes_back() {
    let stage = cut_short();
    let running_before = running(&stage);
    let freeze = "  pools:\n    - name: workers\n      windows:\n        - {name: stop, kind: freeze, \
                  from: \"2026-11-10T00:00:00Z\", until: \"2026-11-30T00:00:00Z\"}\n";
    let frozen = example_with("  pools:\n    - name: workers\n", freeze);
    let (outcome, told) = stage.carry_out(&frozen, None, true, true);
    assert!(running(&stage) >= running_before, "{outcome:?}\n{}", executing::lines(&told));
    assert_eq!(stage.stuck(), 0, "{}", executing::lines(&told));
}

#[test]
fn another_cluster_is_refused_before_anything_is_done() {
    let pinned = example_with("15ac7b7d-5509-49a7-8fb7-b84ab107a4a7", "somewhere-else");
    let stage = cut_short();
    let before = stage.sandbox.snapshot();
    let (outcome, _) = stage.carry_out(&pinned, None, true, true);
    assert_eq!(exit(&outcome), 7, "{outcome:?}");
    assert_eq!(stage.sandbox.snapshot().nodes, before.nodes);
    let asleep = Stage::workshop(SUNDAY, "");
    assert_eq!(exit(&asleep.apply(&policy("jetstream-workshop")).0), 0);
    asleep.until("2026-12-01T19:50:00Z");
    let (outcome, _) = asleep.apply(&pinned);
    assert_eq!(exit(&outcome), 7, "{outcome:?}");
    assert_eq!(asleep.parked(), 9, "not even what gives capacity back is done in another cluster");
}

#[test]
fn a_saved_plan_without_what_is_there_now_is_stale() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy("jetstream-workshop");
    let good = stage.plan(&policy);
    type Edit = fn(&mut tidegate::plan::Plan);
    let edits: [Edit; 8] = [
        |plan| plan.steps.iter_mut().for_each(|step| step.pods.clear()),
        |plan| plan.steps[0].node = "demo-k8s-node-1".into(),
        |plan| plan.steps[0].pool = "nope".into(),
        |plan| plan.steps.push(plan.steps[0].clone()),
        |plan| plan.applyable = false,
        |plan| plan.complete = false,
        |plan| {
            plan.steps
                .iter_mut()
                .for_each(|step| step.provider_verb = step.provider_verb.as_ref().map(|_| "delete".into()))
        },
        |plan| plan.targets.push("garbage".into()),
    ];
    for (index, edit) in edits.iter().enumerate() {
        let mut plan = good.clone();
        edit(&mut plan);
        let (outcome, _) = stage.carry_out(&policy, Some(plan), false, true);
        assert_eq!(exit(&outcome), 4, "edit {index}: {outcome:?}");
    }
    assert_eq!(exit(&stage.carry_out(&policy, Some(good), false, true).0), 0);
}

/// Which nodes are cordoned by us though their server runs and was told nothing.
fn half_way(stage: &Stage) -> Vec<String> {
    let world = stage.world();
    let runs = |name: &str| {
        let server = world.server_of(&world.nodes[name]).unwrap();
        server.state == ServerState::Active && server.task.is_none()
    };
    stage.cordoned().into_iter().filter(|name| stage.record(name).is_some() && runs(name)).collect()
}

/// A policy that lost nodes between the cut and the resume: those that were only cordoned come back (H28).
#[test]
fn a_node_that_the_policy_lost_half_way_is_given_back() {
    let fewer = example_with("k8s-node-nf-{2..10}", "k8s-node-nf-{2..3}");
    for resume in [true, false] {
        let stage = cut_short();
        let left = half_way(&stage);
        let lost = |name: &String| !["-2", "-3"].iter().any(|end| name.ends_with(end));
        assert!(left.iter().any(lost), "{left:?}");
        let plan = stage.plan(&fewer);
        let given_back: Vec<_> = plan.steps.iter().filter(|step| step.pool.is_empty()).collect();
        assert!(!given_back.is_empty() && given_back.iter().all(|step| left.contains(&step.node)), "{given_back:?}");
        let text = tidegate::report::plan_text(&plan, 1000);
        assert!(text.contains("cordoned by us") && text.contains("given back (uncordon)"), "{text}");
        assert_eq!(tidegate::plan::verify(&plan, &stage.world(), &fewer), []);

        let (outcome, told) = if resume { stage.carry_out(&fewer, None, true, true) } else { stage.apply(&fewer) };
        let told = executing::lines(&told);
        let left: Vec<String> = half_way(&stage).into_iter().filter(lost).collect();
        assert!(left.is_empty(), "{left:?} {outcome:?}\n{told}");
        let again = stage.plan(&fewer);
        assert!(again.steps.iter().all(|step| !step.pool.is_empty()), "{:?}", again.steps);
        stage.sound();
    }
}

/// Another policy's half-way nodes, and what is parked, are nobody's to give back (H28).
#[test]
fn only_the_policy_that_cordoned_a_node_gives_it_back() {
    let stage = cut_short();
    let text = std::fs::read_to_string(example("jetstream-workshop", "policy.yaml")).unwrap();
    let text = text.replace("k8s-node-nf-{2..10}", "k8s-node-nf-{2..3}");
    let other = policy_text(&text.replacen("  name: workshop\n", "  name: another\n", 1));
    assert_ne!(other.name, policy("jetstream-workshop").name);
    let plan = stage.plan(&other);
    assert!(plan.steps.iter().all(|step| !step.pool.is_empty()), "{:?}", plan.steps);
    assert!(!plan.unclaimed.is_empty());
}

/// A plain apply after a cut leaves no record behind what is there.
#[test]
fn a_server_that_was_parked_after_the_cut_gets_its_mark() {
    use tidegate::cluster::NodeMark;
    let stage = cut_short();
    stage.until("2026-11-22T14:00:00Z");
    let behind = |stage: &Stage| {
        let world = stage.world();
        let parked = |name: &str| world.server_of(&world.nodes[name]).is_some_and(|server| server.state.parked());
        let draining = |name: &String| stage.record(name).is_some_and(|record| record.mark == NodeMark::Draining);
        stage.cordoned().into_iter().filter(draining).filter(|name| parked(name)).count()
    };
    assert!(behind(&stage) > 0, "some were told to go before the cut");
    let (outcome, told) = stage.apply(&policy("jetstream-workshop"));
    assert_eq!(exit(&outcome), 0, "{outcome:?}\n{}", executing::lines(&told));
    assert_eq!(behind(&stage), 0, "{}", executing::lines(&told));
    let (outcome, _) = stage.apply(&policy("jetstream-workshop"));
    assert_eq!(exit(&outcome), 0);
    assert!(matches!(outcome, tidegate::execute::run::Outcome::Nothing), "{outcome:?}");
}

/// The marks on the nodes say what was begun, where its journal is on another machine or lost: a resume goes on with those
/// nodes and no others.
#[test]
fn without_its_journal_what_was_begun_is_taken_up_by_the_marks_on_the_nodes() {
    let down = policy("jetstream-workshop");
    for cut in [12, 20, 60, 100] {
        let stage = Stage::workshop(SUNDAY, "");
        cut_after(&stage, &down, cut);
        for entry in std::fs::read_dir(stage.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().contains("journal") {
                std::fs::remove_file(path).unwrap();
            }
        }
        let marked = |stage: &Stage| -> BTreeSet<String> {
            stage.start.nodes.keys().map(ToString::to_string).filter(|name| stage.record(name).is_some()).collect()
        };
        let begun = marked(&stage);
        let (outcome, told) = stage.carry_out(&down, None, true, true);
        let told = executing::lines(&told);
        assert!([0, 6].contains(&exit(&outcome)), "{cut}: {outcome:?}\n{told}");
        assert!(told.contains("there is no journal in") && told.contains("the marks of an apply"), "{cut}: {told}");
        assert!(marked(&stage).is_subset(&begun), "{cut}: no other node is touched\n{told}");
        stage.until("2026-11-22T15:00:00Z");
        assert_eq!(exit(&stage.apply(&down).0), 0, "{cut}: and a plain apply does the rest");
        stage.until("2026-11-22T18:00:00Z");
        assert_eq!(exit(&stage.apply(&down).0), 0, "{cut}");
        assert_eq!((stage.stuck(), stage.parked()), (0, 9), "{cut}");
        stage.sound();
    }
}

/// Where neither a journal nor a mark is left there is nothing to take up, and it is said so.
#[test]
fn without_journal_and_marks_nothing_is_taken_up() {
    let stage = Stage::workshop(SUNDAY, "");
    let (outcome, _) = stage.carry_out(&policy("jetstream-workshop"), None, true, true);
    let text = format!("{outcome:?}");
    assert!(exit(&outcome) == 1 && text.contains("no apply was ever begun in"), "{text}");
    assert!(stage.nothing_of_ours());
}

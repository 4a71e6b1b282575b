//! Taken up again when the world, the time or the policy is another: what is wanted now decides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod executing;

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
    let edits: [Edit; 6] = [
        |plan| plan.steps.iter_mut().for_each(|step| step.pods.clear()),
        |plan| plan.steps[0].node = "demo-k8s-node-1".into(),
        |plan| plan.steps[0].pool = "nope".into(),
        |plan| plan.steps.push(plan.steps[0].clone()),
        |plan| plan.applyable = false,
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

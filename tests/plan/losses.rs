//! Pods that nothing makes again: a move of one is a loss, and everybody who looks is told so.

use serde_json::Value;
use tidegate::plan::{Explanation, Plan, PodMove, explain_node, verify};
use tidegate::policy::Policy;
use tidegate::report::{explain_text, plan_markdown, plan_text};

use super::CALM;
use super::fixture::{Cluster, WORKSHOP, at, policy};

const EVICT: &str = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: evict}\n";

/// A person's notebook without a controller, one whose controller is gone, and one of a controller that is there.
fn hub() -> (Cluster, Policy) {
    let mut cluster = Cluster::workers(3);
    cluster.pod("jhub/jupyter-dana", "worker-3", "", "100m");
    cluster.pod("jhub/jupyter-eve", "worker-3", "gone", "100m");
    cluster.pod("jhub/proxy-1", "worker-3", "proxy", "100m");
    (cluster, policy(WORKSHOP, EVICT))
}

fn pod<'a>(plan: &'a Plan, name: &str) -> &'a PodMove {
    plan.steps.iter().flat_map(|step| &step.pods).find(|pod| pod.pod == name).unwrap()
}

#[test]
fn a_pod_that_nothing_makes_again_is_said_to_be_lost_wherever_its_plan_is_shown() {
    let (cluster, policy) = hub();
    let (world, plan) = (cluster.world(), cluster.plan(&policy, CALM));
    let lost = |name: &str| pod(&plan, name).lost;
    assert_eq!(["jhub/jupyter-dana", "jhub/jupyter-eve", "jhub/proxy-1"].map(lost), [true, true, false]);
    assert_eq!(plan.summary.lost, 2);
    assert!(plan.summary.text.contains("3 evictions") && plan.summary.text.contains(", 2 pods LOST"), "{plan:#?}");
    assert_eq!(verify(&plan, &world, &policy), []);
    let text = plan_text(&plan, 200);
    let (_, section) = text.split_once("LOST: nothing makes these pods again").unwrap_or_else(|| panic!("{text}"));
    assert!(section.contains("jhub/jupyter-dana on worker-3") && section.contains("jhub/jupyter-eve on worker-3"));
    assert!(text.contains("evict jhub/jupyter-dana (LOST: nothing makes it again"), "{text}");
    assert!(text.contains("evict jhub/proxy-1 (room on worker-"), "{text}");
    assert_eq!(plan_markdown(&plan).matches("**LOST**").count(), 2);
    let found: Explanation = explain_node(&policy, &world, &plan, "worker-3", at(CALM)).unwrap();
    let said = explain_text(&found, &plan, 200);
    let line = |name: &str| said.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    assert!(line("jhub/jupyter-dana").contains("LOST") && !line("jhub/jupyter-dana").contains("could take it"));
    assert!(line("jhub/proxy-1").contains("could take it"), "{said}");
    let json: Value = serde_json::to_value(&plan).unwrap();
    assert_eq!(json.to_string().matches(r#""lost":true"#).count(), 2);
}

#[test]
fn a_plan_that_hides_a_loss_or_makes_one_up_is_found_out() {
    let (cluster, policy) = hub();
    for (name, lost) in [("jhub/jupyter-dana", false), ("jhub/proxy-1", true)] {
        let mut plan = cluster.plan(&policy, CALM);
        let entry = plan.steps.iter_mut().flat_map(|step| &mut step.pods).find(|pod| pod.pod == name).unwrap();
        entry.lost = lost;
        let found = verify(&plan, &cluster.world(), &policy);
        assert!(found.iter().any(|one| one.to_string().contains(name)), "{found:?}");
    }
}

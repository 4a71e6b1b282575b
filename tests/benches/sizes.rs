//! Plans at size: how long each takes at an eighth, a quarter, a half and the whole of it, and by which power of the size it
//! gets longer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tidegate::model::{
    Budget, BudgetStatus, Kind, Operator, Phase, Pod, PodKey, PodSpec, Requirement, Resources, Selector, Snapshot,
    UnhealthyPodEviction, World,
};
use tidegate::plan::{Plan, Verb, plan};
use tidegate::policy::Policy;

use crate::growing::{self, Group, NOW, diverse, grow, judge, pack, pool};
use crate::{HEAD, crowd_of, placement, policy};

/// A plan takes longer than this at no size that is of any use.
const TOO_LONG: f64 = 60_000.0;

/// What is asked at a size in eighths, and what the answer comes to in words.
type Asked = (Policy, World, Box<dyn Fn(&Plan) -> String>);

/// One at a size.
type Question = fn(usize) -> Asked;

/// Every question, at every size.
pub fn table() {
    let wanted: BTreeSet<String> = std::env::args().collect();
    let questions: [(&str, Question); 6] = [
        ("pack", |eighths| bought(pack(51 * eighths / 8))),
        ("grow", |eighths| bought(grow(50 * eighths / 8))),
        ("diverse", |eighths| bought(diverse(20_000 * eighths / 8))),
        ("shrink", shrink),
        ("large", large),
        ("event", event),
    ];
    let some = questions.iter().any(|(name, _)| wanted.contains(*name));
    for (name, of) in questions.into_iter().filter(|(name, _)| !some || wanted.contains(*name)) {
        let mut last: Option<f64> = None;
        for eighths in [1, 2, 4, 8] {
            let before = placement::resident();
            let (policy, world, told) = of(eighths);
            let now = NOW.parse().unwrap();
            let times: Vec<(f64, Plan)> = (0..if last.is_none_or(|last| last < 2000.0) { 3 } else { 1 })
                .map(|_| {
                    let begun = Instant::now();
                    let found = plan(&policy, &world, now).0;
                    (begun.elapsed().as_secs_f64() * 1000.0, found)
                })
                .collect();
            let took = times.iter().map(|(took, _)| *took).fold(f64::INFINITY, f64::min);
            let exponent = last.map_or(String::new(), |before| format!(", exponent {:.2}", (took / before).log2()));
            let memory = placement::resident().saturating_sub(before);
            println!("{name} ×{eighths}: {took:.1} ms{exponent}; {}; {memory} MB", told(&times[0].1));
            last = Some(took);
            if took > TOO_LONG {
                break;
            }
        }
    }
}

fn bought((policy, groups): (Policy, Vec<Group>)) -> Asked {
    let world = growing::waiting(&groups);
    let told = move |plan: &Plan| {
        let least = plan.notes.iter().find(|note| note.contains("at least")).cloned().unwrap_or_default();
        format!("{:?}; {least}", judge(plan, &groups))
    };
    (policy, world, Box::new(told))
}

/// 2,000 nodes with 40 pods of 1 % each: at least 1,200 go in one plan.
fn shrink(eighths: usize) -> Asked {
    let nodes = 250 * eighths;
    let policy = policy(&format!(
        "{HEAD}  providers: [{{name: p, openstack: {{cloud: c}}}}]\n  drain: {{implied: 0%}}\n  pools:\n    - {{name: all, \
         provider: p, parallelism: 2000, nodes: {{names: \"n{{1..{nodes}}}\"}}}}\n"
    ));
    (policy, World::build(crowd_of(nodes, 40, "80m")), Box::new(parked))
}

fn parked(plan: &Plan) -> String {
    let parks = plan.steps.iter().filter(|step| step.verb == Verb::Park).count();
    format!("{parks} nodes go, {} are kept", plan.kept.len())
}

/// 5,000 nodes, 150,000 pods of 500 workloads and two DaemonSets, 200 budgets; all of the nodes in one pool.
fn large(eighths: usize) -> Asked {
    let policy = policy(&format!(
        "{HEAD}  limits: {{cpu: 10000000, memory: 90000000Gi}}\n  providers: [{{name: p, openstack: {{cloud: c}}}}]\n  pools:\n    \
         - {{name: all, provider: p, parallelism: 100, nodes: {{names: \"node-*\"}}}}\n"
    ));
    (policy, World::build(with_budgets(eighths)), Box::new(parked))
}

fn with_budgets(eighths: usize) -> Snapshot {
    let mut snapshot = placement::sized(eighths);
    let pods = u32::try_from(280 * eighths / 8).unwrap();
    snapshot.budgets = (0..200)
        .map(|number| {
            let app = format!("app-{}", number * 2);
            let key = PodKey::new("default", app.as_str());
            let values = [app.as_str().into()].into();
            let selector =
                Selector { requirements: [Requirement { key: "app".into(), operator: Operator::In, values }].into() };
            Budget {
                key,
                uid: format!("budget-{number}").as_str().into(),
                selector: Some(selector),
                min_available: None,
                max_unavailable: Some(tidegate::model::IntOrPercent::Count(10)),
                unhealthy: UnhealthyPodEviction::IfHealthyBudget,
                status: Some(BudgetStatus {
                    disruptions_allowed: 10,
                    current_healthy: pods,
                    desired_healthy: pods - 10,
                    expected_pods: pods,
                }),
            }
        })
        .collect();
    snapshot.observed = Kind::ALL.into_iter().collect();
    snapshot.taken = NOW.parse().ok();
    snapshot
}

/// In that cluster one pod cannot be placed, and a pool may make nodes for it.
fn event(eighths: usize) -> Asked {
    let policy = pool(10, &[("large".into(), 80_000, 320 << 10, 110, "1".into())], &["a"]);
    let mut snapshot = with_budgets(eighths);
    let spec = PodSpec {
        requests: Resources { cpu: 70_000, memory: 1 << 30, pods: 1, ..Resources::default() },
        scored: (70_000, 1 << 30),
        ..PodSpec::default()
    };
    let labels = placement::labels(&[("app", "new".to_owned())]);
    let waits = placement::pod("new-0".into(), "new", labels, Arc::new(spec), None);
    snapshot.pods.push(Pod { marked_unschedulable: true, phase: Phase::Pending, ready: false, ..waits });
    let told = |plan: &Plan| format!("{} come", plan.steps.iter().filter(|step| step.verb == Verb::Create).count());
    (policy, World::build(snapshot), Box::new(told))
}

//! One change at a time, and the rule that must find it.

use tidegate::plan::{Outage, Plan, PodAction, PodMove, Precondition, Refusal, Rule, Step, Verb};

use super::fixture::{Cluster, RATES, WORKSHOP, policy};
use super::goods::{CALM, Good, coming, going, winding_down};

type Tamper = fn(&mut Plan);

fn all_found(good: &Good, tampered: &[(Rule, &str, Tamper)]) {
    for (rule, what, tamper) in tampered {
        let mut plan = good.plan.clone();
        tamper(&mut plan);
        assert_ne!(plan, good.plan, "{what} changes nothing");
        let rules = good.rules(&plan);
        assert!(rules.contains(rule), "{what}: {rule} is not among {rules:?}");
    }
}

fn step<'a>(plan: &'a mut Plan, id: &str) -> &'a mut Step {
    plan.steps.iter_mut().find(|step| step.id == id).unwrap_or_else(|| panic!("{id}"))
}

fn pod<'a>(plan: &'a mut Plan, name: &str) -> &'a mut PodMove {
    let mut pods = plan.steps.iter_mut().flat_map(|step| &mut step.pods);
    pods.find(|entry| entry.pod == name).unwrap_or_else(|| panic!("{name}"))
}

/// Moves all steps of one node to another.
fn rename(plan: &mut Plan, from: &str, to: &str) {
    for step in &mut plan.steps {
        for id in step.after.iter_mut().chain([&mut step.id]) {
            if let Some((verb, node)) = id.split_once('/').filter(|(_, node)| *node == from) {
                assert_eq!(node, from);
                *id = format!("{verb}/{to}");
            }
        }
        if step.node == from {
            to.clone_into(&mut step.node);
        }
    }
}

#[test]
fn what_is_not_this_plan_is_found() {
    all_found(
        &going(),
        &[
            (Rule::Format, "another format", |plan| plan.format_version = "2.0".into()),
            (Rule::Policy, "another policy", |plan| plan.policy.digest = "0".repeat(64)),
            (Rule::Policy, "another name", |plan| plan.policy.name = "other".into()),
            (Rule::Policy, "another zone", |plan| plan.time_zone = "UTC".into()),
            (Rule::Snapshot, "another snapshot", |plan| plan.snapshot.digest = "0".repeat(64)),
            (Rule::Snapshot, "another cluster", |plan| plan.snapshot.cluster = Some("c-2".into())),
            (Rule::Applyable, "not applyable, and no reason", |plan| plan.applyable = false),
            (Rule::Applyable, "not complete, and no reason", |plan| plan.complete = false),
            (Rule::Applyable, "a caveat, and complete", |plan| plan.caveats.push("half of it".into())),
        ],
    );
}

#[test]
fn a_graph_that_is_none_is_found() {
    all_found(
        &going(),
        &[
            (Rule::Graph, "a step that is not there", |plan| plan.steps[0].after.push("park/nowhere".into())),
            (Rule::Graph, "a circle", |plan| {
                let last = plan.steps.iter().rfind(|step| step.node == plan.steps[0].node).unwrap().id.clone();
                plan.steps[0].after.push(last);
            }),
            (Rule::Graph, "a step twice", |plan| plan.steps.push(plan.steps[0].clone())),
            (Rule::Graph, "an id that says another node", |plan| plan.steps[0].node = "worker-4".into()),
            (Rule::Order, "no cordon first", |plan| {
                plan.steps.retain(|step| step.id != "cordon/worker-10");
                plan.steps.iter_mut().for_each(|step| step.after.retain(|id| id != "cordon/worker-10"));
            }),
            (Rule::Order, "no drain before the server goes", |plan| {
                step(plan, "park/worker-10").after = vec!["cordon/worker-10".into()];
            }),
            (Rule::Width, "nobody waits for the nodes before", |plan| {
                plan.steps.iter_mut().filter(|step| step.verb == Verb::Cordon).for_each(|step| step.after.clear());
            }),
            (Rule::Width, "one waits for nobody", |plan| {
                let late = plan.steps.iter_mut().rfind(|step| step.verb == Verb::Cordon).unwrap();
                late.after.clear();
            }),
        ],
    );
}

#[test]
fn a_node_that_is_not_to_be_touched_is_found() {
    all_found(
        &going(),
        &[
            (Rule::Kept, "a node that the policy keeps", |plan| rename(plan, "worker-10", "worker-1")),
            (Rule::Member, "a node of no pool", |plan| rename(plan, "worker-10", "stranger")),
            (Rule::Member, "another pool", |plan| plan.steps[0].pool = "others".into()),
            (Rule::Explained, "a node that is said to be kept", |plan| plan.kept[0].node = "worker-10".into()),
            (Rule::Explained, "a node that is not spoken of", |plan| plan.kept.retain(|kept| kept.node != "worker-9")),
        ],
    );
    let low = Good::of(policy("      min: 1\n", RATES), &Cluster::workers(4), CALM);
    let high = Good { policy: policy("      min: 3\n", RATES), ..low };
    assert!(high.rules(&high.plan).contains(&Rule::Floor));
    let frozen = Good::of(
        policy(
            &format!(
                "{}        - {{name: exam, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}}\n",
                WORKSHOP
            ),
            "",
        ),
        &Cluster::workers(10),
        CALM,
    );
    let mut plan = frozen.plan.clone();
    plan.steps = going().plan.steps;
    assert!(frozen.rules(&plan).contains(&Rule::Freeze));
}

/// Rules that speak of one pod: what happens to it, and that nothing else does.
#[test]
fn what_a_pod_may_not_be_put_through_is_found() {
    all_found(
        &going(),
        &[
            (Rule::Stranded, "an eviction that becomes a stay", |plan| {
                let entry = pod(plan, "default/only");
                (entry.action, entry.chunk, entry.home) = (PodAction::Stays, None, None);
            }),
            (Rule::Wait, "an eviction that becomes a wait", |plan| {
                let entry = pod(plan, "default/only");
                (entry.action, entry.chunk, entry.home) = (PodAction::Wait, None, None);
            }),
            (Rule::Wait, "a longer wait", |plan| pod(plan, "jhub/jupyter-ana").at_most = Some(24 * 3600)),
            (Rule::Wait, "a wait without end", |plan| pod(plan, "jhub/jupyter-ana").at_most = None),
            (Rule::Protected, "a wait that becomes an eviction", |plan| {
                let entry = pod(plan, "jhub/jupyter-ana");
                (entry.action, entry.chunk, entry.home) = (PodAction::Evict, Some(1), Some("worker-1".into()));
            }),
            (Rule::Protected, "a DaemonSet's pod is evicted", |plan| {
                let entry = pod(plan, "default/log-8");
                (entry.action, entry.chunk, entry.home) = (PodAction::Evict, Some(1), Some("worker-1".into()));
            }),
            (Rule::Pods, "a pod that is left out", |plan| step(plan, "drain/worker-6").pods.clear()),
            (Rule::Pods, "a pod twice", |plan| {
                let entry = pod(plan, "default/only").clone();
                step(plan, "drain/worker-6").pods.push(entry);
            }),
            (Rule::Pods, "a pod of another node", |plan| {
                let entry = pod(plan, "default/only").clone();
                step(plan, "drain/worker-10").pods.push(entry);
            }),
            (Rule::Pods, "another pod of that name", |plan| pod(plan, "default/only").uid = "uid-other".into()),
            (Rule::Pods, "deleted in the end", |plan| pod(plan, "default/only").delete_on_timeout = true),
            (Rule::Pods, "a cordon with pods", |plan| {
                let entry = pod(plan, "default/only").clone();
                step(plan, "cordon/worker-6").pods.push(entry);
            }),
            (Rule::Home, "no home", |plan| pod(plan, "default/only").home = None),
            (Rule::Home, "a home that does not exist", |plan| pod(plan, "default/only").home = Some("nowhere".into())),
            (Rule::Home, "a home that goes too (H14)", |plan| {
                pod(plan, "default/only").home = Some("worker-10".into());
            }),
        ],
    );
}

/// Prefix-safety by rounds: budgets, implied budgets (H1), outages.
#[test]
fn too_many_at_once_is_found() {
    all_found(
        &going(),
        &[
            (Rule::Budget, "all four of a budget that allows two", |plan| {
                (1..=4).for_each(|number| pod(plan, &format!("default/db-{number}")).chunk = Some(1));
            }),
            (Rule::ImpliedBudget, "all three of an implied budget (H1)", |plan| {
                (2..=4).for_each(|number| pod(plan, &format!("default/web-{number}")).chunk = Some(1));
            }),
            (Rule::Outage, "all Ready replicas in one round", |plan| {
                (2..=4).for_each(|number| pod(plan, &format!("default/web-{number}")).chunk = Some(1));
            }),
            (Rule::Round, "a round that is dropped", |plan| pod(plan, "default/only").chunk = None),
            (Rule::Round, "round 0", |plan| pod(plan, "default/only").chunk = Some(0)),
            (Rule::Round, "a later round for nothing", |plan| pod(plan, "default/only").chunk = Some(2)),
            (Rule::Round, "a gap", |plan| {
                let chunk = &mut pod(plan, "default/web-2").chunk;
                *chunk = chunk.map(|round| round + 3);
            }),
            (Rule::Round, "another budget", |plan| pod(plan, "default/db-1").budget = None),
            (Rule::Outage, "an outage that is dropped", |plan| plan.outages.clear()),
            (Rule::Outage, "an outage that is none", |plan| {
                let (workload, pod) = ("ReplicaSet default/web".into(), "default/web-2".into());
                plan.outages.push(Outage { workload, pod, node: "worker-2".into(), webhooks: Vec::new() });
            }),
            (Rule::Outage, "an outage elsewhere", |plan| plan.outages[0].node = "worker-1".into()),
        ],
    );
}

#[test]
fn conditions_and_words_for_the_provider_are_held_to() {
    all_found(
        &going(),
        &[
            (Rule::Precondition, "no mark asked for", |plan| {
                step(plan, "park/worker-10").preconditions.retain(|condition| *condition != Precondition::Marked);
            }),
            (Rule::Precondition, "another server", |plan| {
                step(plan, "park/worker-10").server = Some("id-worker-1".into());
            }),
            (Rule::Precondition, "another state", |plan| {
                for condition in &mut step(plan, "park/worker-10").preconditions {
                    if let Precondition::Server { state, .. } = condition {
                        "SHUTOFF".clone_into(state);
                    }
                }
            }),
            (Rule::Precondition, "another node of that name", |plan| {
                plan.steps[0].preconditions[0] = Precondition::Node { uid: "uid-other".into() };
            }),
            (Rule::Precondition, "somebody else's cordon", |plan| {
                plan.steps[0].preconditions.retain(|condition| *condition != Precondition::NotCordonedByOther);
            }),
            (Rule::Precondition, "another verb", |plan| {
                step(plan, "park/worker-10").provider_verb = Some("delete".into());
            }),
        ],
    );
}

#[test]
fn figures_that_are_wrong_are_found() {
    all_found(
        &going(),
        &[
            (Rule::Pool, "a floor", |plan| plan.pools[0].floor = 0),
            (Rule::Pool, "a ceiling", |plan| plan.pools[0].ceiling = 11),
            (Rule::Pool, "what is active", |plan| plan.pools[0].active = 9),
            (Rule::Pool, "what is parked", |plan| plan.pools[0].parked = 1),
            (Rule::Pool, "what will be active", |plan| plan.pools[0].desired = 1),
            (Rule::Pool, "who says so", |plan| plan.pools[0].said[0].by = "nobody".into()),
            (Rule::Pool, "the next change", |plan| plan.pools[0].next_change = None),
            (Rule::Pool, "a pool less", |plan| plan.pools.clear()),
            (Rule::Summary, "parks", |plan| plan.summary.park = 1),
            (Rule::Summary, "evictions", |plan| plan.summary.evictions += 1),
            (Rule::Summary, "pods that are waited for", |plan| plan.summary.waits = 0),
            (Rule::Summary, "the line", |plan| plan.summary.text = "Plan: 1 to park (shelve).".into()),
            (Rule::Summary, "the verdict", |plan| plan.summary.verdict = tidegate::plan::Verdict::NoChanges),
            (Rule::Cost, "a step's", |plan| step(plan, "park/worker-10").cost = None),
            (Rule::Cost, "the pool's now", |plan| plan.cost.as_mut().unwrap().pools[0].now_per_hour_micros += 1),
            (Rule::Cost, "all pools' now", |plan| plan.cost.as_mut().unwrap().now_per_hour_micros += 1),
            (Rule::Cost, "after", |plan| plan.cost.as_mut().unwrap().after_per_hour_micros = 0),
            (Rule::Cost, "the week", |plan| plan.cost.as_mut().unwrap().week_micros /= 2),
            (Rule::Cost, "the unit", |plan| plan.cost.as_mut().unwrap().unit = "EUR".into()),
            (Rule::Cost, "no cost", |plan| plan.cost = None),
            (Rule::Brake, "a brake that does not hold", |plan| {
                plan.refusals.push(Refusal { brake: "max-nodes".into(), text: String::new(), origin: None });
            }),
        ],
    );
}

#[test]
fn a_wake_out_of_order_or_of_others_is_found() {
    let good = coming();
    all_found(
        &good,
        &[
            (Rule::Order, "uncordoned before it is Ready", |plan| {
                step(plan, "uncordon/worker-10").after = vec!["wake/worker-10".into()];
            }),
            (Rule::Order, "waited for before it is woken", |plan| step(plan, "wait/worker-10").after.clear()),
            (Rule::NotOurs, "a node that is awake", |plan| rename(plan, "worker-10", "worker-1")),
            (Rule::Width, "all at once", |plan| {
                plan.steps.iter_mut().filter(|step| step.verb == Verb::Wake).for_each(|step| step.after.clear());
            }),
            (Rule::Cost, "a wake for nothing", |plan| step(plan, "wake/worker-10").cost = None),
        ],
    );
    // The same wakes on a day on which they are not wanted.
    let calm = Good { policy: policy("      min: 1\n      max: 3\n", RATES), ..good };
    assert!(calm.rules(&calm.plan).contains(&Rule::Ceiling));
}

#[test]
fn a_wind_down_only_cordons() {
    let good = winding_down();
    let mut plan = good.plan.clone();
    let mut drain = plan.steps[0].clone();
    (drain.verb, drain.id, drain.after) =
        (Verb::Drain, format!("drain/{}", drain.node), vec![plan.steps[0].id.clone()]);
    drain.preconditions.retain(|condition| *condition != Precondition::NotCordonedByOther);
    plan.steps.push(drain);
    assert!(good.rules(&plan).contains(&Rule::Floor), "{:?}", good.rules(&plan));
}

#[test]
fn words_that_nobody_has_to_judge_are_those_of_a_plan_made_again() {
    all_found(
        &going(),
        &[
            (Rule::Said, "a reason", |plan| plan.steps[0].reason.text = "the moon is full".into()),
            (Rule::Said, "its evidence", |plan| plan.steps[0].reason.evidence.pod = Some("a/ghost".into())),
            (Rule::Said, "why a node stays", |plan| plan.kept[0].reasons[0].text = "it likes it here".into()),
            (Rule::Said, "a line of the policy", |plan| {
                plan.steps
                    .iter_mut()
                    .filter_map(|step| step.reason.origin.as_mut())
                    .for_each(|origin| origin.line += 7);
            }),
            (Rule::Said, "a note", |plan| plan.notes.push("all is well".into())),
        ],
    );
    // A step that gives capacity back and is left out endangers nobody: only the planner misses it.
    let good = coming();
    let mut plan = good.plan.clone();
    let gone = plan.steps.iter().rev().find(|step| step.verb == Verb::Uncordon).unwrap().id.clone();
    plan.steps.retain(|step| step.id != gone);
    plan.steps.iter_mut().for_each(|step| step.after.retain(|id| *id != gone));
    assert_ne!(good.rules(&plan), [], "{gone} is missed");
}

//! Replays a finished plan act by act and checks every prefix, in more than one order that its graph allows.
//!
//! It shares no decision code with the planner: it reads the document, the world and the policy's numbers, and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Plan, PodAction, Step, Verb};
use crate::model::{Name, Pod, PodKey, World, budget_status};
use crate::placement::Site;
use crate::policy::Policy;

/// A rule that a prefix of the plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// The step after which it is broken.
    pub step: String,
    /// Which rule, in one word.
    pub rule: &'static str,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.step, self.text, self.rule)
    }
}

/// Every violation found; empty means that each prefix is safe by simulation.
pub fn verify(plan: &Plan, world: &World, policy: &Policy) -> Vec<Violation> {
    let mut violations = graph(plan);
    if violations.is_empty() {
        for last_first in [false, true] {
            let order = order(plan, last_first);
            Replay::new(plan, world, policy).run(&order, &mut violations);
        }
        together(plan, world, policy, &mut violations);
        width(plan, policy, &mut violations);
    }
    violations.sort();
    violations.dedup();
    violations
}

fn violation(step: &Step, rule: &'static str, text: String) -> Violation {
    Violation { step: step.id.clone(), rule, text }
}

/// Ids are unique, every step waits for steps that exist, and nothing waits in a circle.
fn graph(plan: &Plan) -> Vec<Violation> {
    let mut violations = Vec::new();
    let ids: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    if ids.len() != plan.steps.len() {
        let mut seen = BTreeSet::new();
        for step in plan.steps.iter().filter(|step| !seen.insert(step.id.as_str())) {
            violations.push(violation(step, "graph", "two steps have this id".to_owned()));
        }
    }
    for step in &plan.steps {
        for before in step.after.iter().filter(|before| !ids.contains(before.as_str())) {
            violations.push(violation(step, "graph", format!("it waits for {before}, which is not in the plan")));
        }
    }
    if violations.is_empty() && order(plan, false).len() != plan.steps.len() {
        let done: BTreeSet<&str> = order(plan, false).iter().map(|step| step.id.as_str()).collect();
        if let Some(step) = plan.steps.iter().find(|step| !done.contains(step.id.as_str())) {
            violations.push(violation(step, "graph", "it waits for itself in a circle".to_owned()));
        }
    }
    violations
}

/// An order that the graph allows: always the first (or the last) step that is ready.
fn order(plan: &Plan, last_first: bool) -> Vec<&Step> {
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    let mut dependants: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        waiting.insert(index, step.after.len());
        if step.after.is_empty() {
            ready.insert(index);
        }
        for before in &step.after {
            dependants.entry(before.as_str()).or_default().push(index);
        }
    }
    let mut order = Vec::new();
    while let Some(index) = if last_first { ready.pop_last() } else { ready.pop_first() } {
        let Some(step) = plan.steps.get(index) else { break };
        order.push(step);
        for dependant in dependants.get(step.id.as_str()).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(dependant) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    ready.insert(*dependant);
                }
            }
        }
    }
    order
}

/// The cluster after a prefix.
struct Replay<'a> {
    plan: &'a Plan,
    world: &'a World,
    policy: &'a Policy,
    site: Site,
    done: BTreeSet<(Verb, &'a str)>,
    cordoned: BTreeSet<&'a str>,
    active: BTreeMap<&'a str, i64>,
}

impl<'a> Replay<'a> {
    fn new(plan: &'a Plan, world: &'a World, policy: &'a Policy) -> Self {
        Self {
            plan,
            world,
            policy,
            site: Site::new(world),
            done: BTreeSet::new(),
            cordoned: BTreeSet::new(),
            active: plan.pools.iter().map(|pool| (pool.name.as_str(), i64::from(pool.active))).collect(),
        }
    }

    fn run(&mut self, order: &[&'a Step], violations: &mut Vec<Violation>) {
        for step in order {
            self.act(step, violations);
            self.done.insert((step.verb, step.node.as_str()));
        }
    }

    fn act(&mut self, step: &'a Step, violations: &mut Vec<Violation>) {
        let node = step.node.as_str();
        let mut wrong = |rule, text: String| violations.push(violation(step, rule, text));
        let was_cordoned = self.world.nodes.get(node).is_some_and(|node| node.unschedulable);
        match step.verb {
            Verb::Cordon => {
                let pool = self.policy.pools.iter().find(|pool| *pool.name == *step.pool);
                if pool.is_some_and(|pool| pool.keep.iter().any(|pattern| pattern.matches(node))) {
                    wrong("keep", "the policy keeps this node".to_owned());
                }
                if self.world.nodes.get(node).is_some_and(|node| node.control_plane()) {
                    wrong("keep", "it belongs to the control plane".to_owned());
                }
                self.cordoned.insert(node);
                self.site.close(node);
                self.leave(step, violations);
            }
            Verb::Drain => {
                if !self.cordoned.contains(node) && !was_cordoned {
                    wrong("order", "drained before it is cordoned".to_owned());
                }
                self.drain(step, violations);
            }
            Verb::Park | Verb::Delete => {
                if !self.done.contains(&(Verb::Drain, node)) {
                    wrong("order", "its server goes before it is drained".to_owned());
                }
            }
            Verb::Wait | Verb::Wake | Verb::Create => {}
            Verb::Uncordon => {
                if self.done.contains(&(Verb::Wake, node)) && !self.done.contains(&(Verb::Wait, node)) {
                    wrong("order", "uncordoned before it is Ready".to_owned());
                }
                self.site.open(node);
                *self.active.entry(step.pool.as_str()).or_insert(0) += 1;
            }
        }
    }

    /// The pool has one active node less: not below its floor, nor above it again by this plan.
    fn leave(&mut self, step: &'a Step, violations: &mut Vec<Violation>) {
        let Some(pool) = self.plan.pools.iter().find(|pool| pool.name == step.pool) else { return };
        let active = self.active.entry(step.pool.as_str()).or_insert(0);
        let was_active =
            self.world.nodes.get(step.node.as_str()).is_some_and(|node| node.ready() && !node.unschedulable);
        if !was_active {
            return;
        }
        *active -= 1;
        let winds_down = !self.plan.steps.iter().any(|other| other.node == step.node && other.verb == Verb::Drain);
        let by_hand = step.reason.code == super::Code::Override;
        if *active < i64::from(pool.floor) && !winds_down && !by_hand {
            let text = format!("{active} nodes of pool {} stay active, at least {} are wanted", pool.name, pool.floor);
            violations.push(violation(step, "floor", text));
        }
    }

    fn drain(&mut self, step: &'a Step, violations: &mut Vec<Violation>) {
        let mut wrong = |rule, text: String| violations.push(violation(step, rule, text));
        let listed: BTreeSet<&str> = step.pods.iter().map(|pod| pod.pod.as_str()).collect();
        for pod in self.world.pods_on(&step.node) {
            let name = pod.key.to_string();
            if !listed.contains(name.as_str()) {
                wrong("stranded", format!("{name} is on the node and not in the plan"));
            }
        }
        let mut moves: Vec<_> = step.pods.iter().collect();
        moves.sort_by_key(|pod| (pod.chunk, pod.pod.as_str()));
        for pod_move in moves {
            let Some(pod) = pod_called(self.world, &pod_move.pod) else {
                wrong("stale", format!("{} is not there", pod_move.pod));
                continue;
            };
            let harmless = pod.daemon() || pod.mirror() || pod.finished() || pod.terminating();
            match pod_move.action {
                PodAction::Stays if !harmless => {
                    wrong("stranded", format!("{} would go down with its node", pod_move.pod));
                }
                PodAction::Stays | PodAction::Wait => {}
                PodAction::Evict => {
                    self.site.lift(&pod, &step.node);
                    let Some(home) = &pod_move.home else {
                        wrong("home", format!("{} is evicted without another home", pod_move.pod));
                        continue;
                    };
                    let unfit = self.site.unfit(&pod, home);
                    if let Some(unfit) = unfit.first() {
                        wrong("home", format!("{} does not fit {home}: {unfit}", pod_move.pod));
                    }
                    self.site.place(&pod, home);
                }
            }
        }
    }
}

fn pod_called(world: &World, name: &str) -> Option<std::sync::Arc<Pod>> {
    let (namespace, name) = name.split_once('/')?;
    world.pods.get(&PodKey::new(namespace, name)).cloned()
}

/// Pods that may be away in the same round: never more of one budget, or of one workload, than it allows.
fn together(plan: &Plan, world: &World, policy: &Policy, violations: &mut Vec<Violation>) {
    let mut by_budget: BTreeMap<(PodKey, u32), u32> = BTreeMap::new();
    let mut by_owner: BTreeMap<(Name, u32), u32> = BTreeMap::new();
    for step in &plan.steps {
        for pod_move in step.pods.iter().filter(|pod| pod.action == PodAction::Evict) {
            let Some(pod) = pod_called(world, &pod_move.pod) else { continue };
            let round = pod_move.chunk.unwrap_or(1);
            let budgets: Vec<_> = world.budgets_of(&pod).collect();
            if budgets.len() > 1 {
                let text = format!("{} is in {} budgets: the Eviction API refuses it", pod_move.pod, budgets.len());
                violations.push(violation(step, "budget", text));
            }
            for budget in &budgets {
                let status = budget.status.unwrap_or_else(|| budget_status(world, budget));
                let unready_goes = !pod.ready
                    && (budget.unhealthy == crate::model::UnhealthyPodEviction::AlwaysAllow
                        || status.current_healthy >= status.desired_healthy);
                let away = by_budget.entry((budget.key.clone(), round)).or_insert(0);
                *away += u32::from(!unready_goes);
                if *away > status.disruptions_allowed {
                    let allowed = status.disruptions_allowed;
                    let text = format!("{away} pods of budget {} at once, it allows {allowed}", budget.key);
                    violations.push(violation(step, "budget", text));
                }
            }
            let Some(owner) =
                pod.owner.as_ref().filter(|_| budgets.is_empty() && pod.ready && policy.drain.implied > 0)
            else {
                continue;
            };
            let ready = world.pods_of(&owner.uid).filter(|pod| pod.ready && !pod.terminating() && !pod.finished());
            let ready = u32::try_from(ready.count()).unwrap_or(u32::MAX);
            let away = by_owner.entry((owner.uid.clone(), round)).or_insert(0);
            *away += 1;
            let stay = u64::from(ready.saturating_sub(*away));
            if ready >= 2 && stay * 100 < u64::from(ready) * u64::from(policy.drain.implied) && *away > 1 {
                let text = format!("{away} of {ready} Ready pods of {} {} at once", owner.kind, owner.name);
                violations.push(violation(step, "implied-budget", text));
            }
        }
    }
}

/// Never more nodes of a pool in transition than it allows: so many chains of nodes and no more.
fn width(plan: &Plan, policy: &Policy, violations: &mut Vec<Violation>) {
    let by_id: BTreeMap<&str, &Step> = plan.steps.iter().map(|step| (step.id.as_str(), step)).collect();
    for pool in &plan.pools {
        let Some(declared) = policy.pools.iter().find(|declared| *declared.name == *pool.name) else { continue };
        let most = super::at_once(declared, pool.active);
        for going in [true, false] {
            let down = |verb: Verb| matches!(verb, Verb::Cordon | Verb::Drain | Verb::Park | Verb::Delete);
            let mut first: BTreeMap<&str, &Step> = BTreeMap::new();
            for step in plan.steps.iter().filter(|step| step.pool == pool.name && down(step.verb) == going) {
                first.entry(step.node.as_str()).or_insert(step);
            }
            let gated = |step: &Step| {
                step.after.iter().any(|id| by_id.get(id.as_str()).is_some_and(|before| before.node != step.node))
            };
            let free = first.values().filter(|step| !gated(step)).count();
            if u32::try_from(free).unwrap_or(u32::MAX) > most
                && let Some(step) = first.values().next()
            {
                let text = format!("{free} nodes of pool {} start at once, {most} may", pool.name);
                violations.push(violation(step, "width", text));
            }
        }
    }
}

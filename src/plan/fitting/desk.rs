//! Asks about one pod after the other, with the pod itself lifted.

use std::sync::Arc;

use jiff::Timestamp;

use super::asks::asks;
use super::document::{Help, HelpKind, Leaving, Nominee, PodExplanation, PodVerdict, Promise, SchedulerWords, Scored};
use super::verdict::{Found, judge};
use crate::model::{Kind, Pod, PodKey, PodSpec, World};
use crate::placement::{Diagnosis, Site, Strategy, enough};
use crate::plan::basis::partial;
use crate::plan::elsewhere::node_answer;
use crate::plan::members::{Inventory, natural};
use crate::plan::{NodeAnswer, Plan, Step, explain, verb_name};
use crate::policy::{Policy, Scheduler, Scoring};

/// Questions about the pods of one world.
pub struct Fitting<'a> {
    pub(super) world: &'a World,
    pub(super) site: Site,
    /// The policy and who belongs to its pools.
    pub(super) pools: Option<(&'a Policy, Inventory)>,
}

/// Explains a pod: where it fits now, and with a policy and its plan what a drain may do to it. None if there is no such
/// pod.
pub fn explain_pod(
    world: &World,
    decided: Option<(&Policy, &Plan)>,
    key: &PodKey,
    now: Timestamp,
) -> Option<PodExplanation> {
    let mut found = Fitting::new(world, decided.map(|(policy, _)| policy)).explain(key)?;
    let pod = world.pods.get(key)?;
    if let (Some((policy, plan)), true) = (decided, pod.node.is_some()) {
        let answer = explain::answer_of(policy, world, plan, pod, now);
        let explain::PodAnswer { answer, text, homes, lost, .. } = answer;
        found.leaving = Some(Leaving { answer, text, homes, lost });
    }
    found.promise = decided.and_then(|(_, plan)| promise(plan, &found.pod));
    Some(found)
}

/// What the plan does for a pending pod.
fn promise(plan: &Plan, pod: &str) -> Option<Promise> {
    let mut all = plan.waiting.iter().flat_map(|waiting| waiting.pods.iter().map(move |pod| (waiting, pod)));
    let (waiting, found) = all.find(|(_, found)| found.pod == pod)?;
    let steps = plan.steps.iter().filter(|step| found.node.as_ref() == Some(&step.node));
    let verb = |step: &Step| step.provider_verb.clone().unwrap_or_else(|| verb_name(step.verb).to_owned());
    Some(Promise {
        outlook: waiting.outlook,
        node: found.node.clone(),
        reason: waiting.reason.clone(),
        after: steps.map(verb).collect(),
    })
}

impl<'a> Fitting<'a> {
    /// Ready to ask. With a policy the helps know which nodes are parked, and of which pools there could be more.
    pub fn new(world: &'a World, policy: Option<&'a Policy>) -> Self {
        let pools = policy.map(|policy| (policy, Inventory::take(policy, world)));
        Self { world, site: Site::new(world), pools }
    }

    /// Explains one pod. None if there is no such pod.
    pub fn explain(&mut self, key: &PodKey) -> Option<PodExplanation> {
        let pod = &**self.world.pods.get(key)?;
        let mark = self.site.mark();
        if let Some(node) = &pod.node {
            self.site.lift(pod, node);
        }
        let placed_by_scheduler = !pod.finished() && !pod.mirror();
        let nodes = if placed_by_scheduler { self.nodes(pod) } else { Vec::new() };
        let pending = pod.node.is_none() && placed_by_scheduler && !pod.terminating();
        let ungated = Pod { spec: Arc::new(PodSpec { gates: Vec::new(), ..(*pod.spec).clone() }), ..pod.clone() };
        let gated = pending && !pod.spec.gates.is_empty();
        let later = if gated { names(&self.site, &ungated) } else { Vec::new() };
        let others = nodes.iter().filter(|one| one.fits && pod.node.as_deref() != Some(&*one.node)).count();
        let pushed = if pending && !gated && others == 0 { self.preemptible(pod) } else { Vec::new() };
        let promised = pod.nominated_node.as_ref().filter(|_| pending && !gated);
        let promised = promised.is_some_and(|node| self.site.makes_room(self.world, pod, node));
        let scheduler = (pending && !gated).then(|| self.site.diagnosis(pod));
        let fits: std::collections::BTreeSet<&str> =
            nodes.iter().filter(|one| one.fits || one.unknown).map(|one| one.node.as_str()).collect();
        let asleep = scheduler.iter().flat_map(|said| &said.takers).filter(|node| !fits.contains(&***node));
        let asleep: Vec<String> = asleep.map(ToString::to_string).collect();
        let own = pod.node.as_deref().and_then(|name| nodes.iter().find(|one| one.node == name));
        let found =
            Found { pod, nodes: &nodes, others, own, later: &later, pushed: &pushed, promised, asleep: &asleep };
        let (verdict, text) = judge(&found);
        let unknown = nodes.iter().any(|one| one.unknown);
        let scheduler = scheduler.and_then(|said| words(pod, &said, unknown));
        let mut untried = 0;
        let helps = match verdict {
            PodVerdict::Gated if later.is_empty() => Vec::new(),
            PodVerdict::Gated => {
                vec![Help { kind: HelpKind::Gates, text: "its scheduling gates are removed".to_owned(), nodes: later }]
            }
            PodVerdict::FitsNowhereElse
            | PodVerdict::Unschedulable
            | PodVerdict::Unknown
            | PodVerdict::Preempts
            | PodVerdict::Promised => {
                let (helps, left) = self.helps(pod, &nodes, pushed);
                untried = left;
                helps
            }
            _ => Vec::new(),
        };
        let asks = asks(self.world, &self.site, pod, &nodes);
        let refusing = nodes.iter().filter(|one| !one.fits);
        let nominees = refusing.flat_map(|one| {
            let held = self.site.nominees(pod, &one.node).into_iter();
            held.map(|pod| Nominee { pod: pod.to_string(), node: one.node.clone() })
        });
        let nominees = nominees.collect();
        self.site.roll_back(mark);
        Some(PodExplanation {
            pod: key.to_string(),
            verdict,
            text,
            node: pod.node.as_deref().map(str::to_owned),
            promised: pod.nominated_node.as_deref().filter(|_| pending).map(str::to_owned),
            scheduler,
            scored: self.scoring(pod, &nodes),
            nodes,
            helps,
            asks,
            nominees,
            untried: u32::try_from(untried).unwrap_or(u32::MAX),
            incomplete: incomplete(self.world),
            leaving: None,
            promise: None,
        })
    }

    /// What the policy says of the pod's scheduler.
    fn scheduler(&self, pod: &Pod) -> Option<&Scheduler> {
        self.pools.as_ref().and_then(|(policy, _)| policy.scheduler(pod.spec.scheduler.as_deref()))
    }

    /// What there is to know about the scores beside themselves.
    fn scoring(&self, pod: &Pod, nodes: &[NodeAnswer]) -> Option<Scored> {
        let takers = nodes.iter().filter(|one| one.fits).count();
        let unknown = pod.spec.scheduler.as_deref().filter(|_| self.scheduler(pod).is_none());
        (takers > 0).then(|| Scored {
            scheduler: pod.spec.scheduler.as_deref().unwrap_or("default-scheduler").to_owned(),
            known: unknown.is_none(),
            of: u32::try_from(enough(nodes.len()).min(takers)).unwrap_or(u32::MAX),
        })
    }

    /// What every node says: those that could take it as the scheduler ranks them, then the others.
    fn nodes(&self, pod: &Pod) -> Vec<NodeAnswer> {
        let scheduler = self.scheduler(pod);
        let strategy = match scheduler.map(|scheduler| scheduler.scoring).unwrap_or_default() {
            Scoring::LeastAllocated => Strategy::LeastAllocated,
            Scoring::MostAllocated => Strategy::MostAllocated,
        };
        let ranked = self.site.ranking(pod, strategy);
        let mut answers: Vec<NodeAnswer> = (ranked.iter())
            .map(|(score, node)| NodeAnswer {
                node: node.to_string(),
                fits: true,
                reasons: Vec::new(),
                unknown: false,
                score: Some(*score),
            })
            .collect();
        let takers: std::collections::BTreeSet<&str> = ranked.iter().map(|(_, node)| &**node).collect();
        let others = self.world.nodes.keys().filter(|node| !takers.contains(&***node));
        let mut others: Vec<NodeAnswer> = others.map(|node| node_answer(&self.site, pod, node)).collect();
        others.sort_by(|one, other| natural(&one.node, &other.node));
        answers.extend(others);
        answers
    }

    /// The nodes that would take it if every pod of lower priority were gone from there.
    fn preemptible(&mut self, pod: &Pod) -> Vec<String> {
        let mut nodes = Vec::new();
        if pod.spec.never_preempts {
            return nodes;
        }
        let lower = |other: &Pod| other.spec.priority < pod.spec.priority;
        for node in self.world.nodes.keys() {
            if self.site.gives_way(self.world, pod, node, lower) {
                nodes.push(node.to_string());
            }
        }
        nodes.sort_by(|one, other| natural(one, other));
        nodes
    }

    /// What would help, and how many changes were not tried.
    fn helps(&mut self, pod: &Pod, nodes: &[NodeAnswer], pushed: Vec<String>) -> (Vec<Help>, usize) {
        let mut helps = Vec::new();
        if !pushed.is_empty() {
            let text = "the scheduler pushes out pods of lower priority, which it does by itself".to_owned();
            helps.push(Help { kind: HelpKind::Preemption, text, nodes: pushed });
        }
        let others: Vec<&NodeAnswer> =
            nodes.iter().filter(|one| !one.fits && pod.node.as_deref() != Some(&*one.node)).collect();
        self.node_helps(pod, &others, &mut helps);
        let untried = self.pod_helps(pod, &others, &mut helps);
        self.new_nodes(pod, &mut helps);
        helps.sort_by(|one, other| {
            let order = |help: &Help| (help.kind, std::cmp::Reverse(help.nodes.len()));
            order(one).cmp(&order(other)).then_with(|| natural(&one.text, &other.text))
        });
        (helps, untried)
    }
}

/// The nodes that can take `pod`, in natural order; not the one that it is on.
pub(super) fn names(site: &Site, pod: &Pod) -> Vec<String> {
    let homes = site.homes(pod);
    let others = homes.iter().filter(|node| pod.node.as_ref() != Some(*node));
    let mut names: Vec<String> = others.map(ToString::to_string).collect();
    names.sort_by(|one, other| natural(one, other));
    names
}

/// What the answer rests on and is not whole.
fn incomplete(world: &World) -> Vec<String> {
    let kinds = [Kind::Node, Kind::Pod, Kind::Namespace].into_iter().filter(|kind| !world.knows(*kind));
    let kinds: Vec<String> = kinds.map(|kind| kind.to_string()).collect();
    let unlisted = (!kinds.is_empty()).then(|| match kinds.as_slice() {
        [one] if one == "Namespace" => {
            "Namespaces were not listed: which ones an affinity means by their labels is a guess, to the pod's disadvantage"
                .to_owned()
        }
        kinds => format!("not listed, so unknown: {}", kinds.join(", ")),
    });
    world.gaps.iter().cloned().chain(unlisted).chain(partial(world)).collect()
}

/// Our message and the scheduler's own; none where there is neither.
fn words(pod: &Pod, diagnosis: &Diagnosis, unknown: bool) -> Option<SchedulerWords> {
    let message = diagnosis.to_string();
    let condition = pod.unscheduled_message.as_deref().map(str::to_owned);
    // What follows the first sentence is about preemption and devices.
    let first = |text: &str| text.split(". ").next().map(|first| first.trim_end_matches('.').to_owned());
    // Until 1.31 it named the taint.
    let plain = |text: String| without_taints(&text);
    let agree = condition.as_deref().is_some_and(|condition| first(condition).map(plain) == first(&message).map(plain));
    let known = (!unknown).then_some(message);
    (known.is_some() || condition.is_some()).then_some(SchedulerWords {
        message: known,
        condition,
        agree: agree && !unknown,
    })
}

/// `1 node(s) had untolerated taint {k: v}` as it is written since.
fn without_taints(text: &str) -> String {
    const NAMED: &str = "had untolerated taint {";
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(NAMED) {
        out.push_str(before);
        out.push_str("had untolerated taint(s)");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

//! What happens to the pods of a node that is drained: all of them, and to none what the table of the design forbids.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::case::Case;
use super::violation::{Found, Rule};
use crate::model::{Name, Pod, VolumeSource, keys};
use crate::plan::leaving::glob;
use crate::plan::{PodAction, PodMove, Step, Verb};
use crate::policy::{DrainAction, DrainRule, OnTimeout};

const SAFE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const SAFE_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// Do-not-disrupt marks, read from labels and annotations alike.
const MARKS: [(&str, &str); 4] = [
    ("spotinst.io/restrict-scale-down", "true"),
    ("karpenter.sh/do-not-disrupt", "true"),
    (SAFE, "false"),
    (keys::DO_NOT_DISRUPT, "true"),
];

/// A drain lists its node's pods, each once, with what may happen to it; no other step lists any.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for step in &case.plan.steps {
        if step.verb != Verb::Drain {
            if !step.pods.is_empty() {
                found.step(step, Rule::Pods, "only a drain has pods");
            }
            continue;
        }
        let mut listed = BTreeSet::new();
        for entry in &step.pods {
            if !listed.insert(entry.pod.as_str()) {
                found.step(step, Rule::Pods, format!("{} is listed twice", entry.pod));
            }
            match case.pod(&entry.pod).filter(|pod| pod.node.as_deref() == Some(step.node.as_str())) {
                None => found.step(step, Rule::Pods, format!("{} is not on {}", entry.pod, step.node)),
                Some(pod) if *pod.uid != *entry.uid => {
                    found.step(step, Rule::Pods, format!("{} is another pod of that name now", entry.pod));
                }
                Some(pod) => one(case, step, entry, pod, found),
            }
        }
        let missing = case.world.pods_on(&step.node).filter(|pod| !listed.contains(pod.key.to_string().as_str()));
        for pod in missing {
            found.step(step, Rule::Pods, format!("{} is on the node and not in the plan", pod.key));
        }
    }
}

fn one(case: &Case<'_>, step: &Step, entry: &PodMove, pod: &Pod, found: &mut Found) {
    let relaxed = case.pool_of(&step.node).map(|wanted| wanted.holding.relaxed.as_slice()).unwrap_or_default();
    let table = Table { case, pod, relaxed };
    let evicted = entry.action == PodAction::Evict;
    match entry.action {
        PodAction::Stays => {
            if let Some(why) = table.stranded() {
                found.step(step, Rule::Stranded, format!("{} would go down with its node: {why}", entry.pod));
            }
        }
        PodAction::Wait => match table.waited_for() {
            None => found.step(step, Rule::Wait, format!("nothing says to wait for {}", entry.pod)),
            Some(at_most) if at_most.map(|limit| limit.as_secs()) != entry.at_most => {
                found.step(step, Rule::Wait, format!("the policy waits for {} for another time", entry.pod));
            }
            Some(_) => {}
        },
        PodAction::Evict => {
            if let Some(why) = table.not_evicted() {
                found.step(step, Rule::Protected, format!("{} is not to be evicted: {why}", entry.pod));
            }
            if entry.after_cordon && !table.cordon_first() {
                found.step(
                    step,
                    Rule::Budget,
                    format!("nothing says that a cordon releases the budget of {}", entry.pod),
                );
            }
        }
    }
    if !table.over()
        && let Some(mark) = table.mark()
    {
        found.step(step, Rule::Protected, format!("{} says {mark}", entry.pod));
    }
    if entry.delete_on_timeout != (evicted && case.policy.drain.on_timeout == OnTimeout::Delete) {
        found.step(
            step,
            Rule::Pods,
            format!("whether {} is deleted in the end is not what the policy says", entry.pod),
        );
    }
    if entry.lost != (evicted && case.world.loses(pod)) {
        let text = format!("whether anything makes {} again is not what the cluster says", entry.pod);
        found.step(step, Rule::Pods, text);
    }
    if !evicted && (entry.home.is_some() || entry.chunk.is_some()) {
        found.step(step, Rule::Pods, format!("{} is not evicted and has a round or a home", entry.pod));
    }
}

/// The table "may this pod leave", asked of one pod.
struct Table<'a> {
    case: &'a Case<'a>,
    pod: &'a Pod,
    relaxed: &'a [Name],
}

impl Table<'_> {
    /// Static, over for good, or being deleted: nothing needs to happen to it.
    fn over(&self) -> bool {
        self.pod.mirror() || self.pod.terminating() || self.pod.finished()
    }

    fn stranded(&self) -> Option<&'static str> {
        (!self.over() && !self.pod.daemon()).then_some("it is neither of a DaemonSet nor static nor over")
    }

    /// A mark that forbids to disturb it, and that no relaxed window lets us ignore.
    fn mark(&self) -> Option<&'static str> {
        let says = |key: &str, value: &str| {
            let maps = [&self.pod.labels, &self.pod.annotations];
            maps.iter().any(|map| map.get(key).is_some_and(|found| **found == *value))
        };
        let relaxed = |key: &str| self.relaxed.iter().any(|name| **name == *key);
        MARKS.iter().find(|(key, value)| says(key, value) && !relaxed(key)).map(|(key, _)| *key)
    }

    fn entry(&self) -> Option<&DrainRule> {
        self.case.policy.drain.pods.iter().find(|rule| rule.matches(self.pod))
    }

    fn safe(&self, value: &str) -> bool {
        self.pod.annotations.get(SAFE).is_some_and(|found| **found == *value)
    }

    /// The policy's own entry lifts what would keep it.
    fn lifted(&self) -> bool {
        self.entry().is_some_and(|entry| matches!(entry.action, DrainAction::Evict | DrainAction::CordonFirst))
    }

    /// A pod of a Job that an eviction would harm (H4).
    fn works(&self) -> bool {
        let job = self.pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job");
        let ignores = || self.case.world.workload_of(self.pod).is_some_and(|job| job.ignores_disruption);
        job && !ignores() && !self.lifted() && !self.safe("true")
    }

    /// The policy's own entry says that a cordon releases its budget.
    fn cordon_first(&self) -> bool {
        self.entry().is_some_and(|entry| entry.action == DrainAction::CordonFirst)
    }

    /// None if nothing says to wait for it; else for how long at most.
    fn waited_for(&self) -> Option<Option<SignedDuration>> {
        if self.over() || self.pod.daemon() {
            return None;
        }
        match self.entry() {
            Some(entry) if entry.action == DrainAction::Wait => return Some(entry.at_most),
            Some(entry) if entry.action == DrainAction::Block => return None,
            _ => {}
        }
        (self.works() || self.safe("on-completion")).then_some(None)
    }

    fn not_evicted(&self) -> Option<String> {
        let (pod, drain) = (self.pod, &self.case.policy.drain);
        if self.over() || pod.daemon() {
            return Some("it goes with its node".to_owned());
        }
        if let Some(entry) = self.entry().filter(|e| matches!(e.action, DrainAction::Block | DrainAction::Wait)) {
            return Some(format!("the policy says so ({})", entry.origin));
        }
        if SignedDuration::from_secs(pod.spec.grace_seconds) > drain.longest_grace {
            return Some("its grace period is longer than drain.longestGrace".to_owned());
        }
        if self.safe("true") {
            return None;
        }
        if self.works() {
            return Some("it is at work for a Job".to_owned());
        }
        if self.safe("on-completion") {
            return Some("it wants to be waited for".to_owned());
        }
        if pod.owner.is_none() && !self.lifted() {
            return Some("nothing would recreate it".to_owned());
        }
        if let Some(volume) = self.local_storage() {
            return Some(format!("its local storage {volume} is not declared disposable"));
        }
        let hour = SignedDuration::from_hours(1);
        let old = pod.created.is_some_and(|created| self.case.plan.now.duration_since(created) > hour);
        let system = &*pod.key.namespace == "kube-system" && self.case.world.budgets_of(pod).next().is_none();
        (system && !old && !self.lifted()).then(|| "it is a young pod of kube-system without a budget".to_owned())
    }

    fn local_storage(&self) -> Option<&Name> {
        let pod = self.pod;
        let named = pod.annotations.get(SAFE_VOLUMES).map(|names| names.split(',').collect::<Vec<_>>());
        let declared = |volume: &Name| {
            self.case.policy.drain.disposable.iter().any(|entry| {
                (entry.namespaces.is_empty() || entry.namespaces.contains(&pod.key.namespace))
                    && entry.labels.as_ref().is_none_or(|labels| labels.matches(&pod.labels))
                    && (entry.volumes.is_empty() || entry.volumes.iter().any(|pattern| glob(pattern, volume)))
            })
        };
        let local = pod.spec.volumes.iter().filter(|volume| {
            matches!(volume.source, VolumeSource::HostPath | VolumeSource::EmptyDir { memory: false })
        });
        let mut open = local
            .map(|volume| &volume.name)
            .filter(|name| !named.as_ref().is_some_and(|names| names.contains(&&***name)) && !declared(name));
        open.next()
    }
}

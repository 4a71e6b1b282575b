//! Where else a pod would fit when the plan is done, node by node.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::creating::Daemons;
use super::members::natural;
use super::{Plan, PodAction, Verb, running};
use crate::model::{Name, Pod, PodKey, World};
use crate::placement::{Site, Unfit};

/// What one node says to one pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeAnswer {
    /// The node.
    pub node: String,
    /// Whether it can take the pod.
    pub fits: bool,
    /// Why not, in kube-scheduler's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Not that it says no: what decides it is not in the snapshot, or is not simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// The total score that the default scheduler gives a node that can; only for a pod that is asked about by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
}

/// The room of every node as the plan leaves it: what goes is closed, what comes is open, what moves is where it finds
/// room.
pub struct Elsewhere<'a> {
    world: &'a World,
    site: Site,
    going: BTreeSet<&'a str>,
    /// Nodes whose servers do not run, and that the plan does not bring back.
    off: BTreeMap<Name, String>,
}

impl<'a> Elsewhere<'a> {
    /// The room when `plan` is done, but for what it does to `node`: that is what is asked about.
    pub fn after(world: &'a World, plan: &'a Plan, node: Option<&str>) -> Self {
        let (mut site, mut off) = (running::site(world), running::off(world));
        let (mut going, daemons) = (BTreeSet::new(), Daemons::of(world));
        let others = || plan.steps.iter().filter(|step| Some(step.node.as_str()) != node);
        for step in others() {
            match step.verb {
                Verb::Uncordon => {
                    match plan.new_node(&step.node) {
                        Some(node) => daemons.arrive(&mut site, node),
                        None => site.open(&step.node),
                    }
                    off.remove(step.node.as_str());
                }
                Verb::Cordon | Verb::Drain => {
                    site.close(&step.node);
                    going.insert(step.node.as_str());
                }
                _ => {}
            }
        }
        for (step, moved) in others().flat_map(|step| step.pods.iter().map(move |moved| (step, moved))) {
            let key = moved.pod.split_once('/').map(|(namespace, name)| PodKey::new(namespace, name));
            let Some(pod) = key.and_then(|key| world.pods.get(&key)) else { continue };
            if moved.action != PodAction::Stays {
                site.lift(pod, &step.node);
            }
            if let Some(home) = &moved.home {
                site.place(pod, home);
            }
        }
        Self { world, site, going, off }
    }

    /// How many nodes other than `from`, where the pod is, can take it.
    pub fn homes(&mut self, pod: &Pod, from: &str) -> usize {
        let mark = self.site.mark();
        self.site.lift(pod, from);
        let homes = self.site.homes(pod).iter().filter(|home| ***home != *from).count();
        self.site.roll_back(mark);
        homes
    }

    /// What each node other than `from` says, in natural order of the names.
    pub fn nodes(&mut self, pod: &Pod, from: &str) -> Vec<NodeAnswer> {
        let mark = self.site.mark();
        self.site.lift(pod, from);
        let others = self.world.nodes.keys().filter(|name| ***name != *from);
        let answers = others.map(|name| {
            let goes = self.going.contains(&**name).then(|| "it goes by this plan too".to_owned());
            if let Some(reason) = goes.or_else(|| self.off.get(name).cloned()) {
                let reasons = vec![reason];
                return NodeAnswer { node: name.to_string(), fits: false, reasons, unknown: false, score: None };
            }
            node_answer(&self.site, pod, name)
        });
        let mut answers: Vec<NodeAnswer> = answers.collect();
        answers.sort_by(|a, b| natural(&a.node, &b.node));
        self.site.roll_back(mark);
        answers
    }
}

/// What `node` says to `pod`.
pub fn node_answer(site: &Site, pod: &Pod, node: &str) -> NodeAnswer {
    let unfit = site.unfit(pod, node);
    let unknown = !unfit.is_empty() && unfit.iter().all(Unfit::unknown);
    let reasons: Vec<String> = unfit.iter().map(ToString::to_string).collect();
    NodeAnswer { node: node.to_owned(), fits: reasons.is_empty(), reasons, unknown, score: None }
}

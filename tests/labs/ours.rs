//! Our answer to the same question, from the same objects.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate::model::{Name, PodKey, World};
use tidegate::observe;
use tidegate::placement::{Site, Strategy};
use tidegate::plan::{Fitting, PodVerdict};

use crate::answer::{Answer, Counts, counts};

/// Why a pod does not fit each node; nothing where it does.
#[derive(Clone, Debug)]
pub struct Ours {
    pub nodes: BTreeMap<Name, Vec<String>>,
    counts: Counts,
    /// What `explain` says of the pod.
    verdict: PodVerdict,
    /// The nodes that fit with their scores, best first.
    ranking: Vec<(i64, Name)>,
}

/// Our answer for `pod` among `objects`.
pub fn ours(objects: &[Value], pod: &Value) -> Result<Ours, String> {
    let snapshot = observe::from_values(objects.iter().chain([pod]).cloned());
    if !snapshot.gaps.is_empty() {
        return Err(format!("what the API server holds was not understood: {:?}", snapshot.gaps));
    }
    let world = World::build(snapshot);
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    let key = PodKey::new(text("namespace"), text("name"));
    let asked = world.pods.get(&key).ok_or_else(|| format!("pod {key} is not in the world"))?;
    let site = Site::new(&world);
    let why = |node: &Name| site.unfit(asked, node).iter().map(ToString::to_string).collect();
    let nodes = world.nodes.keys().map(|node| (node.clone(), why(node))).collect();
    let diagnosis = site.diagnosis(asked);
    let counts = if diagnosis.takers.is_empty() { counts(&diagnosis.to_string())? } else { Counts::new() };
    let packs = pod["spec"]["schedulerName"] == "packer";
    let strategy = if packs { Strategy::MostAllocated } else { Strategy::LeastAllocated };
    let ranking = site.ranking(asked, strategy);
    let explained = Fitting::new(&world, None).explain(&key).ok_or_else(|| format!("pod {key} is not explained"))?;
    Ok(Ours { nodes, counts, verdict: explained.verdict, ranking })
}

impl Ours {
    pub fn fits(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(Vec::is_empty)
    }

    /// Whether no node has a higher score; among equals the scheduler draws.
    fn is_best(&self, node: &str) -> bool {
        let of = self.ranking.iter().find(|(_, name)| **name == *node).map(|(score, _)| *score);
        of.is_some() && of == self.ranking.iter().map(|(score, _)| *score).max()
    }

    /// What is wrong with it, if the scheduler says `real`.
    pub fn against(&self, real: &Answer) -> Option<String> {
        use PodVerdict::{Fits, Gated, Preempts, Unschedulable};
        let said = match real {
            Answer::Gated => self.verdict == Gated,
            Answer::Bound(_) => self.verdict == Fits,
            Answer::Unschedulable(_) | Answer::Failed(_) => matches!(self.verdict, Unschedulable | Preempts),
        };
        self.filtered(real).or_else(|| (!said).then(|| format!("explained as {:?}", self.verdict)))
    }

    fn filtered(&self, real: &Answer) -> Option<String> {
        match real {
            Answer::Gated => {
                let open =
                    self.nodes.iter().find(|(_, reasons)| !reasons.iter().any(|reason| reason.contains("gates")));
                open.map(|(node, _)| format!("{node} does not know that the pod is gated"))
            }
            Answer::Bound(node) if self.fits(node) && self.is_best(node) => None,
            Answer::Bound(node) if self.fits(node) => {
                let scores = self.ranking.iter().map(|(score, node)| format!("{node} {score}"));
                Some(format!("{node} is not the best: {}", scores.collect::<Vec<_>>().join(", ")))
            }
            Answer::Bound(node) => Some(format!("{node} should fit: {}", self.said(node))),
            Answer::Unschedulable(_) | Answer::Failed(_) if self.nodes.keys().any(|node| self.fits(node)) => {
                let fitting: Vec<&Name> = self.nodes.keys().filter(|node| self.fits(node)).collect();
                Some(format!("{fitting:?} should not fit"))
            }
            Answer::Failed(_) => None,
            Answer::Unschedulable(counts) if *counts == self.counts => None,
            Answer::Unschedulable(_) => {
                Some(format!("the reasons differ: {}", Answer::Unschedulable(self.counts.clone())))
            }
        }
    }

    fn said(&self, node: &str) -> String {
        self.nodes.get(node).map_or_else(|| "no such node".to_owned(), |reasons| reasons.join(", "))
    }
}

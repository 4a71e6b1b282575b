//! Our answer to the same question, from the same objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate::model::{Name, PodKey, World};
use tidegate::observe;
use tidegate::placement::Site;

use crate::answer::{Answer, Counts, uniform};

/// Why a pod does not fit each node; nothing where it does.
#[derive(Clone, Debug)]
pub struct Ours {
    pub nodes: BTreeMap<Name, Vec<String>>,
    /// The nodes that the pod itself names, in every term of its affinity. The scheduler looks at no others.
    named: Option<BTreeSet<String>>,
}

/// The scheduler's filters in its order. It stops at the first that keeps the pod off a node; that one's reasons count.
const ORDER: &[&[&str]] = &[
    &["node(s) didn't match the requested node name"],
    &["node(s) were unschedulable"],
    &["node(s) had untolerated taint"],
    &["node(s) didn't match Pod's node affinity/selector"],
    &["node(s) didn't have free ports"],
    &["Insufficient ", "Too many pods"],
    &["node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod", "node(s) had no available disk"],
    &["node(s) exceed max volume count"],
    &[
        "node(s) didn't find available persistent volumes",
        "node(s) didn't match PersistentVolume's node affinity",
        "node(s) did not have enough free storage",
        "node(s) unavailable due to one or more pvc(s) bound to non-existent",
    ],
    &["node(s) had no available volume zone"],
    &["node(s) didn't match pod topology spread constraints"],
    &["node(s) didn't match pod affinity rules"],
    &["node(s) didn't match pod anti-affinity rules"],
    &["node(s) didn't satisfy existing pods anti-affinity rules"],
];

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
    Ok(Ours { nodes: world.nodes.keys().map(|node| (node.clone(), why(node))).collect(), named: named(pod) })
}

impl Ours {
    pub fn fits(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(Vec::is_empty)
    }

    /// The counts that the scheduler would give.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for (node, reasons) in &self.nodes {
            let unnamed = self.named.as_ref().is_some_and(|named| !named.contains(&**node));
            let first = if unnamed {
                ORDER.get(3)
            } else {
                ORDER.iter().find(|one| reasons.iter().any(|reason| is(one, reason)))
            };
            let said: BTreeSet<&str> = match first {
                Some(first) => {
                    reasons.iter().filter(|reason| is(first, reason)).map(|reason| uniform(reason)).collect()
                }
                None => reasons.iter().map(|reason| uniform(reason)).collect(),
            };
            said.into_iter().for_each(|reason| *counts.entry(reason.to_owned()).or_insert(0) += 1);
        }
        counts
    }

    /// What is wrong with it, if the scheduler says `real`.
    pub fn against(&self, real: &Answer) -> Option<String> {
        match real {
            Answer::Gated => None,
            Answer::Bound(node) if self.fits(node) => None,
            Answer::Bound(node) => Some(format!("{node} should fit: {}", self.said(node))),
            Answer::Unschedulable(_) if self.nodes.keys().any(|node| self.fits(node)) => {
                let fitting: Vec<&Name> = self.nodes.keys().filter(|node| self.fits(node)).collect();
                Some(format!("{fitting:?} should not fit"))
            }
            Answer::Unschedulable(counts) if *counts == self.counts() => None,
            Answer::Unschedulable(_) => Some(format!("the reasons differ: {}", Answer::Unschedulable(self.counts()))),
        }
    }

    fn said(&self, node: &str) -> String {
        self.nodes.get(node).map_or_else(|| "no such node".to_owned(), |reasons| reasons.join(", "))
    }
}

fn is(one: &[&str], reason: &str) -> bool {
    one.iter().any(|start| reason.starts_with(start))
}

/// Where each term of the required node affinity names nodes: those.
fn named(pod: &Value) -> Option<BTreeSet<String>> {
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = required["nodeSelectorTerms"].as_array().filter(|terms| !terms.is_empty())?;
    let mut all = BTreeSet::new();
    for term in terms {
        let fields = term["matchFields"].as_array().into_iter().flatten();
        let mut of_term: Option<BTreeSet<String>> = None;
        for field in fields.filter(|field| field["operator"] == "In") {
            let values = field["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let values: BTreeSet<String> = values.map(str::to_owned).collect();
            of_term = Some(of_term.map_or(values.clone(), |so_far| so_far.intersection(&values).cloned().collect()));
        }
        all.extend(of_term?);
    }
    Some(all)
}

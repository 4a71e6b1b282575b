//! What pods ask of each other, against the rules written out the slow way: every pod on every node is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::model::{Name, Node, Operator, Pod, PodTerm, Requirement, Selector, Spread, World};
use tidegate::placement::{Plugin, Site, Unfit, term_matches, tolerated};

use super::{pod, world};

fn selector() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"matchLabels": {"app": "a"}})),
        Just(json!({"matchLabels": {"app": "b", "tier": "x"}})),
        Just(json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]})),
        Just(json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]})),
        Just(json!({})),
        Just(Value::Null),
    ]
}

fn keys() -> impl Strategy<Value = Value> {
    prop_oneof![3 => Just(json!([])), 1 => Just(json!(["tier"]))]
}

fn topology() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["zone", "kubernetes.io/hostname", "rack"]).prop_map(Value::from)
}

fn term() -> impl Strategy<Value = Value> {
    let namespaces = prop_oneof![
        3 => Just(json!({})),
        1 => Just(json!({"namespaces": ["n1"]})),
        1 => Just(json!({"namespaceSelector": {}})),
        1 => Just(json!({"namespaces": ["n0"], "namespaceSelector": {"matchLabels": {"team": "t1"}}})),
    ];
    (selector(), topology(), namespaces, keys(), keys()).prop_map(|(selector, key, mut term, same, other)| {
        term["labelSelector"] = selector;
        term["topologyKey"] = key;
        term["matchLabelKeys"] = same;
        term["mismatchLabelKeys"] = other;
        term
    })
}

fn constraint() -> impl Strategy<Value = Value> {
    (1..3_u8, topology(), selector(), keys(), 0..4_u8, any::<bool>(), any::<bool>()).prop_map(
        |(skew, key, selector, same, least, ignores, honors)| {
            let mut spread = json!({"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
                                    "labelSelector": selector, "matchLabelKeys": same});
            if least > 0 {
                spread["minDomains"] = json!(least);
            }
            if ignores {
                spread["nodeAffinityPolicy"] = json!("Ignore");
            }
            if honors {
                spread["nodeTaintsPolicy"] = json!("Honor");
            }
            spread
        },
    )
}

/// A pod without a node, with some of everything.
pub fn social_pod() -> impl Strategy<Value = Value> {
    let some = |what: BoxedStrategy<Value>| prop::collection::vec(what, 0..2);
    let labels = (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec!["x", "y", ""]));
    let terms = (some(term().boxed()), some(term().boxed()), some(constraint().boxed()));
    (labels, 0..2_u8, terms, 0..4_u8, any::<bool>()).prop_map(
        |((app, tier), namespace, (near, apart, spread), extra, dying)| {
            let mut spec = json!({"topologySpreadConstraints": spread, "affinity": {
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": near},
                "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": apart}}});
            match extra {
                0 => spec["nodeSelector"] = json!({"zone": "z0"}),
                1 => spec["tolerations"] = json!([{"key": "k", "operator": "Exists"}]),
                _ => {}
            }
            let mut made = pod("p", spec);
            made["metadata"]["namespace"] = json!(format!("n{namespace}"));
            made["metadata"]["labels"] =
                if tier.is_empty() { json!({"app": app}) } else { json!({"app": app, "tier": tier}) };
            if dying {
                made["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            }
            made
        },
    )
}

/// Four nodes in two zones, one without a zone, one with a taint, and two namespaces.
pub fn ground() -> Vec<Value> {
    let node = |name: &str, zone: Option<&str>, rack: Option<&str>| {
        let mut node = super::node(name, json!({"metadata": {"labels": null}}));
        node["metadata"]["labels"] = json!({"kubernetes.io/hostname": name});
        for (key, value) in [("zone", zone), ("rack", rack)] {
            if let Some(value) = value {
                node["metadata"]["labels"][key] = json!(value);
            }
        }
        node
    };
    let mut tainted = node("m2", Some("z1"), Some("r0"));
    tainted["spec"]["taints"] = json!([{"key": "k", "effect": "NoSchedule"}]);
    let namespace = |name: &str, team: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}});
    vec![
        node("m0", Some("z0"), Some("r0")),
        node("m1", Some("z1"), None),
        tainted,
        node("m3", None, Some("r1")),
        namespace("n0", "t0"),
        namespace("n1", "t1"),
    ]
}

/// Who is where, and the rules.
struct Slow<'a> {
    world: &'a World,
    there: Vec<(Arc<Pod>, Name)>,
}

impl Slow<'_> {
    fn means(&self, owner: &Pod, term: &PodTerm, pod: &Pod) -> bool {
        let own = term.namespaces.is_empty() && term.namespace_selector.is_none();
        let by_label = term.namespace_selector.as_ref();
        let by_label = by_label.is_some_and(|selector| selector.matches(&self.world.namespaces[&pod.key.namespace]));
        let namespace = (own && owner.key.namespace == pod.key.namespace)
            || term.namespaces.contains(&pod.key.namespace)
            || by_label;
        let mut selector = term.selector.clone();
        if let Some(selector) = &mut selector {
            let before = selector.clone();
            for (keys, operator) in
                [(&term.match_label_keys, Operator::In), (&term.mismatch_label_keys, Operator::NotIn)]
            {
                merge(selector, &before, keys, operator, owner);
            }
        }
        namespace && selector.is_some_and(|selector| selector.matches(&pod.labels))
    }

    fn together(&self, one: &str, other: &str, key: &str) -> bool {
        let value = |node: &str| self.world.nodes[node].labels.get(key);
        value(one).is_some() && value(one) == value(other)
    }

    fn affinity(&self, pod: &Pod, node: &str) -> bool {
        let terms = pod.spec.affinity.as_ref().map_or(&[][..], |affinity| &affinity.pod);
        let meant = |other: &Pod| terms.iter().all(|term| self.means(pod, term, other));
        let labelled = |node: &str, term: &PodTerm| self.world.nodes[node].labels.contains_key(&term.topology_key);
        if !terms.iter().all(|term| labelled(node, term)) {
            return false;
        }
        let found = terms.iter().all(|term| {
            self.there.iter().any(|(other, at)| meant(other) && self.together(node, at, &term.topology_key))
        });
        let first = meant(pod)
            && !self.there.iter().any(|(other, at)| meant(other) && terms.iter().any(|term| labelled(at, term)));
        found || first
    }

    fn anti(&self, pod: &Pod, node: &str) -> bool {
        let terms = pod.spec.affinity.as_ref().map_or(&[][..], |affinity| &affinity.anti);
        !terms.iter().any(|term| {
            let there = |(other, at): &(Arc<Pod>, Name)| {
                self.means(pod, term, other) && self.together(node, at, &term.topology_key)
            };
            self.there.iter().any(there)
        })
    }

    fn anti_of_others(&self, pod: &Pod, node: &str) -> bool {
        !self.there.iter().any(|(other, at)| {
            let terms = other.spec.affinity.as_ref().map_or(&[][..], |affinity| &affinity.anti);
            terms.iter().any(|term| self.means(other, term, pod) && self.together(node, at, &term.topology_key))
        })
    }

    /// None if every hard spread holds.
    fn spread(&self, pod: &Pod, node: &str) -> Option<Unfit> {
        let keys: BTreeSet<&Name> = pod.spec.spread.iter().map(|spread| &spread.topology_key).collect();
        for spread in &pod.spec.spread {
            let mut selector = spread.selector.clone();
            if let Some(selector) = &mut selector {
                merge(selector, &Selector::default(), &spread.match_label_keys, Operator::In, pod);
            }
            let mut domains: BTreeMap<&Name, i32> = BTreeMap::new();
            for (name, node) in &self.world.nodes {
                let labelled = keys.iter().all(|key| node.labels.contains_key(*key));
                if !labelled || !counts_for(spread, pod, node) {
                    continue;
                }
                let here = self.there.iter().filter(|(other, at)| {
                    let selected = selector
                        .as_ref()
                        .is_some_and(|selector| !selector.requirements.is_empty() && selector.matches(&other.labels));
                    at == name && other.key.namespace == pod.key.namespace && !other.terminating() && selected
                });
                *domains.entry(&node.labels[&spread.topology_key]).or_insert(0) += i32::try_from(here.count()).unwrap();
            }
            let Some(value) = self.world.nodes[node].labels.get(&spread.topology_key) else {
                return Some(Unfit::SpreadLabel);
            };
            let few = domains.len() < usize::try_from(spread.min_domains.unwrap_or(1)).unwrap();
            let least = if few { 0 } else { domains.values().copied().min().unwrap_or(0) };
            let own = i32::from(selector.is_some_and(|selector| selector.matches(&pod.labels)));
            if domains.get(value).copied().unwrap_or(0) + own - least > spread.max_skew {
                return Some(Unfit::Spread);
            }
        }
        None
    }

    fn reasons(&self, pod: &Pod, node: &str) -> Vec<Unfit> {
        let mut reasons: Vec<Unfit> = self.spread(pod, node).into_iter().collect();
        for (holds, reason) in [
            (self.affinity(pod, node), Unfit::PodAffinity),
            (self.anti(pod, node), Unfit::PodAntiAffinity),
            (self.anti_of_others(pod, node), Unfit::ExistingAntiAffinity),
        ] {
            if !holds {
                reasons.push(reason);
            }
        }
        reasons
    }
}

fn merge(selector: &mut Selector, before: &Selector, keys: &[Name], operator: Operator, owner: &Pod) {
    for key in keys.iter().filter(|key| !before.requirements.iter().any(|one| one.key == **key)) {
        if let Some(value) = owner.labels.get(key) {
            let values = [value.clone()].into();
            selector.requirements.insert(Requirement { key: key.clone(), operator, values });
        }
    }
}

fn counts_for(spread: &Spread, pod: &Pod, node: &Node) -> bool {
    let spec = &pod.spec;
    let selected = spec.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
        && spec
            .affinity
            .as_ref()
            .and_then(|affinity| affinity.node.as_ref())
            .is_none_or(|terms| terms.iter().any(|term| term_matches(term, node)));
    (!spread.honor_affinity || selected)
        && (!spread.honor_taints || node.taints.iter().all(|taint| tolerated(&spec.tolerations, taint)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Pods come and go, and some are of a class that nobody met before; each question has the slow answer.
    #[test]
    fn counters_agree_with_looking_at_every_pod(
        pods in prop::collection::vec(social_pod(), 1..8),
        strangers in prop::collection::vec(social_pod(), 0..3),
        acts in prop::collection::vec((any::<bool>(), 0..12_usize, 0..4_usize), 0..16),
    ) {
        let named = |mut pod: Value, name: String| {
            pod["metadata"]["name"] = json!(name);
            pod
        };
        let mut objects = ground();
        objects.extend(pods.iter().enumerate().map(|(index, pod)| named(pod.clone(), format!("p{index}"))));
        let base = world(objects.clone());
        objects.extend(strangers.iter().enumerate().map(|(index, pod)| named(pod.clone(), format!("s{index}"))));
        let all = world(objects);
        let everybody: Vec<&Arc<Pod>> = all.pods.values().collect();
        let nodes: Vec<&Name> = all.nodes.keys().collect();
        let mut site = Site::new(&base);
        let mut slow = Slow { world: &all, there: Vec::new() };
        for (comes, who, node) in acts {
            let (pod, node) = (everybody[who % everybody.len()], nodes[node]);
            let there = slow.there.iter().position(|(other, at)| other.key == pod.key && at == node);
            match (comes, there) {
                (true, _) => {
                    site.place(pod, node);
                    slow.there.push((pod.clone(), node.clone()));
                }
                (false, Some(place)) => {
                    site.lift(pod, node);
                    slow.there.remove(place);
                }
                (false, None) => {}
            }
            for pod in &everybody {
                for node in &nodes {
                    let mut said = site.unfit(pod, node);
                    said.retain(|reason| {
                        matches!(reason.plugin(), Plugin::PodTopologySpread | Plugin::InterPodAffinity)
                    });
                    prop_assert_eq!(said, slow.reasons(pod, node), "{} on {}", pod.key, node);
                }
            }
        }
    }
}

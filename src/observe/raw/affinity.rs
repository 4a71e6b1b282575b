//! Affinity and spread.

use serde::Deserialize;

use super::{LabelSelector, SelectorExpression};

/// `spec.affinity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affinity {
    /// `nodeAffinity`.
    pub node_affinity: Option<NodeAffinity>,
    /// `podAffinity`.
    pub pod_affinity: Option<PodAffinity>,
    /// `podAntiAffinity`.
    pub pod_anti_affinity: Option<PodAffinity>,
}

/// `nodeAffinity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAffinity {
    /// The required part.
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub required: Option<NodeSelector>,
    /// The preferred part.
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub preferred: Option<Vec<PreferredNode>>,
}

/// `nodeSelectorTerms` with their wrapper.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelector {
    /// `nodeSelectorTerms`.
    pub node_selector_terms: Option<Vec<NodeSelectorTerm>>,
}

/// One term.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelectorTerm {
    /// `matchExpressions`.
    pub match_expressions: Option<Vec<SelectorExpression>>,
    /// `matchFields`.
    pub match_fields: Option<Vec<SelectorExpression>>,
}

/// A preferred term.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PreferredNode {
    /// `weight`.
    pub weight: Option<i32>,
    /// `preference`.
    pub preference: Option<NodeSelectorTerm>,
}

/// `podAffinity` or `podAntiAffinity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodAffinity {
    /// The required part.
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub required: Option<Vec<PodAffinityTerm>>,
    /// The preferred part.
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub preferred: Option<Vec<PreferredPods>>,
}

/// A preferred term.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PreferredPods {
    /// `weight`.
    pub weight: Option<i32>,
    /// `podAffinityTerm`.
    pub pod_affinity_term: Option<PodAffinityTerm>,
}

/// One term.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodAffinityTerm {
    /// `labelSelector`.
    pub label_selector: Option<LabelSelector>,
    /// `namespaces`.
    pub namespaces: Option<Vec<String>>,
    /// `namespaceSelector`.
    pub namespace_selector: Option<LabelSelector>,
    /// `topologyKey`.
    pub topology_key: Option<String>,
    /// `matchLabelKeys`.
    pub match_label_keys: Option<Vec<String>>,
    /// `mismatchLabelKeys`.
    pub mismatch_label_keys: Option<Vec<String>>,
}

/// One of `topologySpreadConstraints`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spread {
    /// `maxSkew`.
    pub max_skew: Option<i32>,
    /// `topologyKey`.
    pub topology_key: Option<String>,
    /// `whenUnsatisfiable`.
    pub when_unsatisfiable: Option<String>,
    /// `labelSelector`.
    pub label_selector: Option<LabelSelector>,
    /// `minDomains`.
    pub min_domains: Option<i32>,
    /// `nodeAffinityPolicy`.
    pub node_affinity_policy: Option<String>,
    /// `nodeTaintsPolicy`.
    pub node_taints_policy: Option<String>,
    /// `matchLabelKeys`.
    pub match_label_keys: Option<Vec<String>>,
}

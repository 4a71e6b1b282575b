//! Static rules: what a node is, against what a pod asks of nodes, whatever else is there.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::model::{Labels, Name, Node, NodeTerm, Operator, PodSpec, Requirement, Taint, TaintEffect, Toleration};

/// What a cordon means to pods that tolerate it.
pub static CORDON: LazyLock<Taint> = LazyLock::new(|| Taint {
    key: "node.kubernetes.io/unschedulable".into(),
    value: "".into(),
    effect: TaintEffect::NoSchedule,
});

/// Whether one of `tolerations` covers `taint`. Tolerations that compare numbers (`Gt`, `Lt`) are off by default in
/// Kubernetes 1.37 and cover nothing.
pub fn tolerated(tolerations: &BTreeSet<Toleration>, taint: &Taint) -> bool {
    tolerations.iter().any(|toleration| {
        toleration.key.as_ref().is_none_or(|key| *key == taint.key)
            && toleration.value.as_ref().is_none_or(|value| *value == taint.value)
            && toleration.effect.is_none_or(|effect| effect == taint.effect)
    })
}

/// Whether the node's name and labels are what `spec` asks for.
pub fn selected(spec: &PodSpec, name: &Name, labels: &Labels) -> bool {
    has_selected_labels(spec, |key| labels.get(key)) && affine(spec, name, labels)
}

/// Whether every label of the node selector is there.
pub fn has_selected_labels<'a>(spec: &PodSpec, label: impl Fn(&Name) -> Option<&'a Name>) -> bool {
    spec.node_selector.iter().all(|(key, value)| label(key) == Some(value))
}

/// The terms of required node affinity; None if there is none.
pub fn required(spec: &PodSpec) -> Option<&[NodeTerm]> {
    spec.affinity.as_ref().and_then(|affinity| affinity.node.as_deref())
}

fn affine(spec: &PodSpec, name: &Name, labels: &Labels) -> bool {
    required(spec).is_none_or(|terms| terms.iter().any(|term| term_holds(term, name, labels)))
}

/// Whether all conditions of a term hold. A term without any matches no node, nor does one with a condition that the API
/// server would refuse (In without values, Gt with two).
pub fn term_matches(term: &NodeTerm, node: &Node) -> bool {
    term_holds(term, &node.name, &node.labels)
}

/// [`term_matches`] of a node with this name and these labels.
pub fn term_holds(term: &NodeTerm, name: &Name, labels: &Labels) -> bool {
    term.fields.iter().all(|field| field_matches(&field.0, name)) && labels_hold(term, labels)
}

/// Whether the conditions of a term on labels hold, and it has any condition at all.
pub fn labels_hold(term: &NodeTerm, labels: &Labels) -> bool {
    term.labels.iter().all(|one| well_formed(one) && one.matches(labels))
        && (!term.fields.is_empty() || !term.labels.is_empty())
}

fn well_formed(requirement: &Requirement) -> bool {
    let values = requirement.values.len();
    match requirement.operator {
        Operator::In | Operator::NotIn => values > 0 && requirement.values.iter().all(is_label_value),
        Operator::Exists | Operator::DoesNotExist => values == 0,
        Operator::Gt | Operator::Lt => values == 1,
    }
}

/// At most 63 characters, letters, digits, `-`, `_` and `.`, the first and the last a letter or a digit; or empty.
fn is_label_value(value: &Name) -> bool {
    let bytes = value.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().flatten().all(u8::is_ascii_alphanumeric);
    ends && bytes.len() <= 63 && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Only the field `metadata.name` exists, with In or NotIn and exactly one value.
fn field_matches(requirement: &Requirement, name: &Name) -> bool {
    let named = requirement.values.len() == 1 && requirement.values.contains(name);
    &*requirement.key == "metadata.name"
        && match requirement.operator {
            Operator::In => named,
            Operator::NotIn => requirement.values.len() == 1 && !named,
            _ => false,
        }
}

/// The only nodes that the scheduler looks at for a pod each of whose terms names nodes: None if it looks at all.
pub fn named_nodes(spec: &PodSpec) -> Option<BTreeSet<&Name>> {
    let terms = required(spec).filter(|terms| !terms.is_empty())?;
    let mut named = BTreeSet::new();
    for term in terms {
        let mut fields = term.fields.iter().map(|field| &field.0);
        let by_name = fields.by_ref().filter(|field| &*field.key == "metadata.name" && field.operator == Operator::In);
        let of_term = by_name.map(|field| field.values.iter().collect::<BTreeSet<_>>());
        named.extend(of_term.reduce(|one, other| &one & &other)?);
    }
    Some(named)
}

//! The scheduler's filters, one by one, in its order.

use std::sync::LazyLock;

use super::Unfit;
use super::room::Room;
use crate::model::{
    HostPort, Labels, Name, Node, NodeTerm, Operator, Pod, PodSpec, Requirement, Taint, TaintEffect, Toleration,
};

/// What a cordon means to pods that tolerate it.
static CORDON: LazyLock<Taint> = LazyLock::new(|| Taint {
    key: "node.kubernetes.io/unschedulable".into(),
    value: "".into(),
    effect: TaintEffect::NoSchedule,
});

/// Whether the modelled filters let the pod onto the node.
pub fn fits(spec: &PodSpec, room: &Room) -> bool {
    enough(spec, room)
        && open(spec, room).is_none()
        && untolerated(spec, room).is_none()
        && selected(spec, &room.node)
        && !ports_taken(spec, room)
}

/// Every modelled filter that keeps the pod off the node.
pub fn reasons(spec: &PodSpec, room: &Room) -> Vec<Unfit> {
    let mut reasons = Vec::new();
    reasons.extend(open(spec, room));
    reasons.extend(untolerated(spec, room).map(|taint| Unfit::Taint(taint.clone())));
    if !selected(spec, &room.node) {
        reasons.push(Unfit::NodeSelector);
    }
    if ports_taken(spec, room) {
        reasons.push(Unfit::HostPorts);
    }
    if !enough(spec, room) {
        lacking(spec, room, &mut reasons);
    }
    reasons
}

/// What the pod itself uses that is not modelled, whatever the node.
pub fn not_modelled(pod: &Pod) -> impl Iterator<Item = Unfit> {
    let spec = &pod.spec;
    let affinity = spec.affinity.as_ref();
    [
        (affinity.is_some_and(|affinity| !affinity.pod.is_empty()), "required pod affinity"),
        (affinity.is_some_and(|affinity| !affinity.anti.is_empty()), "required pod anti-affinity"),
        (spec.spread.iter().any(|spread| spread.hard), "a hard topology spread"),
        (!spec.resource_claims.is_empty(), "a dynamic resource claim"),
    ]
    .into_iter()
    .filter_map(|(uses, what)| uses.then_some(Unfit::NotModelled(what)))
}

fn open(spec: &PodSpec, room: &Room) -> Option<Unfit> {
    let state = &room.state;
    if state.closed || (state.unschedulable && !tolerates(spec, &CORDON)) {
        Some(Unfit::Unschedulable)
    } else if !state.ready {
        Some(Unfit::NotReady)
    } else {
        None
    }
}

fn untolerated<'a>(spec: &PodSpec, room: &'a Room) -> Option<&'a Taint> {
    room.state.taints.iter().find(|taint| !tolerates(spec, taint))
}

fn tolerates(spec: &PodSpec, taint: &Taint) -> bool {
    spec.tolerations.iter().any(|toleration| {
        let Toleration { key, value, effect, seconds: _ } = toleration;
        key.as_ref().is_none_or(|key| *key == taint.key)
            && value.as_ref().is_none_or(|value| *value == taint.value)
            && effect.is_none_or(|effect| effect == taint.effect)
    })
}

fn selected(spec: &PodSpec, node: &Node) -> bool {
    let labels = &node.labels;
    let by_selector = spec.node_selector.iter().all(|(key, value)| labels.get(key) == Some(value));
    let required = spec.affinity.as_ref().and_then(|affinity| affinity.node.as_ref());
    by_selector && required.is_none_or(|terms| terms.iter().any(|term| term_matches(term, labels, &node.name)))
}

/// Whether all conditions of a term hold. A term without any matches no node, nor does one with a condition that the API
/// server would refuse (In without values, Gt with two).
pub fn term_matches(term: &NodeTerm, labels: &Labels, name: &Name) -> bool {
    let fields = term.fields.iter().all(|field| field_matches(&field.0, name));
    let labels = term.labels.iter().all(|one| well_formed(one) && one.matches(labels));
    fields && labels && (!term.fields.is_empty() || !term.labels.is_empty())
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

fn ports_taken(spec: &PodSpec, room: &Room) -> bool {
    let overlaps = |wanted: &HostPort, taken: &HostPort| {
        let any = |address: &Name| &**address == "0.0.0.0";
        wanted.port == taken.port
            && wanted.protocol == taken.protocol
            && (wanted.address == taken.address || any(&wanted.address) || any(&taken.address))
    };
    spec.host_ports.iter().any(|wanted| room.ports.iter().any(|(taken, pods)| *pods > 0 && overlaps(wanted, taken)))
}

/// Asking for nothing fits even where more is used than there is; the pod slot counts always.
fn enough(spec: &PodSpec, room: &Room) -> bool {
    let (has, used, asks) = (&room.node.allocatable, &room.used, &spec.requests);
    used.pods < i128::from(has.pods)
        && within(asks.cpu, has.cpu, used.cpu)
        && within(asks.memory, has.memory, used.memory)
        && within(asks.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage)
        && asks.extended.iter().all(|(name, ask)| within(*ask, has.extended(name), used_of(room, name)))
}

fn lacking(spec: &PodSpec, room: &Room, reasons: &mut Vec<Unfit>) {
    let (has, used, asks) = (&room.node.allocatable, &room.used, &spec.requests);
    if used.pods >= i128::from(has.pods) {
        reasons.push(Unfit::TooManyPods);
    }
    for (name, ask, has, used) in [
        ("cpu", asks.cpu, has.cpu, used.cpu),
        ("memory", asks.memory, has.memory, used.memory),
        ("ephemeral-storage", asks.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage),
    ] {
        if !within(ask, has, used) {
            reasons.push(Unfit::Insufficient(name.into()));
        }
    }
    for (name, ask) in &asks.extended {
        if !within(*ask, has.extended(name), used_of(room, name)) {
            reasons.push(Unfit::Insufficient(name.clone()));
        }
    }
}

fn within(ask: i64, has: i64, used: i128) -> bool {
    ask <= 0 || i128::from(ask) <= i128::from(has) - used
}

fn used_of(room: &Room, name: &Name) -> i128 {
    room.used.extended.get(name).copied().unwrap_or(0)
}

//! What a node has against what a pod asks for: resources and host ports.

use std::borrow::Cow;

use super::Unfit;
use super::room::{Nominee, Room, Used};
use crate::model::{HostPort, Name, PodSpec};

/// Whether a resource is a claim of a device of a class, which no node has by that name.
pub fn is_device_claim(resource: &Name) -> bool {
    resource.starts_with("deviceclass.resource.kubernetes.io/")
}

/// Whether there is enough of everything, if `extras` were there too.
pub fn enough(spec: &PodSpec, room: &Room, extras: &[&Nominee]) -> bool {
    let mut reasons = Vec::new();
    lacking(spec, room, extras, &mut reasons);
    reasons.is_empty()
}

/// Whether there is enough of what only some nodes have.
pub fn enough_extended(spec: &PodSpec, room: &Room) -> bool {
    let asks = &spec.requests.extended;
    asks.iter().all(|(name, ask)| within(*ask, room.node.allocatable.extended(name), used_of(&room.used, name)))
}

/// What there is too little of. Asking for nothing fits even where more is used than there is; the pod slot counts
/// always.
pub fn lacking(spec: &PodSpec, room: &Room, extras: &[&Nominee], reasons: &mut Vec<Unfit>) {
    let used = used_with(room, extras);
    if used.pods >= i128::from(room.node.allocatable.pods) {
        reasons.push(Unfit::TooManyPods);
    }
    shortfall(spec, room, &used, |name, _| reasons.push(Unfit::Insufficient(name.into())));
}

/// By how much `spec` asks for more than there is, at most all that it asks for.
pub fn missing(spec: &PodSpec, room: &Room, extras: &[&Nominee]) -> Vec<(Name, i64)> {
    let mut missing = Vec::new();
    shortfall(spec, room, &used_with(room, extras), |name, amount| missing.push((name.into(), amount)));
    missing
}

/// What is left of a resource, and what there is in all.
pub fn left(room: &Room, resource: &Name) -> (i64, i64) {
    let (has, used) = (&room.node.allocatable, &room.used);
    let (has, used) = match &**resource {
        "cpu" => (has.cpu, used.cpu),
        "memory" => (has.memory, used.memory),
        "ephemeral-storage" => (has.ephemeral_storage, used.ephemeral_storage),
        _ => (has.extended(resource), used_of(used, resource)),
    };
    let left = i128::from(has) - used;
    (i64::try_from(left).unwrap_or(if left < 0 { i64::MIN } else { i64::MAX }), has)
}

fn shortfall(spec: &PodSpec, room: &Room, used: &Used, mut lacks: impl FnMut(&str, i64)) {
    let (has, asks) = (&room.node.allocatable, &spec.requests);
    let mut look = |name: &str, ask: i64, has: i64, used: i128| {
        if !within(ask, has, used) {
            let over = i128::from(ask) - (i128::from(has) - used);
            lacks(name, i64::try_from(over).unwrap_or(ask).min(ask));
        }
    };
    look("cpu", asks.cpu, has.cpu, used.cpu);
    look("memory", asks.memory, has.memory, used.memory);
    look("ephemeral-storage", asks.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage);
    for (name, ask) in asks.extended.iter().filter(|(name, _)| !is_device_claim(name)) {
        look(name, *ask, has.extended(name), used_of(used, name));
    }
}

fn used_with<'a>(room: &'a Room, extras: &[&Nominee]) -> Cow<'a, Used> {
    let mut used = Cow::Borrowed(&room.used);
    extras.iter().for_each(|extra| used.to_mut().account(&extra.spec, 1));
    used
}

/// Whether a port that the pod wants is taken.
pub fn ports_taken(spec: &PodSpec, room: &Room, extras: &[&Nominee]) -> bool {
    let taken = || room.ports.keys().chain(extras.iter().flat_map(|extra| &extra.spec.host_ports));
    spec.host_ports.iter().any(|wanted| taken().any(|taken| overlap(wanted, taken)))
}

fn overlap(wanted: &HostPort, taken: &HostPort) -> bool {
    let any = |address: &Name| &**address == "0.0.0.0";
    wanted.port == taken.port
        && wanted.protocol == taken.protocol
        && (wanted.address == taken.address || any(&wanted.address) || any(&taken.address))
}

fn within(ask: i64, has: i64, used: i128) -> bool {
    ask <= 0 || i128::from(ask) <= i128::from(has) - used
}

fn used_of(used: &Used, name: &Name) -> i128 {
    used.extended.get(name).copied().unwrap_or(0)
}

//! What a node has against what a pod asks for: resources and host ports.

use super::Unfit;
use super::room::{Nominee, Room, Used};
use crate::model::{HostPort, Name, PodSpec};

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
    let (has, asks) = (&room.node.allocatable, &spec.requests);
    let mut with_extras = None;
    if !extras.is_empty() {
        let mut used = room.used.clone();
        extras.iter().for_each(|extra| used.account(&extra.spec, 1));
        with_extras = Some(used);
    }
    let used = with_extras.as_ref().unwrap_or(&room.used);
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
        if !within(*ask, has.extended(name), used_of(used, name)) {
            reasons.push(Unfit::Insufficient(name.clone()));
        }
    }
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

//! Scores by what is free: the emptier (or the fuller) the better, and CPU and memory alike.

use super::double::Double;
use crate::model::PodSpec;
use crate::placement::room::Room;

/// The default scheduler's LeastAllocated score with the pod on it, 0 to 100: the mean over CPU and memory of the free
/// share, in whole numbers as there. A resource that the node does not have does not count.
pub fn least_allocated(spec: &PodSpec, room: &Room) -> i128 {
    mean(spec, room, |has, used| if used > has { 0 } else { (has - used) * 100 / has })
}

/// The MostAllocated score: the share in use.
pub fn most_allocated(spec: &PodSpec, room: &Room) -> i128 {
    mean(spec, room, |has, used| used.min(has) * 100 / has)
}

fn mean(spec: &PodSpec, room: &Room, share: impl Fn(i128, i128) -> i128) -> i128 {
    let has = &room.node.allocatable;
    let share = |has: i64, used: i128| (has != 0).then(|| share(i128::from(has), used));
    let asks = spec.scored_asking.unwrap_or(spec.scored);
    let cpu = share(has.cpu, room.used.scored_cpu + i128::from(asks.0));
    let memory = share(has.memory, room.used.scored_memory + i128::from(asks.1));
    match (cpu, memory) {
        (Some(cpu), Some(memory)) => (cpu + memory) / 2,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 0,
    }
}

/// The BalancedAllocation score: whether the pod brings the shares of CPU and memory closer together. None for a pod that
/// asks for neither, which is not scored.
pub fn balanced(spec: &PodSpec, room: &Room) -> Option<i64> {
    let asks = &spec.requests;
    if asks.cpu == 0 && asks.memory == 0 {
        return None;
    }
    let with = balance(room, i128::from(asks.cpu), i128::from(asks.memory));
    Some(50 + (50 + with - balance(room, 0, 0)) / 2)
}

fn balance(room: &Room, cpu: i128, memory: i128) -> i64 {
    let (has, used) = (&room.node.allocatable, &room.used);
    if has.cpu <= 0 || has.memory <= 0 {
        return 100;
    }
    let share = |has: i64, used: i128| Double::ratio(used.clamp(0, i128::from(has)), i128::from(has));
    let apart = share(has.cpu, used.cpu + cpu).distance(share(has.memory, used.memory + memory));
    Double::ONE.distance(apart.half()).percent()
}

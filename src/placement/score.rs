//! How much the default scheduler likes a node: the emptier, the better.

use super::room::Room;
use crate::model::PodSpec;

/// The default scheduler's LeastAllocated score with the pod on it, 0 to 100: the mean over CPU and memory of the free
/// share, in whole numbers as there. A resource that the node does not have does not count.
pub fn least_allocated(spec: &PodSpec, room: &Room) -> i128 {
    let has = &room.node.allocatable;
    let cpu = share(has.cpu, room.used.scored_cpu + i128::from(spec.scored.0));
    let memory = share(has.memory, room.used.scored_memory + i128::from(spec.scored.1));
    match (cpu, memory) {
        (Some(cpu), Some(memory)) => (cpu + memory) / 2,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 0,
    }
}

fn share(has: i64, used: i128) -> Option<i128> {
    let has = i128::from(has);
    match has {
        0 => None,
        _ if used > has => Some(0),
        _ => Some((has - used) * 100 / has),
    }
}

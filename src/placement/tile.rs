//! Tiles: the few numbers of a node that rule most nodes out, small enough to look at thousands in microseconds.

use super::index::KindIx;
use super::room::Room;
use crate::model::PodSpec;

/// How fine [`Tile::bound`] is: parts of a whole node, per resource.
const FINE: i128 = 10_000;

/// Who may come at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Whoever the rules let in.
    Open,
    /// Who tolerates a cordon.
    Cordoned,
    /// Nobody.
    Shut,
}

/// A node in short.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    /// Its kind.
    pub kind: KindIx,
    /// Who may come.
    pub gate: Gate,
    bound: i64,
    cpu: i64,
    memory: i64,
    storage: i64,
    slots: i64,
}

impl Tile {
    /// The tile of `room`.
    pub fn of(room: &Room, kind: KindIx) -> Self {
        let (has, used, state) = (&room.node.allocatable, &room.used, &room.state);
        let left = |has: i64, used: i128| {
            let left = i128::from(has) - used;
            i64::try_from(left).unwrap_or(if left < 0 { i64::MIN } else { i64::MAX })
        };
        let gate = match state {
            state if state.closed || !state.ready || room.unread => Gate::Shut,
            state if state.unschedulable => Gate::Cordoned,
            _ => Gate::Open,
        };
        let bound = match (share(has.cpu, used.scored_cpu), share(has.memory, used.scored_memory)) {
            (Some(cpu), Some(memory)) => (cpu + memory) / 2,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0,
        };
        Self {
            kind,
            gate,
            bound: i64::try_from(bound).unwrap_or(i64::MAX),
            cpu: left(has.cpu, used.cpu),
            memory: left(has.memory, used.memory),
            storage: left(has.ephemeral_storage, used.ephemeral_storage),
            slots: left(has.pods, used.pods),
        }
    }

    /// No pod that comes scores above this: the free share before it comes, in hundredths rounded up.
    pub fn best_score(&self) -> i128 {
        i128::from(self.bound / 100 + 1)
    }

    /// What is free: millicores, bytes of memory, bytes of scratch space, pods.
    pub fn left(&self) -> [i64; 4] {
        [self.cpu, self.memory, self.storage, self.slots]
    }

    /// Whether there is enough of what every node has. Asking for nothing fits even where more is used than there is; the
    /// pod slot counts always. Extended resources are asked of the room.
    pub fn enough(&self, spec: &PodSpec) -> bool {
        let within = |ask: i64, left: i64| ask <= 0 || ask <= left;
        let asks = &spec.requests;
        self.slots > 0
            && within(asks.cpu, self.cpu)
            && within(asks.memory, self.memory)
            && within(asks.ephemeral_storage, self.storage)
    }
}

/// The free share of a resource in `FINE` parts, rounded up; None where the node has none of it.
fn share(has: i64, used: i128) -> Option<i128> {
    let has = i128::from(has);
    (has > 0).then(|| ((has - used).max(0) * FINE + has - 1) / has)
}

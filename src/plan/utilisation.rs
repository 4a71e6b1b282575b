//! How much of a node is requested: the fuller it is, the later it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Node, PerMille, Pod, World};

/// Labels by which clouds mark nodes that are bought for their GPUs.
const ACCELERATED: [&str; 3] =
    ["cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator", "nvidia.com/gpu.present"];

/// Shares of a node that are requested, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Utilisation {
    /// Of the CPU, in thousandths.
    #[schemars(with = "u32")]
    pub cpu: PerMille,
    /// Of the memory, in thousandths.
    #[schemars(with = "u32")]
    pub memory: PerMille,
    /// Of the GPUs, in thousandths, if it is a node for GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u32>")]
    pub gpus: Option<PerMille>,
}

impl Utilisation {
    /// Of `node`, without the pods that `left_out` holds for: what they ask for counts neither as requested nor as there.
    /// Pods that are finished or about to go do not count.
    pub fn of(world: &World, node: &Node, left_out: fn(&Pod) -> bool) -> Self {
        let has = &node.allocatable;
        let gpus = |of: &crate::model::Resources| -> i128 {
            let counts = of.extended.iter().filter(|(name, _)| name.ends_with("/gpu"));
            counts.map(|(_, count)| i128::from((*count).max(0))).sum()
        };
        let mut used = (0_i128, 0_i128, 0_i128);
        let mut there = (i128::from(has.cpu), i128::from(has.memory), gpus(has));
        for pod in world.pods_on(&node.name).filter(|pod| !pod.finished()) {
            let asks = &pod.spec.requests;
            let (cpu, memory) = (i128::from(asks.cpu.max(0)), i128::from(asks.memory.max(0)));
            if left_out(pod) {
                there = (there.0 - cpu, there.1 - memory, there.2);
            } else if !pod.terminating() {
                used = (used.0 + cpu, used.1 + memory, used.2 + gpus(asks));
            }
        }
        let accelerated = there.2 > 0 || ACCELERATED.iter().any(|key| node.labels.contains_key(*key));
        Self {
            cpu: share(used.0, there.0),
            memory: share(used.1, there.1),
            gpus: accelerated.then(|| if there.2 > 0 { share(used.2, there.2) } else { PerMille(0) }),
        }
    }

    /// The one that counts: of a node for GPUs these alone, else the larger of CPU and memory.
    pub fn highest(self) -> PerMille {
        self.gpus.unwrap_or(self.cpu.max(self.memory))
    }

    /// `12% of its CPU and 40% of its memory`.
    pub fn words(self) -> String {
        let percent = |share: PerMille| format!("{}%", (u64::from(share.0) + 5) / 10);
        let rest = format!("{} of its CPU and {} of its memory", percent(self.cpu), percent(self.memory));
        self.gpus.map_or_else(|| rest.clone(), |gpus| format!("{} of its GPUs, {rest}", percent(gpus)))
    }
}

/// What nobody moves when a node goes.
pub fn stays_behind(pod: &Pod) -> bool {
    pod.daemon() || pod.mirror()
}

fn share(used: i128, of: i128) -> PerMille {
    match (used, of) {
        (used, of) if of > 0 => PerMille(u32::try_from(used * 1000 / of).unwrap_or(u32::MAX)),
        (0, _) => PerMille(0),
        _ => PerMille(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_there_is_no_share() {
        for (used, of, found) in
            [(0, 0, 0), (1, 0, 1000), (1, -5, 1000), (1, 8, 125), (i128::from(u64::MAX), 1, u32::MAX)]
        {
            assert_eq!(share(used, of), PerMille(found), "{used} of {of}");
        }
    }

    #[test]
    fn a_node_for_gpus_counts_by_these() {
        let of = |gpus| Utilisation { cpu: PerMille(120), memory: PerMille(404), gpus };
        assert_eq!((of(None).highest(), of(Some(PerMille(0))).highest()), (PerMille(404), PerMille(0)));
        assert_eq!(of(None).words(), "12% of its CPU and 40% of its memory");
        assert_eq!(of(Some(PerMille(500))).words(), "50% of its GPUs, 12% of its CPU and 40% of its memory");
    }
}

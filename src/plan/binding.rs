//! Where the scheduler would put a pod, which is not where a plan would like it (H9).

use crate::model::{Name, Pod};
use crate::placement::{Site, Strategy};

/// Up to so many looks at a node for a pod the scheduler's whole score is asked, beyond that only how empty nodes are.
const CLOSE: usize = 20_000;

/// Whether so many pods on so many nodes are few enough to look closely.
pub fn close(pods: usize, nodes: usize) -> bool {
    pods.saturating_mul(nodes) <= CLOSE
}

/// The node that the scheduler binds `pod` to, of those that it `may` go to: one that it `prefers`, if there is any.
pub fn binding(
    site: &Site,
    pod: &Pod,
    close: bool,
    may: &dyn Fn(&Name) -> bool,
    prefers: &dyn Fn(&Name) -> bool,
) -> Option<Name> {
    if close {
        let ranked = site.ranking(pod, Strategy::LeastAllocated);
        let mut ranked = ranked.into_iter().map(|(_, node)| node).filter(may);
        let first = ranked.next()?;
        return if prefers(&first) { Some(first) } else { ranked.find(prefers).or(Some(first)) };
    }
    site.best_home(pod, |node| prefers(node) && may(node)).or_else(|| site.best_home(pod, may))
}

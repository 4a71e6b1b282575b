//! Which node: the homes of a pod, the best first.

use std::cmp::Reverse;

use super::index::NodeIx;
use super::score::least_allocated;
use super::site::Site;
use crate::model::{Name, Pod};

impl Site {
    /// The nodes that can take `pod`, in the order that the default scheduler prefers (least allocated first, then
    /// by name).
    pub fn homes(&self, pod: &Pod) -> Vec<Name> {
        self.ask(pod, |site, asked| {
            let takers = site.order.iter().filter(|at| site.takes(asked, **at));
            let rooms = takers.filter_map(|at| site.room(*at));
            let mut scored: Vec<_> =
                rooms.map(|room| (Reverse(least_allocated(&pod.spec, room)), &room.node.name)).collect();
            scored.sort_unstable();
            scored.into_iter().map(|(_, name)| name.clone()).collect()
        })
    }

    /// The first of [`Site::homes`] for which `wanted` holds, without sorting the others, or looking closely at nodes that
    /// are fuller than the best so far.
    pub fn best_home(&self, pod: &Pod, wanted: impl Fn(&Name) -> bool) -> Option<Name> {
        let asks = pod.spec.scored_asking.unwrap_or(pod.spec.scored);
        let bounded = asks.0 >= 0 && asks.1 >= 0;
        self.ask(pod, |site, asked| {
            let mut best: Option<(i128, NodeIx)> = None;
            for at in &site.order {
                let Some(tile) = site.tiles.get(at.at()) else { continue };
                if bounded && best.is_some_and(|(score, _)| tile.best_score() <= score) {
                    continue;
                }
                if !site.may_take(asked, *at, tile) {
                    continue;
                }
                let Some(room) = site.room(*at) else { continue };
                let score = least_allocated(&pod.spec, room);
                let better = best.is_none_or(|(other, _)| score > other);
                if better && wanted(&room.node.name) && site.does_take(asked, *at) {
                    best = Some((score, *at));
                }
            }
            best.and_then(|(_, at)| site.room(at)).map(|room| room.node.name.clone())
        })
    }
}

//! All scores together.

use std::cmp::Reverse;

use super::nodes::{discouraged, preferred};
use super::resources::{balanced, least_allocated, most_allocated};
use super::{company, spread};
use crate::model::{Name, Pod};
use crate::placement::ask::Asked;
use crate::placement::index::NodeIx;
use crate::placement::room::Room;
use crate::placement::site::Site;

/// What a scheduler thinks of full nodes: `scoringStrategy` of NodeResourcesFit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The emptier the better: the default.
    #[default]
    LeastAllocated,
    /// The fuller the better, for schedulers that pack.
    MostAllocated,
}

/// How many of `nodes` the scheduler is content with: above 100 nodes it stops looking once so many can take the pod, and
/// scores those (`percentageOfNodesToScore` unset).
pub fn enough(nodes: usize) -> usize {
    if nodes < 100 {
        return nodes;
    }
    let percent = 50_usize.saturating_sub(nodes / 125).max(5);
    (nodes.saturating_mul(percent) / 100).max(100)
}

impl Site {
    /// The nodes that can take `pod` with the scheduler's total score, best first. The scheduler draws among equals; here
    /// names decide.
    pub fn ranking(&self, pod: &Pod, strategy: Strategy) -> Vec<(i64, Name)> {
        self.ask(pod, |site, asked| site.ranked(asked, strategy))
    }

    pub(in crate::placement) fn ranked(&self, asked: &Asked<'_>, strategy: Strategy) -> Vec<(i64, Name)> {
        let pod = asked.pod;
        let nodes: Vec<NodeIx> = self.order.iter().copied().filter(|at| self.takes(asked, *at)).collect();
        let rooms: Vec<&Room> = nodes.iter().filter_map(|at| self.room(*at)).collect();
        let mut totals = vec![0_i64; rooms.len()];
        let mut add = |weight: i64, scores: Vec<i64>| {
            totals.iter_mut().zip(scores).for_each(|(total, score)| *total += weight * score);
        };
        let each = |score: &dyn Fn(&Room) -> i64| -> Vec<i64> { rooms.iter().map(|room| score(room)).collect() };
        let small = |score: i128| i64::try_from(score.clamp(0, 100)).unwrap_or(0);
        add(3, normal(each(&|room| discouraged(&pod.spec, &room.node)), true));
        add(2, normal(each(&|room| preferred(&pod.spec, &room.node)), false));
        add(
            1,
            each(&|room| match strategy {
                Strategy::LeastAllocated => small(least_allocated(&pod.spec, room)),
                Strategy::MostAllocated => small(most_allocated(&pod.spec, room)),
            }),
        );
        add(2, spread::score(self, pod, &nodes).unwrap_or_default());
        add(2, company::score(self, pod, &nodes));
        add(1, each(&|room| balanced(&pod.spec, room).unwrap_or(0)));
        add(1, each(&|room| self.volumes.leeway(&asked.needs, &room.node)));
        let mut ranked: Vec<(i64, Name)> =
            totals.into_iter().zip(rooms.iter().map(|room| room.node.name.clone())).collect();
        ranked.sort_by(|one, other| (Reverse(one.0), &one.1).cmp(&(Reverse(other.0), &other.1)));
        ranked
    }
}

/// Shares of the highest, 0 to 100; turned around where less is better.
fn normal(scores: Vec<i64>, reversed: bool) -> Vec<i64> {
    let most = scores.iter().copied().max().unwrap_or(0).max(0);
    let share = |score: i64| if most == 0 { 0 } else { 100 * score / most };
    scores.into_iter().map(|score| if reversed { 100 - share(score) } else { share(score) }).collect()
}

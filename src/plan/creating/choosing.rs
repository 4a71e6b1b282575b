//! What of a pool is made or destroyed whatever pods say: for its floor, and what is of no use to anybody.

use std::sync::Arc;

use super::blueprint::Blueprint;
use crate::plan::bounds::Bounds;
use crate::plan::members::Member;
use crate::plan::pool_decision::{Decision, Pooled};
use crate::plan::{Code, Evidence, Reason};

impl Pooled<'_> {
    /// What is made for the floor where no pod decides: what costs least of what may be had in the preferred way, else what is written first.
    pub(in crate::plan) fn cheapest(
        &self,
        member: &Member,
        bounds: &mut Bounds<'_>,
    ) -> Result<Arc<Blueprint>, Box<Reason>> {
        let price = |build: &Arc<Blueprint>| bounds.limits.price(self.pool, &build.member(self.pool, &member.name));
        let mut order: Vec<((usize, i64), usize)> =
            self.blueprints.iter().enumerate().map(|(at, build)| ((build.rank, price(build)), at)).collect();
        order.sort_unstable();
        let mut first = None;
        for build in order.into_iter().filter_map(|(_, at)| self.blueprints.get(at)) {
            let refused =
                self.refused(build).or_else(|| bounds.make(self.pool, &build.member(self.pool, &member.name)));
            match refused {
                None => return Ok(build.clone()),
                Some(reason) => first = first.or(Some(reason)),
            }
        }
        Err(Box::new(first.unwrap_or_else(|| Reason {
            code: Code::NoCreate,
            text: "nothing is known of its flavors".to_owned(),
            evidence: Evidence::default(),
            origin: self.origin("create"),
        })))
    }

    /// Servers that were made and are no nodes, and Nodes without servers, unless a freeze is open.
    pub fn clear(&self, decision: &mut Decision) {
        for (index, member) in self.members.iter().enumerate().filter(|(_, member)| self.asked_about(member)) {
            let Some(reason) = self.remains(member) else { continue };
            match &self.holding.freeze {
                None => decision.remains.push((index, reason)),
                Some(_) => decision.kept.push(self.kept(member, vec![reason])),
            }
        }
    }
}

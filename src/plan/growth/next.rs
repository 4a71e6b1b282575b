//! The next node that could come, as a domain: a host that can always be had has none of the pods that spread over hosts,
//! and a zone in which something may be made counts for who spreads over zones before anything is there.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::Growth;
use super::demand::Alike;
use super::offered::{Asked, Candidate};
use crate::model::Name;

/// The nodes that stand for those that could come.
#[derive(Clone, Debug, Default)]
pub struct Nexts {
    /// By number, with the look that they share with candidates.
    names: BTreeMap<usize, Name>,
}

impl Nexts {
    /// The node to ask about labels and taints of a candidate: itself if it is there.
    pub fn look<'n>(&'n self, candidate: &'n Candidate) -> &'n Name {
        candidate.look.and_then(|look| self.names.get(&look)).unwrap_or(&candidate.name)
    }
}

impl Growth<'_, '_> {
    /// From now on the nodes that could be made count as domains; they take nothing.
    pub(super) fn foresee(&mut self, asked: &Asked) {
        let mut known = BTreeMap::new();
        for candidate in &mut self.candidates {
            let Some(build) = &candidate.build else { continue };
            let look = (asked.labels_of(&build.shape.labels), build.shape.taints.clone());
            let next = known.len();
            let number = *known.entry(look).or_insert(next);
            candidate.look = Some(number);
            if number == next && candidate.hindrance.is_none() {
                // A name that no Node object can have.
                let name: Name = format!("the next node {number}").into();
                let site = self.removals.site_mut();
                site.join(build.shape.node(&name));
                site.close(&name);
                self.nexts.names.insert(number, name);
            }
        }
        self.site().settle();
    }

    /// Looks of which nothing came are no domains after all.
    pub(super) fn forget_what_did_not_come(&mut self) {
        let came: BTreeSet<usize> = self.chosen.iter().filter_map(|candidate| candidate.look).collect();
        self.part_with(|look| !came.contains(&look));
    }

    /// Nothing more will come.
    pub(super) fn forget_the_next(&mut self) {
        self.part_with(|_| true);
    }

    fn part_with(&mut self, goes: impl Fn(usize) -> bool) {
        let going: Vec<usize> = self.nexts.names.keys().copied().filter(|look| goes(*look)).collect();
        self.site().settle();
        for look in going {
            if let Some(name) = self.nexts.names.remove(&look) {
                self.site().part(&name);
            }
        }
    }
}

/// Whether some of them wait that are spread.
pub fn spread_waits(alike: &[Alike]) -> bool {
    let spread = |alike: &Alike| alike.one().is_some_and(|pod| pod.spec.spread.iter().any(|spread| spread.hard));
    alike.iter().any(spread)
}

//! Stamps: whether something is still what it was, told without looking at all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Name;

/// Stands for the pods on one node as they were at one moment.
#[derive(Clone, Debug, Default)]
pub struct Stamp(Arc<()>);

impl Stamp {
    /// Whether nothing changed between the two; an allocation that is still held is never given out again.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The newest stamp of each node. What happened on the way to a world makes no difference between worlds.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamps(BTreeMap<Name, Stamp>);

impl PartialEq for Stamps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Stamps {
    pub(super) fn renew(&mut self, node: &Name) {
        self.0.insert(node.clone(), Stamp::default());
    }

    pub(super) fn of(&self, node: &str) -> Option<&Stamp> {
        self.0.get(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::World;

    #[test]
    fn a_stamp_lasts_until_it_is_renewed_and_makes_no_difference_between_worlds() {
        let (node, mut stamps) = (Name::from("a"), Stamps::default());
        stamps.renew(&node);
        let (before, old) = (stamps.clone(), stamps.of("a").cloned().unwrap());
        stamps.renew(&Name::from("b"));
        assert!(old.same(stamps.of("a").unwrap()));
        stamps.renew(&node);
        assert!(!old.same(stamps.of("a").unwrap()) && old.same(before.of("a").unwrap()));
        let (mut one, mut other) = (World::default(), World::default());
        (one.stamps, other.stamps) = (stamps, before);
        assert_eq!(one, other);
    }
}

//! Which pods changed lately, so that whoever counts them need not count all of them again.

use std::collections::VecDeque;

use super::{PodKey, Stamp};

/// So many changes are kept; whoever missed more looks at everything.
const KEPT: usize = 4096;

/// The keys of the pods that changed, oldest first. A copy of a world goes its own way, so it begins a feed of its own.
#[derive(Debug, Default)]
pub(super) struct Feed {
    lineage: Stamp,
    /// The number of the first that is kept.
    first: u64,
    keys: VecDeque<PodKey>,
}

/// Up to where somebody has followed the pods of one world.
#[derive(Clone, Debug)]
pub struct Followed {
    lineage: Stamp,
    next: u64,
}

impl Clone for Feed {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What happened on the way to a world makes no difference between worlds.
impl PartialEq for Feed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Feed {
    pub(super) fn push(&mut self, key: &PodKey) {
        if self.keys.len() == KEPT {
            self.keys.pop_front();
            self.first += 1;
        }
        self.keys.push_back(key.clone());
    }

    /// Up to where it goes.
    pub(super) fn end(&self) -> Followed {
        Followed { lineage: self.lineage.clone(), next: self.first + self.keys.len() as u64 }
    }

    /// What came after `from`; None if that is not known any more.
    pub(super) fn after<'f>(&'f self, from: &Followed) -> Option<impl Iterator<Item = &'f PodKey> + use<'f>> {
        let missed = usize::try_from(from.next.checked_sub(self.first)?).ok()?;
        self.lineage.same(&from.lineage).then(|| self.keys.iter().skip(missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> PodKey {
        PodKey::new("a", format!("p{number}"))
    }

    #[test]
    fn tells_what_came_after_and_admits_what_it_has_forgotten() {
        let mut feed = Feed::default();
        let begin = feed.end();
        feed.push(&key(1));
        let middle = feed.end();
        feed.push(&key(2));
        let after = |feed: &Feed, from: &Followed| feed.after(from).map(|keys| keys.cloned().collect::<Vec<_>>());
        assert_eq!(after(&feed, &begin), Some(vec![key(1), key(2)]));
        assert_eq!(after(&feed, &middle), Some(vec![key(2)]));
        assert_eq!(after(&feed, &feed.end()), Some(vec![]));
        assert_eq!(after(&feed.clone(), &begin), None, "a copy goes its own way");
        (0..KEPT).for_each(|number| feed.push(&key(number)));
        assert_eq!(after(&feed, &begin), None);
        assert_eq!(after(&feed, &feed.end()), Some(vec![]));
    }
}

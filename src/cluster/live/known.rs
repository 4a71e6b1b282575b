//! Which version of each object was seen last, so that no older one is ever taken for news.
//!
//! A watch and a read go through different connections: without this the answer to our own patch would be undone by an
//! event from before it, and look like somebody else's hand; and a pod that is gone would come back from a list.

use std::collections::{BTreeMap, VecDeque};

/// Objects that went are remembered, at most so many: for answers that were on their way when they did.
const GRAVES: usize = 4096;

/// Namespace and name; the namespace is empty for what has none.
pub(super) type Key = (String, String);

/// What was seen of the objects of one kind.
#[derive(Debug, Default)]
pub(super) struct Known {
    objects: BTreeMap<Key, Version>,
    graves: VecDeque<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Version {
    number: u64,
    gone: bool,
}

/// Versions are numbers that grow. One that is not is older than all others and equal to its like: it is always news.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

impl Known {
    /// Notes that the object was seen at `version`. False if it was seen later than that, or going: then this is old.
    pub fn see(&mut self, key: Key, version: &str) -> bool {
        let number = number(version);
        if self.objects.get(&key).is_some_and(|known| known.number > number) {
            return false;
        }
        self.objects.insert(key, Version { number, gone: false });
        true
    }

    /// Notes that the object went at `version`. False if a later one of its name is there.
    pub fn bury(&mut self, key: Key, version: &str) -> bool {
        let number = number(version);
        if self.objects.get(&key).is_some_and(|known| known.number > number) {
            return false;
        }
        self.objects.insert(key.clone(), Version { number, gone: true });
        self.graves.push_back(key);
        if self.graves.len() > GRAVES
            && let Some(oldest) = self.graves.pop_front()
            && self.objects.get(&oldest).is_some_and(|known| known.gone)
        {
            self.objects.remove(&oldest);
        }
        true
    }

    /// Whether the object was seen at just this version.
    pub fn is_at(&self, key: &Key, version: &str) -> bool {
        let number = number(version);
        number > 0 && self.objects.get(key).is_some_and(|known| known.number == number && !known.gone)
    }

    /// The objects that are there.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.iter().filter(|(_, version)| !version.gone).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("a".to_owned(), name.to_owned())
    }

    #[test]
    fn what_is_older_than_what_was_seen_is_no_news() {
        let mut known = Known::default();
        assert!(known.see(key("p"), "7") && known.see(key("p"), "7") && known.see(key("p"), "10"));
        assert!(!known.see(key("p"), "9"), "compared as numbers, not as text");
        assert!(known.bury(key("p"), "12") && !known.see(key("p"), "11") && !known.bury(key("p"), "11"));
        assert_eq!(known.keys().count(), 0);
        assert!(known.see(key("p"), "13"), "a new one of that name");
        assert_eq!(known.keys().collect::<Vec<_>>(), [&key("p")]);
    }

    #[test]
    fn graves_do_not_fill_the_memory() {
        let mut known = Known::default();
        for number in 1..=3 * GRAVES {
            known.bury(key(&number.to_string()), &number.to_string());
        }
        assert_eq!(known.objects.len(), GRAVES);
    }

    #[test]
    fn versions_of_another_make_are_always_news() {
        let mut known = Known::default();
        assert!(known.see(key("p"), "v-b") && known.see(key("p"), "v-a") && !known.is_at(&key("p"), "v-a"));
    }
}

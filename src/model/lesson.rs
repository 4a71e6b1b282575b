//! What an execution learns on its way: entries of the memory as they are from then on, so that to learn twice changes
//! nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Memory, Name, NodeMemory, PoolMemory};

/// Entries of the memory that are others than before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lesson {
    /// When everything was last decided about, if that is another time than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<Timestamp>,
    /// By node; an empty entry is forgotten.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<Name, NodeMemory>,
    /// By pool.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<Name, PoolMemory>,
}

impl Lesson {
    /// Nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Memory {
    /// What this memory holds beyond `before`.
    pub fn beyond(&self, before: &Self) -> Lesson {
        let known = |name: &Name| before.nodes.get(name).cloned().unwrap_or_default();
        let changed = self.nodes.iter().filter(|(name, node)| **node != known(name));
        let gone = before.nodes.iter().filter(|(name, node)| !node.is_empty() && !self.nodes.contains_key(*name));
        let gone = gone.map(|(name, _)| (name.clone(), NodeMemory::default()));
        let pools = self.pools.iter().filter(|(name, pool)| before.pools.get(*name) != Some(*pool));
        Lesson {
            watched: self.watched.filter(|watched| before.watched != Some(*watched)),
            nodes: changed.map(|(name, node)| (name.clone(), node.clone())).chain(gone).collect(),
            pools: pools.map(|(name, pool)| (name.clone(), pool.clone())).collect(),
        }
    }

    /// Takes a lesson in.
    pub fn learn(&mut self, lesson: &Lesson) {
        self.watched = lesson.watched.or(self.watched);
        self.nodes.extend(lesson.nodes.clone());
        self.nodes.retain(|_, node| !node.is_empty());
        self.pools.extend(lesson.pools.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_the_same_learned_once_or_twice() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let node = |second| NodeMemory { unneeded_since: Some(at(second)), ..NodeMemory::default() };
        let memory = |nodes: &[(&str, i64)], failed_wakes| Memory {
            watched: Some(at(failed_wakes)),
            nodes: nodes.iter().map(|(name, second)| (Name::from(*name), node(*second))).collect(),
            pools: [(
                "p".into(),
                PoolMemory { failed_wakes: u32::try_from(failed_wakes).unwrap(), ..PoolMemory::default() },
            )]
            .into(),
            ..Memory::default()
        };
        let (before, after) = (memory(&[("a", 1), ("b", 2), ("c", 3)], 1), memory(&[("a", 1), ("b", 9), ("d", 4)], 2));
        let lesson = after.beyond(&before);
        assert_eq!(lesson.nodes.keys().map(|name| &**name).collect::<Vec<_>>(), ["b", "c", "d"]);
        let mut learned = before.clone();
        for _ in 0..2 {
            learned.learn(&lesson);
            assert_eq!(learned, after);
        }
        assert!(after.beyond(&after).is_empty());
        let text = serde_json::to_string(&lesson).unwrap();
        assert_eq!(serde_json::from_str::<Lesson>(&text).unwrap(), lesson);
    }
}

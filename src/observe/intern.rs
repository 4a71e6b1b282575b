//! Keeps one copy of each name, label set and pod spec: a large cluster has few of them, many times over.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::model::{Labels, Name, PodSpec};

use super::convert::{forges, told};
use super::raw;

/// The copies kept so far. Never iterated, so that hash order cannot show.
#[derive(Debug, Default)]
pub struct Interner {
    names: HashSet<Name>,
    labels: HashSet<Labels>,
    specs: HashSet<Arc<PodSpec>>,
}

impl Interner {
    /// The shared copy of `text`. Characters that would write lines of their own, or turn the direction of reading, stand
    /// in it by their numbers: no word of a cluster forges what is printed.
    pub fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name: Name = if text.contains(forges) { told(text).into() } else { text.into() };
        self.names.insert(name.clone());
        name
    }

    /// The shared copy of a label or annotation set, without the keys in `but`.
    pub fn labels(&mut self, map: Option<raw::Map>, but: &[&str]) -> Labels {
        let map = map.unwrap_or_default().into_iter().filter(|(key, _)| !but.contains(&key.as_str()));
        let labels: BTreeMap<Name, Name> = map.map(|(key, value)| (self.name(&key), self.name(&value.0))).collect();
        if let Some(known) = self.labels.get(&labels) {
            return known.clone();
        }
        let labels = Arc::new(labels);
        self.labels.insert(labels.clone());
        labels
    }

    /// The shared copy of `spec`.
    pub fn spec(&mut self, spec: PodSpec) -> Arc<PodSpec> {
        if let Some(known) = self.specs.get(&spec) {
            return known.clone();
        }
        let spec = Arc::new(spec);
        self.specs.insert(spec.clone());
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_one_allocation() {
        let mut interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.name("a"), &interner.name("a")));
        assert_eq!(&*interner.name("a\nPlan: 0 to park\u{202e}"), "a\\u{a}Plan: 0 to park\\u{202e}");
        let map = |value: &str| Some([("k".to_owned(), raw::Scalar(value.to_owned()))].into());
        let (one, two, other) =
            (interner.labels(map("v"), &[]), interner.labels(map("v"), &["x"]), interner.labels(map("v"), &["k"]));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(other.is_empty());
        assert!(Arc::ptr_eq(&interner.spec(PodSpec::default()), &interner.spec(PodSpec::default())));
    }
}

//! Counts of pods per domain: what affinity, anti-affinity and spread are decided by.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::{CounterIx, DomainIx, KeyIx, ScopeIx};
use super::matcher::Matcher;
use crate::model::{Labels, Name};

/// Which pods are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Those that every matcher means; of the living only those that are not terminating.
    Meant {
        /// All of these.
        all: Arc<[Matcher]>,
        /// Terminating pods do not count.
        living: bool,
    },
    /// Those that have this as a term of required anti-affinity.
    Carrying(Matcher),
}

impl Who {
    /// Whether a pod that carries nothing is counted. Doubt about a namespace: see [`Matcher::means`].
    pub fn counts(
        &self,
        namespace: &Name,
        labels: &BTreeMap<Name, Name>,
        terminating: bool,
        namespaces: &BTreeMap<Name, Labels>,
        doubt: bool,
    ) -> bool {
        match self {
            Self::Meant { all, living } => {
                !(*living && terminating)
                    && all.iter().all(|matcher| matcher.means(namespace, labels, namespaces, doubt))
            }
            Self::Carrying(_) => false,
        }
    }

    /// The namespaces it can be about; None if it selects them by label.
    pub fn namespaces(&self) -> Option<impl Iterator<Item = &Name>> {
        let first = match self {
            Self::Meant { all, .. } => all.first(),
            Self::Carrying(matcher) => Some(matcher),
        };
        first.filter(|matcher| matcher.namespace_selector.is_none()).map(|matcher| matcher.namespaces.iter())
    }
}

/// What makes a counter the one it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Per value of this label. First, so that terms over many labels are told apart at once.
    pub key: KeyIx,
    /// On these nodes only.
    pub scope: Option<ScopeIx>,
    /// A namespace whose labels are not known counts as selected.
    pub doubt: bool,
    /// Which pods.
    pub who: Who,
}

/// A count of pods per domain.
#[derive(Clone, Debug)]
pub struct Counter {
    /// What it counts.
    pub subject: Subject,
    counts: Vec<i64>,
    sum: i64,
    eligible: Eligible,
}

/// The domains of a spread: those with an eligible node.
#[derive(Clone, Debug, Default)]
struct Eligible {
    nodes: Vec<u32>,
    /// How many domains have so many pods.
    by_count: BTreeMap<i64, u32>,
    domains: u32,
}

impl Counter {
    fn new(subject: Subject) -> Self {
        Self { subject, counts: Vec::new(), sum: 0, eligible: Eligible::default() }
    }

    /// The pods in `domain`.
    pub fn of(&self, domain: DomainIx) -> i64 {
        self.counts.get(domain.at()).copied().unwrap_or(0)
    }

    /// The pods in all domains together.
    pub fn sum(&self) -> i64 {
        self.sum
    }

    /// So many pods came to `domain`, or left it.
    pub fn add(&mut self, domain: DomainIx, pods: i64) {
        let before = self.of(domain);
        if self.counts.len() <= domain.at() {
            self.counts.resize(domain.at() + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(domain.at()) {
            *count += pods;
        }
        self.sum += pods;
        if self.eligible.has(domain) {
            self.eligible.recount(before, -1);
            self.eligible.recount(before + pods, 1);
        }
    }

    /// A node of `domain` counts for the spread from now on (or no more).
    pub fn admit(&mut self, domain: DomainIx, comes: bool) {
        let count = self.of(domain);
        self.eligible.admit(domain, comes, count);
    }

    /// Whether a node of `domain` counts for the spread.
    pub fn admits(&self, domain: DomainIx) -> bool {
        self.eligible.has(domain)
    }

    /// How many domains there are with an eligible node.
    pub fn domains(&self) -> u32 {
        self.eligible.domains
    }

    /// The fewest pods in any eligible domain, if there were `extra` more in `domain`.
    pub fn least(&self, domain: DomainIx, extra: i64) -> Option<i64> {
        let least = self.eligible.by_count.first_key_value();
        if extra == 0 || !self.eligible.has(domain) {
            return least.map(|(count, _)| *count);
        }
        let here = self.of(domain);
        let alone = self.eligible.by_count.get(&here) == Some(&1);
        let others = self.eligible.by_count.keys().find(|count| !(alone && **count == here));
        Some(others.map_or(here + extra, |others| (*others).min(here + extra)))
    }
}

impl Eligible {
    fn has(&self, domain: DomainIx) -> bool {
        self.nodes.get(domain.at()).is_some_and(|nodes| *nodes > 0)
    }

    fn admit(&mut self, domain: DomainIx, comes: bool, count: i64) {
        if self.nodes.len() <= domain.at() {
            self.nodes.resize(domain.at() + 1, 0);
        }
        let Some(nodes) = self.nodes.get_mut(domain.at()) else { return };
        let before = *nodes;
        *nodes = if comes { before.saturating_add(1) } else { before.saturating_sub(1) };
        match (before, *nodes) {
            (0, 1) => {
                self.domains += 1;
                self.recount(count, 1);
            }
            (1, 0) => {
                self.domains = self.domains.saturating_sub(1);
                self.recount(count, -1);
            }
            _ => {}
        }
    }

    fn recount(&mut self, count: i64, by: i32) {
        let domains = self.by_count.entry(count).or_insert(0);
        *domains = domains.saturating_add_signed(by);
        if *domains == 0 {
            self.by_count.remove(&count);
        }
    }
}

/// All counters, each once.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Shared with copies until one of them changes a count.
    all: Vec<Arc<Counter>>,
    known: BTreeMap<Subject, CounterIx>,
    of_namespace: BTreeMap<Name, Vec<CounterIx>>,
    by_label: Vec<CounterIx>,
}

impl Counters {
    /// The counter of `subject`, and whether it is new.
    pub fn of(&mut self, subject: Subject) -> (CounterIx, bool) {
        if let Some(known) = self.known.get(&subject) {
            return (*known, false);
        }
        let ix = CounterIx::new(self.all.len());
        match subject.who.namespaces() {
            None => self.by_label.push(ix),
            Some(names) => names.for_each(|name| self.of_namespace.entry(name.clone()).or_default().push(ix)),
        }
        self.known.insert(subject.clone(), ix);
        self.all.push(Arc::new(Counter::new(subject)));
        (ix, true)
    }

    /// One of them.
    pub fn get(&self, ix: CounterIx) -> Option<&Counter> {
        self.all.get(ix.at()).map(|counter| &**counter)
    }

    /// One of them, to change it.
    pub fn get_mut(&mut self, ix: CounterIx) -> Option<&mut Counter> {
        self.all.get_mut(ix.at()).map(Arc::make_mut)
    }

    /// Those that can be about pods of `namespace`.
    pub fn about(&self, namespace: &Name) -> impl Iterator<Item = (CounterIx, &Counter)> {
        let named = self.of_namespace.get(namespace).into_iter().flatten();
        named.chain(&self.by_label).filter_map(|ix| Some((*ix, self.get(*ix)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_domain_is_kept_beside_the_counts() {
        let who = Who::Meant { all: Arc::default(), living: true };
        let mut counter = Counter::new(Subject { who, key: KeyIx::new(0), scope: None, doubt: false });
        let [a, b, c] = [0, 1, 2].map(DomainIx::new);
        assert_eq!((counter.least(a, 0), counter.domains()), (None, 0));
        counter.admit(a, true);
        counter.admit(b, true);
        counter.add(a, 2);
        counter.add(c, 5);
        assert_eq!((counter.least(a, 0), counter.domains(), counter.sum()), (Some(0), 2, 7));
        counter.add(b, 3);
        assert_eq!(counter.least(a, 0), Some(2));
        assert_eq!(counter.least(a, 4), Some(3), "as if four more were there");
        assert_eq!(counter.least(c, 4), Some(2), "which is not eligible");
        counter.admit(a, false);
        assert_eq!((counter.least(a, 9), counter.domains()), (Some(3), 1));
    }
}

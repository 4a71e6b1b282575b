//! Learning: the class of a pod, and the counters that its terms need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::account::kind;
use super::class::{Company, Likeness, SpreadRule};
use super::counter::{Subject, Who};
use super::index::{ClassIx, CounterIx, KeyIx, NodeIx, ScopeIx};
use super::matcher::{Matcher, counts_everyone, counts_itself};
use super::room::Placed;
use super::scope::Eligibility;
use super::site::{Site, Undo};
use super::tile::Tile;
use crate::model::{Name, PodTerm, Spread};

impl Site {
    /// The class of such a pod, made if it is the first of its kind.
    pub(super) fn learn(&mut self, pod: &Likeness<'_>) -> ClassIx {
        if self.classes.ask(pod.spec) {
            self.reclass();
        }
        if let Some(known) = self.classes.find(pod) {
            return known;
        }
        if self.kinds.ask(pod.spec) {
            self.rekind();
        }
        let labels = self.classes.restricted(pod.labels);
        let (company, mut moves) = self.company(pod, &labels);
        let mut against = Vec::new();
        for (ix, counter) in self.counters.about(pod.namespace) {
            let Subject { who, doubt, .. } = &counter.subject;
            match who {
                Who::Carrying(matcher) if matcher.means(pod.namespace, &labels, &self.namespaces, *doubt) => {
                    against.push(ix);
                }
                _ if who.counts(pod.namespace, &labels, pod.terminating, &self.namespaces, *doubt) => moves.push(ix),
                _ => {}
            }
        }
        self.classes.add(pod, company, against, moves)
    }

    /// What a pod asks of others, and the counters of terms that it carries.
    fn company(&mut self, pod: &Likeness<'_>, labels: &BTreeMap<Name, Name>) -> (Company, Vec<CounterIx>) {
        let (mut company, mut carried) = (Company::default(), Vec::new());
        if let Some(affinity) = &pod.spec.affinity {
            for term in &affinity.anti {
                let (key, matcher) = (self.key(&term.topology_key), Matcher::of(term, pod.namespace, labels));
                let meant = Who::Meant { all: [matcher.clone()].into(), living: false };
                company.anti.push(self.counter(Subject { who: meant, key, scope: None, doubt: true }));
                let carrying = Who::Carrying(matcher);
                carried.push(self.counter(Subject { who: carrying, key, scope: None, doubt: true }));
            }
            let matcher = |term: &PodTerm| Matcher::of(term, pod.namespace, labels);
            let mut all: Vec<Matcher> = affinity.pod.iter().map(matcher).collect();
            all.sort();
            all.dedup();
            let all: Arc<[Matcher]> = all.into();
            company.meets_itself = all.iter().all(|one| one.means(pod.namespace, labels, &self.namespaces, false));
            let keys: BTreeSet<&Name> = affinity.pod.iter().map(|term| &term.topology_key).collect();
            for key in keys {
                let who = Who::Meant { all: all.clone(), living: false };
                let key = self.key(key);
                company.affinity.push(self.counter(Subject { who, key, scope: None, doubt: false }));
            }
        }
        let hard: Vec<&Spread> = pod.spec.spread.iter().filter(|spread| spread.hard).collect();
        let keys: Vec<KeyIx> = hard.iter().map(|spread| self.key(&spread.topology_key)).collect();
        let labels_of_all: Arc<BTreeSet<KeyIx>> = Arc::new(keys.iter().copied().collect());
        for (spread, key) in hard.iter().zip(&keys) {
            let scope = self.scope(Eligibility::of(spread, pod.spec, labels_of_all.clone()));
            let who = Who::Meant { all: [Matcher::counted(spread, pod.namespace, labels)].into(), living: true };
            company.spread.push(SpreadRule {
                counter: self.counter(Subject { who, key: *key, scope: Some(scope), doubt: false }),
                max_skew: i64::from(spread.max_skew),
                min_domains: i64::from(spread.min_domains.unwrap_or(1)),
                own: i64::from(counts_itself(spread, labels)),
                everyone: counts_everyone(spread, labels),
            });
        }
        carried.sort_unstable();
        carried.dedup();
        (company, carried)
    }

    fn key(&mut self, label: &Name) -> KeyIx {
        let rooms = &self.rooms;
        let nodes = self.order.iter().filter_map(|at| Some((*at, &rooms.get(at.at())?.node.labels)));
        self.topology.key(label, nodes)
    }

    fn scope(&mut self, eligibility: Eligibility) -> ScopeIx {
        let (ix, new) = self.scopes.of(eligibility);
        if let Some(scope) = self.scopes.get_mut(ix).filter(|_| new) {
            for at in &self.order {
                let Some(room) = self.rooms.get(at.at()) else { continue };
                let member = scope.admits(room, *at, &self.topology);
                scope.set(*at, member);
            }
        }
        ix
    }

    /// The counter of `subject`; a new one counts what is there.
    fn counter(&mut self, subject: Subject) -> CounterIx {
        let Subject { who, key, scope, doubt } = subject.clone();
        let (ix, new) = self.counters.of(subject);
        if !new {
            return ix;
        }
        let concerned: Vec<ClassIx> = match who.namespaces() {
            Some(names) => names.flat_map(|name| self.classes.of_namespace(name)).collect(),
            None => (0..self.classes.len()).map(ClassIx::new).collect(),
        };
        let mut counted = BTreeSet::new();
        for at in concerned {
            let Some(class) = self.classes.get_mut(at) else { continue };
            if let Who::Carrying(matcher) = &who {
                if matcher.means(&class.namespace, &class.labels, &self.namespaces, doubt) {
                    class.against.push(ix);
                }
            } else if who.counts(&class.namespace, &class.labels, class.terminating, &self.namespaces, doubt) {
                class.moves.push(ix);
                counted.insert(at);
            }
        }
        let mut scope = scope.and_then(|scope| self.scopes.get_mut(scope));
        if let Some(scope) = &mut scope {
            scope.counters.push(ix);
        }
        let Some(counter) = self.counters.get_mut(ix) else { return ix };
        for at in &self.order {
            if scope.as_ref().is_some_and(|scope| !scope.has(*at)) {
                continue;
            }
            let Some(domain) = self.topology.domain(key, *at) else { continue };
            if scope.is_some() {
                counter.admit(domain, true);
            }
            let placed = self.rooms.get(at.at()).map_or(&[][..], |room| &room.placed);
            let pods = placed.iter().filter(|placed| counted.contains(&placed.class)).count();
            if pods > 0 {
                counter.add(domain, i64::try_from(pods).unwrap_or(i64::MAX));
            }
        }
        ix
    }

    /// Somebody looks at a pod label that nobody looked at before: pods that were of one class may not be any more. The
    /// counters stay right, since none of them looks at that label.
    pub(super) fn reclass(&mut self) {
        for at in (0..self.rooms.len()).map(NodeIx::new) {
            let Some(room) = self.rooms.get(at.at()).cloned() else { continue };
            let classes: Vec<ClassIx> = room.placed.iter().map(|pod| self.class_again(pod.class, pod)).collect();
            let same = room.placed.iter().map(|pod| pod.class).eq(classes.iter().copied());
            drop(room);
            if let Some(room) = self.room_mut(at).filter(|_| !same) {
                room.placed.iter_mut().zip(classes).for_each(|(pod, class)| pod.class = class);
            }
        }
        let mut undo = std::mem::take(&mut self.undo);
        for step in &mut undo {
            if let Undo::Lift(_, pod, _) | Undo::Place(_, pod, _) = step {
                pod.class = self.class_again(pod.class, pod);
            }
        }
        self.undo = undo;
    }

    fn class_again(&mut self, old: ClassIx, pod: &Placed) -> ClassIx {
        let Some(class) = self.classes.get(old) else { return old };
        let (namespace, terminating) = (class.namespace.clone(), class.terminating);
        self.learn(&Likeness { namespace: &namespace, labels: &pod.labels, spec: &pod.spec, terminating })
    }

    /// Somebody asks about a node label that nobody asked about before: kinds are found again.
    fn rekind(&mut self) {
        self.classes.forget_rows();
        for at in &self.order {
            if let (Some(room), Some(tile)) = (self.rooms.get(at.at()), self.tiles.get_mut(at.at())) {
                *tile = Tile::of(room, kind(&mut self.kinds, &mut self.classes, room));
            }
        }
    }
}

//! Feasibility classes: pods that may go to the same places, and count for the same terms, whatever they use there.
//!
//! A cluster of 150,000 pods has hundreds. What every pod of a class shares is worked out once; what they differ in
//! (requests, ports, volumes, a node that a DaemonSet's pod names) is asked of the pod itself.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use super::bits::Bits;
use super::index::{ClassIx, CounterIx};
use super::matcher::Matcher;
use super::node_rules::required;
use crate::model::{Labels, Name, Pod, PodSpec, PodTerm, Selector};

/// What decides the class of a pod.
#[derive(Clone, Copy, Debug)]
pub struct Likeness<'a> {
    /// Its namespace.
    pub namespace: &'a Name,
    /// All its labels.
    pub labels: &'a Labels,
    /// Its spec.
    pub spec: &'a Arc<PodSpec>,
    /// Its deletion has been asked for: then it does not count for spreads.
    pub terminating: bool,
}

impl<'a> Likeness<'a> {
    /// Of a pod.
    pub fn of(pod: &'a Pod) -> Self {
        Self { namespace: &pod.key.namespace, labels: &pod.labels, spec: &pod.spec, terminating: pod.terminating() }
    }
}

/// A hard spread as a class has it.
#[derive(Clone, Copy, Debug)]
pub struct SpreadRule {
    /// The pods that count, per domain.
    pub counter: CounterIx,
    /// `maxSkew`.
    pub max_skew: i64,
    /// `minDomains`, 1 where unset.
    pub min_domains: i64,
    /// 1 if the pod counts for its own constraint, else 0.
    pub own: i64,
    /// Its selector has no condition: no pod that is there counts, but every promised one of the namespace does.
    pub everyone: bool,
}

/// What a class asks of other pods.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// Required affinity: one counter per label that makes domains, of the pods that all terms mean.
    pub affinity: Vec<CounterIx>,
    /// The pod is meant by its own terms of affinity: it may be the first of its group.
    pub meets_itself: bool,
    /// Required anti-affinity: the pods that each term means.
    pub anti: Vec<CounterIx>,
    /// Hard spreads.
    pub spread: Vec<SpreadRule>,
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// The namespace.
    pub namespace: Name,
    /// The labels that some term looks at.
    pub labels: BTreeMap<Name, Name>,
    /// Terminating pods are a class of their own.
    pub terminating: bool,
    /// The spec of one of them. Requests, ports and volumes of others may differ.
    pub spec: Arc<PodSpec>,
    /// A term of required node affinity names nodes: judge it node by node, by the pod's own spec.
    pub names_nodes: bool,
    /// What it asks of other pods.
    pub company: Company,
    /// Terms of others' anti-affinity that mean it.
    pub against: Vec<CounterIx>,
    /// The counters that a pod of this class moves.
    pub moves: Vec<CounterIx>,
    /// The node kinds that take it. Filled in when first asked for.
    pub row: OnceLock<Bits>,
}

/// All classes, each once.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    asked: BTreeSet<Name>,
    all: Vec<Class>,
    known: BTreeMap<u64, Vec<ClassIx>>,
    of_namespace: BTreeMap<Name, Vec<ClassIx>>,
}

impl Classes {
    /// Notes the pod labels that terms of `spec` look at. True if one is new: then classes must be found again.
    pub fn ask(&mut self, spec: &PodSpec) -> bool {
        looked_at(spec).filter(|key| self.ask_key(key)).count() > 0
    }

    /// Notes the pod labels that `selector` looks at, as [`Classes::ask`] does.
    pub fn ask_selector(&mut self, selector: &Selector) -> bool {
        selector.requirements.iter().filter(|one| self.ask_key(&one.key)).count() > 0
    }

    fn ask_key(&mut self, key: &Name) -> bool {
        !self.asked.contains(key) && self.asked.insert(key.clone())
    }

    /// Whether `matcher` means all pods of a class or none.
    pub fn tell_apart(&self, matcher: &Matcher) -> bool {
        let requirements = matcher.selector.iter().flat_map(|selector| &selector.requirements);
        requirements.into_iter().all(|one| self.asked.contains(&one.key))
    }

    /// The labels of a pod that some term looks at.
    pub fn restricted(&self, labels: &Labels) -> BTreeMap<Name, Name> {
        let asked = labels.iter().filter(|(key, _)| self.asked.contains(*key));
        asked.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The class of such a pod, if there is one.
    pub fn find(&self, pod: &Likeness<'_>) -> Option<ClassIx> {
        let candidates = self.known.get(&self.digest(pod))?;
        candidates.iter().copied().find(|ix| self.get(*ix).is_some_and(|class| self.is(class, pod)))
    }

    /// Adds a class for such a pod.
    pub fn add(
        &mut self,
        pod: &Likeness<'_>,
        company: Company,
        against: Vec<CounterIx>,
        moves: Vec<CounterIx>,
    ) -> ClassIx {
        let ix = ClassIx::new(self.all.len());
        self.known.entry(self.digest(pod)).or_default().push(ix);
        self.of_namespace.entry(pod.namespace.clone()).or_default().push(ix);
        self.all.push(Class {
            namespace: pod.namespace.clone(),
            labels: self.restricted(pod.labels),
            terminating: pod.terminating,
            spec: pod.spec.clone(),
            names_nodes: names_nodes(pod.spec),
            company,
            against,
            moves,
            row: OnceLock::new(),
        });
        ix
    }

    /// One of them.
    pub fn get(&self, ix: ClassIx) -> Option<&Class> {
        self.all.get(ix.at())
    }

    /// One of them, to change it.
    pub fn get_mut(&mut self, ix: ClassIx) -> Option<&mut Class> {
        self.all.get_mut(ix.at())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The classes of `namespace`.
    pub fn of_namespace(&self, namespace: &Name) -> impl Iterator<Item = ClassIx> {
        self.of_namespace.get(namespace).into_iter().flatten().copied()
    }

    /// Node kinds were found again or got more: no row holds any more.
    pub fn forget_rows(&mut self) {
        self.all.iter_mut().for_each(|class| class.row = OnceLock::new());
    }

    fn is(&self, class: &Class, pod: &Likeness<'_>) -> bool {
        let same_labels = || {
            let asked = pod.labels.iter().filter(|(key, _)| self.asked.contains(*key));
            class.labels.iter().eq(asked)
        };
        class.namespace == *pod.namespace
            && class.terminating == pod.terminating
            && (Arc::ptr_eq(&class.spec, pod.spec) || alike(&class.spec, pod.spec))
            && same_labels()
    }

    fn digest(&self, pod: &Likeness<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        pod.namespace.hash(&mut hasher);
        pod.terminating.hash(&mut hasher);
        let asked = pod.labels.iter().filter(|(key, _)| self.asked.contains(*key));
        asked.for_each(|pair| pair.hash(&mut hasher));
        let PodSpec { node_selector, tolerations, spread, .. } = &**pod.spec;
        (node_selector, tolerations, spread, company(pod.spec)).hash(&mut hasher);
        if !only_names(pod.spec) {
            required(pod.spec).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Whether two specs ask the same of nodes and of other pods, whatever they use.
fn alike(one: &PodSpec, other: &PodSpec) -> bool {
    let same_nodes = match (only_names(one), only_names(other)) {
        (false, false) => required(one) == required(other),
        (names, also) => names && also,
    };
    company(one) == company(other)
        && same_nodes
        && one.node_selector == other.node_selector
        && one.tolerations == other.tolerations
        && one.spread == other.spread
}

/// Whether its node affinity does nothing but name nodes, as that of a DaemonSet's pod does: then pods that name
/// different nodes are still of one class. With a hard spread the names decide which domains count, and part them.
fn only_names(spec: &PodSpec) -> bool {
    let terms = required(spec).unwrap_or_default();
    !terms.is_empty()
        && terms.iter().all(|term| term.labels.is_empty() && !term.fields.is_empty())
        && !spec.spread.iter().any(|spread| spread.hard)
}

fn names_nodes(spec: &PodSpec) -> bool {
    required(spec).unwrap_or_default().iter().any(|term| !term.fields.is_empty())
}

/// Terms with their weights.
type Weighted = [(i32, PodTerm)];

/// The terms about other pods: required affinity and anti-affinity, then the preferred ones.
fn company(spec: &PodSpec) -> (&[PodTerm], &[PodTerm], &Weighted, &Weighted) {
    spec.affinity.as_ref().map_or((&[], &[], &[], &[]), |affinity| {
        (&affinity.pod, &affinity.anti, &affinity.pod_preferred, &affinity.anti_preferred)
    })
}

/// Whether `spec` asks anything of other pods.
pub fn looks_at_pods(spec: &PodSpec) -> bool {
    let affinity = spec.affinity.as_ref();
    affinity.is_some_and(|affinity| !affinity.pod.is_empty() || !affinity.anti.is_empty())
        || spec.spread.iter().any(|spread| spread.hard)
}

/// The pod labels that terms and spreads of `spec` look at.
fn looked_at(spec: &PodSpec) -> impl Iterator<Item = &Name> {
    fn of_term(term: &PodTerm) -> impl Iterator<Item = &Name> {
        let selector = term.selector.iter().flat_map(|selector| &selector.requirements).map(|one| &one.key);
        selector.chain(&term.match_label_keys).chain(&term.mismatch_label_keys)
    }
    let terms = spec.affinity.iter().flat_map(|affinity| {
        let preferred = affinity.pod_preferred.iter().chain(&affinity.anti_preferred).map(|(_, term)| term);
        affinity.pod.iter().chain(&affinity.anti).chain(preferred)
    });
    let spreads = spec.spread.iter().flat_map(|spread| {
        let selector = spread.selector.iter().flat_map(|selector| &selector.requirements).map(|one| &one.key);
        selector.chain(&spread.match_label_keys)
    });
    terms.flat_map(of_term).chain(spreads)
}

//! What could be brought, and which of it is the same to every pod that waits: only one of each sort is tried.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::demand::Alike;
use super::value::size;
use crate::model::{HOSTNAME, Labels, Name, PodSpec, Resources, Taint, VolumeSource};
use crate::placement::passes;
use crate::plan::candidates::Nearness;
use crate::plan::creating::Blueprint;
use crate::plan::pool_decision::Pooled;
use crate::plan::prices::Prices;
use crate::plan::{Code, Reason};

/// A node that could be brought.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The pool's index.
    pub pool: usize,
    /// The member's; of what does not exist yet that of the first name that is free.
    pub member: usize,
    /// Its name.
    pub name: Name,
    /// How near it is to taking pods.
    pub nearness: Nearness,
    /// What is in its way.
    pub hindrance: Option<Reason>,
    /// How often its last wakes failed in a row.
    pub tries: u32,
    /// How many ways to buy it are preferred to this one.
    pub rank: usize,
    /// What it costs per hour beside what it costs now.
    pub cost: i128,
    /// The [`size`] of all that it has.
    pub room: i128,
    /// Candidates with the same number are the same to every pod that waits.
    pub sort: usize,
    /// What it will be, if it is no node yet.
    pub build: Option<Arc<Blueprint>>,
    /// Of those that are no nodes yet: with the same number labels and taints are the same to every pod that waits.
    pub look: Option<usize>,
}

impl Candidate {
    /// Whether bringing it costs something.
    pub fn costs(&self) -> bool {
        self.nearness >= Nearness::Parked
    }

    /// What counts when choices are compared: of what costs the same, fewer are better.
    pub fn price(&self) -> i128 {
        self.cost.max(0).saturating_mul(1000).saturating_add(1)
    }
}

/// Everything that could be brought in any pool and is not up yet, each pool's in its order; and for each pool which of its
/// names nothing carries yet, in their order. Of what does not exist there is one candidate for each blueprint: whichever of
/// the free names it gets, it is as good.
pub fn candidates(
    pooled: &[Pooled<'_>],
    up: &[Vec<usize>],
    prices: &Prices<'_>,
    asked: &Asked,
) -> (Vec<Candidate>, Vec<VecDeque<usize>>) {
    let mut all = Vec::new();
    let mut free = Vec::new();
    let mut sorts = Sorts { asked, known: BTreeMap::new(), priced: true };
    for (pool, (pooled, up)) in pooled.iter().zip(up).enumerate() {
        let up: BTreeSet<&usize> = up.iter().collect();
        let mut names = VecDeque::new();
        for (nearness, member) in pooled.roll().1 {
            let Some(found) = pooled.members.get(member).filter(|_| !up.contains(&member)) else { continue };
            if nearness == Nearness::Absent {
                names.push_back(member);
                if names.len() > 1 {
                    continue;
                }
            }
            let builds: Vec<Option<Arc<Blueprint>>> = match (nearness, &found.node) {
                (Nearness::Absent, _) => pooled.blueprints.iter().cloned().map(Some).collect(),
                (_, Some(_)) => vec![None],
                (_, None) => pooled.build(found).into_iter().map(Some).collect(),
            };
            let hindrance = pooled.hindrance(found, nearness, false);
            for build in builds {
                let hindrance = hindrance.clone();
                all.extend(sorts.candidate(pooled, Offered { pool, member, nearness, build, hindrance }, prices));
            }
        }
        free.push(names);
    }
    if !sorts.priced {
        // Prices of some only would make the others free.
        for candidate in all.iter_mut().filter(|one| one.costs()) {
            candidate.cost = candidate.room;
        }
    }
    (all, free)
}

/// What may come of one member.
struct Offered {
    pool: usize,
    member: usize,
    nearness: Nearness,
    build: Option<Arc<Blueprint>>,
    hindrance: Option<Reason>,
}

/// What is the same to every pod that waits, by number.
struct Sorts<'a> {
    asked: &'a Asked,
    known: BTreeMap<Sort, usize>,
    /// Whether all that costs has a price so far.
    priced: bool,
}

impl Sorts<'_> {
    fn candidate(&mut self, pooled: &Pooled<'_>, offered: Offered, prices: &Prices<'_>) -> Option<Candidate> {
        let Offered { pool, member, nearness, build, hindrance } = offered;
        let found = pooled.members.get(member)?;
        let new = build.as_ref().map(|build| build.member(pooled.pool, &found.name));
        let node = new.as_ref().unwrap_or(found).node.as_deref()?;
        let costs = nearness >= Nearness::Parked;
        let price = prices.change(pooled.pool, new.as_ref().unwrap_or(found), true).filter(|_| costs);
        self.priced &= price.is_some() || !costs;
        let cost = price.map_or(0, |price| i128::from(price.per_hour_micros.max(0)));
        let refused = || build.as_ref().filter(|_| costs).and_then(|build| pooled.refused(build));
        let hindrance = hindrance.or_else(refused);
        let mut used = Resources::default();
        pooled.world.pods_on(&found.name).filter(|pod| !pod.finished()).for_each(|pod| {
            used.add(&pod.spec.requests);
            used.pods = used.pods.saturating_add(1);
        });
        // Of those that do not exist one is as good as another, whatever pods say of names.
        let named = Some(&found.name).filter(|_| nearness < Nearness::Absent);
        let sort = Sort {
            pool,
            nearness,
            rank: build.as_ref().filter(|_| costs).map_or(0, |build| build.rank),
            cost,
            tries: if nearness == Nearness::Absent { 0 } else { pooled.tries(member) },
            room: amounts(&node.allocatable),
            used: amounts(&used),
            labels: self.asked.labels(&node.labels, named),
            taints: node.taints.iter().filter(|taint| !passes(taint)).cloned().collect(),
            hindrance: hindrance.as_ref().map(|why| why.code),
        };
        let (rank, tries, room) = (sort.rank, sort.tries, size(&node.allocatable));
        let next = self.known.len();
        let sort = *self.known.entry(sort).or_insert(next);
        let name = found.name.clone();
        Some(Candidate { pool, member, name, nearness, hindrance, tries, rank, cost, room, sort, build, look: None })
    }
}

/// Resources in an order that means nothing.
type Amounts = (i64, i64, i64, i64, BTreeMap<Name, i64>);

fn amounts(of: &Resources) -> Amounts {
    (of.cpu, of.memory, of.ephemeral_storage, of.pods, of.extended.clone())
}

/// What makes nodes the same to every pod that waits.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    pool: usize,
    nearness: Nearness,
    rank: usize,
    cost: i128,
    tries: u32,
    room: Amounts,
    used: Amounts,
    labels: Vec<(Name, Name)>,
    taints: Vec<Taint>,
    hindrance: Option<Code>,
}

/// The labels that pods which wait look at on nodes.
pub struct Asked {
    keys: BTreeSet<Name>,
    /// Some look at a node by its name, or have volumes, which do: then no two nodes are the same.
    each: bool,
}

impl Asked {
    /// What these pods look at.
    pub fn of(alike: &[Alike]) -> Self {
        let mut asked = Self { keys: BTreeSet::new(), each: false };
        for pod in alike.iter().filter_map(Alike::one) {
            let PodSpec { node_selector, affinity, spread, volumes, .. } = &*pod.spec;
            asked.keys.extend(node_selector.keys().cloned());
            asked.keys.extend(spread.iter().map(|spread| spread.topology_key.clone()));
            if let Some(affinity) = affinity {
                let terms = affinity.pod.iter().chain(&affinity.anti).map(|term| &term.topology_key);
                asked.keys.extend(terms.cloned());
                let nodes = affinity.node.iter().flatten();
                for term in nodes {
                    asked.keys.extend(term.labels.iter().map(|one| one.key.clone()));
                    asked.each |= !term.fields.is_empty() || term.labels.iter().any(|one| &*one.key == HOSTNAME);
                }
            }
            asked.each |= node_selector.contains_key(HOSTNAME);
            asked.each |= volumes.iter().any(|volume| matches!(volume.source, VolumeSource::Claim(_)));
        }
        // As a domain each host is its own, and none is another's.
        asked.keys.remove(HOSTNAME);
        asked
    }

    /// Of labels those that pods look at.
    pub fn labels_of(&self, labels: &BTreeMap<Name, Name>) -> Vec<(Name, Name)> {
        let asked = labels.iter().filter(|(key, _)| self.keys.contains(*key));
        asked.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn labels(&self, labels: &Labels, node: Option<&Name>) -> Vec<(Name, Name)> {
        let mut found = self.labels_of(labels);
        if self.each {
            found.extend(node.map(|node| (HOSTNAME.into(), node.clone())));
        }
        found
    }
}

//! Why a pod that is demand goes on waiting: what each pool says.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::Growth;
use super::offered::Candidate;
use crate::model::{Name, Pod};
use crate::placement::Site;
use crate::plan::next_node::join_next;
use crate::plan::{Code, Evidence, Reason};
use crate::policy::Origin;

/// What pools say to pods for which nothing is brought.
pub struct Why<'w, 'g, 'a> {
    growth: &'w mut Growth<'g, 'a>,
    /// The same cluster with one more node for each pool that has a node to go by; made when first asked.
    more: Option<Site>,
}

/// What one pool says.
struct Says {
    code: Code,
    text: String,
    evidence: Evidence,
    origin: Option<Origin>,
}

/// What is said first where pools say different things: what is nearest to help.
fn order(code: Code) -> u8 {
    match code {
        Code::Ceiling => 0,
        Code::NoCreate => 2,
        Code::NoNodeFits => 3,
        _ => 1,
    }
}

impl<'w, 'g, 'a> Why<'w, 'g, 'a> {
    /// Ready to ask.
    pub fn new(growth: &'w mut Growth<'g, 'a>) -> Self {
        Self { growth, more: None }
    }

    /// Why `pod`, which nothing takes, waits.
    pub fn waits(&mut self, pod: &Pod) -> Reason {
        let mut says: Vec<Says> = (0..self.growth.pooled.len()).filter_map(|pool| self.pool(pool, pod)).collect();
        says.sort_by_key(|says| order(says.code));
        let texts: Vec<String> = says.iter().map(|says| says.text.clone()).collect();
        match says.into_iter().next() {
            Some(first) => {
                Reason { code: first.code, text: texts.join("; "), evidence: first.evidence, origin: first.origin }
            }
            None => Reason {
                code: Code::NoNodeFits,
                text: "the policy has no pool with nodes".to_owned(),
                evidence: Evidence::default(),
                origin: None,
            },
        }
    }

    fn pool(&mut self, index: usize, pod: &Pod) -> Option<Says> {
        let pooled = self.growth.pooled.get(index)?;
        let (name, origin) = (&pooled.pool.name, Some(pooled.pool.origin.clone()));
        let taker = self.taker(index, pod);
        if let Some((node, hindrance)) = taker {
            if self.growth.left.get(index) == Some(&0) {
                let ceiling = pooled.holding.ceiling.unwrap_or(u32::MAX);
                return Some(Says {
                    code: Code::Ceiling,
                    text: format!("{node} of pool {name} would take it, and the pool's ceiling is {ceiling}"),
                    evidence: Evidence { node: Some(node.to_string()), ..Evidence::default() },
                    origin: pooled.origin("max"),
                });
            }
            let hindrance = hindrance?;
            return Some(Says {
                code: hindrance.code,
                text: format!("{node} of pool {name} would take it, and is not brought: {}", hindrance.text),
                evidence: Evidence { node: Some(node.to_string()), ..hindrance.evidence },
                origin: hindrance.origin.or(origin),
            });
        }
        let like = pooled.members.iter().find_map(|member| member.node.as_deref());
        let Some(like) = like.filter(|_| pooled.blueprints.is_empty()) else { return self.makes(index, pod) };
        let next = next_name(name);
        let site = self.more();
        let unfit = site.unfit(pod, &next);
        if unfit.is_empty() {
            return Some(Says {
                code: Code::NoCreate,
                text: format!("one more node like {} would take it, and pool {name} has none left to wake", like.name),
                evidence: Evidence::default(),
                origin,
            });
        }
        let mut whys: Vec<String> = unfit.iter().map(ToString::to_string).collect();
        whys.dedup();
        Some(Says {
            code: Code::NoNodeFits,
            text: format!(
                "no node of pool {name} would take it, an empty one like {} neither: {}",
                like.name,
                whys.join(", ")
            ),
            evidence: Evidence::default(),
            origin,
        })
    }

    /// What is said of the servers that a pool may make. Of many what is said of most comes first.
    fn makes(&mut self, index: usize, pod: &Pod) -> Option<Says> {
        const SAID: usize = 4;
        let pooled = self.growth.pooled.get(index)?;
        let (pool, name) = (pooled.pool, next_name(&pooled.pool.name));
        let few = pooled.blueprints.len() <= SAID;
        let mut whys: BTreeMap<(Name, String), (usize, Name)> = BTreeMap::new();
        for build in pooled.blueprints {
            let mark = self.growth.site().mark();
            self.growth.open(index, &name, Some(build));
            let unfit = self.growth.site().unfit(pod, &name);
            self.growth.close(mark, &name, Some(build));
            let Some(first) = unfit.first() else {
                return Some(Says {
                    code: Code::NoCreate,
                    text: format!(
                        "a new {} would take it, and every name of pool {} is in use: add names to `nodes`",
                        build.offering(),
                        pool.name
                    ),
                    evidence: Evidence::default(),
                    origin: pooled.origin("nodes"),
                });
            };
            // Each by itself where they are few.
            let key = if few { (build.offering(), first.to_string()) } else { ("".into(), first.to_string()) };
            whys.entry(key).or_insert_with(|| (0, build.offering())).0 += 1;
        }
        let mut said: Vec<(usize, String)> = Vec::new();
        for ((_, why), (count, first)) in whys {
            let who = if count == 1 { first.to_string() } else { format!("{count} offerings such as {first}") };
            said.push((count, format!("{who}: {why}")));
        }
        said.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let more = said.len().saturating_sub(SAID);
        let mut texts: Vec<String> = said.into_iter().take(SAID).map(|(_, text)| text).collect();
        texts.extend((more > 0).then(|| format!("and {more} other reasons")));
        (!texts.is_empty()).then(|| Says {
            code: Code::NoNodeFits,
            text: format!("nothing that pool {} may make would take it ({})", pool.name, texts.join("; ")),
            evidence: Evidence::default(),
            origin: Some(pool.origin.clone()),
        })
    }

    /// A node of the pool that would take the pod if it were brought, with what is in its way; one without first.
    fn taker(&mut self, pool: usize, pod: &Pod) -> Option<(Name, Option<Reason>)> {
        let mut of_pool: Vec<usize> = Vec::new();
        // Of one sort one is as good as another, but for what is in its way.
        let mut seen = BTreeSet::new();
        for (index, candidate) in self.growth.candidates.iter().enumerate().filter(|(_, one)| one.pool == pool) {
            let why = candidate.hindrance.as_ref().map(|why| why.code);
            if candidate.build.is_none() || seen.insert((candidate.sort, why)) {
                of_pool.push(index);
            }
        }
        of_pool.sort_by_key(|index| self.growth.candidates.get(*index).is_some_and(|one| one.hindrance.is_some()));
        of_pool.into_iter().find_map(|index| {
            let Candidate { name, build, hindrance, .. } = self.growth.named(index)?;
            let mark = self.growth.site().mark();
            self.growth.open(pool, &name, build.as_deref());
            let fits = self.growth.site().fits(pod, &name);
            self.growth.close(mark, &name, build.as_deref());
            fits.then_some((name, hindrance))
        })
    }

    /// Whether a node of the pool would take the pod if it were brought, or one more like the first of it.
    pub fn would_take(&mut self, pool: usize, pod: &Pod) -> bool {
        let Some(pooled) = self.growth.pooled.get(pool) else { return false };
        let (next, any) = (next_name(&pooled.pool.name), pooled.members.iter().any(|member| member.node.is_some()));
        self.taker(pool, pod).is_some() || any && self.more().unfit(pod, &next).is_empty()
    }

    fn more(&mut self) -> &Site {
        let (growth, more) = (&mut *self.growth, &mut self.more);
        more.get_or_insert_with(|| {
            let mut site = growth.site().clone();
            let likes: BTreeMap<&Name, _> = growth.pooled.iter().map(|pooled| (&pooled.pool.name, pooled)).collect();
            for (name, pooled) in likes {
                if let Some(like) = pooled.members.iter().find_map(|member| member.node.as_deref()) {
                    join_next(&mut site, pooled.world, like, &next_name(name));
                }
            }
            site
        })
    }
}

/// A name that no Node object can have.
fn next_name(pool: &Name) -> Name {
    format!("the next node of pool {pool}").into()
}

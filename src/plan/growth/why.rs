//! Why a pod that is demand goes on waiting: what each pool says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::choose::Growth;
use crate::model::{Name, Pod};
use crate::placement::Site;
use crate::plan::creating::Blueprint;
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

    /// What is said of the servers that a pool may make.
    fn makes(&mut self, index: usize, pod: &Pod) -> Option<Says> {
        let pooled = self.growth.pooled.get(index)?;
        let (pool, name) = (pooled.pool, next_name(&pooled.pool.name));
        let mut whys: Vec<String> = Vec::new();
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
                        build.words(),
                        pool.name
                    ),
                    evidence: Evidence::default(),
                    origin: pooled.origin("nodes"),
                });
            };
            let why = format!("{}: {first}", build.words());
            if !whys.contains(&why) {
                whys.push(why);
            }
        }
        (!whys.is_empty()).then(|| Says {
            code: Code::NoNodeFits,
            text: format!("nothing that pool {} may make would take it ({})", pool.name, whys.join("; ")),
            evidence: Evidence::default(),
            origin: Some(pool.origin.clone()),
        })
    }

    /// A node of the pool that would take the pod if it were brought, with what is in its way; one without first.
    fn taker(&mut self, pool: usize, pod: &Pod) -> Option<(Name, Option<Reason>)> {
        let of_pool = self.growth.candidates.iter().filter(|candidate| candidate.pool == pool);
        let mut nodes: Vec<(Name, Option<Arc<Blueprint>>, Option<Reason>)> = of_pool
            .map(|candidate| (candidate.name.clone(), candidate.build.clone(), candidate.hindrance.clone()))
            .collect();
        nodes.sort_by_key(|(.., hindrance)| hindrance.is_some());
        // Of those that may be made in one way one is as good as another.
        let mut seen = Vec::new();
        nodes.retain(|(_, build, hindrance)| {
            let Some(build) = build else { return true };
            let kind = (build.clone(), hindrance.as_ref().map(|why| why.code));
            let new = !seen.contains(&kind);
            if new {
                seen.push(kind);
            }
            new
        });
        let found = nodes.into_iter().find(|(node, build, _)| {
            let mark = self.growth.site().mark();
            self.growth.open(pool, node, build.as_deref());
            let fits = self.growth.site().fits(pod, node);
            self.growth.close(mark, node, build.as_deref());
            fits
        });
        found.map(|(node, _, hindrance)| (node, hindrance))
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

//! What is made and what is destroyed: made as the policy's template says and no larger than the flavor, destroyed only what
//! carries our mark or is adopted, and undrained only what is of no use to anybody.

use std::collections::BTreeMap;

use super::case::{Case, Life, Wanted};
use super::violation::{Found, Rule};
use crate::model::{CapacityType, Name, Node, NodeMark, Resources, Server, ServerState, keys};
use crate::plan::{Creation, Step, Verb};
use crate::policy::{Idle, Offering};

/// Every creation and every deletion.
pub fn check(case: &Case<'_>, found: &mut Found) {
    for step in &case.plan.steps {
        let Some(wanted) = case.pool_of(&step.node) else { continue };
        match (&step.creation, step.verb) {
            (Some(creation), Verb::Create | Verb::Wait) => made(case, wanted, step, creation, found),
            (Some(_), _) => found.step(step, Rule::Creation, "only what is made, or waited for, has a creation"),
            (None, Verb::Create) => found.step(step, Rule::Creation, "it does not say what is made"),
            (None, Verb::Delete) => destroyed(case, wanted, step, found),
            (None, _) => {}
        }
    }
}

fn made(case: &Case<'_>, wanted: &Wanted<'_>, step: &Step, creation: &Creation, found: &mut Found) {
    let mut wrong = |text: String| found.step(step, Rule::Creation, text);
    if step.verb == Verb::Wait && !case.has(Verb::Create, &step.node) && case.made(&step.node).is_none() {
        wrong("its server was not made by Tidegate".to_owned());
    }
    if step.verb == Verb::Create && case.life(&step.node) != Life::Absent {
        wrong("a node or server of that name is there".to_owned());
    }
    let Some(template) = &wanted.pool.create else {
        return wrong("its pool makes nothing".to_owned());
    };
    let names = |one: &str, all: &[Name]| all.iter().any(|name| **name == *one);
    let zoned = match &creation.zone {
        None => template.zones.is_empty(),
        Some(zone) => names(zone, &template.zones),
    };
    let offered = match &template.catalog {
        None => names(&creation.flavor, &template.flavors) && zoned && creation.bought() == CapacityType::OnDemand,
        Some(catalog) => catalog.flavors.iter().any(|flavor| {
            let like = |one: &Offering| {
                one.zone.as_deref() == creation.zone.as_deref()
                    && one.capacity_type == creation.bought()
                    && one.available
            };
            *flavor.name == *creation.flavor && flavor.offerings.iter().any(like)
        }),
    };
    if !offered || *creation.image != *template.image {
        wrong("flavor, zone, way to buy or image are not of the pool's template".to_owned());
    }
    let has = |key: &Name, value: &Name| creation.labels.get(&**key).is_some_and(|found| **found == **value);
    let taint = |text: &String| creation.taints.contains(text);
    let shape = creation.shape();
    if !template.labels.iter().all(|(key, value)| has(key, value))
        || !template.taints.iter().all(|one| taint(&one.to_string()))
        || shape.taints.len() != creation.taints.len()
    {
        wrong("labels or taints are not those of the template".to_owned());
    }
    let most = case.machine(wanted, &creation.flavor);
    if most.is_none_or(|most| !within(&shape.allocatable, &most)) {
        wrong(format!("its node would have more than flavor {} gives", creation.flavor));
    }
    let refused = case.world.memory.pools.get(&wanted.pool.name).map(|pool| &pool.refused);
    for what in [creation.offering(), creation.flavor.as_str().into()] {
        let until = refused.and_then(|refused| refused.get(&what));
        if step.verb == Verb::Create && until.is_some_and(|failure| failure.next > case.plan.now) {
            wrong(format!("the provider refused {what} a while ago"));
        }
    }
}

fn within(asked: &Resources, most: &Resources) -> bool {
    let other = asked.extended.iter().all(|(name, amount)| *amount <= most.extended(name));
    asked.cpu <= most.cpu && asked.memory <= most.memory && asked.ephemeral_storage <= most.ephemeral_storage && other
}

fn destroyed(case: &Case<'_>, wanted: &Wanted<'_>, step: &Step, found: &mut Found) {
    let mut wrong = |text: &str| found.step(step, Rule::Creation, text.to_owned());
    let (server, made) = (case.server(&step.node), case.made(&step.node));
    if server.is_some() && made.is_none() && !wanted.pool.adopt {
        wrong("its server carries no mark of Tidegate's, and the pool adopts none");
    }
    if wanted.holding.freeze.is_some() {
        wrong("a freeze is open");
    }
    if case.has(Verb::Drain, &step.node) || case.repaired(&step.node) {
        if wanted.pool.idle != Idle::Delete {
            wrong("its pool keeps its servers");
        }
        return;
    }
    let used = case.world.pods_on(&step.node).any(|pod| !pod.daemon() && !pod.mirror() && !pod.finished());
    if used {
        wrong("it is not drained, and pods are on it");
    }
    let left = case.record(&step.node).is_some_and(|record| record.mark == NodeMark::Deleting) && server.is_none();
    let dead = made.is_some_and(|(server, at)| {
        let late = at.checked_add(case.policy.wake.join_timeout).is_ok_and(|end| end <= case.plan.now);
        server.state == ServerState::Error || late
    });
    let ready = case.node(&step.node).is_some_and(|node| node.ready());
    if !left && (!dead || ready) {
        wrong("it may still become a node, and is not drained");
    }
}

impl<'a> Case<'a> {
    /// The server of that name that Tidegate made for this cluster, and when.
    pub fn made(&self, node: &str) -> Option<(&'a Server, jiff::Timestamp)> {
        let server = self.server(node).filter(|server| !server.inferred)?;
        let text = server.metadata.get(keys::CREATED)?;
        let words: BTreeMap<&str, &str> = text.split_whitespace().filter_map(|word| word.split_once('=')).collect();
        let here = self.world.cluster.as_deref();
        let ours = words.get("cluster").zip(here).is_none_or(|(made, here)| **made == *here);
        let at = words.get("at").filter(|_| ours && words.contains_key("pool")).and_then(|at| at.parse().ok())?;
        Some((server, at))
    }

    /// The most that a machine of this flavor has: as the provider says, or as a live node of the pool shows.
    pub fn machine(&self, wanted: &Wanted<'_>, flavor: &str) -> Option<Resources> {
        let provider = wanted.pool.provider.clone().unwrap_or_default();
        let listed = |provider: Name| self.world.flavors.get(&(provider, flavor.into()));
        let by_flavor = listed(provider).or_else(|| listed("".into())).map(|flavor| flavor.capacity.clone());
        let alive = wanted.members.iter().filter_map(|name| {
            let server = self.server(name).filter(|server| *server.flavor == *flavor)?;
            self.node(&server.name).map(|node| node.capacity.clone())
        });
        let catalog = wanted.pool.create.as_ref().and_then(|template| template.catalog.as_ref());
        let by_catalog = catalog.into_iter().flat_map(|catalog| &catalog.flavors);
        let by_catalog = by_catalog.filter(|one| *one.name == *flavor).map(|one| one.capacity.clone());
        alive.chain(by_flavor).chain(by_catalog).reduce(|mut most, other| {
            most.raise_to(&other);
            most
        })
    }

    /// A node that does not exist yet, as the plan says that it will be.
    pub fn new_node(&self, name: &str) -> Option<Node> {
        self.plan.new_node(name).filter(|_| self.node(name).is_none())
    }
}

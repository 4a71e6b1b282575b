//! A plan beside what it is about, read afresh: who belongs to which pool, what state each is in, what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::{
    ByHand, Kind, Name, Node, NodeMark, NodeRecord, Pod, PodKey, Server, ServerState, Target, Wish, World, keys,
};
use crate::placement::Site;
use crate::plan::{Code, Plan, Step, Verb};
use crate::policy::{Members, Override, Policy, Pool};
use crate::schedule::{Holding, holds};

/// What `lead: auto` means at least, whatever was measured.
const AUTO_LEAD: SignedDuration = SignedDuration::from_mins(10);

/// The life of a node, as far as a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Ready and schedulable.
    Active,
    /// Ready and cordoned, by us or by somebody else.
    Cordoned {
        /// It carries our record.
        ours: bool,
    },
    /// Its server is kept and does not run.
    Parked {
        /// It carries our record, or the pool adopts it.
        ours: bool,
    },
    /// Neither node nor server exists.
    Absent,
    /// Anything else: on its way, broken, not Ready, being worked on.
    Other,
}

/// A pool with what is wanted of it at the plan's moment.
pub struct Wanted<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// What holds.
    pub holding: Holding,
    /// How long its wakes take: what `lead: auto` means.
    pub lead: SignedDuration,
    /// Its members, those that do not exist included.
    pub members: BTreeSet<Name>,
}

impl Wanted<'_> {
    /// Active nodes below which nothing is cordoned: a window that winds down already counts by what follows it.
    pub fn least(&self) -> u32 {
        self.holding.winding_down_to.unwrap_or(self.holding.floor)
    }
}

/// A plan beside what it is about.
pub struct Case<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The world.
    pub world: &'a World,
    /// The policy.
    pub policy: &'a Policy,
    /// Its pools, in its order.
    pub pools: Vec<Wanted<'a>>,
    /// Nodes that more than one pool takes in.
    pub disputed: BTreeSet<Name>,
    pool_of: BTreeMap<Name, usize>,
    servers: BTreeMap<Name, &'a Arc<Server>>,
    /// Nodes by the last part of their providerID.
    claims: BTreeMap<&'a str, Vec<&'a str>>,
    verbs: BTreeSet<(Verb, &'a str)>,
    /// Nodes that the plan says it repairs.
    repaired: BTreeSet<&'a str>,
}

/// The name of the node that a server carries, or would carry.
fn carries(server: &Server) -> &Name {
    server.node.as_ref().unwrap_or(&server.name)
}

impl<'a> Case<'a> {
    /// Reads policy and world.
    pub fn read(plan: &'a Plan, world: &'a World, policy: &'a Policy) -> Self {
        let servers: BTreeMap<Name, &Arc<Server>> =
            world.servers.values().map(|server| (carries(server).clone(), server)).collect();
        let mut claims: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, node) in &world.nodes {
            let id = node.provider_id.as_deref().and_then(|id| id.rsplit('/').next());
            claims.entry(id.unwrap_or_default()).or_default().push(name);
        }
        let mut case = Self {
            plan,
            world,
            policy,
            pools: Vec::new(),
            disputed: BTreeSet::new(),
            pool_of: BTreeMap::new(),
            servers,
            claims,
            repaired: (plan.steps.iter())
                .filter(|step| step.reason.code == Code::Repair)
                .map(|step| step.node.as_str())
                .collect(),
            verbs: plan.steps.iter().map(|step| (step.verb, step.node.as_str())).collect(),
        };
        for (index, pool) in policy.pools.iter().enumerate() {
            let mut members = case.taken_in(pool);
            members.retain(|name| {
                let first = !case.pool_of.contains_key(name);
                if !first {
                    case.disputed.insert(name.clone());
                }
                first
            });
            case.pool_of.extend(members.iter().map(|name| (name.clone(), index)));
            let times = world.memory.pools.get(&pool.name).map(|memory| memory.wake_times.as_slice());
            let lead = times.and_then(|times| times.iter().max()).copied().unwrap_or(AUTO_LEAD).max(AUTO_LEAD);
            case.pools.push(Wanted { pool, holding: holds(policy, pool, plan.now, lead), lead, members });
        }
        case
    }

    fn taken_in(&self, pool: &Pool) -> BTreeSet<Name> {
        match &pool.members {
            Members::Labels(selector) => {
                let nodes = self.world.nodes.values().filter(|node| selector.matches(&node.labels));
                nodes.map(|node| node.name.clone()).collect()
            }
            Members::Names(patterns) => {
                let there = self.world.nodes.keys().chain(self.servers.keys());
                let there = there.filter(|name| patterns.iter().any(|pattern| pattern.matches(name))).cloned();
                let spelled = patterns.iter().filter_map(|pattern| pattern.expand()).flatten().map(Name::from);
                there.chain(spelled).collect()
            }
        }
    }

    /// The pool that a node belongs to.
    pub fn pool_of(&self, node: &str) -> Option<&Wanted<'a>> {
        self.pools.get(*self.pool_of.get(node)?)
    }

    /// The Node object.
    pub fn node(&self, name: &str) -> Option<&'a Arc<Node>> {
        self.world.nodes.get(name)
    }

    /// The server behind a node, or the one that would carry it; None if nobody can know.
    pub fn server(&self, name: &str) -> Option<&'a Arc<Server>> {
        self.world.find_server(name, self.node(name).map(AsRef::as_ref)).ok().flatten()
    }

    /// The simulated cluster, without the nodes whose servers are said not to run or are being worked on.
    pub fn site(&self) -> Site {
        let mut site = Site::new(self.world);
        let off = |server: &Server| server.task.is_some() || server.state != ServerState::Active;
        for name in self.world.nodes.keys() {
            if self.server(name).is_some_and(|server| !server.inferred && off(server)) {
                site.close(name);
            }
        }
        site
    }

    /// Another node than the named one that has a claim to its server: by its providerID, or by the server's own word.
    pub fn rival(&self, name: &str, server: &Server) -> Option<&'a str> {
        let carried = server.node.as_deref().filter(|other| *other != name);
        let namesake = self.world.nodes.get_key_value(&server.name);
        let namesake = namesake.filter(|(_, node)| node.provider_id.is_none()).map(|(name, _)| &**name);
        let claims = || self.claims.get(&*server.id).into_iter().flatten().copied().chain(namesake);
        let other = || claims().find(|other| *other != name);
        carried.and_then(|other| self.world.nodes.get_key_value(other)).map(|(other, _)| &**other).or_else(other)
    }

    /// Our record on a node; None if there is none or it is not readable.
    pub fn record(&self, name: &str) -> Option<NodeRecord> {
        self.node(name).and_then(|node| NodeRecord::of(node).ok().flatten())
    }

    /// The life of a node or server of that name.
    pub fn life(&self, name: &str) -> Life {
        let (node, server) = (self.node(name), self.server(name));
        let disputed = self.world.find_server(name, node.map(AsRef::as_ref)).is_err();
        if disputed || node.is_some_and(|node| NodeRecord::of(node).is_err()) {
            return Life::Other;
        }
        let mark = self.record(name).map(|record| record.mark);
        let noted = server.is_some_and(|server| server.metadata.contains_key(keys::SERVER_RECORD));
        let adopted = self.pool_of(name).is_some_and(|wanted| wanted.pool.adopt);
        let runs = match server {
            // Its server is destroyed: the Node is left over.
            None if mark == Some(NodeMark::Deleting) && self.world.knows(Kind::Server) => return Life::Other,
            None => true,
            Some(server) if server.task.is_some() => return Life::Other,
            Some(server) if server.state.parked() => return Life::Parked { ours: mark.is_some() || noted || adopted },
            Some(server) if server.inferred && server.state == ServerState::Unknown => {
                if mark == Some(NodeMark::Parked) {
                    return Life::Parked { ours: true };
                }
                true
            }
            Some(server) => server.state == ServerState::Active,
        };
        match node {
            None if server.is_none() => Life::Absent,
            Some(node) if runs && node.ready() && node.unschedulable => {
                Life::Cordoned { ours: mark.is_some_and(|mark| mark != NodeMark::Leaving) }
            }
            Some(node) if runs && node.ready() => Life::Active,
            _ => Life::Other,
        }
    }

    /// How many members of a pool are in such a state.
    pub fn count(&self, wanted: &Wanted<'_>, test: impl Fn(Life) -> bool) -> u32 {
        let members = wanted.members.iter().filter(|name| test(self.life(name)));
        u32::try_from(members.count()).unwrap_or(u32::MAX)
    }

    /// The override that is in force for one node.
    fn by_hand(&self, node: &str) -> impl Iterator<Item = &'a Override> {
        let now = self.plan.now;
        self.policy
            .overrides
            .iter()
            .filter(move |entry| entry.expires > now && matches!(&entry.target, Target::Node(name) if **name == *node))
    }

    /// A person wants this node drained, and its server to run.
    pub fn drained_by_hand(&self, node: &str) -> bool {
        self.by_name(node).any(|asked| asked.wish == Wish::Drained)
    }

    /// Whether something is asked for by hand of this very node, by its name.
    pub fn asked_by_name(&self, node: &str) -> bool {
        self.by_name(node).next().is_some()
    }

    fn by_name(&self, node: &str) -> impl Iterator<Item = &'a ByHand> {
        let of_it = move |asked: &&ByHand| matches!(&asked.target, Target::Node(name) if **name == *node);
        let now = self.plan.now;
        let counts = move |asked: &&ByHand| asked.until.is_none_or(|until| until > now);
        self.world.memory.by_hand.iter().filter(of_it).filter(counts)
    }

    /// A person wants this node parked, or drained.
    pub fn asleep_by_hand(&self, node: &str) -> bool {
        self.drained_by_hand(node)
            || self.by_hand(node).any(|entry| entry.ask.max == Some(0) || entry.ask.replicas == Some(0))
    }

    /// A person wants this node awake.
    pub fn awake_by_hand(&self, node: &str) -> bool {
        self.by_hand(node).any(|entry| entry.ask.min.or(entry.ask.replicas).is_some_and(|least| least > 0))
    }

    /// The pod of that name.
    pub fn pod(&self, name: &str) -> Option<&'a Arc<Pod>> {
        let (namespace, name) = name.split_once('/')?;
        self.world.pods.get(&PodKey::new(namespace, name))
    }

    /// Whether the plan says that it repairs the node: what that takes is judged by itself.
    pub fn repaired(&self, node: &str) -> bool {
        self.repaired.contains(node)
    }

    /// Whether the node's server is parked and woken again.
    pub fn restarted(&self, node: &str) -> bool {
        self.has(Verb::Park, node) && self.has(Verb::Wake, node)
    }

    /// Whether the plan has this step.
    pub fn has(&self, verb: Verb, node: &str) -> bool {
        self.verbs.contains(&(verb, node))
    }
}

/// Whether a step takes capacity away.
pub fn takes(step: &Step) -> bool {
    matches!(step.verb, Verb::Cordon | Verb::Drain | Verb::Park | Verb::Delete)
}

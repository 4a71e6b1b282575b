//! Which nodes and servers belong to which pool, and in what state each is.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Created, Kind, Name, Node, Server, ServerState, World};
use crate::model::{NodeMark, NodeRecord, keys};
use crate::policy::{Members, NamePattern, Policy, Pool};

/// What Nova does with a server until it runs for the first time.
const BUILDING: [&str; 4] = ["scheduling", "block_device_mapping", "networking", "spawning"];
/// A node that became not Ready later than so long after its server was made has joined before.
const JOINING: SignedDuration = SignedDuration::from_mins(15);

/// A server that somebody started is left alone for so long (H23).
const BY_HAND: SignedDuration = SignedDuration::from_hours(4);

/// The life of a pool member, as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Ready and schedulable.
    Active,
    /// Ready, cordoned by us: an unfinished drain or wake, or a wind-down.
    OwnCordon(NodeMark),
    /// Cordoned by somebody else.
    ForeignCordon,
    /// Kept but not running, and ours to wake.
    Parked(ServerState),
    /// Kept but not running, and not by us.
    StoppedByOther(ServerState),
    /// On its way up by our doing: the server runs or starts, the node is not Ready yet.
    Waking,
    /// Tidegate made its server, which is not a Ready node yet.
    Joining,
    /// We took it away, and its server is deleted: only the Node is there still.
    LeftOver,
    /// The provider is at work on the server.
    Busy(Name),
    /// The server runs, the node is not Ready.
    NotReady,
    /// The server is in error or gone, or its state is not known.
    Broken(String),
    /// Named by the policy; neither node nor server exists.
    Absent,
}

/// A member of a pool.
#[derive(Clone, Debug)]
pub struct Member {
    /// The node's name.
    pub name: Name,
    /// The Node object.
    pub node: Option<Arc<Node>>,
    /// The server.
    pub server: Option<Arc<Server>>,
    /// Our record on the node; an unreadable one is in `record_error`.
    pub record: Option<NodeRecord>,
    /// Why the record cannot be read.
    pub record_error: Option<String>,
    /// Its state.
    pub state: State,
}

impl Member {
    /// Until when it is left alone because somebody started the server that we had parked (H23).
    pub fn left_alone_until(&self, now: Timestamp) -> Option<Timestamp> {
        let record = self.record.as_ref().filter(|record| record.mark == NodeMark::Parked)?;
        let started = match &self.state {
            // Who uncordoned it too wants to use it.
            State::Active | State::OwnCordon(_) | State::NotReady | State::Waking => {
                let ready = self.node.as_ref().and_then(|node| node.condition("Ready")).and_then(|c| c.transition);
                let running = self.server.as_ref().filter(|server| server.state == ServerState::Active)?;
                running.since.or(ready).unwrap_or(record.since).max(record.since)
            }
            _ => return None,
        };
        started.checked_add(BY_HAND).ok().filter(|until| *until > now)
    }

    /// Whether it exists at all.
    pub fn exists(&self) -> bool {
        self.state != State::Absent
    }
}

/// Every pool's members, in natural order of their names.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// By pool, in the policy's order.
    pub pools: Vec<Vec<Member>>,
    /// Pool index by node name. A node that two pools take in belongs to the first.
    pub pool_of: BTreeMap<Name, usize>,
    /// Nodes that two pools take in, with both: names alone are compared by validation, labels can only be here.
    pub claimed_twice: Vec<(Name, Name, Name)>,
}

impl Inventory {
    /// Finds every pool's members.
    pub fn take(policy: &Policy, world: &World) -> Self {
        let mut names: BTreeSet<Name> = world.nodes.keys().cloned().collect();
        names.extend(world.servers.values().map(|server| server.carries().clone()));
        let mut inventory = Self::default();
        for (index, pool) in policy.pools.iter().enumerate() {
            let mut members: Vec<Name> = match &pool.members {
                Members::Labels(selector) => world
                    .nodes
                    .values()
                    .filter(|node| selector.matches(&node.labels))
                    .map(|node| node.name.clone())
                    .collect(),
                Members::Names(patterns) => named(patterns, &names),
            };
            for name in &members {
                if let Some(first) = inventory.pool_of.get(name).and_then(|index| policy.pools.get(*index)) {
                    inventory.claimed_twice.push((name.clone(), first.name.clone(), pool.name.clone()));
                }
            }
            members.retain(|name| !inventory.pool_of.contains_key(name));
            members.sort_by(|a, b| natural(a, b));
            for name in &members {
                inventory.pool_of.insert(name.clone(), index);
            }
            let members = members.into_iter().map(|name| member(&name, pool, world)).collect();
            inventory.pools.push(members);
        }
        inventory
    }
}

/// Names that the patterns take in: those that exist, and those that a pattern spells out though nothing exists.
fn named(patterns: &[NamePattern], existing: &BTreeSet<Name>) -> Vec<Name> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        found.extend(existing.iter().filter(|name| pattern.matches(name)).cloned());
        found.extend(pattern.expand().into_iter().flatten().map(Name::from));
    }
    found.into_iter().collect()
}

fn member(name: &Name, pool: &Pool, world: &World) -> Member {
    let node = world.nodes.get(name).cloned();
    let (server, uncertain) = match world.find_server(name, node.as_deref()) {
        Ok(server) => (server.cloned(), None),
        Err(uncertain) => (None, Some(uncertain)),
    };
    let (record, record_error) = match node.as_deref().map(NodeRecord::of) {
        None | Some(Ok(None)) => (None, None),
        Some(Ok(Some(record))) => (Some(record), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let mut found = Member { name: name.clone(), node, server, record, record_error, state: State::Absent };
    found.state = uncertain.map_or_else(|| state(&found, pool, world), |why| State::Broken(why.to_string()));
    found
}

fn state(member: &Member, pool: &Pool, world: &World) -> State {
    if let Some(error) = &member.record_error {
        return State::Broken(error.clone());
    }
    let mark = member.record.as_ref().map(|record| record.mark);
    let Some(server) = &member.server else {
        return match &member.node {
            None => State::Absent,
            Some(_) if mark == Some(NodeMark::Deleting) && world.knows(Kind::Server) => State::LeftOver,
            Some(node) => node_state(node, mark),
        };
    };
    if joins(member, server, world) {
        return State::Joining;
    }
    let ours = mark.is_some() || server.metadata.contains_key(keys::SERVER_RECORD) || pool.adopt;
    if let Some(task) = &server.task {
        return if mark == Some(NodeMark::Waking) { State::Waking } else { State::Busy(task.clone()) };
    }
    match (server.state, &member.node) {
        (parked, _) if parked.parked() && ours => State::Parked(parked),
        (parked, _) if parked.parked() => State::StoppedByOther(parked),
        (ServerState::Active, Some(node)) => node_state(node, mark),
        (ServerState::Active | ServerState::Build, None) => State::Broken("its server runs but no node joined".into()),
        (ServerState::Build, Some(_)) => State::Busy("building".into()),
        (ServerState::Unknown, Some(node)) if server.inferred => match mark {
            Some(NodeMark::Parked) => State::Parked(ServerState::Unknown),
            _ => node_state(node, mark),
        },
        (other, _) => {
            let fault = server.fault.as_ref().map(|fault| format!(": {fault}")).unwrap_or_default();
            State::Broken(format!("its server is {other}{fault}"))
        }
    }
}

/// Whether we made the server and it has not been a Ready node yet: one that is not Ready for another reason has been so since
/// later than it may take to join.
fn joins(member: &Member, server: &Server, world: &World) -> bool {
    let Some(made) = Created::of(server).filter(|made| made.is_for(world.cluster.as_ref())) else { return false };
    let starts = matches!(server.state, ServerState::Build | ServerState::Active);
    let building = server.task.as_deref().is_none_or(|task| BUILDING.contains(&task));
    let since = |node: &Node| node.condition("Ready").and_then(|ready| ready.transition).or(node.created);
    let fresh =
        |node: &Node| since(node).is_none_or(|since| made.at.checked_add(JOINING).is_ok_and(|end| since <= end));
    let new = member.node.as_ref().is_none_or(|node| !node.ready() && fresh(node));
    starts && building && new && member.record.is_none() && !server.inferred
}

fn node_state(node: &Node, mark: Option<NodeMark>) -> State {
    match (node.ready(), node.unschedulable, mark) {
        (true, false, _) => State::Active,
        // Who is only chosen to go we have not cordoned yet: somebody else did.
        (true, true, None | Some(NodeMark::Leaving)) => State::ForeignCordon,
        (true, true, Some(mark)) => State::OwnCordon(mark),
        (false, _, Some(NodeMark::Waking | NodeMark::Parked)) => State::Waking,
        (false, _, _) => State::NotReady,
    }
}

/// `node-2` before `node-10`: runs of digits compare as numbers, then everything as text.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.bytes().peekable(), b.bytes().peekable());
    loop {
        let (Some(x), Some(y)) = (left.peek().copied(), right.peek().copied()) else {
            return (left.len()).cmp(&right.len()).then_with(|| a.cmp(b));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let number = |run: &mut std::iter::Peekable<std::str::Bytes<'_>>| {
                let mut digits = Vec::new();
                while let Some(digit) = run.next_if(u8::is_ascii_digit) {
                    if !(digits.is_empty() && digit == b'0') {
                        digits.push(digit);
                    }
                }
                digits
            };
            let (x, y) = (number(&mut left), number(&mut right));
            match x.len().cmp(&y.len()).then_with(|| x.cmp(&y)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        } else if x == y {
            left.next();
            right.next();
        } else {
            return x.cmp(&y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = ["n-10", "n-2", "n-02", "m-1", "n", "n-2b", "n-1"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["m-1", "n", "n-1", "n-02", "n-2", "n-2b", "n-10"]);
    }
}

//! Everything the planner knows about one node or one pool, on demand.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elsewhere::{Elsewhere, NodeAnswer};
use super::leaving::{Asked, Ruling, Settings, may_leave};
use super::members::{Inventory, State};
use super::utilisation::{Utilisation, stays_behind};
use super::{HeadroomExplanation, Kept, NodeStatus, Plan, PodExplanation, PoolPlan, Step, by_hand, node_rules, status};
use crate::model::{ByHand, Name, Pod, PodKey, Server, Wish, World};
use crate::policy::Policy;
use crate::schedule::holds;

/// What the table says of one pod, and where else it would fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodAnswer {
    /// `namespace/name`.
    pub pod: String,
    /// `goes`, `stays`, `waits`, `blocks`.
    pub answer: String,
    /// Why.
    pub text: String,
    /// The node it is on.
    pub node: String,
    /// Other nodes that could take it when the plan is done.
    pub homes: u32,
    /// It may be evicted, and nothing makes it again: the homes are nothing to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What each other node says, for a pod that keeps its node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeAnswer>,
}

/// Most pods of a pool that are asked about: one for each thing in the way, the most nodes first.
const POOL_PODS: usize = 20;

/// An explanation of a node or a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Explanation {
    /// `node/N` or `pool/P`.
    pub object: String,
    /// Its state or its numbers, in words.
    pub state: String,
    /// Of a node of a pool: since when it is so, by whom and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NodeStatus>,
    /// Of a node: what it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerBehind>,
    /// The pool's line.
    pub pool: Option<PoolPlan>,
    /// Of a node that is Ready: how much of it is requested, without what comes with every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<Utilisation>,
    /// Steps of the plan that touch it.
    pub steps: Vec<Step>,
    /// Nodes that stay, with every reason.
    pub kept: Vec<Kept>,
    /// The pods of a node; for a pool one of those behind each thing in the way, at most 20.
    pub pods: Vec<PodAnswer>,
}

/// The server behind a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerBehind {
    /// The provider's id; absent where the snapshot has no servers and it was made up from the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name there.
    pub name: String,
    /// Its state there: `ACTIVE`, `SHELVED_OFFLOADED`, …
    pub state: String,
    /// What the provider is doing to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Its flavor, empty if it is not known.
    pub flavor: String,
    /// Its availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

impl From<&Server> for ServerBehind {
    fn from(server: &Server) -> Self {
        let text = |name: &Name| name.to_string();
        Self {
            id: (!server.inferred).then(|| text(&server.id)),
            name: text(&server.name),
            state: server.state.to_string(),
            task: server.task.as_ref().map(text),
            flavor: text(&server.flavor),
            zone: server.zone.as_ref().map(text),
        }
    }
}

/// Everything that `explain` prints: of a node or a pool, of a pod, or of headroom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Explained {
    /// Of a node or a pool.
    Object(Box<Explanation>),
    /// Of a pod.
    Pod(Box<PodExplanation>),
    /// Of headroom.
    Headroom(Box<HeadroomExplanation>),
}

/// A member's state in words.
pub fn state_words(state: &State) -> String {
    match state {
        State::Active => "active".to_owned(),
        State::OwnCordon(mark) => format!("cordoned by Tidegate ({mark:?})").to_lowercase(),
        State::ForeignCordon => "cordoned by somebody else".to_owned(),
        State::Parked(state) => format!("parked ({state})"),
        State::StoppedByOther(state) => format!("not running ({state}), and not parked by Tidegate"),
        State::Waking => "waking".to_owned(),
        State::Joining => "made, and not joined yet".to_owned(),
        State::LeftOver => "left over: its server is deleted".to_owned(),
        State::Busy(task) => format!("busy ({task})"),
        State::NotReady => "not Ready".to_owned(),
        State::Broken(why) => format!("broken: {why}"),
        State::Absent => "absent".to_owned(),
    }
}

/// The same; `away` is by whose word it is away, `done` that nothing is left to be done to it.
pub fn state_by_hand(state: &State, away: Option<&ByHand>, done: bool) -> String {
    match away {
        Some(asked) if asked.wish == Wish::Drained && done => "drained".to_owned(),
        _ => state_words(state),
    }
}

/// Explains a node. None if there is no such node, server or pattern.
pub fn explain_node(policy: &Policy, world: &World, plan: &Plan, name: &str, now: Timestamp) -> Option<Explanation> {
    let policy = &*policy.with_by_hand(&world.memory, now);
    let inventory = Inventory::take(policy, world);
    let place = inventory.pool_of.get(name).copied();
    let member = place
        .and_then(|index| inventory.pools.get(index))
        .and_then(|members| members.iter().find(|member| *member.name == *name));
    if member.is_none() && !world.nodes.contains_key(name) {
        return None;
    }
    let pool = place.and_then(|index| policy.pools.get(index));
    let away = pool.zip(member).and_then(|(pool, member)| by_hand::away(&world.memory, member, &pool.name, now));
    let steps: Vec<Step> = plan.steps.iter().filter(|step| step.node == name).cloned().collect();
    let mut kept: Vec<Kept> = plan.kept.iter().filter(|kept| kept.node == name).cloned().collect();
    if kept.is_empty()
        && let (Some(pool), Some(member)) = (pool, member)
    {
        let asked = away.filter(|_| steps.is_empty()).map(by_hand::reason);
        let reasons: Vec<_> = asked.into_iter().chain(node_rules::staying(policy, pool, member, world, now)).collect();
        if !reasons.is_empty() {
            kept.push(Kept { node: name.to_owned(), pool: pool.name.to_string(), reasons });
        }
    }
    let relaxed = relaxed(policy, world, place, now);
    let mut elsewhere = Elsewhere::after(world, plan, Some(name));
    let named = |pod: &Pod| {
        let key = pod.key.to_string();
        kept.iter().flat_map(|kept| &kept.reasons).any(|reason| reason.evidence.pod.as_deref() == Some(key.as_str()))
    };
    let pods = world.pods_on(name).map(|pod| {
        let mut answer = answer(policy, world, pod, &relaxed, &mut elsewhere, now);
        if answer.answer == "blocks" || named(pod) {
            answer.nodes = elsewhere.nodes(pod, name);
        }
        answer
    });
    let pods = pods.collect();
    let mut state = match member {
        Some(member) => state_by_hand(&member.state, away, steps.is_empty()),
        None => "in no pool of the policy".to_owned(),
    };
    if let Some(asked) = away {
        let until = asked.until.map_or_else(|| "until it is released".to_owned(), |until| format!("until {until}"));
        state = format!("{state}, asked for by hand by {} at {}, {until}", asked.author, asked.since);
    }
    let node = world.nodes.get(name).map(AsRef::as_ref);
    let server = world.find_server(name, node).ok().flatten();
    Some(Explanation {
        object: format!("node/{name}"),
        state,
        status: pool.zip(member).map(|(pool, member)| status::of(member, &pool.name, world, plan)),
        server: server.map(|server| ServerBehind::from(server.as_ref())),
        pool: pool.and_then(|pool| plan.pools.iter().find(|line| *line.name == *pool.name)).cloned(),
        utilisation: (world.nodes.get(name).filter(|node| node.ready()))
            .map(|node| Utilisation::of(world, node, stays_behind)),
        steps,
        kept,
        pods,
    })
}

fn relaxed(policy: &Policy, world: &World, pool: Option<usize>, now: Timestamp) -> Vec<Name> {
    let pool = pool.and_then(|index| policy.pools.get(index));
    let holding = pool.map(|pool| holds(policy, pool, now, super::pool_decision::wake_lead(world, pool)));
    holding.map(|holding| holding.relaxed).unwrap_or_default()
}

/// What a drain may do to a pod that has a node, and how many homes it has when the plan is done.
pub fn answer_of(policy: &Policy, world: &World, plan: &Plan, pod: &Pod, now: Timestamp) -> PodAnswer {
    let node = pod.node.as_deref();
    let place = node.and_then(|node| Inventory::take(policy, world).pool_of.get(node).copied());
    let relaxed = relaxed(policy, world, place, now);
    answer(policy, world, pod, &relaxed, &mut Elsewhere::after(world, plan, node), now)
}

fn answer(
    policy: &Policy,
    world: &World,
    pod: &Pod,
    relaxed: &[Name],
    elsewhere: &mut Elsewhere<'_>,
    now: Timestamp,
) -> PodAnswer {
    let node = pod.node.as_deref().unwrap_or_default();
    let asked = Asked { pod, world, drain: &policy.drain, now, relaxed, settings: Settings::default() };
    let homes = elsewhere.homes(pod, node);
    let (answer, text) = match may_leave(&asked) {
        Ruling::Goes if homes == 0 => ("blocks", "it has no other home when the plan is done".to_owned()),
        Ruling::Goes if world.loses(pod) => {
            ("goes", "it may be evicted and is LOST: nothing makes it again".to_owned())
        }
        Ruling::Goes => ("goes", "it may be evicted".to_owned()),
        Ruling::Stays(why) => ("stays", why.to_owned()),
        Ruling::Waits(_, reason) => ("waits", reason.text),
        Ruling::Blocks(reason) => ("blocks", reason.text),
    };
    PodAnswer {
        lost: answer == "goes" && world.loses(pod),
        pod: pod.key.to_string(),
        answer: answer.to_owned(),
        text,
        node: node.to_owned(),
        homes: u32::try_from(homes).unwrap_or(u32::MAX),
        nodes: Vec::new(),
    }
}

/// Explains a pool. None if the policy has none of that name.
pub fn explain_pool(policy: &Policy, world: &World, plan: &Plan, name: &str, now: Timestamp) -> Option<Explanation> {
    let index = policy.pools.iter().position(|pool| *pool.name == *name)?;
    let line = plan.pools.iter().find(|line| line.name == name)?;
    let inventory = Inventory::take(policy, world);
    let members = inventory.pools.get(index)?;
    let relaxed = relaxed(policy, world, Some(index), now);
    let mut elsewhere = Elsewhere::after(world, plan, None);
    let ours = |text: &String| {
        let key = text.split_once('/').map(|(namespace, name)| PodKey::new(namespace, name))?;
        let pod = world.pods.get(&key)?;
        (inventory.pool_of.get(pod.node.as_deref()?) == Some(&index)).then_some(pod)
    };
    let mut first: Vec<_> = plan.blockers.iter().filter_map(|blocker| blocker.pods.iter().find_map(ours)).collect();
    let mut seen = BTreeSet::new();
    first.retain(|pod| seen.insert(&pod.key));
    let pods = first.into_iter().take(POOL_PODS).map(|pod| {
        let mut answer = answer(policy, world, pod, &relaxed, &mut elsewhere, now);
        answer.nodes = elsewhere.nodes(pod, &answer.node);
        answer
    });
    Some(Explanation {
        object: format!("pool/{name}"),
        state: format!(
            "{} active; floor {}, ceiling {}; {} members",
            line.active,
            line.floor,
            line.ceiling,
            members.len()
        ),
        status: None,
        server: None,
        pool: Some(line.clone()),
        utilisation: None,
        steps: plan.steps.iter().filter(|step| step.pool == name).cloned().collect(),
        kept: plan.kept.iter().filter(|kept| kept.pool == name).cloned().collect(),
        pods: pods.collect(),
    })
}

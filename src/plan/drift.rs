//! What was last applied, what is wanted, what is there: and why they differ.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::missed::missed;
use super::status::status;
use super::{Inventory, Plan, PolicyRef, Reason, Verb, Verdict};
use crate::model::World;
use crate::policy::Policy;

/// The three beside each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// The version of this format.
    pub format_version: String,
    /// The cluster is not as the policy wants it now: a plan has steps, cannot bring it about, or is held by a brake.
    pub drifted: bool,
    /// The moment.
    pub now: Timestamp,
    /// The policy's zone.
    pub time_zone: String,
    /// What is wanted.
    pub policy: PolicyRef,
    /// The last apply of a whole policy; absent where none is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied: Option<LastApplied>,
    /// Every pool.
    pub pools: Vec<PoolDrift>,
    /// Nodes that are not as they are wanted and can be brought there, in the order of the plan's steps.
    pub nodes: Vec<NodeDrift>,
    /// Windows that opened while nobody applied the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
    /// Why less than everything is known, or what holds back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
    /// The plan in one word.
    pub verdict: Verdict,
    /// The plan in one line.
    pub summary: String,
}

/// The last apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastApplied {
    /// When it began.
    pub at: Timestamp,
    /// Who ran it, `user@host`.
    pub by: String,
    /// The policy's name then.
    pub policy: String,
    /// The commits that it was read at, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
    /// Whether it means what the policy means now.
    pub same_policy: bool,
}

/// One pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolDrift {
    /// Its name.
    pub name: String,
    /// Nodes that were to be up after the last apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<u32>,
    /// Nodes that are to be up now.
    pub wanted: u32,
    /// Nodes that are active now.
    pub actual: u32,
    /// Why these differ; empty where they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<DriftCause>,
}

/// Why what is there is not what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftCause {
    /// No apply is remembered.
    NeverApplied,
    /// The policy is another one than the one that was applied.
    PolicyChanged,
    /// The same policy wants another number than then: the schedule moved on, or the load did.
    WantedChanged,
    /// There are not as many nodes as the last apply was to leave.
    ClusterChanged,
    /// There are as many, and something is left to do: pods are waited for, or a node was left half-way.
    Unfinished,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeDrift {
    /// The node.
    pub node: String,
    /// Its pool.
    pub pool: String,
    /// Its state in words.
    pub state: String,
    /// What would bring it where it is wanted, in order.
    pub steps: Vec<Verb>,
    /// Why it is not wanted as it is.
    pub reason: Reason,
}

/// What was last applied, what is wanted by a plan that was made of the same policy and world, and what is there.
pub fn drift(policy: &Policy, world: &World, plan: &Plan) -> Drift {
    let applied = world.memory.applied.as_ref();
    let pools = plan.pools.iter().map(|pool| {
        let then = applied.and_then(|applied| applied.wanted.get(pool.name.as_str()).copied());
        let moves = plan.steps.iter().any(|step| step.pool == pool.name) || pool.active != pool.desired;
        let mut why = Vec::new();
        if moves {
            match applied {
                None => why.push(DriftCause::NeverApplied),
                Some(applied) if *applied.digest != *plan.policy.digest => why.push(DriftCause::PolicyChanged),
                Some(_) if then != Some(pool.desired) => why.push(DriftCause::WantedChanged),
                Some(_) => {}
            }
            if then.is_some_and(|then| then != pool.active) {
                why.push(DriftCause::ClusterChanged);
            }
            if why.is_empty() {
                why.push(DriftCause::Unfinished);
            }
        }
        PoolDrift { name: pool.name.clone(), applied: then, wanted: pool.desired, actual: pool.active, why }
    });
    let states = status(policy, world, plan);
    let mut nodes: Vec<NodeDrift> = Vec::new();
    for step in &plan.steps {
        match nodes.iter_mut().find(|node| node.node == step.node) {
            Some(node) => node.steps.push(step.verb),
            None => nodes.push(NodeDrift {
                node: step.node.clone(),
                pool: step.pool.clone(),
                state: states
                    .iter()
                    .find(|line| line.node == step.node)
                    .map_or_else(String::new, |line| line.state.clone()),
                steps: vec![step.verb],
                reason: step.reason.clone(),
            }),
        }
    }
    Drift {
        format_version: "1.0".to_owned(),
        drifted: plan.pending(),
        now: plan.now,
        time_zone: plan.time_zone.clone(),
        policy: plan.policy.clone(),
        last_applied: applied.map(|applied| LastApplied {
            at: applied.at,
            by: applied.by.to_string(),
            policy: applied.policy.to_string(),
            revisions: applied.revisions.iter().map(ToString::to_string).collect(),
            same_policy: *applied.digest == *plan.policy.digest,
        }),
        pools: pools.collect(),
        nodes,
        missed: missed(policy, world, &Inventory::take(policy, world), plan.now),
        caveats: plan.caveats.clone(),
        verdict: plan.summary.verdict,
        summary: plan.summary.text.clone(),
    }
}

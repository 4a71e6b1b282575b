//! What is wrong with a plan: the rule that it breaks, where, and in words.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::{Plan, Step};

/// The rules that a plan is held to. The names are public: scripts match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The document is of a format that this version reads.
    Format,
    /// It was made from the policy that is given.
    Policy,
    /// It was made from the snapshot that is given.
    Snapshot,
    /// It is what it was when it was saved.
    Edited,
    /// It says truly whether it may be carried out, and whether it rests on everything.
    Applyable,
    /// What would set a brake off is listed as a refusal.
    Brake,
    /// Ids are unique and name what the step does; steps wait for steps that exist, and not in a circle.
    Graph,
    /// On one node: cordoned, then drained, then parked; woken, then Ready, then uncordoned.
    Order,
    /// Servers are made as the policy says, and destroyed only if Tidegate made them or the pool adopts them.
    Creation,
    /// Nodes are repaired that the policy says to repair, in its way, and none that recovers or carries pods.
    Repair,
    /// A step acts on a member of its pool.
    Member,
    /// Nothing is taken from a node that stays: kept, held, control plane, somebody else's, barred for a while.
    Kept,
    /// Only what Tidegate parked or cordoned, or was told to adopt, is given back.
    NotOurs,
    /// A step carries the conditions under which it may start, as they are now.
    Precondition,
    /// Nothing is taken away while a freeze is open, but for drains that ran before and that it lets finish.
    Freeze,
    /// The active nodes of a pool never fall below its floor.
    Floor,
    /// No node is brought that would lift a pool above its ceiling.
    Ceiling,
    /// Nothing is woken that lifts what runs above a limit over all pools.
    Limit,
    /// No more nodes of a pool are in transition than `parallelism` and `maxUnavailable` allow.
    Width,
    /// A drain lists the pods of its node, each once, and no others.
    Pods,
    /// Only DaemonSet pods, static pods, and pods that are over or being deleted go down with a node.
    Stranded,
    /// Only pods of Jobs, and pods that the policy or a mark says to wait for, are waited for.
    Wait,
    /// No pod is evicted that a mark, the policy or the table of the design protects.
    Protected,
    /// Every evicted pod has another home, on a node that stays.
    Home,
    /// Pods wait without a home only where the policy lets them and their pool has more nodes than it may, and wake again.
    Sleep,
    /// Every eviction has a round, and the rounds under one bound have no gap.
    Round,
    /// No round takes more pods than a PodDisruptionBudget allows.
    Budget,
    /// No round takes more Ready pods of a workload without a budget than its implied one allows (H1).
    ImpliedBudget,
    /// Exactly the evictions that leave a workload without a Ready pod are listed as outages.
    Outage,
    /// Every pending pod is spoken of, those that are to have a node fit there, and what comes for pods has some.
    Pending,
    /// Headroom is what the policy asks for, and where it is said to be.
    Headroom,
    /// Every node that is up goes or is kept with a reason, and none does both.
    Explained,
    /// What is said of a pool is what is there and what the policy asks.
    Pool,
    /// The counts of the summary are those of the steps.
    Summary,
    /// Prices and sums are what the rates say.
    Cost,
    /// Everything else it says is what a plan made again says.
    Said,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A rule that the plan, or a prefix of it, breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Violation {
    /// The step's id, `pool/NAME`, or `plan`.
    pub subject: String,
    /// Which rule.
    pub rule: Rule,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.subject, self.text, self.rule)
    }
}

/// What `verify --format json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The version of this format: another major version may mean something else by the same words.
    pub format_version: String,
    /// Nothing was found.
    pub safe: bool,
    /// It may be carried out.
    pub applyable: bool,
    /// Why not, or what it does not know.
    pub caveats: Vec<String>,
    /// How many steps it has.
    pub steps: usize,
    /// What was found.
    pub violations: Vec<Violation>,
}

impl Verified {
    /// What is said of a plan in which this was found.
    pub fn of(plan: &Plan, violations: Vec<Violation>) -> Self {
        Self {
            format_version: "1.0".to_owned(),
            safe: violations.is_empty(),
            applyable: plan.applyable,
            caveats: plan.caveats.clone(),
            steps: plan.steps.len(),
            violations,
        }
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
pub struct Found(Vec<Violation>);

impl Found {
    /// Something is wrong with the plan as a whole.
    pub fn plan(&mut self, rule: Rule, text: impl Into<String>) {
        self.0.push(Violation { subject: "plan".to_owned(), rule, text: text.into() });
    }

    /// Something is wrong with what is said of a pool.
    pub fn pool(&mut self, name: &str, rule: Rule, text: impl Into<String>) {
        self.0.push(Violation { subject: format!("pool/{name}"), rule, text: text.into() });
    }

    /// Something is wrong with a step.
    pub fn step(&mut self, step: &Step, rule: Rule, text: impl Into<String>) {
        self.0.push(Violation { subject: step.id.clone(), rule, text: text.into() });
    }

    /// Whether nothing was found.
    pub fn nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything, each once, by subject.
    pub fn all(mut self) -> Vec<Violation> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

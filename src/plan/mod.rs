//! Desired against actual: ordered, explained, prefix-safe steps. The only decision path.
//!
//! Pure. [`plan`] reads top down: `members` says who is there, `schedule` what is wanted, `pool_decision` who comes and
//! goes (asking `removal`, which asks `leaving` and `placement`), `repair` who is restarted or replaced, `rehearsal` whether that holds in any order, `growth` who comes for pods that wait, `steps` in which order, `blockers`, `brakes`,
//! `outages`, `forecast` and `summary` what to say about it. `verify` decides nothing by any of that: it checks a
//! finished plan by readings of its own.

mod arrival;
mod astray;
mod basis;
mod behind;
mod binding;
mod blockers;
mod bounds;
mod brakes;
mod budgets;
mod by_hand;
mod candidates;
mod check;
mod course;
mod creating;
mod decide;
mod difference;
mod document;
mod drift;
mod elsewhere;
mod expect;
mod explain;
mod explain_headroom;
mod fitting;
mod forecast;
mod frozen;
mod growth;
mod leaks;
pub mod leaving;
mod limits;
mod long_parked;
mod members;
mod missed;
mod next_node;
mod node_rules;
mod notes;
mod outages;
mod patience;
mod pool_decision;
mod prices;
mod quota;
mod reason;
mod rehearsal;
mod removal;
mod repair;
mod request;
mod running;
mod seal;
mod sleeping;
mod spread;
mod status;
mod steps;
mod summary;
mod unclaimed;
mod unknown;
mod unready;
mod utilisation;
mod verify;
mod wakes;
mod webhooks;

pub use basis::{INCOMPLETE, NOT_LISTED};
pub use blockers::needed;
pub use brakes::{Left, OTHER_CLOUD, OTHER_CLUSTER};
pub use budgets::{Allowances, Bound, Closed, Root, Say, root};
pub use by_hand::{Asleep, Word, can_be_awake, emptied};
pub use check::{CheckLevel, CheckRule, Checked, Condition, Finding, PlanRules, WeekDay, check};
pub use creating::Creation;
pub use decide::{FORMAT_VERSION, plan, plan_for, unknown_targets};
pub use difference::{
    Deed, Difference, NodeDifference, PoolDifference, PoolSide, Side, SpanDifference, Wanted, difference,
};
pub use document::{
    AskedByHand, Blocker, CostLine, FileRef, Kept, NextChange, Outage, Plan, PlanCost, PodAction, PodMove, PolicyRef,
    PoolPlan, Precondition, Refusal, SnapshotRef, Step, StepCost, Summary, Unclaimed, Verb, Verdict,
};
pub use drift::{Drift, DriftCause, LastApplied, NodeDrift, PoolDrift, drift};
pub use elsewhere::NodeAnswer;
pub use expect::{
    Amount, At, ExpectCost, ExpectNext, ExpectNode, ExpectPods, ExpectPool, ExpectSteps, Expected, Given, GivenFiles,
    GivenMemory, GivenNode, GivenPool, Mismatch, PolicyTest, PolicyTests, TestOutcome, TestResult, Tested, TestsKind,
    TestsVersion, judge,
};
pub use explain::{Explained, Explanation, PodAnswer, ServerBehind, explain_node, explain_pool};
pub use explain_headroom::{HeadroomExplanation, PoolHeadroom, explain_headroom};
pub use fitting::{
    Asks, Fitting, Help, HelpKind, Leaving, Nominee, PodExplanation, PodVerdict, Promise, SchedulerWords, Scored,
    explain_pod,
};
pub use frozen::forbidden;
pub use growth::{HeadroomPlan, HeadroomUnits, Outlook, Waiting, WaitingPod};
pub use leaks::{Leak, LeakKind, leaks};
pub use long_parked::since as parked_too_long;
pub use members::{Inventory, Member, State, natural};
pub use missed::missed;
pub use node_rules::hold;
pub use pool_decision::{AUTO_LEAD, wake_lead};
pub use reason::{Code, Evidence, Reason};
pub use removal::{Mover, Removals};
pub use request::Request;
pub use status::{NodeStatus, StatusReport, status};
pub use steps::{Rounds, at_once, verb_name};
pub use unknown::needed as needed_kinds;
pub use utilisation::{Utilisation, stays_behind};
pub use verify::{Rule, Verified, Violation, otherwise, verify};

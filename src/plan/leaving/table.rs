//! The order of the rules, and what they are asked.

use jiff::{SignedDuration, Timestamp};

use super::{kubectl, marks, ownership, pod_rules, storage};
use crate::model::{Name, Pod, World};
use crate::plan::Reason;
use crate::policy::Drain;

/// What a rule says of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may be evicted.
    Goes,
    /// It is no obstacle and is not evicted: it goes with the node, comes with every node, or is gone already.
    Stays(&'static str),
    /// It is waited for, at most so long.
    Waits(Option<SignedDuration>, Reason),
    /// The node stays.
    Blocks(Reason),
}

/// Switches of the rules. The defaults are Tidegate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Owners are looked up in the snapshot, and one that is missing blocks.
    pub controllers_listed: bool,
    /// Only the built-in kinds of controllers count as one that recreates pods.
    pub builtin_controllers_only: bool,
    /// A controller that wants fewer replicas than this blocks.
    pub min_replicas: u32,
    /// A kube-system pod without a budget may go when it is older than this.
    pub system_age: SignedDuration,
    /// DaemonSet pods that do not say otherwise are evicted with the others, as Cluster Autoscaler may be told to.
    pub evict_daemonsets: bool,
    /// `kubectl drain --force`.
    pub force: bool,
    /// `kubectl drain --ignore-daemonsets`.
    pub ignore_daemonsets: bool,
    /// `kubectl drain --delete-emptydir-data`.
    pub delete_emptydir_data: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            controllers_listed: false,
            builtin_controllers_only: false,
            min_replicas: 0,
            system_age: SignedDuration::from_hours(1),
            evict_daemonsets: false,
            force: false,
            ignore_daemonsets: false,
            delete_emptydir_data: false,
        }
    }
}

/// What the rules are asked about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Everything else.
    pub world: &'a World,
    /// The policy's `drain`.
    pub drain: &'a Drain,
    /// The time.
    pub now: Timestamp,
    /// Protections that a relaxed window lets us ignore, by key.
    pub relaxed: &'a [Name],
    /// Switches.
    pub settings: Settings,
}

/// A rule: None if it does not speak.
pub type Rule = for<'a> fn(&Asked<'a>) -> Option<Ruling>;

/// Named rules in their order.
#[derive(Clone, Copy)]
pub struct Table(pub &'static [(&'static str, Rule)]);

impl Table {
    /// The order of the design: what cannot be disturbed at all, marks, the policy's entries, what always may go,
    /// then ownership and storage. Budgets and other homes follow, over all pods together, in the planner.
    pub const TIDEGATE: Self = Self(&[
        ("mirror", pod_rules::mirror),
        ("longterminating", pod_rules::long_terminating),
        ("terminal", pod_rules::over),
        ("donotdisrupt", marks::do_not_disrupt),
        ("policy", marks::policy_entry),
        ("controller", ownership::controller_there),
        ("daemonset", pod_rules::daemon),
        ("longgrace", pod_rules::long_grace),
        ("safetoevict", marks::safe_to_evict),
        ("job", ownership::job),
        ("oncompletion", marks::on_completion),
        ("replicated", ownership::replicated),
        ("localstorage", storage::local_storage),
        ("system", ownership::system),
        ("default", pod_rules::goes),
    ]);

    /// The order of Cluster Autoscaler's default rules.
    pub const CLUSTER_AUTOSCALER: Self = Self(&[
        ("mirror", pod_rules::mirror),
        ("longterminating", pod_rules::long_terminating),
        ("replicacount", ownership::replica_count),
        ("daemonset", pod_rules::daemon),
        ("safetoevict", marks::safe_to_evict),
        ("terminal", pod_rules::finished),
        ("oncompletion", marks::on_completion),
        ("replicated", ownership::replicated),
        ("system", ownership::system_first),
        ("notsafetoevict", marks::not_safe_to_evict),
        ("localstorage", storage::local_storage),
        ("pdb", pod_rules::budget),
    ]);

    /// The order of `kubectl drain`.
    pub const KUBECTL: Self = Self(&[
        ("mirror", pod_rules::mirror),
        ("terminal", kubectl::finished),
        ("daemonset", kubectl::daemon),
        ("localstorage", kubectl::empty_dir),
        ("replicated", kubectl::replicated),
        ("default", pod_rules::goes),
    ]);

    /// The first rule that speaks, with its name.
    pub fn first(&self, asked: &Asked<'_>) -> Option<(&'static str, Ruling)> {
        self.0.iter().find_map(|(name, rule)| rule(asked).map(|ruling| (*name, ruling)))
    }

    /// What the rule called `name` alone says.
    pub fn only(&self, name: &str, asked: &Asked<'_>) -> Option<Ruling> {
        self.0.iter().find(|(rule, _)| *rule == name).and_then(|(_, rule)| rule(asked))
    }
}

/// Whether the pod may leave by Tidegate's own table. Budgets and other homes are not looked at here.
pub fn may_leave(asked: &Asked<'_>) -> Ruling {
    Table::TIDEGATE.first(asked).map_or(Ruling::Goes, |(_, ruling)| ruling)
}

//! What people asked for by hand, beside the policy, until it expires.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Memory, Name, Target};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wish {
    /// Parked.
    Parked,
    /// Awake; of a pool at least so many nodes.
    Awake(u32),
    /// Empty and cordoned, its server runs. Of a node only.
    Drained,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parked => "parked",
            Self::Awake(_) => "awake",
            Self::Drained => "drained",
        })
    }
}

/// One request, and who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByHand {
    /// For what.
    pub target: Target,
    /// What.
    pub wish: Wish,
    /// Since when.
    pub since: Timestamp,
    /// It counts before this instant; without one until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why; empty if nobody said.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub reason: Name,
    /// Who, `user@host`.
    pub author: Name,
}

impl ByHand {
    /// Whether it counts at `now`.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// `drained by hand by ann@desk: new disk`.
    pub fn words(&self) -> String {
        let reason = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{} by hand by {}{reason}", self.wish, self.author)
    }
}

impl Memory {
    /// Takes a request in. It takes the place of an earlier one for the same object; one for a pool also of those for its
    /// nodes, for whoever speaks of all of them means all.
    pub fn ask(&mut self, asked: ByHand, nodes: &BTreeSet<Name>) {
        self.release(&asked.target, nodes);
        self.by_hand.push(asked);
        self.by_hand.sort_by(|a, b| a.target.cmp(&b.target));
    }

    /// Takes back what was asked for `target`, and for its `nodes` where it is a pool. What it was.
    pub fn release(&mut self, target: &Target, nodes: &BTreeSet<Name>) -> Vec<ByHand> {
        let of_it = |entry: &ByHand| match &entry.target {
            Target::Node(name) if matches!(target, Target::Pool(_)) => nodes.contains(name),
            other => other == target,
        };
        let (gone, left) = std::mem::take(&mut self.by_hand).into_iter().partition(of_it);
        self.by_hand = left;
        gone
    }

    /// Why a node is to be drained, if a person asked for that.
    pub fn drained(&self, node: &str, now: Timestamp) -> Option<&ByHand> {
        let of_it = |entry: &&ByHand| matches!(&entry.target, Target::Node(name) if **name == *node);
        self.by_hand.iter().filter(of_it).find(|entry| entry.wish == Wish::Drained && entry.counts(now))
    }
}

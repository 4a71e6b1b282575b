//! What people asked for by hand, beside the policy, until it expires.

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
    /// Takes a request in. It takes the place of an earlier one for the same object; what was asked for a node by name
    /// stands beside what is asked for its pool.
    pub fn ask(&mut self, asked: ByHand) {
        self.release(&asked.target);
        self.by_hand.push(asked);
        self.by_hand.sort_by(|a, b| a.target.cmp(&b.target));
    }

    /// What counts for exactly this object.
    pub fn asked(&self, target: &Target, now: Timestamp) -> Option<&ByHand> {
        self.by_hand.iter().find(|entry| entry.target == *target && entry.counts(now))
    }

    /// Takes back what was asked for `target`. What it was.
    pub fn release(&mut self, target: &Target) -> Vec<ByHand> {
        let (gone, left) = std::mem::take(&mut self.by_hand).into_iter().partition(|entry| entry.target == *target);
        self.by_hand = left;
        gone
    }

    /// Why a node is to be drained, if a person asked for that.
    pub fn drained(&self, node: &str, now: Timestamp) -> Option<&ByHand> {
        let of_it = |entry: &&ByHand| matches!(&entry.target, Target::Node(name) if **name == *node);
        self.by_hand.iter().filter(of_it).find(|entry| entry.wish == Wish::Drained && entry.counts(now))
    }
}

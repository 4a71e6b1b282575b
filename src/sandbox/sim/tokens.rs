//! Bootstrap tokens: a server that was made with one joins only while it is good.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::latency::uid;
use super::state::Sim;
use crate::model::{Name, Token};

/// The tokens of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tokens {
    /// Until when the token of a node is good.
    good: BTreeMap<Name, Timestamp>,
    /// Nodes that join by one.
    asked: BTreeSet<Name>,
}

impl Tokens {
    /// Whether there are none, and nobody needs one.
    pub(super) fn is_empty(&self) -> bool {
        self.good.is_empty() && self.asked.is_empty()
    }

    /// Notes whether a server that is made joins by a token.
    pub(super) fn expect(&mut self, node: &Name, by_token: bool) {
        match by_token {
            true => self.asked.insert(node.clone()),
            false => self.asked.remove(node),
        };
    }

    /// Whether a node is let in at `now`.
    pub(super) fn let_in(&self, node: &Name, now: Timestamp) -> bool {
        !self.asked.contains(node) || self.good.get(node).is_some_and(|until| now < *until)
    }
}

impl Sim {
    /// Makes the bootstrap token of a node, or has it last longer. The same for the same node, so that what a simulation
    /// tells stays the same.
    pub fn mint_token(&mut self, node: &Name, until: Timestamp) -> Token {
        self.tokens.good.insert(node.clone(), until);
        let digits: String = uid(&["token", node]).chars().filter(char::is_ascii_alphanumeric).collect();
        Token::new(digits.get(..6).unwrap_or_default(), digits.get(6..22).unwrap_or_default())
    }

    /// Takes it back.
    pub fn revoke_token(&mut self, node: &Name) {
        self.tokens.good.remove(node);
    }

    /// The nodes that have a token now, with its end.
    pub fn tokens(&self) -> BTreeMap<Name, Timestamp> {
        self.tokens.good.clone()
    }
}

//! Label selectors as Kubernetes reads them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Name;

/// How a requirement compares. `Gt` and `Lt` exist for node affinity only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// One of the values.
    In,
    /// None of the values, or no such label.
    NotIn,
    /// The label is there.
    Exists,
    /// It is not.
    DoesNotExist,
    /// An integer above the one given.
    Gt,
    /// An integer below it.
    Lt,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// The label's key.
    pub key: Name,
    /// How to compare.
    pub operator: Operator,
    /// What with: any number for In and NotIn, none for the existence operators, one integer for Gt and Lt.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<Name>,
}

impl Requirement {
    /// Whether `labels` meet this. A Gt or Lt whose side is not an integer is not met.
    pub fn matches(&self, labels: &BTreeMap<Name, Name>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.contains(v)),
            Operator::NotIn => value.is_none_or(|v| !self.values.contains(v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt | Operator::Lt => {
                let parsed = |s: &Name| s.parse::<i64>().ok();
                let (Some(have), Some(bound)) = (value.and_then(parsed), self.values.first().and_then(parsed)) else {
                    return false;
                };
                if self.operator == Operator::Gt { have > bound } else { have < bound }
            }
        }
    }
}

/// All requirements must hold; no requirement matches everything. What an *absent* selector matches is the owner's
/// business (`Option<Selector>`): nothing for a budget in `policy/v1`, for an affinity term and for a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selector {
    /// Sorted, so that equal selectors are equal values.
    pub requirements: BTreeSet<Requirement>,
}

impl Selector {
    /// The first value of In and NotIn that no label can have: longer than 63 characters, or made of others than letters,
    /// digits, `-`, `_` and `.`, the first and last of which are letters or digits.
    pub fn impossible_value(&self) -> Option<&Name> {
        let possible = |value: &Name| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            let ends = [value.as_bytes().first(), value.as_bytes().last()];
            value.len() <= 63
                && value.bytes().all(inner)
                && ends.iter().flatten().all(|end| end.is_ascii_alphanumeric())
        };
        let compared = |one: &&Requirement| matches!(one.operator, Operator::In | Operator::NotIn);
        self.requirements.iter().filter(compared).flat_map(|one| &one.values).find(|value| !possible(value))
    }

    /// Whether `labels` meet every requirement.
    pub fn matches(&self, labels: &BTreeMap<Name, Name>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

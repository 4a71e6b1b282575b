//! What a plan is asked for, beyond policy, world and time.

use std::fmt;
use std::str::FromStr;

use crate::model::Name;

/// A node or a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// `node/N`.
    Node(Name),
    /// `pool/P`.
    Pool(Name),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Pool(name) => write!(f, "pool/{name}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("node", name)) if !name.is_empty() => Ok(Self::Node(name.into())),
            Some(("pool", name)) if !name.is_empty() => Ok(Self::Pool(name.into())),
            _ => Err(format!("`{text}` is not an object: write `node/NAME` or `pool/NAME`")),
        }
    }
}

/// What a plan is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Only these; empty is everything. A narrowed plan says so.
    pub targets: Vec<Target>,
    /// The plan is to be carried out: the snapshot's age counts.
    pub for_apply: bool,
}

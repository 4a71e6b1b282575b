//! What people name: a node or a pool.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Name;

/// A node or a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

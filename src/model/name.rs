//! Names and label sets, shared rather than copied: a cluster repeats the same few thousand strings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An object's name, a label key, a namespace. Cheap to clone.
pub type Name = Arc<str>;

/// A label or annotation set. Cheap to clone; equal sets decoded together share one allocation.
pub type Labels = Arc<BTreeMap<Name, Name>>;

/// A pod's identity while it exists. A recreated StatefulSet pod has the same key and another UID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodKey {
    /// The namespace.
    pub namespace: Name,
    /// The name within it.
    pub name: Name,
}

impl PodKey {
    /// The key of `namespace/name`.
    pub fn new(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// `1 node is`, `2 nodes are`.
pub fn they_are(count: u32, one: &str) -> String {
    format!("{} {}", counted(count, one), if count == 1 { "is" } else { "are" })
}

/// `1 node`, `2 nodes`: a count with its regular English noun.
pub fn counted(count: u32, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

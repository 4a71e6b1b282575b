//! The one converter from Kubernetes JSON to model values, whatever the source.

mod affinity;
mod budget;
mod capacity;
mod disk;
mod meta;
mod node;
mod object;
mod own;
mod pod;
mod requests;
mod selector;
mod service;
mod spec;
mod storage;
mod webhook;
mod workload;

pub use meta::{forges, told};
pub use object::{Read, kind_named, kind_of};
pub use own::About;

use jiff::Timestamp;

use super::intern::Interner;
use crate::model::Name;

/// Turns raw objects into model values. Each method takes one object and fails with a sentence that says what in it
/// cannot be read; the caller knows which object that was.
#[derive(Debug, Default)]
pub struct Converter {
    /// Shared copies.
    pub intern: Interner,
    /// The newest moment that any object names as past.
    pub newest: Option<Timestamp>,
    /// UID of the cluster (of its namespace kube-system), as the object just read says it.
    pub cluster: Option<Name>,
}

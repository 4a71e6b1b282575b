//! Kubernetes objects as dumps have them: every field may be missing or null, unknown fields are ignored.
//!
//! Only what conversion reads is named here. No field is required, because dumps are slimmed, trimmed and made by hand;
//! what an object must have is said where it is converted.

mod affinity;
mod budget;
mod capacity;
mod container;
mod meta;
mod node;
mod own;
mod pod;
mod scalar;
mod service;
mod storage;
mod volume;
pub mod webhook;
mod workload;

pub use affinity::{Affinity, NodeSelector, NodeSelectorTerm, PodAffinity, PodAffinityTerm, Spread};
pub use budget::Budget;
pub use capacity::{CsiDriver, StorageCapacity};
pub use container::{Container, ContainerStatus, ResourceNeeds};
pub use meta::{Bare, Header, LabelSelector, Meta, OnNode, OwnerRef, SelectorExpression};
pub use node::Node;
pub use own::{FlavorItem, MemoryItem, QuotaItem, ServerItem, SnapshotItem};
pub use pod::{NamedPart, Pod, PodSpec, PodStatus, Toleration};
pub use scalar::{Map, Scalar};
pub use service::Service;
pub use storage::{Claim, ClaimSpec, CsiNode, Lease, PersistentVolume, StorageClass, VolumeAttachment, VolumeSpec};
pub use volume::{DiskSource, Source, Volume};
pub use webhook::WebhookConfiguration;
pub use workload::{AnySelector, Workload, WorkloadSpec};

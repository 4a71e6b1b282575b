//! Whether a node can have what a pod mounts, by kube-scheduler's rules for volumes (1.37: VolumeRestrictions,
//! NodeVolumeLimits, VolumeBinding, VolumeZone).
//!
//! [`VolumeNeeds`] is what a pod asks of any node, looked up once; [`Volumes`] is what is attached and promised where,
//! and answers for one node. Kinds that were not read are never guessed: the answer is no, with how to get them.

mod binding;
mod needs;
mod node;
mod score;
mod state;
mod storage;
mod topology;
mod unfit;

pub use needs::VolumeNeeds;
pub use state::{Moved, Volumes};
pub use storage::unread_of_classes;
pub use unfit::VolumeUnfit;

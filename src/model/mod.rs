//! The nouns that every stage shares: what a cluster and its cloud look like at one moment, as plain values.
//!
//! Pure: no clock, no IO, no Kubernetes client type. Converters at the edge (`observe`) fill these in.

mod behind;
mod budget;
mod budget_status;
mod by_hand;
mod capacity_type;
mod change;
mod creation;
mod digest;
mod disk;
mod feed;
mod kind;
mod lesson;
mod mark;
mod memory;
mod money;
mod name;
mod node;
mod other_owner;
mod pod;
mod quantity;
mod recreated;
mod resources;
mod selector;
mod server;
mod service;
mod snapshot;
mod spec;
mod stamp;
mod target;
mod version;
mod volume;
mod webhook;
mod workload;
mod world;

pub use behind::Uncertain;
pub use budget::{Budget, BudgetStatus, IntOrPercent, UnhealthyPodEviction};
pub use budget_status::budget_status;
pub use by_hand::{ByHand, Wish};
pub use capacity_type::{CapacityType, offering};
pub use change::Change;
pub use creation::{Created, HOSTNAME, NodeShape, ServerOrder, Token, UserData};
pub use digest::digest;
pub use disk::{Disk, InlineDisk, MIGRATED, Migrated};
pub use feed::Followed;
pub use kind::{Api, KUBECTL, Kind};
pub use lesson::Lesson;
pub use mark::{NodeMark, NodeRecord, keys};
pub use memory::{Applied, DrainFailure, Memory, NodeMemory, PoolMemory, WakeFailure};
pub use money::{Money, PerMille};
pub use name::{Labels, Name, PodKey, counted, they_are};
pub use node::{Condition, ConditionStatus, Node, SUSPENDED, Taint, TaintEffect};
pub use other_owner::{OTHER_OWNERS, OtherOwner, Place, SkipMark};
pub use pod::{Owner, Phase, Pod};
pub use quantity::{parse_bytes, parse_cpu_milli, parse_units, print_bytes, print_bytes_short, print_cpu};
pub use resources::Resources;
pub use selector::{Operator, Requirement, Selector};
pub use server::{Allowance, Flavor, Quota, Server, ServerState, Setback};
pub use service::Service;
pub use snapshot::Snapshot;
pub use spec::{
    Affinity, FieldRequirement, HostPort, NodeTerm, PodSpec, PodTerm, Spread, Toleration, Volume, VolumeSource,
};
pub use stamp::Stamp;
pub use target::Target;
pub use version::skew;
pub use volume::{
    Claim, ClaimSpec, CsiDriver, CsiNode, PersistentVolume, StorageCapacity, StorageClass, VolumeAttachment,
};
pub use webhook::{Webhook, Webhooks};
pub use workload::{RebootLock, Workload, WorkloadKind};
pub use world::World;

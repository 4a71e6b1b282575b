//! From what the files say to the policy that the planner reads, collecting every problem on the way.

mod catalogs;
mod conflicts;
mod context;
mod creation;
mod digest;
mod doubts;
mod drain;
mod hooks;
mod limits;
mod members;
mod merge;
mod money;
mod overlaps;
mod overrides;
mod policy;
mod pools;
mod repair;
mod schedulers;
mod wake;
mod windows;

pub(crate) use digest::hex;
pub(crate) use policy::lower;

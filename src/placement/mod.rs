//! Would the Kubernetes scheduler place this pod on that node, and if not why.
//!
//! Pure. [`Site`] holds the free room of every node and answers for one pod at a time as the default profile of
//! kube-scheduler 1.37 would, short of preemption: a pod that fits only where another is pushed out stays pending.
//! Preferences and soft constraints never block. In doubt it fits less.
//!
//! What is the same for many is worked out once: pods in `class`es, nodes in `kind`s, who may go where as bits; pods
//! that others look at in `counter`s per domain. What differs is asked of the `tile` first, then of the `room`.

mod account;
mod apply;
mod ask;
mod bits;
mod choose;
mod class;
mod company;
mod counter;
mod crowd;
mod diagnosis;
mod index;
mod kind;
mod learn;
mod matcher;
mod node_rules;
mod resources;
mod room;
mod scope;
mod score;
mod site;
mod ties;
mod tile;
mod topology;
mod unfit;
mod volumes;

pub use class::looks_at_pods;
pub use crowd::Crowd;
pub use diagnosis::Diagnosis;
pub use node_rules::{term_matches, tolerated};
pub use room::passes;
pub use score::{Strategy, enough};
pub use site::{Mark, Site};
pub use ties::{Evenly, Ties, Together};
pub use unfit::{Plugin, Unfit};
pub use volumes::{VolumeUnfit, unread_of_classes};

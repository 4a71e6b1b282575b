//! How much the scheduler likes each node that could take a pod: scores of its default plugins, with their weights.
//!
//! For whoever replays the scheduler; the tests against a real one compare these totals. Two things are left out:
//!
//! - Images that are on a node already: up to 100 points of about 900, for pods with large images. A kubelet names at most
//!   50 of its images, and a snapshot leaves them out: they would be most of its size.
//! - A choice of nodes: above 100, the scheduler stops looking once [`enough`] nodes can take the pod, starting where it
//!   ended the last time, and scores those. Where it ended no snapshot tells, so a replay agrees with it up to that.

mod by_class;
mod company;
mod double;
mod logarithm;
mod nodes;
mod ranking;
mod resources;
mod spread;

pub use ranking::{Strategy, enough};
pub use resources::least_allocated;

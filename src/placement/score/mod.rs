//! How much the scheduler likes each node that could take a pod: scores of its default plugins, with their weights.
//!
//! For whoever replays the scheduler. Left out, because a snapshot does not have it: images on nodes, Services (their
//! selectors join the default spread), and that in clusters of 100 nodes and more it scores a sample.

mod by_class;
mod company;
mod double;
mod logarithm;
mod nodes;
mod ranking;
mod resources;
mod spread;

pub use ranking::Strategy;
pub use resources::least_allocated;

//! Would the Kubernetes scheduler place this pod on that node, and if not why.
//!
//! Pure. One question, shaped for size: [`Site`] holds the free room of every node and answers for one pod at a time.
//! Preferences and soft constraints never block. A rule that is not modelled counts as no for a pod that uses it, with
//! that reason; who simulates the scheduler rather than promises a home asks the questions that end in `_modelled`.

mod anti;
mod filter;
mod room;
mod score;
mod site;
mod unfit;
mod volumes;

pub use site::{Mark, Site};
pub use unfit::Unfit;
pub use volumes::VolumeUnfit;

//! Would the Kubernetes scheduler place this pod on that node, and if not why.
//!
//! Pure. One question, shaped for size: [`Site`] holds the free room of every node and answers for one pod at a time.

mod site;
mod unfit;

pub use site::{Mark, Site};
pub use unfit::Unfit;

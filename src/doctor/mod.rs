//! What is missing or in the way before a policy can be relied on in a cluster, each with what to do about it.
//!
//! Pure: [`examine`] reads a policy beside an observation. What has to be asked of servers (may we, does the cloud let us
//! in, do the clocks agree) is found out by whoever asks, as [`Finding`]s too.

mod certificates;
mod company;
mod finding;
mod hub;
mod matching;
mod opening;
mod reboots;

use jiff::Timestamp;

pub use finding::{Checkup, Finding, Level};

use crate::model::World;
use crate::policy::Policy;

/// Everything that can be told from an observation, in the order in which a person would mend it.
pub fn examine(policy: &Policy, world: &World, now: Timestamp) -> Vec<Finding> {
    let mut found = matching::observed(world);
    found.extend(matching::policy(policy, world, now));
    found.extend(matching::servers(policy, world));
    found.extend(company::owners(policy, world));
    found.extend(reboots::reboots(policy, world, now));
    found.extend(certificates::kubelets(policy, world, now));
    found.extend(hub::hub(policy, world));
    found.extend(opening::windows(policy, world, now));
    found
}

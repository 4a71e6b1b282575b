//! The providers of servers, behind one trait.

mod command;
mod fleet;
mod joined;
mod missing;
mod openstack;
mod provider;

pub use command::{Conversation, Programs};
pub use fleet::Fleet;
pub use joined::{Joined, Polling, with_servers};
pub use openstack::{Auth, Config, Leftovers, Openstack, Pace, Surroundings, Trust};
pub use provider::{ParkMode, Provider, ProviderError, Survey};

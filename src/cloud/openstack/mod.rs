//! OpenStack: Keystone for the login, Nova for the servers, spoken with directly. The only room that names `reqwest`.
//!
//! The rules of Nova that it lives by are those of Nova's `compute/api.py` and its API reference; where a cloud may differ
//! (who may offload, how quota is counted) the code says so beside what it does.

mod acts;
mod api;
mod clouds;
mod config;
mod doing;
mod flavors;
mod leftovers;
mod limits;
mod making;
mod pages;
mod ports;
mod servers;
mod session;
mod setback;
mod surroundings;
mod transport;
mod versions;

pub use config::{Auth, Config, Trust};
pub use doing::Openstack;
pub use leftovers::Leftovers;
pub use surroundings::Surroundings;
pub use transport::Pace;

//! A Kubernetes cluster over the network: the only folder that names `kube` and `k8s_openapi`.
//!
//! ```text
//! connect ─► Live ─► observing ─► pages ─┐
//!                  ├► following ─► watch ─┼─► call: one deadline round each, again only what is safe to repeat
//!                  └► reading ────────────┘
//! ```
//!
//! What comes back is read by the one converter of `observe`; no type of the client leaves this folder. `known` sees to
//! it that nothing older than what was seen already passes for news.

mod access;
mod call;
mod client;
mod connect;
mod door;
mod events;
mod evict;
mod following;
mod kinds;
mod known;
mod kubeconfig;
mod lease;
mod login;
mod memory;
mod observing;
mod own_map;
mod pages;
mod patch;
mod pulse;
mod reading;
mod records;
mod suspend;
mod tokens;
mod watch;

pub use access::{Need, Special, needs};
pub use client::Live;
pub use connect::{Connect, ConnectError};
pub use lease::LeaseLocks;

//! A Kubernetes cluster over the network: the only folder that names `kube` and `k8s_openapi`.
//!
//! ```text
//! connect ─► Live ─► call: one deadline round each request, again only what is safe to repeat
//! ```
//!
//! What comes back is read by the one converter of `observe`; no type of the client leaves this folder.

mod call;
mod client;
mod connect;
mod kubeconfig;

pub use client::Live;
pub use connect::{Connect, ConnectError};

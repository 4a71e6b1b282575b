//! The providers of servers, behind one trait.

mod provider;

pub use provider::{ParkMode, Provider, ProviderError};

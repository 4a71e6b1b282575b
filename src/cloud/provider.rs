//! What planning and execution ask of a provider of servers.

use serde::{Deserialize, Serialize};

use crate::cluster::Pending;
use crate::model::{Flavor, Name, PerMille, Server};
use crate::policy::Idle;

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ProviderError {
    /// The server is not there.
    #[error("server {0} is not there")]
    NotFound(String),
    /// The server is in a state that does not allow it, or another task runs (409).
    #[error("server {server} does not allow it now: {why}")]
    WrongState {
        /// Its id.
        server: String,
        /// The provider's words.
        why: String,
    },
    /// No capacity for it: no valid host, quota.
    #[error("no capacity for server {server}: {why}")]
    NoCapacity {
        /// Its id.
        server: String,
        /// The provider's words.
        why: String,
    },
    /// Our credentials do not allow it.
    #[error("not allowed to {0}")]
    Forbidden(String),
    /// This provider does not know how.
    #[error("this provider cannot {0}")]
    Unsupported(String),
    /// No answer; it may be asked again.
    #[error("the provider does not answer: {0}")]
    Unavailable(String),
}

/// A way to keep a server without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkMode {
    /// Which.
    pub idle: Idle,
    /// The share of the price that is usually charged meanwhile; the policy's rates decide.
    pub charged: PerMille,
    /// Addresses stay.
    pub keeps_address: bool,
    /// A host stays reserved, so that the way back cannot fail for want of one.
    pub reserves_capacity: bool,
}

/// A provider of servers. Calls that change something return when the provider accepted them; the outcome is observed.
pub trait Provider {
    /// All servers.
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError>;

    /// One server.
    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError>;

    /// Flavors.
    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError>;

    /// The ways to park.
    fn park_modes(&self) -> Vec<ParkMode>;

    /// Parks a server. Parking a parked one is no error.
    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError>;

    /// Sets one key of a server's metadata, or removes it with None; removing one that is not there is no error. Our record
    /// stands there too, so that it is known who stopped a server whatever becomes of its Node (H23).
    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError>;

    /// Wakes a parked server. Waking a running one is no error.
    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError>;
}

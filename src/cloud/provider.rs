//! What planning and execution ask of a provider of servers.

use serde::{Deserialize, Serialize};

use crate::cluster::Pending;
use crate::model::{Flavor, Name, PerMille, Quota, Server, ServerOrder};
use crate::policy::Idle;

/// Why a provider did not do what it was asked. Each kind is answered differently; the text is the provider's own.
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
    /// Somebody has locked the server: only they, or an administrator, can do anything with it.
    #[error("server {server} is locked, so nothing can be done with it: {why}")]
    Locked {
        /// Its id.
        server: String,
        /// The provider's words.
        why: String,
    },
    /// No host has room for it.
    #[error("no capacity for server {server}: {why}")]
    NoCapacity {
        /// Its id.
        server: String,
        /// The provider's words.
        why: String,
    },
    /// The quota does not allow it.
    #[error("no quota for server {server}: {why}")]
    Quota {
        /// Its id.
        server: String,
        /// The provider's words.
        why: String,
    },
    /// Our credentials do not allow it.
    #[error("not allowed to {0}")]
    Forbidden(String),
    /// This provider does not know how, or not for this server.
    #[error("this provider cannot {0}")]
    Unsupported(String),
    /// It does not let us in. Another try with the same credentials ends the same way.
    #[error("{0}")]
    Login(String),
    /// What says how it is reached is wrong; the text names the file, the entry and what to write.
    #[error("{0}")]
    Setup(String),
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

impl ParkMode {
    /// The ways of OpenStack. The shares are Jetstream2's; other clouds differ, and the policy's rates decide.
    pub fn of_openstack() -> Vec<Self> {
        let mode = |idle, charged, reserves_capacity| Self {
            idle,
            charged: PerMille(charged),
            keeps_address: true,
            reserves_capacity,
        };
        vec![mode(Idle::Shelve, 0, false), mode(Idle::Stop, 500, true), mode(Idle::Suspend, 750, true)]
    }
}

/// Everything that was seen of the servers at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Servers by id.
    pub servers: Vec<Server>,
    /// Flavors by name.
    pub flavors: Vec<Flavor>,
    /// One for each provider that has one.
    pub quotas: Vec<Quota>,
    /// What could not be seen, in words, with the provider's name: what is there is not all then.
    pub gaps: Vec<String>,
}

/// A provider of servers.
///
/// # What one has to keep
///
/// `tests/conformance` asks every provider for this; a new one is not done before it passes.
///
/// - *Accepted is not done.* A call that changes something returns as soon as the provider has accepted it. What becomes of
///   it is read with [`Provider::server`]; nothing is waited for here, because the caller journals, watches many servers at
///   once and has the time limits.
/// - *Asking twice is harmless.* A server that is parked stays parked, one that runs goes on running, and a task that leads
///   where it is wanted is left alone: all three are `Ok`. A task that leads elsewhere is [`ProviderError::WrongState`],
///   upon which the caller looks what comes of it.
/// - *Deeper is allowed, shallower is not.* `park` with `shelve` on a stopped or suspended server shelves it; `park` with
///   `stop` on a shelved one leaves it as it is.
/// - *Half-way is finished.* Where parking has two halves and only the first was done (OpenStack: SHELVED, not offloaded),
///   `park` asks for the second, and says [`ProviderError::Forbidden`] if that is not ours to ask.
/// - *One server, one word.* [`Server::state`] is OpenStack's word for what the provider calls its own; `task` is set while
///   the provider works on it, and nothing else; a state that has no word is `Unknown`, never a guess. `id` is the last part
///   of the Node's `spec.providerID`, and `provider` the policy's name, not the cloud's.
/// - *Failure is told with the server.* What an accepted call came to nothing of stands in `fault`, in the provider's words,
///   and in `setback`, as long as the server is at rest and nothing else was asked since.
/// - *List and look agree.* What [`Provider::servers`] says of a server, [`Provider::server`] says too, as of the same moment.
/// - *Gone is None*, from [`Provider::server`], and [`ProviderError::NotFound`] from what would change it.
/// - *All or an error.* A list is whole; a page that cannot be had makes the call fail.
/// - *Every call ends*, within the provider's own deadline, and may be dropped half-way. Only what is safe to repeat is
///   repeated inside.
/// - *No secret* stands in any error, fault or `Debug`.
pub trait Provider {
    /// All servers of ours, in the order of their ids.
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError>;

    /// One server; None if it is not there.
    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError>;

    /// Flavors, in the order of their names.
    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError>;

    /// What may be used in all; None where there is no such thing.
    fn quota(&self) -> Pending<'_, Option<Quota>, ProviderError> {
        Box::pin(async { Ok(None) })
    }

    /// Servers, flavors and quota at once. What cannot be had is a gap; the rest is told all the same. A provider need not
    /// write its own.
    fn survey(&self) -> Pending<'_, Survey, std::convert::Infallible> {
        Box::pin(async move {
            let (servers, flavors, quota) = futures::join!(self.servers(), self.flavors(), self.quota());
            let mut survey = Survey::default();
            let gaps = &mut survey.gaps;
            let mut gap = |what: &str, error: ProviderError| gaps.push(format!("{what} are not known: {error}"));
            survey.servers = servers.unwrap_or_else(|error| {
                gap("servers", error);
                Vec::new()
            });
            survey.flavors = flavors.unwrap_or_else(|error| {
                gap("flavors", error);
                Vec::new()
            });
            // Nothing is held back for want of a quota that is not known: the wake itself will say.
            survey.quotas = quota.ok().flatten().into_iter().collect();
            Ok(survey)
        })
    }

    /// The ways to park.
    fn park_modes(&self) -> Vec<ParkMode>;

    /// Parks a server: `Ok` once it is accepted, or needs nothing.
    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError>;

    /// Sets one key of a server's metadata, or removes it with None; removing one that is not there is no error. Keys have at
    /// most 255 letters, digits, `-`, `_` and `.`, values at most 255 characters. Our record stands there too, so that it is
    /// known who stopped a server whatever becomes of its Node (H23). A provider that keeps none says
    /// [`ProviderError::Unsupported`]; one that takes none in this state, [`ProviderError::WrongState`].
    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError>;

    /// Has a server made and gives its id: `Ok` once it is accepted. Asked for twice it is made once: a server of that name
    /// that carries the mark of the same cluster and pool is that server; another one is [`ProviderError::WrongState`].
    fn create(&self, order: &ServerOrder) -> Pending<'_, Name, ProviderError> {
        let name = order.name.clone();
        Box::pin(async move { Err(ProviderError::Unsupported(format!("make server {name}"))) })
    }

    /// Destroys a server: `Ok` once it is accepted, or under way.
    fn delete(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { Err(ProviderError::Unsupported(format!("delete server {id}"))) })
    }

    /// Wakes a parked server: `Ok` once it is accepted, or needs nothing.
    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError>;
}

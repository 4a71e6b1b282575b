//! The machines behind the nodes, as their provider reports them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Name, Resources};

/// A server's state, in OpenStack's words; other providers are translated into these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerState {
    /// Being made.
    Build,
    /// Running.
    Active,
    /// Stopped, on its host.
    Shutoff,
    /// Memory on disk, on its host.
    Suspended,
    /// Memory kept, no processor.
    Paused,
    /// Kept as an image, its host not yet free.
    Shelved,
    /// Kept as an image, without a host.
    ShelvedOffloaded,
    /// The provider gave up.
    Error,
    /// Gone, and still listed.
    Deleted,
    /// Another state of the provider.
    #[default]
    Unknown,
}

impl ServerState {
    /// Kept but not running.
    pub fn parked(self) -> bool {
        matches!(self, Self::Shutoff | Self::Suspended | Self::Paused | Self::Shelved | Self::ShelvedOffloaded)
    }
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build => "BUILD",
            Self::Active => "ACTIVE",
            Self::Shutoff => "SHUTOFF",
            Self::Suspended => "SUSPENDED",
            Self::Paused => "PAUSED",
            Self::Shelved => "SHELVED",
            Self::ShelvedOffloaded => "SHELVED_OFFLOADED",
            Self::Error => "ERROR",
            Self::Deleted => "DELETED",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// What kind of failure ended the last attempt to park or wake a server: it decides who is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Setback {
    /// No host had room for it: others of its size will fare the same.
    NoHost,
    /// The quota does not allow it: others will fare the same.
    Quota,
    /// The image that it was shelved into is gone: it alone cannot come back.
    NoImage,
    /// Its disk could not be saved, so that it was not shelved.
    Snapshot,
    /// Something else.
    Other,
}

impl Setback {
    /// Whether it says something of this server alone, and nothing of others of its pool.
    pub fn own(self) -> bool {
        matches!(self, Self::NoImage | Self::Snapshot)
    }
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The provider's id.
    pub id: Name,
    /// Its name there; by habit the node's.
    pub name: Name,
    /// The policy's name for the provider; empty where a dump does not say.
    pub provider: Name,
    /// Its state.
    pub state: ServerState,
    /// The provider is working on it (`task_state`): `shelving`, `powering-off`, …
    pub task: Option<Name>,
    /// Its flavor's name.
    pub flavor: Name,
    /// Its availability zone.
    pub zone: Option<Name>,
    /// The node it carries, if that is known otherwise than by name or providerID.
    pub node: Option<Name>,
    /// Since when it is in this state, if the provider says.
    pub since: Option<Timestamp>,
    /// The provider's own metadata, ours among it.
    pub metadata: BTreeMap<Name, Name>,
    /// It has a floating or elastic address.
    pub floating_address: bool,
    /// What the provider says went wrong.
    pub fault: Option<Name>,
    /// Which kind of failure that was, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setback: Option<Setback>,
    /// Verbs (`shelve`, `stop`, `suspend`, `wake`) that it does not allow, each with the cause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cannot: BTreeMap<Name, Name>,
    /// Ids of the volumes that the provider has attached to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<Name>,
    /// Guessed from the Node because the dump has no servers.
    #[serde(default)]
    pub inferred: bool,
}

impl Server {
    /// Where its task leads, if that takes it away: its state when the provider is done.
    pub fn going(&self) -> Option<ServerState> {
        match self.task.as_deref()? {
            "powering-off" => Some(ServerState::Shutoff),
            "suspending" => Some(ServerState::Suspended),
            "deleting" => Some(ServerState::Deleted),
            task if task.starts_with("shelving") => Some(ServerState::ShelvedOffloaded),
            _ => None,
        }
    }

    /// The node it carries: the one it is linked with, or by habit the one of its name.
    pub fn carries(&self) -> &Name {
        self.node.as_ref().unwrap_or(&self.name)
    }
}

/// A size of server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flavor {
    /// Its name.
    pub name: Name,
    /// The policy's name for the provider; empty where a dump does not say.
    pub provider: Name,
    /// What the machine has.
    pub capacity: Resources,
}

/// Of one resource: how much may be used, and how much is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allowance {
    /// None is without limit.
    pub most: Option<i64>,
    /// What the provider counts as used. Whether parked servers are in it differs from cloud to cloud.
    pub used: i64,
}

impl Allowance {
    /// How much more there may be; None is without limit.
    pub fn left(self) -> Option<i64> {
        self.most.map(|most| most.saturating_sub(self.used).max(0))
    }
}

/// What a provider allows in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// The policy's name for the provider.
    pub provider: Name,
    /// Millicores.
    pub cpu: Allowance,
    /// Bytes.
    pub memory: Allowance,
    /// Servers.
    pub servers: Allowance,
}

//! What a program is asked and what it answers, as JSON: a public format.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::ProviderError;
use crate::model::{
    Allowance, CapacityType, Flavor, Name, Quota, Resources, Server, ServerOrder, ServerState, Setback, UserData, keys,
};
use crate::policy::Idle;

/// The version of the format.
pub const VERSION: u32 = 1;

/// What a provider's program (`providers: [{command: …}]`) is asked on its standard input, and what it answers on its standard
/// output. It is started anew for each question, side by side too, and may be asked the same again: what is so already is
/// answered like what was done.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for the schema of both")]
pub struct Conversation {
    /// On standard input. `TIDEGATE_VERB`, `TIDEGATE_PROVIDER`, `TIDEGATE_ID`, `TIDEGATE_NAME`, `TIDEGATE_FLAVOR`,
    /// `TIDEGATE_ZONE` and `TIDEGATE_CAPACITY_TYPE` say the same in the environment, where there is such a thing; user data stands here only.
    question: Question,
    /// On standard output, nothing else. A change may be answered with nothing at all: then it was accepted.
    answer: Answer,
}

/// One question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The version of this format, 1.
    pub version: u32,
    /// The policy's name for the provider.
    pub provider: String,
    /// What is asked.
    #[serde(flatten)]
    pub asked: Asked,
}

/// What is asked, by its verb.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "camelCase")]
pub enum Asked {
    /// Tell of all servers, flavors and the quota: `servers`, `flavors`, `quota`.
    List,
    /// Tell of one server: `server`, or nothing where it is not there.
    Get {
        /// Its id.
        id: String,
    },
    /// Park a server, deeper than it is if need be, never less deep.
    Park {
        /// Its id.
        id: String,
        /// How: one of the policy's `parks`.
        how: Idle,
    },
    /// Wake a parked server.
    Wake {
        /// Its id.
        id: String,
    },
    /// Make a server and have its node join: `id`, which is its name where nothing is answered. Asked for again by the same
    /// name it is made once.
    Create {
        /// What is to be made.
        order: Box<Order>,
    },
    /// Destroy a server; its Node is deleted by Tidegate.
    Delete {
        /// Its id.
        id: String,
    },
    /// Keep a value with a server, to be told again in its `metadata`.
    SetMetadata {
        /// Its id.
        id: String,
        /// The key.
        key: String,
        /// The value; `null` removes it.
        value: Option<String>,
    },
}

impl Asked {
    /// Its verb, the id of the server that it is about, and what it says of one that is to be made.
    pub fn facts(&self) -> (&'static str, Option<&str>, Option<&Order>) {
        match self {
            Self::List => ("list", None, None),
            Self::Get { id } => ("get", Some(id), None),
            Self::Park { id, .. } => ("park", Some(id), None),
            Self::Wake { id } => ("wake", Some(id), None),
            Self::Create { order } => ("create", None, Some(order)),
            Self::Delete { id } => ("delete", Some(id), None),
            Self::SetMetadata { id, .. } => ("setMetadata", Some(id), None),
        }
    }

    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::List | Self::Get { .. })
    }
}

/// A server that is to be made.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its name, and its node's.
    pub name: String,
    /// Its flavor.
    pub flavor: String,
    /// Its zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How it is to be bought: a program that cannot do that refuses.
    pub capacity_type: CapacityType,
    /// Its image.
    pub image: String,
    /// Its networks.
    pub networks: Vec<String>,
    /// The key pair that may log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pair: Option<String>,
    /// Its security groups.
    pub security_groups: Vec<String>,
    /// What it runs at its first boot. It may hold secrets: it is to be written nowhere that others can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// Bytes of a volume that it boots from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_volume_bytes: Option<i64>,
    /// The group of servers that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_group: Option<String>,
    /// To be told again in the server's `metadata`: by it Tidegate knows what it made, and only that is deleted.
    pub metadata: BTreeMap<String, String>,
    /// Labels that its node is expected to have.
    pub labels: BTreeMap<String, String>,
    /// Taints that its node is expected to have, `key=value:Effect`.
    pub taints: Vec<String>,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Order({} {})", self.name, self.flavor)
    }
}

impl Order {
    /// The same for a program.
    pub fn of(order: &ServerOrder) -> Self {
        let texts = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let text = |name: &Option<Name>| name.as_ref().map(ToString::to_string);
        Self {
            name: order.name.to_string(),
            flavor: order.flavor.to_string(),
            zone: text(&order.zone),
            capacity_type: order.capacity_type,
            image: order.image.to_string(),
            networks: texts(&order.networks),
            key_pair: text(&order.key_pair),
            security_groups: texts(&order.security_groups),
            user_data: order.user_data.as_ref().map(UserData::text).map(str::to_owned),
            boot_volume_bytes: order.boot_volume,
            server_group: text(&order.server_group),
            metadata: [(keys::CREATED.into(), order.created.to_metadata())]
                .into_iter()
                .chain(order.capacity_type.metadata())
                .map(|(key, value): (Name, Name)| (key.to_string(), value.to_string()))
                .collect(),
            labels: order.node.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            taints: order.node.taints.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// To `list`: every server, required there.
    pub servers: Option<Vec<Told>>,
    /// To `list`: what servers may be made of.
    pub flavors: Vec<ToldFlavor>,
    /// To `list`: what may be used in all; absent where there is no such thing.
    pub quota: Option<ToldQuota>,
    /// To `get`.
    pub server: Option<Told>,
    /// To `create`: the id of the server that was made, or was there already.
    pub id: Option<String>,
    /// To everything: why it was not done.
    pub error: Option<ToldError>,
}

/// A server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    /// Its id: the last part of its Node's `spec.providerID`, or its name.
    pub id: String,
    /// Its name, by habit its node's.
    pub name: String,
    /// Its state.
    pub state: ServerState,
    /// What is being done with it, such as `spawning`, `deleting`, `shelving`, `powering-off`; absent while it is at rest.
    #[serde(default)]
    pub task: Option<String>,
    /// Its flavor.
    #[serde(default)]
    pub flavor: String,
    /// Its zone.
    #[serde(default)]
    pub zone: Option<String>,
    /// Its node, if that has another name.
    #[serde(default)]
    pub node: Option<String>,
    /// Since when it is in this state.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What was kept with it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Traffic from outside comes in by it.
    #[serde(default)]
    pub floating_address: bool,
    /// What went wrong with what was accepted last, in words.
    #[serde(default)]
    pub fault: Option<String>,
    /// Which kind of failure that was.
    #[serde(default)]
    pub setback: Option<Setback>,
    /// Verbs (`shelve`, `stop`, `suspend`, `wake`) that it does not allow, each with the cause.
    #[serde(default)]
    pub cannot: BTreeMap<String, String>,
    /// Ids of the volumes that are attached to it.
    #[serde(default)]
    pub volumes: BTreeSet<String>,
}

/// A size of server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToldFlavor {
    /// Its name.
    pub name: String,
    /// Millicores.
    pub milli_cpu: i64,
    /// Bytes.
    pub memory_bytes: i64,
    /// Bytes of the local disk.
    #[serde(default)]
    pub disk_bytes: i64,
    /// Other resources by name, such as `nvidia.com/gpu`.
    #[serde(default)]
    pub others: BTreeMap<String, i64>,
}

/// What may be used in all.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ToldQuota {
    /// Millicores.
    pub milli_cpu: ToldAllowance,
    /// Bytes.
    pub memory_bytes: ToldAllowance,
    /// Servers.
    pub servers: ToldAllowance,
}

/// Of one resource.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ToldAllowance {
    /// How much there may be; absent is without limit.
    pub most: Option<i64>,
    /// How much there is.
    pub used: i64,
}

/// Why something was not done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToldError {
    /// What kind.
    pub kind: Trouble,
    /// In words, for a person: no secrets.
    pub message: String,
}

/// What kind of trouble it is: each is answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The server is not there.
    NotFound,
    /// The server is in a state that does not allow it, or another task runs: what comes of that is looked at.
    WrongState,
    /// Somebody has locked the server.
    Locked,
    /// No host has room for it: another flavor is tried.
    NoCapacity,
    /// The quota does not allow it: another flavor is tried.
    Quota,
    /// It is not allowed to the program.
    Forbidden,
    /// The program does not know how.
    Unsupported,
    /// It failed, and would fail again: it is tried later.
    Failed,
    /// Nobody answers now: it is asked again within seconds.
    Unavailable,
}

impl ToldError {
    /// The same of `server`.
    pub fn meaning(self, server: &str) -> ProviderError {
        let (server, why) = (server.to_owned(), self.message);
        match self.kind {
            Trouble::NotFound => ProviderError::NotFound(server),
            Trouble::WrongState => ProviderError::WrongState { server, why },
            Trouble::Locked => ProviderError::Locked { server, why },
            Trouble::NoCapacity => ProviderError::NoCapacity { server, why },
            Trouble::Quota => ProviderError::Quota { server, why },
            Trouble::Forbidden => ProviderError::Forbidden(why),
            Trouble::Unsupported => ProviderError::Unsupported(why),
            Trouble::Failed => ProviderError::Setup(why),
            Trouble::Unavailable => ProviderError::Unavailable(why),
        }
    }
}

fn names(texts: BTreeMap<String, String>) -> BTreeMap<Name, Name> {
    texts.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

impl Told {
    /// The server that is told of.
    pub fn server(self, provider: &Name) -> Server {
        let name = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Name::from);
        Server {
            id: self.id.into(),
            name: self.name.into(),
            provider: provider.clone(),
            state: self.state,
            task: name(self.task),
            flavor: self.flavor.into(),
            zone: name(self.zone),
            node: name(self.node),
            since: self.since,
            metadata: names(self.metadata),
            floating_address: self.floating_address,
            fault: name(self.fault),
            setback: self.setback,
            cannot: names(self.cannot),
            volumes: self.volumes.into_iter().map(Name::from).collect(),
            inferred: false,
        }
    }
}

impl ToldFlavor {
    /// The flavor that is told of.
    pub fn flavor(self, provider: &Name) -> Flavor {
        let capacity = Resources {
            cpu: self.milli_cpu.max(0),
            memory: self.memory_bytes.max(0),
            ephemeral_storage: self.disk_bytes.max(0),
            extended: self.others.into_iter().map(|(name, amount)| (name.into(), amount.max(0))).collect(),
            ..Resources::default()
        };
        Flavor { name: self.name.into(), provider: provider.clone(), capacity }
    }
}

impl ToldQuota {
    /// The quota that is told of.
    pub fn quota(self, provider: &Name) -> Quota {
        let of = |told: ToldAllowance| Allowance { most: told.most, used: told.used };
        Quota {
            provider: provider.clone(),
            cpu: of(self.milli_cpu),
            memory: of(self.memory_bytes),
            servers: of(self.servers),
        }
    }
}

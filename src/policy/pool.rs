//! Pools: nodes that are interchangeable for scaling.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Catalog, Exception, Origin, Repair, Window};
use crate::model::{CapacityType, IntOrPercent, Name, Requirement, Resources, Selector, Taint};

/// A node name, with `{2..10}` (numbers, leading zeros kept: `{01..10}`) and `*` (any run of characters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamePattern {
    /// As written.
    pub text: Name,
    /// Where it stands.
    pub origin: Origin,
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which nodes belong to a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Members {
    /// By name.
    Names(Vec<NamePattern>),
    /// By label.
    Labels(Selector),
}

/// What happens to a node that is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// Kept without a host: coming back needs a free one.
    Shelve,
    /// Kept on its host.
    Stop,
    /// Kept on its host, memory on disk.
    Suspend,
    /// Destroyed, with its Node: what Tidegate made, or what the pool adopts.
    Delete,
}

impl Idle {
    /// The provider's verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Shelve => "shelve",
            Self::Stop => "stop",
            Self::Suspend => "suspend",
            Self::Delete => "delete",
        }
    }

    /// The provider's verb for the way back.
    pub fn wake_verb(self) -> &'static str {
        match self {
            Self::Shelve => "unshelve",
            Self::Stop => "start",
            Self::Suspend => "resume",
            Self::Delete => "create",
        }
    }
}

/// So many pieces of spare capacity of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeadroomUnit {
    /// The size of one.
    pub size: Resources,
    /// How many.
    pub count: u32,
}

/// Spare capacity kept for pods that do not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Headroom {
    /// A share of what is requested, in thousandths.
    pub automatic: Option<u32>,
    /// Pieces by size.
    pub units: Vec<HeadroomUnit>,
    /// What is missing for so long is refilled; None is 5 min.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill_after: Option<SignedDuration>,
}

impl Headroom {
    /// How long units are missing before something is brought for them.
    pub fn refill_after(&self) -> SignedDuration {
        self.refill_after.unwrap_or(SignedDuration::from_mins(5))
    }
}

/// How servers of a pool are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The image, by name or id.
    pub image: Name,
    /// The flavors that may be had, the preferred one first; prices decide before that.
    pub flavors: Vec<Name>,
    /// What it draws from instead, with only what meets all that the policy says; [`Template::flavors`] is then what the
    /// policy names of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Arc<Catalog>>,
    /// How servers of the catalog are bought, the preferred way first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_types: Vec<CapacityType>,
    /// What the catalog's flavors have to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// The availability zones, the preferred one first; none leaves it to the provider.
    pub zones: Vec<Name>,
    /// The networks, by name or id; none leaves it to the provider.
    pub networks: Vec<Name>,
    /// The key pair that may log in.
    pub key_pair: Option<Name>,
    /// The security groups; none is the provider's default one.
    pub security_groups: Vec<Name>,
    /// What a server runs at its first boot, before its variables are filled in.
    pub user_data: Option<Name>,
    /// The file beside the policy that it stands in, as the policy names it.
    pub user_data_file: Option<Name>,
    /// Bytes of the volume that it boots from; None boots from the host's disk.
    pub boot_volume: Option<i64>,
    /// The server group, by name or id.
    pub server_group: Option<Name>,
    /// Labels that its node will have.
    pub labels: BTreeMap<Name, Name>,
    /// Taints that its node will have.
    pub taints: BTreeSet<Taint>,
    /// Millicores of the machine that pods cannot ask for.
    pub reserved_cpu: i64,
    /// Bytes of the machine that pods cannot ask for, beside what every kubelet keeps free; None is a twentieth.
    pub reserved_memory: Option<i64>,
    /// Where it stands.
    pub origin: Origin,
}

impl Template {
    /// Whether a server is told a bootstrap token, which is then made for it alone.
    pub fn wants_token(&self) -> bool {
        self.user_data.as_ref().is_some_and(|text| text.contains(&format!("${{{TOKEN}}}")))
    }
}

/// Most bytes of user data, variables filled in: what Nova takes.
pub const MOST_USER_DATA: usize = 49_149;

/// The variable that is filled in where the server is asked for, and nowhere else: it is a secret.
pub const TOKEN: &str = "TIDEGATE_BOOTSTRAP_TOKEN";

/// The variables that user data may have, with what each stands for.
pub const VARIABLES: [(&str, &str); 7] = [
    ("TIDEGATE_NODE", "the name of the server and its node"),
    ("TIDEGATE_POOL", "the pool"),
    ("TIDEGATE_FLAVOR", "the flavor"),
    ("TIDEGATE_ZONE", "the availability zone, empty where the provider chooses"),
    ("TIDEGATE_CLUSTER", "the UID of the cluster, empty where it is not known"),
    ("TIDEGATE_CAPACITY_TYPE", "how it is bought: `on-demand`, `spot` or `reserved`"),
    (TOKEN, "a bootstrap token for this server alone, such as `kubeadm join` takes"),
];

/// A pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: Name,
    /// Its provider's name, None if the policy has no providers (offline planning only).
    pub provider: Option<Name>,
    /// Its flavor, for rates where a server does not say.
    pub flavor: Option<Name>,
    /// Which nodes.
    pub members: Members,
    /// Nodes that are never taken away.
    pub keep: Vec<NamePattern>,
    /// The least active nodes, 0 by default.
    pub min: u32,
    /// The most active nodes; None is all members.
    pub max: Option<u32>,
    /// Exactly so many.
    pub replicas: Option<u32>,
    /// What happens to a node that is not needed.
    pub idle: Idle,
    /// Nodes in transition at once by our own doing, 10 by default.
    pub parallelism: u32,
    /// Nodes in transition at once, of the pool's active nodes; None leaves it to `parallelism`.
    pub max_unavailable: Option<IntOrPercent>,
    /// Not parked if it would be wanted again sooner (H26); None is 2 × (park + wake), at least 1 h.
    pub min_parked: Option<SignedDuration>,
    /// Parked for longer than this it comes first at the next wake, 30 days by default.
    pub max_parked: SignedDuration,
    /// So long nothing needed it before a node goes: 30 min by default for what is shelved, else 10.
    pub unneeded_for: SignedDuration,
    /// After it grew for pods or headroom, nothing of it goes for want of need for so long.
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    pub cooldown: SignedDuration,
    /// Nodes that go at a window's end are cordoned so long before.
    pub wind_down: SignedDuration,
    /// What is done about nodes that stay NotReady; None leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Preferred among pools that would do; larger first, 0 by default.
    pub weight: i32,
    /// `nodeStorage: allowed`: nodes that hold data may go (H11).
    pub node_storage_allowed: bool,
    /// `frontDoors: allowed`: nodes that traffic enters by may go (H15).
    pub front_doors_allowed: bool,
    /// `adopt: true`: parked servers and cordons that carry no record of ours count as ours (H23).
    pub adopt: bool,
    /// `parkedNode: delete`: the Node object goes once its server is parked, and is made again before it is woken (H24).
    pub deletes_parked_nodes: bool,
    /// Other owners of these nodes that the operator knows of (H16).
    pub shared_with: Vec<Name>,
    /// Spare capacity.
    pub headroom: Option<Headroom>,
    /// How its servers are made; None wakes those that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Template>,
    /// Its own windows and those of its schedules, in the order of the policy.
    pub windows: Vec<Window>,
    /// The exceptions of its schedules and its own.
    pub exceptions: Vec<Exception>,
    /// Where the pool stands (its name).
    pub origin: Origin,
    /// Where `min`, `max`, `replicas`, `idle` … stand, by field name; only those that are written.
    pub origins: BTreeMap<Name, Origin>,
}

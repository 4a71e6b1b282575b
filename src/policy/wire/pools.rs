//! Pools, their members and their headroom as they stand in a file.

use super::numbers::{CountOrPercent, Percent};
use super::object::{object, words};
use super::quantities::{Bytes, Millicores};
use super::read::{Choice, OneOrMany, Wire};
use super::repair::Repair;
use super::text::{Pattern, Text};
use super::times::Length;
use super::windows::{Exception, Labels, Window};
use crate::model::{CapacityType, Operator, TaintEffect};
use crate::policy::Idle;
use crate::policy::finding::Findings;
use crate::policy::located::Located;
use crate::policy::node::{Node, Value};

words! { Idle, "Idle", "something to do with an idle node" {
    "shelve" => Idle::Shelve,
    "stop" => Idle::Stop,
    "suspend" => Idle::Suspend,
    "delete" => Idle::Delete,
} }

words! { Operator, "SelectorOperator", "an operator of a label selector" {
    "In" => Operator::In,
    "NotIn" => Operator::NotIn,
    "Exists" => Operator::Exists,
    "DoesNotExist" => Operator::DoesNotExist,
} }

/// Whether nodes of a special kind may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MayGo {
    Allowed,
    Protected,
}

words! { MayGo, "MayGo", "a rule for such nodes" {
    "allowed" => MayGo::Allowed,
    "protected" => MayGo::Protected,
} }

/// What becomes of the Node object of a parked server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParkedNode {
    Keep,
    Delete,
}

words! { ParkedNode, "ParkedNode", "something to do with the Node of a parked server" {
    "keep" => ParkedNode::Keep,
    "delete" => ParkedNode::Delete,
} }

object! {
    /// One condition on one label.
    Expression, "an expression" {
        /// The label's key.
        key = "key": Text [required],
        /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
        operator = "operator": Choice<Operator> [required],
        /// What with, for `In` and `NotIn`.
        values = "values": Vec<Located<Text>>,
    }
}

/// An operator of a requirement on what is bought, as in node affinity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compares(pub Operator);

words! { Compares, "NodeOperator", "an operator of node affinity" {
    "In" => Compares(Operator::In),
    "NotIn" => Compares(Operator::NotIn),
    "Exists" => Compares(Operator::Exists),
    "DoesNotExist" => Compares(Operator::DoesNotExist),
    "Gt" => Compares(Operator::Gt),
    "Lt" => Compares(Operator::Lt),
} }

object! {
    /// A label selector as in Kubernetes; all of it must hold.
    SelectorFields, "a selector" {
        /// Labels and their values.
        match_labels = "matchLabels": Labels,
        /// Conditions on labels.
        match_expressions = "matchExpressions": Vec<Located<Expression>>,
    }
}

object! {
    /// Which nodes: by name, or by label.
    Nodes, "`nodes`" {
        /// Node names, with ranges such as `{2..10}` and `*`.
        names = "names": OneOrMany<Pattern>,
        /// Labels and their values, all of which a node must have.
        labels = "labels": Labels,
        /// A label selector.
        selector = "selector": SelectorFields,
    }
}

/// `true` for the usual share, `false` for none, or a percentage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Automatic {
    /// `true` or `false`.
    Flag(bool),
    /// In thousandths.
    Share(u32),
}

impl Wire for Automatic {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) if scalar.plain && matches!(scalar.text.as_str(), "true" | "false") => {
                bool::read(node, out).map(Self::Flag)
            }
            _ => Percent::read(node, out).map(|percent| Self::Share(percent.0)),
        }
    }
}

impl schemars::JsonSchema for Automatic {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AutomaticHeadroom".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let percent = generator.subschema_for::<Percent>();
        schemars::json_schema!({ "anyOf": [{ "type": "boolean" }, percent] })
    }
}

object! {
    /// So many pieces of spare capacity of one size.
    HeadroomUnit, "a headroom unit" {
        /// CPU of one.
        cpu = "cpu": Millicores,
        /// Memory of one.
        memory = "memory": Bytes,
        /// GPUs of one.
        gpu = "gpu": u32,
        /// How many; 1 by default.
        count = "count": u32,
    }
}

object! {
    /// Spare capacity kept for pods that do not exist yet.
    Headroom, "`headroom`" {
        /// A share of what is requested; `true` is 5 %.
        automatic = "automatic": Automatic,
        /// Pieces by size.
        units = "units": Vec<Located<HeadroomUnit>>,
        /// What is missing for so long is refilled; 5m by default.
        refill_after = "refillAfter": Length,
    }
}

words! { TaintEffect, "TaintEffect", "the effect of a taint" {
    "NoSchedule" => TaintEffect::NoSchedule,
    "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
    "NoExecute" => TaintEffect::NoExecute,
} }

object! {
    /// A taint as in Kubernetes.
    Taint, "a taint" {
        /// Its key.
        key = "key": Text [required],
        /// Its value, often none.
        value = "value": Text,
        /// What it does to pods that do not tolerate it.
        effect = "effect": Choice<TaintEffect> [required],
    }
}

object! {
    /// What of a machine pods cannot ask for.
    Reserved, "`reserved`" {
        /// CPU; none if it is not written.
        cpu = "cpu": Millicores,
        /// Memory, beside the 100Mi that every kubelet keeps free; a twentieth if it is not written.
        memory = "memory": Bytes,
    }
}

object! {
    /// A file beside the policy, in the same folder or in one inside it.
    UserDataFile, "`userData`" {
        /// Its path, seen from the policy's file.
        file = "file": Text [required],
    }
}

/// A text, or a file that has it.
#[derive(Clone, Debug)]
pub(crate) enum UserData {
    /// Written in the policy.
    Text(Located<Text>),
    /// Beside it.
    File(Located<Text>),
}

impl Wire for UserData {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Map(_) => UserDataFile::read(node, out)?.file.map(Self::File),
            _ => Located::read(node, out).map(Self::Text),
        }
    }
}

impl schemars::JsonSchema for UserData {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UserData".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (text, file) = (generator.subschema_for::<Text>(), generator.subschema_for::<UserDataFile>());
        schemars::json_schema!({ "anyOf": [text, file] })
    }
}

object! {
    /// What a flavor of the catalog, or an offering of it, has to be, as in node affinity.
    Requirement, "a requirement" {
        /// A label: `node.kubernetes.io/instance-type`, `kubernetes.io/arch`, `kubernetes.io/os`,
        /// `topology.kubernetes.io/zone`, `karpenter.sh/capacity-type`, one that the catalog gives its flavors; or a size:
        /// `tidegate.dev/instance-cpu-milli`, `tidegate.dev/instance-memory-mib`, `tidegate.dev/instance-gpus`.
        key = "key": Text [required],
        /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
        operator = "operator": Choice<Compares> [required],
        /// What with: any number for `In` and `NotIn`, one whole number for `Gt` and `Lt`.
        values = "values": Vec<Located<Text>>,
    }
}

object! {
    /// How servers of a pool are made. They get the pool's names, and carry a mark of Tidegate's in their metadata: only such
    /// servers are deleted again, unless the pool says `adopt: true`.
    Create, "`create`" {
        /// The image, by name or id.
        image = "image": Text [required],
        /// The flavors that may be had: of those that pods fit on, the cheapest for what is needed. With a `catalog`, all
        /// that are in it if none is written.
        flavors = "flavors": OneOrMany<Text>,
        /// A file that says which flavors there are, with what they have, where they are to be had and for how much, by its
        /// path from the policy's file: a document with `kind: Catalog`, Karpenter's list of instance types in JSON, or a
        /// price list in CSV; it may be packed with gzip. Rates of the policy override its prices at the list price.
        catalog = "catalog": Text,
        /// What flavors of the catalog, and their offerings, have to be; all of it must hold.
        requirements = "requirements": Vec<Located<Requirement>>,
        /// How servers of the catalog are bought, the preferred way first: the next is tried where the provider has none.
        /// What is `reserved` comes before all else; `on-demand` by default. A server's user data may tell its node in
        /// `${TIDEGATE_CAPACITY_TYPE}`.
        capacity_types = "capacityTypes": OneOrMany<Choice<CapacityType>>,
        /// The availability zones that may be had; the provider's choice if none is written.
        zones = "zones": OneOrMany<Text>,
        /// The networks, by name or id; the provider's choice if none is written.
        networks = "networks": OneOrMany<Text>,
        /// The key pair that may log in.
        key_pair = "keyPair": Text,
        /// The security groups; the provider's `default` if none is written.
        security_groups = "securityGroups": OneOrMany<Text>,
        /// What a server runs at its first boot, such as a cloud-init file that joins it to the cluster: a text, or
        /// `{file: join.sh}` beside the policy, of at most 49149 bytes. `${TIDEGATE_NODE}`, `${TIDEGATE_POOL}`,
        /// `${TIDEGATE_FLAVOR}`, `${TIDEGATE_ZONE}`, `${TIDEGATE_CLUSTER}` and `${TIDEGATE_CAPACITY_TYPE}` are filled in; so is
        /// `${TIDEGATE_BOOTSTRAP_TOKEN}`, with a token that is made for this server alone, ends soon after `wake.joinTimeout`
        /// and is removed when its node has joined or nothing came of it.
        user_data = "userData": UserData,
        /// The size of a volume made from the image that it boots from; without it, it boots from its host's disk.
        boot_volume = "bootVolume": Bytes,
        /// The server group, by name or id.
        server_group = "serverGroup": Text,
        /// Labels that a new node has, so that pods that ask for them are known to fit.
        labels = "labels": Labels,
        /// Taints that a new node has.
        taints = "taints": Vec<Located<Taint>>,
        /// What of the machine pods cannot ask for: the kubelet's reservations. Where the pool has a node of the flavor, new
        /// ones are expected to look like that one.
        reserved = "reserved": Reserved,
    }
}

object! {
    /// Nodes that are interchangeable for scaling.
    Pool, "a pool" {
        /// Its name.
        name = "name": Text [required],
        /// Its provider; may be left out if there is one at most.
        provider = "provider": Text,
        /// Its flavor, for prices where the server does not say.
        flavor = "flavor": Text,
        /// Which nodes belong to it.
        nodes = "nodes": Nodes [required],
        /// Nodes that are never taken away.
        keep = "keep": OneOrMany<Pattern>,
        /// Least active nodes; 0 by default.
        min = "min": u32,
        /// Most active nodes; all of them by default.
        max = "max": u32,
        /// Exactly so many active nodes, instead of `min` and `max`.
        replicas = "replicas": u32,
        /// What happens to a node that is not needed; `shelve` by default.
        idle = "idle": Choice<Idle>,
        /// What becomes of a parked server's Node object: `keep` (the default), or `delete`: it is made again before the
        /// server is woken, cordoned, with the labels, annotations, taints, pod ranges and provider id that it had.
        parked_node = "parkedNode": Choice<ParkedNode>,
        /// Nodes that change at once; 10 by default.
        parallelism = "parallelism": u32,
        /// Nodes that may be in transition at once, as a count or a share of the active ones.
        max_unavailable = "maxUnavailable": CountOrPercent,
        /// A node is not parked if it would be wanted again sooner; by default twice the time to park and wake, at least 1h.
        min_parked = "minParked": Length,
        /// A node that is parked for so long comes first at the next wake, before its certificates expire; 30d by default.
        max_parked = "maxParked": Length,
        /// A node goes when nothing has needed it for so long; 30m by default where servers are shelved, else 10m.
        unneeded_for = "unneededFor": Length,
        /// After the pool grew for pods or headroom, no node of it goes for want of need for so long; 0 by default.
        cooldown = "cooldown": Length,
        /// Nodes chosen to go at a window's end are cordoned so long before.
        wind_down = "windDown": Length,
        /// What is done about nodes that stay NotReady; without it they are left as they are.
        repair = "repair": Repair,
        /// Pools with a larger weight are preferred; 0 by default.
        weight = "weight": i32,
        /// Whether nodes that hold data may go; `protected` by default.
        node_storage = "nodeStorage": Choice<MayGo>,
        /// Whether nodes that traffic enters by may go; `protected` by default.
        front_doors = "frontDoors": Choice<MayGo>,
        /// Whether parked servers and cordons without a record of ours count as ours; `false` by default.
        adopt = "adopt": bool,
        /// Other owners of these nodes, known and accepted.
        shared_with = "sharedWith": OneOrMany<Text>,
        /// Schedules by name.
        schedules = "schedules": OneOrMany<Text>,
        /// Windows of its own.
        windows = "windows": Vec<Located<Window>>,
        /// Exceptions of its own.
        exceptions = "exceptions": Vec<Located<Exception>>,
        /// Spare capacity.
        headroom = "headroom": Headroom,
        /// How servers are made where the pool has a name without one.
        create = "create": Create,
    }
}

//! What is to be made, as it stands in the plan: the public format.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blueprint::Blueprint;
use crate::model::{CapacityType, HOSTNAME, Name, Node, NodeShape, Resources, Taint, TaintEffect, offering};
use crate::plan::Plan;

/// A server that is made, and what its node will look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Creation {
    /// Its flavor.
    pub flavor: String,
    /// Its availability zone; absent where the provider chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How it is bought; absent is at the list price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_type: Option<CapacityType>,
    /// Its image.
    pub image: String,
    /// Labels of its node.
    pub labels: BTreeMap<String, String>,
    /// Taints of its node, `key=value:Effect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<String>,
    /// Of what pods may ask for: millicores.
    pub milli_cpu: i64,
    /// Bytes.
    pub memory_bytes: i64,
    /// Bytes of local storage.
    pub ephemeral_bytes: i64,
    /// Pods.
    pub pods: i64,
    /// Other resources, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, i64>,
}

impl Creation {
    /// What is made by this blueprint.
    pub fn of(blueprint: &Blueprint) -> Self {
        let Blueprint { flavor, zone, capacity_type, image, shape, .. } = blueprint;
        let has = &shape.allocatable;
        Self {
            flavor: flavor.to_string(),
            zone: zone.as_ref().map(ToString::to_string),
            capacity_type: Some(*capacity_type).filter(|how| *how != CapacityType::OnDemand),
            image: image.to_string(),
            labels: shape.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            taints: shape.taints.iter().map(ToString::to_string).collect(),
            milli_cpu: has.cpu,
            memory_bytes: has.memory,
            ephemeral_bytes: has.ephemeral_storage,
            pods: has.pods,
            others: has.extended.iter().map(|(name, amount)| (name.to_string(), *amount)).collect(),
        }
    }

    /// What its node will look like.
    pub fn shape(&self) -> NodeShape {
        let name = |text: &String| Name::from(text.as_str());
        let allocatable = Resources {
            cpu: self.milli_cpu,
            memory: self.memory_bytes,
            ephemeral_storage: self.ephemeral_bytes,
            pods: self.pods,
            extended: self.others.iter().map(|(key, amount)| (name(key), *amount)).collect(),
        };
        let labels = self.labels.iter().filter(|(key, _)| key.as_str() != HOSTNAME);
        NodeShape {
            labels: labels.map(|(key, value)| (name(key), name(value))).collect(),
            taints: self.taints.iter().filter_map(|text| taint(text)).collect(),
            capacity: allocatable.clone(),
            allocatable,
        }
    }

    /// How it is bought.
    pub fn bought(&self) -> CapacityType {
        self.capacity_type.unwrap_or(CapacityType::OnDemand)
    }

    /// What is bought where: `m3.small in nova`.
    pub fn offering(&self) -> Name {
        offering(&self.flavor, self.zone.as_deref(), self.bought())
    }
}

fn taint(text: &str) -> Option<Taint> {
    let (head, effect) = text.rsplit_once(':')?;
    let (key, value) = head.split_once('=').unwrap_or((head, ""));
    let effect = match effect {
        "NoSchedule" => TaintEffect::NoSchedule,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        _ => return None,
    };
    Some(Taint { key: key.into(), value: value.into(), effect })
}

impl Plan {
    /// What is made, or was and has not joined yet, for the node of this name.
    pub fn creation(&self, node: &str) -> Option<&Creation> {
        self.steps.iter().filter(|step| step.node == node).find_map(|step| step.creation.as_ref())
    }

    /// The node of this name as it will be, if it does not exist yet.
    pub fn new_node(&self, node: &str) -> Option<Node> {
        self.creation(node).map(|creation| creation.shape().node(&node.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_plan_is_what_the_blueprint_says() {
        let taint = |value: &str, effect| Taint { key: "team".into(), value: value.into(), effect };
        let shape = NodeShape {
            labels: BTreeMap::from([("a/b".into(), "c".into())]),
            taints: [taint("x", TaintEffect::NoSchedule), taint("", TaintEffect::PreferNoSchedule)].into(),
            capacity: Resources::default(),
            allocatable: Resources {
                cpu: 2000,
                memory: 1 << 30,
                ephemeral_storage: 7,
                pods: 110,
                extended: BTreeMap::from([("nvidia.com/gpu".into(), 1)]),
            },
        };
        let (zone, capacity_type) = (Some("nova".into()), CapacityType::Spot);
        let blueprint = Blueprint { flavor: "m".into(), zone, capacity_type, rank: 0, image: "u".into(), shape };
        let made = Creation::of(&blueprint);
        let again = made.shape();
        assert_eq!((&again.labels, &again.taints), (&blueprint.shape.labels, &blueprint.shape.taints));
        assert_eq!(again.allocatable, blueprint.shape.allocatable);
        assert_eq!((&*made.offering(), &*blueprint.offering()), ("m in nova (spot)", "m in nova (spot)"));
    }
}

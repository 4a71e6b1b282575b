//! What may be made in a pool, and how it will look: like its pool's nodes of that flavor, else as template and flavor say.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{HOSTNAME, Name, NodeShape, Resources, Server, ServerState, World};
use crate::placement::passes;
use crate::plan::members::{Member, State};
use crate::policy::{Pool, Template};

const ZONE: &str = "topology.kubernetes.io/zone";
const ARCH: &str = "kubernetes.io/arch";
const SYSTEM: &str = "kubernetes.io/os";
const TYPE: &str = "node.kubernetes.io/instance-type";
/// What a kubelet allows where nothing else is said.
const PODS: i64 = 110;
/// What a kubelet keeps free by itself (`evictionHard`).
const EVICTION: i64 = 100 << 20;

/// One kind of server that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// Its flavor's name.
    pub flavor: Name,
    /// Its zone; None leaves that to the provider.
    pub zone: Option<Name>,
    /// The image, for the plan.
    pub image: Name,
    /// What its node will look like.
    pub shape: NodeShape,
}

/// Everything that may be made in a pool, in the order of the policy: by flavor, then by zone. Flavors of which nothing is
/// known are left out, and come back by name.
pub fn blueprints(pool: &Pool, members: &[Member], world: &World) -> (Vec<Arc<Blueprint>>, Vec<Name>) {
    let Some(template) = &pool.create else { return Default::default() };
    let zones: Vec<Option<&Name>> = match template.zones.as_slice() {
        [] => vec![None],
        zones => zones.iter().map(Some).collect(),
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for flavor in &template.flavors {
        let shapes = zones.iter().map(|zone| (zone, shape(pool, template, members, world, flavor, *zone)));
        for (zone, shape) in shapes {
            match shape {
                Some(shape) => known.push(Arc::new(Blueprint {
                    flavor: flavor.clone(),
                    zone: zone.cloned(),
                    image: template.image.clone(),
                    shape,
                })),
                None if !unknown.contains(flavor) => unknown.push(flavor.clone()),
                None => {}
            }
        }
    }
    (known, unknown)
}

impl Blueprint {
    /// What a member of this name would be.
    pub fn member(&self, pool: &Pool, name: &Name) -> Member {
        let server = Server {
            name: name.clone(),
            provider: pool.provider.clone().unwrap_or_default(),
            flavor: self.flavor.clone(),
            zone: self.zone.clone(),
            state: ServerState::Build,
            inferred: true,
            ..Server::default()
        };
        Member {
            name: name.clone(),
            node: Some(Arc::new(self.shape.node(name))),
            server: Some(Arc::new(server)),
            record: None,
            record_error: None,
            state: State::Absent,
        }
    }

    /// `m3.small in nova`.
    pub fn words(&self) -> String {
        let zone = self.zone.as_ref().map(|zone| format!(" in {zone}")).unwrap_or_default();
        format!("{}{zone}", self.flavor)
    }
}

fn shape(
    pool: &Pool,
    template: &Template,
    members: &[Member],
    world: &World,
    flavor: &Name,
    zone: Option<&Name>,
) -> Option<NodeShape> {
    let of_flavor = |member: &&Member| {
        let known = member.server.as_ref().is_some_and(|server| server.flavor == *flavor && !server.inferred);
        known && member.node.as_ref().is_some_and(|node| node.ready())
    };
    let mut shape = match members.iter().find(of_flavor).and_then(|member| member.node.as_deref()) {
        Some(like) => NodeShape {
            labels: like.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            taints: like.taints.iter().filter(|taint| !passes(taint)).cloned().collect(),
            capacity: like.capacity.clone(),
            allocatable: like.allocatable.clone(),
        },
        None => by_flavor(pool, template, world, flavor)?,
    };
    shape.labels.remove(HOSTNAME);
    shape.labels.extend(zone.map(|zone| (ZONE.into(), zone.clone())));
    shape.labels.extend(template.labels.iter().map(|(key, value)| (key.clone(), value.clone())));
    shape.taints.extend(template.taints.iter().cloned());
    Some(shape)
}

/// What is not known of a new node counts as less.
fn by_flavor(pool: &Pool, template: &Template, world: &World, flavor: &Name) -> Option<NodeShape> {
    let provider = pool.provider.clone().unwrap_or_default();
    let offered = |provider: Name| world.flavors.get(&(provider, flavor.clone()));
    let machine = &offered(provider).or_else(|| offered("".into()))?.capacity;
    let capacity = Resources { pods: if machine.pods > 0 { machine.pods } else { PODS }, ..machine.clone() };
    let mut allocatable = capacity.clone();
    let memory = template.reserved_memory.unwrap_or(capacity.memory / 20);
    allocatable.memory = allocatable.memory.saturating_sub(memory).saturating_sub(EVICTION).max(0);
    allocatable.cpu = allocatable.cpu.saturating_sub(template.reserved_cpu).max(0);
    let arch = world.nodes.values().find_map(|node| node.labels.get(ARCH).cloned());
    let labels = BTreeMap::from([
        (Name::from(ARCH), arch.unwrap_or_else(|| "amd64".into())),
        (SYSTEM.into(), "linux".into()),
        (TYPE.into(), flavor.clone()),
    ]);
    Some(NodeShape { labels, taints: Default::default(), capacity, allocatable })
}

//! What may be made in a pool, and how it will look: like its pool's nodes of that flavor, else as template and flavor say.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{CapacityType, HOSTNAME, Name, Node, NodeShape, Resources, Server, ServerState, World, offering};
use crate::placement::passes;
use crate::plan::members::{Member, State};
use crate::policy::{CatalogFlavor, Pool, Template};

const ZONE: &str = "topology.kubernetes.io/zone";
const ARCH: &str = "kubernetes.io/arch";
const SYSTEM: &str = "kubernetes.io/os";
const TYPE: &str = "node.kubernetes.io/instance-type";
/// The variable by which a server learns how it was bought.
const TOLD: &str = "${TIDEGATE_CAPACITY_TYPE}";
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
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// How many ways to buy are preferred to this one.
    pub rank: usize,
    /// The image, for the plan.
    pub image: Name,
    /// What its node will look like.
    pub shape: NodeShape,
}

/// Everything that may be made in a pool, in the order of the policy: by flavor, then by zone; of a catalog by flavor, way to
/// buy and zone. Flavors of which nothing is known are left out, and come back by name.
pub fn blueprints(pool: &Pool, members: &[Member], world: &World) -> (Vec<Arc<Blueprint>>, Vec<Name>) {
    let Some(template) = &pool.create else { return Default::default() };
    let likes = Likes { pool, template, world, alive: alive(members) };
    if let Some(catalog) = &template.catalog {
        let offered = catalog.flavors.iter().flat_map(|flavor| {
            let base = likes.of_catalog(flavor);
            let likes = &likes;
            flavor.offerings.iter().map(move |one| {
                let (zone, how) = (one.zone.clone(), one.capacity_type);
                let rank = template.capacity_types.iter().position(|asked| *asked == how).unwrap_or(usize::MAX);
                let shape = likes.finished(base.clone(), zone.as_ref(), Some(how));
                let (flavor, image) = (flavor.name.clone(), template.image.clone());
                Arc::new(Blueprint { flavor, zone, capacity_type: how, rank, image, shape })
            })
        });
        return (offered.collect(), Vec::new());
    }
    let zones: Vec<Option<&Name>> = match template.zones.as_slice() {
        [] => vec![None],
        zones => zones.iter().map(Some).collect(),
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for flavor in &template.flavors {
        let Some(base) = likes.of_flavor(flavor) else {
            unknown.push(flavor.clone());
            continue;
        };
        known.extend(zones.iter().map(|zone| {
            Arc::new(Blueprint {
                flavor: flavor.clone(),
                zone: zone.cloned(),
                capacity_type: CapacityType::OnDemand,
                rank: 0,
                image: template.image.clone(),
                shape: likes.finished(base.clone(), *zone, None),
            })
        }));
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
            metadata: self.capacity_type.metadata().into_iter().collect(),
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

    /// What is bought where: `m3.small in nova`.
    pub fn offering(&self) -> Name {
        offering(&self.flavor, self.zone.as_deref(), self.capacity_type)
    }
}

/// A Ready node of each flavor, the first by name.
fn alive(members: &[Member]) -> BTreeMap<&Name, &Node> {
    let mut alive = BTreeMap::new();
    for member in members {
        let server = member.server.as_ref().filter(|server| !server.inferred);
        if let Some((server, node)) = server.zip(member.node.as_deref().filter(|node| node.ready())) {
            alive.entry(&server.flavor).or_insert(node);
        }
    }
    alive
}

/// What a new node will be like.
struct Likes<'a> {
    pool: &'a Pool,
    template: &'a Template,
    world: &'a World,
    alive: BTreeMap<&'a Name, &'a Node>,
}

impl Likes<'_> {
    /// As the pool's live node of this flavor is.
    fn live(&self, flavor: &Name) -> Option<NodeShape> {
        self.alive.get(flavor).map(|like| NodeShape {
            labels: like.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            taints: like.taints.iter().filter(|taint| !passes(taint)).cloned().collect(),
            capacity: like.capacity.clone(),
            allocatable: like.allocatable.clone(),
        })
    }

    /// As the provider says that the flavor is.
    fn of_flavor(&self, flavor: &Name) -> Option<NodeShape> {
        let listed = || {
            let provider = self.pool.provider.clone().unwrap_or_default();
            let offered = |provider: Name| self.world.flavors.get(&(provider, flavor.clone()));
            let machine = &offered(provider).or_else(|| offered("".into()))?.capacity;
            let labels = BTreeMap::from([(SYSTEM.into(), "linux".into()), (TYPE.into(), flavor.clone())]);
            Some(self.machine(machine, None, labels))
        };
        self.live(flavor).or_else(listed)
    }

    /// As the catalog says that it is.
    fn of_catalog(&self, flavor: &CatalogFlavor) -> NodeShape {
        let listed = || self.machine(&flavor.capacity, flavor.allocatable.as_ref(), flavor.labels.clone());
        self.live(&flavor.name).unwrap_or_else(listed)
    }

    /// What is not known of a machine counts as less.
    fn machine(&self, has: &Resources, left: Option<&Resources>, labels: BTreeMap<Name, Name>) -> NodeShape {
        let capacity = Resources { pods: if has.pods > 0 { has.pods } else { PODS }, ..has.clone() };
        let allocatable = left.map_or_else(
            || {
                let mut left = capacity.clone();
                let memory = self.template.reserved_memory.unwrap_or(capacity.memory / 20);
                left.memory = left.memory.saturating_sub(memory).saturating_sub(EVICTION).max(0);
                left.cpu = left.cpu.saturating_sub(self.template.reserved_cpu).max(0);
                left
            },
            |left| Resources { pods: if left.pods > 0 { left.pods } else { PODS }, ..left.clone() },
        );
        let mut shape = NodeShape { labels, taints: Default::default(), capacity, allocatable };
        if !shape.labels.contains_key(ARCH) {
            let known = self.world.nodes.values().find_map(|node| node.labels.get(ARCH).cloned());
            shape.labels.insert(ARCH.into(), known.unwrap_or_else(|| "amd64".into()));
        }
        shape
    }

    /// With what the zone, the way it is bought and the policy add.
    fn finished(&self, mut shape: NodeShape, zone: Option<&Name>, how: Option<CapacityType>) -> NodeShape {
        shape.labels.remove(HOSTNAME);
        shape.labels.extend(zone.map(|zone| (ZONE.into(), zone.clone())));
        // Nobody but the node itself can say how it was bought.
        let told = self.template.user_data.as_ref().is_some_and(|text| text.contains(TOLD));
        if let Some(how) = how.filter(|_| told || shape.labels.contains_key(CapacityType::LABEL)) {
            shape.labels.insert(CapacityType::LABEL.into(), how.word().into());
        }
        shape.labels.extend(self.template.labels.iter().map(|(key, value)| (key.clone(), value.clone())));
        shape.taints.extend(self.template.taints.iter().cloned());
        shape
    }
}

//! Which kind an object is of, and so how it is read.

use serde::Deserialize;

use super::Converter;
use super::own::About;
use crate::model::{Change, Kind, Snapshot};
use crate::observe::item::Item;
use crate::observe::{raw, world};

/// What an object turned out to be.
#[derive(Debug)]
pub enum Read {
    /// Something that a snapshot holds.
    Object(Box<Change>),
    /// What the dump says of itself.
    About(Box<About>),
    /// A whole snapshot.
    World(Box<Snapshot>),
    /// That it was listed is all that counts.
    Noted,
    /// Of a kind that is not looked at.
    Foreign,
}

/// The kind that a name stands for.
pub fn kind_named(name: &str) -> Option<Kind> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// The kind that an object of this version and kind is of, if it is one that a snapshot knows by name. Objects made by
/// hand may lack the version: they are what their kind is best known for.
pub fn kind_of(api_version: &str, kind: &str) -> Option<Kind> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let known = kind_named(kind)?;
    let expected = known.api().map_or("tidegate.dev", |api| api.group());
    let elsewhere = owns_pods(known) && ["", "extensions"].contains(&group);
    (api_version.is_empty() || group == expected || elsewhere).then_some(known)
}

/// Whether pods have such owners. Older clusters and dumps made by hand have them in other groups.
fn owns_pods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
    )
}

impl Converter {
    /// Reads one object. Any kind with `spec.replicas` that is not known by name is one with a scale.
    ///
    /// # Errors
    /// A sentence that says what in it cannot be read.
    pub fn object(&mut self, api_version: &str, kind: &str, item: Item<'_>) -> Result<Read, String> {
        let Some(known) = kind_of(api_version, kind) else { return self.other(api_version, kind, item) };
        let change = match known {
            Kind::Node => Change::Node(self.node(item.decode()?)?),
            Kind::Pod => Change::Pod(self.pod(item.decode()?)?),
            Kind::PodDisruptionBudget => Change::Budget(self.budget(item.decode()?, api_version == "policy/v1beta1")?),
            Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job => Change::Workload(self.workload(kind, item.decode()?)?),
            Kind::PersistentVolumeClaim => Change::Claim(self.claim(item.decode()?)?),
            Kind::PersistentVolume => Change::PersistentVolume(self.persistent_volume(item.decode()?)?),
            Kind::StorageClass => Change::StorageClass(self.storage_class(item.decode()?)?),
            Kind::CSINode => Change::CsiNode(self.csi_node(item.decode()?)?),
            Kind::CSIDriver => Change::CsiDriver(self.csi_driver(item.decode()?)?),
            Kind::CSIStorageCapacity => Change::StorageCapacity(self.storage_capacity(item.decode()?)?),
            Kind::VolumeAttachment => Change::VolumeAttachment(self.attachment(item.decode()?)?),
            Kind::PriorityClass => return Ok(Read::Noted),
            Kind::Namespace => {
                let (name, labels, uid) = self.namespace(item.decode()?)?;
                if &*name == "kube-system" && uid.is_some() {
                    self.cluster = uid;
                }
                Change::Namespace(name, labels)
            }
            Kind::Lease => match self.lease(item.decode()?)? {
                Some((node, renewed)) => Change::Lease(node, renewed),
                None => return Ok(Read::Noted),
            },
            Kind::Service => Change::Service(self.service(item.decode()?)?),
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                Change::Webhooks(self.webhooks(known, item.decode()?)?)
            }
            Kind::Server => Change::Server(self.server(item.decode()?)?),
            Kind::Flavor => Change::Flavor(self.flavor(item.decode()?)?),
        };
        Ok(Read::Object(Box::new(change)))
    }

    fn other(&mut self, api_version: &str, kind: &str, item: Item<'_>) -> Result<Read, String> {
        let ours = api_version.is_empty() || api_version.starts_with("tidegate.dev/");
        match kind {
            "Memory" if ours => {
                let memory = item.decode::<raw::MemoryItem>()?.memory.unwrap_or_default();
                Ok(Read::Object(Box::new(Change::Memory(memory))))
            }
            "Quota" if ours => {
                let quota = item.decode::<raw::QuotaItem>()?.quota.ok_or("it has no `quota`")?;
                Ok(Read::Object(Box::new(Change::Quota(quota))))
            }
            world::KIND if ours => Ok(Read::World(Box::new(world::read(item)?))),
            "Snapshot" if ours => Ok(Read::About(Box::new(self.about(item.decode()?)?))),
            // Somebody else's Deployment is not one.
            _ if kind_named(kind).is_some_and(owns_pods) => Ok(Read::Foreign),
            _ => {
                let scale = item.peek::<WithReplicas>().ok().and_then(|one| one.spec).and_then(|spec| spec.replicas);
                if scale.is_none() {
                    return Ok(Read::Foreign);
                }
                Ok(Read::Object(Box::new(Change::Workload(self.workload(kind, item.decode()?)?))))
            }
        }
    }
}

#[derive(Deserialize)]
struct WithReplicas {
    spec: Option<Replicas>,
}

#[derive(Deserialize)]
struct Replicas {
    replicas: Option<i64>,
}

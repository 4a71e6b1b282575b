//! Why a node cannot have a pod's volumes, in the scheduler's own words.

use std::fmt;

use crate::model::{Kind, Name, PodKey};
use crate::placement::Plugin;

/// One reason. Those that name a claim or a volume hold for every node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VolumeUnfit {
    /// These kinds are not in the snapshot.
    NotRead(Vec<Kind>),
    /// The claim does not exist.
    NoClaim(Name),
    /// The claim's volume is gone for good.
    Lost(Name, Name),
    /// The claim is being deleted.
    Deleting(Name),
    /// The claim has the name of a pod's ephemeral volume and is not that pod's: claim, pod.
    NotOwned(PodKey, PodKey),
    /// A claim has no volume yet, and not because it waits for the pod.
    Unbound,
    /// The volume of a claim does not exist.
    NoVolume(Name),
    /// Another pod on the node uses the same disk.
    DiskInUse,
    /// Another pod uses the claim, which only one may.
    ClaimInUse,
    /// The node cannot attach so many.
    TooMany,
    /// A volume is bound to other nodes.
    OtherNode,
    /// No volume is free for a claim that waits, and none can be made for this node.
    NothingToBind,
    /// A volume could be made for this node, but the driver has no room for it.
    NoSpace,
    /// The node does not have a driver that its pods need there.
    NoDriver(Name),
    /// The volume of an ephemeral volume's claim does not exist.
    EphemeralGone,
    /// A volume is in another zone.
    OtherZone,
}

impl VolumeUnfit {
    /// Which filter gives it.
    pub fn plugin(&self) -> Plugin {
        match self {
            Self::NotRead(_)
            | Self::NoClaim(_)
            | Self::Lost(..)
            | Self::Deleting(_)
            | Self::NotOwned(..)
            | Self::Unbound
            | Self::NoVolume(_) => Plugin::PreFilter,
            Self::DiskInUse | Self::ClaimInUse => Plugin::VolumeRestrictions,
            Self::TooMany | Self::NoDriver(_) => Plugin::NodeVolumeLimits,
            Self::OtherNode | Self::NothingToBind | Self::NoSpace | Self::EphemeralGone => Plugin::VolumeBinding,
            Self::OtherZone => Plugin::VolumeZone,
        }
    }
}

impl fmt::Display for VolumeUnfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRead(kinds) => not_read(kinds, f),
            Self::NoClaim(claim) => write!(f, "persistentvolumeclaim \"{claim}\" not found"),
            Self::Lost(claim, volume) => {
                write!(f, "persistentvolumeclaim \"{claim}\" bound to non-existent persistentvolume \"{volume}\"")
            }
            Self::Deleting(claim) => write!(f, "persistentvolumeclaim \"{claim}\" is being deleted"),
            Self::NotOwned(claim, pod) => write!(f, "PVC {claim} was not created for pod {pod} (pod is not owner)"),
            Self::Unbound => f.write_str("pod has unbound immediate PersistentVolumeClaims"),
            Self::NoVolume(volume) => write!(f, "persistentvolume \"{volume}\" not found"),
            Self::DiskInUse => f.write_str("node(s) had no available disk"),
            Self::ClaimInUse => f.write_str(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            ),
            Self::TooMany => f.write_str("node(s) exceed max volume count"),
            Self::OtherNode => f.write_str("node(s) didn't match PersistentVolume's node affinity"),
            Self::NothingToBind => f.write_str("node(s) didn't find available persistent volumes to bind"),
            Self::NoSpace => f.write_str("node(s) did not have enough free storage"),
            Self::NoDriver(driver) => write!(f, "{driver} CSI driver is not installed on the node"),
            Self::EphemeralGone => {
                f.write_str("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
            }
            Self::OtherZone => f.write_str("node(s) had no available volume zone"),
        }
    }
}

/// What to do about kinds that were not read. Of kinds that have no object `kubectl get` prints nothing; the API server's
/// own list says that there are none.
fn not_read(kinds: &[Kind], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let names: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    write!(f, "{} not read, so where its volumes can be is unknown: add `kubectl get ", names.join(", "))?;
    let shorts = VOLUMES.iter().filter_map(|kind| kind.api()).map(|api| api.short);
    write!(f, "{} -A -o json` to the snapshot", shorts.collect::<Vec<_>>().join(","))?;
    kinds.iter().filter_map(|kind| kind.api()).try_for_each(|api| {
        let root = if api.group().is_empty() { "api" } else { "apis" };
        write!(f, ", and if there are none `kubectl get --raw /{root}/{}/{}`", api.version, api.resource)
    })
}

/// What says where volumes can be.
const VOLUMES: [Kind; 7] = [
    Kind::PersistentVolume,
    Kind::PersistentVolumeClaim,
    Kind::StorageClass,
    Kind::CSINode,
    Kind::CSIDriver,
    Kind::CSIStorageCapacity,
    Kind::VolumeAttachment,
];

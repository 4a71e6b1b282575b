//! A whole snapshot as one item of a list: what is not made of Kubernetes objects, such as a sandbox's world, in a file.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Builder;
use super::convert::{About, forges, told};
use super::item::Item;
use crate::model::{Change, Snapshot};

/// What it is called in a list.
pub const KIND: &str = "World";

/// As it stands in the file.
#[derive(Deserialize)]
struct Written {
    /// The version that wrote it.
    #[serde(default)]
    tidegate: String,
    snapshot: Value,
}

/// Writes `snapshot` as a file from which the reader of dumps makes the same one.
///
/// # Errors
/// It cannot be written.
pub fn write_world(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let item = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": KIND, "tidegate": version, "snapshot": snapshot,
    });
    writeln!(out, r#"{{"apiVersion":"v1","kind":"List","items":[{item}]}}"#)
}

/// Reads it back.
///
/// # Errors
/// Another version wrote it, or nobody did; in words.
pub fn read(item: Item<'_>) -> Result<Snapshot, String> {
    let Written { tidegate, mut snapshot } = item.decode()?;
    harmless(&mut snapshot);
    serde_json::from_value(snapshot).map_err(|error| match tidegate.as_str() {
        "" => format!("its `snapshot` is none: {error}"),
        by => format!("version {} of Tidegate wrote it, and this version reads it otherwise: {error}", told(by)),
    })
}

/// No word of a file forges what is printed.
fn harmless(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(forges) => *text = told(text),
        Value::Array(items) => items.iter_mut().for_each(harmless),
        Value::Object(fields) => {
            fields.values_mut().for_each(harmless);
            if fields.keys().any(|key| key.contains(forges)) {
                *fields = std::mem::take(fields).into_iter().map(|(key, value)| (told(&key), value)).collect();
            }
        }
        _ => {}
    }
}

impl Builder {
    /// Takes all of it in. True if something in it took the place of what was there and differs.
    pub(super) fn world(&mut self, world: Snapshot) -> bool {
        // Each field by its name: one that is new is not forgotten here.
        let Snapshot {
            taken,
            taken_inferred,
            context,
            cluster,
            api_server,
            version,
            here,
            observed,
            skipped,
            gaps,
            unread,
            nodes,
            pods,
            budgets,
            workloads,
            claims,
            volumes,
            classes,
            csi_nodes,
            csi_drivers,
            capacities,
            attachments,
            namespaces,
            services,
            webhooks,
            leases,
            servers,
            flavors,
            quotas,
            memory,
        } = world;
        self.described(About {
            context,
            cluster,
            server: api_server,
            version,
            here,
            taken,
            kinds: Vec::new(),
            gaps,
            unread,
        });
        self.listed(observed, skipped, taken_inferred);
        let changes = (nodes.into_iter().map(Change::Node))
            .chain(pods.into_iter().map(Change::Pod))
            .chain(budgets.into_iter().map(Change::Budget))
            .chain(workloads.into_iter().map(Change::Workload))
            .chain(claims.into_iter().map(Change::Claim))
            .chain(volumes.into_iter().map(Change::PersistentVolume))
            .chain(classes.into_iter().map(Change::StorageClass))
            .chain(csi_nodes.into_iter().map(Change::CsiNode))
            .chain(csi_drivers.into_iter().map(Change::CsiDriver))
            .chain(capacities.into_iter().map(Change::StorageCapacity))
            .chain(attachments.into_iter().map(Change::VolumeAttachment))
            .chain(namespaces.into_iter().map(|(name, labels)| Change::Namespace(name, labels)))
            .chain(services.into_iter().map(Change::Service))
            .chain(webhooks.into_iter().map(Change::Webhooks))
            .chain(leases.into_iter().map(|(node, renewed)| Change::Lease(node, renewed)))
            .chain(servers.into_iter().map(Change::Server))
            .chain(flavors.into_iter().map(Change::Flavor))
            .chain(quotas.into_iter().map(Change::Quota))
            .chain([Change::Memory(memory)]);
        let differs: Vec<bool> = changes.map(|change| self.insert(change)).collect();
        differs.contains(&true)
    }
}

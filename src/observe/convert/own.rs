//! Tidegate's own items.

use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

use super::Converter;
use super::meta::{moment, told};
use crate::model::{Flavor, Labels, Name, PodKey, Server, ServerState};
use crate::observe::raw;

/// What a dump says of itself.
#[derive(Debug, Default)]
pub struct About {
    /// The kubeconfig context.
    pub context: Option<Name>,
    /// UID of the namespace kube-system.
    pub cluster: Option<Name>,
    /// Where the API server is.
    pub server: Option<Name>,
    /// Its version.
    pub version: Option<Name>,
    /// The pod that it was taken from.
    pub here: Option<PodKey>,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    /// Names of the kinds that were listed.
    pub kinds: Vec<String>,
    /// What could not be read.
    pub gaps: Vec<String>,
    /// Pods that could not be read, by the node that they are on.
    pub unread: BTreeMap<Name, BTreeSet<Name>>,
}

impl Converter {
    pub(in crate::observe) fn about(&mut self, raw: raw::SnapshotItem) -> Result<About, String> {
        Ok(About {
            context: raw.context.map(|context| self.intern.name(&context)),
            cluster: raw.cluster_uid.map(|uid| self.intern.name(&uid)),
            server: raw.server.map(|server| self.intern.name(&told(&server))),
            here: raw.here.as_deref().and_then(|pod| pod.split_once('/')).map(|(namespace, name)| {
                PodKey::new(self.intern.name(&told(namespace)), self.intern.name(&told(name)))
            }),
            version: raw.version.map(|version| self.intern.name(&told(&version))),
            taken: moment(raw.taken.as_deref(), "taken")?,
            kinds: raw.kinds.unwrap_or_default(),
            gaps: raw.gaps.unwrap_or_default().iter().map(|gap| told(gap)).collect(),
            unread: (raw.unread.unwrap_or_default().into_iter())
                .map(|(node, pods)| (self.intern.name(&node), pods.iter().map(|pod| told(pod).into()).collect()))
                .collect(),
        })
    }

    /// A server. Without `spec.id` its name is its id; a state that no provider has is an error.
    pub(in crate::observe) fn server(&mut self, raw: raw::ServerItem) -> Result<Server, String> {
        let name = self.object_name(&raw.metadata.unwrap_or_default())?;
        let (spec, status) = (raw.spec.unwrap_or_default(), raw.status.unwrap_or_default());
        let id = spec.id.filter(|id| !id.0.is_empty());
        let state = match status.state {
            None => ServerState::Unknown,
            Some(text) => serde_json::from_value(serde_json::Value::String(text.clone()))
                .map_err(|_| format!("there is no server state `{text}`"))?,
        };
        let mut some = |text: Option<String>| text.filter(|text| !text.is_empty()).map(|text| self.intern.name(&text));
        let (zone, node, task, fault) =
            (some(spec.zone), some(spec.node.map(|node| node.0)), some(status.task), some(status.fault));
        Ok(Server {
            id: id.map_or_else(|| name.clone(), |id| self.intern.name(&id.0)),
            name,
            provider: self.intern.name(&spec.provider.unwrap_or_default()),
            state,
            task,
            flavor: self.intern.name(&spec.flavor.unwrap_or_default().0),
            zone,
            node,
            since: self.past(status.since.as_deref(), "status.since")?,
            metadata: (*self.intern.labels(spec.metadata, &[])).clone(),
            floating_address: spec.floating_address.unwrap_or(false),
            fault,
            setback: status.setback,
            cannot: (*self.intern.labels(status.cannot, &[])).clone(),
            volumes: status.volumes.unwrap_or_default().iter().map(|id| self.intern.name(id)).collect(),
            inferred: false,
        })
    }

    pub(in crate::observe) fn flavor(&mut self, raw: raw::FlavorItem) -> Result<Flavor, String> {
        let spec = raw.spec.unwrap_or_default();
        Ok(Flavor {
            name: self.object_name(&raw.metadata.unwrap_or_default())?,
            provider: self.intern.name(&spec.provider.unwrap_or_default()),
            capacity: self.resources(&spec.capacity.unwrap_or_default())?,
        })
    }

    /// A namespace's name, its labels and its UID.
    pub(in crate::observe) fn namespace(&mut self, raw: raw::Bare) -> Result<(Name, Labels, Option<Name>), String> {
        let mut meta = raw.metadata.unwrap_or_default();
        let name = self.object_name(&meta)?;
        let uid = meta.uid.take().filter(|uid| !uid.is_empty()).map(|uid| self.intern.name(&uid));
        Ok((name, self.intern.labels(meta.labels, &[]), uid))
    }
}

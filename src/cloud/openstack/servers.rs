//! Servers as Nova shows them, turned into ours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::flavors::{Size, Special};
use super::setback::meaning;
use crate::model::{Name, Server, ServerState};

/// Tasks that run on a server in error, too.
const UNFAILING: [&str; 4] = ["deleting", "rebuilding", "rebuild_spawning", "rebooting_hard"];

/// A server of `GET /servers/detail` or `GET /servers/ID`.
#[derive(Deserialize)]
pub struct Shown {
    /// Its UUID.
    pub id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    /// When it last changed in any way.
    #[serde(default)]
    pub updated: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    flavor: Option<Value>,
    #[serde(default)]
    addresses: BTreeMap<String, Vec<Address>>,
    #[serde(rename = "OS-EXT-AZ:availability_zone", default)]
    zone: Option<String>,
    #[serde(rename = "OS-EXT-STS:task_state", default)]
    task: Option<String>,
    #[serde(rename = "OS-EXT-STS:vm_state", default)]
    vm_state: Option<String>,
    #[serde(rename = "os-extended-volumes:volumes_attached", default)]
    volumes: Vec<Attached>,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    locked_reason: Option<String>,
    #[serde(default)]
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "OS-EXT-IPS:type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Attached {
    id: String,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

/// A server whose flavor may still be known by its id only.
pub struct Found {
    /// The server.
    pub server: Server,
    /// Its flavor's id, where Nova did not tell its name (before 2.47).
    pub flavor_id: Option<String>,
    /// When it last changed in any way.
    pub changed: String,
    /// Verbs that its flavor does not allow, with the cause.
    pub unfit: BTreeMap<Name, Name>,
}

impl Shown {
    /// Our server; None for one that is deleted.
    pub fn found(self, provider: &Name) -> Option<Found> {
        let vm_state = self.vm_state.as_deref().unwrap_or(&self.status);
        let state = state(vm_state);
        if state == ServerState::Deleted {
            return None;
        }
        let (flavor, flavor_id, special) = match &self.flavor {
            None => (String::new(), None, Special::default()),
            Some(flavor) => match Size::embedded(flavor) {
                Some((name, special)) => (name, None, special),
                None => {
                    let id = flavor.get("id").and_then(Value::as_str).map(str::to_owned);
                    (id.clone().unwrap_or_default(), id, Special::default())
                }
            },
        };
        let unfit = special.cannot();
        let mut cannot = unfit.clone();
        if self.locked {
            let why = self.locked_reason.filter(|why| !why.is_empty()).map_or(String::new(), |why| format!(" ({why})"));
            let text: Name = format!("it is locked{why}; `openstack server unlock {}` lifts that", self.id).into();
            cannot = ["shelve", "stop", "suspend", "wake"].map(|verb| (Name::from(verb), text.clone())).into();
        }
        let volumes: BTreeSet<Name> = self.volumes.iter().map(|volume| volume.id.as_str().into()).collect();
        let some = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Name::from);
        let fault = some(self.fault.map(|fault| fault.message));
        let floating = self.addresses.values().flatten().any(|address| address.kind == "floating");
        // When an unshelving fails for want of its image, the task stays for ever: nothing runs in a server in error.
        let task = some(self.task).filter(|task| state != ServerState::Error || UNFAILING.contains(&task.as_ref()));
        let server = Server {
            id: self.id.into(),
            name: self.name.into(),
            provider: provider.clone(),
            state,
            task,
            flavor: flavor.into(),
            zone: some(self.zone),
            node: None,
            since: self.updated.parse::<Timestamp>().ok(),
            metadata: self.metadata.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            floating_address: floating,
            setback: fault.as_deref().map(meaning),
            fault,
            cannot,
            volumes,
            inferred: false,
        };
        Some(Found { server, flavor_id, changed: self.updated, unfit })
    }
}

/// nova/compute/vm_states.py, or the status made of it where the state itself is not shown.
fn state(text: &str) -> ServerState {
    match text.to_ascii_lowercase().as_str() {
        "active" | "reboot" | "hard_reboot" | "password" | "migrating" => ServerState::Active,
        "build" | "building" | "rebuild" => ServerState::Build,
        "stopped" | "shutoff" => ServerState::Shutoff,
        "suspended" => ServerState::Suspended,
        "paused" => ServerState::Paused,
        "shelved" => ServerState::Shelved,
        "shelved_offloaded" => ServerState::ShelvedOffloaded,
        "error" => ServerState::Error,
        "deleted" | "soft-delete" | "soft_deleted" => ServerState::Deleted,
        _ => ServerState::Unknown,
    }
}

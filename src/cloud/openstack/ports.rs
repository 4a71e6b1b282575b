//! Ports that are a device of their server's host: SR-IOV and accelerators, which a server that is parked lets go or cannot.

use serde::Deserialize;

use super::api::{Api, Call, Service};
use crate::cloud::ProviderError;
use crate::model::Server;

/// Neutron's words for ports that are a device of the host, or a part of one.
const DEVICES: [&str; 7] = [
    "direct",
    "direct-physical",
    "macvtap",
    "vdpa",
    "remote-managed",
    "accelerator-direct",
    "accelerator-direct-physical",
];

#[derive(Deserialize)]
struct Ports {
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
struct Port {
    #[serde(default)]
    device_id: String,
    #[serde(rename = "binding:vnic_type", default)]
    kind: String,
}

/// The servers that have such a port, by name, each with its kind in Neutron's word.
///
/// # Errors
/// Neutron does not tell.
pub async fn devices(api: &Api, servers: &[Server]) -> Result<Vec<(String, String)>, ProviderError> {
    let query: Vec<(&str, &str)> = DEVICES.iter().map(|kind| ("binding:vnic_type", *kind)).collect();
    let ports: Ports = api.read(&Call { query: &query, ..Call::get(Service::Network, "/ports") }).await?;
    // One that filters nothing answers with all ports.
    let device = |port: &&Port| DEVICES.contains(&port.kind.as_str());
    let named = |port: &Port| {
        let server = servers.iter().find(|server| *server.id == *port.device_id)?;
        Some((server.name.to_string(), port.kind.clone()))
    };
    let mut found: Vec<(String, String)> = ports.ports.iter().filter(device).filter_map(named).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

//! Flavors: what a server of that size has, and what Nova cannot do with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::api::Api;
use super::pages;
use super::transport::deformed;
use crate::cloud::ProviderError;
use crate::model::{Flavor, Name, Resources};

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;
/// The kubelet's own limit unless it is told otherwise.
const PODS: i64 = 110;

/// A flavor of `GET /flavors/detail`, or as it stands in a server.
#[derive(Deserialize)]
pub struct Size {
    #[serde(default)]
    id: String,
    #[serde(default, alias = "original_name")]
    name: String,
    #[serde(default)]
    vcpus: i64,
    #[serde(default)]
    ram: i64,
    #[serde(default)]
    disk: i64,
    #[serde(default)]
    extra_specs: BTreeMap<String, String>,
}

/// What a flavor has that stands in the way of parking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Special {
    /// GPUs, whole or virtual.
    gpus: i64,
    /// An emulated TPM.
    tpm: bool,
    /// Accelerators of Cyborg.
    accelerator: bool,
}

impl Special {
    fn of(specs: &BTreeMap<String, String>) -> Self {
        let gpu = |text: &str| ["gpu", "a100", "v100", "h100", "l40", "nvidia"].iter().any(|word| text.contains(word));
        let mut gpus: i64 = 0;
        for (key, value) in specs {
            let (key, value) = (key.to_lowercase(), value.to_lowercase());
            // `pci_passthrough:alias: "a100:1,other:2"` and `resources:VGPU: "1"`.
            if key == "pci_passthrough:alias" {
                for alias in value.split(',').filter(|alias| gpu(alias)) {
                    gpus =
                        gpus.saturating_add(alias.rsplit(':').next().and_then(|n| n.trim().parse().ok()).unwrap_or(1));
                }
            } else if key.starts_with("resources") && gpu(&key) {
                gpus = gpus.saturating_add(value.trim().parse().unwrap_or(1));
            }
        }
        let tpm = specs.keys().any(|key| key.starts_with("hw:tpm_"));
        Self { gpus, tpm, accelerator: specs.contains_key("accel:device_profile") }
    }

    /// Nova's verbs that fail for such a server, with the cause.
    pub fn cannot(self) -> BTreeMap<Name, Name> {
        let mut cannot = BTreeMap::new();
        let mut add = |verb: &str, why: &str| drop(cannot.insert(Name::from(verb), Name::from(why)));
        // libvirt does not suspend what is passed through; with virtual GPUs it says that it did, and the guest is lost.
        if self.gpus > 0 {
            add("suspend", "a server with GPUs does not survive it: `stop` or `shelve` it");
        }
        // nova/compute/api.py, reject_vtpm_instances and block_accelerators.
        if self.tpm {
            add("shelve", "Nova does not shelve a server with an emulated TPM: `stop` it");
        }
        if self.accelerator {
            add("suspend", "Nova does not suspend a server with accelerators: `stop` or `shelve` it");
        }
        cannot
    }
}

impl Size {
    /// Name and specials of the flavor in a server; None where there is only its id (before 2.47).
    pub fn embedded(value: &Value) -> Option<(String, Special)> {
        value.get("original_name")?;
        let size: Self = serde_json::from_value(value.clone()).ok()?;
        Some((size.name, Special::of(&size.extra_specs)))
    }

    fn flavor(self, provider: &Name) -> Flavor {
        let mut extended = BTreeMap::new();
        let gpus = Special::of(&self.extra_specs).gpus;
        if gpus > 0 {
            extended.insert(Name::from("nvidia.com/gpu"), gpus);
        }
        let capacity = Resources {
            cpu: self.vcpus.saturating_mul(1000),
            memory: self.ram.saturating_mul(MIB),
            ephemeral_storage: self.disk.saturating_mul(GIB),
            pods: PODS,
            extended,
        };
        Flavor { name: self.name.into(), provider: provider.clone(), capacity }
    }
}

/// A flavor with its id.
pub struct Listed {
    /// Its id.
    pub id: String,
    /// What it has that stands in the way of parking.
    pub special: Special,
    /// The flavor.
    pub flavor: Flavor,
}

/// All flavors that the project may use, in the order of their names.
///
/// # Errors
/// They cannot be had.
pub async fn list(api: &Api) -> Result<Vec<Listed>, ProviderError> {
    let provider = &api.config().provider;
    let mut listed = Vec::new();
    for item in pages::all(api, "/flavors/detail", "flavors").await? {
        let size: Size = serde_json::from_value(item).map_err(|error| {
            ProviderError::Unavailable(format!("a flavor of Nova's makes no sense: {}", deformed(&error)))
        })?;
        let special = Special::of(&size.extra_specs);
        listed.push(Listed { id: size.id.clone(), special, flavor: size.flavor(provider) });
    }
    listed.sort_by(|a, b| (&a.flavor.name, &a.id).cmp(&(&b.flavor.name, &b.id)));
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn special(specs: &[(&str, &str)]) -> Special {
        Special::of(&specs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn extra_specs_tell_what_cannot_be_parked_how() {
        for (specs, gpus, cannot) in [
            (&[][..], 0, &[][..]),
            (&[("pci_passthrough:alias", "a100:2")], 2, &["suspend"]),
            (&[("pci_passthrough:alias", "nic:1")], 0, &[]),
            (&[("resources:VGPU", "1")], 1, &["suspend"]),
            (&[("resources1:VGPU", "one")], 1, &["suspend"]),
            (&[("hw:tpm_version", "2.0"), ("hw:tpm_model", "tpm-crb")], 0, &["shelve"]),
            (&[("accel:device_profile", "fpga")], 0, &["suspend"]),
            (&[("hw:tpm_version", "2.0"), ("resources:VGPU", "9999999999999999999999")], 1, &["shelve", "suspend"]),
        ] {
            let found = special(specs);
            let verbs: Vec<String> = found.cannot().keys().map(ToString::to_string).collect();
            assert_eq!(
                (found.gpus, verbs.as_slice()),
                (gpus, &*cannot.iter().map(ToString::to_string).collect::<Vec<_>>())
            );
        }
    }
}

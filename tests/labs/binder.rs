//! Binds claims once the scheduler has chosen a node for their pod, as the volume controller and a driver would.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::door::Door;
use crate::scene::NODE_NAME;

/// How long the scheduler may take from naming the node to saying what is to be bound.
const PATIENCE: Duration = Duration::from_secs(10);

/// Binds all claims of `pod` that are not. The volume of a claim that it mounts twice is made where the scheduler wanted it
/// and can be nowhere else: its first try ends in a conflict with itself, and the second is to be the same choice.
pub fn bind_claims(door: &mut Door, pod: &Value) -> Result<(), String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let names: Vec<&str> = volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str()).collect();
    for name in &names {
        bind(door, namespace, name, names.iter().filter(|other| *other == name).count() > 1)?;
    }
    Ok(())
}

fn bind(door: &mut Door, namespace: &str, name: &str, only_there: bool) -> Result<(), String> {
    let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}");
    let begin = Instant::now();
    loop {
        let claim = door.get(&path)?;
        if claim["spec"]["volumeName"].is_string() {
            return Ok(());
        }
        let volume = match chosen(door, namespace, name)? {
            Some(volume) => Some(volume),
            None if claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].is_string() => {
                Some(provision(door, &claim, only_there)?)
            }
            None => None,
        };
        if let Some(volume) = volume {
            let patch = json!({
                "metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": volume},
            });
            return door.call("PATCH", &path, Some(&patch))?.done().map(drop);
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("the scheduler chose no volume for claim {namespace}/{name} in {PATIENCE:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The volume that the scheduler has kept for the claim.
fn chosen(door: &mut Door, namespace: &str, name: &str) -> Result<Option<String>, String> {
    let volumes = door.get("/api/v1/persistentvolumes")?;
    let kept = volumes["items"].as_array().into_iter().flatten().find(|volume| {
        let claim = &volume["spec"]["claimRef"];
        claim["namespace"] == namespace && claim["name"] == name
    });
    Ok(kept.and_then(|volume| volume["metadata"]["name"].as_str()).map(str::to_owned))
}

/// A new volume for the claim.
fn provision(door: &mut Door, claim: &Value, only_there: bool) -> Result<String, String> {
    let meta = &claim["metadata"];
    let name = format!(
        "made-{}-{}",
        meta["namespace"].as_str().unwrap_or_default(),
        meta["name"].as_str().unwrap_or_default()
    );
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "accessModes": claim["spec"]["accessModes"], "storageClassName": claim["spec"]["storageClassName"],
            "capacity": claim["spec"]["resources"]["requests"],
            "csi": {"driver": crate::volumes::DRIVER, "volumeHandle": name},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": meta["namespace"],
                "name": meta["name"], "uid": meta["uid"]},
        },
    });
    if only_there {
        let node = &meta["annotations"]["volume.kubernetes.io/selected-node"];
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": NODE_NAME, "operator": "In", "values": [node]}]}]}});
    }
    door.call("POST", "/api/v1/persistentvolumes", Some(&volume))?.done()?;
    Ok(name)
}

//! Single reads: always of what is there now, never of a cache, and never older than what was seen before (H22).

use kube::api::GetParams;
use kube::core::Request as Paths;
use serde_json::Value;

use super::call::{Call, Failed};
use super::client::Live;
use super::kinds::{Listed, NODES, PODS};
use super::pages::send;
use crate::cluster::ClusterError;
use crate::model::{Change, Kind, Name, Node, Pod};
use crate::observe::read_object;

/// Reads of something that must not be older than what was seen, before that is given up.
const TRIES: u32 = 3;

impl Live {
    /// One node as it is now; None if there is none of that name.
    ///
    /// # Errors
    /// It cannot be read, or the server shows an older state than it did before.
    pub async fn read_node(&self, name: &Name) -> Result<Option<Node>, ClusterError> {
        let call = Call::new("get", format!("node {name}"));
        for _ in 0..TRIES {
            let answer = self.again(&call, || async {
                let request = Paths::new(NODES.path()).get(name, &GetParams::default());
                send(&self.client, request.map_err(kube::Error::BuildRequest)?).await
            });
            let body = match answer.await {
                Ok(answer) => answer.body,
                Err(ClusterError::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            let object = serde_json::from_slice(&body).map_err(|error| garbled(&call, &error))?;
            if let Some(node) = self.node_of(&call, object)? {
                return Ok(Some(node));
            }
        }
        Err(old(&call))
    }

    /// The pods of one node as they are now.
    ///
    /// # Errors
    /// They cannot be listed, one of them cannot be read, or the server shows an older state than it did before.
    pub async fn read_pods_on(&self, node: &Name) -> Result<Vec<Pod>, ClusterError> {
        let call = Call::new("list", format!("pods on node {node}"));
        let fields = format!("spec.nodeName={node}");
        'again: for _ in 0..TRIES {
            let (objects, _) =
                self.lists().values(&PODS, Some(&fields)).await.map_err(|failed| self.told(&call, &failed))?;
            let mut pods = Vec::with_capacity(objects.len());
            for object in objects {
                if !self.sees(&PODS, &object) {
                    continue 'again;
                }
                match read_object(object).map_err(|why| garbled(&call, &why))? {
                    Some(Change::Pod(pod)) => pods.push(pod),
                    _ => return Err(garbled(&call, &"something else than a pod is among them")),
                }
            }
            return Ok(pods);
        }
        Err(old(&call))
    }

    /// What `object`, which the server answered with, is as a node; None if it is older than what was seen before.
    ///
    /// # Errors
    /// It is no node, or not a readable one.
    pub(super) fn node_of(&self, call: &Call, mut object: Value) -> Result<Option<Node>, ClusterError> {
        if let Value::Object(fields) = &mut object {
            fields.insert("kind".to_owned(), Kind::Node.to_string().into());
        }
        if !self.sees(&NODES, &object) {
            return Ok(None);
        }
        match read_object(object).map_err(|why| garbled(call, &why))? {
            Some(Change::Node(node)) => Ok(Some(node)),
            _ => Err(garbled(call, &"it is no node")),
        }
    }

    /// Notes that an object was seen. False if it was seen later than that before.
    fn sees(&self, listed: &Listed, object: &Value) -> bool {
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = (text("/metadata/namespace"), text("/metadata/name"));
        self.following.borrow().sees(listed.kind, key, &text("/metadata/resourceVersion"))
    }
}

fn garbled(call: &Call, why: &dyn std::fmt::Display) -> ClusterError {
    call.error(&Failed::Garbled(why.to_string()))
}

fn old(call: &Call) -> ClusterError {
    call.error(&Failed::Garbled("it is older than what was seen before; the API server lags behind".to_owned()))
}

//! Single reads: always of what is there now, never of a cache, and never older than what was seen before (H22).

use kube::api::GetParams;
use kube::core::Request as Paths;
use serde_json::Value;

use super::call::{Call, Failed};
use super::client::Live;
use super::kinds::{ATTACHMENTS, Listed, NODES, PODS};
use super::pages::send;
use crate::cluster::ClusterError;
use crate::model::{Change, Name, Node, Pod, VolumeAttachment};
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
        let pod = |change| if let Change::Pod(pod) = change { Some(pod) } else { None };
        self.read_all(&call, &PODS, Some(&fields), pod).await
    }

    /// The volumes that are attached to one node, or are being attached or detached, as they are now.
    ///
    /// # Errors
    /// Those of [`Live::read_pods_on`].
    pub async fn read_attachments_on(&self, node: &Name) -> Result<Vec<VolumeAttachment>, ClusterError> {
        let call = Call::new("list", ATTACHMENTS.what());
        let attachment = |change| if let Change::VolumeAttachment(found) = change { Some(found) } else { None };
        // The API server selects them by no field of their spec.
        let mut all = self.read_all(&call, &ATTACHMENTS, None, attachment).await?;
        all.retain(|found| found.node == *node);
        Ok(all)
    }

    async fn read_all<T>(
        &self,
        call: &Call,
        listed: &Listed,
        fields: Option<&str>,
        one: impl Fn(Change) -> Option<T>,
    ) -> Result<Vec<T>, ClusterError> {
        'again: for _ in 0..TRIES {
            let (objects, _) = self.lists().values(listed, fields).await.map_err(|failed| self.told(call, &failed))?;
            let mut all = Vec::with_capacity(objects.len());
            for object in objects {
                if !self.sees(listed, &object) {
                    continue 'again;
                }
                let read = read_object(object).map_err(|why| garbled(call, &why))?;
                let other = || garbled(call, &format!("something else than a {} is among them", listed.kind));
                all.push(read.and_then(&one).ok_or_else(other)?);
            }
            return Ok(all);
        }
        Err(old(call))
    }

    /// What `object`, which the server answered with, is as a node; None if it is older than what was seen before.
    ///
    /// # Errors
    /// It is no node, or not a readable one.
    pub(super) fn node_of(&self, call: &Call, object: Value) -> Result<Option<Node>, ClusterError> {
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

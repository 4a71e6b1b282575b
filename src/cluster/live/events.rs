//! Events on Nodes, so that `kubectl describe node` tells the story.
//!
//! They are written beside the work, one after the other, and nothing waits for them or fails because of them. What is said
//! again about a node within some minutes becomes one event with a count.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, ObjectReference};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::call::{Call, once};
use super::client::Live;
use crate::cluster::{ClusterError, NodeNews};

/// Where events about what has no namespace are kept.
const NAMESPACE: &str = "default";
const CONTROLLER: &str = "tidegate.dev/tidegate";
/// The one reason whose events are about many pods: one event counts them all, with the words of the first.
const COUNTED: &str = "EvictingPods";
/// What comes later than this after the last is an event of its own.
const SERIES: SignedDuration = SignedDuration::from_mins(6);
/// So many characters an event may have.
const LONGEST: usize = 1000;
/// So long the end of an apply waits for its last events.
const LAST: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes events, beside everything else.
#[derive(Debug)]
pub(super) struct Chronicle {
    sender: UnboundedSender<NodeNews>,
    written: JoinHandle<Result<(), ClusterError>>,
}

/// An event that may become a series.
struct Told {
    name: String,
    count: i32,
    last: Timestamp,
}

struct Writer {
    client: Client,
    events: Api<Event>,
    instance: String,
    nodes: BTreeMap<String, Option<String>>,
    told: BTreeMap<(String, &'static str, String), Told>,
}

impl Live {
    /// See [`crate::cluster::Cluster::note`].
    pub(super) fn chronicle(&self, news: NodeNews) {
        let mut chronicle = self.chronicle.borrow_mut();
        let there = chronicle.get_or_insert_with(|| {
            let (sender, receiver) = unbounded_channel();
            let writer = Writer::new(self.client.clone());
            Chronicle { sender, written: tokio::spawn(writer.run(receiver)) }
        });
        // A writer that was refused has ended.
        drop(there.sender.send(news));
    }

    /// See [`crate::cluster::Cluster::noted`].
    pub(super) async fn end_chronicle(&self) -> Result<(), ClusterError> {
        let Some(Chronicle { sender, written }) = self.chronicle.take() else { return Ok(()) };
        drop(sender);
        match tokio::time::timeout(LAST, written).await {
            Ok(Ok(result)) => result,
            // What is not written by now is missed by nobody.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}

impl Writer {
    fn new(client: Client) -> Self {
        let host = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        Self {
            events: Api::namespaced(client.clone(), NAMESPACE),
            client,
            instance: host.unwrap_or_else(|| "tidegate".to_owned()),
            nodes: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// Writes until nobody sends any more. Gives up where it is not allowed to; the first failure is told in the end.
    async fn run(mut self, mut receiver: UnboundedReceiver<NodeNews>) -> Result<(), ClusterError> {
        let mut first = Ok(());
        while let Some(news) = receiver.recv().await {
            match self.write(&news).await {
                Err(error @ ClusterError::Forbidden { .. }) => return Err(error),
                Err(error) if first.is_ok() => first = Err(error),
                _ => {}
            }
        }
        first
    }

    async fn write(&mut self, news: &NodeNews) -> Result<(), ClusterError> {
        let Some(uid) = self.uid(&news.node).await? else { return Ok(()) };
        let now = Timestamp::now();
        let words = if news.reason == COUNTED { String::new() } else { news.text.clone() };
        let key = (uid.clone(), news.reason, words);
        if let Some(told) = self.told.get_mut(&key).filter(|told| now.duration_since(told.last) < SERIES) {
            let count = told.count.saturating_add(1);
            let series = Patch::Merge(json!({"series": {"count": count, "lastObservedTime": MicroTime(now)}}));
            let call = Call::new("patch", format!("events.events.k8s.io in namespace {NAMESPACE}"));
            let patched = once(PATIENCE, self.events.patch(&told.name, &PatchParams::default(), &series)).await;
            match patched.map_err(|failed| call.error(&failed)) {
                // Events are forgotten after an hour or so.
                Err(ClusterError::NotFound(_)) => {}
                other => {
                    (told.count, told.last) = (count, now);
                    return other.map(drop);
                }
            }
        }
        let name = format!("{}.{:x}", news.node, now.as_nanosecond());
        let call = Call::new("create", format!("events.events.k8s.io in namespace {NAMESPACE}"));
        let event = self.event(&name, news, uid, now);
        let made = once(PATIENCE, self.events.create(&PostParams::default(), &event)).await;
        made.map_err(|failed| call.error(&failed))?;
        self.told.insert(key, Told { name, count: 1, last: now });
        Ok(())
    }

    fn event(&self, name: &str, news: &NodeNews, uid: String, now: Timestamp) -> Event {
        Event {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some(if news.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(news.reason.to_owned()),
            action: Some(news.reason.to_owned()),
            note: Some(news.text.chars().take(LONGEST).collect()),
            regarding: Some(ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Node".to_owned()),
                name: Some(news.node.to_string()),
                uid: Some(uid),
                ..ObjectReference::default()
            }),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }

    /// The Node's UID, by which `kubectl describe` finds its events.
    async fn uid(&mut self, node: &str) -> Result<Option<String>, ClusterError> {
        if let Some(known) = self.nodes.get(node) {
            return Ok(known.clone());
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let found = once(PATIENCE, nodes.get_metadata_opt(node)).await;
        let found = found.map_err(|failed| Call::new("get", format!("node {node}")).error(&failed))?;
        let uid = found.and_then(|node| node.metadata.uid);
        self.nodes.insert(node.to_owned(), uid.clone());
        Ok(uid)
    }
}

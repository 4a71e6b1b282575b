//! A cluster together with the provider of its servers: one snapshot of both, one stream of what changes in either.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use futures::future::{Either, select};
use jiff::Timestamp;
use tokio::time::Instant;

use super::missing::{Answers, ask, fill_in, id_of};
use super::{Provider, ProviderError, Survey};
use crate::cluster::{Cluster, ClusterError, Evicted, NodeNews, NodePatch, Pending, keys};
use crate::model::{
    Change, Kind, Memory, Name, Node, Pod, PodKey, Server, ServerState, Snapshot, Token, VolumeAttachment,
};

/// How often the servers are listed: providers tell nothing by themselves. Each pause is up to a fifth longer or shorter, so
/// that many that began together do not ask together.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// While none of them is in transition.
    pub calm: Duration,
    /// While one is.
    pub busy: Duration,
}

impl Default for Polling {
    /// A minute, and five seconds.
    fn default() -> Self {
        Self { calm: Duration::from_mins(1), busy: Duration::from_secs(5) }
    }
}

/// A cluster and a provider as one cluster. For live ones: it waits by tokio's clock, not by a sandbox's.
pub struct Joined<'a> {
    cluster: &'a dyn Cluster,
    provider: &'a dyn Provider,
    polling: Polling,
    known: RefCell<BTreeMap<Name, Server>>,
    next: Cell<Option<Instant>>,
    /// A look that is under way: it goes on where it was, however often the cluster's news come first.
    looking: RefCell<Option<Pending<'a, Looked, ProviderError>>>,
}

/// The servers of a list, and what was said of those known before that it lacks.
type Looked = (Vec<Server>, Answers);

async fn look(provider: &dyn Provider, known: BTreeSet<Name>) -> Result<Looked, ProviderError> {
    let servers = provider.servers().await?;
    let mut lacking = known;
    for server in &servers {
        lacking.remove(&server.id);
    }
    let answers = ask(provider, lacking).await;
    Ok((servers, answers))
}

impl<'a> Joined<'a> {
    /// The two, joined.
    pub fn new(cluster: &'a dyn Cluster, provider: &'a dyn Provider, polling: Polling) -> Self {
        Self {
            cluster,
            provider,
            polling,
            known: RefCell::default(),
            next: Cell::new(None),
            looking: RefCell::default(),
        }
    }

    /// Waits for the next look at the servers, and tells what is different from the last one. A provider that does not
    /// answer changes nothing: what execution needs of a server it reads itself, and is told there.
    async fn poll(&self) -> Vec<Change> {
        let next = self.next.get().unwrap_or_else(|| self.put_off());
        tokio::time::sleep_until(next).await;
        let looked = poll_fn(|context| {
            let mut looking = self.looking.borrow_mut();
            let begin = || -> Pending<'a, Looked, ProviderError> {
                Box::pin(look(self.provider, self.known.borrow().keys().cloned().collect()))
            };
            looking.get_or_insert_with(begin).as_mut().poll(context)
        });
        let looked = looked.await;
        self.looking.replace(None);
        let changes = looked.map(|(servers, lacking)| self.compare(servers, lacking)).unwrap_or_default();
        self.put_off();
        changes
    }

    /// What the list lacks is gone if its id says so; where that cannot be told it stays as it was.
    fn compare(&self, servers: Vec<Server>, lacking: Answers) -> Vec<Change> {
        let mut known = self.known.borrow_mut();
        let mut now: BTreeMap<Name, Server> = servers.into_iter().map(|server| (server.id.clone(), server)).collect();
        for (id, answer) in lacking {
            if let Some(server) = answer.unwrap_or_else(|_| known.get(&id).cloned()) {
                now.insert(id, server);
            }
        }
        let gone = known.keys().filter(|id| !now.contains_key(*id)).cloned().map(Change::ServerGone);
        let other = now.values().filter(|server| known.get(&server.id) != Some(*server)).cloned().map(Change::Server);
        let changes = other.chain(gone).collect();
        *known = now;
        changes
    }

    fn put_off(&self) -> Instant {
        let moves = |server: &Server| server.task.is_some() || server.state == ServerState::Build;
        let busy = self.known.borrow().values().any(moves);
        let pause = if busy { self.polling.busy } else { self.polling.calm };
        // Four fifths to six fifths of it.
        let share = 800 + u32::try_from(RandomState::new().build_hasher().finish() % 401).unwrap_or(0);
        let next = Instant::now() + pause.saturating_mul(share) / 1000;
        self.next.set(Some(next));
        next
    }
}

impl Cluster for Joined<'_> {
    /// Both at once. What the provider does not tell is a gap.
    fn observe(&self) -> Pending<'_, Snapshot> {
        Box::pin(async move {
            let (snapshot, survey) = futures::join!(self.cluster.observe(), self.provider.survey());
            let Ok(survey) = survey;
            // What was under way is of before this.
            self.looking.replace(None);
            let known = self.known.borrow().clone();
            let snapshot = with_servers(snapshot?, survey, self.provider, &known).await;
            *self.known.borrow_mut() =
                snapshot.servers.iter().map(|server| (server.id.clone(), server.clone())).collect();
            self.put_off();
            Ok(snapshot)
        })
    }

    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        Box::pin(async move {
            let mut cluster = self.cluster.changes(until);
            loop {
                match select(cluster, Box::pin(self.poll())).await {
                    Either::Left((changes, _)) => return changes,
                    Either::Right((changes, waiting)) if changes.is_empty() => cluster = waiting,
                    Either::Right((changes, _)) => return Ok(changes),
                }
            }
        })
    }

    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        self.cluster.node(name)
    }

    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        self.cluster.pods_on(node)
    }

    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        self.cluster.attachments_on(node)
    }

    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        self.cluster.patch_node(name, patch)
    }

    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        self.cluster.suspend_node(name, suspended)
    }

    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        self.cluster.evict(pod, uid)
    }

    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        self.cluster.delete_pod(pod, uid)
    }

    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        self.cluster.delete_node(name, uid)
    }

    fn bootstrap_token(&self, node: &Name, until: Timestamp) -> Pending<'_, Token> {
        self.cluster.bootstrap_token(node, until)
    }

    fn revoke_token(&self, node: &Name) -> Pending<'_, ()> {
        self.cluster.revoke_token(node)
    }

    fn remember(&self, memory: &Memory) -> Pending<'_, (), ClusterError> {
        self.cluster.remember(memory)
    }

    fn note(&self, news: NodeNews) {
        self.cluster.note(news);
    }

    fn noted(&self) -> Pending<'_, ()> {
        self.cluster.noted()
    }
}

/// A cluster with the servers that were seen beside it; those that the list lacks are asked for by themselves, with what was
/// `known` of them before to fall back on. Where not all of them could be seen they are unknown, and `gaps` says why.
pub async fn with_servers(
    mut snapshot: Snapshot,
    mut survey: Survey,
    provider: &dyn Provider,
    known: &BTreeMap<Name, Server>,
) -> Snapshot {
    fill_in(provider, &snapshot, known, &mut survey).await;
    for kind in [Kind::Server, Kind::Flavor] {
        match survey.gaps.is_empty() {
            true => snapshot.observed.insert(kind),
            false => snapshot.observed.remove(&kind),
        };
    }
    if survey.gaps.is_empty() {
        // Node and server both gone: somebody took the machine out of service.
        let there = |node: &Node| survey.servers.iter().any(|server| behind(server, node));
        snapshot.nodes.retain(|node| !node.annotations.contains_key(keys::DELETED) || there(node));
    }
    snapshot.gaps.extend(survey.gaps);
    snapshot.servers = survey.servers;
    snapshot.flavors = survey.flavors;
    snapshot.quotas = survey.quotas;
    snapshot
}

/// Whether `server` may be the one behind `node`.
fn behind(server: &Server, node: &Node) -> bool {
    id_of(node) == Some(&*server.id) || *server.name == *node.name || server.node.as_ref() == Some(&node.name)
}

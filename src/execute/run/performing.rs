//! One act, done through the doors: what it answers, and what it showed of the world.

use crate::cloud::Provider;
use crate::cluster::{Cluster, ClusterError, keys};
use crate::execute::Clock;
use crate::execute::hooks::{Hooks, Occasion};
use crate::execute::machine::{Act, Answer, Trouble, TroubleKind};
use crate::model::{Change, Name, ServerOrder};
use crate::policy::TOKEN;

/// Everything that execution reaches the world through.
#[derive(Clone, Copy)]
pub struct Doors<'a> {
    /// The cluster.
    pub cluster: &'a dyn Cluster,
    /// The provider of the servers.
    pub provider: &'a dyn Provider,
    /// The time.
    pub clock: &'a dyn Clock,
    /// What the policy has called before a drain and after a wake.
    pub hooks: &'a dyn Hooks,
}

/// Does `act`. What was read on the way goes into the world before the answer goes to the machine.
pub async fn perform(act: Act, doors: Doors<'_>) -> (Answer, Vec<Change>) {
    let Doors { cluster, provider, .. } = doors;
    match act {
        Act::Patch { node, patch } => match cluster.patch_node(&node, &patch).await {
            Ok(node) => (Answer::Node(Box::new(node.clone())), vec![Change::Node(node)]),
            Err(error) => failed(error),
        },
        Act::List { node } => match cluster.pods_on(&node).await {
            Ok(pods) => (Answer::Pods(pods.clone()), pods.into_iter().map(Change::Pod).collect()),
            Err(error) => failed(error),
        },
        Act::ListVolumes { node } => match cluster.attachments_on(&node).await {
            Ok(found) => (Answer::Volumes(found.clone()), found.into_iter().map(Change::VolumeAttachment).collect()),
            Err(error) => failed(error),
        },
        Act::Evict { pod, uid, .. } => match cluster.evict(&pod, &uid).await {
            Ok(evicted) => (Answer::Evicted(evicted), Vec::new()),
            Err(error) => failed(error),
        },
        Act::Delete { pod, uid, .. } => match cluster.delete_pod(&pod, &uid).await {
            Ok(()) => (Answer::Done, Vec::new()),
            Err(error) => failed(error),
        },
        Act::Park { server, how, .. } => match provider.park(&server, how).await {
            Ok(()) => (Answer::Done, reread(&server, provider).await),
            Err(error) => (Answer::Failed(error.into()), reread(&server, provider).await),
        },
        Act::Wake { server, .. } => match provider.wake(&server).await {
            Ok(()) => (Answer::Done, reread(&server, provider).await),
            Err(error) => (Answer::Failed(error.into()), reread(&server, provider).await),
        },
        Act::Create { order, .. } => match with_token(*order, cluster).await {
            Ok(order) => match provider.create(&order).await {
                Ok(id) => (Answer::Done, reread(&id, provider).await),
                Err(error) => failed(error),
            },
            Err(error) => failed(error),
        },
        Act::RevokeToken { node } => match cluster.revoke_token(&node).await {
            Ok(()) => (Answer::Done, Vec::new()),
            Err(error) => failed(error),
        },
        Act::DeleteServer { server, .. } => match provider.delete(&server).await {
            Ok(()) => (Answer::Done, reread(&server, provider).await),
            Err(error) => (Answer::Failed(error.into()), reread(&server, provider).await),
        },
        Act::DeleteNode { node, uid } => match cluster.delete_node(&node, &uid).await {
            Ok(()) => (Answer::Done, vec![Change::NodeGone(node)]),
            Err(ClusterError::NotFound(what)) => {
                (Answer::Failed(ClusterError::NotFound(what).into()), vec![Change::NodeGone(node)])
            }
            Err(error) => failed(error),
        },
        Act::MarkServer { server, record, .. } => {
            match provider.set_metadata(&server, keys::SERVER_RECORD, record.as_ref()).await {
                Ok(()) => (Answer::Done, reread(&server, provider).await),
                Err(error) => failed(error),
            }
        }
        Act::Suspend { node, suspended } => match cluster.suspend_node(&node, suspended).await {
            Ok(node) => (Answer::Node(Box::new(node.clone())), vec![Change::Node(node)]),
            Err(error) => failed(error),
        },
        Act::ReadServer { server, .. } => match provider.server(&server).await {
            Ok(Some(found)) => (Answer::Server(Some(Box::new(found.clone()))), vec![Change::Server(found)]),
            Ok(None) => (Answer::Server(None), vec![Change::ServerGone(server)]),
            Err(error) => failed(error),
        },
        Act::Hook { node, pool, hook } => {
            let called = doors.hooks.call(&hook, &Occasion { node, pool }).await;
            match called {
                Ok(()) => (Answer::Done, Vec::new()),
                // Whatever it was: it is not called again by itself.
                Err(text) => failed(Trouble { kind: TroubleKind::Denied, text }),
            }
        }
        Act::Remember { memory } => match cluster.remember(&memory).await {
            Ok(()) => (Answer::Done, Vec::new()),
            Err(error) => failed(error),
        },
    }
}

/// The order with the token filled in that its user data asks for: known from here to the provider, and nowhere else.
async fn with_token(mut order: ServerOrder, cluster: &dyn Cluster) -> Result<ServerOrder, ClusterError> {
    if let Some(until) = order.token_until {
        let token = cluster.bootstrap_token(&order.name, until).await?;
        order.user_data = order.user_data.map(|text| text.filled(TOKEN, token.expose()));
    }
    Ok(order)
}

fn failed(trouble: impl Into<Trouble>) -> (Answer, Vec<Change>) {
    (Answer::Failed(trouble.into()), Vec::new())
}

/// What became of a server right after it was asked for something. If that cannot be read now, it will be later.
async fn reread(server: &Name, provider: &dyn Provider) -> Vec<Change> {
    match provider.server(server).await {
        Ok(Some(found)) => vec![Change::Server(found)],
        Ok(None) => vec![Change::ServerGone(server.clone())],
        Err(_) => Vec::new(),
    }
}

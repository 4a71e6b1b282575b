//! Servers that a list of all of them lacks: only the answer to a server's own id says that it is gone.
//!
//! A cloud may leave out of a list what it cannot see at the moment, and say nothing of that: Nova does so with the servers
//! of a cell that is down.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};

use super::{Provider, ProviderError, Survey};
use crate::cluster::keys;
use crate::model::{Name, Node, Server, Snapshot, counted};

/// Servers that are asked for side by side.
const AT_ONCE: usize = 8;
/// After so many questions without an answer no more are asked: each may take as long as the provider's deadline.
const ENOUGH: usize = 3;

/// What each was found to be; None is gone.
pub(super) type Answers = BTreeMap<Name, Result<Option<Server>, ProviderError>>;

/// Asks for each of these by its id.
pub(super) async fn ask(provider: &dyn Provider, ids: BTreeSet<Name>) -> Answers {
    let unanswered = Cell::new(0_usize);
    let one = async |id: Name| {
        if unanswered.get() >= ENOUGH {
            let text = format!("not asked, after {ENOUGH} others got no answer");
            return (id, Err(ProviderError::Unavailable(text)));
        }
        let answer = provider.server(&id).await;
        if matches!(&answer, Err(error) if !matches!(error, ProviderError::Forbidden(_))) {
            unanswered.set(unanswered.get() + 1);
        }
        (id, answer)
    };
    stream::iter(ids).map(one).buffer_unordered(AT_ONCE).collect().await
}

/// Completes a survey with the servers that it lacks though they were there before, or though a node that carries our
/// record or does not run names them: of those alone somebody would conclude something. One that cannot be had is a gap,
/// and as it was before if that is known.
pub(super) async fn fill_in(
    provider: &dyn Provider,
    snapshot: &Snapshot,
    known: &BTreeMap<Name, Server>,
    survey: &mut Survey,
) {
    // What the provider did not tell is not missing from what it told.
    if !survey.gaps.is_empty() {
        return;
    }
    let listed: BTreeSet<Name> = survey.servers.iter().map(|server| server.id.clone()).collect();
    let ours = |node: &Node| node.annotations.contains_key(keys::RECORD);
    let named: BTreeMap<Name, &Node> = snapshot
        .nodes
        .iter()
        .filter(|node| ours(node) || !node.ready())
        .filter_map(|node| Some((id_of(node)?.into(), node)))
        .collect();
    let lacking = named.keys().chain(known.keys()).filter(|id| !listed.contains(*id)).cloned().collect();
    let mut more = 0_u32;
    for (id, answer) in ask(provider, lacking).await {
        let node = named.get(&id);
        match answer {
            Ok(found) => survey.servers.extend(found),
            // Somebody else's server, as those of other projects are.
            Err(ProviderError::Forbidden(_)) if !known.contains_key(&id) && !node.is_some_and(|node| ours(node)) => {}
            Err(error) => {
                let of = node.map_or(String::new(), |node| format!(" of node {}", node.name));
                let gap = format!("the list of servers lacks server {id}{of}, and a look at it alone fails: {error}");
                match survey.gaps.len() < ENOUGH {
                    true => survey.gaps.push(gap),
                    false => more += 1,
                }
                survey.servers.extend(known.get(&id).cloned());
            }
        }
    }
    if more > 0 {
        survey.gaps.push(format!("of {} more that the list lacks nothing is known", counted(more, "server")));
    }
    survey.servers.sort_by(|a, b| a.id.cmp(&b.id));
}

/// The id of the server that a node says it runs on: the last part of its `spec.providerID`.
pub(super) fn id_of(node: &Node) -> Option<&str> {
    node.provider_id.as_deref().and_then(|id| id.rsplit('/').next()).filter(|id| !id.is_empty())
}

//! What was made and is no node, or was one: servers that never joined or are in error, and Nodes whose server is gone.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Created, Name, NodeMark, ServerState, World};
use crate::plan::members::{Member, State};
use crate::plan::{Code, Evidence, Reason};
use crate::policy::{Idle, Policy, Pool};

/// The mark by which a member's server is known to be made by Tidegate for this cluster.
fn mark_of(member: &Member, cluster: Option<&Name>) -> Option<Created> {
    let server = member.server.as_ref().filter(|server| !server.inferred)?;
    Created::of(server).filter(|made| made.is_for(cluster))
}

/// Until when a server that was made has to be a node (H8).
fn deadline(made: &Created, limit: SignedDuration) -> Timestamp {
    made.at.checked_add(limit).unwrap_or(Timestamp::MAX)
}

/// Whether a member that is to join has not in time.
fn overdue(policy: &Policy, member: &Member, cluster: Option<&Name>, now: Timestamp) -> bool {
    let made = mark_of(member, cluster).filter(|_| member.state == State::Joining);
    made.is_some_and(|made| now >= deadline(&made, policy.wake.join_timeout))
}

/// Why the server of a member is destroyed although it is no node that goes: it is of no use to anybody. None where it is
/// not ours, or where pods are on it.
pub fn remains(policy: &Policy, pool: &Pool, member: &Member, world: &World, now: Timestamp) -> Option<Reason> {
    let reason =
        |code, text: String| Reason { code, text, evidence: Evidence::default(), origin: Some(pool.origin.clone()) };
    if member.state == State::LeftOver && pool.idle == Idle::Delete {
        return Some(reason(Code::LeftOver, "its server is deleted, and only the Node is left".to_owned()));
    }
    let made = mark_of(member, world.cluster.as_ref())?;
    let busy = world.pods_on(&member.name).any(|pod| !pod.daemon() && !pod.mirror() && !pod.finished());
    let server = member.server.as_ref().filter(|server| !busy && server.task.is_none())?;
    let never = member.node.as_ref().is_none_or(|node| !node.ready());
    if server.state == ServerState::Error && never {
        let fault = server.fault.as_ref().map(|fault| format!(": {fault}")).unwrap_or_default();
        return Some(reason(Code::NeverJoined, format!("Tidegate made its server, which is in ERROR{fault}")));
    }
    overdue(policy, member, world.cluster.as_ref(), now).then(|| {
        let limit = policy.wake.join_timeout;
        let text = format!("Tidegate made its server at {}, and no node was Ready {limit:#} later", made.at);
        reason(Code::NeverJoined, text)
    })
}

/// Why the server of a node that is not needed is not deleted: nobody said that it is Tidegate's.
pub fn strange(pool: &Pool, member: &Member, world: &World) -> Option<Reason> {
    if pool.idle != Idle::Delete || pool.adopt || mark_of(member, world.cluster.as_ref()).is_some() {
        return None;
    }
    // What was begun when it was ours goes on.
    let begun =
        member.record.as_ref().is_some_and(|record| record.mark == NodeMark::Draining) && member.server.is_none();
    (!begun).then(|| Reason {
        code: Code::NotOurs,
        text: "not needed, but its server was not made by Tidegate, so it is not deleted".to_owned(),
        evidence: Evidence::default(),
        origin: pool.origins.get("idle").cloned(),
    })
}

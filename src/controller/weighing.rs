//! Which changes are decided about at once, and which can wait for the next look.

use std::sync::Arc;

use crate::model::{Change, Node, Pod, World, keys};

/// What matters at once of a node: whether pods can come to it, and who says so.
fn standing(node: &Node) -> (bool, bool, Option<&str>, Option<&str>) {
    let note = |key: &str| node.annotations.get(key).map(|value| &**value);
    (node.ready(), node.unschedulable, note(keys::RECORD), note(keys::HOLD))
}

/// A pod that the scheduler found no node for.
fn refused(pod: &Pod) -> bool {
    pod.marked_unschedulable && pod.node.is_none() && !pod.terminating()
}

/// Whether a change is decided about at once: a pod that no node takes, a node that comes, goes or changes sides, a server.
/// `world` is as it was before the change.
pub fn urgent(change: &Change, world: &World) -> bool {
    match change {
        Change::Pod(pod) => refused(pod) && !world.pods.get(&pod.key).is_some_and(|before: &Arc<Pod>| refused(before)),
        Change::Node(node) => world.nodes.get(&node.name).is_none_or(|before| standing(before) != standing(node)),
        Change::NodeGone(_) | Change::ServerGone(_) => true,
        Change::Server(server) => world
            .servers
            .get(&server.id)
            .is_none_or(|before| (&before.state, &before.task) != (&server.state, &server.task)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Name, PodKey, Snapshot};

    fn pod(refused: bool, bound: bool) -> Pod {
        let mut pod = Pod::new(PodKey::new("web", "a"), Arc::default());
        pod.marked_unschedulable = refused;
        pod.node = bound.then(|| Name::from("n"));
        pod
    }

    /// A pod is decided about when it becomes unschedulable, and not each time that the scheduler says so again.
    #[test]
    fn a_pod_is_urgent_once() {
        let mut world = World::build(Snapshot::default());
        assert!(!urgent(&Change::Pod(pod(false, false)), &world), "the scheduler has not looked yet");
        let refused = Change::Pod(pod(true, false));
        assert!(urgent(&refused, &world));
        world.apply(refused.clone());
        assert!(!urgent(&refused, &world));
        assert!(!urgent(&Change::Pod(pod(true, true)), &world), "it has a node now");
    }

    #[test]
    fn a_node_is_urgent_when_it_changes_sides() {
        let mut world = World::build(Snapshot::default());
        let node = |unschedulable: bool, note: &str| {
            let seen = crate::observe::from_values([serde_json::json!({"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": "n", "annotations": {"other": note}}, "spec": {"unschedulable": unschedulable}})]);
            Change::Node(seen.nodes[0].clone())
        };
        assert!(urgent(&node(false, "a"), &world));
        world.apply(node(false, "a"));
        assert!(!urgent(&node(false, "b"), &world), "heartbeats and notes of others can wait");
        assert!(urgent(&node(true, "a"), &world));
        assert!(urgent(&Change::NodeGone("n".into()), &world));
    }
}

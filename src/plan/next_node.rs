//! One more node of a kind: how it would look before it exists.

use crate::model::{Name, Node, World};
use crate::placement::Site;

const HOSTNAME: &str = "kubernetes.io/hostname";

/// Adds a node like `like` to `site`, Ready, with the pods that come with every node alone. Not undone by a roll-back.
pub fn join_next(site: &mut Site, world: &World, like: &Node, name: &Name) {
    let mut node = Node { name: name.clone(), ..like.clone() };
    let mut labels = (*node.labels).clone();
    if let Some(host) = labels.get_mut(HOSTNAME) {
        *host = name.clone();
    }
    node.labels = labels.into();
    site.join(node);
    site.open(name);
    for daemon in world.pods_on(&like.name).filter(|pod| pod.daemon() || pod.mirror()) {
        site.place(daemon, name);
    }
}

//! The room of nodes whose servers run: the only ones that are a home for what moves.

use std::collections::BTreeMap;

use crate::model::{Name, World};
use crate::placement::Site;

/// Nodes whose servers do not run, or are about to go, each with why.
pub fn off(world: &World) -> BTreeMap<Name, String> {
    let nodes = world.nodes.values();
    nodes.filter_map(|node| Some((node.name.clone(), world.server_is_off(node)?))).collect()
}

/// The simulated cluster, in which such nodes take no pods until they are opened again.
pub fn site(world: &World) -> Site {
    let mut site = Site::new(world);
    off(world).keys().for_each(|node| site.close(node));
    site
}

//! What is ours outside of a Node's marks goes before they do: the record in the server's metadata, and the condition.

use jiff::Timestamp;

use super::act::Act;
use super::course::{Course, PATIENCE};
use super::desk::Desk;
use crate::cluster::keys;
use crate::execute::event::EventKind;
use crate::model::{SUSPENDED, World};

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tidy {
    /// The server's metadata.
    #[default]
    Server,
    /// The Node's condition.
    Condition,
    /// Nothing is left.
    Done,
}

impl Course {
    /// Goes on tidying up. What cannot be taken away is said, and hinders nothing.
    pub(super) fn tidy(&mut self, mut at: Tidy, desk: &mut Desk, world: &World, now: Timestamp) -> Tidy {
        loop {
            let node = world.nodes.get(&self.node);
            let (left, act, next) = match at {
                Tidy::Done => return at,
                Tidy::Server => {
                    let server = self.server(world);
                    let found = server.as_ref().and_then(|id| world.servers.get(id));
                    let left = found.is_some_and(|server| server.metadata.contains_key(keys::SERVER_RECORD));
                    let (node, server) = (self.node.clone(), server.unwrap_or_default());
                    (left, Act::MarkServer { node, server, record: None }, Tidy::Condition)
                }
                Tidy::Condition => {
                    let left = node.is_some_and(|node| node.condition(SUSPENDED).is_some());
                    (left, Act::Suspend { node: self.node.clone(), suspended: false }, Tidy::Done)
                }
            };
            if left || !self.free() {
                match self.perform(desk, act, PATIENCE, now) {
                    None => return at,
                    Some(Ok(_)) => {}
                    Some(Err(trouble)) => {
                        let text = format!("{} carries something of ours still: {}", self.node, trouble.text);
                        desk.tell(self.event(EventKind::Warning, now, text));
                    }
                }
            }
            at = next;
        }
    }
}

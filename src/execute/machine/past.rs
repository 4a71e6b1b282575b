//! What the journal of an execution that was cut short says of one node: what was asked of its server, and what came of it.

use jiff::Timestamp;

use super::act::{Answer, Trouble};
use super::coming::Coming;
use super::course::{Course, Way};
use super::desk::Desk;
use super::leaving::Leaving;
use super::parking::{Offload, Parking};
use crate::cluster::NodeMark;
use crate::model::World;

/// What came of asking, as far as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nobody knows whether the provider heard it.
    Unknown,
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused(Trouble),
}

/// The last time that a server was asked to go or to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When; once it was accepted, when that was.
    pub at: Timestamp,
    /// What came of it.
    pub reply: Reply,
}

/// What was begun with a node and is not in the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Its server was asked to be parked.
    pub park: Option<Asked>,
    /// Its server was asked to be woken.
    pub wake: Option<Asked>,
    /// Since when it is being woken, by the mark that was written.
    pub woken: Option<Timestamp>,
    /// Since when it was being woken, and when our mark was taken off.
    pub opened: Option<(Timestamp, Timestamp)>,
    /// Its wake failed, and that is in the memory: what is left is to put it to sleep again.
    pub failed: bool,
}

impl Past {
    /// Since when its server is to be parked, if the provider was asked. Where nobody knows whether it heard, what came of
    /// it tells: `trace` is whether anything did.
    pub fn parking(&self, trace: bool) -> Option<Timestamp> {
        self.park.as_ref().filter(|asked| asked.reply != Reply::Unknown || trace).map(|asked| asked.at)
    }
}

impl Course {
    /// Whether the server shows that it was asked for something: it has a task, sleeps, or something went wrong with it.
    fn trace(&self, world: &World) -> bool {
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        server.is_some_and(|server| server.task.is_some() || server.state.parked() || server.fault.is_some())
    }

    /// Goes on where its server was asked to be parked: the time runs from then, and a refusal counts once.
    pub(super) fn go_on_parking(&mut self, desk: &mut Desk, world: &World) -> Option<Way> {
        let since = self.past.parking(self.trace(world)).filter(|_| self.mark(world) == Some(NodeMark::Draining))?;
        let reply = self.past.park.take().map(|asked| asked.reply);
        Some(match reply {
            Some(Reply::Refused(trouble)) => {
                let way = self.go(desk, Way::Leaving(Leaving::Park(Parking::Ask)));
                self.told(Answer::Failed(trouble));
                way
            }
            _ => self.go(desk, Way::Leaving(Leaving::Park(Parking::Watch(since, Offload::Unseen)))),
        })
    }

    /// Goes on where its server was asked to be woken.
    pub(super) fn go_on_waking(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Option<Way> {
        // What went wrong with it may be of an earlier time, where it failed then.
        let before = desk.memory.nodes.get(&self.node).is_some_and(|memory| memory.wake_failure.is_some());
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        let trace = server.is_some_and(|server| {
            server.task.is_some() || !server.state.parked() || (server.fault.is_some() && !before)
        });
        let asked = self.past.wake.take().filter(|asked| asked.reply != Reply::Unknown || trace)?;
        Some(match asked.reply {
            Reply::Refused(trouble) => {
                let way = self.go(desk, Way::Coming(Coming::Wake));
                self.told(Answer::Failed(trouble));
                way
            }
            _ => {
                let since = match self.mark(world) {
                    Some(NodeMark::Waking) => self.woken_since(world, now),
                    _ => asked.at,
                };
                self.go(desk, Way::Coming(Coming::Boot(since, None)))
            }
        })
    }
}

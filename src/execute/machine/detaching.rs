//! Between the last pod and the end of its server: volumes are let go, balancers have noticed, and a last list shows none.

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Answer};
use super::course::{Course, PATIENCE, Way};
use super::desk::{Desk, later};
use super::leaving::Leaving;
use super::parking::Parking;
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, PersistentVolume, Server, World};

/// Volumes must be detached so long after the last pod is gone; Kubernetes itself gives up after six minutes.
const DETACH_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);

impl Course {
    pub(super) fn detach(
        &mut self,
        since: Timestamp,
        told: bool,
        desk: &mut Desk,
        world: &World,
        now: Timestamp,
    ) -> Way {
        if !self.ends_server() {
            return self.done(desk, now);
        }
        if let Some(way) = self.taken_back(desk, world, now) {
            return way;
        }
        if self.halted(desk, now) {
            return self.leave_undone(desk, now);
        }
        let attachment = world.attachments.values().find(|attachment| attachment.node == self.node);
        let attached =
            attachment.map(|attachment| attachment.volume.clone().unwrap_or_else(|| attachment.name.clone()));
        let server = self.server(world).and_then(|id| world.servers.get(&id));
        let held = server.and_then(|server| disk_on(server, world));
        let Some(volume) = attached.clone().or_else(|| held.clone()) else {
            let until = if world.balanced() { later(now, desk.settings.drain.traffic_grace) } else { now };
            return self.go(desk, Way::Leaving(Leaving::Grace(until)));
        };
        let deadline = later(since, DETACH_TIMEOUT);
        if now >= deadline {
            let whose = if attached.is_some() { "" } else { " at the provider" };
            let why =
                format!("volume {volume} was still attached{whose} {DETACH_TIMEOUT:#} after the last pod was gone");
            return self.fail(desk, now, None, &why);
        }
        desk.wake_at(deadline);
        if !told {
            let text = format!("{} waits for volume {volume} to be detached, until {deadline} at most", self.node);
            desk.tell(Event { until: Some(deadline), ..self.event(EventKind::Waiting, now, text) });
        }
        if let (None, Some(_), Some(server)) = (attached, held, server) {
            let trouble = self.look_at_server(server.id.clone(), desk, now);
            if let Some(trouble) = trouble {
                let why = format!("the volumes of {} cannot be seen: {}", self.node, trouble.text);
                return self.not_let_in_to_park(&why, desk, now);
            }
        }
        Way::Leaving(Leaving::Detach(since, true))
    }

    pub(super) fn grace(&mut self, until: Timestamp, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        if let Some(way) = self.taken_back(desk, world, now) {
            return way;
        }
        if now >= until {
            return self.go(desk, Way::Leaving(Leaving::LastVolumes));
        }
        desk.wake_at(until);
        Way::Leaving(Leaving::Grace(until))
    }

    /// One that no watch has told of is waited for like any other; it is in the world by now.
    pub(super) fn last_volumes(&mut self, desk: &mut Desk, now: Timestamp) -> Way {
        let act = Act::ListVolumes { node: self.node.clone() };
        match self.perform(desk, act, PATIENCE, now) {
            None => Way::Leaving(Leaving::LastVolumes),
            Some(Ok(Answer::Volumes(found))) => {
                let next = match found.first() {
                    Some(volume) if self.mends() => {
                        let volume = volume.volume.as_ref().unwrap_or(&volume.name);
                        let why =
                            format!("volume {volume} is attached to {} and would stay with its server", self.node);
                        return self.fail(desk, now, None, &why);
                    }
                    Some(_) => Leaving::Detach(now, false),
                    None if self.mends() => Leaving::Park(Parking::Mark),
                    None => Leaving::LastLook,
                };
                self.go(desk, Way::Leaving(next))
            }
            Some(Ok(_)) => self.fail(desk, now, None, "the attached volumes could not be listed: no list came back"),
            Some(Err(trouble)) => {
                let why = format!("the volumes attached to {} could not be listed: {}", self.node, trouble.text);
                self.fail(desk, now, None, &why)
            }
        }
    }
}

/// A volume of Kubernetes' that the provider still has attached to the server: its attachments may outlive the
/// VolumeAttachments (H27). Other volumes are the server's own and stay with it.
fn disk_on(server: &Server, world: &World) -> Option<Name> {
    let of =
        |volume: &&PersistentVolume| volume.disk.as_ref().is_some_and(|disk| server.volumes.contains(&disk.handle));
    if server.volumes.is_empty() { None } else { world.volumes.values().find(of).map(|volume| volume.name.clone()) }
}

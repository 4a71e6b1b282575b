//! A server that is made: asked for once, seen to run, its node seen to join; destroyed again if it does not (H8).

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, TroubleKind};
use super::coming::Coming;
use super::course::{Course, PATIENCE, Way};
use super::deleting::Deleting;
use super::desk::{Desk, later};
use crate::execute::event::EventKind;
use crate::model::{CapacityType, Created, Name, Server, ServerOrder, ServerState, Setback, UserData, World, offering};
use crate::plan::{Creation, Step, Verb};
use crate::policy::{Template, VARIABLES};

/// A bootstrap token outlives the time to join by so much: the asking takes time too.
const TOKEN_LEFT: SignedDuration = SignedDuration::from_mins(10);
/// A provider shows what it has accepted within so long.
const SHOWN: SignedDuration = SignedDuration::from_mins(1);

/// How far the making is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Making {
    /// The provider is asked.
    Ask,
    /// It accepted; since when.
    Join(Timestamp),
    /// Its bootstrap token is taken back; and then.
    Revoke(After),
    /// It came to nothing: what there is of it is destroyed.
    Undo(Deleting),
}

/// What follows when the bootstrap token is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The node has joined; since when its server was made.
    Joined(Timestamp),
    /// It was up already.
    Up,
    /// Nothing was made.
    End,
    /// What was made is destroyed.
    Undo,
}

impl Course {
    /// Whether this node's server is made, or was made and has not joined.
    pub(super) fn makes(&self, world: &World) -> bool {
        let makes = |step: &Step| step.verb == Verb::Create || step.creation.is_some();
        self.steps.iter().any(makes) || self.step(Verb::Wake).is_none() && self.made(world).is_some()
    }

    /// The server that Tidegate made for this node and cluster.
    pub(super) fn made<'a>(&self, world: &'a World) -> Option<(&'a Server, Created)> {
        let node = world.nodes.get(&self.node).map(AsRef::as_ref);
        let server = world.find_server(&self.node, node).ok().flatten().filter(|server| !server.inferred)?;
        let made = Created::of(server).filter(|made| made.is_for(world.cluster.as_ref()))?;
        Some((server, made))
    }

    /// What was bought: as the plan says, or where it is not known any more as the server does.
    fn offered(&self, server: &Server) -> Name {
        let planned = self.steps.iter().find_map(|step| step.creation.as_ref());
        planned.filter(|creation| *creation.flavor == *server.flavor).map_or_else(
            || offering(&server.flavor, server.zone.as_deref(), CapacityType::of(server)),
            |creation| creation.offering(),
        )
    }

    /// Whether the server is Active and its node Ready.
    fn joined(&self, world: &World) -> bool {
        let runs =
            self.made(world).is_some_and(|(server, _)| server.state == ServerState::Active && server.task.is_none());
        runs && world.nodes.get(&self.node).is_some_and(|node| node.ready())
    }

    pub(super) fn look_before_making(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let node = world.nodes.get(&self.node);
        if let Some((_, made)) = self.made(world) {
            // Somebody, or an execution that was cut short, has done it, or is at it.
            if self.joined(world) {
                return self.revoke_or_go_on(After::Up, desk, now);
            }
            self.begin(desk, Verb::Create, now, format!("the server of {} was asked for at {}", self.node, made.at));
            return self.go(desk, Way::Coming(Coming::Make(Making::Join(made.at))));
        }
        if node.is_some() {
            let why = format!("a node called {} is there already, and Tidegate did not make its server", self.node);
            return self.stay(desk, now, &why);
        }
        if self.step(Verb::Create).is_none() {
            let why = format!("the server that was made for {} is not there any more", self.node);
            return self.stay(desk, now, &why);
        }
        self.go(desk, Way::Coming(Coming::Turn))
    }

    pub(super) fn make(&mut self, phase: Making, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        match phase {
            Making::Ask => self.order(desk, world, now),
            Making::Join(since) => self.join(since, desk, world, now),
            Making::Revoke(after) => self.revoke(after, desk, now),
            Making::Undo(phase) => match self.destroy(phase, desk, world, now) {
                Ok(phase) => Way::Coming(Coming::Make(Making::Undo(phase))),
                Err(None) => self.go(desk, Way::Ended),
                Err(Some(why)) => {
                    desk.tell(self.event(EventKind::Warning, now, format!("{why}; the next plan shows what is left")));
                    self.go(desk, Way::Ended)
                }
            },
        }
    }

    fn order(&mut self, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let Some(order) = self.server_order(desk, world, now) else {
            let why = format!("the policy does not say any more how servers of pool {} are made", self.pool);
            return self.stay(desk, now, &why);
        };
        let flavor = order.flavor.clone();
        let offered = offering(&flavor, order.zone.as_deref(), order.capacity_type);
        match self.perform(desk, Act::Create { node: self.node.clone(), order: Box::new(order) }, PATIENCE, now) {
            None => Way::Coming(Coming::Make(Making::Ask)),
            Some(Ok(_)) => self.go(desk, Way::Coming(Coming::Make(Making::Join(now)))),
            Some(Err(trouble)) => {
                let scarce = match trouble.kind {
                    TroubleKind::NoCapacity => Some(offered),
                    TroubleKind::Quota => Some(flavor),
                    _ => None,
                };
                let why = format!("{} could not be made: {}", self.node, trouble.text);
                self.not_made(scarce.as_ref(), &why, desk, now);
                self.revoke_or_go_on(After::End, desk, now)
            }
        }
    }

    fn server_order(&self, desk: &Desk, world: &World, now: Timestamp) -> Option<ServerOrder> {
        let settings = self.settings(desk)?;
        let template = settings.create.as_ref()?;
        let creation = self.steps.iter().find_map(|step| step.creation.as_ref())?;
        let name = |text: &str| Name::from(text);
        let mut node = creation.shape();
        let machine = template.catalog.as_ref().and_then(|catalog| catalog.flavor(&creation.flavor));
        if let Some(machine) = machine {
            node.capacity.raise_to(&machine.capacity);
        }
        Some(ServerOrder {
            name: self.node.clone(),
            provider: settings.provider.clone().unwrap_or_default(),
            flavor: name(&creation.flavor),
            zone: creation.zone.as_deref().map(name),
            capacity_type: creation.bought(),
            image: template.image.clone(),
            networks: template.networks.clone(),
            key_pair: template.key_pair.clone(),
            security_groups: template.security_groups.clone(),
            user_data: self.user_data(template, creation, world),
            token_until: template
                .wants_token()
                .then(|| later(now, desk.settings.wake.join_timeout.saturating_add(TOKEN_LEFT))),
            boot_volume: template.boot_volume,
            server_group: template.server_group.clone(),
            created: Created {
                cluster: world.cluster.clone(),
                policy: desk.settings.policy.clone(),
                pool: self.pool.clone(),
                at: now,
            },
            node,
        })
    }

    /// The user data with its variables filled in, but for the token: that is nothing to be written down.
    fn user_data(&self, template: &Template, creation: &Creation, world: &World) -> Option<UserData> {
        let mut data = UserData::from(template.user_data.clone()?);
        let cluster = world.cluster.as_deref().unwrap_or_default();
        let zone = creation.zone.as_deref().unwrap_or_default();
        let how = creation.bought().word();
        let values = [&*self.node, &*self.pool, &creation.flavor, zone, cluster, how];
        for ((variable, _), value) in VARIABLES.iter().zip(values) {
            data = data.filled(variable, value);
        }
        Some(data)
    }

    fn join(&mut self, since: Timestamp, desk: &mut Desk, world: &World, now: Timestamp) -> Way {
        let waits = Way::Coming(Coming::Make(Making::Join(since)));
        let deadline = later(since, desk.settings.wake.join_timeout);
        let Some((server, _)) = self.made(world) else {
            let shown = later(since, SHOWN);
            if now < shown {
                desk.wake_at(shown);
                return waits;
            }
            return self.made_in_vain(None, &format!("the server of {} is not there any more", self.node), desk, now);
        };
        let (id, state, moves) = (server.id.clone(), server.state, server.task.is_some());
        let fault = server.fault.as_ref().map_or(String::new(), |fault| format!(": {fault}"));
        if state == ServerState::Error {
            let scarce = match server.setback {
                Some(Setback::NoHost) => Some(self.offered(server)),
                Some(Setback::Quota) => Some(server.flavor.clone()),
                _ => None,
            };
            let why = format!("the server of {} came to nothing{fault}", self.node);
            return self.made_in_vain(scarce.as_ref(), &why, desk, now);
        }
        if state == ServerState::Active && !moves {
            self.begin(desk, Verb::Wait, now, format!("server of {} is ACTIVE; waiting for its node", self.node));
            if self.joined(world) {
                return self.go(desk, Way::Coming(Coming::Settle(since, now)));
            }
        }
        if now >= deadline && !self.busy() {
            let there = if world.nodes.contains_key(&self.node) { "was not Ready" } else { "did not join the cluster" };
            let limit = desk.settings.wake.join_timeout;
            let why = format!("{} {there} {limit:#} after it was made; its server is {state}{fault}", self.node);
            return self.made_in_vain(None, &why, desk, now);
        }
        desk.wake_at(deadline);
        let looks = state != ServerState::Active || moves;
        match looks.then(|| self.look_at_server(id, desk, now)).flatten() {
            Some(trouble) => self.out_of_sight(&trouble, desk, now),
            None => waits,
        }
    }

    /// What there is of it goes again; where the provider had none of `what`, others of the pool may still be had.
    pub(super) fn made_in_vain(&mut self, what: Option<&Name>, why: &str, desk: &mut Desk, now: Timestamp) -> Way {
        self.not_made(what, why, desk, now);
        desk.forget(&self.pool, &self.node);
        self.revoke_or_go_on(After::Undo, desk, now)
    }

    /// Takes the bootstrap token back, if there may be one; else what follows at once.
    pub(super) fn revoke_or_go_on(&mut self, after: After, desk: &mut Desk, now: Timestamp) -> Way {
        let template = self.settings(desk).and_then(|settings| settings.create.as_ref());
        match template.is_some_and(Template::wants_token) {
            true => self.go(desk, Way::Coming(Coming::Make(Making::Revoke(after)))),
            false => self.after_token(after, desk, now),
        }
    }

    fn revoke(&mut self, after: After, desk: &mut Desk, now: Timestamp) -> Way {
        match self.perform(desk, Act::RevokeToken { node: self.node.clone() }, PATIENCE, now) {
            None => return Way::Coming(Coming::Make(Making::Revoke(after))),
            Some(Ok(_)) => {}
            Some(Err(trouble)) => {
                let text = format!(
                    "the bootstrap token of {} was not removed, and ends by itself within {:#}: {}",
                    self.node,
                    desk.settings.wake.join_timeout.saturating_add(TOKEN_LEFT),
                    trouble.text
                );
                desk.tell(self.event(EventKind::Warning, now, text));
            }
        }
        self.after_token(after, desk, now)
    }

    fn after_token(&mut self, after: After, desk: &mut Desk, now: Timestamp) -> Way {
        match after {
            After::Joined(since) => self.go(desk, Way::Coming(Coming::Hook(since, 0))),
            After::Up => self.done(desk, now),
            After::End => self.go(desk, Way::Ended),
            After::Undo => self.go(desk, Way::Coming(Coming::Make(Making::Undo(Deleting::Ask)))),
        }
    }

    fn not_made(&mut self, what: Option<&Name>, why: &str, desk: &mut Desk, now: Timestamp) {
        let next = match what {
            Some(what) => desk.refuse(&self.pool, what, why, now),
            None => desk.back_off_pool(&self.pool, now),
        };
        let what = what.map(|what| format!("{what} is ")).unwrap_or_default();
        self.give_up(desk, now, true, None, &format!("{why}; {what}not tried again before {next}"));
    }

    /// It is in use: its flavor can be had.
    pub(super) fn has_joined(&self, desk: &mut Desk, world: &World) {
        let whats = self.made(world).map(|(server, _)| [self.offered(server), server.flavor.clone()]);
        for what in whats.into_iter().flatten() {
            if desk.memory.pools.get(&self.pool).is_some_and(|pool| pool.refused.contains_key(&what)) {
                desk.remember_pool(&self.pool).refused.remove(&what);
            }
        }
    }
}

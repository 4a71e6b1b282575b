//! The cloud: servers are parked and woken with OpenStack's states, tasks and latencies.

use jiff::SignedDuration;

use super::latency::Delay;
use super::state::{Event, Sim};
use crate::cloud::ProviderError;
use crate::model::{Name, Server, ServerState, Setback};
use crate::policy::Idle;
use crate::sandbox::faults::{Ends, Fault, FaultKind, Occasion};

/// Tasks that end in ACTIVE.
const WAKING: [&str; 4] = ["unshelving", "powering-on", "resuming", "unpausing"];

/// The task that parks in this way, but for `shelve`, which has several.
fn parking_task(how: Idle) -> Option<&'static str> {
    match how {
        Idle::Stop => Some("powering-off"),
        Idle::Suspend => Some("suspending"),
        Idle::Shelve | Idle::Delete => None,
    }
}

/// A change of a server on its way.
struct Task {
    delay: Delay,
    word: &'static str,
    end: ServerState,
}

impl Sim {
    /// Parks a server. Accepted at once; the outcome is observed.
    ///
    /// # Errors
    /// It is not there, is busy or in a state that cannot be parked, or `how` is `delete`.
    pub fn park(&mut self, id: &Name, how: Idle) -> Result<(), ProviderError> {
        if let Some(task) = self.task_of(id)
            && (task.starts_with("shelving") || Some(task) == parking_task(how))
        {
            return Ok(());
        }
        let server = self.idle_server(id)?;
        let task = match how {
            Idle::Shelve => Task { delay: Delay::Shelve, word: "shelving", end: ServerState::ShelvedOffloaded },
            Idle::Stop => Task { delay: Delay::PowerOff, word: "powering-off", end: ServerState::Shutoff },
            Idle::Suspend => Task { delay: Delay::Suspend, word: "suspending", end: ServerState::Suspended },
            Idle::Delete => return Err(ProviderError::Unsupported("delete servers".into())),
        };
        let deeper = how == Idle::Shelve
            && matches!(
                server.state,
                ServerState::Shutoff | ServerState::Suspended | ServerState::Paused | ServerState::Shelved
            );
        if server.state.parked() && !deeper {
            return Ok(());
        }
        if server.state != ServerState::Active && !deeper {
            return Err(wrong_state(&server, how.verb()));
        }
        let fault = self.strike(&self.server_targets(&server), Occasion::Park);
        let kind = fault.as_ref().map(|fault| fault.kind);
        if kind == Some(FaultKind::Locked) {
            return Err(locked(id));
        }
        if server.state == ServerState::Shelved {
            return self.offload(server, fault.as_ref());
        }
        let total = Self::slowed(task.delay.of(&server.name), fault.as_ref());
        if let Some(node) = self.node_of.get(id).cloned() {
            let cut = if how == Idle::Shelve { total.min(SignedDuration::from_secs(20)) / 2 } else { total / 2 };
            self.after(cut, Event::NodeDown(node));
        }
        let mut stage = |after, state, word: Option<&str>, fault: Option<&str>| {
            let event =
                Event::Server { id: id.clone(), state, task: word.map(Name::from), fault: fault.map(Name::from) };
            self.after(after, event);
        };
        match kind {
            Some(FaultKind::Stuck) => {}
            Some(FaultKind::KeepShelved) if how == Idle::Shelve => stage(total, ServerState::Shelved, None, None),
            Some(FaultKind::Error) => {
                let back = fault.as_ref().is_some_and(|fault| fault.ends == Ends::Active);
                let state = if back { ServerState::Active } else { ServerState::Error };
                stage(total, state, None, Some(&format!("{} failed", task.word)));
            }
            _ if how == Idle::Shelve => {
                stage(total / 2, server.state, Some("shelving_image_uploading"), None);
                stage(total - total / 20, ServerState::Shelved, Some("shelving_offloading"), None);
                stage(total, task.end, None, None);
            }
            _ => stage(total, task.end, None, None),
        }
        self.begin(server, task.word);
        Ok(())
    }

    /// Wakes a server. Accepted at once; the outcome is observed.
    ///
    /// # Errors
    /// It is not there, is busy or in `ERROR`, or a fault refuses it for want of quota.
    pub fn wake(&mut self, id: &Name) -> Result<(), ProviderError> {
        if self.task_of(id).is_some_and(|task| WAKING.contains(&task)) {
            return Ok(());
        }
        let server = self.idle_server(id)?;
        let (delay, word) = match server.state {
            ServerState::Active => return Ok(()),
            ServerState::Shelved | ServerState::ShelvedOffloaded => (Delay::Unshelve, "unshelving"),
            ServerState::Shutoff => (Delay::PowerOn, "powering-on"),
            ServerState::Suspended => (Delay::Resume, "resuming"),
            ServerState::Paused => (Delay::Resume, "unpausing"),
            _ => return Err(wrong_state(&server, "wake")),
        };
        let fault = self.strike(&self.server_targets(&server), Occasion::Wake);
        let total = Self::slowed(delay.of(&server.name), fault.as_ref());
        let (state, words) = match fault.as_ref().map(|fault: &Fault| fault.kind) {
            Some(FaultKind::Quota) => {
                let why = "Quota exceeded for cores".to_owned();
                return Err(ProviderError::Quota { server: id.to_string(), why });
            }
            Some(FaultKind::Locked) => return Err(locked(id)),
            Some(FaultKind::NoImage) => {
                (Some(ServerState::Error), Some("Unshelve attempted but the image cannot be found.".to_owned()))
            }
            Some(FaultKind::Error) => (Some(ServerState::Error), Some(format!("{word} failed"))),
            Some(FaultKind::NoValidHost) => (Some(server.state), Some("No valid host was found.".to_owned())),
            Some(FaultKind::Stuck) => (None, None),
            _ => (Some(ServerState::Active), None),
        };
        if let Some(state) = state {
            self.after(total, Event::Server { id: id.clone(), state, task: None, fault: words.map(Name::from) });
        }
        let elsewhere = fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::OtherZone);
        let zone = if elsewhere { Some("elsewhere".into()) } else { server.zone.clone() };
        self.begin(Server { zone, ..server }, word);
        Ok(())
    }

    /// The second half of shelving, where the first did not bring it.
    /// A slow one is accepted and waits in the cloud's queue, where nothing is seen of it.
    fn offload(&mut self, server: Server, fault: Option<&Fault>) -> Result<(), ProviderError> {
        if fault.is_some_and(|fault| fault.kind == FaultKind::KeepShelved) {
            let what = format!("offload server {}: the cloud keeps that for administrators", server.id);
            return Err(ProviderError::Forbidden(what));
        }
        let took = Self::slowed(Delay::Shelve.of(&server.name) / 20, fault);
        let (id, state) = (server.id.clone(), ServerState::ShelvedOffloaded);
        self.after(took, Event::Server { id, state, task: None, fault: None });
        if fault.is_none() {
            self.begin(server, "shelving_offloading");
        }
        Ok(())
    }

    /// Sets one key of a server's metadata, or removes it.
    ///
    /// # Errors
    /// The server is not there.
    pub fn set_metadata(&mut self, id: &Name, key: Name, value: Option<Name>) -> Result<(), ProviderError> {
        let found = self.world.servers.get(id).ok_or_else(|| ProviderError::NotFound(id.to_string()))?;
        let mut server = (**found).clone();
        match value {
            Some(value) => drop(server.metadata.insert(key, value)),
            None => drop(server.metadata.remove(&key)),
        }
        self.put_server(server);
        Ok(())
    }

    fn begin(&mut self, mut server: Server, word: &str) {
        server.task = Some(word.into());
        (server.fault, server.setback) = (None, None);
        self.put_server(server);
    }

    /// A server reaches a stage of what is done to it.
    pub(super) fn server_stage(&mut self, id: &Name, state: ServerState, task: Option<Name>, fault: Option<Name>) {
        let Some(server) = self.world.servers.get(id) else { return };
        let mut server = (**server).clone();
        if server.state != state {
            server.since = Some(self.now);
        }
        let runs = state == ServerState::Active && task.is_none();
        (server.state, server.task) = (state, task);
        server.setback = fault.as_deref().map(|fault| setback(fault, state));
        server.fault = fault;
        self.put_server(server);
        if let Some(node) = self.node_of.get(id).cloned().filter(|_| runs) {
            self.join_soon(&node, id);
        }
    }

    fn task_of(&self, id: &Name) -> Option<&str> {
        self.world.servers.get(id).and_then(|server| server.task.as_deref())
    }

    fn idle_server(&self, id: &Name) -> Result<Server, ProviderError> {
        let server = self.world.servers.get(id).ok_or_else(|| ProviderError::NotFound(id.to_string()))?;
        match &server.task {
            Some(task) => {
                Err(ProviderError::WrongState { server: id.to_string(), why: format!("it is in task_state {task}") })
            }
            None => Ok((**server).clone()),
        }
    }

    fn server_targets(&self, server: &Server) -> Vec<String> {
        let node = self.node_of.get(&server.id).unwrap_or(&server.name);
        vec![format!("server/{}", server.name), format!("server/{}", server.id), format!("node/{node}")]
    }
}

fn wrong_state(server: &Server, verb: &str) -> ProviderError {
    ProviderError::WrongState {
        server: server.id.to_string(),
        why: format!("cannot {verb} it while it is in vm_state {}", server.state),
    }
}

fn locked(id: &Name) -> ProviderError {
    ProviderError::Locked { server: id.to_string(), why: format!("Instance {id} is locked") }
}

/// The kind of failure that a fault of ours stands for.
fn setback(fault: &str, state: ServerState) -> Setback {
    match (fault, state) {
        (fault, _) if fault.starts_with("No valid host") => Setback::NoHost,
        (fault, _) if fault.starts_with("Unshelve attempted but the image") => Setback::NoImage,
        (_, ServerState::Active) => Setback::Snapshot,
        _ => Setback::Other,
    }
}

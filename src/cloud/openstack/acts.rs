//! Parking, waking and marking a server: what is asked in which state, and what a refusal means.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::api::{Api, Call, Service};
use super::setback::meaning;
use super::transport::Answer;
use crate::cloud::ProviderError;
use crate::model::{Server, ServerState, Setback};
use crate::policy::Idle;

/// What Nova is asked next to bring a server where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is there, or on its way.
    Nothing,
    /// This action.
    Action(&'static str),
    /// Its state allows none.
    Impossible,
    /// A task runs that leads elsewhere.
    Occupied,
}

/// Towards being parked. What is parked already stays as it is, except that `shelve` goes deeper.
pub fn to_park(server: &Server, how: Idle) -> Next {
    if let Some(task) = server.task.as_deref() {
        let towards = match how {
            Idle::Shelve => task.starts_with("shelving"),
            Idle::Stop => task == "powering-off" || task.starts_with("shelving"),
            Idle::Suspend => task == "suspending" || task.starts_with("shelving"),
            Idle::Delete => false,
        };
        return if towards { Next::Nothing } else { Next::Occupied };
    }
    match (how, server.state) {
        (Idle::Shelve, ServerState::ShelvedOffloaded) => Next::Nothing,
        (Idle::Shelve, ServerState::Shelved) => Next::Action("shelveOffload"),
        (Idle::Shelve, ServerState::Active | ServerState::Shutoff | ServerState::Suspended | ServerState::Paused) => {
            Next::Action("shelve")
        }
        (Idle::Stop, ServerState::Active) => Next::Action("os-stop"),
        (Idle::Suspend, ServerState::Active) => Next::Action("suspend"),
        (Idle::Stop | Idle::Suspend, state) if state.parked() => Next::Nothing,
        _ => Next::Impossible,
    }
}

/// Towards running.
pub fn to_wake(server: &Server) -> Next {
    const TOWARDS: [&str; 6] = ["unshelving", "spawning", "powering-on", "resuming", "unpausing", "scheduling"];
    if let Some(task) = server.task.as_deref() {
        return if TOWARDS.contains(&task) { Next::Nothing } else { Next::Occupied };
    }
    match server.state {
        ServerState::Active => Next::Nothing,
        ServerState::Shelved | ServerState::ShelvedOffloaded => Next::Action("unshelve"),
        ServerState::Shutoff => Next::Action("os-start"),
        ServerState::Suspended => Next::Action("resume"),
        ServerState::Paused => Next::Action("unpause"),
        _ => Next::Impossible,
    }
}

/// Asks for `next`. Returns when Nova has accepted it.
///
/// # Errors
/// Nova refuses, in its own words.
pub async fn act(api: &Api, server: &Server, next: Next, verb: &str) -> Result<(), ProviderError> {
    let action = match next {
        Next::Nothing => return Ok(()),
        Next::Action(action) => action,
        Next::Occupied => {
            let why = format!("it is in task_state {}", server.task.as_deref().unwrap_or("?"));
            return Err(ProviderError::WrongState { server: server.id.to_string(), why });
        }
        Next::Impossible => {
            let fault = server.fault.as_ref().map_or(String::new(), |fault| format!(" ({fault})"));
            let why = format!("cannot {verb} it while it is in vm_state {}{fault}", server.state);
            return Err(ProviderError::WrongState { server: server.id.to_string(), why });
        }
    };
    let path = format!("/servers/{}/action", server.id);
    // Microversion 2.77 and later want null or a mapping here, earlier ones take both.
    let body = json!({ action: null });
    let call = Call { service: Service::Compute, method: Method::POST, path: &path, query: &[], body: Some(&body) };
    let answer = api.call(&call).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(refused(api, &call, &answer, server.id.as_ref(), verb_of(action)))
}

/// The action as people say it.
fn verb_of(action: &str) -> &str {
    match action {
        "os-stop" => "stop",
        "os-start" => "start",
        "shelveOffload" => "offload",
        other => other,
    }
}

/// Sets one key of a server's metadata, or removes it.
///
/// # Errors
/// The server is not there, or Nova refuses: it takes no metadata while a task runs or the server is shelved.
pub async fn set_metadata(api: &Api, id: &str, key: &str, value: Option<&str>) -> Result<(), ProviderError> {
    let path = format!("/servers/{id}/metadata/{}", escaped(key));
    let body = value.map(|value| json!({ "meta": { key: value } }));
    let method = if value.is_some() { Method::PUT } else { Method::DELETE };
    let call = Call { service: Service::Compute, method, path: &path, query: &[], body: body.as_ref() };
    let answer = api.call(&call).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    // Nova says 404 for the server and for the key.
    let no_key = answer.status == StatusCode::NOT_FOUND && value.is_none() && answer.words.contains("etadata item");
    if no_key { Ok(()) } else { Err(refused(api, &call, &answer, id, "mark")) }
}

/// A metadata key within an address: Nova allows letters, digits, `-_.: ` and space.
fn escaped(key: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut out = String::new();
    let mut bytes = [0; 4];
    for c in key.chars() {
        if kept(c) {
            out.push(c);
        } else {
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    out
}

/// What a refusal of an act on a server means. The status alone does not tell: 403 is also quota, 409 also a lock.
pub fn refused(api: &Api, call: &Call<'_>, answer: &Answer, id: &str, verb: &str) -> ProviderError {
    let words = answer.words.clone();
    let (server, why) = (id.to_owned(), words.clone());
    let is = |needle: &str| words.to_lowercase().contains(needle);
    match answer.status.as_u16() {
        404 => ProviderError::NotFound(server),
        409 if is("is locked") => ProviderError::Locked { server, why },
        400 | 409 | 501 if is("not supported") => ProviderError::Unsupported(format!("{verb} server {server}: {why}")),
        400 | 403 | 409 | 413 if meaning(&words) == Setback::Quota && answer.retry_after().is_none() => {
            ProviderError::Quota { server, why }
        }
        400 | 409 | 500 if meaning(&words) == Setback::NoHost => ProviderError::NoCapacity { server, why },
        409 => ProviderError::WrongState { server, why },
        403 => ProviderError::Forbidden(format!("{verb} server {server} ({}): {why}", api.config().place)),
        400 => ProviderError::Unsupported(format!("{verb} server {server}: {why}")),
        _ => api.refused(call, answer),
    }
}

/// The one server of that id in an answer.
pub fn server_in(body: Option<Value>) -> Option<Value> {
    match body {
        Some(Value::Object(mut body)) => body.remove("server"),
        _ => None,
    }
}

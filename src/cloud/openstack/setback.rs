//! Why Nova did not do what it accepted: from a fault, a refusal, or the record of its actions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::api::{Api, Call, Service};
use crate::model::{Name, Server, ServerState, Setback};

/// What a text of Nova's means. The words are those of nova/exception.py and of its schedulers' messages.
pub fn meaning(words: &str) -> Setback {
    let words = words.to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    if has(&["no valid host", "novalidhost", "no hosts available", "requestfilterfailed"]) {
        Setback::NoHost
    } else if has(&["quota", "over limit", "overlimit", "toomanyinstances", "exceeded for"]) {
        Setback::Quota
    } else if words.contains("image") && has(&["could not be found", "cannot be found", "not found", "imagenotfound"]) {
        Setback::NoImage
    } else if has(&["snapshot", "upload", "glance", "image"]) {
        Setback::Snapshot
    } else {
        Setback::Other
    }
}

/// What was found out about a server as of one of its changes: the record of actions is read once for each.
#[derive(Default)]
pub struct Known {
    found: RefCell<BTreeMap<Name, (String, Option<Cause>)>>,
}

/// A kind of failure, and Nova's words.
#[derive(Clone)]
struct Cause(Setback, Name);

#[derive(Deserialize)]
struct Actions {
    #[serde(rename = "instanceActions")]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "instanceAction")]
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    event: String,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    traceback: Option<String>,
}

impl Known {
    /// Adds to an idle server what its last action failed of, as far as that was looked up.
    pub fn recall(&self, server: &mut Server, changed: &str) {
        let found = self.found.borrow();
        let known = found.get(&server.id).filter(|(at, _)| at == changed).and_then(|(_, cause)| cause.as_ref());
        if let Some(Cause(setback, words)) = known.filter(|_| silent(server)) {
            server.setback = Some(*setback);
            server.fault = Some(words.clone());
        }
    }

    /// Looks up what the last action of an idle server failed of: for a wake without a host Nova tells it nowhere else.
    /// What cannot be looked up is not known; the server's state is told all the same.
    pub async fn look_up(&self, api: &Api, server: &mut Server, changed: &str) {
        if !silent(server) {
            return;
        }
        let known = self.found.borrow().get(&server.id).is_some_and(|(at, _)| at == changed);
        if !known {
            let Some(cause) = last_failure(api, &server.id).await else { return };
            self.found.borrow_mut().insert(server.id.clone(), (changed.to_owned(), cause));
        }
        self.recall(server, changed);
    }
}

/// It is at rest, in no error, and says nothing of itself.
fn silent(server: &Server) -> bool {
    let at_rest = server.state.parked() || server.state == ServerState::Active;
    at_rest && server.task.is_none() && server.fault.is_none()
}

/// What the newest action of a server failed of. The outer None: it could not be read.
async fn last_failure(api: &Api, id: &str) -> Option<Option<Cause>> {
    let path = format!("/servers/{id}/os-instance-actions");
    let actions: Actions = api.read(&Call::get(Service::Compute, &path)).await.ok()?;
    let newest = actions.actions.into_iter().max_by(|a, b| a.start_time.cmp(&b.start_time));
    let ours = ["shelve", "shelveOffload", "unshelve", "stop", "start", "suspend", "resume", "pause", "unpause"];
    let Some(action) = newest.filter(|action| ours.contains(&action.action.as_str())) else { return Some(None) };
    if action.message.as_deref() != Some("Error") {
        return Some(None);
    }
    let path = format!("{path}/{}", action.request_id);
    let shown: Shown = api.read(&Call::get(Service::Compute, &path)).await.ok()?;
    let failed = |event: &&Event| event.result.as_deref() == Some("Error");
    let event = shown.action.events.iter().filter(failed).min_by_key(|event| event.event.starts_with("conductor"));
    let Some(event) = event else { return Some(None) };
    // The details came with 2.84 and are shown to few; the traceback is an administrator's; the event's name tells the rest.
    let details = event.details.as_deref().filter(|details| !details.is_empty());
    let last =
        event.traceback.as_deref().and_then(|text| text.trim_end().lines().last()).filter(|text| !text.is_empty());
    let (setback, words) = match (details.or(last), event.event.as_str()) {
        (Some(words), _) if meaning(words) != Setback::Other => (meaning(words), words.to_owned()),
        (words, "schedule_instances") => (Setback::NoHost, told("Nova found no host for it", words)),
        (words, "get_image_info") => (Setback::NoImage, told("the image it was shelved into cannot be found", words)),
        (words, "compute_shelve_instance") => {
            (Setback::Snapshot, told("its disk could not be saved as an image", words))
        }
        (words, event) => (Setback::Other, told(&event.replace('_', " "), words)),
    };
    Some(Some(Cause(setback, format!("{} failed: {words}", action.action).into())))
}

/// What an event means, and what was said of it, if anything was.
fn told(what: &str, words: Option<&str>) -> String {
    words.map_or_else(|| what.to_owned(), |words| format!("{what} ({words})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nova_s_words_have_one_meaning() {
        for (words, expected) in [
            ("No valid host was found. There are not enough hosts available.", Setback::NoHost),
            ("Quota exceeded for cores, ram: Requested 8, but already used 200 of 200 cores", Setback::Quota),
            ("Unshelve attempted but the image 5d6 cannot be found.", Setback::NoImage),
            ("Image 5d6 could not be found.", Setback::NoImage),
            ("Failed to upload the snapshot", Setback::Snapshot),
            ("Unable to establish connection to http://glance:9292", Setback::Snapshot),
            ("Timed out during operation: no response", Setback::Other),
        ] {
            assert_eq!(meaning(words), expected, "{words}");
        }
    }
}

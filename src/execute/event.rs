//! The public stream of what happens during an apply: one JSON object per line, versioned.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the stream. A new minor number adds fields or types; a new major number may break readers.
pub const EVENT_VERSION: &str = "1.1";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The first line: which version of the stream and of Tidegate this is.
    Version,
    /// The execution of a plan begins.
    PlanStarted,
    /// An execution that was cut short is taken up again.
    Resumed,
    /// A step begins.
    StepStarted,
    /// Something inside a step.
    StepProgress,
    /// The cluster accepted the eviction of a pod.
    PodEvicted,
    /// A pod that was evicted is gone.
    PodGone,
    /// What takes the place of an evicted pod is there (or nothing is wanted in its place).
    ReplacementReady,
    /// Somebody is waited for: pods that end by themselves, a budget, a provider.
    Waiting,
    /// A step is done.
    StepDone,
    /// A step failed; the message says why and what state the node is in.
    StepFailed,
    /// A node has its old place again: uncordoned, without our marks.
    GivenBack,
    /// Something that a person should know.
    Warning,
    /// No new step is started: Ctrl-C.
    Interrupted,
    /// The last line.
    Summary,
    /// Of the controller: a plan was made, and what it comes to.
    Planned,
    /// Of the controller: it leads or stands by, it took a policy, what was wrong is right again, it ends.
    Turned,
}

/// How it all ended, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Steps that are done.
    pub done: u32,
    /// Steps that failed.
    pub failed: u32,
    /// Steps that were not begun.
    pub left: u32,
    /// Nodes that were given back.
    pub given_back: u32,
    /// Nodes that still wait for pods.
    pub waiting: u32,
    /// Evictions that were accepted.
    pub evictions: u32,
}

/// One line of the stream. Fields that do not apply are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When, by the clock of the cluster (the sandbox has its own).
    pub time: Timestamp,
    /// In words, one sentence without a full stop.
    pub message: String,
    /// Of the stream: on the first line only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of Tidegate: on the first line only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tidegate: Option<String>,
    /// The plan's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The step's id, `verb/node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The pod, `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The budget that holds it, `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The server's state in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_state: Option<String>,
    /// Until when it is waited, or when it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How far a step is: so many of `total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// Who is waited for, `namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// On the last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

impl Event {
    /// An event with nothing but its words.
    pub fn new(kind: EventKind, time: Timestamp, message: impl Into<String>) -> Self {
        Self {
            kind,
            time,
            message: message.into(),
            version: None,
            tidegate: None,
            plan: None,
            pool: None,
            node: None,
            step: None,
            pod: None,
            budget: None,
            server_state: None,
            until: None,
            done: None,
            total: None,
            pods: Vec::new(),
            tally: None,
        }
    }

    /// The first line of every stream.
    pub fn version(time: Timestamp) -> Self {
        let tidegate = env!("CARGO_PKG_VERSION");
        Self {
            version: Some(EVENT_VERSION.to_owned()),
            tidegate: Some(tidegate.to_owned()),
            ..Self::new(EventKind::Version, time, format!("Tidegate {tidegate}, events {EVENT_VERSION}"))
        }
    }

    /// As it stands in the stream, without the line's end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The JSON Schema of one line, as it is committed under `schema/`.
pub fn event_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Event).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "One line of `tidegate apply --format json`".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_that_the_types_make() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/event.schema.json");
        let made = serde_json::to_string_pretty(&event_schema()).unwrap() + "\n";
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert_eq!(committed, made, "run the tests with TIDEGATE_BLESS=1 to write the schema anew");
    }

    #[test]
    fn every_kind_of_line_is_valid_and_reads_back() {
        let validator = jsonschema::validator_for(&event_schema()).unwrap();
        let mut event = Event::version(Timestamp::UNIX_EPOCH);
        event.tally = Some(Tally::default());
        event.pods = vec!["a/b".to_owned()];
        for kind in [EventKind::Version, EventKind::PodEvicted, EventKind::GivenBack, EventKind::Summary] {
            event.kind = kind;
            let line = event.to_line();
            assert!(!line.contains('\n'));
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(validator.is_valid(&value), "{line}");
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
        assert!(!validator.is_valid(&serde_json::json!({"type": "nonsense", "time": "x", "message": 1})));
    }
}

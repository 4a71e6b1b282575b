//! One line of a check-up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Unknown,
    /// It works, and somebody should look.
    Warning,
    /// It does not work.
    Error,
}

/// What was looked at, how it stands, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// What was looked at: `permissions`, `cloud`, `names`, … Scripts match it.
    pub check: String,
    /// How it stands.
    pub level: Level,
    /// In one sentence.
    pub text: String,
    /// What to do; absent where there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level: Level::Ok, text: text.into(), advice: None }
    }

    /// It is not.
    pub fn new(check: &str, level: Level, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level, text: text.into(), advice: Some(advice.into()) }
    }
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkup {
    /// The worst that was found.
    pub level: Level,
    /// In the order in which to mend them.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// What was found.
    pub fn of(findings: Vec<Finding>) -> Self {
        let level = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        Self { level, findings }
    }
}

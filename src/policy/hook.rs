//! Hooks: what is called before a node is drained and after it was woken.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::model::Name;

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HookTime {
    /// The node is cordoned, its pods may go, none of them was evicted yet.
    BeforeDrain,
    /// The node is Ready with what it must have, and still cordoned.
    AfterWake,
}

/// What happens if a hook fails or takes too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// Before a drain the node is given back; after a wake its server is parked again, for the wake counts as failed (the
    /// default).
    #[default]
    Stop,
    /// It is said, and things go on.
    Ignore,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookCall {
    /// A program with its arguments, without a shell.
    Command(Vec<Name>),
    /// A URL, by POST.
    Webhook(Name),
}

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its name.
    pub name: Name,
    /// When it is called.
    pub when: HookTime,
    /// What is called.
    pub call: HookCall,
    /// How long it may take; 30 s.
    pub deadline: SignedDuration,
    /// What happens if it fails.
    pub on_failure: OnFailure,
    /// Where it stands.
    pub origin: Origin,
}

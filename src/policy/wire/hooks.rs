//! What is called before a drain and after a wake, as it stands in a file.

use super::object::{object, words};
use super::read::{Choice, OneOrMany};
use super::text::Text;
use super::times::Length;
use crate::policy::{HookTime, OnFailure};

words! { HookTime, "HookTime", "a moment at which a hook is called" {
    "beforeDrain" => HookTime::BeforeDrain,
    "afterWake" => HookTime::AfterWake,
} }

words! { OnFailure, "OnFailure", "something to do when a hook fails" {
    "stop" => OnFailure::Stop,
    "ignore" => OnFailure::Ignore,
} }

object! {
    /// What is called before a node is drained or after it was woken: a program or a URL. Both are told when, cluster,
    /// policy, pool and node; a program in `TIDEGATE_…` variables, a URL in the JSON that is posted to it. It may be
    /// called again after an execution was cut short. In a sandbox nothing is called, it is only said.
    Hook, "a hook" {
        /// Its name, for events.
        name = "name": Text [required],
        /// `beforeDrain`: the node is cordoned, no pod was evicted yet. `afterWake`: the node is Ready, and still
        /// cordoned.
        when = "when": Choice<HookTime> [required],
        /// A program and its arguments; no shell is between.
        command = "command": OneOrMany<Text>,
        /// A URL that is sent a POST; an answer of 200 to 299 is a success.
        webhook = "webhook": Text,
        /// How long it may take; 30s.
        deadline = "deadline": Length,
        /// `stop` (the default) gives the node back, or parks its server again; `ignore` goes on.
        on_failure = "onFailure": Choice<OnFailure>,
    }
}

//! The policy's hooks, called one after another for one node.

use jiff::Timestamp;

use super::act::Act;
use super::course::Course;
use super::desk::Desk;
use crate::execute::event::EventKind;
use crate::policy::{HookTime, OnFailure};

/// How the calls stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// This one is next, or under way.
    Next(usize),
    /// All were called.
    All,
    /// One failed that stops the node; why.
    Stopped(String),
}

impl Course {
    /// Goes on calling the hooks of a moment, from number `at` on.
    pub(super) fn call_hooks(&mut self, when: HookTime, mut at: usize, desk: &mut Desk, now: Timestamp) -> Called {
        loop {
            let Some(hook) = desk.settings.hooks.iter().filter(|hook| hook.when == when).nth(at).cloned() else {
                return Called::All;
            };
            if self.free() {
                let text = format!("{}: calling hook {}", self.node, hook.name);
                desk.tell(self.event(EventKind::StepProgress, now, text));
            }
            let act = Act::Hook { node: self.node.clone(), pool: self.pool.clone(), hook: hook.name.clone() };
            match self.perform(desk, act, 0, now) {
                None => return Called::Next(at),
                Some(Ok(_)) => {}
                Some(Err(trouble)) => {
                    let why = format!("hook {} failed for {}: {}", hook.name, self.node, trouble.text);
                    match hook.on_failure {
                        OnFailure::Stop => return Called::Stopped(why),
                        OnFailure::Ignore => desk.tell(self.event(EventKind::Warning, now, why)),
                    }
                }
            }
            at += 1;
        }
    }
}

//! Progress at a terminal: one bar for the plan, one line for each node at work.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;

use super::line;
use crate::execute::{Event, EventKind};
use crate::report::local_times;

/// The bars of one apply, on stderr.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    plan: ProgressBar,
    nodes: BTreeMap<String, ProgressBar>,
    zone: TimeZone,
}

impl Bars {
    /// Bars for a plan of so many steps.
    pub fn new(steps: usize, zone: TimeZone) -> Self {
        let all = MultiProgress::new();
        let plan = all.add(ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX)));
        plan.set_style(style("{bar:30.cyan/blue} {pos}/{len} steps  {msg}"));
        Self { all, plan, nodes: BTreeMap::new(), zone }
    }

    /// Shows an event.
    pub fn take(&mut self, event: &Event) {
        self.plan.set_message(event.time.to_zoned(self.zone.clone()).strftime("%a %H:%M:%S").to_string());
        if let Some(node) = &event.node {
            match event.kind {
                EventKind::GivenBack | EventKind::StepFailed => self.leave(node),
                EventKind::StepDone if last(event) => self.leave(node),
                _ => {
                    let message = at_work(event, node, &self.zone);
                    self.at(node).set_message(message);
                }
            }
        }
        match event.kind {
            EventKind::StepDone => {
                self.plan.inc(1);
                self.say(event);
            }
            EventKind::StepFailed
            | EventKind::GivenBack
            | EventKind::Warning
            | EventKind::Waiting
            | EventKind::Resumed
            | EventKind::Interrupted => self.say(event),
            EventKind::Summary => {
                self.say(event);
                self.end();
            }
            _ => {}
        }
    }

    /// Takes the bars away; what was said stays.
    pub fn end(&mut self) {
        for (_, bar) in std::mem::take(&mut self.nodes) {
            bar.finish_and_clear();
        }
        self.plan.finish_and_clear();
    }

    fn say(&self, event: &Event) {
        if let Some(text) = line(event, &self.zone) {
            // A terminal that went away is no reason to stop.
            let _ = self.all.println(text);
        }
    }

    fn at(&mut self, node: &str) -> &ProgressBar {
        let all = &self.all;
        self.nodes.entry(node.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style("  {spinner} {prefix}  {wide_msg}"));
            bar.set_prefix(node.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        })
    }

    fn leave(&mut self, node: &str) {
        if let Some(bar) = self.nodes.remove(node) {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a step is the last of its node.
fn last(event: &Event) -> bool {
    let verb = event.step.as_deref().and_then(|step| step.split_once('/')).map(|(verb, _)| verb);
    matches!(verb, Some("park" | "uncordon"))
}

/// What is going on at a node, whose name stands beside it already, in the zone's time.
fn at_work(event: &Event, node: &str, zone: &TimeZone) -> String {
    let text = local_times(&event.message, zone.iana_name().unwrap_or("UTC"));
    let words: Vec<&str> = text.split(' ').filter(|word| *word != node).collect();
    words.join(" ")
}

/// A style of our own text; one that indicatif cannot read is its plain one.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_node_at_work_is_named_once_and_its_times_are_local() {
        let zone = TimeZone::get("America/Denver").unwrap();
        let text = "n-1 waits for a/b, until 2026-11-11T01:30:00Z at most";
        let event = Event::new(EventKind::Waiting, Timestamp::UNIX_EPOCH, text);
        assert_eq!(at_work(&event, "n-1", &zone), "waits for a/b, until Tue 10 Nov 18:30 MST at most");
    }
}

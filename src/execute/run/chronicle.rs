//! What of an execution's events is told on the node itself.

use crate::cluster::NodeNews;
use crate::execute::{Event, EventKind};

/// What `kubectl describe node` is to show of an event; None for what matters only while one watches.
pub(super) fn news(event: &Event) -> Option<NodeNews> {
    let node = event.node.as_deref()?.into();
    let verb = event.step.as_deref().and_then(|step| step.split('/').next()).unwrap_or_default();
    let (reason, warning) = match (event.kind, verb) {
        (EventKind::StepStarted, "drain") => ("Draining", false),
        (EventKind::StepStarted, "park") => ("Parking", false),
        (EventKind::StepStarted, "wake") => ("Waking", false),
        (EventKind::StepStarted, "delete") => ("Deleting", false),
        (EventKind::StepDone, "create") => ("ServerCreated", false),
        (EventKind::StepFailed, "create") => ("CreateFailed", true),
        (EventKind::StepFailed, "delete") => ("DeleteFailed", true),
        (EventKind::StepDone, "cordon") => ("Cordoned", false),
        (EventKind::StepDone, "drain") => ("Drained", false),
        (EventKind::StepDone, "park") => ("Parked", false),
        (EventKind::StepDone, "wake") => ("ServerWoken", false),
        (EventKind::StepDone, "wait") => ("ReadyAgain", false),
        (EventKind::StepDone, "uncordon") => ("Uncordoned", false),
        (EventKind::StepFailed, "cordon") => ("CordonFailed", true),
        (EventKind::StepFailed, "drain") => ("DrainFailed", true),
        (EventKind::StepFailed, "park") => ("ParkFailed", true),
        (EventKind::StepFailed, "wake" | "wait") => ("WakeFailed", true),
        (EventKind::StepFailed, _) => ("StepFailed", true),
        (EventKind::PodEvicted, _) => ("EvictingPods", false),
        (EventKind::Waiting, _) => ("Waiting", false),
        (EventKind::GivenBack, _) => ("GivenBack", false),
        (EventKind::Warning, _) => ("NeedsAttention", true),
        _ => return None,
    };
    let text = match event.kind {
        // One event counts them all, with the words of the first.
        EventKind::PodEvicted => format!("Tidegate evicts pods; the first: {}", event.message),
        _ => format!("Tidegate: {}", event.message),
    };
    Some(NodeNews { node, reason, text, warning })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn only_what_is_about_a_node_and_worth_a_look_later_is_told_there() {
        let event = |kind, step: &str, node: Option<&str>| Event {
            node: node.map(str::to_owned),
            step: Some(step.to_owned()),
            ..Event::new(kind, Timestamp::UNIX_EPOCH, "words")
        };
        for (kind, step, told) in [
            (EventKind::StepDone, "park/n", Some(("Parked", false))),
            (EventKind::StepFailed, "wait/n", Some(("WakeFailed", true))),
            (EventKind::StepFailed, "uncordon/n", Some(("StepFailed", true))),
            (EventKind::GivenBack, "", Some(("GivenBack", false))),
            (EventKind::StepStarted, "cordon/n", None),
            (EventKind::PodGone, "drain/n", None),
        ] {
            let found = news(&event(kind, step, Some("n"))).map(|news| (news.reason, news.warning));
            assert_eq!(found, told, "{kind:?} {step}");
            assert_eq!(news(&event(kind, step, None)), None);
        }
    }
}

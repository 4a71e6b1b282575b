//! An event as one plain line.

use jiff::tz::TimeZone;

use crate::execute::{Event, EventKind};
use crate::report::local_times;

/// `15:30:12  demo-k8s-node-nf-2  cordoned`. None for what is only worth a bar's while.
pub fn line(event: &Event, zone: &TimeZone) -> Option<String> {
    if matches!(event.kind, EventKind::Version | EventKind::StepProgress) {
        return None;
    }
    let time = event.time.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let mark = match event.kind {
        EventKind::StepFailed => "failed: ",
        EventKind::Warning => "warning: ",
        _ => "",
    };
    let message = local_times(&event.message, zone.iana_name().unwrap_or("UTC"));
    // Words that name their node already need it only once.
    Some(match event.node.as_deref().filter(|node| !event.message.contains(*node)) {
        Some(node) => format!("{time}  {node}  {mark}{message}"),
        None => format!("{time}  {mark}{message}"),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_line_says_when_and_where_once() {
        let mut event = Event::new(EventKind::StepDone, Timestamp::UNIX_EPOCH, "drained");
        event.node = Some("n1".to_owned());
        assert_eq!(line(&event, &TimeZone::UTC).unwrap(), "00:00:00  n1  drained");
        event.message = "n1 is drained".to_owned();
        assert_eq!(line(&event, &TimeZone::UTC).unwrap(), "00:00:00  n1 is drained");
        event.kind = EventKind::StepProgress;
        assert_eq!(line(&event, &TimeZone::UTC), None);
    }
}

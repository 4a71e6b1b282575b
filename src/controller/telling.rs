//! What the loop tells: to whoever reads its stream, and on the board.

use jiff::Timestamp;

use crate::execute::{Event, EventKind};
use crate::server::{Board, Trouble, View, Work};

/// Where it is told.
pub struct Telling<'a> {
    /// What is shown.
    pub board: Board,
    /// The stream of events.
    pub tell: &'a mut dyn FnMut(&Event),
}

/// A text without its numbers: that a silence is a second longer is no news.
fn gist(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

impl Telling<'_> {
    /// Something happened in what is carried out.
    pub fn event(&mut self, event: &Event) {
        self.board.change(|view| {
            view.counters.take(event);
            progress(view, event);
            let worth = matches!(
                event.kind,
                EventKind::StepFailed
                    | EventKind::GivenBack
                    | EventKind::Warning
                    | EventKind::Summary
                    | EventKind::Resumed
                    | EventKind::Planned
                    | EventKind::Turned
            );
            if worth {
                let text = match event.node.as_deref().filter(|node| !event.message.contains(*node)) {
                    Some(node) => format!("{node}: {}", event.message),
                    None => event.message.clone(),
                };
                let warning = matches!(event.kind, EventKind::StepFailed | EventKind::Warning);
                view.note(event.time, text, warning);
            }
        });
        (self.tell)(event);
    }

    /// Something about the controller itself.
    pub fn turned(&mut self, now: Timestamp, text: impl Into<String>) {
        self.event(&Event::new(EventKind::Turned, now, text));
    }

    /// A part is not as it should be. Told when that is new.
    pub fn trouble(&mut self, part: &'static str, now: Timestamp, text: &str) {
        let mut news = false;
        self.board.change(|view| {
            *view.counters.errors.entry(part).or_default() += 1;
            let before = view.troubles.get(part);
            news = before.is_none_or(|before| gist(&before.text) != gist(text));
            let since = before.map_or_else(Timestamp::now, |before| before.since);
            view.troubles.insert(part, Trouble { since, text: text.to_owned() });
        });
        if news {
            self.event(&Event::new(EventKind::Warning, now, format!("{part}: {text}")));
        }
    }

    /// It is right again.
    pub fn mended(&mut self, part: &'static str, now: Timestamp, text: &str) {
        let mut was = false;
        self.board.change(|view| was = view.troubles.remove(part).is_some());
        if was {
            self.turned(now, format!("{part}: {text}"));
        }
    }

    /// A plan of so many steps begins to be carried out.
    pub fn begins(&mut self, now: Timestamp, total: usize) {
        self.board.change(|view| view.work = Some(Work { begun: now, total, ..Work::default() }));
    }

    /// It came to its end; how many steps were done.
    pub fn ends(&mut self) -> Work {
        let mut ended = None;
        self.board.change(|view| ended = view.work.take());
        ended.unwrap_or_default()
    }
}

fn progress(view: &mut View, event: &Event) {
    let Some(work) = &mut view.work else { return };
    match event.kind {
        EventKind::StepDone => work.done += 1,
        EventKind::StepFailed => work.failed += 1,
        _ => {}
    }
    if let Some(node) = &event.node {
        work.nodes.insert(node.clone(), event.message.clone());
    }
}

//! A timetable as iCalendar (RFC 5545), so that people see it beside their own appointments.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{About, Timetable, asked};
use crate::schedule::Level;

/// One event per span in which a window, an exception or an override decides, one that is cancelled for each opening that
/// an exception skips, and one without a length for each clock change and each new year. The same timetable gives the same
/// bytes.
pub fn calendar(tables: &[Timetable]) -> String {
    let mut out = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tidegate//schedule//EN", "CALSCALE:GREGORIAN"] {
        push(&mut out, line);
    }
    for table in tables {
        for (from, until, holding, why) in table.spans() {
            let deciding = holding.said.iter().filter(|said| said.won && said.level >= Level::Window);
            let mut said: Vec<&str> = deciding.map(|said| said.by.as_str()).collect();
            if said.is_empty() {
                continue;
            }
            said.dedup();
            let description = [why.join("; "), said.join(", ")].join("\n");
            event(&mut out, table, ("", false), (from, Some(until)), &asked(holding), description.trim());
        }
        let skipped = table.notes.iter().filter(|note| note.about == About::Skip);
        for (note, until) in skipped.filter_map(|note| Some((note, note.until?))) {
            event(&mut out, table, (&note.text, true), (note.at, Some(until)), "skipped", &note.text);
        }
        for note in table.notes.iter().filter(|note| note.about != About::Skip) {
            // An exception's days are one event: what holds in them is told by those of the changes.
            event(&mut out, table, (&note.text, false), (note.at, note.until), &note.text, &note.text);
        }
    }
    push(&mut out, "END:VCALENDAR");
    out
}

/// One event; what is `told` of a moment tells it from others that begin then. One that is `cancelled` does not take place:
/// RFC 5545, 3.8.1.11.
fn event(
    out: &mut String,
    table: &Timetable,
    (told, cancelled): (&str, bool),
    (from, until): (Timestamp, Option<Timestamp>),
    what: &str,
    description: &str,
) {
    push(out, "BEGIN:VEVENT");
    push(out, &format!("UID:{}", identity(table, told, from)));
    push(out, &format!("DTSTAMP:{}", utc(table.from)));
    push(out, &format!("DTSTART:{}", utc(from)));
    if let Some(until) = until {
        push(out, &format!("DTEND:{}", utc(until)));
    }
    push(out, &format!("SUMMARY:{}", escaped(&format!("{}: {what}", table.pool))));
    push(out, &format!("DESCRIPTION:{}", escaped(description)));
    if cancelled {
        push(out, "STATUS:CANCELLED");
    }
    push(out, "TRANSP:TRANSPARENT");
    push(out, "END:VEVENT");
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn identity(table: &Timetable, told: &str, from: Timestamp) -> String {
    let digest = Sha256::digest(format!("{}\n{from}{told}", table.pool));
    let hex = digest.iter().take(12).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("{hex}@tidegate")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// Lines end with CRLF and are folded at 75 octets, between characters.
fn push(out: &mut String, line: &str) {
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_characters() {
        let mut out = String::new();
        push(&mut out, &"é".repeat(100));
        assert!(out.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(out.replace("\r\n ", "").trim_end(), "é".repeat(100));
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("a, b; c\\d\ne"), "a\\, b\\; c\\\\d\\ne");
    }
}

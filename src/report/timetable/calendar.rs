//! A timetable as iCalendar (RFC 5545), so that people see it beside their own appointments.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{Timetable, asked};
use crate::schedule::Level;

/// One event per span in which a window, an exception or an override decides. The same timetable gives the same bytes.
pub fn calendar(tables: &[Timetable]) -> String {
    let mut out = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tidegate//schedule//EN", "CALSCALE:GREGORIAN"] {
        push(&mut out, line);
    }
    for table in tables {
        for (from, until, holding, why) in table.spans() {
            let deciding = holding.said.iter().filter(|said| said.won && said.level >= Level::Window);
            let by: Vec<&str> = deciding.map(|said| said.by.as_str()).collect();
            if by.is_empty() {
                continue;
            }
            push(&mut out, "BEGIN:VEVENT");
            push(&mut out, &format!("UID:{}", identity(table, from)));
            push(&mut out, &format!("DTSTAMP:{}", utc(table.from)));
            push(&mut out, &format!("DTSTART:{}", utc(from)));
            push(&mut out, &format!("DTEND:{}", utc(until)));
            push(&mut out, &format!("SUMMARY:{}", escaped(&format!("{}: {}", table.pool, asked(holding)))));
            let mut said: Vec<&str> = by;
            said.dedup();
            let description = [why.join("; "), said.join(", ")].join("\n");
            push(&mut out, &format!("DESCRIPTION:{}", escaped(description.trim())));
            push(&mut out, "TRANSP:TRANSPARENT");
            push(&mut out, "END:VEVENT");
        }
    }
    push(&mut out, "END:VCALENDAR");
    out
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn identity(table: &Timetable, from: Timestamp) -> String {
    let digest = Sha256::digest(format!("{}\n{from}", table.pool));
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

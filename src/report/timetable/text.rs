//! A timetable for people.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Timetable, asked, zone};
use crate::report::layout::wrapped;

/// One line per change and per note, in local time with its offset, so that a clock change is seen as such, and in UTC.
///
/// A reason for which `columns` are too few stands on lines of its own.
pub fn text(tables: &[Timetable], columns: usize) -> String {
    let mut out = String::new();
    for table in tables {
        let zone = zone(&table.zone);
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "pool/{} ({})", table.pool, table.zone);
        let changes = table.spans().map(|(from, _, holding, why)| {
            let why = if why.is_empty() { decided(holding) } else { why.join("; ") };
            (from, asked(holding), why)
        });
        let notes = table.notes.iter().map(|note| (note.at, String::new(), note.text.clone()));
        let mut rows: Vec<(Timestamp, String, String)> = changes.chain(notes).collect();
        rows.sort_by_key(|(at, ..)| *at);
        let rows: Vec<(String, String, String)> = rows
            .into_iter()
            .map(|(at, asked, why)| (format!("{}  {}", moment(at, &zone), utc(at, &zone)), asked, why))
            .collect();
        let width = |column: fn(&(String, String, String)) -> &String| {
            rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(|row| &row.0), width(|row| &row.1));
        for (at, asked, why) in &rows {
            if first + second + why.chars().count() + 6 <= columns {
                let _ = writeln!(out, "  {at:first$}  {asked:second$}  {why}");
                continue;
            }
            let line = format!("  {at:first$}  {asked}");
            match line.trim_end().chars().count() <= columns {
                true => out.push_str(&format!("{}\n", line.trim_end())),
                false => out.push_str(&format!("  {at}\n{}", wrapped(asked, 4, columns))),
            }
            out.push_str(&wrapped(why, 6, columns));
        }
        if table.turns.is_empty() {
            let _ = writeln!(out, "  no change until {}", moment(table.until, &zone));
        }
    }
    out
}

/// `Tue 2026-12-01 12:45 -07:00`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    let format = if at.second() == 0 { "%a %Y-%m-%d %H:%M %:z" } else { "%a %Y-%m-%d %H:%M:%S %:z" };
    at.strftime(format).to_string()
}

/// `19:45Z`, with the date where that is another one than in the zone.
fn utc(at: Timestamp, zone: &TimeZone) -> String {
    let utc = at.to_zoned(TimeZone::UTC);
    let seconds = if utc.second() == 0 { "" } else { ":%S" };
    let date = if utc.date() == zone.to_datetime(at).date() { "" } else { "%m-%d " };
    utc.strftime(&format!("{date}%H:%M{seconds}Z")).to_string()
}

/// Who says so, for the first line.
fn decided(holding: &crate::schedule::Holding) -> String {
    let mut who: Vec<&str> = holding.said.iter().filter(|said| said.won).map(|said| said.by.as_str()).collect();
    who.dedup();
    who.join(", ")
}

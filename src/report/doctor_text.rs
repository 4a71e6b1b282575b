//! A check-up for people: one line for each finding, and below it what to do.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::layout::{faint, local_times, plural, wrapped};
use crate::doctor::{Checkup, Level};

/// The findings, then how many are to be seen to.
pub fn doctor_text(checkup: &Checkup, zone: &str, width: usize) -> String {
    let mut out = String::new();
    for finding in &checkup.findings {
        let level = match finding.level {
            Level::Ok => "ok     ".green().to_string(),
            Level::Unknown => "unknown".dimmed().to_string(),
            Level::Warning => "warning".yellow().to_string(),
            Level::Error => "error  ".red().to_string(),
        };
        let said = wrapped(&format!("{}: {}", finding.check, local_times(&finding.text, zone)), 9, width);
        let _ = write!(out, "{level}  {}", said.trim_start());
        if let Some(advice) = &finding.advice {
            out.push_str(&faint(&local_times(advice, zone), 11, width));
        }
    }
    let count = |level: Level| checkup.findings.iter().filter(|finding| finding.level == level).count();
    let counts: Vec<String> = [(Level::Error, "error"), (Level::Warning, "warning")]
        .into_iter()
        .filter(|(level, _)| count(*level) > 0)
        .map(|(level, what)| plural(count(level), what))
        .collect();
    let unknown = match count(Level::Unknown) {
        0 => String::new(),
        unknown => format!("; {unknown} could not be looked at"),
    };
    let counts = if counts.is_empty() { "Nothing to see to".to_owned() } else { counts.join(", ") };
    let _ = writeln!(out, "\n{counts}{unknown}");
    out
}

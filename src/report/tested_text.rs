//! What came of a policy's tests, for people.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::layout::plural;
use crate::plan::{Mismatch, TestOutcome, Tested};

/// Each test in a line; below one that does not hold what was expected and what is, with the lines that say so.
pub fn tested_text(tested: &Tested) -> String {
    let mut out = String::new();
    for result in &tested.results {
        let place = format!("{}:{}", result.file, result.line);
        let _ = match result.outcome {
            TestOutcome::Ok => writeln!(out, "{}     {}", "ok".green(), result.name),
            TestOutcome::Failed => writeln!(out, "{} {}  {place}", "FAILED".red().bold(), result.name.bold()),
            TestOutcome::Error => writeln!(out, "{}  {}  {place}", "ERROR".red().bold(), result.name.bold()),
        };
        if let Some(error) = &result.error {
            for line in error.lines() {
                let _ = writeln!(out, "  {line}");
            }
        }
        for mismatch in &result.mismatches {
            let _ = writeln!(out, "  {}  {}:{}", mismatch.what, result.file, mismatch.line);
            for line in mismatch_lines(mismatch) {
                let _ = match line.get(..1) {
                    Some("-") => writeln!(out, "    {}", line.red()),
                    Some("+") => writeln!(out, "    {}", line.green()),
                    _ => writeln!(out, "    {line}"),
                };
            }
        }
        if let Some(command) = &result.command {
            let _ = writeln!(out, "  the whole plan: {command}");
        }
    }
    let (all, failed) = (tested.results.len(), usize::try_from(tested.failed).unwrap_or(usize::MAX));
    let _ = match failed {
        0 => writeln!(out, "{}, all as expected of policy {}", plural(all, "test"), tested.policy),
        _ => writeln!(out, "{failed} of {} failed (- expected, + found)", plural(all, "test")),
    };
    out
}

/// `- 10`, `+ 1`, and why.
pub fn mismatch_lines(mismatch: &Mismatch) -> Vec<String> {
    let Mismatch { missing, unexpected, because, .. } = mismatch;
    let missing = missing.iter().map(|one| format!("- {one}"));
    let unexpected = unexpected.iter().map(|one| format!("+ {one}"));
    missing.chain(unexpected).chain(because.iter().map(|why| format!("  {why}"))).collect()
}

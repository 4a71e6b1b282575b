//! What a team's rules say of a plan, for people.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::named;
use super::layout::{faint, local_times, plural, wrapped};
use crate::plan::{CheckLevel, Checked};

/// The findings, the strongest first, and how many rules had nothing to say.
pub fn checked_text(checked: &Checked, zone: &str, width: usize) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        let level = match finding.level {
            CheckLevel::Deny => "denied".red().bold().to_string(),
            CheckLevel::Warn => "warning".yellow().bold().to_string(),
            CheckLevel::Advise => "advice".cyan().bold().to_string(),
        };
        let _ = writeln!(out, "{level} {}", finding.rule.bold());
        out.push_str(&wrapped(&local_times(&finding.text, zone), 2, width));
        if !finding.nodes.is_empty() {
            let nodes: Vec<&str> = finding.nodes.iter().map(String::as_str).collect();
            out.push_str(&faint(&named(&nodes), 2, width));
        }
        if let Some(say) = &finding.say {
            out.push_str(&wrapped(say, 2, width));
        }
    }
    let asked = usize::try_from(checked.rules).unwrap_or(usize::MAX);
    let denied = checked.findings.iter().filter(|finding| finding.level == CheckLevel::Deny).count();
    let _ = match (checked.findings.len(), denied) {
        (0, _) => writeln!(out, "{} asked, none has anything to say", plural(asked, "rule")),
        (said, 0) => writeln!(out, "{} asked, {said} with something to say, none denies", plural(asked, "rule")),
        (_, denied) => {
            writeln!(out, "{} asked, {denied} denied: the plan is not to be carried out", plural(asked, "rule"))
        }
    };
    out
}

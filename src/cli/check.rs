//! `tidegate check`: a team's rules on a plan, before it is carried out.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::saved::saved;
use super::{Exit, Failure};
use crate::file;
use crate::plan::{CheckLevel, CheckRule, PlanRules, check};
use crate::report;

/// The most that a file of rules may hold, in bytes.
const MOST: u64 = 1 << 20;

/// Check a plan against rules of your own
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate check plan.json --rules rules.yaml
  tidegate check plan.json --rules rules.yaml --format github

A file of rules:
  apiVersion: tidegate.dev/v1alpha1
  kind: PlanRules
  rules:
    - {name: few-at-once, level: warn, when: {nodesAbove: 5, verbs: [park]}, say: ask the platform team}
    - {name: keep-headroom, level: deny, when: {removesHeadroom: true}}
    - {name: no-weekends, level: advise, when: {endsOn: [SAT, SUN]}}
    - {name: budget, level: deny, when: {weekCostsAbove: 20000}}

Every condition: `tidegate schema rules --format markdown`. Exit codes: 3 where a rule denies, else 0.")]
pub struct Check {
    /// The plan, as `plan --out` saved it; `-` is standard input
    file: PathBuf,
    /// A file of rules; several are asked one after another
    #[arg(long, value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// A warning denies too
    #[arg(long)]
    deny_warnings: bool,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: CheckFormat,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people
    Text,
    /// The public format, see `tidegate schema check`
    Json,
    /// Annotations of GitHub Actions
    Github,
}

impl Check {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let mut rules: Vec<CheckRule> = Vec::new();
        for file in &self.rules {
            let bad = |why: String| {
                Failure::new(format!("`{}` cannot be used as rules: {why}", file.display()))
                    .hint("`tidegate schema rules --format markdown` has every field")
            };
            let text = file::given(file, MOST).map_err(|error| bad(error.to_string()))?;
            let text = String::from_utf8(text).map_err(|_| bad("it is not text".to_owned()))?;
            let read = PlanRules::parse(&text).map_err(bad)?.rules;
            if let Some(twice) = read.iter().find(|rule| rules.iter().any(|known| known.name == rule.name)) {
                return Err(bad(format!("rule `{}` stands in another file too", twice.name)));
            }
            rules.extend(read);
        }
        let plan = saved(&self.file)?;
        if let Some(edited) = plan.edited() {
            return Err(Failure::with(Exit::Denied, format!("`{}`: {edited}", self.file.display()))
                .hint("rules say nothing of what is not the plan: make it again with `tidegate plan --out FILE`"));
        }
        let checked = check(&plan, &rules);
        match self.format {
            CheckFormat::Text => out.data(&report::checked_text(&checked, &plan.time_zone, out.width()))?,
            CheckFormat::Json => out.json(&checked)?,
            CheckFormat::Github => out.data(&report::annotations::checked(&checked))?,
        }
        let denies = if self.deny_warnings { CheckLevel::Warn } else { CheckLevel::Deny };
        Ok(if checked.worst().is_some_and(|worst| worst >= denies) { Exit::Denied } else { Exit::Done })
    }
}

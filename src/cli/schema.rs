//! `tidegate schema`: the JSON Schemas of what Tidegate reads and writes, for editors and scripts.

use clap::{Args, ValueEnum};
use schemars::schema_for;

use super::output::Output;
use super::{Exit, Failure};
use crate::cloud::Conversation;
use crate::doctor::Checkup;
use crate::execute::event_schema;
use crate::plan::{
    Checked, Difference, Drift, Explained, Plan, PlanRules, PolicyTests, StatusReport, Tested, Verified,
};
use crate::policy;
use crate::report::diagnostics::Validated;
use crate::report::reference;
use crate::report::timetable::{HeldAt, Timetables};
use crate::sandbox::Faults;

/// Print the JSON Schema of a document, or its fields for people
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate schema policy > policy.schema.json
  tidegate schema policy --format markdown      # every field, in words
  # first line of a policy, for editors with the YAML language server:
  # yaml-language-server: $schema=./policy.schema.json")]
pub struct Schema {
    /// The document
    document: Document,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "json")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Markdown,
}

/// A document with a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Document {
    /// A policy
    Policy,
    /// A catalog of flavors that pools draw from
    Catalog,
    /// What `plan --format json` and `plan --out` write
    Plan,
    /// What `diff --format json` prints
    Diff,
    /// What `drift --format json` prints
    Drift,
    /// What `check --format json` prints
    Check,
    /// The rules that `check --rules` reads
    Rules,
    /// The tests that `test` runs
    Test,
    /// What `test --format json` prints
    Tested,
    /// What `explain --format json` prints
    Explain,
    /// What `status --format json` prints
    Status,
    /// What `validate --format json` prints
    Validate,
    /// What `verify --format json` prints
    Verify,
    /// What `schedule --format json` prints
    Schedule,
    /// What `schedule --at TIME --format json` prints
    ScheduleAt,
    /// What `doctor --format json` prints
    Doctor,
    /// What a provider's own program (`providers: [{command: …}]`) is asked, and what it answers
    Provider,
    /// A line of what `apply --format json` prints
    Event,
    /// The failures that `sandbox create --faults` reads
    Faults,
}

impl Document {
    /// The schema, as it is committed under `schema/`.
    ///
    /// # Errors
    /// None that a caller can cause: the schema is not JSON.
    pub fn text(self) -> serde_json::Result<String> {
        let schema = match self {
            Self::Policy => policy::schema().to_value(),
            Self::Catalog => policy::catalog_schema().to_value(),
            Self::Plan => schema_for!(Plan).to_value(),
            Self::Diff => schema_for!(Difference).to_value(),
            Self::Drift => schema_for!(Drift).to_value(),
            Self::Check => schema_for!(Checked).to_value(),
            Self::Rules => schema_for!(PlanRules).to_value(),
            Self::Test => schema_for!(PolicyTests).to_value(),
            Self::Tested => schema_for!(Tested).to_value(),
            Self::Explain => schema_for!(Explained).to_value(),
            Self::Status => schema_for!(StatusReport).to_value(),
            Self::Validate => schema_for!(Validated).to_value(),
            Self::Verify => schema_for!(Verified).to_value(),
            Self::Schedule => schema_for!(Timetables).to_value(),
            Self::ScheduleAt => schema_for!(HeldAt).to_value(),
            Self::Doctor => schema_for!(Checkup).to_value(),
            Self::Provider => schema_for!(Conversation).to_value(),
            Self::Event => event_schema(),
            Self::Faults => schema_for!(Faults).to_value(),
        };
        Ok(serde_json::to_string_pretty(&schema)? + "\n")
    }

    /// Its fields as Markdown, as they are committed under `schema/`.
    ///
    /// # Errors
    /// None that a caller can cause: the schema is not JSON.
    pub fn reference(self) -> serde_json::Result<String> {
        let (title, command) = match self {
            Self::Policy => ("Every field of a policy", "policy"),
            Self::Catalog => ("Every field of a catalog", "catalog"),
            Self::Plan => ("Every field of a plan", "plan"),
            Self::Diff => ("Every field of a difference", "diff"),
            Self::Drift => ("Every field of a drift", "drift"),
            Self::Check => ("Every field of what rules say", "check"),
            Self::Rules => ("Every field of a file of rules", "rules"),
            Self::Test => ("Every field of a file of tests", "test"),
            Self::Tested => ("Every field of what came of tests", "tested"),
            Self::Explain => ("Every field of an explanation", "explain"),
            Self::Status => ("Every field of a status", "status"),
            Self::Doctor => ("Every field of a check-up", "doctor"),
            Self::Provider => ("What a provider's program is asked and answers", "provider"),
            Self::Event => ("Every field of an event", "event"),
            Self::Validate => ("Every field of what `validate` prints", "validate"),
            Self::Verify => ("Every field of what `verify` prints", "verify"),
            Self::Schedule => ("Every field of what `schedule` prints", "schedule"),
            Self::ScheduleAt => ("Every field of what `schedule --at` prints", "schedule-at"),
            Self::Faults => ("Every field of a file of failures", "faults"),
        };
        let schema = serde_json::from_str(&self.text()?)?;
        Ok(reference(&schema, title, &format!("Printed by `tidegate schema {command} --format markdown`.")))
    }
}

impl Schema {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let text = match self.format {
            Format::Json => self.document.text(),
            Format::Markdown => self.document.reference(),
        };
        out.data(&text.map_err(Failure::new)?)?;
        Ok(Exit::Done)
    }
}

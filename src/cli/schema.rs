//! `tidegate schema`: the JSON Schemas of what Tidegate reads and writes, for editors and scripts.

use clap::{Args, ValueEnum};
use schemars::schema_for;

use super::output::Output;
use super::{Exit, Failure};
use crate::execute::event_schema;
use crate::plan::{Explained, Plan};
use crate::policy;

/// Print the JSON Schema of a document
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate schema policy > policy.schema.json
  # first line of a policy, for editors with the YAML language server:
  # yaml-language-server: $schema=./policy.schema.json")]
pub struct Schema {
    /// The document
    document: Document,
}

/// A document with a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Document {
    /// A policy
    Policy,
    /// What `plan --format json` and `plan --out` write
    Plan,
    /// What `explain --format json` prints
    Explain,
    /// A line of what `apply --format json` prints
    Event,
}

impl Document {
    /// The schema, as it is committed under `schema/`.
    ///
    /// # Errors
    /// None that a caller can cause: the schema is not JSON.
    pub fn text(self) -> serde_json::Result<String> {
        let schema = match self {
            Self::Policy => policy::schema().to_value(),
            Self::Plan => schema_for!(Plan).to_value(),
            Self::Explain => schema_for!(Explained).to_value(),
            Self::Event => event_schema(),
        };
        Ok(serde_json::to_string_pretty(&schema)? + "\n")
    }
}

impl Schema {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        out.data(&self.document.text().map_err(Failure::new)?)?;
        Ok(Exit::Done)
    }
}

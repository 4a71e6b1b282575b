//! `tidegate show`: a saved plan, read again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Output;
use super::plan::PlanFormat;
use super::{Exit, Failure};
use crate::plan::{FORMAT_VERSION, Plan};

/// Show a saved plan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate show plan.json
  tidegate show plan.json --format markdown")]
pub struct Show {
    /// The plan, as `plan --out` saved it
    file: PathBuf,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
}

impl Show {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        self.format.print(&saved(&self.file)?, out)?;
        Ok(Exit::Done)
    }
}

/// A saved plan.
///
/// # Errors
/// It is not there, no plan, or of a format that this version does not read.
pub fn saved(file: &Path) -> Result<Plan, Failure> {
    let shown = file.display();
    let bytes = fs::read(file).map_err(|error| {
        Failure::new(format!("cannot read the plan `{shown}`: {error}")).hint("`tidegate plan --out FILE` saves one")
    })?;
    let no_plan = |error: &dyn std::fmt::Display| {
        Failure::new(format!("`{shown}` is not a plan: {error}")).hint("`tidegate plan --out FILE` saves one")
    };
    // The version comes first: a newer format is told from a damaged file.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| no_plan(&error))?;
    let version = value.get("formatVersion").and_then(serde_json::Value::as_str);
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    match version {
        None => Err(no_plan(&"it has no `formatVersion`")),
        Some(version) if major(version) != major(FORMAT_VERSION) => {
            Err(Failure::new(format!("`{shown}` has format {version}, and this version reads {FORMAT_VERSION}"))
                .hint("make the plan again with this version"))
        }
        Some(_) => serde_json::from_value(value).map_err(|error| no_plan(&error)),
    }
}

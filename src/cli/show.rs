//! `tidegate show`: a saved plan, read again.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::plan::PlanFormat;
use super::saved::saved;
use super::{Exit, Failure};

/// Show a saved plan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate show plan.json
  tidegate show plan.json --format markdown
  tidegate show plan.json --format gitlab > gl-code-quality-report.json")]
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
        let plan = saved(&self.file)?;
        if let Some(edited) = plan.edited() {
            out.say(&format!("warning: {edited}; `apply` refuses it"));
        }
        self.format.print(&plan, out)?;
        Ok(Exit::Done)
    }
}

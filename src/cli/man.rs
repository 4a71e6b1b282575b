//! `tidegate man`: the manual, for packagers.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::{Exit, Failure, command};

/// Print the man page, or write one per command into a folder
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate man --out /usr/local/share/man/man1")]
pub struct Man {
    /// The folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        match &self.out {
            Some(folder) => clap_mangen::generate_to(command(), folder).map_err(|error| {
                Failure::new(format!("cannot write into `{}`: {error}", folder.display()))
                    .hint("create the folder first")
            })?,
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command()).render(&mut page)?;
                out.data(&String::from_utf8_lossy(&page))?;
            }
        }
        Ok(Exit::Done)
    }
}

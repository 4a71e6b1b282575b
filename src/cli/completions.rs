//! `tidegate completions`: what a shell needs to complete commands.

use clap::Args;
use clap_complete::Shell;

use super::output::Output;
use super::{Exit, Failure, command};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate completions bash > ~/.local/share/bash-completion/completions/tidegate
  tidegate completions zsh > ~/.zfunc/_tidegate")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "tidegate", &mut script);
        out.data(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}

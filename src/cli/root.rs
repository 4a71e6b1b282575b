//! The program's arguments, and which command they name.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use owo_colors::OwoColorize;

use super::exit::{CODES, Exit, Failure};
use super::output::{Output, OutputArgs};
use super::shell::quoted;
use super::{
    apply, check, completions, demo, diff, doctor, drain, explain, hold, init, man, park, plan, sandbox, schedule,
    schema, show, snapshot, status, unlock, validate, verify, wake,
};

const ABOUT: &str = "Keeps the node capacity of a Kubernetes cluster what a file in git says it should be";

/// The program.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about = ABOUT, after_help = CODES, disable_help_subcommand = true)]
#[command(max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    Validate(validate::Validate),
    Schedule(schedule::Schedule),
    Plan(plan::PlanCommand),
    Diff(diff::Diff),
    Show(show::Show),
    Verify(verify::Verify),
    Check(check::Check),
    Explain(explain::Explain),
    Apply(apply::Apply),
    Status(status::Status),
    Snapshot(snapshot::SnapshotCommand),
    Doctor(doctor::Doctor),
    Drain(drain::Drain),
    Park(park::Park),
    Wake(wake::Wake),
    Hold(hold::Hold),
    Unlock(unlock::Unlock),
    Sandbox(sandbox::SandboxCommand),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    fn run(&self, out: Output) -> Result<Exit, Failure> {
        match self {
            Self::Demo(command) => command.run(out),
            Self::Init(command) => command.run(out),
            Self::Validate(command) => command.run(out),
            Self::Schedule(command) => command.run(out),
            Self::Plan(command) => command.run(out),
            Self::Diff(command) => command.run(out),
            Self::Show(command) => command.run(out),
            Self::Verify(command) => command.run(out),
            Self::Check(command) => command.run(out),
            Self::Explain(command) => command.run(out),
            Self::Apply(command) => command.run(out),
            Self::Status(command) => command.run(out),
            Self::Snapshot(command) => command.run(out),
            Self::Doctor(command) => command.run(out),
            Self::Drain(command) => command.run(out),
            Self::Park(command) => command.run(out),
            Self::Wake(command) => command.run(out),
            Self::Hold(command) => command.run(out),
            Self::Unlock(command) => command.run(out),
            Self::Sandbox(command) => command.run(out),
            Self::Schema(command) => command.run(out),
            Self::Completions(command) => command.run(out),
            Self::Man(command) => command.run(out),
        }
    }
}

/// The program's arguments, for completions and man pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// What somebody meant who gave a file or folder without its flag.
fn meant(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return None };
    let (path, shown) = (Path::new(given), quoted(given));
    let ends = |ends: &[&str]| ends.iter().any(|end| given.ends_with(end));
    match error.kind() {
        ErrorKind::UnknownArgument if given.starts_with('-') => None,
        ErrorKind::UnknownArgument if ends(&[".yaml", ".yml"]) => {
            Some(format!("a policy is given with `-f {shown}`, a cluster with `--snapshot {shown}`"))
        }
        ErrorKind::UnknownArgument if ends(&[".json", ".gz"]) => {
            Some(format!("what `kubectl get` wrote is given with `--snapshot {shown}`"))
        }
        ErrorKind::UnknownArgument if path.is_dir() => {
            Some(format!("a sandbox is given with `--sandbox {shown}`, a folder of policies with `-f {shown}`"))
        }
        _ => None,
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            if let Some(hint) = meant(&error) {
                anstream::eprintln!("\n{} {hint}", "hint:".cyan().bold());
            }
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { Exit::Done } else { Exit::Error }.into();
        }
    };
    let (out, start) = (Output::new(cli.output), Instant::now());
    let exit = cli.command.run(out).unwrap_or_else(|failure| failure.report());
    out.detail(&format!("took {} ms, exit code {}", start.elapsed().as_millis(), exit as u8));
    exit.into()
}

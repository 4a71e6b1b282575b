//! The program's arguments, and which command they name.

use std::process::ExitCode;
use std::time::Instant;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use owo_colors::OwoColorize;

use super::exit::{CODES, Exit, Failure};
use super::output::{Output, OutputArgs};
use super::{
    apply, check, completions, controller, demo, diff, doctor, drain, drift, explain, habit, hold, init, man, park,
    plan, sandbox, schedule, schema, show, snapshot, status, stop, test, unlock, validate, verify, wake,
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
    Test(test::Test),
    Explain(explain::Explain),
    Apply(apply::Apply),
    Controller(controller::ControllerCommand),
    Status(status::Status),
    Drift(drift::DriftCommand),
    Snapshot(snapshot::SnapshotCommand),
    Doctor(doctor::Doctor),
    Drain(drain::Drain),
    Park(park::Park),
    Wake(wake::Wake),
    Hold(hold::Hold),
    Stop(stop::StopCommand),
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
            Self::Test(command) => command.run(out),
            Self::Explain(command) => command.run(out),
            Self::Apply(command) => command.run(out),
            Self::Controller(command) => command.run(out),
            Self::Status(command) => command.run(out),
            Self::Drift(command) => command.run(out),
            Self::Snapshot(command) => command.run(out),
            Self::Doctor(command) => command.run(out),
            Self::Drain(command) => command.run(out),
            Self::Park(command) => command.run(out),
            Self::Wake(command) => command.run(out),
            Self::Hold(command) => command.run(out),
            Self::Stop(command) => command.run(out),
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

/// Runs the program.
pub fn run() -> ExitCode {
    let args = habit::asked_for_help(std::env::args_os().collect());
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(mut error) => {
            let hint = habit::meant(&error, &args);
            if hint.is_some() {
                // One tip, and not the one that goes by the letters.
                for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::Suggested] {
                    drop(error.remove(kind));
                }
            }
            let _ = error.print();
            if let Some(hint) = hint {
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

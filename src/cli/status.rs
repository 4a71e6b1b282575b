//! `tidegate status`: what is where, since when, why and by whom, and what comes next.

use std::fmt::Write;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::plan::{NodeStatus, Plan, plan, status};
use crate::report::local;

/// Show each node: its state, since when, why, by whom, and what comes next
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate status -f policy.yaml --sandbox ./sandbox
  tidegate status -f policy.yaml --snapshot cluster.json --format json")]
pub struct Status {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Status {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let (world, now) = self.world.world(&policy, out)?;
        let (plan, _) = plan(&policy, &world, now);
        let lines = status(&policy, &world, &plan);
        match self.format {
            Format::Json => out.json(&lines)?,
            Format::Text => out.data(&text(&lines, &plan))?,
        }
        Ok(Exit::Done)
    }
}

fn text(lines: &[NodeStatus], plan: &Plan) -> String {
    let head = ["NODE", "POOL", "STATE", "SINCE", "BY", "NEXT", "WHY"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head)
        .chain(lines.iter().map(|line| {
            let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            [
                line.node.clone(),
                dash(line.pool.as_deref().unwrap_or_default()),
                line.state.clone(),
                line.since.map_or_else(|| "-".to_owned(), |since| local(since, &plan.time_zone)),
                dash(&line.who),
                line.next.clone(),
                dash(&line.why),
            ]
        }))
        .collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let (last, cells) = row.split_last().map_or(("", [].as_slice()), |(last, cells)| (last.as_str(), cells));
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{last}");
    }
    for pool in &plan.pools {
        if let Some(next) = &pool.next_change {
            let at = local(next.at, &plan.time_zone);
            let _ = writeln!(text, "\nPool {} changes {at}: {}", pool.name, next.why.join("; "));
        }
    }
    text
}

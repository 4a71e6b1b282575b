//! The command line: one file per command.
//!
//! `root` names the commands and runs one; `exit` is the one place that knows exit codes and what to say when something
//! fails. Data goes to stdout, everything else to stderr.

mod apply;
mod carrying;
mod check;
mod cloud_checks;
mod completions;
mod connect_args;
mod controller;
mod cut_short;
mod demo;
mod diff;
mod doctor;
mod drain;
mod drift;
mod exit;
mod explain;
mod format;
mod git_args;
mod ground;
mod habit;
mod hand;
mod hold;
mod init;
mod man;
mod moment;
mod object;
mod out_file;
mod output;
mod park;
mod plan;
mod policy_args;
mod reached;
mod reason;
mod root;
mod sandbox;
mod saved;
mod schedule;
mod schema;
mod shell;
mod show;
mod snapshot;
mod starter;
mod status;
mod stop;
mod test;
mod test_world;
mod unlock;
mod until;
mod validate;
mod verify;
mod wake;
mod world_args;

pub use exit::{Exit, Failure};
pub use root::{command, run};
pub use schema::Document;

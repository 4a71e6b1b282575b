//! What people type by habit, from `kubectl` and from elsewhere, and what they meant here.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::shell::quoted;

/// Commands of other programs, and those that one would look for here.
const COMMANDS: [(&str, &str); 11] = [
    ("cordon", "`tidegate drain node/NAME` cordons and empties a node, `tidegate hold node/NAME` keeps it as it is"),
    ("uncordon", "`tidegate wake node/NAME` gives a node back: it wakes and uncordons it"),
    ("release", "`tidegate hold --release node/NAME` lets the policy decide again"),
    ("unhold", "`tidegate hold --release node/NAME` lets the policy decide again"),
    (
        "unpark",
        "`tidegate wake node/NAME` wakes a node; `tidegate hold --release node/NAME` lets the policy decide again",
    ),
    ("list", "`tidegate status` lists pools and nodes"),
    ("ls", "`tidegate status` lists pools and nodes"),
    ("get", "`tidegate status` lists pools and nodes"),
    ("describe", "`tidegate explain node/NAME` tells all that is known about one node"),
    ("resume", "`tidegate apply --resume` goes on where one was cut short"),
    ("cancel", "Ctrl-C stops an apply; `tidegate hold --release OBJECT` takes back what was asked for by hand"),
];

/// Options of other programs, and what stands for them here.
const OPTIONS: [(&str, &str); 8] = [
    ("--ignore-daemonsets", "leave it out: pods of DaemonSets are no obstacle here"),
    ("--delete-emptydir-data", "what may be lost is said in the policy: `drain.disposable`"),
    ("--delete-local-data", "what may be lost is said in the policy: `drain.disposable`"),
    ("--force", "nothing is forced here: `drain.pods` of the policy says which pods may go"),
    ("--grace-period", "pods have their own grace; `drain.longestGrace` of the policy bounds it"),
    ("--json", "write `--format json`"),
    ("-o", "write `--format json`"),
    ("--output", "write `--format json`"),
];

/// `tidegate help plan` is `tidegate plan --help`.
pub fn asked_for_help(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|word| word == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    args
}

/// What somebody meant whose words are not understood.
pub fn meant(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let known = |table: &[(&str, &str)], word: &str| {
        table.iter().find(|(other, _)| *other == word).map(|(_, meant)| (*meant).to_owned())
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => known(&COMMANDS, text(ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => {
            let given = text(ContextKind::InvalidArg)?;
            let flag = given.split('=').next().unwrap_or(given);
            let parks = args.get(1).is_some_and(|command| command == "park");
            match flag {
                "--all" if parks => Some("name each pool that is to be parked: `pool/NAME`".to_owned()),
                flag if flag.starts_with('-') => known(&OPTIONS, flag),
                _ => given_bare(given),
            }
        }
        ErrorKind::MissingRequiredArgument => swallowed(args),
        _ => None,
    }
}

/// A file or folder without its flag.
fn given_bare(given: &str) -> Option<String> {
    let (path, shown) = (Path::new(given), quoted(given));
    let ends = |ends: &[&str]| ends.iter().any(|end| given.ends_with(end));
    if ends(&[".yaml", ".yml"]) {
        return Some(format!("a policy is given with `-f {shown}`, a cluster with `--snapshot {shown}`"));
    }
    if ends(&[".json", ".gz"]) {
        return Some(format!("what `kubectl get` wrote is given with `--snapshot {shown}`"));
    }
    path.is_dir()
        .then(|| format!("a sandbox is given with `--sandbox {shown}`, a folder of policies with `-f {shown}`"))
}

/// The word that was taken for one more file of `--snapshot`.
fn swallowed(args: &[OsString]) -> Option<String> {
    let behind = args.iter().skip_while(|arg| *arg != "--snapshot").skip(1);
    let files: Vec<String> =
        behind.map(|arg| arg.to_string_lossy().into_owned()).take_while(|arg| !arg.starts_with('-')).collect();
    let last = files.last().filter(|_| files.len() > 1)?;
    Some(format!("`{last}` was read as one more file of `--snapshot`: write it before `--snapshot`"))
}

//! The direction of imports: the core is pure and knows nothing of the shell, and each room calls only those that it
//! may.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms without a clock, an environment, IO, async or hash-map order.
const PURE: &[&str] = &["policy", "schedule", "model", "placement", "plan", "doctor", "execute/machine", "sandbox/sim"];

/// What a pure room never names.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::env",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::process",
    "std::net",
    "std::thread",
    "Timestamp::now",
    "Zoned::now",
    "kube",
    "reqwest",
    "git2",
    "miette",
    "indicatif",
    "anstream",
    "owo_colors",
    "clap",
    "HashMap",
    "HashSet",
    "async",
    "unsafe",
];

/// Quantities are integers. `policy` alone names `f64`: to tell a fraction in a file from a word.
const FRACTIONS: &[&str] = &["f32", "f64"];

/// Which rooms a room may call. `cluster` and `cloud` are doors: the core may use the values that pass through them
/// (see [`DOOR_VALUES`]) and never the doors themselves.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("file", &[]),
    ("program", &["model"]),
    ("schedule", &["model", "policy"]),
    ("policy", &["model", "schedule"]),
    ("placement", &["model"]),
    ("plan", &["model", "policy", "schedule", "placement", "cluster"]),
    ("execute/machine", &["model", "policy", "schedule", "placement", "plan", "cluster", "cloud", "execute"]),
    ("execute", &["model", "policy", "plan", "execute/machine", "execute/run", "file"]),
    (
        "execute/run",
        &["model", "policy", "schedule", "plan", "execute", "execute/machine", "cluster", "cloud", "file", "program"],
    ),
    ("cluster", &["model", "observe"]),
    ("cloud", &["model", "policy", "cluster", "file", "program"]),
    ("observe", &["model", "file"]),
    ("source", &["model", "policy", "file", "program"]),
    ("sandbox/sim", &["model", "policy", "placement", "cluster", "cloud", "sandbox"]),
    ("sandbox", &["sandbox/sim", "model", "policy", "placement", "observe", "cluster", "cloud", "execute", "file"]),
    ("doctor", &["model", "policy", "schedule", "plan"]),
    ("report", &["doctor", "model", "policy", "schedule", "placement", "plan", "execute"]),
    ("server", &["model", "policy", "plan", "execute", "report", "file"]),
    (
        "controller",
        &[
            "model",
            "policy",
            "plan",
            "execute",
            "execute/machine",
            "execute/run",
            "cluster",
            "observe",
            "source",
            "report",
            "server",
        ],
    ),
];

/// The names of `cluster` and `cloud` that are plain values.
const DOOR_VALUES: &[&str] =
    &["NodeMark", "NodeRecord", "keys", "NodePatch", "Evicted", "ClusterError", "ProviderError"];

/// Libraries that speak with the world, and who alone names each.
const CLIENTS: &[(&str, &[&str])] = &[
    ("git2", &["source/git"]),
    ("reqwest", &["cloud/openstack", "execute/run/calling"]),
    ("kube", &["cluster/live"]),
    ("k8s_openapi", &["cluster/live"]),
    ("hyper", &["server"]),
];

/// Lines of a file, at most.
const LONGEST: usize = 600;

fn files(under: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(under)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file's code without comments, literals and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => {
                let end = rest.windows(2).position(|pair| pair == ['*', '/']);
                at += end.map_or(rest.len(), |end| end + 2);
            }
            ['r', '"' | '#', ..] if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
                let mut close = vec!['"'];
                close.resize(hashes + 1, '#');
                let body = at + hashes + 2;
                let end = bytes[body.min(bytes.len())..].windows(close.len()).position(|part| part == close);
                at = end.map_or(bytes.len(), |end| body + end + close.len());
            }
            ['"', ..] => {
                at += 1;
                while at < bytes.len() && bytes[at] != '"' {
                    at += if bytes[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
                out.push_str("\"\"");
            }
            ['\'', '\\', ..] => at += rest[3..].iter().position(|c| *c == '\'').map_or(rest.len(), |end| end + 4),
            ['\'', _, '\'', ..] => at += 3,
            [first, ..] => {
                out.push(*first);
                at += 1;
            }
            [] => unreachable!(),
        }
    }
    out
}

/// The module path of a file: `src/plan/order.rs` is `["plan", "order"]`.
fn module(path: &Path) -> Vec<String> {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().with_extension("");
    let mut parts: Vec<String> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

fn room(module: &[String]) -> String {
    let inner = module.get(..2).map(|names| names.join("/"));
    inner
        .filter(|inner| ARROWS.iter().any(|(room, _)| room == inner))
        .or_else(|| module.first().cloned())
        .unwrap_or_default()
}

/// The paths named after `from`, each as its segments; groups in braces are opened.
fn paths_after(text: &str) -> Vec<Vec<String>> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '*').collect();
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
                _ => {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    part.push(c);
                }
            }
        }
        parts.push(part);
        return parts.iter().flat_map(|part| paths_after(part.trim())).collect();
    }
    if name.is_empty() {
        return Vec::new();
    }
    match text[name.len()..].strip_prefix("::") {
        None => vec![vec![name]],
        Some(rest) => {
            let mut tails = paths_after(rest);
            if tails.is_empty() {
                tails.push(Vec::new());
            }
            tails.into_iter().map(|tail| [vec![name.clone()], tail].concat()).collect()
        }
    }
}

/// Every path of this crate that a file names, from the crate's root.
fn named(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            found.extend(paths_after(&code[at + "crate::".len()..]));
        }
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let (mut rest, mut up) = (&code[at..], 0);
        while let Some(next) = rest.strip_prefix("super::") {
            (rest, up) = (next, up + 1);
        }
        let base = &module[..module.len().saturating_sub(up)];
        found.extend(paths_after(rest).into_iter().map(|path| [base.to_vec(), path].concat()));
    }
    found
}

fn words(code: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .any(|(at, _)| !inside(code[..at].chars().next_back()) && !inside(code[at + word.len()..].chars().next()))
}

/// A room that no file is in is a rule that nobody keeps.
#[test]
fn every_room_of_the_tables_is_there() {
    let there: BTreeSet<String> = files("src").iter().map(|path| room(&module(path))).collect();
    for (room, allowed) in ARROWS {
        assert!(there.contains(*room), "{room}");
        assert!(allowed.iter().all(|room| there.contains(*room)), "{room} may call {allowed:?}");
    }
    assert!(PURE.iter().all(|room| there.contains(*room)), "{there:?}");
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for path in files("src") {
        let text = fs::read_to_string(&path).unwrap();
        let code = code(&text);
        let room = room(&module(&path));
        if PURE.contains(&room.as_str()) {
            let fractions = FRACTIONS.iter().filter(|_| room != "policy");
            for word in IMPURE.iter().chain(fractions).filter(|word| words(&code, word)) {
                wrong.push(format!("{} names {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_call_only_those_that_they_may() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in files("src") {
        let module = module(&path);
        let here = room(&module);
        if here.is_empty() || here == "cli" {
            continue;
        }
        let Some(allowed) = arrows.get(here.as_str()) else {
            wrong.push(format!("{}: room {here} is not in the table of arrows", path.display()));
            continue;
        };
        for target in named(&code(&fs::read_to_string(&path).unwrap()), &module) {
            let there = room(&target);
            if there == here || target.is_empty() {
                continue;
            }
            if !allowed.contains(&there.as_str()) {
                wrong.push(format!("{}: {here} may not call {there} ({})", path.display(), target.join("::")));
            } else if PURE.contains(&here.as_str())
                && matches!(there.as_str(), "cluster" | "cloud")
                && !target.get(1).is_some_and(|name| DOOR_VALUES.contains(&name.as_str()))
            {
                wrong.push(format!("{}: {here} may use only the values of {there}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// CONTRIBUTING tells of every test target, and of none that is not there.
#[test]
fn every_test_is_in_the_table() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut targets = Vec::new();
    for entry in fs::read_dir(here.join("tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file() {
            targets.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    targets.sort();
    let text = fs::read_to_string(here.join("CONTRIBUTING.md")).unwrap();
    let table = text.split("| test | what it proves |").nth(1).unwrap().trim_start().lines().skip(1);
    let rows = table.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('`').nth(1));
    assert_eq!(rows.collect::<Vec<_>>(), targets);
}

#[test]
fn only_its_door_names_a_client_library() {
    let mut wrong = Vec::new();
    for path in files("src") {
        let here = module(&path).join("/");
        let code = code(&fs::read_to_string(&path).unwrap());
        for (library, doors) in CLIENTS.iter().filter(|(library, _)| words(&code, library)) {
            if !doors.iter().any(|door| here.starts_with(door)) {
                wrong.push(format!("{} names {library}, which is for {} alone", path.display(), doors.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short() {
    let mut lengths = Vec::new();
    for path in files("src").into_iter().chain(files("tests")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines, more than {LONGEST}", path.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    println!("{} files, median {} lines", lengths.len(), lengths[lengths.len() / 2]);
}

#[test]
fn the_reader_of_paths_sees_through_groups_comments_and_literals() {
    let here = vec!["plan".to_owned(), "order".to_owned()];
    let text = "use crate::{model::{Name, Node}, observe}; // crate::sandbox\nlet a = \"crate::cli\"; super::super::cloud::Provider; super::Reason";
    let found: Vec<String> = named(&code(text), &here).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["model::Name", "model::Node", "observe", "cloud::Provider", "plan::Reason"]);
    assert!(words("std::fs::read", "std::fs") && !words("kubernetes", "kube") && !words("AsyncLike", "async"));
    assert_eq!(code("let c = '\"'; let d = '\\''; x(r#\"tokio\"#)"), "let c = ; let d = ; x()");
}

//! Runs the commands of a document's `console` blocks with the real program and compares what they print.
//!
//! A line that begins with `$ ` is a command; what follows up to the next one is its output, stdout and stderr as a
//! terminal shows them. `...` stands for any number of lines. ` # exits N` after a command is the exit code, 0 if it
//! is not there. `cargo run --release --` stands for the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
const FENCE: &str = "```";

/// A path below the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Copies a folder's files, not its folders.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// What a command prints and how it ends. `command` is split at blanks, quotes hold a word together.
pub fn run(command: &str, folder: &Path) -> (String, i32) {
    let words = words(command);
    let args = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidegate", ..] => &words[1..],
        ["cargo", "run", "--release", "--", ..] => &words[4..],
        _ => panic!("a transcript may run only tidegate: `{command}`"),
    };
    let screen = tempfile::NamedTempFile::new().unwrap();
    let pipe = || fs::OpenOptions::new().append(true).open(screen.path()).unwrap();
    let status = Command::new(PROGRAM)
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "110")
        .env("CARGO", "cargo")
        .env_remove("CLICOLOR_FORCE")
        .stdin(std::process::Stdio::null())
        .stdout(pipe())
        .stderr(pipe())
        .status()
        .unwrap();
    (fs::read_to_string(screen.path()).unwrap(), status.code().unwrap_or(-1))
}

fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Whether `printed` is what was `expected`, `...` standing for any lines.
fn same(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skip| same(rest, &printed[skip..])),
        Some((first, rest)) => printed.first() == Some(first) && same(rest, &printed[1..]),
    }
}

/// What takes the place of `expected`: as many lines before and after its `...` as there were.
fn anew<'a>(expected: &[&str], printed: &[&'a str]) -> Vec<&'a str> {
    let dots = |line: &&str| *line == "...";
    let (Some(head), Some(last)) = (expected.iter().position(dots), expected.iter().rposition(dots)) else {
        return printed.to_vec();
    };
    let tail = expected.len() - last - 1;
    if head + tail >= printed.len() {
        return printed.to_vec();
    }
    [&printed[..head], &["..."], &printed[printed.len() - tail..]].concat()
}

/// Runs all commands of `document` in `folder`, in order. Differences are collected; with `TIDEGATE_BLESS` the document
/// is written anew instead.
pub fn check(document: &Path, folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).unwrap();
    let (mut wrong, mut written, mut lines) = (Vec::new(), Vec::new(), text.lines().peekable());
    let (mut inside, mut count) = (false, 0);
    while let Some(line) = lines.next() {
        written.push(line.to_owned());
        if line.starts_with(FENCE) {
            inside = line == "```console";
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else { continue };
        let mut expected = Vec::new();
        while lines.peek().is_some_and(|next| !next.starts_with("$ ") && !next.starts_with(FENCE)) {
            expected.extend(lines.next());
        }
        let (command, code) = match command.split_once(" # exits ") {
            Some((command, code)) => (command, code.trim().parse().unwrap()),
            None => (command, 0),
        };
        count += 1;
        let (printed, ended) = run(command, folder);
        let shown: Vec<&str> = printed.lines().map(str::trim_end).collect();
        if ended != code {
            wrong.push(format!("{}: `{command}` exits {ended}, not {code}:\n{printed}", document.display()));
        }
        if same(&expected, &shown) {
            written.extend(expected.iter().map(ToString::to_string));
        } else {
            wrong.push(format!("{}: `{command}` prints now:\n{printed}", document.display()));
            written.extend(anew(&expected, &shown).iter().map(ToString::to_string));
        }
    }
    assert!(count > 0, "{} has no transcript", document.display());
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        fs::write(document, written.join("\n") + "\n").unwrap();
        return Vec::new();
    }
    wrong
}

#[test]
fn dots_stand_for_any_lines() {
    assert!(same(&["a", "...", "d"], &["a", "b", "c", "d"]) && same(&["..."], &[]) && same(&["a", "..."], &["a"]));
    assert!(!same(&["a", "...", "d"], &["a", "b"]) && !same(&["a"], &["a", "b"]) && !same(&["...", "x"], &["a"]));
    assert_eq!(words("tidegate plan --now '2026 x' -f \"a b\""), ["tidegate", "plan", "--now", "2026 x", "-f", "a b"]);
}

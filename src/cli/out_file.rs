//! `--out`: what a saved plan may be written over.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::saved::MOST;
use crate::file::own;
use crate::sandbox::Sandbox;

/// Refuses to write into a sandbox: its files are its own, those that are not there yet too.
///
/// # Errors
/// The file would stand in one.
pub fn outside_sandboxes(out: &Path) -> Result<(), Failure> {
    let target = fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !Sandbox::stands_in(folder) {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` would stand in the folder of a sandbox, whose files are its own", out.display()))
        .hint("write to another file, outside of it"))
}

/// Refuses to write into a sandbox, over one of `inputs`, or over a file that is there and is no saved plan. A device or a pipe takes
/// what it is given.
///
/// # Errors
/// It is one of those.
pub fn may_write<'a>(out: &Path, inputs: impl Iterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    outside_sandboxes(out)?;
    let Ok(target) = fs::canonicalize(out) else { return Ok(()) };
    if !target.is_file() {
        return Ok(());
    }
    let shown = out.display();
    for input in inputs {
        if fs::canonicalize(input).is_ok_and(|input| input == target) {
            return Err(Failure::new(format!("`--out {shown}` is what the plan is made from: it would be lost"))
                .hint("write to another file, such as `--out plan.json`"));
        }
    }
    if is_plan(&target) {
        return Ok(());
    }
    Err(Failure::new(format!("`{shown}` is there already and is no saved plan"))
        .hint("write to another file, or remove it first"))
}

/// Whether the file may be written over: it is empty or a saved plan, of whatever version.
fn is_plan(file: &Path) -> bool {
    let Ok(text) = own(file, MOST) else { return false };
    let plan = || serde_json::from_slice::<serde_json::Value>(&text);
    text.is_empty() || plan().is_ok_and(|plan| plan.get("formatVersion").is_some_and(serde_json::Value::is_string))
}

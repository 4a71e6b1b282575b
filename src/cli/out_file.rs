//! `--out`: what a saved plan may be written over.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;

/// Refuses to write over one of `inputs`, or over a file that is there and is no saved plan. A device or a pipe takes
/// what it is given.
///
/// # Errors
/// It is one of those.
pub fn may_write<'a>(out: &Path, inputs: impl Iterator<Item = &'a PathBuf>) -> Result<(), Failure> {
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
    let Ok(text) = fs::read(file) else { return false };
    let plan = || serde_json::from_slice::<serde_json::Value>(&text);
    text.is_empty() || plan().is_ok_and(|plan| plan.get("formatVersion").is_some_and(serde_json::Value::is_string))
}

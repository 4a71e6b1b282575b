//! Commands as people copy them: words quoted for a shell, and the policy's own files.

use crate::model::{KUBECTL, Name};
use crate::policy::Policy;

/// A word for a shell, in double quotes where it needs them.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let escaped = text.chars().flat_map(|c| "\\\"$`".contains(c).then_some('\\').into_iter().chain([c]));
    format!("\"{}\"", escaped.collect::<String>())
}

/// ` -f policy.yaml`, for each file of a policy. The catalogs that it names are found by it.
pub fn named(policy: &Policy) -> String {
    let drawn = |path: &Name| {
        let catalogs = policy.pools.iter().filter_map(|pool| pool.create.as_ref()?.catalog.as_ref());
        catalogs.into_iter().any(|catalog| catalog.file == *path)
    };
    policy.files.iter().filter(|file| !drawn(&file.path)).map(|file| format!(" -f {}", quoted(&file.path))).collect()
}

/// The line that writes a snapshot, in pieces that no help text wraps: it can be pasted. A shell joins a list of words only
/// where the next piece begins its line.
pub fn kubectl() -> String {
    KUBECTL.replacen("csinode,", "csinode,\\\n", 1).replacen("svc,", "svc,\\\n", 1)
}

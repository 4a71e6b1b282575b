//! What git means: it has one exit code for everything that fails.

use std::path::Path;

use super::GitError;
use super::error::GitSaid;

/// It wants to be told who we are.
const ASKS: &[&str] = &[
    "could not read Username",
    "could not read Password",
    "Authentication failed",
    "terminal prompts disabled",
    "Permission denied (",
    "Host key verification failed",
    "error: 401",
    "error: 403",
];
/// The server has no such commit, or does not give it out by its name.
const UNKNOWN: &[&str] = &["not our ref", "unadvertised object", "find remote ref", "no such remote ref"];
const GONE: &[&str] = &["does not appear to be a git repository", "does not exist", "not found", "No such file"];
const AWAY: &[&str] = &[
    "resolve host",
    "onnect to",
    "onnection refused",
    "onnection closed",
    "onnection reset",
    "timed out",
    "hung up",
    "unable to access",
];
const DAMAGED: &[&str] =
    &["is corrupt", "not a git repository", "bad config", "does not match index", "cannot be accessed"];

/// The error that git's words on stderr tell of; what nobody foresaw is told in its own words.
pub(super) fn explained(stderr: &str, doing: &'static str, repository: &str, mirror: &Path) -> GitError {
    let (repository, said) = (repository.to_owned(), GitSaid::of(stderr));
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    // The order counts: what stands first is the better reason where git gives several.
    if has(ASKS) {
        GitError::Denied { repository, said }
    } else if has(&["dubious ownership"]) {
        GitError::Untrusted { repository, said }
    } else if has(&["mismatched algorithms", "unknown object format"]) {
        GitError::OtherNames { repository }
    } else if has(UNKNOWN) {
        GitError::NotGiven { repository, said }
    } else if has(GONE) {
        GitError::Gone { repository, said }
    } else if has(AWAY) {
        GitError::Unreachable { repository, said }
    } else if has(DAMAGED) {
        GitError::Mirror { path: mirror.to_owned(), why: said.to_string() }
    } else {
        GitError::Refused { doing, repository, said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_told_apart() {
        for (said, expected) in [
            ("fatal: could not read Username for 'https://h': terminal prompts disabled", "asks for a name or a key"),
            ("fatal: Authentication failed for 'https://h/p.git/'", "asks for a name or a key"),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                "asks for a name or a key",
            ),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.",
                "asks for a name or a key",
            ),
            ("fatal: unable to access 'https://h/': The requested URL returned error: 403", "asks for a name or a key"),
            ("fatal: unable to access 'https://h/': Could not resolve host: h", "cannot be reached"),
            ("ssh: connect to host h port 22: Connection refused", "cannot be reached"),
            ("ssh: Could not resolve hostname h: Name or service not known", "cannot be reached"),
            ("fatal: repository 'https://h/p.git/' not found", "there is no repository"),
            ("fatal: '/p' does not appear to be a git repository", "there is no repository"),
            ("fatal: detected dubious ownership in repository at '/p'", "git does not trust"),
            ("fatal: mismatched algorithms: client sha1; server sha256", "SHA-256 names"),
            ("fatal: remote error: upload-pack: not our ref 0123", "does not give out"),
            ("error: object file x is empty\nfatal: loose object 0123 (stored in x) is corrupt", "the mirror `/m`"),
            ("fatal: transport 'ext' not allowed", "git cannot fetch `r`: it says fatal: transport 'ext' not allowed"),
        ] {
            let error = explained(said, "fetch", "r", Path::new("/m"));
            assert!(error.to_string().contains(expected), "{said}: {error}");
            assert!(!error.hint().is_empty(), "{said}");
        }
    }
}

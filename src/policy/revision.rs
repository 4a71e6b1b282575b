//! Which commit a policy was read at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Name;

/// Digits of a commit where people read it.
const SHORT: usize = 12;

/// A commit of a repository that policy was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revision {
    /// Its address; it holds no credentials.
    pub repository: Name,
    /// The branch or tag that was asked for, or `HEAD`; absent where the commit itself was.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Name>,
    /// The commit, with all its digits.
    pub commit: Name,
    /// Whose signature was found on the commit or its tag; absent where none was demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Name>,
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let commit = self.commit.get(..SHORT).unwrap_or(&self.commit);
        write!(f, "{}", self.repository)?;
        if let Some(reference) = &self.reference {
            write!(f, " {reference}")?;
        }
        write!(f, " at {commit}")?;
        match &self.signed_by {
            Some(who) => write!(f, ", signed by {who}"),
            None => Ok(()),
        }
    }
}

/// A policy file as people read it: one that stands in git by its path there and its commit, `pools/a.yaml@0123456789ab`;
/// any other as it was named.
pub fn file_name(name: &str) -> String {
    pinned(name)
        .map_or_else(|| name.to_owned(), |(path, commit)| format!("{path}@{}", commit.get(..SHORT).unwrap_or(commit)))
}

/// The path of a file inside its repository, or of one that stands in none as it was named.
pub fn path_of(name: &str) -> &str {
    pinned(name).map_or(name, |(path, _)| path)
}

/// Path and commit of a name such as `https://host/policies.git//pools/a.yaml?ref=COMMIT`.
fn pinned(name: &str) -> Option<(&str, &str)> {
    let (place, commit) = name.rsplit_once("?ref=")?;
    let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (_, inside) = place.split_once("://").unwrap_or(("", place));
    let (_, path) = inside.split_once("//")?;
    (whole && !path.is_empty()).then_some((path, commit))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_in_git_is_named_by_its_path_and_its_commit() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        for (name, shown) in [
            (format!("https://h/p.git//a/b.yaml?ref={COMMIT}"), "a/b.yaml@0123456789ab"),
            (format!("git@h:p.git//b.yaml?ref={COMMIT}"), "b.yaml@0123456789ab"),
            (format!("file:///p.git//b.yaml?ref={COMMIT}"), "b.yaml@0123456789ab"),
            ("policy.yaml".to_owned(), "policy.yaml"),
            ("a//b?ref=main".to_owned(), "a//b?ref=main"),
            ("<stdin>".to_owned(), "<stdin>"),
        ] {
            assert_eq!(file_name(&name), shown);
        }
    }
}

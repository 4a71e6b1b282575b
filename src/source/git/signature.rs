//! Who signed a commit, or the annotated tag that names it: asked of keys that the operator names, never of the repository,
//! its configuration or the user's.

use std::path::PathBuf;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::error::short;
use super::mirror::Tip;
use super::program::Deadline;
use super::{GitError, gpg, ssh};

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    /// Keys of ssh, as `ALLOWED SIGNERS` of ssh-keygen(1) has them.
    pub allowed: Option<PathBuf>,
    /// Keys of ssh that do not count any more: public keys, or a list as `ssh-keygen -k` writes it.
    pub revoked: Option<PathBuf>,
    /// A folder of GnuPG; every key in it counts, unless it is revoked or expired.
    pub gpg_home: Option<PathBuf>,
}

/// Why a signature does not count.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody knows the key.
    Unknown(String),
    /// The key, or the signature, was good until some time.
    Expired(String),
    /// The key will be good some day.
    NotYet(String),
    /// The key was taken back.
    Revoked(String),
    /// It is another key's business.
    NotForGit(String),
    /// It does not fit what it stands on.
    Wrong,
    /// The tool does not do its work.
    Tool(GitError),
}

const SSH: &[u8] = b"-----BEGIN SSH SIGNATURE-----";
const PGP: [&[u8]; 2] = [b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP MESSAGE-----"];
const X509: &[u8] = b"-----BEGIN SIGNED MESSAGE-----";

/// What to do with an unsigned commit.
const SIGN: &str = "sign it (`git commit --amend -S`, or merge with a signature) and push it again, or name a signed tag \
                    with `?ref=`";

impl Signers {
    /// Whether they can be asked at all.
    ///
    /// # Errors
    /// None was named, or a file is not there.
    pub fn check(&self) -> Result<(), GitError> {
        let refuse = |what: String, hint: &str| Err(GitError::Signature { what, hint: hint.to_owned() });
        if self.allowed.is_none() && self.gpg_home.is_none() {
            return refuse(
                "a signature is demanded, and nobody's counts".to_owned(),
                "name the keys: `--allowed-signers FILE` for ssh, `--gpg-home DIR` for GnuPG",
            );
        }
        let files = self.allowed.iter().chain(&self.revoked).map(|path| (path, path.is_file(), "file"));
        let folders = self.gpg_home.iter().map(|path| (path, path.is_dir(), "folder"));
        match files.chain(folders).find(|(_, there, _)| !there) {
            Some((path, _, what)) => refuse(
                format!("there is no {what} `{}`, which is to say whose signatures count", path.display()),
                "the keys are the operator's own, beside the program, not in the repository",
            ),
            None => Ok(()),
        }
    }

    /// Who signed it.
    pub(super) fn verify(
        &self,
        objects: &Repository,
        tip: &Tip,
        repository: &str,
        deadline: &Deadline,
    ) -> Result<String, GitError> {
        if let Some(tag) = tip.tag {
            let (raw, name) = tag_of(objects, tag).map_err(|error| unread(tag, &error))?;
            if let Some(at) = signature_in(&raw) {
                let (payload, signature) = raw.split_at(at);
                let what = format!("the tag `{name}` of `{repository}`");
                same_name(&name, tip, &what)?;
                return self.counts(signature, payload, deadline).map_err(|fault| refused(&what, fault));
            }
        }
        let commit = tip.commit;
        let what = format!("commit {} of `{repository}`", short(&commit.to_string()));
        match objects.extract_signature(&commit, None) {
            Ok((signature, payload)) => {
                self.counts(&signature, &payload, deadline).map_err(|fault| refused(&what, fault))
            }
            Err(error) if error.code() == ErrorCode::NotFound => {
                Err(GitError::Signature { what: format!("{what} is not signed"), hint: SIGN.to_owned() })
            }
            Err(error) => Err(unread(commit, &error)),
        }
    }

    fn counts(&self, signature: &[u8], payload: &[u8], deadline: &Deadline) -> Result<String, Fault> {
        let starts = |marks: &[&[u8]]| marks.iter().any(|mark| signature.starts_with(mark));
        let unnamed = |what: &str, option: &str| {
            let hint = format!("`{option}` names the keys that count");
            Err(Fault::Tool(GitError::Signature {
                what: format!("it is signed with {what}, of which none counts"),
                hint,
            }))
        };
        match (&self.allowed, &self.gpg_home) {
            (Some(allowed), _) if starts(&[SSH]) => {
                ssh::verify(signature, payload, allowed, self.revoked.as_deref(), deadline)
            }
            (None, _) if starts(&[SSH]) => unnamed("an ssh key", "--allowed-signers FILE"),
            (_, Some(home)) if starts(&PGP) => gpg::verify(signature, payload, home, deadline),
            (_, None) if starts(&PGP) => unnamed("a GnuPG key", "--gpg-home DIR"),
            _ if starts(&[X509]) => unnamed("an X.509 certificate", "--allowed-signers FILE"),
            _ => Err(Fault::Wrong),
        }
    }
}

/// A signed tag counts under its own name only: who serves the repository could show an old one under a new name.
fn same_name(name: &str, tip: &Tip, what: &str) -> Result<(), GitError> {
    match &tip.name {
        Some(asked) if *asked != format!("refs/tags/{name}") => Err(GitError::Signature {
            what: format!("{what} is shown as `{asked}`: its signature is for another name"),
            hint: "name it as it was signed, and ask who moved it".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn tag_of(objects: &Repository, tag: Oid) -> Result<(Vec<u8>, String), git2::Error> {
    let objects_of = objects.odb()?;
    let raw = objects_of.read(tag)?;
    if raw.kind() != ObjectType::Tag {
        return Err(git2::Error::from_str("a tag is no tag"));
    }
    let name = String::from_utf8_lossy(objects.find_tag(tag)?.name_bytes()).into_owned();
    Ok((raw.data().to_vec(), name))
}

/// Where the signature of a tag begins: at the last line that begins one, as git has it.
fn signature_in(raw: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    let mut found = None;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(SSH) || line.starts_with(X509) || PGP.iter().any(|mark| line.starts_with(mark)) {
            found = Some(at);
        }
        at = at.saturating_add(line.len());
    }
    found
}

fn unread(id: Oid, error: &git2::Error) -> GitError {
    GitError::Signature {
        what: format!("the signature of {id} cannot be read: {}", error.message()),
        hint: SIGN.to_owned(),
    }
}

fn refused(what: &str, fault: Fault) -> GitError {
    let (why, hint) = match fault {
        Fault::Tool(error) => return error,
        Fault::Unknown(key) => (
            format!("is signed with the key {key}, which nobody on your list has"),
            "if it is somebody's whom you trust, add the key to what `--allowed-signers` or `--gpg-home` names"
                .to_owned(),
        ),
        Fault::Expired(who) => (
            format!("is signed by {who}, whose key has expired"),
            "have it signed with a key that is good now, or give the key more time in your own list".to_owned(),
        ),
        Fault::NotYet(who) => {
            (format!("is signed by {who}, whose key is not good yet"), "look at this machine's clock".to_owned())
        }
        Fault::Revoked(who) => (
            format!("is signed by {who}, whose key was revoked"),
            "find out who used it, and have the commit looked at and signed by somebody else".to_owned(),
        ),
        Fault::NotForGit(who) => (
            format!("is signed by {who}, whose key is for other uses than git"),
            "`namespaces=\"git\"` in the list of allowed signers lets it sign commits".to_owned(),
        ),
        Fault::Wrong => (
            "has a signature that does not fit what it says: it was changed after it was signed".to_owned(),
            "do not use it; compare it with the author's own copy".to_owned(),
        ),
    };
    GitError::Signature { what: format!("{what} {why}"), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tags_signature_begins_at_the_last_mark_that_begins_a_line() {
        for (text, at) in [
            ("tag v1\n\nwords\n-----BEGIN SSH SIGNATURE-----\nx\n", Some(14)),
            ("-----BEGIN PGP SIGNATURE-----\n-----BEGIN SSH SIGNATURE-----\n", Some(30)),
            ("words -----BEGIN SSH SIGNATURE-----\n", None),
            ("", None),
        ] {
            assert_eq!(signature_in(text.as_bytes()), at, "{text}");
        }
    }
}

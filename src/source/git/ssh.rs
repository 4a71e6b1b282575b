//! Signatures by keys of ssh, judged by `ssh-keygen` for this moment: a commit that says it was made earlier, when a key was
//! still good, says nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use super::GitError;
use super::program::{Cut, Deadline, Ended, run};
use super::signature::Fault;

/// Who signed `payload`.
pub(super) fn verify(
    signature: &[u8],
    payload: &[u8],
    allowed: &Path,
    revoked: Option<&Path>,
    deadline: &Deadline,
) -> Result<String, Fault> {
    let file = tempfile::NamedTempFile::new().and_then(|file| std::fs::write(file.path(), signature).map(|()| file));
    let file = file.map_err(|source| {
        let path = std::env::temp_dir();
        Fault::Tool(GitError::Disk { what: "write a signature into", path, source })
    })?;
    let ask = |task: &str, more: &dyn Fn(&mut Command)| {
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", task, "-s"]).arg(file.path());
        more(&mut command);
        keygen(&mut command, payload, deadline)
    };
    let found = ask("find-principals", &|command| {
        command.arg("-f").arg(allowed);
    })?;
    if !found.status.success() {
        let novalidate = ask("check-novalidate", &|command| {
            command.args(["-n", "git"]);
        })?;
        let key = key_of(&String::from_utf8_lossy(&novalidate.out));
        return Err(if !novalidate.status.success() {
            Fault::Wrong
        } else {
            judged(&found.err, &key).unwrap_or(Fault::Unknown(key))
        });
    }
    let principals = String::from_utf8_lossy(&found.out).into_owned();
    let mut fault = Fault::Wrong;
    for principal in principals.lines().filter(|line| !line.is_empty()) {
        let good = |revoked: Option<&Path>| {
            ask("verify", &|command| {
                command.arg("-f").arg(allowed).args(["-I", principal, "-n", "git"]);
                if let Some(revoked) = revoked {
                    command.arg("-r").arg(revoked);
                }
            })
        };
        let said = good(revoked)?;
        if said.status.success() {
            return Ok(principal.to_owned());
        }
        fault = match judged(&said.err, principal) {
            Some(fault) => fault,
            // It does not say that a key was revoked: without the list the same signature is good.
            None if revoked.is_some() && good(None)?.status.success() => Fault::Revoked(principal.to_owned()),
            None => Fault::Wrong,
        };
    }
    Err(fault)
}

fn judged(said: &str, who: &str) -> Option<Fault> {
    let has = |words: &str| said.contains(words);
    if has("key has expired") {
        Some(Fault::Expired(who.to_owned()))
    } else if has("not yet valid") {
        Some(Fault::NotYet(who.to_owned()))
    } else if has("signature namespace") {
        Some(Fault::NotForGit(who.to_owned()))
    } else {
        None
    }
}

/// The key that `Good "git" signature with ED25519 key SHA256:…` names.
fn key_of(said: &str) -> String {
    said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap_or("that was used").to_owned()
}

fn keygen(command: &mut Command, payload: &[u8], deadline: &Deadline) -> Result<Ended, Fault> {
    command.env("LC_ALL", "C").stdin(Stdio::null());
    run(command, Some(payload), deadline, &mut || Ok(())).map_err(|cut| {
        Fault::Tool(match cut {
            Cut::Start(error) => GitError::NoProgram {
                program: "ssh-keygen",
                why: format!("it says whose an ssh signature is ({error})"),
            },
            Cut::TooSlow | Cut::Watched(_) => GitError::Signature {
                what: format!("`ssh-keygen` did not say within {} s whose the signature is", deadline.whole.as_secs()),
                hint: "`--git-timeout 5m` waits longer".to_owned(),
            },
        })
    })
}

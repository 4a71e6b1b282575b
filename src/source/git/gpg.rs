//! Signatures by keys of GnuPG, judged by `gpg` with the operator's keyring only: no options of the user's, no key that is
//! fetched, and no word of trust but that a key is in the folder.

use std::path::Path;
use std::process::{Command, Stdio};

use super::GitError;
use super::program::{Cut, Deadline, run};
use super::signature::Fault;

/// What keeps it from doing more than it is asked.
const QUIET: &[&str] = &[
    "--no-options",
    "--batch",
    "--no-tty",
    "--no-autostart",
    "--disable-dirmngr",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--no-auto-check-trustdb",
    "--trust-model=always",
    "--weak-digest=SHA1",
    "--status-fd=1",
];

/// Who signed `payload`.
pub(super) fn verify(signature: &[u8], payload: &[u8], home: &Path, deadline: &Deadline) -> Result<String, Fault> {
    let file = tempfile::NamedTempFile::new().and_then(|file| std::fs::write(file.path(), signature).map(|()| file));
    let file = file.map_err(|source| {
        let path = std::env::temp_dir();
        Fault::Tool(GitError::Disk { what: "write a signature into", path, source })
    })?;
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).args(QUIET).arg("--verify").arg(file.path()).arg("-");
    command.env("LC_ALL", "C").stdin(Stdio::null());
    let ended = run(&mut command, Some(payload), deadline, &mut || Ok(())).map_err(|cut| {
        Fault::Tool(match cut {
            Cut::Start(error) => {
                GitError::NoProgram { program: "gpg", why: format!("it says whose a GnuPG signature is ({error})") }
            }
            Cut::TooSlow | Cut::Watched(_) => GitError::Signature {
                what: format!("`gpg` did not say within {} s whose the signature is", deadline.whole.as_secs()),
                hint: "`--git-timeout 5m` waits longer".to_owned(),
            },
        })
    })?;
    judged(&String::from_utf8_lossy(&ended.out), ended.status.success())
}

/// By the lines for machines, of which each bad one outweighs any good one.
fn judged(said: &str, success: bool) -> Result<String, Fault> {
    let lines: Vec<(&str, &str)> = (said.lines())
        .filter_map(|line| line.strip_prefix("[GNUPG:] "))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect();
    let of = |word: &str| lines.iter().find(|(name, _)| *name == word).map(|(_, rest)| *rest);
    let count = |word: &str| lines.iter().filter(|(name, _)| *name == word).count();
    // What follows is the key and then who has it.
    let who = |rest: &str| rest.split_once(' ').map_or(rest, |(_, who)| who).to_owned();
    if of("BADSIG").is_some() {
        return Err(Fault::Wrong);
    }
    if let Some(rest) = of("REVKEYSIG") {
        return Err(Fault::Revoked(who(rest)));
    }
    if let Some(rest) = of("EXPKEYSIG").or_else(|| of("EXPSIG")) {
        return Err(Fault::Expired(who(rest)));
    }
    if let Some(key) = of("NO_PUBKEY") {
        return Err(Fault::Unknown(key.to_owned()));
    }
    match (of("GOODSIG"), count("VALIDSIG"), count("NEWSIG"), of("ERRSIG")) {
        (Some(rest), 1, 0 | 1, None) if success && count("GOODSIG") == 1 => Ok(who(rest)),
        _ => Err(Fault::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_line_outweighs_a_good_one() {
        const GOOD: &str = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0123 Ada <a@b>\n[GNUPG:] VALIDSIG 0123 2026\n";
        assert_eq!(judged(GOOD, true).ok().as_deref(), Some("Ada <a@b>"));
        assert!(matches!(judged(GOOD, false), Err(Fault::Wrong)), "gpg itself says no");
        assert!(matches!(judged(&GOOD.repeat(2), true), Err(Fault::Wrong)), "two signatures");
        assert!(matches!(judged("GOODSIG 0123 Ada\n", true), Err(Fault::Wrong)), "not a line for machines");
        for (line, expected) in [
            ("BADSIG 0123 Eve", "Wrong"),
            ("REVKEYSIG 0123 Eve", "Revoked(\"Eve\")"),
            ("EXPKEYSIG 0123 Eve", "Expired(\"Eve\")"),
            ("EXPSIG 0123 Eve", "Expired(\"Eve\")"),
            ("NO_PUBKEY 0123", "Unknown(\"0123\")"),
            ("ERRSIG 0123 1 8 00 0 4", "Wrong"),
        ] {
            let fault = judged(&format!("{GOOD}[GNUPG:] {line}\n"), true).err().map(|fault| format!("{fault:?}"));
            assert_eq!(fault.as_deref(), Some(expected), "{line}");
        }
    }
}

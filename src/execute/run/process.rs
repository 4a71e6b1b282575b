//! Which process this is, and what became of another one.

use std::io;
use std::path::{Path, PathBuf};

use crate::cluster::{Claim, Life, LockRecord, Worker};

/// This process.
pub fn this() -> Worker {
    let pid = std::process::id();
    Worker { owner: owner(), host: host(), machine: machine(), pid, started: started(pid) }
}

/// A claim of this process to a lock.
pub fn claim(operation: &str, run: &str) -> Claim {
    let (operation, run) = (operation.to_owned(), run.to_owned());
    Claim { who: this(), operation, run, plan: None, resumes: false, despite_stop: false, life }
}

/// `user@host`.
pub fn owner() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!("{}@{}", user.unwrap_or_else(|| "somebody".to_owned()), host())
}

fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "this-host".to_owned())
}

/// This boot of this machine, and the namespace in which process numbers count.
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

/// What became of the process that made a record, as far as this machine knows.
pub fn life(record: &LockRecord) -> Life {
    let elsewhere = record.machine.is_some() && record.machine != machine();
    if elsewhere || record.host != host() || !Path::new("/proc/self").exists() {
        return Life::Unknown;
    }
    match std::fs::read_to_string(stat_of(record.pid)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Life::Dead,
        Err(_) => Life::Unknown,
        Ok(stat) => match state_and_start(&stat) {
            None => Life::Unknown,
            Some((state, _)) if ends(state) => Life::Dead,
            Some((_, start)) if record.started.is_some_and(|started| started != start) => Life::Dead,
            Some(_) => Life::Alive,
        },
    }
}

fn stat_of(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join("stat")
}

/// A killed process that nobody has waited for is still listed, and does nothing any more.
fn ends(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

/// State and start of a process. Its name stands before them in parentheses and may hold any character.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn started(pid: u32) -> Option<u64> {
    state_and_start(&std::fs::read_to_string(stat_of(pid)).ok()?).map(|(_, start)| start)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn the_state_of_a_process_is_read_behind_its_name() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";
        for (stat, read) in [
            (format!("12 (tidegate) S {rest}"), Some(('S', 4711))),
            (format!("12 (a) R (b) Z {rest}"), Some(('Z', 4711))),
            ("12 (tidegate) S 1 2".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(state_and_start(&stat), read, "{stat}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_was_killed_or_whose_number_is_used_again_is_dead() {
        let mine = LockRecord::of(&claim("apply", "run"), Timestamp::UNIX_EPOCH, SignedDuration::from_secs(60));
        assert_eq!(life(&mine), Life::Alive);
        assert_eq!(life(&LockRecord { started: None, ..mine.clone() }), Life::Alive, "an older record");
        assert_eq!(life(&LockRecord { started: mine.started.map(|at| at + 1), ..mine.clone() }), Life::Dead);
        assert_eq!(life(&LockRecord { host: "elsewhere".to_owned(), ..mine.clone() }), Life::Unknown);
        let twin = LockRecord { machine: Some("another boot".to_owned()), pid: u32::MAX, ..mine.clone() };
        assert_eq!(life(&twin), Life::Unknown, "another machine of the same name");

        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let record = LockRecord { pid: child.id(), started: started(child.id()), ..mine };
        assert_eq!(life(&record), Life::Alive);
        child.kill().unwrap();
        // Not waited for, so that it stays listed.
        while life(&record) == Life::Alive {
            std::thread::yield_now();
        }
        assert!(stat_of(child.id()).exists());
        assert_eq!(life(&record), Life::Dead);
        child.wait().unwrap();
        assert_eq!(life(&record), Life::Dead);
    }
}

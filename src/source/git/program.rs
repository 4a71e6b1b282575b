//! Runs a program of the system's with a deadline, without prompts, and with bounds on what it may say.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::GitError;
use crate::program::kill_group;

/// Bytes of output that are kept; what is more is read and thrown away.
const MOST_OUTPUT: usize = 16 << 20;
/// So often a program that says nothing is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// So long the last words of a program that has ended are waited for: its children may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// When everything has to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    end: Instant,
    pub whole: Duration,
}

impl Deadline {
    pub(super) fn after(whole: Duration) -> Self {
        let now = Instant::now();
        // A time that no clock can tell is as good as a year.
        let end = now.checked_add(whole).or_else(|| now.checked_add(Duration::from_secs(365 * 86_400)));
        Self { end: end.unwrap_or(now), whole }
    }

    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// How a program ended.
pub(super) struct Ended {
    pub status: ExitStatus,
    pub out: Vec<u8>,
    pub err: String,
}

/// Why it did not end by itself.
pub(super) enum Cut {
    /// It could not be started, or not be waited for.
    Start(std::io::Error),
    /// The deadline.
    TooSlow,
    /// What watched it said so.
    Watched(GitError),
}

/// Runs it with `input` (or with the standard input that the command already has) until it ends, the deadline is over or
/// `watch` has enough of it; then it is killed with all that it started.
pub(super) fn run(
    command: &mut Command,
    input: Option<&[u8]>,
    deadline: &Deadline,
    watch: &mut dyn FnMut() -> Result<(), GitError>,
) -> Result<Ended, Cut> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.spawn().map_err(Cut::Start)?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        let input = input.to_vec();
        // It may end without having read everything: that is no failure.
        std::thread::spawn(move || pipe.write_all(&input));
    }
    let (told, ends) = mpsc::channel();
    let out = collect(child.stdout.take(), told.clone());
    let err = collect(child.stderr.take(), told);
    let mut open = 2_u8;
    let status = loop {
        if open == 0 {
            std::thread::sleep(Duration::from_millis(2));
        } else if matches!(ends.recv_timeout(LOOK.min(deadline.left())), Ok(()) | Err(RecvTimeoutError::Disconnected)) {
            open = open.saturating_sub(1);
        }
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => {
                kill(&mut child);
                return Err(Cut::Start(error));
            }
        }
        let cut = if deadline.left().is_zero() { Err(Cut::TooSlow) } else { watch().map_err(Cut::Watched) };
        if let Err(cut) = cut {
            kill(&mut child);
            return Err(cut);
        }
    };
    let patience = Deadline::after(LAST_WORDS);
    while open > 0 && ends.recv_timeout(patience.left()).is_ok() {
        open = open.saturating_sub(1);
    }
    let err = String::from_utf8_lossy(&taken(&err)).into_owned();
    Ok(Ended { status, out: taken(&out), err })
}

fn taken(bytes: &Mutex<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reads a pipe to its end in a thread of its own, so that no program waits for us while we wait for it.
fn collect(pipe: Option<impl Read + Send + 'static>, told: mpsc::Sender<()>) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&kept);
    std::thread::spawn(move || {
        let mut piece = vec![0; 1 << 16];
        if let Some(mut pipe) = pipe {
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MOST_OUTPUT.saturating_sub(kept.len()).min(length);
                kept.extend(piece.get(..room).unwrap_or_default());
            }
        }
        // Nobody may wait for it any more.
        let _ = told.send(());
    });
    kept
}

/// Kills it and everything that it started.
fn kill(child: &mut Child) {
    kill_group(child.id());
    // Where there is no shell, at least the program itself.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, deadline: Duration) -> Result<Ended, Cut> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        run(&mut command, None, &Deadline::after(deadline), &mut || Ok(()))
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        assert!(matches!(shell(&script, Duration::from_millis(400)), Err(Cut::TooSlow)));
        let pid = std::fs::read_to_string(&file).unwrap();
        // Once its parent is gone, somebody else waits for it: until then it is a zombie.
        let until = Instant::now() + Duration::from_secs(20);
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        while alive() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(!alive());
    }

    #[test]
    fn a_flood_is_cut_and_a_child_that_stays_does_not_hold_us() {
        let ended = shell("head -c 40000000 /dev/zero; echo said >&2", Duration::from_secs(60)).ok().unwrap();
        assert_eq!((ended.out.len(), ended.err.as_str()), (MOST_OUTPUT, "said\n"));
        let start = Instant::now();
        let ended = shell("echo word; sleep 40 & exit 3", Duration::from_secs(60)).ok().unwrap();
        assert_eq!((ended.status.code(), ended.out.as_slice()), (Some(3), b"word\n".as_slice()));
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

//! Programs of the system's and the operator's: their bounds, and their end with everything that they started.

mod running;

use std::process::{Command, Stdio};

pub use running::{Call, Cut, Ended, run};

/// Kills a process group, by the shell's own `kill`: that of a program that was started as the first of its own group.
pub fn kill_group(leader: u32) {
    let group = format!("-{leader}");
    let shell = Command::new("sh")
        .args(["-c", "kill -9 \"$1\"", "sh", &group])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Where there is no shell, the caller kills at least the program itself.
    drop(shell);
}

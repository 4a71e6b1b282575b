//! Runs an operator's program to its end: with a deadline, with bounds on what it may say, and ended with all that it started.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::Command;
use tokio::time::timeout;

use super::kill_group;
use crate::model::Name;

/// Bytes of complaints that are kept, from their end.
const MOST_COMPLAINT: usize = 4 << 10;
/// So much of the complaints is repeated, from their end.
const SAID: usize = 300;
/// So long the last words of a program that has ended are waited for: its children may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The program and its arguments.
    pub words: &'a [Name],
    /// What its environment has besides ours.
    pub variables: &'a [(String, String)],
    /// What it can read.
    pub input: &'a [u8],
    /// Bytes of its answer that are kept; what it says beyond them is read and let go.
    pub most_answer: usize,
    /// How long it may take.
    pub deadline: Duration,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// With which status.
    pub status: ExitStatus,
    /// What it answered.
    pub answer: Vec<u8>,
    /// That is not all.
    pub overflown: bool,
    /// What it complained of last.
    pub complaint: String,
}

impl Ended {
    /// `: ` and the end of what it complained of, on one line; nothing if it did not.
    pub fn last_words(&self) -> String {
        let said = self.complaint.trim();
        let skip = said.chars().count().saturating_sub(SAID);
        let said: String = said.chars().skip(skip).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if said.is_empty() { said } else { format!(": {said}") }
    }
}

/// Why it did not end by itself.
#[derive(Debug)]
pub enum Cut {
    /// It could not be started, or not be waited for.
    Start(std::io::Error),
    /// The deadline.
    TooSlow,
}

/// The process group of a program that runs. Whatever becomes of the call, nothing of it is left.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.take() {
            kill_group(leader);
        }
    }
}

/// Runs a program until it ends, and not until whoever has its pipes does; at the deadline it is killed with all that it
/// started.
///
/// # Errors
/// It cannot be started, or did not end in time.
pub async fn run(call: Call<'_>) -> Result<Ended, Cut> {
    let Call { words, variables, input, most_answer, deadline } = call;
    let (program, arguments) = words.split_first().ok_or_else(|| Cut::Start(std::io::ErrorKind::NotFound.into()))?;
    let mut command = Command::new(&**program);
    command.args(arguments.iter().map(|word| &**word)).envs(variables.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(Cut::Start)?;
    let mut group = Group(child.id());
    let (answer, complaint) = (RefCell::new((Vec::new(), false)), RefCell::new(Vec::new()));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        let told = async {
            // It may end without having read everything: that is no failure.
            if let Some(pipe) = stdin {
                feed(pipe, input).await;
            }
        };
        let answered = gather(stdout, |piece| {
            let (kept, overflown) = &mut *answer.borrow_mut();
            let room = most_answer.saturating_sub(kept.len());
            *overflown |= piece.len() > room;
            kept.extend(piece.get(..room.min(piece.len())).unwrap_or_default());
        });
        let complained = gather(stderr, |piece| {
            let kept = &mut *complaint.borrow_mut();
            kept.extend(piece);
            let gone = kept.len().saturating_sub(MOST_COMPLAINT);
            kept.drain(..gone);
        });
        futures::join!(told, answered, complained);
    };
    let ended = async {
        tokio::pin!(talk);
        let mut silent = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status,
                () = &mut talk, if !silent => silent = true,
            }
        };
        if !silent {
            let _ = timeout(LAST_WORDS, &mut talk).await;
        }
        status
    };
    let status = timeout(deadline, ended).await.map_err(|_| Cut::TooSlow)?.map_err(Cut::Start)?;
    // What it left running on purpose is its own.
    group.0 = None;
    let (answer, overflown) = answer.into_inner();
    Ok(Ended { status, answer, overflown, complaint: String::from_utf8_lossy(&complaint.into_inner()).into_owned() })
}

async fn feed(mut pipe: impl AsyncWrite + Unpin, mut input: &[u8]) {
    while !input.is_empty() {
        match poll_fn(|cx| Pin::new(&mut pipe).poll_write(cx, input)).await {
            Ok(written @ 1..) => input = input.get(written..).unwrap_or_default(),
            _ => return,
        }
    }
}

async fn gather(pipe: Option<impl AsyncRead + Unpin>, mut keep: impl FnMut(&[u8])) {
    let Some(mut pipe) = pipe else { return };
    let mut piece = vec![0; 1 << 16];
    loop {
        let mut buffer = ReadBuf::new(&mut piece);
        match poll_fn(|cx| Pin::new(&mut pipe).poll_read(cx, &mut buffer)).await {
            Ok(()) if !buffer.filled().is_empty() => keep(buffer.filled()),
            _ => return,
        }
    }
}

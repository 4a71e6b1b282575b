//! A controller as a child process, with its stream and its address.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate::model::World;
use tidegate::sandbox::{Faults, Sandbox};

use super::executing::example;

/// Nothing that is waited for takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub const TUESDAY_EVENING: &str = "2026-11-10T23:30:00Z";

/// A folder with the workshop's policy and a sandbox of it.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    /// At such a moment.
    pub fn at(now: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::copy(example("jetstream-workshop", "policy.yaml"), folder.path().join("policy.yaml")).unwrap();
        let mut snapshot = tidegate::observe::read(&[example("jetstream-workshop", "cluster.yaml")]).unwrap();
        snapshot.taken = Some(now.parse().unwrap());
        Sandbox::create_from(&folder.path().join("sandbox"), snapshot, Faults::default()).unwrap();
        Self { folder }
    }

    pub fn sandbox(&self) -> PathBuf {
        self.folder.path().join("sandbox")
    }

    pub fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    pub fn world(&self) -> World {
        World::build(Sandbox::peek(&self.sandbox()).unwrap())
    }

    pub fn parked(&self) -> usize {
        self.world().servers.values().filter(|server| server.state.parked()).count()
    }

    pub fn run(&self, more: &[&str]) -> Running {
        Running::start(&self.policy(), &self.sandbox(), more)
    }

    /// Nobody holds a lock any more.
    pub fn unlocked(&self) -> bool {
        !self.sandbox().join("lock.json").exists() && !self.sandbox().join("leader/lock.json").exists()
    }
}

/// A controller that runs.
pub struct Running {
    child: Child,
    pub address: String,
    lines: Receiver<String>,
    pub told: Vec<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(policy: &Path, sandbox: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["controller", "--format", "json", "--listen", "127.0.0.1:0", "-f"])
            .arg(policy)
            .arg("--sandbox")
            .arg(sandbox)
            .args(more)
            .args(if more.contains(&"--interval") { &[][..] } else { &["--interval", "1s"] })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("Answering on http://").expect(&first).trim_end_matches('/').to_owned();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address, lines, told: Vec::new() }
    }

    /// Waits for a line of the stream with these words in it.
    pub fn until_told(&mut self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("not told: {words}\n{:#?}", self.told));
            self.told.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Asks until the answer holds these words.
    pub fn until_shown(&self, path: &str, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let (_, body) = get(&self.address, path);
            if body.contains(words) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "never at {path}: {words}\n{body}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.told.extend(self.lines.iter());
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end\n{:#?}", self.told);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Sends bytes and reads all that comes back.
pub fn send(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status and body.
pub fn get(address: &str, path: &str) -> (u16, String) {
    get_with(address, path, "")
}

pub fn get_with(address: &str, path: &str, headers: &str) -> (u16, String) {
    let answer = send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer:?}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

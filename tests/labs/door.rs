//! The API server through kubectl's proxy on a socket: as much HTTP as that takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Door {
    socket: PathBuf,
    stream: Option<BufReader<UnixStream>>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// The body of a call that must not fail.
    pub fn done(self) -> Result<Value, String> {
        if self.status < 300 { Ok(self.body) } else { Err(format!("{}: {}", self.status, self.message())) }
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or("no message")
    }
}

impl Door {
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), stream: None }
    }

    pub fn get(&mut self, path: &str) -> Result<Value, String> {
        self.call("GET", path, None)?.done().map_err(|error| format!("GET {path}: {error}"))
    }

    /// One call; a connection that the proxy closed meanwhile is opened anew once.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, String> {
        let reused = self.stream.is_some();
        match self.attempt(method, path, body) {
            Err(_) if reused => self.attempt(method, path, body),
            other => other,
        }
        .map_err(|error| format!("{method} {path}: {error}"))
    }

    fn attempt(&mut self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Reply> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(&self.socket, PATIENCE)?,
        };
        send(&mut stream, method, path, body)?;
        let head = Head::read(&mut stream)?;
        let mut text = Vec::new();
        match head.length {
            Some(length) => {
                text.resize(length, 0);
                stream.read_exact(&mut text)?;
            }
            None => drop(Chunks { stream: &mut stream, left: 0, ended: false }.read_to_end(&mut text)?),
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        let body = serde_json::from_slice(&text)
            .unwrap_or_else(|_| serde_json::json!({"message": String::from_utf8_lossy(&text)}));
        Ok(Reply { status: head.status, body })
    }

    /// Follows `path` until `wanted` finds something in an event; None if it does not in the given time.
    pub fn watch<T>(
        &self,
        path: &str,
        time: Duration,
        mut wanted: impl FnMut(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let told = |error: std::io::Error| format!("watch {path}: {error}");
        let mut stream = open(&self.socket, time).map_err(told)?;
        send(&mut stream, "GET", path, None).map_err(told)?;
        let head = Head::read(&mut stream).map_err(told)?;
        if head.status != 200 {
            return Err(format!("watch {path}: {}", head.status));
        }
        for line in BufReader::new(Chunks { stream: &mut stream, left: 0, ended: false }).lines() {
            let line = match line {
                Ok(line) => line,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(told(error)),
            };
            let event: Value = serde_json::from_str(&line).map_err(|error| format!("watch {path}: {error}"))?;
            if let Some(found) = wanted(&event) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn open(socket: &Path, patience: Duration) -> std::io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    Ok(BufReader::new(stream))
}

fn send(stream: &mut BufReader<UnixStream>, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<()> {
    let text = body.map(Value::to_string).unwrap_or_default();
    let kind = if method == "PATCH" && text.starts_with('[') {
        "application/json-patch+json"
    } else if method == "PATCH" {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    let length = text.len();
    let call = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}"
    );
    stream.get_mut().write_all(call.as_bytes())
}

struct Head {
    status: u16,
    length: Option<usize>,
    closes: bool,
}

impl Head {
    fn read(stream: &mut impl BufRead) -> std::io::Result<Self> {
        let bad = |line: &str| std::io::Error::other(format!("not an HTTP answer: `{line}`"));
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| bad(&line))?;
        let mut head = Self { status, length: None, closes: false };
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = Some(value.trim().parse().map_err(|_| bad(&line))?),
                "connection" => head.closes = value.trim() == "close",
                _ => {}
            }
        }
        Ok(head)
    }
}

/// A body in chunks.
struct Chunks<'a, S> {
    stream: &'a mut S,
    left: usize,
    ended: bool,
}

impl<S: BufRead> Read for Chunks<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.ended {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16);
            self.left = size.map_err(|_| std::io::Error::other(format!("not a chunk: `{line}`")))?;
            if self.left == 0 {
                self.ended = true;
                self.stream.read_line(&mut line)?;
            }
        }
        if self.ended {
            return Ok(0);
        }
        let most = self.left.min(into.len());
        let read = self.stream.read(&mut into[..most])?;
        self.left -= read;
        if self.left == 0 {
            let mut end = String::new();
            self.stream.read_line(&mut end)?;
        }
        Ok(read)
    }
}

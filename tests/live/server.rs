//! An API server of a few lines: lists in pages, single objects, watches; and whatever a test wants to go wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The version of everything at the start.
pub const VERSION: &str = "1000";
/// What the server's clock says.
pub const DATE: &str = "Tue, 24 Nov 2026 12:31:00 GMT";

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// The bearer token.
    pub token: Option<String>,
}

impl Asked {
    pub fn of(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    pub fn watches(&self) -> bool {
        self.of("watch").is_some()
    }
}

/// What a test has the server answer.
pub enum Reply {
    /// This status and body.
    Json(u16, Value),
    /// The body's first half, and the end of the connection.
    Half(Value),
    /// Nothing, for ever.
    Nothing,
    /// A watch: each line as it comes, until the sender is dropped.
    Lines(Receiver<Value>),
}

/// The kind and the items of a list, by its path.
pub type Lists = BTreeMap<String, (&'static str, Vec<Value>)>;

type Mood = Box<dyn FnMut(&Asked) -> Option<Reply> + Send>;

struct Inside {
    objects: Lists,
    mood: Mood,
    asked: Vec<Asked>,
    open: Vec<Sender<Value>>,
}

/// The server. It ends with the test's process.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
}

/// A refusal as API servers word it.
pub fn status(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}),
    )
}

/// What RBAC says.
pub fn forbidden(verb: &str, resource: &str) -> Reply {
    let message = format!(
        "{resource} is forbidden: User \"system:serviceaccount:tidegate:tidegate\" cannot {verb} resource \"{resource}\" at the cluster scope"
    );
    status(403, "Forbidden", &message)
}

/// A watch that says these lines and then stays open without a word.
pub fn lines(lines: Vec<Value>) -> (Reply, Sender<Value>) {
    let (sender, receiver) = channel();
    lines.into_iter().for_each(|line| sender.send(line).unwrap());
    (Reply::Lines(receiver), sender)
}

/// An event of a watch.
pub fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

impl Server {
    /// With the objects of a small cluster, by the path of their list.
    pub fn start(objects: Lists) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Inside { objects, mood: Box::new(|_| None), asked: Vec::new(), open: Vec::new() };
        let server = Self { address, inside: Arc::new(Mutex::new(inside)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || while serving.answer(&stream).is_some() {});
            }
        });
        server
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests are first shown to `mood`.
    pub fn when(&self, mood: impl FnMut(&Asked) -> Option<Reply> + Send + 'static) {
        self.inside.lock().unwrap().mood = Box::new(mood);
    }

    /// What a list holds from now on.
    pub fn put(&self, path: &str, items: Vec<Value>) {
        self.inside.lock().unwrap().objects.get_mut(path).unwrap().1 = items;
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside.lock().unwrap().asked.clone()
    }

    /// One request of a connection; None at its end.
    fn answer(&self, stream: &TcpStream) -> Option<()> {
        let asked = read(stream)?;
        let reply = {
            let mut inside = self.inside.lock().unwrap();
            inside.asked.push(asked.clone());
            let odd = (inside.mood)(&asked);
            odd.unwrap_or_else(|| inside.usual(&asked))
        };
        match reply {
            Reply::Json(code, body) => {
                let body = body.to_string();
                whole(stream, code, body.len(), body.as_bytes()).ok()
            }
            Reply::Half(body) => {
                let body = body.to_string();
                let _ = whole(stream, 200, body.len(), &body.as_bytes()[..body.len() / 2]);
                None
            }
            Reply::Nothing => {
                // Until the client has enough of it.
                let _ = BufReader::new(stream).fill_buf();
                None
            }
            Reply::Lines(lines) => {
                let mut stream = stream;
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                .ok()?;
                for line in lines {
                    let line = format!("{line}\n");
                    write!(stream, "{:x}\r\n{line}\r\n", line.len()).ok()?;
                }
                write!(stream, "0\r\n\r\n").ok()
            }
        }
    }
}

impl Inside {
    /// What a healthy server answers.
    fn usual(&mut self, asked: &Asked) -> Reply {
        if asked.watches() {
            let (reply, sender) = lines(Vec::new());
            self.open.push(sender);
            return reply;
        }
        if asked.path == "/version" {
            return Reply::Json(200, json!({"major": "1", "minor": "33", "gitVersion": "v1.33.1"}));
        }
        if let Some((kind, items)) = self.objects.get(&asked.path) {
            return list(kind, items, asked);
        }
        let (folder, name) = asked.path.rsplit_once('/').unwrap();
        let items = self.objects.get(folder);
        match items.and_then(|(_, items)| items.iter().find(|item| item["metadata"]["name"] == name)) {
            Some(item) => Reply::Json(200, item.clone()),
            None => status(404, "NotFound", &format!("{name} not found")),
        }
    }
}

/// A page; the token is the number of the next item.
pub fn list(kind: &str, items: &[Value], asked: &Asked) -> Reply {
    let from: usize = asked.of("continue").map_or(0, |token| token.parse().unwrap());
    let limit: usize = asked.of("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let on = asked.of("fieldSelector").and_then(|fields| fields.strip_prefix("spec.nodeName="));
    let items: Vec<&Value> =
        items.iter().filter(|item| on.is_none_or(|node| item["spec"]["nodeName"] == node)).collect();
    let to = from.saturating_add(limit).min(items.len());
    let mut metadata = json!({"resourceVersion": VERSION});
    if to < items.len() {
        metadata["continue"] = to.to_string().into();
    }
    // As servers have it, the items of a typed list do not say what they are.
    let bare = items[from..to].iter().map(|item| {
        let mut item = (*item).clone();
        item.as_object_mut().unwrap().retain(|field, _| field != "kind" && field != "apiVersion");
        item
    });
    let group = asked.path.strip_prefix("/apis/").map(|path| path.split('/').take(2).collect::<Vec<_>>().join("/"));
    let version = group.unwrap_or_else(|| "v1".to_owned());
    Reply::Json(
        200,
        json!({"kind": format!("{kind}List"), "apiVersion": version, "metadata": metadata, "items": bare.collect::<Vec<_>>()}),
    )
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut header) = (String::new(), String::new());
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut token = None;
    while reader.read_line(&mut header).ok()? > 2 {
        let bearer = header.split_once(": Bearer ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        token = token.or(bearer.map(|(_, token)| token.trim().to_owned()));
        header.clear();
    }
    let target = first.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(key, value)| (key.to_owned(), value.replace("%3D", "=").replace("%2F", "/"))).collect();
    Some(Asked { path: path.to_owned(), query, token })
}

fn whole(mut stream: &TcpStream, code: u16, length: usize, body: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {code} Said\r\nContent-Type: application/json\r\nDate: {DATE}\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)
}

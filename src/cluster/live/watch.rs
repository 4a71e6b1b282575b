//! One kind followed from the version it was listed at: a stream that connects again by itself.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::stream::{self, Stream};
use futures::{AsyncBufReadExt, StreamExt};
use kube::api::WatchParams;
use kube::core::Request as Paths;
use serde::Deserialize;
use serde_json::Value;

use super::call::{Call, Failed, ROLES_LOADED, once, words};
use super::kinds::Listed;
use super::known::{Key, Known};
use super::pages::Lists;
use crate::cluster::ClusterError;
use crate::model::{Change, PodKey};
use crate::observe::read_object;

/// A server closes a watch after so long; other kinds' watches end at other times.
const SPAN: u32 = 240;
/// Bookmarks come every minute: a connection without a byte for so long is dead.
const IDLE: Duration = Duration::from_secs(90);
/// A watch that ends so soon, without a word, is not begun again at once.
const SHORT: Duration = Duration::from_secs(5);
/// Without any answer for so long, what is known of the kind is old (H22).
const LOST: Duration = Duration::from_secs(40);

/// What is heard of a kind.
#[derive(Debug)]
pub(super) enum News {
    /// Objects came, changed or went.
    Changes(Vec<Change>),
    /// What is known of it may be old, or not all of it, and why.
    Lost(ClusterError),
}

type Lines = Pin<Box<dyn Stream<Item = io::Result<String>>>>;

/// A kind that is followed.
pub(super) struct Watch {
    pub listed: Listed,
    pub lists: Lists,
    /// The version to go on from.
    pub version: String,
    pub known: Rc<RefCell<Known>>,
    lines: Option<Lines>,
    /// Since when there are lines, and whether none came yet.
    connected: Instant,
    mute: bool,
    failures: u32,
    answered: Instant,
    /// Whether it was ever let in, and since when it is not any more.
    granted: bool,
    refused: Option<Instant>,
}

/// A line of a watch.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

/// Why a watch does not go on as it is.
enum Broken {
    /// It ended, as each does some time.
    Ended,
    /// It ended before its time, or the server is away.
    Cut(ClusterError),
    /// The version is too old to go on from.
    Expired,
}

impl Watch {
    /// Follows from `version`.
    pub fn new(listed: Listed, lists: Lists, version: String, known: Rc<RefCell<Known>>) -> Self {
        let now = Instant::now();
        let (lines, refused) = (None, None);
        Self {
            listed,
            lists,
            version,
            known,
            lines,
            connected: now,
            mute: true,
            failures: 0,
            answered: now,
            granted: false,
            refused,
        }
    }

    /// The news, for ever. Dropping a wait for it loses nothing.
    pub fn news(self) -> Pin<Box<dyn Stream<Item = News>>> {
        Box::pin(stream::unfold(self, |mut watch| async move {
            let news = watch.next().await;
            Some((news, watch))
        }))
    }

    async fn next(&mut self) -> News {
        loop {
            let broken = match self.heard().await {
                Ok(Some(news)) => return news,
                Ok(None) => continue,
                Err(broken) => broken,
            };
            self.lines = None;
            let error = match broken {
                Broken::Ended => continue,
                Broken::Cut(error) => error,
                Broken::Expired => match self.relist().await {
                    Ok(news) => return news,
                    Err(failed) => self.error("list", &failed),
                },
            };
            self.failures = self.failures.saturating_add(1);
            tokio::time::sleep(pause(self.failures)).await;
            let silence = self.answered.elapsed();
            match error {
                // A server that was started anew does not know its roles at first.
                ClusterError::Forbidden { .. } if self.may_be_let_in_again() => {}
                // Trying again does not give a right.
                ClusterError::Forbidden { .. } | ClusterError::Broken(_) => {
                    return News::Lost(ClusterError::Broken(error.to_string()));
                }
                error if silence > LOST => {
                    let (what, seconds) = (self.listed.what(), silence.as_secs());
                    let text = format!("{what} not heard of for {seconds} s: {error}");
                    return News::Lost(ClusterError::Unavailable(text));
                }
                _ => {}
            }
        }
    }

    /// Whether it had the right before, and was not refused for long.
    fn may_be_let_in_again(&mut self) -> bool {
        let since = *self.refused.get_or_insert_with(Instant::now);
        self.granted && since.elapsed() < ROLES_LOADED
    }

    /// The next line, and what it means; None if that is nothing.
    async fn heard(&mut self) -> Result<Option<News>, Broken> {
        if self.lines.is_none() {
            self.lines = Some(self.connect().await?);
            (self.connected, self.answered, self.mute) = (Instant::now(), Instant::now(), true);
            (self.granted, self.refused) = (true, None);
        }
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let line = match tokio::time::timeout(IDLE, lines.next()).await {
            Err(_) => return Err(self.cut(format!("nothing came for {} s", IDLE.as_secs()))),
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(error))) => return Err(self.cut(words(&error))),
            Ok(None) if self.mute && self.connected.elapsed() < SHORT => return Err(self.cut("it ended at once")),
            Ok(None) => return Err(Broken::Ended),
        };
        if line.trim().is_empty() {
            return Ok(None);
        }
        // Cut off in the middle: the connection is at its end.
        let Ok(event) = serde_json::from_str::<Event>(&line) else {
            return Err(self.cut("a line of it makes no sense"));
        };
        self.take(event)
    }

    fn error(&self, verb: &'static str, failed: &Failed) -> ClusterError {
        Call::new(verb, self.listed.what()).error(failed)
    }

    fn cut(&self, why: impl Into<String>) -> Broken {
        Broken::Cut(ClusterError::Unavailable(format!("watch {}: {}", self.listed.what(), why.into())))
    }

    async fn connect(&self) -> Result<Lines, Broken> {
        let asked = WatchParams { bookmarks: true, timeout: Some(span(&self.listed)), ..WatchParams::default() };
        let request = Paths::new(self.listed.path()).watch(&asked, &self.version);
        let request = request.map_err(|error| self.cut(words(&error)))?;
        // Compressed, an event might be held back until there are more.
        let (mut head, body) = request.into_parts();
        head.headers.insert(http::header::ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        let request = http::Request::from_parts(head, body);
        match once(self.lists.patience, self.lists.client.request_stream(request)).await {
            Ok(stream) => Ok(Box::pin(stream.lines())),
            Err(Failed::Said(kube::Error::Api(status))) if status.code == 410 => Err(Broken::Expired),
            Err(failed) => Err(Broken::Cut(self.error("watch", &failed))),
        }
    }

    fn take(&mut self, event: Event) -> Result<Option<News>, Broken> {
        let text = |field: &str| event.object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        if event.kind == "ERROR" {
            let expired = event.object.get("code").and_then(Value::as_u64) == Some(410);
            return Err(if expired { Broken::Expired } else { self.cut(text("/message")) });
        }
        (self.failures, self.mute, self.answered) = (0, false, Instant::now());
        let version = text("/metadata/resourceVersion");
        if !version.is_empty() {
            self.version.clone_from(&version);
        }
        let key = (text("/metadata/namespace"), text("/metadata/name"));
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" if self.known.borrow_mut().see(key.clone(), &version) => Ok(self.read(event.object)),
            "DELETED" if self.known.borrow_mut().bury(key.clone(), &version) => {
                Ok(gone(&self.listed, &key).map(|change| News::Changes(vec![change])))
            }
            _ => Ok(None),
        }
    }

    fn read(&self, object: Value) -> Option<News> {
        match changed(&self.listed, object) {
            Ok(change) => change.map(|change| News::Changes(vec![change])),
            Err(why) => Some(self.unreadable(why)),
        }
    }

    fn unreadable(&self, why: String) -> News {
        News::Lost(self.error("watch", &Failed::Garbled(why)))
    }

    /// Lists anew, and tells the difference to what was known.
    async fn relist(&mut self) -> Result<News, Failed> {
        let (objects, version) = self.lists.values(&self.listed, None).await?;
        let (mut changes, mut there) = (Vec::new(), std::collections::BTreeSet::new());
        let mut known = self.known.borrow_mut();
        for object in objects {
            let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let key = (text("/metadata/namespace"), text("/metadata/name"));
            let seen_at = text("/metadata/resourceVersion");
            there.insert(key.clone());
            if known.is_at(&key, &seen_at) || !known.see(key, &seen_at) {
                continue;
            }
            match changed(&self.listed, object) {
                Ok(change) => changes.extend(change),
                Err(why) => return Ok(self.unreadable(why)),
            }
        }
        let went: Vec<Key> = known.keys().filter(|key| !there.contains(*key)).cloned().collect();
        for key in went {
            if known.bury(key.clone(), &version) {
                changes.extend(gone(&self.listed, &key));
            }
        }
        (self.version, self.failures, self.answered) = (version, 0, Instant::now());
        Ok(News::Changes(changes))
    }
}

fn changed(listed: &Listed, object: Value) -> Result<Option<Change>, String> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    read_object(object).map_err(|why| format!("{} {name} cannot be read: {why}", listed.kind))
}

fn gone(listed: &Listed, (namespace, name): &Key) -> Option<Change> {
    Change::gone(listed.kind, PodKey::new(namespace.as_str(), name.as_str()))
}

/// So that not all watches end at once.
fn span(listed: &Listed) -> u32 {
    SPAN.saturating_add(listed.kind as u32 * 7)
}

/// Between two tries: doubled from half a second to 8 s.
fn pause(failures: u32) -> Duration {
    Duration::from_millis(250) * 2_u32.saturating_pow(failures.clamp(1, 5))
}

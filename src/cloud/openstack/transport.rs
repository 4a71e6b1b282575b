//! One exchange with one server of the cloud: deadlines, what is asked again and when, and what came back.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use backon::BackoffBuilder as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::clouds::setup;
use super::config::{Config, Trust};
use crate::cloud::ProviderError;
use crate::file;

/// An answer that is longer than this is none of Nova's: a thousand servers take some 3 MiB.
const LONGEST: usize = 64 << 20;
/// The most that a file of certificates may hold, in bytes.
const MOST_PEM: u64 = 16 << 20;
/// So much of an answer that is not JSON is shown.
const EXCERPT: usize = 160;

/// How patient we are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer is there, from the request's beginning to the answer's last byte.
    pub answer: Duration,
    /// Further tries of what is safe to repeat.
    pub repeats: usize,
    /// The first pause before a repeat, where the cloud names none; it doubles.
    pub pause: Duration,
    /// The longest pause that the cloud may ask for.
    pub longest_pause: Duration,
}

impl Default for Pace {
    /// 10 s to connect, a minute to answer, three repeats, pauses of up to a minute.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_mins(1),
            repeats: 3,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
        }
    }
}

/// What is asked.
pub struct Ask<'a> {
    /// The verb.
    pub method: Method,
    /// The whole address.
    pub url: &'a str,
    /// Parameters of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// Our token.
    pub token: Option<&'a SecretString>,
    /// The microversion of Nova's API.
    pub version: Option<&'a str>,
    /// What is sent.
    pub body: Option<&'a Value>,
    /// Asking twice does no harm.
    pub repeatable: bool,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if it is JSON.
    pub body: Option<Value>,
    /// What the cloud says in it, on one line: its message, or the beginning of what is not JSON.
    pub words: String,
}

/// No answer, in words.
pub struct Silence {
    /// Why.
    pub why: String,
    /// The request may have arrived.
    pub sent: bool,
}

/// A client for one cloud.
pub struct Transport {
    client: Client,
    pace: Pace,
}

impl Transport {
    /// A client that trusts whom `config` says.
    ///
    /// # Errors
    /// The file with certificates cannot be read or holds none.
    pub fn new(config: &Config, pace: Pace) -> Result<Self, ProviderError> {
        // A second call finds it installed: there is one for the whole program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(pace.connect)
            .timeout(pace.answer)
            // A token follows no redirect, and no layer below repeats what this one did not ask for.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        match &config.trust {
            Trust::System => {}
            Trust::Anybody => builder = builder.tls_danger_accept_invalid_certs(true),
            Trust::File(path) => {
                let (place, shown) = (&config.place, path.display());
                let wrong = |why: String| setup(format!("{place}: `cacert: {shown}` {why}"));
                let pem = file::given(path, MOST_PEM).map_err(|error| wrong(format!("cannot be read: {error}")))?;
                let found = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if found.is_empty() {
                    return Err(wrong("holds no certificate in PEM form".to_owned()));
                }
                builder = builder.tls_certs_merge(found);
            }
        }
        let client = builder.build().map_err(|error| setup(format!("{}: {}", config.place, chain(&error))))?;
        Ok(Self { client, pace })
    }

    /// Asks, and asks again where that is safe and the cloud is busy or silent.
    ///
    /// # Errors
    /// There was no answer to the last try.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Silence> {
        let mut pauses = backon::ExponentialBuilder::default()
            .with_min_delay(self.pace.pause)
            .with_max_delay(self.pace.longest_pause)
            .with_max_times(self.pace.repeats)
            .with_jitter()
            .build();
        loop {
            let outcome = self.once(ask).await;
            let pause = match &outcome {
                Ok(answer) if !(ask.repeatable && answer.busy()) => None,
                Ok(answer) => pauses.next().map(|own| answer.retry_after().unwrap_or(own)),
                // What never arrived may be sent again, whatever it was.
                Err(silence) if ask.repeatable || !silence.sent => pauses.next(),
                Err(_) => None,
            };
            match pause.filter(|pause| *pause <= self.pace.longest_pause) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome,
            }
        }
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Answer, Silence> {
        let mut request = self.client.request(ask.method.clone(), ask.url).header("Accept", "application/json");
        if !ask.query.is_empty() {
            request = request.query(ask.query);
        }
        if let Some(token) = ask.token {
            let value = HeaderValue::from_str(token.expose_secret());
            let mut value = value
                .map_err(|_| Silence { why: "the token has characters that no token has".to_owned(), sent: false })?;
            value.set_sensitive(true);
            request = request.header("X-Auth-Token", value);
        }
        if let Some(version) = ask.version {
            request = request.header("OpenStack-API-Version", format!("compute {version}"));
            request = request.header("X-OpenStack-Nova-API-Version", version);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(|error| self.silence(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| self.silence(&error))? {
            bytes.extend_from_slice(&more);
            if bytes.len() > LONGEST {
                let why = format!("its answer is longer than {} MiB", LONGEST >> 20);
                return Err(Silence { why, sent: true });
            }
        }
        let body = serde_json::from_slice(&bytes).ok();
        let other = (body.is_none() && !bytes.is_empty()).then(|| excerpt(&headers, &bytes));
        let words = words(status, &headers, body.as_ref(), other);
        Ok(Answer { status, headers, body, words })
    }

    fn silence(&self, error: &reqwest::Error) -> Silence {
        let why = match (error.is_timeout(), error.is_connect()) {
            (true, true) => format!("no connection within {} s", self.pace.connect.as_secs_f32()),
            (true, false) => format!("no whole answer within {} s", self.pace.answer.as_secs_f32()),
            (false, _) => chain(error),
        };
        Silence { why, sent: !error.is_connect() }
    }
}

impl Answer {
    /// Worth asking again, if that is safe.
    pub fn busy(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 500 | 502..=504)
            || (self.status == StatusCode::PAYLOAD_TOO_LARGE && self.retry_after().is_some())
    }

    /// How long the cloud asks us to wait. A date is left to our own pauses: clocks differ.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

fn words(status: StatusCode, headers: &HeaderMap, body: Option<&Value>, other: Option<String>) -> String {
    // Nova: `{"conflictingRequest": {"message": …}}`, Keystone: `{"error": {"message": …}}`.
    let said = body.and_then(Value::as_object).and_then(|object| {
        let inner = || object.values().find_map(|value| value.get("message"));
        object.get("message").or_else(inner).and_then(Value::as_str)
    });
    let mut words = match (said, other) {
        (Some(said), _) => line(said),
        (None, Some(other)) => other,
        (None, None) => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    };
    let request = headers.get("x-openstack-request-id").and_then(|id| id.to_str().ok());
    if let Some(request) = request.filter(|_| status.is_server_error()) {
        let _ = write!(words, " ({request})");
    }
    words
}

/// What is wrong with an answer that does not have its form. Its values are not shown: any of them may be a secret.
pub fn deformed(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") { text } else { "a value is not of the kind that it should be".to_owned() }
}

/// An error with its causes; the address is left out, since it may hold more than the reader should see.
fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = line(&error.to_string());
        // Some wrap the text of their cause.
        words.retain(|word| !word.contains(&text));
        words.push(text);
        cause = error.source();
    }
    let text = if words.is_empty() { "the request could not be sent".to_owned() } else { words.join(": ") };
    if text.contains("certificate") {
        return format!("{text} (if the cloud has certificates of its own, name them with `cacert: FILE`)");
    }
    text
}

fn excerpt(headers: &HeaderMap, bytes: &[u8]) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no content type");
    let text = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).into_owned();
    let mut plain = String::new();
    let mut tag = false;
    for c in text.chars() {
        match c {
            '<' => tag = true,
            '>' => {
                tag = false;
                plain.push(' ');
            }
            c if !tag => plain.push(c),
            _ => {}
        }
    }
    let plain: String = line(&plain).chars().take(EXCERPT).collect();
    format!("{} instead of JSON: {plain}", line(kind))
}

/// On one line, without anything that a terminal would act on.
fn line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

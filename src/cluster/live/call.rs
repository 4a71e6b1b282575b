//! Calls: one deadline round each, tried again only where that does no harm, and told by verb and resource.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use kube::core::Status;

use super::client::Live;
use super::login;
use crate::cluster::ClusterError;

/// A server that was started anew refuses everybody until it has read the roles, well within this.
pub(super) const ROLES_LOADED: Duration = Duration::from_secs(30);

/// What is asked of the API server, for messages.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// `list`, `get`, `patch`, …
    pub verb: &'static str,
    /// `node worker-1`, `poddisruptionbudgets.policy`, `pods in namespace jhub`.
    pub what: String,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// None came in time.
    Late(Duration),
    /// The client or the server says why.
    Said(kube::Error),
    /// One came, and makes no sense.
    Garbled(String),
}

impl Failed {
    /// Whether it is the server, or the way to it, that is not there: then the next call has no better chance.
    pub fn silent(&self) -> bool {
        match self {
            Self::Late(_) => true,
            Self::Said(kube::Error::Api(status)) => matches!(status.code, 0 | 502..=504),
            Self::Said(error) => passes(error),
            Self::Garbled(_) => false,
        }
    }
}

impl Call {
    /// A call.
    pub fn new(verb: &'static str, what: impl Into<String>) -> Self {
        Self { verb, what: what.into() }
    }

    /// What a failure means.
    pub fn error(&self, failed: &Failed) -> ClusterError {
        let Self { verb, what } = self;
        let status = match failed {
            Failed::Late(waited) => {
                let text = format!("no answer to {verb} {what} within {} s", waited.as_secs());
                return ClusterError::Unavailable(text);
            }
            Failed::Garbled(why) => {
                return ClusterError::Unavailable(format!("{verb} {what}: the answer makes no sense: {why}"));
            }
            Failed::Said(kube::Error::Api(status)) if status.code > 0 => status,
            Failed::Said(error @ kube::Error::SerdeError(_)) => {
                return ClusterError::Unavailable(format!("{verb} {what}: the answer makes no sense: {error}"));
            }
            Failed::Said(kube::Error::Api(status)) => {
                return ClusterError::Unavailable(format!("{verb} {what}: {}", status.message));
            }
            Failed::Said(error) if login::of(error).is_some() => {
                return ClusterError::Broken(format!("cannot log in for {verb} {what}: {}", words(error)));
            }
            Failed::Said(error) => return ClusterError::Unavailable(format!("{verb} {what}: {}", words(error))),
        };
        match status.code {
            401 => ClusterError::Broken(format!(
                "the API server does not accept our credentials ({verb} {what}: 401): renew them and try again"
            )),
            403 => ClusterError::Forbidden { verb: (*verb).to_owned(), what: format!("{what}{}", whose(status)) },
            404 => ClusterError::NotFound(what.clone()),
            409 => ClusterError::Conflict(what.clone()),
            code => ClusterError::Unavailable(format!("{verb} {what}: {code} {}", status.message)),
        }
    }
}

/// One request, within `patience`. What is refused is refused: nothing is tried again.
///
/// # Errors
/// It was refused, or no answer came in time; whether it was done is then not known.
pub(super) async fn once<T>(
    patience: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failed> {
    match tokio::time::timeout(patience, request).await {
        Ok(answer) => answer.map_err(Failed::Said),
        Err(_) => Err(Failed::Late(patience)),
    }
}

/// A request that changes nothing, again while the server is away or busy, all within `patience`.
///
/// # Errors
/// It was refused, or no answer came in time.
pub(super) async fn again<T, F>(patience: Duration, request: impl FnMut() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(4))
        .with_jitter()
        .without_max_times();
    // Past the deadline it is the last refusal that says what is wrong.
    let last = RefCell::new(None);
    let tried = request.retry(pauses).when(passes).adjust(|error, pause| pause.max(asked_to_wait(error))).notify(
        |error: &kube::Error, _| {
            let status = if let kube::Error::Api(status) = error { status.clone() } else { unspoken(error) };
            *last.borrow_mut() = Some(kube::Error::Api(status));
        },
    );
    match tokio::time::timeout(patience, tried).await {
        Ok(answer) => answer.map_err(Failed::Said),
        Err(_) => Err(last.take().map_or(Failed::Late(patience), Failed::Said)),
    }
}

impl Live {
    /// [`once`], told.
    pub(super) async fn once<T>(
        &self,
        call: &Call,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ClusterError> {
        once(self.patience, request).await.map_err(|failed| self.told(call, &failed))
    }

    /// [`again`], told.
    pub(super) async fn again<T, F>(&self, call: &Call, mut request: impl FnMut() -> F) -> Result<T, ClusterError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let watched = || {
            let answer = request();
            async {
                let answer = answer.await;
                if answer.as_ref().is_err_and(passes) {
                    self.away.set(Some(Instant::now()));
                }
                answer
            }
        };
        again(self.patience, watched).await.map_err(|failed| self.told(call, &failed))
    }
}

impl Live {
    /// What a failure means, also by what came before it.
    pub(super) fn told(&self, call: &Call, failed: &Failed) -> ClusterError {
        if failed.silent() {
            self.away.set(Some(Instant::now()));
        }
        match (call.error(failed), self.away.get()) {
            (ClusterError::Forbidden { verb, what }, Some(away)) if away.elapsed() < ROLES_LOADED => {
                let text = format!(
                    "not allowed to {verb} {what}, by a server that has just come back and may not know its roles yet"
                );
                ClusterError::Unavailable(text)
            }
            (error, _) => error,
        }
    }
}

/// Whether the same request may be answered a little later.
fn passes(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 500 | 502 | 503 | 504),
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => login::of(error).is_none(),
        _ => false,
    }
}

/// How long the server asks us to wait; more than that it may not ask.
fn asked_to_wait(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds.min(10);
    Some(Duration::from_secs(seconds.into()))
}

/// A failure without the server's words as if it had said them.
fn unspoken(error: &kube::Error) -> Box<Status> {
    Box::new(Status { code: 0, message: words(error), ..Status::default() })
}

/// Whom the server refused, from its words: `User "x" cannot list …`. A refusal of another kind, such as a webhook's, is
/// told whole.
fn whose(status: &Status) -> String {
    let user = status.message.split_once("User \"").and_then(|(_, rest)| rest.split_once("\" cannot"));
    match user {
        Some((user, _)) => format!(" as {user}"),
        None => format!(": {}", status.message),
    }
}

/// An error with its causes, none said twice. Of a login only what is behind it: its own words hold what a program printed.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(error) = login::of(error) {
        return login::words(error, None);
    }
    let mut text: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        // Wrappers repeat what they wrap behind their own name.
        if let Some(last) = text.last_mut().filter(|last| last.ends_with(&said)) {
            last.truncate(last.len() - said.len());
            *last = last.trim_end_matches([' ', ':']).to_owned();
        }
        text.push(said);
        next = error.source();
    }
    text.retain(|said| !said.is_empty() && !["ServiceError", "HyperError"].contains(&said.as_str()));
    text.join(": ")
}

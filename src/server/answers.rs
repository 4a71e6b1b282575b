//! What each path answers. No secret stands in any of it: the view holds none.

use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER,
};
use hyper::header::{WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use http_body_util::Full;

use super::board::Board;
use super::metrics::metrics;
use super::page::page;

/// Without a sign of life for so long the process is to be started anew: as long as the largest plan may take, several times.
const DEAD: SignedDuration = SignedDuration::from_mins(5);
/// How long a request for a snapshot waits for the controller.
const PATIENCE: Duration = Duration::from_secs(8);

/// Who may read what beside health.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Everybody who asks for this machine by its own name: only this machine can.
    Open,
    /// Nobody: others can ask, and nobody said who may.
    Shut,
    /// Who has this token.
    Token(String),
}

impl Gate {
    /// Takes as long for a wrong token as for the right one.
    fn lets(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Open => headers.get(HOST).is_none_or(|host| host.to_str().is_ok_and(own)),
            Self::Shut => false,
            Self::Token(token) => {
                let given = headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
                let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
                let differs = given.iter().zip(token.as_bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
                differs == 0 && given.len() == token.len()
            }
        }
    }
}

/// Whether a `Host` is this machine's own name. A page from elsewhere, whose name leads here, is not to read what only
/// this machine may.
fn own(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let value = hyper::header::HeaderValue::from_static;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, value(kind));
    headers.insert(CACHE_CONTROL, value("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    let allowed =
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, value(allowed));
    response
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

fn words(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    reply(status, TEXT, format!("{text}\n"))
}

/// The answer to a request.
pub async fn answer(
    board: &Board,
    gate: &Gate,
    (method, path, headers): (&Method, &str, &HeaderMap),
) -> Response<Full<Bytes>> {
    let (view, now) = (board.view(), Timestamp::now());
    if method != Method::GET && method != Method::HEAD {
        return words(StatusCode::METHOD_NOT_ALLOWED, "only GET: nothing is changed here");
    }
    match path {
        "/healthz" if now.duration_since(view.beat) > DEAD => {
            return words(StatusCode::SERVICE_UNAVAILABLE, &format!("no sign of life since {}", view.beat));
        }
        "/healthz" => return words(StatusCode::OK, "ok"),
        "/readyz" => {
            return match view.ready() {
                Ok(()) => words(StatusCode::OK, &format!("ok: {}", view.part())),
                Err(why) => words(StatusCode::SERVICE_UNAVAILABLE, why),
            };
        }
        _ => {}
    }
    if !gate.lets(headers) {
        let text = match gate {
            Gate::Shut => {
                "only `/healthz` and `/readyz` are open to other machines; `--token-file` says who may read the rest"
            }
            Gate::Open => "ask for `localhost` or the loopback address: other names may be somebody else's",
            Gate::Token(_) => "a bearer token is needed",
        };
        let status = if matches!(gate, Gate::Token(_)) { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
        let mut response = words(status, text);
        response.headers_mut().insert(WWW_AUTHENTICATE, hyper::header::HeaderValue::from_static("Bearer"));
        return response;
    }
    match path {
        "/" => reply(StatusCode::OK, "text/html; charset=utf-8", page(&view, now)),
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics(&view, now)),
        "/plan.json" => match &view.plan {
            Some(plan) => reply(StatusCode::OK, JSON, serde_json::to_vec(&**plan).unwrap_or_default()),
            None => words(StatusCode::SERVICE_UNAVAILABLE, "no plan was made yet"),
        },
        "/snapshot.json" => match board.snapshot(PATIENCE).await {
            Some(file) => reply(StatusCode::OK, JSON, file.as_slice().to_vec()),
            None => {
                let mut response =
                    words(StatusCode::SERVICE_UNAVAILABLE, "a plan is being carried out; ask again later");
                response.headers_mut().insert(RETRY_AFTER, hyper::header::HeaderValue::from_static("30"));
                response
            }
        },
        _ => words(StatusCode::NOT_FOUND, "there are /, /healthz, /readyz, /metrics, /plan.json and /snapshot.json"),
    }
}

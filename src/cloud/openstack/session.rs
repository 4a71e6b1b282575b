//! Logging in at Keystone: the token, until when it is used, and the catalog.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::config::{Auth, Config, Credential, Domain, Project, User};
use super::transport::{Ask, Transport};
use crate::cloud::ProviderError;

/// A login that holds. It cannot be printed: it has the token.
pub struct Session {
    /// The token.
    pub token: SecretString,
    /// From then on another one is got first. By our own clock, so that the cloud's may be wrong.
    pub renew: Instant,
    /// The services.
    pub catalog: Vec<Service>,
    /// The project's id.
    pub project: Option<String>,
}

/// A service of the catalog.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    /// `compute`, `image`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// Where a service is.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoint {
    /// `public`, `internal`, `admin`.
    pub interface: String,
    /// The region.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The address.
    pub url: String,
}

#[derive(Deserialize)]
struct Granted {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<Value>,
    project: Option<Value>,
}

/// Logs in.
///
/// # Errors
/// Keystone does not answer, or does not know us: the message names the entry and what to do.
pub async fn login(config: &Config, transport: &Transport) -> Result<Session, ProviderError> {
    let url = format!("{}/auth/tokens", config.keystone);
    let body = request(&config.auth);
    let ask = Ask {
        method: Method::POST,
        url: &url,
        query: &[],
        token: None,
        version: None,
        body: Some(&body),
        // A token too many is forgotten by itself.
        repeatable: true,
    };
    let (keystone, place) = (&config.keystone, &config.place);
    let silent = |why: &str| ProviderError::Unavailable(format!("Keystone at {keystone}: {why}"));
    let answer = transport.ask(&ask).await.map_err(|silence| silent(&silence.why))?;
    let words = scrub(&answer.words, &config.auth);
    match answer.status {
        StatusCode::CREATED | StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let fix = remedy(&config.auth);
            return Err(ProviderError::Login(format!(
                "Keystone at {keystone} does not let us in: {words}; {fix} ({place})"
            )));
        }
        StatusCode::NOT_FOUND => {
            let text = format!("{place}: there is no Keystone v3 at {keystone}: {words}; check `auth_url`");
            return Err(ProviderError::Setup(text));
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(silent(&format!("{status}: {words}")));
        }
        status => {
            let text = format!("Keystone at {keystone} does not take what {place} says ({status}): {words}");
            return Err(ProviderError::Login(text));
        }
    }
    let header = answer.headers.get("x-subject-token").and_then(|token| token.to_str().ok()).map(SecretString::from);
    let granted = answer.body.and_then(|body| serde_json::from_value::<Granted>(body).ok());
    let (Some(token), Some(granted)) = (header, granted) else {
        return Err(silent(&format!("its answer holds no token: {words}")));
    };
    let granted = granted.token;
    // One service that makes no sense hides no other.
    let catalog = granted.catalog.into_iter().filter_map(|service| serde_json::from_value(service).ok()).collect();
    let project = granted.project.and_then(|project| Some(project.get("id")?.as_str()?.to_owned()));
    let lifetime = granted.expires_at.zip(granted.issued_at).map(|(end, begin)| end.duration_since(begin));
    let lifetime = lifetime.and_then(|lifetime| Duration::try_from(lifetime).ok()).unwrap_or(Duration::from_mins(10));
    let margin = (lifetime / 10).min(Duration::from_mins(5));
    Ok(Session { token, renew: Instant::now() + lifetime.saturating_sub(margin), catalog, project })
}

fn remedy(auth: &Auth) -> &'static str {
    match auth {
        Auth::ApplicationCredential { .. } => {
            "the application credential may have expired, or its secret is wrong: `openstack application credential list`"
        }
        Auth::Password { .. } => "check user, password, domains and project",
        Auth::Token { .. } => {
            "the token is over, and cannot be renewed by itself: get a new one, or use an application credential"
        }
    }
}

fn domain(domain: &Domain) -> Value {
    match domain {
        Domain::Id(id) => json!({ "id": id }),
        Domain::Name(name) => json!({ "name": name }),
    }
}

fn user(user: &User) -> Value {
    match user {
        User::Id(id) => json!({ "id": id }),
        User::Name(name, of) => json!({ "name": name, "domain": domain(of) }),
    }
}

fn scope(project: &Project) -> Value {
    match project {
        Project::Id(id) => json!({ "project": { "id": id } }),
        Project::Name(name, of) => json!({ "project": { "name": name, "domain": domain(of) } }),
    }
}

/// Identity API v3, `POST /v3/auth/tokens`.
fn request(auth: &Auth) -> Value {
    match auth {
        Auth::ApplicationCredential { which, secret } => {
            let secret = secret.expose_secret();
            let credential = match which {
                Credential::Id(id) => json!({ "id": id, "secret": secret }),
                Credential::Name(name, of) => json!({ "name": name, "user": user(of), "secret": secret }),
            };
            let identity = json!({ "methods": ["application_credential"], "application_credential": credential });
            json!({ "auth": { "identity": identity } })
        }
        Auth::Password { user: who, password, project } => {
            let mut who = user(who);
            if let Value::Object(fields) = &mut who {
                fields.insert("password".to_owned(), password.expose_secret().into());
            }
            let identity = json!({ "methods": ["password"], "password": { "user": who } });
            json!({ "auth": { "identity": identity, "scope": scope(project) } })
        }
        Auth::Token { token, project } => {
            let identity = json!({ "methods": ["token"], "token": { "id": token.expose_secret() } });
            match project {
                Some(project) => json!({ "auth": { "identity": identity, "scope": scope(project) } }),
                None => json!({ "auth": { "identity": identity } }),
            }
        }
    }
}

/// `text` without our secret, should somebody send it back.
pub fn scrub(text: &str, auth: &Auth) -> String {
    let secret = match auth {
        Auth::ApplicationCredential { secret, .. } => secret,
        Auth::Password { password, .. } => password,
        Auth::Token { token, .. } => token,
    };
    without(text, secret)
}

/// `text` without `secret`.
pub fn without(text: &str, secret: &SecretString) -> String {
    let secret = secret.expose_secret();
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") }
}

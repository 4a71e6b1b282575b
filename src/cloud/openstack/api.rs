//! Calls to the cloud's services: logged in, at the catalog's address, in the microversion that both sides know.

use std::rc::Rc;

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use super::config::Config;
use super::session::{self, Session, login, without};
use super::transport::{Answer, Ask, Pace, Transport, deformed};
use super::versions::{self, Compute};
use crate::cloud::ProviderError;

/// A service of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Nova.
    Compute,
    /// Glance.
    Image,
    /// Cinder.
    Volume,
    /// Neutron.
    Network,
}

impl Service {
    /// Its types in catalogs, newest first.
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Compute => &["compute"],
            Self::Image => &["image"],
            Self::Volume => &["block-storage", "volumev3", "block-store"],
            Self::Network => &["network"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compute => "Nova",
            Self::Image => "Glance",
            Self::Volume => "Cinder",
            Self::Network => "Neutron",
        }
    }
}

/// One call.
pub struct Call<'a> {
    /// Whom.
    pub service: Service,
    /// The verb.
    pub method: Method,
    /// Below the service's address, with a slash at its beginning.
    pub path: &'a str,
    /// Parameters of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub body: Option<&'a Value>,
}

impl<'a> Call<'a> {
    /// Reads.
    pub fn get(service: Service, path: &'a str) -> Self {
        Self { service, method: Method::GET, path, query: &[], body: None }
    }

    /// Reading, writing a value and removing one may be done twice; a POST is an act.
    fn repeatable(&self) -> bool {
        self.method != Method::POST
    }
}

/// A cloud, as one user of one project.
pub struct Api {
    config: Config,
    transport: Transport,
    session: Mutex<Option<Rc<Session>>>,
    compute: OnceCell<Compute>,
}

impl Api {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The file with certificates cannot be used.
    pub fn new(config: Config, pace: Pace) -> Result<Self, ProviderError> {
        let transport = Transport::new(&config, pace)?;
        Ok(Self { config, transport, session: Mutex::new(None), compute: OnceCell::new() })
    }

    /// How it is reached.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Calls a service, logging in first where that is needed and once more where the token is not taken.
    ///
    /// # Errors
    /// No login, no such service, no answer. An answer that says no is an answer.
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, ProviderError> {
        let mut session = self.session(None).await?;
        let mut answer = self.once(call, &session).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            session = self.session(Some(&session)).await?;
            answer = self.once(call, &session).await?;
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            let (name, place) = (call.service.name(), &self.config.place);
            let words = answer.words;
            let text = format!("{name} does not take a token that Keystone has just given ({place}): {words}");
            return Err(ProviderError::Login(text));
        }
        Ok(answer)
    }

    /// Reads what `call` answers.
    ///
    /// # Errors
    /// As [`Api::call`]; the answer is a refusal or is not what it should be.
    pub async fn read<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ProviderError> {
        let answer = self.call(call).await?;
        if !answer.status.is_success() {
            return Err(self.refused(call, &answer));
        }
        let (name, path, words) = (call.service.name(), call.path, answer.words);
        let Some(body) = answer.body else {
            let text = format!("{name} answers GET {path} with {words}; is a proxy or a login page in between?");
            return Err(ProviderError::Unavailable(text));
        };
        serde_json::from_value(body).map_err(|error| {
            let what = deformed(&error);
            ProviderError::Unavailable(format!("{name}'s answer to GET {path} makes no sense: {what}"))
        })
    }

    /// The general meaning of a refusal.
    pub fn refused(&self, call: &Call<'_>, answer: &Answer) -> ProviderError {
        let (name, method, path) = (call.service.name(), &call.method, call.path);
        let words = &answer.words;
        match answer.status.as_u16() {
            403 => ProviderError::Forbidden(format!("{method} {path} at {name} ({}): {words}", self.config.place)),
            404 => ProviderError::NotFound(format!("{path} at {name}")),
            status => ProviderError::Unavailable(format!("{name} answers {method} {path} with {status}: {words}")),
        }
    }

    /// The microversion that is spoken with Nova.
    ///
    /// # Errors
    /// No login, no Nova, no answer.
    pub async fn compute(&self) -> Result<&Compute, ProviderError> {
        self.compute
            .get_or_try_init(|| async {
                let session = self.session(None).await?;
                let address = self.address(Service::Compute, &session)?;
                versions::negotiate(&self.transport, &address, session.project.as_deref()).await
            })
            .await
    }

    async fn once(&self, call: &Call<'_>, session: &Session) -> Result<Answer, ProviderError> {
        let (base, version) = match call.service {
            Service::Compute => {
                let compute = self.compute().await?;
                (compute.base.clone(), compute.version.as_deref())
            }
            Service::Image => {
                let address = self.address(call.service, session)?;
                (format!("{}/v2", address.trim_end_matches("/v2")), None)
            }
            Service::Network => {
                let address = self.address(call.service, session)?;
                (format!("{}/v2.0", address.trim_end_matches("/v2.0")), None)
            }
            Service::Volume => (self.address(call.service, session)?, None),
        };
        let url = format!("{base}{}", call.path);
        let ask = Ask {
            method: call.method.clone(),
            url: &url,
            query: call.query,
            token: Some(&session.token),
            version,
            body: call.body,
            repeatable: call.repeatable(),
        };
        let mut answer = self.transport.ask(&ask).await.map_err(|silence| {
            let (name, method, path) = (call.service.name(), &call.method, call.path);
            let why = self.clean(&silence.why, session);
            ProviderError::Unavailable(format!("{name}, {method} {path}: {why}"))
        })?;
        // What a server sends back of our secrets goes no further.
        answer.words = self.clean(&answer.words, session);
        Ok(answer)
    }

    fn clean(&self, text: &str, session: &Session) -> String {
        session::scrub(&without(text, &session.token), &self.config.auth)
    }

    /// A login that holds. `refused` is one that does not, whatever the clock says; only one of many that find out at the
    /// same time logs in again.
    async fn session(&self, refused: Option<&Rc<Session>>) -> Result<Rc<Session>, ProviderError> {
        let mut held = self.session.lock().await;
        if let Some(session) = held.as_ref()
            && Instant::now() < session.renew
            && refused.is_none_or(|refused| !Rc::ptr_eq(refused, session))
        {
            return Ok(Rc::clone(session));
        }
        let session = Rc::new(login(&self.config, &self.transport).await?);
        *held = Some(Rc::clone(&session));
        Ok(session)
    }

    /// Where the catalog says that a service is.
    fn address(&self, service: Service, session: &Session) -> Result<String, ProviderError> {
        let config = &self.config;
        if let Some(address) = config.compute.as_ref().filter(|_| service == Service::Compute) {
            return Ok(address.trim_end_matches('/').to_owned());
        }
        let (place, interface, name) = (&config.place, &config.interface, service.name());
        let listed = service.kinds().iter().find_map(|kind| session.catalog.iter().find(|found| found.kind == *kind));
        let Some(listed) = listed else {
            let kinds: Vec<&str> = session.catalog.iter().map(|found| found.kind.as_str()).collect();
            let text = format!("{place}: the catalog has no {name}; it has: {}", kinds.join(", "));
            return Err(ProviderError::Setup(text));
        };
        let here = |region: &Option<String>| config.region.is_none() || *region == config.region;
        let fitting: Vec<_> = listed
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.interface.trim_end_matches("URL") == interface && here(&endpoint.region_id))
            .collect();
        let there = || {
            let shown = listed.endpoints.iter().map(|endpoint| {
                format!("{} in {}", endpoint.interface, endpoint.region_id.as_deref().unwrap_or("no region"))
            });
            shown.collect::<Vec<_>>().join(", ")
        };
        match fitting.as_slice() {
            [only] => Ok(only.url.trim_end_matches('/').to_owned()),
            [] => {
                let region = config.region.as_ref().map_or(String::new(), |region| format!(" in region {region}"));
                let there = there();
                let text = format!("{place}: {name} has no {interface} address{region}; it has: {there}");
                Err(ProviderError::Setup(text))
            }
            _ => {
                let there = there();
                let text = format!("{place}: which {name}? Write `region_name`; the catalog has: {there}");
                Err(ProviderError::Setup(text))
            }
        }
    }
}

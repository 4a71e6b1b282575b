//! A cloud as a provider of servers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::Value;

use super::acts::{self, Next};
use super::api::{Api, Call, Service};
use super::config::Config;
use super::flavors;
use super::leftovers::{self, Leftovers};
use super::limits;
use super::making;
use super::pages;
use super::ports;
use super::servers::{Found, Shown};
use super::setback::Known;
use super::transport::{Pace, deformed};
use crate::cloud::{ParkMode, Provider, ProviderError};
use crate::cluster::Pending;
use crate::model::{Flavor, Name, Quota, Server, ServerOrder};
use crate::policy::Idle;

/// One project of one OpenStack cloud in one region.
pub struct Openstack {
    api: Api,
    known: Known,
    /// By flavor id, for a Nova that tells nothing else (before 2.47).
    sizes: RefCell<BTreeMap<String, Size>>,
}

/// A flavor's name, and the verbs that its servers do not allow.
#[derive(Clone)]
struct Size {
    name: Name,
    cannot: BTreeMap<Name, Name>,
}

impl Openstack {
    /// The cloud that `config` describes. Nothing is asked yet: the first call logs in.
    ///
    /// # Errors
    /// The file with certificates cannot be used.
    pub fn new(config: Config, pace: Pace) -> Result<Self, ProviderError> {
        Ok(Self { api: Api::new(config, pace)?, known: Known::default(), sizes: RefCell::default() })
    }

    /// How it is reached.
    pub fn config(&self) -> &Config {
        self.api.config()
    }

    /// Logs in and finds Nova: what a doctor tries first. The microversion that is spoken, None for a Nova without.
    ///
    /// # Errors
    /// What is wrong with the configuration, or between here and the cloud.
    pub async fn greet(&self) -> Result<Option<String>, ProviderError> {
        Ok(self.api.compute().await?.version.clone())
    }

    /// What parking and waking left behind: to be reported, never removed by us (H27).
    ///
    /// # Errors
    /// Nova does not answer. What Glance or Cinder do not tell is a gap in the report.
    pub async fn leftovers(&self) -> Result<Leftovers, ProviderError> {
        let servers = self.all().await?;
        Ok(leftovers::find(&self.api, &servers).await)
    }

    /// The servers of which a port is a device of the host, by name, each with its kind in Neutron's word. None where no
    /// Neutron is in the catalog.
    ///
    /// # Errors
    /// Nova or Neutron does not answer.
    pub async fn devices(&self) -> Result<Option<Vec<(String, String)>>, ProviderError> {
        let servers = self.all().await?;
        match ports::devices(&self.api, &servers).await {
            Ok(found) => Ok(Some(found)),
            Err(ProviderError::Setup(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn all(&self) -> Result<Vec<Server>, ProviderError> {
        let mut servers = Vec::new();
        for item in pages::all(&self.api, "/servers/detail", "servers").await? {
            if let Some(mut found) = self.found(item).await? {
                self.known.recall(&mut found.server, &found.changed);
                servers.push(found.server);
            }
        }
        servers.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(servers)
    }

    async fn one(&self, id: &str) -> Result<Option<Found>, ProviderError> {
        // An id is a part of an address: one that could be another address is no id.
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Ok(None);
        }
        let path = format!("/servers/{id}");
        let call = Call::get(Service::Compute, &path);
        let answer = self.api.call(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.api.refused(&call, &answer));
        }
        let words = answer.words;
        match acts::server_in(answer.body) {
            Some(server) => self.found(server).await,
            None => Err(ProviderError::Unavailable(format!("Nova answers GET {path} with {words}"))),
        }
    }

    async fn there(&self, id: &str) -> Result<Found, ProviderError> {
        self.one(id).await?.ok_or_else(|| ProviderError::NotFound(id.to_owned()))
    }

    /// A server whose flavor has its name.
    async fn found(&self, item: Value) -> Result<Option<Found>, ProviderError> {
        let shown: Shown = serde_json::from_value(item).map_err(|error| {
            ProviderError::Unavailable(format!("a server of Nova's makes no sense: {}", deformed(&error)))
        })?;
        let Some(mut found) = shown.found(&self.config().provider) else { return Ok(None) };
        if let Some(id) = found.flavor_id.clone() {
            let size = self.size(id).await?;
            found.server.flavor = size.name;
            for (verb, why) in &size.cannot {
                found.server.cannot.entry(verb.clone()).or_insert_with(|| why.clone());
            }
            found.unfit = size.cannot;
        }
        Ok(Some(found))
    }

    async fn size(&self, id: String) -> Result<Size, ProviderError> {
        if let Some(size) = self.sizes.borrow().get(&id) {
            return Ok(size.clone());
        }
        let listed = flavors::list(&self.api).await?;
        let mut sizes = self.sizes.borrow_mut();
        for one in listed {
            sizes.insert(one.id, Size { name: one.flavor.name, cannot: one.special.cannot() });
        }
        // A flavor that is gone keeps its id for a name, and is not looked for again.
        let unnamed = || Size { name: id.as_str().into(), cannot: BTreeMap::new() };
        Ok(sizes.entry(id.clone()).or_insert_with(unnamed).clone())
    }
}

impl Provider for Openstack {
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError> {
        Box::pin(self.all())
    }

    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let Some(mut found) = self.one(&id).await? else { return Ok(None) };
            self.known.look_up(&self.api, &mut found.server, &found.changed).await;
            Ok(Some(found.server))
        })
    }

    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError> {
        Box::pin(async { Ok(flavors::list(&self.api).await?.into_iter().map(|listed| listed.flavor).collect()) })
    }

    fn quota(&self) -> Pending<'_, Option<Quota>, ProviderError> {
        Box::pin(async { limits::read(&self.api).await.map(Some) })
    }

    fn park_modes(&self) -> Vec<ParkMode> {
        ParkMode::of_openstack()
    }

    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            if how == Idle::Delete {
                return Err(ProviderError::Unsupported("delete servers".to_owned()));
            }
            let found = self.there(&id).await?;
            let next = acts::to_park(&found.server, how);
            // Nova would say that it did it: better refused here. What it refuses itself, a lock say, is left to it.
            if let (Next::Action("suspend"), Some(why)) = (next, found.unfit.get("suspend")) {
                return Err(ProviderError::Unsupported(format!("suspend server {id}: {why}")));
            }
            acts::act(&self.api, &found.server, next, how.verb()).await
        })
    }

    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError> {
        let (id, key, value) = (id.clone(), key.to_owned(), value.cloned());
        Box::pin(async move { acts::set_metadata(&self.api, &id, &key, value.as_deref()).await })
    }

    fn create(&self, order: &ServerOrder) -> Pending<'_, Name, ProviderError> {
        let order = order.clone();
        Box::pin(async move { making::make(&self.api, &order).await })
    }

    fn delete(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let server = self.there(&id).await?.server;
            making::destroy(&self.api, &server).await
        })
    }

    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move {
            let server = self.there(&id).await?.server;
            acts::act(&self.api, &server, acts::to_wake(&server), "wake").await
        })
    }
}

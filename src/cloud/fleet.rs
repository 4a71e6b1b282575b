//! Several providers as one: each server is asked where it is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use super::command::Programs;
use super::openstack::{Config, Openstack, Pace, Surroundings};
use super::{ParkMode, Provider, ProviderError, Survey};
use crate::cluster::Pending;
use crate::model::{Flavor, Name, Quota, Server, ServerOrder};
use crate::policy::{self, Idle, ProviderKind};

/// Providers by their names in the policy.
#[derive(Default)]
pub struct Fleet {
    members: BTreeMap<Name, Box<dyn Provider>>,
    /// Where each server was last seen.
    homes: RefCell<BTreeMap<Name, Name>>,
}

impl Fleet {
    /// The providers that a policy names, and what is to be said loudly of how they are reached. Nothing is asked yet.
    ///
    /// # Errors
    /// A configuration that cannot be used: the message names the provider, the file, the entry and what to write.
    pub fn open<'a>(
        providers: impl IntoIterator<Item = &'a policy::Provider>,
        around: &Surroundings,
    ) -> Result<(Self, Vec<String>), ProviderError> {
        let mut fleet = Self::default();
        let mut warnings = Vec::new();
        for provider in providers {
            let name = &provider.name;
            let (cloud, region) = match &provider.kind {
                ProviderKind::Openstack { cloud, region, .. } => (cloud, region),
                ProviderKind::Command { run, deadline, parks } => {
                    let deadline = Duration::try_from(*deadline).unwrap_or(Duration::MAX);
                    let programs = Programs::new(name.clone(), run.clone(), deadline, parks.clone());
                    fleet.add(name.clone(), Box::new(programs));
                    continue;
                }
            };
            let named = |error: ProviderError| match error {
                ProviderError::Setup(text) => ProviderError::Setup(format!("provider {name}: {text}")),
                other => other,
            };
            let config = Config::read(name, Some(cloud), region.as_deref(), around).map_err(named)?;
            warnings.extend(config.warnings().into_iter().map(|text| format!("provider {name}: {text}")));
            fleet.add(name.clone(), Box::new(Openstack::new(config, Pace::default()).map_err(named)?));
        }
        Ok((fleet, warnings))
    }

    /// Adds a provider, or replaces the one of that name.
    pub fn add(&mut self, name: Name, provider: Box<dyn Provider>) {
        self.members.insert(name, provider);
    }

    /// Whether it has none: nodes are then drained and given back, and their servers stay as they are.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The provider of that name.
    pub fn member(&self, name: &str) -> Option<&dyn Provider> {
        self.members.get(name).map(AsRef::as_ref)
    }

    fn settle(&self, servers: &[Server], home: &Name) {
        self.homes.borrow_mut().extend(servers.iter().map(|server| (server.id.clone(), home.clone())));
    }

    /// Where a server is, and what it is. Ids are the providers' own and do not say whose they are: where it was not seen
    /// before, each is asked.
    async fn seek(&self, id: &Name) -> Result<Option<(&Name, &dyn Provider, Server)>, ProviderError> {
        let known = self.homes.borrow().get(id).cloned();
        if let Some((name, provider)) = known.and_then(|name| self.members.get_key_value(&name))
            && let Some(server) = provider.server(id).await?
        {
            return Ok(Some((name, provider.as_ref(), server)));
        }
        let asked =
            self.members.iter().map(|(name, provider)| async move { (name, provider, provider.server(id).await) });
        let mut silent = None;
        for (name, provider, answer) in join_all(asked).await {
            match answer {
                Ok(Some(server)) => {
                    self.settle(std::slice::from_ref(&server), name);
                    return Ok(Some((name, provider.as_ref(), server)));
                }
                Ok(None) => {}
                Err(error) => silent = Some(error),
            }
        }
        // One that does not answer may be the one that has it.
        silent.map_or(Ok(None), Err)
    }

    /// The provider of a server.
    async fn home(&self, id: &Name) -> Result<&dyn Provider, ProviderError> {
        let known = self.homes.borrow().get(id).cloned();
        if let Some(provider) = known.and_then(|name| self.members.get(&name)) {
            return Ok(provider.as_ref());
        }
        let found = self.seek(id).await?;
        found.map(|(_, provider, _)| provider).ok_or_else(|| ProviderError::NotFound(id.to_string()))
    }

    /// What each answers, in the order of their names; the first error ends it.
    async fn each<T>(
        &self,
        ask: impl Fn(&dyn Provider) -> Pending<'_, Vec<T>, ProviderError>,
    ) -> Result<Vec<(&Name, Vec<T>)>, ProviderError> {
        let asked = self.members.iter().map(|(name, provider)| {
            let answer = ask(provider.as_ref());
            async move { answer.await.map(|found| (name, found)) }
        });
        join_all(asked).await.into_iter().collect()
    }
}

impl Provider for Fleet {
    /// All of all, or the error of the first that fails; [`Fleet::survey`] goes on without it.
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError> {
        Box::pin(async move {
            let mut all = Vec::new();
            for (name, servers) in self.each(|provider| provider.servers()).await? {
                self.settle(&servers, name);
                all.extend(servers);
            }
            all.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(all)
        })
    }

    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError> {
        let id = id.clone();
        Box::pin(async move { Ok(self.seek(&id).await?.map(|(_, _, server)| server)) })
    }

    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError> {
        Box::pin(async move {
            let mut all: Vec<Flavor> = Vec::new();
            for (_, flavors) in self.each(|provider| provider.flavors()).await? {
                all.extend(flavors);
            }
            all.sort_by(|a, b| (&a.name, &a.provider).cmp(&(&b.name, &b.provider)));
            Ok(all)
        })
    }

    /// One provider's, if there is only one: sums would allow what none of them does.
    fn quota(&self) -> Pending<'_, Option<Quota>, ProviderError> {
        match self.members.values().next().filter(|_| self.members.len() == 1) {
            Some(only) => only.quota(),
            None => Box::pin(async { Ok(None) }),
        }
    }

    fn survey(&self) -> Pending<'_, Survey, std::convert::Infallible> {
        Box::pin(async move {
            let asked = self.members.iter().map(|(name, provider)| async move { (name, provider.survey().await) });
            let mut all = Survey::default();
            for (name, survey) in join_all(asked).await {
                let Ok(survey) = survey;
                self.settle(&survey.servers, name);
                all.servers.extend(survey.servers);
                all.flavors.extend(survey.flavors);
                all.quotas.extend(survey.quotas);
                all.gaps.extend(survey.gaps.into_iter().map(|gap| format!("provider {name}: {gap}")));
            }
            all.servers.sort_by(|a, b| a.id.cmp(&b.id));
            all.flavors.sort_by(|a, b| (&a.name, &a.provider).cmp(&(&b.name, &b.provider)));
            Ok(all)
        })
    }

    /// What all of them can, as the dearest of them does it.
    fn park_modes(&self) -> Vec<ParkMode> {
        let mut members = self.members.values().map(|provider| provider.park_modes());
        let first = members.next().unwrap_or_default();
        members.fold(first, |modes, other| {
            let both = modes.into_iter().filter_map(|mode| {
                let same = other.iter().find(|other| other.idle == mode.idle)?;
                Some(ParkMode {
                    idle: mode.idle,
                    charged: mode.charged.max(same.charged),
                    keeps_address: mode.keeps_address && same.keeps_address,
                    reserves_capacity: mode.reserves_capacity && same.reserves_capacity,
                })
            });
            both.collect()
        })
    }

    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.home(&id).await?.park(&id, how).await })
    }

    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError> {
        let (id, key, value) = (id.clone(), key.to_owned(), value.cloned());
        Box::pin(async move { self.home(&id).await?.set_metadata(&id, &key, value.as_ref()).await })
    }

    fn create(&self, order: &ServerOrder) -> Pending<'_, Name, ProviderError> {
        let order = order.clone();
        Box::pin(async move {
            let Some((name, provider)) = self.members.get_key_value(&order.provider) else {
                let text = format!("provider {} of server {} is not one of the policy's", order.provider, order.name);
                return Err(ProviderError::Setup(text));
            };
            let id = provider.create(&order).await?;
            self.homes.borrow_mut().insert(id.clone(), name.clone());
            Ok(id)
        })
    }

    fn delete(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.home(&id).await?.delete(&id).await })
    }

    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.home(&id).await?.wake(&id).await })
    }
}

//! Calls the policy's hooks: a program with what it is about in its environment, or a POST with the same as JSON.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::execute::hooks::{Hooks, Occasion};
use crate::model::Name;
use crate::policy::{Hook, HookCall, HookTime, Policy};
use crate::program::{self, Cut};

/// The hooks of one policy, for one cluster.
pub struct Calling {
    hooks: Vec<Hook>,
    policy: Name,
    cluster: Name,
    client: reqwest::Client,
}

impl Calling {
    /// The hooks of `policy`; `cluster` is its UID.
    ///
    /// # Errors
    /// No client for webhooks can be made: in words.
    pub fn of(policy: &Policy, cluster: &str) -> Result<Self, String> {
        // The first wins; another part of the program may have been earlier.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| format!("hooks cannot be called: {error}"))?;
        Ok(Self { hooks: policy.hooks.clone(), policy: policy.name.clone(), cluster: cluster.into(), client })
    }

    fn facts(&self, hook: &Hook, about: &Occasion) -> BTreeMap<&'static str, String> {
        let when = match hook.when {
            HookTime::BeforeDrain => "beforeDrain",
            HookTime::AfterWake => "afterWake",
        };
        [
            ("hook", hook.name.to_string()),
            ("when", when.to_owned()),
            ("cluster", self.cluster.to_string()),
            ("policy", self.policy.to_string()),
            ("pool", about.pool.to_string()),
            ("node", about.node.to_string()),
        ]
        .into()
    }

    async fn call_one(&self, hook: &Hook, about: &Occasion) -> Result<(), String> {
        let facts = self.facts(hook, about);
        let deadline = Duration::try_from(hook.deadline).unwrap_or(Duration::MAX);
        let done = match &hook.call {
            HookCall::Command(words) => run(words, &facts, deadline).await,
            HookCall::Webhook(url) => timeout(deadline, self.post(url, &facts)).await.ok(),
        };
        done.unwrap_or_else(|| Err(format!("no end within {:#}", hook.deadline)))
    }

    /// The URL may hold a secret: no message names it.
    async fn post(&self, url: &str, facts: &BTreeMap<&str, String>) -> Result<(), String> {
        let answer = self.client.post(url).json(facts).send().await.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

/// None at the deadline.
async fn run(words: &[Name], facts: &BTreeMap<&str, String>, deadline: Duration) -> Option<Result<(), String>> {
    let program = words.first().map_or("", |program| program);
    let upper = |key: &str| format!("TIDEGATE_{}", key.to_uppercase());
    let variables: Vec<(String, String)> = facts.iter().map(|(key, value)| (upper(key), value.clone())).collect();
    let call = program::Call { words, variables: &variables, input: &[], most_answer: 0, deadline };
    match program::run(call).await {
        Ok(ended) if ended.status.success() => Some(Ok(())),
        Ok(ended) => Some(Err(format!("`{program}` ended with {}{}", ended.status, ended.last_words()))),
        Err(Cut::Start(error)) => Some(Err(format!("`{program}` cannot be started: {error}"))),
        Err(Cut::TooSlow) => None,
    }
}

impl Hooks for Calling {
    fn call<'a>(
        &'a self,
        hook: &'a Name,
        about: &'a Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>> {
        Box::pin(async move {
            match self.hooks.iter().find(|known| known.name == *hook) {
                Some(hook) => self.call_one(hook, about).await,
                None => Err("the policy has no such hook any more".to_owned()),
            }
        })
    }
}

//! Calls the policy's hooks: a program with what it is about in its environment, or a POST with the same as JSON.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::execute::hooks::{Hooks, Occasion};
use crate::model::Name;
use crate::policy::{Hook, HookCall, HookTime, Policy};

/// So much of what a program said before it failed is repeated, from its end.
const SAID: usize = 300;

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
        let called = async {
            match &hook.call {
                HookCall::Command(words) => run(words, &facts).await,
                HookCall::Webhook(url) => self.post(url, &facts).await,
            }
        };
        let deadline = Duration::try_from(hook.deadline).unwrap_or(Duration::MAX);
        timeout(deadline, called).await.map_err(|_| format!("no end within {:#}", hook.deadline))?
    }

    /// The URL may hold a secret: no message names it.
    async fn post(&self, url: &str, facts: &BTreeMap<&str, String>) -> Result<(), String> {
        let answer = self.client.post(url).json(facts).send().await.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

async fn run(words: &[Name], facts: &BTreeMap<&str, String>) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Err("no program is named".to_owned()) };
    let mut command = Command::new(&**program);
    command.args(arguments.iter().map(|word| &**word));
    command.envs(facts.iter().map(|(key, value)| (format!("TIDEGATE_{}", key.to_uppercase()), value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = command.spawn().map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let ended = ended.wait_with_output().await.map_err(|error| format!("`{program}`: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let skip = said.trim().chars().count().saturating_sub(SAID);
    let said: String = said.trim().chars().skip(skip).collect();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.replace('\n', " ")) };
    Err(format!("`{program}` ended with {}{said}", ended.status))
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

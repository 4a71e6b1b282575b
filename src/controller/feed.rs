//! The policy, read again and again beside the loop; the last good one holds until there is a better one.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::policy::{Policy, PolicySource, Problem, Severity, load};
use crate::source::{GitOptions, SourceError, read};

/// Problems that are named; a count stands for the rest.
const NAMED: usize = 3;

/// What is read, how, and how often.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The words of `-f`.
    pub words: Vec<PathBuf>,
    /// How git is read.
    pub git: GitOptions,
    /// Between two looks.
    pub every: Duration,
}

/// A policy that was read whole.
#[derive(Debug)]
pub struct Good {
    /// The policy.
    pub policy: Policy,
    /// Since when it holds, by the wall clock.
    pub since: Timestamp,
    sources: Vec<PolicySource>,
}

#[derive(Debug, Default)]
struct Told {
    good: Option<Arc<Good>>,
    read: Timestamp,
    trouble: Option<String>,
}

/// What is known of the policy. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    told: Arc<Mutex<Told>>,
    news: Arc<Notify>,
}

impl Feed {
    /// Begins to read, in a thread of its own: a repository may take its time.
    ///
    /// # Errors
    /// This process gets no thread.
    pub fn start(reading: Reading) -> io::Result<Self> {
        let feed = Self::default();
        let own = feed.clone();
        // It ends with the process: it holds nothing that must be let go.
        std::thread::Builder::new().name("policy".to_owned()).spawn(move || {
            loop {
                own.take(looked(&reading));
                std::thread::sleep(reading.every);
            }
        })?;
        Ok(feed)
    }

    fn change(&self, change: impl FnOnce(&mut Told) -> bool) {
        if change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner)) {
            self.news.notify_one();
        }
    }

    fn take(&self, found: Result<(Policy, Vec<PolicySource>), String>) {
        let now = Timestamp::now();
        self.change(|told| match found {
            Err(trouble) => told.trouble.replace(trouble.clone()) != Some(trouble),
            Ok((policy, sources)) => {
                let mended = told.trouble.take().is_some();
                told.read = now;
                let same = told
                    .good
                    .as_ref()
                    .is_some_and(|good| good.sources == sources && good.policy.revisions == policy.revisions);
                if !same {
                    told.good = Some(Arc::new(Good { policy, since: now, sources }));
                }
                mended || !same
            }
        });
    }

    /// The policy that holds, and when it was last read and found good.
    pub fn good(&self) -> Option<(Arc<Good>, Timestamp)> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Some((told.good.clone()?, told.read))
    }

    /// Why what was read last is not taken.
    pub fn trouble(&self) -> Option<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    /// Whether another policy holds than this one.
    pub fn moved_on(&self, from: &Arc<Good>) -> bool {
        self.good().is_some_and(|(good, _)| !Arc::ptr_eq(&good, from))
    }

    /// Waits until there is something new: another policy, or another trouble. May return without.
    pub async fn news(&self) {
        self.news.notified().await;
    }
}

fn looked(reading: &Reading) -> Result<(Policy, Vec<PolicySource>), String> {
    let sources = read(&reading.words, &reading.git).map_err(|error| words(&error))?;
    let loaded = load(&sources.files);
    match loaded.policy {
        Some(mut policy) => {
            policy.revisions = sources.revisions;
            Ok((policy, sources.files))
        }
        None => Err(errors(&loaded.problems)),
    }
}

fn words(error: &SourceError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn errors(problems: &[Problem]) -> String {
    let errors: Vec<String> =
        (problems.iter()).filter(|problem| problem.severity == Severity::Error).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{}{more}", errors.get(..NAMED).unwrap_or(&errors).join("; "))
}

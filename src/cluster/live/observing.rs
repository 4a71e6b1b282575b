//! Everything at one moment: each kind listed at one version of the cluster, and what cannot be had named.

use std::cell::{Cell, RefCell};

use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::call::{Call, Failed, again};
use super::client::Live;
use super::connect::A_POD;
use super::following::Start;
use super::kinds::{Listed, kinds};
use super::known::Known;
use super::pages::{From, Lists, Progress, not_then};
use crate::cluster::ClusterError;
use crate::model::{Name, PodKey, Snapshot};
use crate::observe::{Builder, Seen, SnapshotFile, read_page};

/// Lists that are asked for side by side.
const AT_ONCE: usize = 4;

/// What to do about a verb that is missing.
const ROLE: &str = "give its role that verb, as `examples/rbac.yaml` has it";

impl Live {
    /// Everything, each kind as it was at one and the same moment. What cannot be read is unknown, and named in `gaps`; so
    /// is a kind that cannot be had as of that moment. What changes from then on is told by [`Live::changes`].
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub async fn observe(&self) -> Result<Snapshot, ClusterError> {
        self.observe_into(None).await
    }

    /// [`Live::observe`], with every object as it came kept in `file`.
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub async fn observe_into(&self, file: Option<&mut SnapshotFile>) -> Result<Snapshot, ClusterError> {
        let gathering = Gathering {
            lists: self.lists(),
            builder: RefCell::default(),
            file: RefCell::new(file),
            moment: RefCell::default(),
            date: Cell::default(),
            silence: RefCell::default(),
            first: RefCell::default(),
            starts: RefCell::default(),
        };
        let mut left = kinds().into_iter();
        // One after another until the first says of which moment the others are to be.
        while gathering.moment.borrow().is_none()
            && let Some(listed) = left.next()
        {
            gathering.list(listed).await;
        }
        stream::iter(left).for_each_concurrent(AT_ONCE, |listed| gathering.list(listed)).await;
        let Gathering { builder, file, moment, date, first, starts, .. } = gathering;
        let mut builder = builder.into_inner();
        if moment.into_inner().is_none() {
            let nothing = || ClusterError::Unavailable("no list has a resourceVersion".to_owned());
            return Err(first.into_inner().unwrap_or_else(nothing));
        }
        let (here, there) = (Timestamp::now(), date.get());
        self.skew.set(there.map(|there| skew(there, here)));
        builder.about(self.context(), self.server(), self.cluster(), there.unwrap_or(here));
        builder.version(self.version().await);
        builder.here(own_pod());
        self.remembered(&mut builder).await;
        let read = self.read_records().await;
        self.records_unread.set(read.is_err());
        if let Err(error) = read {
            builder.gap(told(&error));
        }
        let mut snapshot = builder.finish();
        self.lay_over_all(&mut snapshot.nodes);
        if let Some(file) = file.into_inner() {
            self.lay_over_file(file, &snapshot.nodes);
        }
        // Lists come side by side: what is said of them is not to depend on which was first.
        snapshot.gaps.sort();
        self.follow(starts.into_inner(), &snapshot);
        Ok(snapshot)
    }

    /// The API server's version. Who may not ask for it does without: it only says whether a kubelet fits.
    async fn version(&self) -> Option<Name> {
        let told = again(self.patience, || self.client.apiserver_version()).await;
        told.ok().map(|told| Name::from(told.git_version.as_str()))
    }

    /// What was remembered by the last run, into the snapshot.
    async fn remembered(&self, builder: &mut Builder) {
        match self.recall().await {
            Ok(memory) => builder.remembered(memory),
            Err(error) => builder.gap(told(&error)),
        }
    }
}

/// The pod that this runs in, as its own environment has it: `POD_NAMESPACE` and `POD_NAME` of the downward API, else the
/// namespace of its ServiceAccount and its host name, which is the pod's name unless it shares its node's network.
fn own_pod() -> Option<PodKey> {
    const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    std::env::var_os(A_POD)?;
    let said = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let namespace = said("POD_NAMESPACE").or_else(|| std::fs::read_to_string(NAMESPACE).ok())?;
    let name = said("POD_NAME").or_else(|| said("HOSTNAME"))?;
    Some(PodKey::new(namespace.trim(), name.as_str()))
}

/// A gap in words, with what to do about it.
fn told(error: &ClusterError) -> String {
    match error {
        ClusterError::Forbidden { .. } => format!("{error}: {ROLE}"),
        error => error.to_string(),
    }
}

/// How far the server's clock is ahead of ours. It says whole seconds: half of one either way is none.
fn skew(there: Timestamp, here: Timestamp) -> SignedDuration {
    let middle = there.checked_add(SignedDuration::from_millis(500)).unwrap_or(there);
    let ahead = middle.duration_since(here);
    if ahead.abs() <= SignedDuration::from_secs(1) { SignedDuration::ZERO } else { ahead }
}

/// Lists on their way into one snapshot.
struct Gathering<'a> {
    lists: Lists,
    builder: RefCell<Builder>,
    file: RefCell<Option<&'a mut SnapshotFile>>,
    /// The version that everything is to be of.
    moment: RefCell<Option<String>>,
    date: Cell<Option<Timestamp>>,
    /// Why the server is not asked any more: it did not answer before.
    silence: RefCell<Option<ClusterError>>,
    /// What went wrong first.
    first: RefCell<Option<ClusterError>>,
    starts: RefCell<Vec<Start>>,
}

impl Gathering<'_> {
    /// Lists one kind, and says so if it cannot be had, or not as of the moment of the others.
    async fn list(&self, listed: Listed) {
        let what = listed.what();
        let call = Call::new("list", what.as_str());
        let silence = self.silence.borrow().clone();
        if let Some(error) = silence {
            return self.gap(&listed, format!("{what} were not asked for any more: {error}"));
        }
        let moment = self.moment.borrow().clone();
        let start = match self.pages(&listed, &what, moment.as_deref()).await {
            Err(failed) if not_then(&failed) => {
                let why = call.error(&failed);
                let start = self.pages(&listed, &what, None).await;
                if start.is_ok() && moment.is_some() {
                    let gap = format!("{what} are of a later moment than the rest, which could not be had: {why}");
                    self.builder.borrow_mut().gap(gap);
                }
                start
            }
            start => start,
        };
        match start {
            Ok(start) => {
                let mut moment = self.moment.borrow_mut();
                if moment.is_none() && !start.version.is_empty() {
                    *moment = Some(start.version.clone());
                }
                self.starts.borrow_mut().push(start);
            }
            Err(failed) => {
                let error = call.error(&failed);
                self.first.borrow_mut().get_or_insert_with(|| error.clone());
                self.gap(&listed, told(&error));
                if failed.silent() {
                    *self.silence.borrow_mut() = Some(error);
                }
            }
        }
    }

    /// Leaves a kind out, by name.
    fn gap(&self, listed: &Listed, gap: String) {
        let mut builder = self.builder.borrow_mut();
        builder.forget(listed.kind);
        builder.gap(gap);
        if let Some(file) = self.file.borrow_mut().as_mut() {
            file.forget(listed.resource);
        }
    }

    /// All pages of a kind, as of `moment` or as things are now.
    async fn pages(&self, listed: &Listed, what: &str, moment: Option<&str>) -> Result<Start, Failed> {
        self.builder.borrow_mut().forget(listed.kind);
        if let Some(file) = self.file.borrow_mut().as_mut() {
            file.begin(listed.resource);
        }
        let path = listed.path();
        let (mut known, mut next, mut progress) = (Known::default(), String::new(), Progress::default());
        loop {
            let from = match (next.as_str(), moment) {
                ("", Some(moment)) => From::Exactly(moment),
                ("", None) => From::Now,
                (next, _) => From::Next(next),
            };
            let answer = self.lists.page(&path, None, from).await?;
            if self.date.get().is_none() {
                self.date.set(answer.date);
            }
            let kind = listed.kind.to_string();
            let mut file = self.file.borrow_mut();
            let mut seen = |item: Seen<'_>| {
                known.see((item.namespace.to_owned(), item.name.to_owned()), item.resource_version);
                if let Some(file) = file.as_mut().filter(|_| item.kept) {
                    file.item(listed.resource, listed.api_version, &kind, item.text);
                }
            };
            let page = read_page(what, listed.kind, &answer.body, &mut self.builder.borrow_mut(), &mut seen)
                .map_err(|error| Failed::Garbled(error.to_string()))?;
            progress.page(&next, &page.next, known.keys().count())?;
            next = page.next;
            if next.is_empty() {
                return Ok(Start { listed: *listed, version: page.resource_version, known });
            }
        }
    }
}

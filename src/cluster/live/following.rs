//! What changed since the cluster was observed: one watch for each kind, heard together.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::Stream;
use futures::stream::SelectAll;
use jiff::Timestamp;

use super::client::Live;
use super::kinds::Listed;
use super::known::{Key, Known};
use super::pulse::Pulse;
use super::watch::{News, Watch};
use crate::cluster::ClusterError;
use crate::model::{Change, Kind, Name, Snapshot};

/// Changes that are handed over at once, at most.
const AT_ONCE: usize = 2_000;
/// What was said while nobody listened is here well within this.
const CATCH_UP: Duration = Duration::from_secs(1);

/// A list to follow on from.
pub(super) struct Start {
    /// Of what.
    pub listed: Listed,
    /// Its version.
    pub version: String,
    /// What was on it.
    pub known: Known,
}

/// All watches, and what came of them that nobody was told yet.
#[derive(Default)]
pub(super) struct Following {
    known: BTreeMap<Kind, Rc<RefCell<Known>>>,
    news: SelectAll<Pin<Box<dyn Stream<Item = News>>>>,
    changes: Vec<Change>,
    /// The last renewal of each lease: they come every few seconds, and are told with the next change that matters.
    leases: BTreeMap<Name, Timestamp>,
    trouble: Option<ClusterError>,
    pulse: Pulse,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Following({:?})", self.known.keys())
    }
}

impl Following {
    /// Notes that an object was seen otherwise than by its watch. False if it was seen later than that before.
    pub fn sees(&self, kind: Kind, key: Key, version: &str) -> bool {
        self.known.get(&kind).is_none_or(|known| known.borrow_mut().see(key, version))
    }

    /// Takes in what was heard since. Ready when there is something to tell.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.changes.len() < AT_ONCE && self.trouble.is_none() {
            match Pin::new(&mut self.news).poll_next(context) {
                Poll::Ready(Some(News::Changes(changes))) => self.take(changes),
                Poll::Ready(Some(News::Lost(error))) => self.trouble = Some(error),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if self.changes.is_empty() && self.trouble.is_none() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn take(&mut self, changes: Vec<Change>) {
        let now = Instant::now();
        for change in changes {
            self.pulse.changed(&change, now);
            match change {
                Change::Lease(node, renewed) => drop(self.leases.insert(node, renewed)),
                other => self.changes.push(other),
            }
        }
    }

    /// What there is to tell.
    fn told(&mut self) -> Result<Vec<Change>, ClusterError> {
        // Changes first: they happened. What went wrong is told by the next call.
        if self.changes.is_empty()
            && let Some(error) = self.trouble.take()
        {
            return Err(error);
        }
        let leases = std::mem::take(&mut self.leases).into_iter().map(|(node, renewed)| Change::Lease(node, renewed));
        let mut told = std::mem::take(&mut self.changes);
        told.extend(leases);
        Ok(told)
    }
}

impl Live {
    /// Follows from what was observed, and forgets what was followed before.
    pub(super) fn follow(&self, starts: Vec<Start>, snapshot: &Snapshot) {
        let mut following = self.following.borrow_mut();
        let mut pulse = std::mem::take(&mut following.pulse);
        pulse.observed(snapshot, Instant::now());
        *following = Following { pulse, ..Following::default() };
        for Start { listed, version, known } in starts.into_iter().filter(|start| start.listed.followed()) {
            let known = Rc::new(RefCell::new(known));
            following.known.insert(listed.kind, known.clone());
            // Without a version there is nothing to follow on from.
            if !version.is_empty() {
                following.news.push(Watch::new(listed, self.lists(), version, known).news());
            }
        }
    }

    /// What changed since the last call, or since the cluster was observed; waits until something did or the wall clock
    /// reads `until`. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// What is known may be old (H22): a kind has not been heard of for 40 s, or no kubelet although nodes are Ready; or an
    /// object cannot be read. Then everything is to be observed anew.
    pub async fn follow_until(&self, until: Timestamp) -> Result<Vec<Change>, ClusterError> {
        loop {
            // Whoever did not listen for a while hears first what was said meanwhile.
            let silent = self.following.borrow().pulse.silent(Instant::now()).is_some();
            let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
            let due = self.following.borrow().pulse.due();
            let left = due.map_or(left, |due| left.min(due.saturating_duration_since(Instant::now())));
            let left = if silent { CATCH_UP } else { left };
            let heard = poll_fn(|context| self.following.borrow_mut().poll(context));
            let news = tokio::time::timeout(left, heard).await.is_ok();
            if let Some(silence) = self.following.borrow().pulse.silent(Instant::now()).filter(|_| silent && !news) {
                let seconds = silence.as_secs();
                return Err(ClusterError::Unavailable(format!(
                    "no kubelet has renewed its lease for {seconds} s although nodes are Ready: what is shown may be old"
                )));
            }
            if news || Timestamp::now() >= until {
                return self.following.borrow_mut().told();
            }
        }
    }
}

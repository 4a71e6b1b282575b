//! Where the controller writes what it shows, and the server reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::View;

/// A snapshot is shown to whoever asks within so long; later it is taken anew.
const FRESH: Duration = Duration::from_secs(10);

/// A board that both sides hold.
#[derive(Clone, Debug, Default)]
pub struct Board {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    view: Mutex<Arc<View>>,
    shot: Mutex<Shot>,
    asked: Notify,
    taken: Notify,
}

/// A snapshot as a file, if somebody asked for one.
#[derive(Debug, Default)]
struct Shot {
    wanted: bool,
    file: Option<(Instant, Arc<Vec<u8>>)>,
}

/// What a thread that panicked left is still whole: each change is one assignment after another.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// What stands there.
    pub fn view(&self) -> Arc<View> {
        open(&self.inner.view).clone()
    }

    /// Changes what stands there.
    pub fn change(&self, change: impl FnOnce(&mut View)) {
        change(Arc::make_mut(&mut open(&self.inner.view)));
    }

    /// A sign of life.
    pub fn beat(&self) {
        self.change(|view| view.beat = Timestamp::now());
    }

    /// Asks for a snapshot and waits for it; None if the controller has other work for that long.
    pub async fn snapshot(&self, patience: Duration) -> Option<Arc<Vec<u8>>> {
        let begun = Instant::now();
        loop {
            let taken = self.inner.taken.notified();
            {
                let mut shot = open(&self.inner.shot);
                if let Some((at, file)) = &shot.file
                    && at.elapsed() < FRESH
                {
                    return Some(file.clone());
                }
                shot.wanted = true;
            }
            self.inner.asked.notify_one();
            tokio::time::timeout(patience.saturating_sub(begun.elapsed()), taken).await.ok()?;
        }
    }

    /// Whether somebody waits for a snapshot.
    pub fn snapshot_wanted(&self) -> bool {
        open(&self.inner.shot).wanted
    }

    /// Waits until somebody asks for a snapshot.
    pub async fn snapshot_asked(&self) {
        self.inner.asked.notified().await;
    }

    /// Hands a snapshot to those who wait for one.
    pub fn give_snapshot(&self, file: Vec<u8>) {
        *open(&self.inner.shot) = Shot { wanted: false, file: Some((Instant::now(), Arc::new(file))) };
        self.inner.taken.notify_waiters();
    }

    /// Lets go of a snapshot that nobody asks for any more.
    pub fn tidy(&self) {
        let mut shot = open(&self.inner.shot);
        if shot.file.as_ref().is_some_and(|(at, _)| at.elapsed() >= FRESH) {
            shot.file = None;
        }
    }
}

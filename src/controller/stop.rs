//! SIGTERM and Ctrl-C, as the loop and whatever it carries out hear of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::execute::run::Interrupts;

/// Whether the controller was asked to end. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    news: Arc<Notify>,
    work: Arc<Mutex<Option<UnboundedSender<()>>>>,
}

impl Stop {
    /// Begins to listen to the signals of this process. Must be called inside a tokio runtime.
    pub fn signals() -> Self {
        let stop = Self::default();
        let own = stop.clone();
        tokio::spawn(async move {
            let mut signals = Interrupts::signals();
            loop {
                signals.asked().await;
                own.ask();
            }
        });
        stop
    }

    /// Asks it to end; what is carried out is told each time, so that a second time ends it at once.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.news.notify_one();
        self.interrupt();
    }

    /// Tells what is carried out to come to a safe end.
    pub fn interrupt(&self) {
        if let Some(work) = &*self.work.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = work.send(());
        }
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits until it is asked. May return without.
    pub async fn news(&self) {
        if !self.asked() {
            self.news.notified().await;
        }
    }

    /// What the work that begins now is interrupted by.
    pub fn work(&self) -> Interrupts {
        let (sender, interrupts) = Interrupts::channel();
        if self.asked() {
            let _ = sender.send(());
        }
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        interrupts
    }
}

//! The shell's clock: the wall's, or the sandbox's.

use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};

/// Time, as the shell sees it. Decisions get it as an argument.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when the clock reads `until` or later.
    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// The wall's clock. Must be used inside a tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// In short pieces: somebody may set the clock, and a laptop may sleep.
    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        const PIECE: SignedDuration = SignedDuration::from_secs(10);
        Box::pin(async move {
            loop {
                let left = until.duration_since(self.now());
                if left <= SignedDuration::ZERO {
                    return;
                }
                tokio::time::sleep(left.min(PIECE).unsigned_abs()).await;
            }
        })
    }
}

//! The shell's clock: the wall's, or the sandbox's.

use std::pin::Pin;

use jiff::Timestamp;

/// Time, as the shell sees it. Decisions get it as an argument.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when the clock reads `until` or later.
    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

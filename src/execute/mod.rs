//! Carries a plan out. `machine` decides what may run next, purely; `run` does it, keeps the journal and the clock.

pub mod clock;
mod event;
pub mod hooks;
pub mod ledger;
pub mod machine;
pub mod run;

pub use clock::{Clock, Wall};
pub use event::{EVENT_VERSION, Event, EventKind, Tally, event_schema};

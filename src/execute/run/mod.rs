//! Does what the machine decides: acts through the doors, a journal before and after each, one apply at a time.
//!
//! [`apply`] is the whole of it; [`Drive`] is its loop, for those who bring their own log.

mod apply;
mod calling;
mod chronicle;
mod deafness;
mod driving;
mod forgetting;
mod interrupts;
pub mod journal;
pub mod lock;
mod locking;
mod log;
mod next_choice;
mod performing;
mod preparing;
pub mod process;
mod recalling;
mod settling;
mod stale;
mod taking_up;
mod unended;

pub use apply::{ApplyError, Order, Outcome, apply};
pub use calling::Calling;
pub use driving::{Drive, DriveError};
pub use forgetting::forget;
pub use interrupts::Interrupts;
pub use log::Log;
pub use performing::Doors;
pub use preparing::settings;
pub use stale::stale;
pub use unended::{Fate, Unended, left_behind, unended};

//! From YAML text to a validated [`Policy`] with the place of every value.
//!
//! Pure. `wire` is what a file may contain, with spans; `decode` reads it; `lower` turns it into the domain values
//! here and collects every [`Problem`] instead of stopping at the first.

mod domain;
mod origin;
mod pattern;
mod pool;
mod window;

pub use domain::{
    Allocation, Brakes, Disposable, Drain, DrainAction, DrainRule, Limits, OnTimeout, Override, OverrideTarget, Policy,
    PolicyFile, Provider, ProviderKind, Rate, StateShares,
};
pub use origin::Origin;
pub use pool::{Headroom, HeadroomUnit, Idle, Members, NamePattern, Pool};
pub use window::{Ask, CalendarDay, Exception, Lead, Overrun, Recurrence, Window, WindowKind};

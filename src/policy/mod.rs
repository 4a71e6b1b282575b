//! From YAML text to a validated [`Policy`] with the place of every value.
//!
//! Pure. `wire` is what a file may contain, with spans; `decode` reads it; `lower` turns it into the domain values
//! here and collects every [`Problem`] instead of stopping at the first.

mod absent;
mod beside;
mod by_hand;
mod catalog;
mod check;
mod decode;
mod domain;
mod finding;
mod hook;
mod load;
mod located;
mod losses;
mod lower;
mod nearest;
mod node;
mod origin;
mod overlap;
mod past;
mod pattern;
mod pool;
mod print;
mod problem;
mod repair;
mod revision;
mod schema;
mod shown;
mod window;
mod wire;

pub use absent::absent_from;
pub use beside::{Beside, mentioned, stays_beside};
pub use catalog::{Catalog, CatalogFlavor, Offering, catalogs_named, stands_at};
pub use check::{check_against, expired};
pub use decode::MOST_BYTES;
pub use domain::{
    Allocation, Brakes, Disposable, Drain, DrainAction, DrainRule, Limits, NoHome, OFFLOAD_TIMEOUT, OnTimeout,
    Override, Policy, PolicyFile, Provider, ProviderKind, Rate, Scheduler, Scoring, StateShares, Wake, WakeRequirement,
};
pub use hook::{Hook, HookCall, HookTime, OnFailure};
pub use load::{Loaded, PolicySource, load, load_with};
pub use losses::losses;
pub use origin::Origin;
pub use past::past;
pub use pattern::MOST_NAMES;
pub use pool::{Headroom, HeadroomUnit, Idle, MOST_USER_DATA, Members, NamePattern, Pool, TOKEN, Template, VARIABLES};
pub use print::print_effective;
pub use problem::{Place, Problem, Related, Severity};
pub use repair::{Repair, RepairAction};
pub use revision::{Revision, file_name, path_of};
pub use schema::{catalog_schema, schema};
pub use shown::{deceives, shown};
pub use window::{ASSUMED_WAKE, Ask, CalendarDay, Exception, Lead, Overrun, Recurrence, Window, WindowKind};

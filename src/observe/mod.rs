//! Fills a snapshot: from kubectl dumps, a live cluster and the sandbox. One converter from Kubernetes JSON for all.
//!
//! ```text
//! files ─► read ─► json | yaml ─► item ─► raw (lenient) ─► convert ─► builder ─► Snapshot ─► file
//! live cluster ─► page ─┘
//! ```
//!
//! What is wrong with a *file* (missing, not gzip, not JSON) is an error. What is wrong with one *object* in it is a gap:
//! the object is left out, the snapshot goes on and says so. Two objects with one key: the later wins, and unless both
//! are equal a gap says so. A kind of which the files hold no object is unknown, not none, unless a `kind: Snapshot`
//! item or a typed list (`PodList`) says that it was listed.

mod builder;
mod convert;
mod error;
mod file;
mod infer;
mod intern;
mod item;
mod json;
mod page;
mod raw;
mod read;
mod world;
mod yaml;

pub use builder::Builder;
pub use error::ObserveError;
pub use file::SnapshotFile;
pub use infer::infer_servers;
pub use page::{Page, Seen, read_object, read_page};
pub use read::{from_values, read, read_bytes};
pub use world::write_world;

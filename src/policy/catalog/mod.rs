//! Catalogs: files that say which flavors may be had where, how they are bought and what they cost.
//!
//! `content` is what such a file says; `read` tells its form and reads it: `own` our documents, `karpenter` the instance
//! types of Karpenter's kwok provider, `csv` price lists; `amount` reads their numbers. `named` says which files a policy
//! names and where they stand; `chosen` is what a pool takes of one.

mod amount;
mod chosen;
mod content;
mod csv;
mod karpenter;
mod named;
mod own;
mod read;

pub(crate) use chosen::{Choice, chosen, known_keys};
pub use content::{Catalog, CatalogFlavor, Offering};
pub use named::{catalogs_named, stands_at};
pub(crate) use read::read;

/// What our own catalogs look like.
pub(crate) type Document = own::Document;

/// Flavors of one catalog, at most.
const MOST_FLAVORS: usize = 5_000;
/// Offerings of one catalog, at most.
const MOST_OFFERINGS: usize = 50_000;

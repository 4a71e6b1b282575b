//! The effective policy as YAML, each value with where it comes from. Read again, it is the same policy.

mod drain;
mod lines;
mod pools;
mod rest;
mod schedules;

pub use rest::print_effective;

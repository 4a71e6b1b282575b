//! Tidegate: declarative node capacity for Kubernetes.
//!
//! ```text
//! policy ──┐
//!          ├─► plan ──► execute ──► report
//! observe ─┘
//! ```
//!
//! Read it in this order. [`policy`] turns YAML into a validated `Policy`; [`schedule`] says what holds at a moment and
//! what changes next. [`observe`] fills a [`model::Snapshot`], indexed by [`model::World`]. [`plan`] is the only
//! decision: policy, world and the time in, steps and reasons out; it asks [`placement`] whether a pod would find
//! another home. [`execute`] carries a plan out through the doors [`cluster`] and [`cloud`], both of which [`sandbox`]
//! implements in virtual time. [`doctor`] says what a policy lacks in a cluster. [`report`] turns values into text and
//! JSON. [`controller`] does all that again and again, and [`server`] shows it; [`cli`] is one file per command.
//! [`file`] reads what stands on a disk, with bounds; [`program`] ends programs.
//!
//! `policy`, `schedule`, `model`, `placement`, `plan`, `doctor` and `execute::machine` are pure: no clock, no IO, integers only.

pub mod cli;
pub mod cloud;
pub mod cluster;
pub mod controller;
pub mod doctor;
pub mod execute;
pub mod file;
pub mod model;
pub mod observe;
pub mod placement;
pub mod plan;
pub mod policy;
pub mod program;
pub mod report;
pub mod sandbox;
pub mod schedule;
pub mod server;
pub mod source;

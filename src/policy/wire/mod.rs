//! What a policy file may contain, one file per section; every value knows its place.
//!
//! A field that cannot be read is reported and left out, so that one run reports all of them. The same types give the
//! JSON Schema.

mod document;
mod drain;
mod hooks;
mod limits;
mod money;
mod numbers;
pub(crate) mod object;
mod pools;
mod quantities;
pub(crate) mod read;
mod repair;
mod schedulers;
mod text;
mod times;
mod wake;
mod windows;

pub(crate) use document::{Document, Spec, Version};
pub(crate) use drain::{Disposable, Drain, DrainMatch, NoHome};
pub(crate) use hooks::Hook;
pub(crate) use limits::{Brakes, Command, Limits, Openstack, Override, Provider};
pub(crate) use money::{Allocation, Charged, Rate};
pub(crate) use numbers::{Decimal, Percent, Share};
pub(crate) use pools::{Automatic, Create, Headroom, MayGo, Nodes, ParkedNode, Pool, SelectorFields, Taint, UserData};
pub(crate) use quantities::{Bytes, Millicores};
pub(crate) use read::{Choice, OneOrMany, Pairs, Wire, join};
pub(crate) use schedulers::Scheduler;
pub(crate) use text::{Pattern, Text};
pub(crate) use times::{LeadTime, Length, Zone};
pub(crate) use wake::{Wake, WakeRequirement};
pub(crate) use windows::{Exception, Labels, Schedule, Window, WindowKindName};

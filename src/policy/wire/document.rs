//! A policy document as a whole.

use super::object::object;
use super::text::Text;
use super::times::Zone;
use super::{Allocation, Brakes, Drain, Hook, Limits, Override, Pool, Provider, Rate, Schedule, Scheduler, Wake};
use crate::policy::located::Located;
use crate::policy::wire::object::words;
use crate::policy::wire::read::Choice;

/// The version of the language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version;

words! { Version, "ApiVersion", "a version of this language" { "tidegate.dev/v1alpha1" => Version } }

/// The kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind;

words! { Kind, "Kind", "a kind of policy document" { "CapacityPolicy" => Kind } }

object! {
    /// What the policy is called.
    Metadata, "`metadata`" {
        /// Its name. One of the policy's files says it; others leave `metadata` out, or say the same.
        name = "name": Text [required],
    }
}

object! {
    /// What the policy wants.
    Spec, "`spec`" {
        /// The only cluster that it is for: the UID of the namespace kube-system.
        cluster = "cluster": Text,
        /// The time zone of its windows; `UTC` by default.
        time_zone = "timeZone": Zone,
        /// Most capacity that may be active, over all pools.
        limits = "limits": Limits,
        /// Where servers come from.
        providers = "providers": Vec<Located<Provider>>,
        /// Named sets of windows.
        schedules = "schedules": Vec<Located<Schedule>>,
        /// Pools of nodes.
        pools = "pools": Vec<Located<Pool>>,
        /// Temporary exceptions.
        overrides = "overrides": Vec<Located<Override>>,
        /// How nodes are drained.
        drain = "drain": Drain,
        /// When woken nodes may be uncordoned.
        wake = "wake": Wake,
        /// What is called before a drain and after a wake.
        hooks = "hooks": Vec<Located<Hook>>,
        /// Prices.
        rates = "rates": Vec<Located<Rate>>,
        /// What is left to spend.
        allocation = "allocation": Allocation,
        /// When to refuse what takes capacity away.
        brakes = "brakes": Brakes,
        /// Schedulers whose choice of nodes is to be told as theirs.
        schedulers = "schedulers": Vec<Located<Scheduler>>,
    }
}

object! {
    /// Desired node capacity: pools of nodes, schedules and limits.
    Document, "a policy" {
        /// `tidegate.dev/v1alpha1`.
        api_version = "apiVersion": Choice<Version> [required],
        /// `CapacityPolicy`.
        kind = "kind": Choice<Kind> [required],
        /// What it is called. A building block leaves it out: it is read with a file that has it.
        metadata = "metadata": Metadata,
        /// What it wants.
        spec = "spec": Spec [required],
    }
}

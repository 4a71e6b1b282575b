//! How nodes are drained, as it stands in a file.

use super::numbers::Percent;
use super::object::{object, words};
use super::read::{Choice, OneOrMany};
use super::text::Text;
use super::times::Length;
use super::windows::Labels;
use crate::policy::located::Located;
use crate::policy::{DrainAction, OnTimeout};

words! { DrainAction, "DrainAction", "something to do with a pod" {
    "evict" => DrainAction::Evict,
    "wait" => DrainAction::Wait,
    "block" => DrainAction::Block,
    "cordonFirst" => DrainAction::CordonFirst,
} }

words! { OnTimeout, "OnTimeout", "something to do on a time-out" {
    "giveBack" => OnTimeout::GiveBack,
    "delete" => OnTimeout::Delete,
} }

object! {
    /// Local volumes that may be lost. All conditions that are given must hold.
    Disposable, "an entry of `disposable`" {
        /// Of pods in these namespaces.
        namespaces = "namespaces": OneOrMany<Text>,
        /// Of pods with these labels.
        labels = "labels": Labels,
        /// Volumes of these names, `*` allowed.
        volumes = "volumes": OneOrMany<Text>,
    }
}

object! {
    /// Which pods. All conditions that are given must hold.
    DrainMatch, "`match`" {
        /// In these namespaces.
        namespaces = "namespaces": OneOrMany<Text>,
        /// With these labels.
        labels = "labels": Labels,
        /// With a controller of these kinds; `none` for pods without one.
        owners = "owners": OneOrMany<Text>,
    }
}

object! {
    /// What to do with some pods; the first entry that matches a pod decides, of several files in the order of their names.
    DrainPods, "an entry of `drain.pods`" {
        /// Which pods.
        pods = "match": DrainMatch [required],
        /// `evict` lifts the protection of pods without controller, in kube-system or with declared local storage;
        /// `wait` waits for them to end, `block` keeps the node, `cordonFirst` waits for their budget to open.
        action = "action": Choice<DrainAction> [required],
        /// For `wait`: how long; then the node stays. For `cordonFirst`: how long its budget may stay closed after the
        /// cordon; `budgetTimeout` by default.
        at_most = "atMost": Length,
    }
}

/// What becomes of pods that have no other home when their node is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHome {
    Stay,
    Sleep,
}

words! { NoHome, "NoHome", "something to do with a pod that has no other home" {
    "stay" => NoHome::Stay,
    "sleep" => NoHome::Sleep,
} }

object! {
    /// What to do with some pods that have no other home.
    WhenNoHome, "an entry of `drain.whenNoHome`" {
        /// Which pods.
        pods = "match": DrainMatch [required],
        /// `stay` (the default) keeps their node. `sleep` lets them wait Pending where their pool has more nodes than a
        /// window or a person allows, until it may have more again; meanwhile no other pool grows for them.
        action = "action": Choice<NoHome> [required],
    }
}

object! {
    /// How nodes are drained.
    Drain, "`drain`" {
        /// From an accepted eviction until the pod is gone; 120s, or the pod's own grace and 30s where that is longer.
        pod_timeout = "podTimeout": Length,
        /// From then until its replacement is Ready; 300s.
        ready_timeout = "readyTimeout": Length,
        /// How long a pod may wait for its budget to open; 600s.
        budget_timeout = "budgetTimeout": Length,
        /// Pods with a longer grace period keep their node; 10m.
        longest_grace = "longestGrace": Length,
        /// Share of a workload without a budget that stays Ready; 50%, `0` turns it off.
        implied = "implied": Percent,
        /// What to do on a time-out: `giveBack` (the default) or `delete`, which loses the pod's grace.
        on_timeout = "onTimeout": Choice<OnTimeout>,
        /// Wait between the last pod and the server's end where load balancers point at the node; 30s.
        traffic_grace = "trafficGrace": Length,
        /// Local volumes that may be lost.
        disposable = "disposable": Vec<Located<Disposable>>,
        /// Rules by pod, the first that matches decides.
        pods = "pods": Vec<Located<DrainPods>>,
        /// What to do with pods that have no other home, the first that matches decides; without an entry they keep
        /// their node.
        when_no_home = "whenNoHome": Vec<Located<WhenNoHome>>,
    }
}

//! When woken nodes may be uncordoned, as it stands in a file.

use super::object::object;
use super::read::OneOrMany;
use super::text::Text;
use super::times::Length;
use super::windows::Labels;
use crate::policy::located::Located;

object! {
    /// Which DaemonSet pods. All conditions that are given must hold.
    WakeRequirement, "an entry of `wake.require`" {
        /// In these namespaces.
        namespaces = "namespaces": OneOrMany<Text>,
        /// With these labels.
        labels = "labels": Labels,
    }
}

object! {
    /// When a woken node may be uncordoned. DaemonSet pods that nothing requires get 3 minutes, then the node is
    /// uncordoned without them.
    Wake, "`wake`" {
        /// From an accepted wake until the node is Ready with what it must have; 15m.
        join_timeout = "joinTimeout": Length,
        /// DaemonSet pods that must be Ready, besides those that are system-node-critical.
        require = "require": Vec<Located<WakeRequirement>>,
    }
}

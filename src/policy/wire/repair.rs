//! What is done about nodes that stay NotReady, as it stands in a file.

use super::numbers::Percent;
use super::object::{object, words};
use super::read::Choice;
use super::times::Length;
use crate::policy::RepairAction;

words! { RepairAction, "RepairAction", "a way to repair a node" {
    "restart" => RepairAction::Restart,
    "replace" => RepairAction::Replace,
} }

object! {
    /// Nodes of a pool that stay NotReady are restarted or replaced. What somebody holds, cordoned or keeps is left alone, and
    /// so is a node until Kubernetes has given up every pod on it but those of DaemonSets (5 minutes by default).
    Repair, "`repair`" {
        /// A node that is NotReady for so long is repaired.
        not_ready_for = "notReadyFor": Length [required],
        /// `restart` parks its server in the pool's way and wakes it again; `replace` parks or deletes it once what comes in
        /// its place is there. `restart` by default, `replace` where idle servers are deleted.
        action = "action": Choice<RepairAction>,
        /// Nodes of the pool that are repaired at once; 1 by default.
        at_once = "atOnce": u32,
        /// Where a larger share of the pool's nodes is NotReady none is repaired, for then it is the network or the control
        /// plane; `40%` by default.
        max_not_ready = "maxNotReady": Percent,
    }
}

//! What is done about nodes that stay NotReady, checked.

use jiff::SignedDuration;

use super::context::Context;
use super::limits::{some_time, whole_percent};
use crate::policy::wire;
use crate::policy::{Idle, Repair, RepairAction};

/// Kubernetes gives pods on a silent node so long, unless they say otherwise (`defaultNotReadyTolerationSeconds`).
const GIVEN_UP: SignedDuration = SignedDuration::from_mins(5);

/// The repair of a pool whose idle nodes are treated so.
pub(crate) fn repair(pool: &wire::Pool, idle: Idle, cx: &mut Context<'_>) -> Option<Repair> {
    let written = pool.repair.as_ref()?;
    let usual = if idle == Idle::Delete { RepairAction::Replace } else { RepairAction::Restart };
    let action = written.action.as_ref().map_or(usual, |action| action.value.0);
    if let Some(restart) = written.action.as_ref().filter(|_| action == RepairAction::Restart && idle == Idle::Delete) {
        cx.out
            .error(
                "cannot-restart",
                restart.span,
                "`action: restart` parks a server and wakes it, and this pool deletes",
            )
            .help("write `action: replace`, or another `idle` than `delete`");
    }
    let at_once = written.at_once.as_ref().map_or(1, |most| most.value);
    if let Some(zero) = written.at_once.as_ref().filter(|_| at_once == 0) {
        cx.out
            .error("out-of-range", zero.span, "with an `atOnce` of 0 nothing could ever be repaired")
            .help("write at least 1; to leave nodes as they are, remove `repair`");
    }
    let max_not_ready = whole_percent(&written.max_not_ready, 40, cx);
    if let Some(zero) = written.max_not_ready.as_ref().filter(|_| max_not_ready == 0) {
        cx.out
            .error("out-of-range", zero.span, "with a `maxNotReady` of 0 nothing could ever be repaired")
            .help("write it like `40%`; to leave nodes as they are, remove `repair`");
    }
    let not_ready_for = some_time(&written.not_ready_for, 600, cx);
    if let Some(short) =
        written.not_ready_for.as_ref().filter(|_| not_ready_for > SignedDuration::ZERO && not_ready_for < GIVEN_UP)
    {
        cx.out
            .warning(
                "too-hasty",
                short.span,
                "Kubernetes gives a silent node's pods up after 5 minutes, and nothing is repaired before",
            )
            .help("write at least `5m`, if pods are not told to go sooner");
    }
    Some(Repair { not_ready_for, action, at_once, max_not_ready })
}

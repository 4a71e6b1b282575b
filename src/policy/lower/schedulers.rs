//! Schedulers of the cluster.

use super::context::Context;
use crate::policy::Scheduler;
use crate::policy::located::Located;
use crate::policy::wire;

/// The schedulers, in the policy's order.
pub(crate) fn schedulers(written: &[Located<wire::Scheduler>], cx: &mut Context<'_>) -> Vec<Scheduler> {
    cx.unique("scheduler", written.iter().filter_map(|scheduler| scheduler.name.as_ref()));
    let whole = written.iter().filter_map(|scheduler| {
        let (name, scoring) = (scheduler.name.as_ref()?.name(), scheduler.scoring.as_ref()?.value.0);
        Some(Scheduler { name, scoring, origin: cx.origin(scheduler.span) })
    });
    whole.collect()
}

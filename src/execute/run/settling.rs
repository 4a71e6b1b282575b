//! Whether all is where the policy wants it after an execution did everything that it had to do.

use super::ApplyError;
use super::performing::Doors;
use crate::cluster::{NodeMark, NodeRecord};
use crate::execute::machine::{End, EndKind};
use crate::execute::run::Outcome;
use crate::execute::{Event, EventKind};
use crate::model::{Target, World};
use crate::plan::{Request, plan_for};
use crate::policy::Policy;

/// The outcome of an execution that came to this end: a fresh look says whether something of what `targets` ask for is
/// still under way, or failed.
pub(super) async fn settled(
    end: End,
    doors: Doors<'_>,
    (policy, targets): (&Policy, Vec<Target>),
    tell: &mut dyn FnMut(&Event),
) -> Result<Outcome, ApplyError> {
    if end.kind != EndKind::Done {
        return Ok(Outcome::Ended(end));
    }
    let world = World::build(doors.cluster.observe().await?);
    let now = doors.clock.now();
    let (plan, _) = plan_for(policy, &world, now, &Request { targets, for_apply: true });
    let half_way = |name: &str| {
        let record = world.nodes.get(name).and_then(|node| NodeRecord::of(node).ok().flatten());
        record.is_some_and(|record| record.mark != NodeMark::Parked)
    };
    if !plan.unsettled() && !plan.steps.iter().any(|step| half_way(&step.node)) {
        return Ok(Outcome::Ended(end));
    }
    let text = format!("not all is where the policy wants it: {}", plan.summary.text);
    tell(&Event::new(EventKind::Warning, now, text));
    Ok(Outcome::Unsettled(Some(end)))
}

//! Nodes that wait for pods which end by themselves (H18): which one may be cordoned meanwhile, and who is waited for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::course::{Course, Way};
use super::desk::Desk;
use super::leaving::Leaving;
use crate::execute::event::{Event, EventKind};
use crate::model::{Name, World};

fn chosen_or_awaiting(course: &Course) -> bool {
    matches!(&course.way, Way::Leaving(Leaving::Turn | Leaving::Await))
}

/// Of each pool the node with the fewest pods that are waited for, unless one is cordoned and waits already.
pub fn choose(courses: &[Course], desk: &Desk, world: &World, now: Timestamp) -> BTreeSet<Name> {
    let mut best: BTreeMap<&Name, (usize, &Name)> = BTreeMap::new();
    let mut taken: BTreeSet<&Name> = BTreeSet::new();
    for course in courses {
        match &course.way {
            Way::Leaving(Leaving::Await) => drop(taken.insert(&course.pool)),
            Way::Leaving(Leaving::Turn) => {
                let waits = course.waited_for(desk, world, now).len();
                let found = best.get(&course.pool).is_none_or(|(fewest, _)| waits < *fewest);
                if waits > 0 && found {
                    best.insert(&course.pool, (waits, &course.node));
                }
            }
            // One that was chosen is on its way to be cordoned.
            Way::Leaving(Leaving::Cordon | Leaving::List) if !course.waited_for(desk, world, now).is_empty() => {
                taken.insert(&course.pool);
            }
            _ => {}
        }
    }
    best.into_iter().filter(|(pool, _)| !taken.contains(pool)).map(|(_, (_, node))| node.clone()).collect()
}

/// Who is waited for on a node that waits; None if it does something else.
pub fn waits(course: &Course, desk: &Desk, world: &World, now: Timestamp) -> Option<Event> {
    let waited = chosen_or_awaiting(course).then(|| course.waited_for(desk, world, now))?;
    if waited.is_empty() {
        return None;
    }
    let until = course.wait_ends(&waited, world, now);
    let pods: Vec<String> = waited.iter().map(|waited| waited.pod.to_string()).collect();
    let who = if pods.len() == 1 { pods.join("") } else { format!("{} pods ({})", pods.len(), pods.join(", ")) };
    let text = match until {
        Some(until) => format!("{} waits for {who}, until {until} at most", course.node),
        None => format!("{} waits for {who}", course.node),
    };
    Some(Event { pods, until, step: course.current(desk), ..course.event(EventKind::Waiting, now, text) })
}

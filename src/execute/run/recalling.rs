//! What the journal of an execution that was cut short recalls: what it had learned, and what it had begun with each node.

use std::collections::BTreeMap;
use std::iter;

use jiff::Timestamp;

use super::journal::{Record, Told};
use crate::cluster::{NodeMark, NodeRecord, keys};
use crate::execute::machine::{Act, ActId, Asked, Past, Reply, Trouble};
use crate::model::{Memory, Name};

/// The memory with what was learned after it was `stored`.
pub(super) fn memory(stored: &Memory, told: &Told) -> Memory {
    let mut memory = stored.clone();
    let later = told.records.iter().filter_map(|(time, record)| match record {
        Record::Learned { what } => Some((*time, what)),
        _ => None,
    });
    for (time, lesson) in iter::once((told.began, &told.learned)).chain(later) {
        if stored.written.is_none_or(|written| written <= time) {
            memory.learn(lesson);
        }
    }
    memory
}

/// What was begun with each node since the execution last came to an end, and is not learned yet.
pub(super) fn past(records: &[(Timestamp, Record)]) -> BTreeMap<Name, Past> {
    let mut past: BTreeMap<Name, Past> = BTreeMap::new();
    let mut asking: BTreeMap<&ActId, (&Name, bool)> = BTreeMap::new();
    for (time, record) in records {
        match record {
            Record::Intent { id, what } => {
                if let Act::Park { node, .. } | Act::Wake { node, .. } = what {
                    asking.insert(id, (node, matches!(what, Act::Park { .. })));
                }
                if let Some(node) = what.node() {
                    begun(past.entry(node.clone()).or_default(), what, *time);
                }
            }
            Record::Outcome { id, result, trouble } => {
                let Some((node, park)) = asking.remove(id) else { continue };
                let entry = past.entry(node.clone()).or_default();
                let asked = if park { &mut entry.park } else { &mut entry.wake };
                if let Some(asked) = asked.as_mut().filter(|asked| asked.reply == Reply::Unknown) {
                    let text = || result.strip_prefix("failed: ").unwrap_or(result).to_owned();
                    let refused = |kind| Reply::Refused(Trouble { kind, text: text() });
                    *asked = Asked { at: *time, reply: trouble.map_or(Reply::Accepted, refused) };
                }
            }
            Record::Learned { what } => {
                for (node, memory) in &what.nodes {
                    let failure = memory.wake_failure.as_ref();
                    let failed = failure.is_some_and(|failure| failure.next > *time);
                    past.insert(node.clone(), Past { failed, ..Past::default() });
                }
            }
            Record::End { .. } => past.clear(),
            Record::Begin { .. } | Record::Resume { .. } => {}
        }
    }
    past
}

fn begun(past: &mut Past, what: &Act, time: Timestamp) {
    match what {
        // A second time is the second half of shelving, unless the first was refused.
        Act::Park { .. } if past.park.as_ref().is_none_or(|asked| asked.reply != Reply::Accepted) => {
            past.park = Some(Asked { at: time, reply: Reply::Unknown });
        }
        Act::Wake { .. } => {
            past.wake = Some(Asked { at: time, reply: Reply::Unknown });
            past.failed = false;
        }
        Act::Patch { patch, .. } => match patch.annotations.get(keys::RECORD) {
            Some(Some(text)) => {
                let record = serde_json::from_str::<NodeRecord>(text).ok();
                if let Some(record) = record.filter(|record| record.mark == NodeMark::Waking) {
                    *past = Past { woken: Some(record.since), ..Past::default() };
                }
            }
            Some(None) => past.opened = past.woken.map(|since| (since, time)),
            None => {}
        },
        _ => {}
    }
}

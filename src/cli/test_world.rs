//! The cluster that a test of a policy gives: a snapshot, and what is remembered of earlier.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::output::Output;
use super::sandbox::duration;
use super::world_args;
use crate::model::{DrainFailure, Name, Snapshot, WakeFailure, World};
use crate::plan::{At, GivenMemory, Inventory};
use crate::policy::{NamePattern, Origin, Policy};

/// Snapshots by their files: one that many tests name is read once.
pub struct Worlds {
    out: Output,
    read: BTreeMap<Vec<PathBuf>, Result<Snapshot, String>>,
}

impl Worlds {
    /// None is read yet.
    pub fn new(out: Output) -> Self {
        Self { out, read: BTreeMap::new() }
    }

    /// The cluster of such files, once `change` has been at it.
    ///
    /// # Errors
    /// A file cannot be read, or those of `change`.
    pub fn build(
        &mut self,
        files: &[PathBuf],
        change: impl FnOnce(&mut World) -> Result<(), String>,
    ) -> Result<World, String> {
        let out = self.out;
        let read = self.read.entry(files.to_vec()).or_insert_with(|| {
            world_args::read(files, out).map_err(|failure| {
                let (message, hint) = failure.told();
                if hint.is_empty() { message } else { format!("{message}; {hint}") }
            })
        });
        let mut world = World::build(read.clone()?);
        change(&mut world)?;
        Ok(world)
    }
}

/// Puts what a test says of earlier into the memory of its cluster.
///
/// # Errors
/// A node or pool is not there, or a time is none; in words.
pub fn remembered(
    given: Option<&GivenMemory>,
    world: &mut World,
    policy: &Policy,
    moment: &dyn Fn(&str) -> Result<Timestamp, String>,
) -> Result<(), String> {
    let Some(given) = given else { return Ok(()) };
    let at = |text: Option<&At<String>>| {
        text.map(|text| moment(text).map_err(|why| format!("line {}: {why}", text.line))).transpose()
    };
    let names: Vec<Name> = Inventory::take(policy, world).pool_of.keys().cloned().collect();
    for (pattern, node) in &given.nodes {
        let named = NamePattern {
            text: pattern.as_str().into(),
            origin: Origin { file: String::new().into(), line: 0, column: 0 },
        };
        let mut found = false;
        for name in names.iter().filter(|name| named.matches(name)) {
            found = true;
            let entry = world.memory.nodes.entry(name.clone()).or_default();
            entry.unneeded_since = at(node.unneeded_since.as_ref())?.or(entry.unneeded_since);
            entry.parked_since = at(node.parked_since.as_ref())?.or(entry.parked_since);
            if let Some(next) = at(node.drain_failed_until.as_ref())? {
                let why = "as the test gives it".to_owned();
                entry.drain_failure = Some(DrainFailure { pod: None, why, tries: 1, next });
            }
            if let Some(next) = at(node.wake_failed_until.as_ref())? {
                entry.wake_failure = Some(WakeFailure { why: "as the test gives it".to_owned(), tries: 1, next });
            }
        }
        if !found {
            return Err(format!("`memory` is of `{pattern}`, and no node of a pool is named so"));
        }
    }
    for (name, pool) in &given.pools {
        let Some(known) = policy.pools.iter().find(|known| *known.name == **name) else {
            return Err(format!("`memory` is of pool `{name}`, which the policy does not have"));
        };
        let entry = world.memory.pools.entry(known.name.clone()).or_default();
        for time in &pool.wake_times {
            entry.wake_times.push(duration(time).map_err(|why| format!("line {}: {why}", time.line))?);
        }
    }
    Ok(())
}

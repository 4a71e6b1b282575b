//! `tidegate hold`: nodes that stay as they are, and the way back from everything that was asked for by hand.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::ground::{Ground, GroundArgs};
use super::output::Output;
use super::reason::reason;
use super::{Exit, Failure, object};
use crate::cluster::{ClusterError, NodePatch};
use crate::execute::run::process;
use crate::model::{Memory, Name, Target, World, keys};

/// Keep nodes as they are: neither parked nor woken; or let the policy decide again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate hold node/demo-k8s-node-nf-6 --sandbox ./sandbox --reason debugging
  tidegate hold --release node/demo-k8s-node-nf-6 --sandbox ./sandbox
  tidegate hold --release pool/workers --sandbox ./sandbox   # after `tidegate park pool/workers`

A hold is an annotation on the Node (`tidegate.dev/hold`), so `kubectl annotate` does the same. It has no end: release
it. Another person's hold stays unless you say `--replace`. `--release` also takes back a `park`, `wake` or `drain` by hand; nothing is carried out then, the next `apply` does
what the policy wants.")]
pub struct Hold {
    /// `node/NAME`; with `--release` also `pool/NAME`
    #[arg(required = true, value_parser = super::object::target)]
    objects: Vec<Target>,
    /// Take back the hold, and what was asked for by hand
    #[arg(long)]
    release: bool,
    /// Why: every later plan shows it, with who asked
    #[arg(long, value_name = "TEXT", conflicts_with = "release", value_parser = reason)]
    reason: Option<String>,
    /// Take the place of another person's hold
    #[arg(long, conflicts_with = "release")]
    replace: bool,
    /// Not needed, since no policy is asked; taken so that the options of `drain` and `park` fit
    #[arg(short = 'f', long = "file", value_name = "PATH", hide = true)]
    _files: Vec<PathBuf>,
    #[command(flatten)]
    ground: GroundArgs,
}

impl Hold {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        if let Some(pool @ Target::Pool(_)) = self.objects.iter().find(|object| matches!(object, Target::Pool(_)))
            && !self.release
        {
            return Err(Failure::new(format!("`{pool}` is a pool: nodes are held one by one"))
                .hint("name them as `node/NAME`; a pool's `min` and `max` say how many of it are active"));
        }
        let ground = self.ground.open(None, (&[], None), None, out)?;
        let world = World::build(ground.snapshot()?);
        for name in self.objects.iter().filter_map(node) {
            if !world.nodes.contains_key(name) && !asked(&world.memory, &[Target::Node(name.clone())]) {
                let near = object::near(world.nodes.keys().map(AsRef::as_ref), name);
                return Err(object::missing(&format!("node/{name}"), near.map(|near| format!("node/{near}"))));
            }
        }
        for name in self.objects.iter().filter_map(pool) {
            let known = pools(&world);
            // Where nothing was ever planned nobody knows what pools there are.
            if !known.is_empty() && !known.contains(name) {
                let near = object::near(known.iter().map(AsRef::as_ref), name);
                return Err(object::missing(&format!("pool/{name}"), near.map(|near| format!("pool/{near}"))));
            }
        }
        if self.release { self.release(&ground, &world, out) } else { self.hold(&ground, &world, out) }
    }

    fn hold(&self, ground: &Ground, world: &World, out: Output) -> Result<Exit, Failure> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let owner = process::owner();
        let said = reason.map_or_else(|| owner.clone(), |reason| format!("{owner}: {reason}"));
        let standing = |name: &Name| world.nodes.get(name).and_then(|node| node.annotations.get(keys::HOLD)).cloned();
        let mine = |held: &str| held.strip_prefix(&owner).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "));
        for name in self.objects.iter().filter_map(node).filter(|_| !self.replace) {
            if let Some(held) = standing(name).filter(|held| !mine(held)) {
                return Err(Failure::with(
                    Exit::Denied,
                    format!("node/{name} is held by a person already ({held}); nothing was changed"),
                )
                .hint("it stays as it is; `--replace` puts your hold in that one's place"));
            }
        }
        for name in self.objects.iter().filter_map(node) {
            if let Some(held) = standing(name).filter(|held| **held != *said) {
                out.say(&format!("node/{name} was held ({held}): this takes its place"));
            }
            annotate(ground, name, Some(said.as_str().into()))?;
            out.say(&format!(
                "node/{name} stays as it is until `tidegate hold --release node/{name}{}`",
                ground.flags()
            ));
            let server = world.nodes.get(name).and_then(|node| world.server_of(node));
            if let Some((task, state)) = server.and_then(|server| Some((server.task.as_ref()?, server.going()?))) {
                out.say(&format!(
                    "But its server is {task} already, which a hold does not take back: it ends {state}, and then stays so"
                ));
            }
        }
        Ok(Exit::Done)
    }

    fn release(&self, ground: &Ground, world: &World, out: Output) -> Result<Exit, Failure> {
        let mut released = false;
        for name in self.objects.iter().filter_map(node) {
            if world.nodes.get(name).is_some_and(|node| node.annotations.contains_key(keys::HOLD)) {
                annotate(ground, name, None)?;
                out.say(&format!("node/{name} is not held any more"));
                released = true;
            }
        }
        if asked(&world.memory, &self.objects) {
            let claim = process::claim("hold --release", "");
            let locks = ground.locks();
            let lock = ground.wait(locks.take(&claim))?;
            // Whoever held the lock may have written it anew.
            let mut memory = ground.snapshot()?.memory;
            memory.written = Some(ground.now());
            for target in &self.objects {
                for gone in memory.release(target) {
                    out.say(&format!("{target} is not to be {} any more", gone.words()));
                }
            }
            ground.ask(|cluster| cluster.remember(&memory)).map_err(Failure::new)?;
            ground.wait(lock.free())?;
            released = true;
        }
        if released {
            out.say("The next `tidegate apply` does what the policy wants");
        } else {
            out.say("Nothing was held or asked for by hand");
        }
        Ok(Exit::Done)
    }
}

fn node(target: &Target) -> Option<&Name> {
    match target {
        Target::Node(name) => Some(name),
        Target::Pool(_) => None,
    }
}

fn pool(target: &Target) -> Option<&Name> {
    match target {
        Target::Pool(name) => Some(name),
        Target::Node(_) => None,
    }
}

/// The pools that plans knew, or that somebody asked for by hand.
fn pools(world: &World) -> BTreeSet<Name> {
    let asked = world.memory.by_hand.iter().filter_map(|asked| pool(&asked.target));
    world.memory.pools.keys().chain(asked).cloned().collect()
}

fn asked(memory: &Memory, objects: &[Target]) -> bool {
    memory.by_hand.iter().any(|asked| objects.contains(&asked.target))
}

fn annotate(ground: &Ground, name: &Name, value: Option<Name>) -> Result<(), Failure> {
    let patch = NodePatch { annotations: [(keys::HOLD.into(), value)].into(), ..NodePatch::default() };
    match ground.ask(|cluster| cluster.patch_node(name, &patch)) {
        Ok(_) => Ok(()),
        Err(error @ ClusterError::Conflict(_)) => Err(Failure::new(error).hint("ask again")),
        Err(error) => Err(Failure::new(error)),
    }
}

//! `tidegate explain`: everything that is known about one node or pool, where one pod fits, and what is kept free.

use std::path::PathBuf;

use clap::Args;

use super::format::Format;
use super::git_args::GitArgs;
use super::object::{self, Object, ObjectParser};
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::model::{Name, Target};
use crate::plan::{explain_headroom, explain_node, explain_pod, explain_pool, plan};
use crate::policy::Policy;
use crate::report::{explain_text, headroom_text, pod_text};

/// Explain one node or pool: who wants what of it, and why it stays; one pod: where it fits, and where not; or headroom
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate explain node/demo-k8s-node-nf-6 -f policy.yaml --snapshot cluster.json
  tidegate explain pool/workers -f policy.yaml --sandbox ./sandbox --format json
  tidegate explain pod/jhub/jupyter-dana --snapshot cluster.json
  tidegate explain headroom -f policy.yaml --snapshot cluster.json")]
pub struct Explain {
    /// `node/NAME`, `pool/NAME`, `pod/NAMESPACE/NAME`, or `headroom` for all pools and `headroom/POOL` for one
    #[arg(value_parser = ObjectParser, hide_possible_values = true)]
    object: Object,
    /// The policy: a file, a folder with its files, or an address in git; several make one policy. A pod can do without
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    git: GitArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Explain {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        match (&self.object, self.files.is_empty()) {
            (Object::Planned(_) | Object::Headroom(_), true) => {
                Err(Failure::new(format!("{} needs a policy to be explained", self.object))
                    .hint("add `-f policy.yaml`; `tidegate init` writes one to begin with"))
            }
            (Object::Headroom(pool), false) => self.headroom(pool.as_ref(), &self.policy(out)?, out),
            (Object::Planned(target), false) => self.planned(target, &self.policy(out)?, out),
            (Object::Pod(namespace, name), without) => {
                let policy = if without { None } else { Some(self.policy(out)?) };
                self.pod(namespace.as_ref(), name, policy.as_ref(), out)
            }
        }
    }

    fn policy(&self, out: Output) -> Result<Policy, Failure> {
        Ok(PolicyArgs { files: self.files.clone(), git: self.git.clone() }.load(out)?.1)
    }

    fn planned(&self, target: &Target, policy: &Policy, out: Output) -> Result<Exit, Failure> {
        let (world, now) = self.world.world(policy, out)?;
        let (plan, _) = plan(policy, &world, now);
        let (found, near) = match target {
            Target::Node(name) => {
                let near = || object::near(world.nodes.keys().map(AsRef::as_ref), name);
                (explain_node(policy, &world, &plan, name, now), near().map(|near| format!("node/{near}")))
            }
            Target::Pool(name) => {
                let near = || object::near(policy.pools.iter().map(|pool| &*pool.name), name);
                (explain_pool(policy, &world, &plan, name, now), near().map(|near| format!("pool/{near}")))
            }
        };
        let explanation = found.ok_or_else(|| object::missing(&target.to_string(), near))?;
        match self.format {
            Format::Json => out.json(&explanation)?,
            Format::Text => out.data(&explain_text(&explanation, &plan, out.width()))?,
        }
        Ok(Exit::Done)
    }

    fn headroom(&self, pool: Option<&Name>, policy: &Policy, out: Output) -> Result<Exit, Failure> {
        let (world, now) = self.world.world(policy, out)?;
        let (plan, _) = plan(policy, &world, now);
        let near = || {
            let near = pool.and_then(|pool| object::near(policy.pools.iter().map(|pool| &*pool.name), pool));
            near.map(|near| format!("headroom/{near}"))
        };
        let found = explain_headroom(&plan, pool.map(AsRef::as_ref))
            .ok_or_else(|| object::missing(&self.object.to_string(), near()))?;
        match self.format {
            Format::Json => out.json(&found)?,
            Format::Text => out.data(&headroom_text(&found, &plan, out.width()))?,
        }
        Ok(Exit::Done)
    }

    fn pod(
        &self,
        namespace: Option<&Name>,
        name: &Name,
        policy: Option<&Policy>,
        out: Output,
    ) -> Result<Exit, Failure> {
        let zone = policy.map_or("UTC", |policy| &policy.time_zone);
        let (world, now) = self.world.world_in(zone, policy, out)?;
        let key = object::pod(&world, namespace, name)?;
        let plan = policy.map(|policy| (policy, plan(policy, &world, now).0));
        let decided = plan.as_ref().map(|(policy, plan)| (*policy, plan));
        let found =
            explain_pod(&world, decided, &key, now).ok_or_else(|| object::missing(&format!("pod/{key}"), None))?;
        match self.format {
            Format::Json => out.json(&found)?,
            Format::Text => {
                let plan = plan.as_ref().map(|(_, plan)| plan);
                out.data(&pod_text(&found, plan, zone, out.width()))?;
            }
        }
        Ok(Exit::Done)
    }
}

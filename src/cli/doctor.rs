//! `tidegate doctor`: what is missing before a policy can be relied on in a cluster, and what to do about it.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::cloud_checks;
use super::cut_short::CutShort;
use super::format::Format;
use super::ground::runtime;
use super::output::Output;
use super::policy_args::PolicyArgs;
use super::reached::Reached;
use super::world_args::WorldArgs;
use super::{Exit, Failure};
use crate::cluster::live::Special;
use crate::doctor::{Checkup, Finding, Level, examine};
use crate::model::World;
use crate::policy::{Idle, OnTimeout, Policy, Pool, Template};
use crate::report::doctor_text;

/// Check what a policy needs in a cluster, and say what to do about each thing that is missing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate doctor -f policy.yaml --context workshop      # a live cluster and its cloud
  tidegate doctor -f policy.yaml --sandbox ./sandbox
  tidegate doctor -f policy.yaml --snapshot cluster.json --format json

What cannot be told from what was named is said to be unknown. Exits with 1 where a line says error.")]
pub struct Doctor {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What only a live cluster answers.
const LIVE_ONLY: [(&str, &str); 3] = [
    ("permissions", "whether our role may do all that an apply does"),
    ("cloud", "whether the cloud lets us in and lists its servers"),
    ("clock", "whether the clocks here and there agree"),
];
/// Clocks that are further apart than this open windows at other times than people expect.
const SKEWED: SignedDuration = SignedDuration::from_secs(30);

impl Doctor {
    /// Runs the command.
    pub fn run(&self, out: Output) -> Result<Exit, Failure> {
        let (_, policy) = self.policy.load(out)?;
        let findings = if self.world.cluster.is_live() {
            self.live(&policy, out)?
        } else {
            let (world, now) = self.world.world(&policy, out)?;
            let unasked = LIVE_ONLY.iter().map(|(check, what)| {
                let text = format!("{what} can only be told of a live cluster");
                Finding::new(check, Level::Unknown, text, "name one with `--context NAME`")
            });
            let cut_short = self.world.cluster.sandbox.as_ref().map(|folder| CutShort::in_sandbox(folder, &policy));
            unasked.chain(cut_short.map(CutShort::finding)).chain(examine(&policy, &world, now)).collect()
        };
        let checkup = Checkup::of(findings);
        match self.format {
            Format::Json => out.json(&checkup)?,
            Format::Text => out.data(&doctor_text(&checkup, &policy.time_zone, out.width()))?,
        }
        Ok(if checkup.level == Level::Error { Exit::Error } else { Exit::Done })
    }

    fn live(&self, policy: &Policy, out: Output) -> Result<Vec<Finding>, Failure> {
        let runtime = runtime()?;
        let mut found = Vec::new();
        for provider in policy.providers.values() {
            found.extend(cloud_checks::of(provider, &runtime));
        }
        if policy.providers.is_empty() {
            let advice = "`providers: [{name: jetstream, openstack: {cloud: NAME}}]` names an entry of clouds.yaml, and \
                          `provider: jetstream` in a pool whose servers are there";
            let text = "the policy names no provider: nodes can be drained and not parked";
            found.push(Finding::new("cloud", Level::Error, text, advice));
        }
        // A cloud that does not let us in is no reason not to look at the cluster.
        let reachable = found.iter().all(|finding| finding.level != Level::Error);
        let reached = match Reached::connect(&self.world.cluster.connect, reachable.then_some(policy), &runtime, out) {
            Ok(reached) => reached,
            Err(failure) => {
                let (text, advice) = failure.told();
                found.insert(0, Finding::new("cluster", Level::Error, text, advice));
                return Ok(found);
            }
        };
        let live = &reached.live;
        let here = format!("context `{}` at {} answers, cluster {}", live.context(), live.server(), live.cluster());
        found.insert(0, Finding::ok("cluster", here));
        found.insert(1, permissions(&reached, policy, &runtime));
        found.push(CutShort::finding(CutShort::in_cluster(&reached, policy, &runtime)));
        match reached.observe(&runtime, out) {
            Ok(snapshot) => {
                found.push(clock(live.skew()));
                found.extend(examine(policy, &World::build(snapshot), Timestamp::now()));
            }
            Err(failure) => {
                let (text, advice) = failure.told();
                found.push(Finding::new("observation", Level::Error, text, advice));
            }
        }
        Ok(found)
    }
}

fn permissions(reached: &Reached, policy: &Policy, runtime: &Runtime) -> Finding {
    const CHECK: &str = "permissions";
    const ADVICE: &str = "`examples/rbac.yaml` has the roles that grant them; `kubectl auth whoami` says who we are";
    let makes = |pool: &Pool| pool.idle == Idle::Delete || pool.create.is_some() || pool.deletes_parked_nodes;
    let special = Special {
        delete_nodes: policy.pools.iter().any(makes),
        delete_pods: policy.drain.on_timeout == OnTimeout::Delete,
        tokens: policy.pools.iter().filter_map(|pool| pool.create.as_ref()).any(Template::wants_token),
    };
    match runtime.block_on(reached.live.denied(special)) {
        Err(error) => Finding::new(CHECK, Level::Unknown, error.to_string(), ADVICE),
        Ok(denied) if denied.is_empty() => Finding::ok(CHECK, "our role may do all that a plan and an apply do"),
        Ok(denied) => {
            let words: Vec<String> = denied.iter().map(|need| need.words()).collect();
            let all = denied.iter().all(|need| need.to_apply);
            let what = if all { "a plan can be made and not applied" } else { "not even a whole plan can be made" };
            Finding::new(CHECK, Level::Error, format!("{what}: not allowed to {}", words.join("; ")), ADVICE)
        }
    }
}

fn clock(skew: Option<SignedDuration>) -> Finding {
    const CHECK: &str = "clock";
    const ADVICE: &str = "set the clock of this machine (`timedatectl status`): windows open by it";
    match skew {
        None => Finding::new(CHECK, Level::Unknown, "the API server does not say what time it is", ADVICE),
        Some(skew) if skew.abs() >= SKEWED => {
            let way = if skew.is_negative() { "behind" } else { "ahead of" };
            let text = format!("the API server's clock is {:#} {way} ours", skew.abs());
            Finding::new(CHECK, Level::Warning, text, ADVICE)
        }
        Some(_) => Finding::ok(CHECK, "the clocks here and at the API server agree"),
    }
}

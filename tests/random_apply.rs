//! Random clusters, policies, failures and people: whatever happens, an apply ends, keeps budgets (implied ones too),
//! parks no node with somebody on it, and leaves others' cordons alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(dead_code)]

#[path = "sandbox/build.rs"]
mod build;
mod executing;
#[path = "sandbox/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use executing::{Stage, block_on, exit, lines, policy_text};
use jiff::SignedDuration;
use proptest::prelude::*;
use tidegate::execute::run::lock::FileLocks;
use tidegate::execute::run::{self, Interrupts, Order};
use tidegate::execute::{Event, EventKind};
use tidegate::model::{Snapshot, World};
use tidegate::policy::Policy;
use tidegate::sandbox::{Faults, Sandbox};

/// One apply: what is wanted, and what a person does meanwhile.
#[derive(Clone, Debug)]
struct Turn {
    min: u32,
    max: u32,
    parallelism: u32,
    idle: &'static str,
    /// Ctrl-C at this event, so many times.
    interrupt: Option<(usize, usize)>,
    resume: bool,
    pause: i64,
}

fn turn() -> impl Strategy<Value = Turn> {
    let idle = prop::sample::select(vec!["shelve", "stop", "suspend"]);
    let interrupt = prop::option::weighted(0.4, (0_usize..40, 1_usize..3));
    (0_u32..3, 0_u32..3, 1_u32..4, idle, interrupt, prop::bool::weighted(0.25), 0_i64..3000).prop_map(
        |(min, more, parallelism, idle, interrupt, resume, pause)| Turn {
            min,
            max: min + more,
            parallelism,
            idle,
            interrupt,
            resume,
            pause,
        },
    )
}

fn policy(turn: &Turn) -> Policy {
    let Turn { min, max, parallelism, idle, .. } = turn;
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: random}}
spec:
  pools:
    - name: p
      nodes: {{names: [\"n-{{1..5}}\"]}}
      min: {min}
      max: {max}
      idle: {idle}
      parallelism: {parallelism}
  drain:
    pods:
      - {{match: {{owners: [none]}}, action: wait, atMost: 20m}}
      - {{match: {{namespaces: [web]}}, action: evict}}
"
    ))
}

/// Ready pods by direct owner, of owners without a budget.
fn unbudgeted(world: &World) -> BTreeMap<String, u32> {
    let mut ready = BTreeMap::new();
    for pod in world.pods.values().filter(|pod| pod.ready && !pod.terminating() && !pod.finished()) {
        if let Some(owner) = &pod.owner
            && !["DaemonSet", "Job"].contains(&&*owner.kind)
            && world.budgets_of(pod).next().is_none()
        {
            *ready.entry(owner.uid.to_string()).or_insert(0) += 1;
        }
    }
    ready
}

fn check(
    event: &Event,
    sandbox: &Sandbox,
    start: &BTreeMap<String, u32>,
    owners: &BTreeMap<String, String>,
    outages: &BTreeSet<String>,
) {
    let pod = event.pod.clone().unwrap_or_default();
    if event.kind == EventKind::PodEvicted && !outages.contains(&pod) {
        let now = unbudgeted(&World::build(sandbox.snapshot()));
        if let Some((owner, before)) = owners.get(&pod).and_then(|owner| start.get_key_value(owner)) {
            let left = now.get(owner).copied().unwrap_or(0);
            let least = before.div_ceil(2).min(before - 1);
            assert!(*before < 2 || left >= least, "{pod}: {left} of {before} stay Ready");
        }
    }
    if event.kind == EventKind::StepStarted && event.step.as_deref().is_some_and(|step| step.starts_with("park/")) {
        let world = World::build(sandbox.snapshot());
        let node = event.node.clone().unwrap();
        let somebody = world.pods_on(&node).find(|pod| !pod.daemon() && !pod.mirror() && !pod.finished());
        assert!(somebody.is_none(), "{node} is parked with {} on it", somebody.unwrap().key);
    }
}

fn play(snapshot: &Snapshot, faults: &Faults, turns: &[Turn], others: Option<usize>) -> String {
    let mut snapshot = snapshot.clone();
    let theirs = others.map(|number| number % snapshot.nodes.len());
    if let Some(number) = theirs {
        snapshot.nodes[number].unschedulable = true;
    }
    let mut stage = Stage::of(snapshot.clone(), "");
    stage.sandbox = Sandbox::in_memory(snapshot, faults);
    let mut log = String::new();
    for turn in turns {
        let policy = policy(turn);
        let plan = stage.plan(&policy);
        let world = stage.world();
        let start = unbudgeted(&world);
        let owners = (world.pods.values())
            .filter_map(|pod| Some((pod.key.to_string(), pod.owner.as_ref()?.uid.to_string())))
            .collect();
        let outages = plan.outages.iter().map(|outage| outage.pod.clone()).collect();
        let (sender, mut interrupts) = Interrupts::channel();
        let mut told: Vec<Event> = Vec::new();
        let folder = stage.folder.path().to_owned();
        let locks = FileLocks::of(&folder);
        let lock_timeout = SignedDuration::ZERO;
        let resume = turn.resume;
        let order =
            Order { policy: &policy, plan: Some(plan), resume, no_wait: true, folder, locks: &locks, lock_timeout };
        let outcome = block_on(run::apply(stage.doors(), &order, &mut interrupts, &mut |event| {
            if let Some((at, times)) = turn.interrupt
                && at == told.len()
            {
                (0..times).for_each(|_| sender.send(()).unwrap());
            }
            told.push(event.clone());
            // Over a resume the start is the journal's, which this test does not know.
            if !turn.resume {
                check(event, &stage.sandbox, &start, &owners, &outages);
            }
        }));
        let said = lines(&told);
        let nothing_to_resume = turn.resume && exit(&outcome) == 1;
        assert!([0, 6, 7].contains(&exit(&outcome)) || nothing_to_resume, "{outcome:?}\n{said}");
        if let Some(number) = theirs {
            let world = stage.world();
            let node = world.nodes.values().nth(number).unwrap();
            assert!(node.unschedulable, "the cordon of {} was not ours\n{said}", node.name);
        }
        log.push_str(&said);
        stage.sandbox.advance(SignedDuration::from_secs(turn.pause)).unwrap();
    }
    executing::budgets_kept(&stage.sandbox.audit());
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_an_apply_ends_and_does_no_harm(
        snapshot in random::snapshot(),
        faults in random::faults(),
        turns in prop::collection::vec(turn(), 1..4),
        others in prop::option::weighted(0.3, 0_usize..5),
    ) {
        let once = play(&snapshot, &faults, &turns, others);
        prop_assert_eq!(once, play(&snapshot, &faults, &turns, others), "the same once more");
    }
}

//! Random clusters, policies of two pools with windows, freezes and overrides, failures and people: whatever happens, an
//! apply ends and things settle; at every event floors and budgets (implied ones too) are kept, no node is parked with
//! somebody on it, and others' cordons and pods are left alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(dead_code)]

#[path = "sandbox/build.rs"]
mod build;
#[path = "random_apply/catalogs.rs"]
mod catalogs;
#[path = "random_apply/creates.rs"]
mod creates;
mod executing;
#[path = "random_apply/follows.rs"]
mod follows;
mod growing;
#[path = "random_apply/grows.rs"]
mod grows;
#[cfg(unix)]
#[path = "random_apply/programs.rs"]
mod programs;
#[path = "sandbox/random.rs"]
mod random;
#[path = "random_apply/tokens.rs"]
mod tokens;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use executing::{Stage, block_on, exit, lines, two_pools_with};
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tidegate::execute::run::lock::FileLocks;
use tidegate::execute::run::{self, Interrupts, Order};
use tidegate::execute::{Event, EventKind};
use tidegate::model::{Snapshot, World};
use tidegate::plan::{Code, Plan, PoolPlan, Verb, Verdict, verify};
use tidegate::policy::Policy;
use tidegate::sandbox::{Faults, Sandbox};

/// One apply: what is wanted, and what a person does meanwhile.
#[derive(Clone, Debug)]
struct Turn {
    min: u32,
    max: u32,
    /// The same of the second pool.
    other: (u32, u32),
    parallelism: u32,
    idle: &'static str,
    window: Option<Window>,
    /// An override that outlives the test.
    by_hand: Option<&'static str>,
    /// Ctrl-C at this event, so many times.
    interrupt: Option<(usize, usize)>,
    resume: bool,
    pause: i64,
    /// Pods in `web` may sleep (H20).
    sleeps: bool,
    /// What is done about silent nodes.
    repairs: Option<&'static str>,
}

/// A one-off window of the first pool, in minutes from the start.
#[derive(Clone, Debug)]
struct Window {
    asks: &'static str,
    from: i64,
    length: i64,
}

fn window() -> impl Strategy<Value = Window> {
    let asks = vec!["min: 2, max: 3", "max: 1", "min: 0, max: 0", "kind: freeze", "kind: freeze, overrun: stop"];
    (prop::sample::select(asks), -60_i64..120, 5_i64..180).prop_map(|(asks, from, length)| Window {
        asks,
        from,
        length,
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    let idle = prop::sample::select(vec!["shelve", "stop", "suspend"]);
    let by_hand =
        vec!["node/n-2, max: 0", "node/n-1, min: 1", "pool/first, replicas: 1", "pool/second, min: 2, max: 2"];
    let asked = (0_u32..3, 0_u32..2, 0_u32..2, 0_u32..2, 1_u32..4, idle);
    let moved = (prop::option::weighted(0.5, window()), prop::option::weighted(0.3, prop::sample::select(by_hand)));
    let interrupt = prop::option::weighted(0.4, (0_usize..40, 1_usize..3));
    let repairs = prop::option::of(prop::sample::select(vec!["restart", "replace"]));
    let later = (prop::bool::weighted(0.25), 0_i64..3000, any::<bool>(), repairs);
    (asked, moved, interrupt, later).prop_map(
        |(
            (min, more, low, span, parallelism, idle),
            (window, by_hand),
            interrupt,
            (resume, pause, sleeps, repairs),
        )| Turn {
            min,
            max: min + more,
            other: (low, low + span),
            parallelism,
            idle,
            window,
            by_hand,
            interrupt,
            resume,
            pause,
            sleeps,
            repairs,
        },
    )
}

fn policy(turn: &Turn) -> Policy {
    let Turn { min, max, other: (low, high), parallelism, idle, .. } = turn;
    let window = turn.window.as_ref().map_or_else(String::new, |Window { asks, from, length }| {
        let (opens, closes) = (build::start() + build::mins(*from), build::start() + build::mins(from + length));
        format!("      windows:\n        - {{name: w, {asks}, from: \"{opens}\", until: \"{closes}\"}}\n")
    });
    let by_hand = turn.by_hand.map_or_else(String::new, |asks| {
        let until = build::start() + build::mins(60 * 24 * 30);
        format!("  overrides:\n    - {{target: {asks}, expires: \"{until}\", reason: by hand, author: me}}\n")
    });
    let repair = turn.repairs.map_or_else(String::new, |action| {
        format!("      repair: {{notReadyFor: 5m, action: {action}, maxNotReady: 70%}}\n")
    });
    let first = format!(
        "      min: {min}\n      max: {max}\n      idle: {idle}\n      parallelism: {parallelism}\n{repair}{window}"
    );
    let second = format!("      min: {low}\n      max: {high}\n      idle: {idle}\n{repair}");
    let sleep = "    whenNoHome: [{match: {namespaces: [web]}, action: sleep}]\n";
    two_pools_with(&first, &second, &by_hand, if turn.sleeps { sleep } else { "" })
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

/// Nodes of each pool that take pods.
fn active(world: &World) -> BTreeMap<&'static str, u32> {
    let up = |first: usize, last: usize| {
        let names = (first..=last).map(|number| format!("n-{number}"));
        let up =
            names.filter(|name| world.nodes.get(name.as_str()).is_some_and(|node| node.ready() && !node.unschedulable));
        u32::try_from(up.count()).unwrap()
    };
    BTreeMap::from([("first", up(1, 3)), ("second", up(4, 6))])
}

/// What holds at every event: floors, implied budgets, nobody goes down with a node, others' pods and cordons are left
/// alone.
fn check(event: &Event, sandbox: &Sandbox, plan: &Plan, before: &World, theirs: Option<&str>) {
    let world = World::build(sandbox.snapshot());
    let (then, now) = (active(before), active(&world));
    for pool in &plan.pools {
        // A person may ask for less, node by node; what was short before is no shorter.
        let asleep = plan.steps.iter().filter(|step| step.verb == Verb::Cordon && step.reason.code == Code::Override);
        let least = pool.floor.min(then[pool.name.as_str()]);
        let least = least.saturating_sub(u32::try_from(asleep.count()).unwrap());
        let failed = event.kind == EventKind::Warning || event.kind == EventKind::StepFailed;
        assert!(
            failed || now[pool.name.as_str()] >= least,
            "pool {} at `{}`: {now:?}, {least} wanted",
            pool.name,
            event.message
        );
    }
    if let Some(node) = theirs {
        assert!(world.nodes[node].unschedulable, "the cordon of {node} was not ours: `{}`", event.message);
    }
    let start = unbudgeted(before);
    let owners: BTreeMap<String, String> = (before.pods.values())
        .filter_map(|pod| Some((pod.key.to_string(), pod.owner.as_ref()?.uid.to_string())))
        .collect();
    let outages: BTreeSet<String> = plan.outages.iter().map(|outage| outage.pod.clone()).collect();
    let pod = event.pod.clone().unwrap_or_default();
    if event.kind == EventKind::PodEvicted {
        let node = event.node.as_deref().unwrap_or_default();
        assert!(plan.steps.iter().any(|step| step.node == node && step.verb == Verb::Drain), "{pod} is off {node}");
    }
    if event.kind == EventKind::PodEvicted && !outages.contains(&pod) {
        let now = unbudgeted(&world);
        // Nobody is to be Ready in the place of who sleeps.
        let asleep: BTreeSet<&String> = (plan.steps.iter().flat_map(|step| &step.pods))
            .filter(|entry| entry.sleeps)
            .filter_map(|entry| owners.get(&entry.pod))
            .collect();
        let kept = owners.get(&pod).filter(|owner| !asleep.contains(owner));
        if let Some((owner, before)) = kept.and_then(|owner| start.get_key_value(owner)) {
            let left = now.get(owner).copied().unwrap_or(0);
            let least = before.div_ceil(2).min(before - 1);
            assert!(*before < 2 || left >= least, "{pod}: {left} of {before} stay Ready");
        }
    }
    if event.kind == EventKind::StepStarted && event.step.as_deref().is_some_and(|step| step.starts_with("park/")) {
        let node = event.node.clone().unwrap();
        let silent = plan.steps.iter().any(|step| step.node == node && step.reason.code == Code::Repair);
        let given_up = |pod: &tidegate::model::Pod| silent && pod.terminating();
        let stays = |pod: &tidegate::model::Pod| pod.daemon() || pod.mirror() || pod.finished() || given_up(pod);
        let somebody = world.pods_on(&node).find(|pod| !stays(pod));
        assert!(somebody.is_none(), "{node} is parked with {} on it", somebody.unwrap().key);
    }
}

/// What was done over all runs of a property: one in which nothing is done proves nothing.
#[derive(Debug, Default)]
struct Done {
    parked: Cell<usize>,
    woken: Cell<usize>,
    evicted: Cell<usize>,
    /// Applies in which both pools changed.
    both: Cell<usize>,
    /// Pods that went to sleep, and nodes that were repaired, by the plans.
    asleep: Cell<usize>,
    repaired: Cell<usize>,
}

impl Done {
    fn count(&self, told: &[Event], plan: Option<&Plan>) {
        let done = |verb: &str| {
            let done = told.iter().filter(|event| event.kind == EventKind::StepDone);
            done.filter(|event| event.step.as_deref().is_some_and(|step| step.starts_with(verb))).count()
        };
        let add = |count: &Cell<usize>, more: usize| count.set(count.get() + more);
        add(&self.parked, done("park/"));
        add(&self.woken, done("wake/"));
        add(&self.evicted, told.iter().filter(|event| event.kind == EventKind::PodEvicted).count());
        let changed = |nodes: [&str; 3]| {
            told.iter().any(|event| {
                event.kind == EventKind::StepDone && nodes.iter().any(|node| event.node.as_deref() == Some(*node))
            })
        };
        let plans = |of: &dyn Fn(&Plan) -> usize| plan.map_or(0, of);
        add(&self.asleep, plans(&|plan| plan.summary.asleep as usize));
        let mended = |step: &&tidegate::plan::Step| step.reason.code == Code::Repair && step.verb == Verb::Park;
        add(&self.repaired, plans(&|plan| plan.steps.iter().filter(mended).count()));
        add(&self.both, usize::from(changed(["n-1", "n-2", "n-3"]) && changed(["n-4", "n-5", "n-6"])));
    }
}

/// The kubelet of a node fell silent an hour ago, and Kubernetes has given up its pods.
fn silence(snapshot: &mut Snapshot, number: usize) {
    let at = number % snapshot.nodes.len();
    let (name, since) = (snapshot.nodes[at].name.clone(), build::start() - build::mins(60));
    for ready in snapshot.nodes[at].conditions.iter_mut().filter(|condition| &*condition.kind == "Ready") {
        ready.status = tidegate::model::ConditionStatus::Unknown;
        (ready.transition, ready.heartbeat) = (Some(since), Some(since));
    }
    for pod in snapshot.pods.iter_mut().filter(|pod| pod.node.as_ref() == Some(&name)) {
        pod.ready = false;
        if !pod.daemon() && !pod.mirror() {
            pod.deletion = Some(since + build::mins(6));
        }
    }
}

fn play(
    snapshot: &Snapshot,
    faults: &Faults,
    turns: &[Turn],
    (others, silent): (Option<usize>, Option<usize>),
    done: &Done,
) -> String {
    let mut snapshot = snapshot.clone();
    silent.iter().for_each(|number| silence(&mut snapshot, *number));
    let theirs = others.map(|number| {
        let at = number % snapshot.nodes.len();
        let node = &mut snapshot.nodes[at];
        node.unschedulable = true;
        node.name.to_string()
    });
    let mut stage = Stage::of(snapshot.clone(), "");
    stage.sandbox = Sandbox::in_memory(snapshot, faults);
    let mut log = String::new();
    for turn in turns {
        let policy = policy(turn);
        let plan = stage.plan(&policy);
        let before = stage.world();
        assert_eq!(verify(&plan, &before, &policy), []);
        let (sender, mut interrupts) = Interrupts::channel();
        let mut told: Vec<Event> = Vec::new();
        let folder = stage.folder.path().to_owned();
        let locks = FileLocks::of(&folder);
        let lock_timeout = SignedDuration::ZERO;
        let resume = turn.resume;
        let order = Order {
            policy: &policy,
            plan: Some(plan.clone()),
            within: false,
            exact: false,
            resume,
            no_wait: true,
            folder,
            locks: &locks,
            lock_timeout,
            word: tidegate::plan::Word::default(),
        };
        let outcome = block_on(run::apply(stage.doors(), &order, &mut interrupts, &mut |event| {
            if let Some((at, times)) = turn.interrupt
                && at == told.len()
            {
                (0..times).for_each(|_| sender.send(()).unwrap());
            }
            told.push(event.clone());
            // Over a resume the start is the journal's, which this test does not know.
            if !turn.resume {
                check(event, &stage.sandbox, &plan, &before, theirs.as_deref());
            }
        }));
        done.count(&told, Some(&plan));
        let said = lines(&told);
        let nothing_to_resume = turn.resume && exit(&outcome) == 1;
        assert!([0, 6, 8].contains(&exit(&outcome)) || nothing_to_resume, "{outcome:?}\n{said}");
        log.push_str(&said);
        stage.sandbox.advance(SignedDuration::from_secs(turn.pause)).unwrap();
    }
    if let Some(last) = turns.last() {
        settles(&stage, &policy(last), faults);
    }
    executing::budgets_kept(&stage.sandbox.audit());
    log
}

/// A plan right after an apply is empty or says what it waits for. A window may open while one runs, so it may take a few.
fn settles(stage: &Stage, policy: &Policy, faults: &Faults) {
    let mut said = String::new();
    for _ in 0..6 {
        let plan = stage.plan(policy);
        let waits = plan.summary.verdict == Verdict::Waiting && plan.steps.iter().any(|step| !step.pods.is_empty());
        if plan.steps.is_empty() || waits || !plan.refusals.is_empty() {
            assert!(!plan.summary.text.is_empty());
            if plan.summary.verdict == Verdict::NoChanges {
                let fits = |pool: &PoolPlan| pool.unsettled == 0 && (pool.floor..=pool.ceiling).contains(&pool.active);
                assert!(plan.pools.iter().all(fits), "{:#?}\n{said}", plan.pools);
            }
            if faults.faults.is_empty() && plan.steps.is_empty() {
                assert_eq!(stage.stuck(), 0, "{}\n{said}", plan.summary.text);
            }
            return;
        }
        let (_, told) = stage.carry_out(policy, Some(plan), false, true);
        said.push_str(&lines(&told));
    }
    panic!("it does not settle: {}\n{said}", stage.plan(policy).summary.text);
}

#[test]
fn whatever_happens_an_apply_ends_and_does_no_harm() {
    let done = Done::default();
    let inputs = (
        random::snapshot(),
        random::faults(),
        prop::collection::vec(turn(), 1..4),
        (prop::option::weighted(0.3, 0_usize..5), prop::option::weighted(0.3, 0_usize..5)),
    );
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let ran = TestRunner::new(config).run(&inputs, |(snapshot, faults, turns, others)| {
        let once = play(&snapshot, &faults, &turns, others, &done);
        prop_assert_eq!(once, play(&snapshot, &faults, &turns, others, &done), "the same once more");
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    println!("{done:?}");
    let Done { parked, woken, evicted, both, asleep, repaired } = done;
    assert!(parked.get() > 40 && woken.get() > 5 && evicted.get() > 40 && both.get() > 10, "it proves something");
    assert!(asleep.get() > 2 && repaired.get() > 5, "pods slept, and silent nodes were repaired");
}

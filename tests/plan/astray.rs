//! No member drops out: what is busy, in error, not Ready or somebody else's is kept by its own name, and costs.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate::plan::{Code, Plan, Rule, Verb, Verdict, plan, verify};
use tidegate::policy::Policy;
use tidegate::report::{plan_markdown, plan_text};

use super::fixture::{Cluster, RATES, WORKSHOP, at, merge, policy};
use super::{CALM, codes};

/// What can be the matter with a worker that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plight {
    Fine,
    Parked,
    /// A shelve that we began and that does not end.
    Stuck,
    /// A task of somebody else's.
    Busy,
    Error,
    /// It runs, and its kubelet does not report.
    NotReady,
    /// A record that nobody can read.
    Scrawl,
    /// Cordoned by a person.
    Foreign,
    /// Stopped by a person.
    Stopped,
    NoServer,
    Gone,
}

const PLIGHTS: [Plight; 11] = [
    Plight::Fine,
    Plight::Parked,
    Plight::Stuck,
    Plight::Busy,
    Plight::Error,
    Plight::NotReady,
    Plight::Scrawl,
    Plight::Foreign,
    Plight::Stopped,
    Plight::NoServer,
    Plight::Gone,
];

fn record(mark: &str) -> Value {
    let record = json!({"mark": mark, "since": "2026-11-22T12:00:00Z", "policy": "test", "pool": "workers"});
    json!({"annotations": {"tidegate.dev/record": record.to_string()}})
}

fn add(cluster: &mut Cluster, number: usize, plight: Plight) {
    let name = format!("worker-{number}");
    let cordoned = json!({"unschedulable": true});
    let (metadata, spec, state) = match plight {
        Plight::Gone => return,
        Plight::Fine | Plight::Busy | Plight::NotReady | Plight::NoServer => (json!({}), json!({}), "ACTIVE"),
        Plight::Parked => (record("parked"), cordoned, "SHELVED_OFFLOADED"),
        Plight::Stuck => (record("draining"), cordoned, "ACTIVE"),
        Plight::Error => (record("draining"), cordoned, "ERROR"),
        Plight::Scrawl => (json!({"annotations": {"tidegate.dev/record": "?"}}), cordoned, "ACTIVE"),
        Plight::Foreign => (json!({}), cordoned, "ACTIVE"),
        Plight::Stopped => (json!({}), json!({}), "SHUTOFF"),
    };
    cluster.node(&name, metadata, spec, state);
    let server = cluster.items.len() - 1;
    match plight {
        Plight::Stuck => merge(&mut cluster.items[server], json!({"status": {"task": "shelving"}})),
        Plight::Busy => merge(&mut cluster.items[server], json!({"status": {"task": "rebuilding"}})),
        Plight::NotReady => {
            merge(
                &mut cluster.items[server - 1],
                json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
            );
        }
        Plight::NoServer => drop(cluster.items.remove(server)),
        _ => {}
    }
}

fn cluster(plights: &[Plight]) -> Cluster {
    let mut cluster = Cluster::workers(0);
    plights.iter().enumerate().for_each(|(index, plight)| add(&mut cluster, index + 1, *plight));
    cluster
}

/// Nine of ten workers in one plight: what is said of each, of all, and what it costs.
#[test]
fn what_cannot_be_parked_is_named_and_costs_what_it_costs() {
    for (plight, code, verdict, words) in [
        (Plight::Stuck, Code::ServerBusy, Verdict::Waiting, "Waiting for the provider: 9 nodes are not parked"),
        (Plight::Busy, Code::ServerBusy, Verdict::Waiting, "(9 servers busy at the provider)"),
        (Plight::Error, Code::ServerError, Verdict::Cannot, "(9 servers in error or gone)"),
        (Plight::NotReady, Code::NotReady, Verdict::Cannot, "(9 nodes not Ready)"),
        (Plight::Scrawl, Code::RecordUnreadable, Verdict::Cannot, "(9 nodes with a record that cannot be read)"),
        (Plight::Foreign, Code::CordonedByOther, Verdict::NothingNow, "9 nodes cordoned by somebody else"),
    ] {
        let mut plights = [plight; 10];
        plights[0] = Plight::Fine;
        let cluster = cluster(&plights);
        let policy = policy(WORKSHOP, RATES);
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.steps, [], "{plight:?}");
        assert_eq!(codes(&plan, "worker-10"), [code], "{plight:?}");
        assert_eq!(plan.summary.verdict, verdict, "{}", plan.summary.text);
        let pool = &plan.pools[0];
        let cordoned = if plight == Plight::Foreign { 9 } else { 0 };
        assert_eq!((pool.active, pool.cordoned, pool.unsettled), (1, cordoned, 9 - cordoned), "{plight:?}");
        let cost = plan.cost.as_ref().unwrap();
        // What the provider is taking away already goes without a step; the rest saves nothing.
        let (after, week) = if plight == Plight::Stuck { (8, 1_578) } else { (80, 13_440) };
        assert_eq!(
            (cost.now_per_hour_micros, cost.after_per_hour_micros),
            (80_000_000, after * 1_000_000),
            "{plight:?}"
        );
        assert_eq!((cost.week_micros, cost.always_on_week_micros), (week * 1_000_000, 13_440_000_000), "{plight:?}");
        for said in [plan_text(&plan, 1000), plan_markdown(&plan)] {
            assert!(said.contains(words) && !said.contains("No changes"), "{plight:?}: {said}");
        }
        let hint = &plan.blockers.iter().find(|blocker| blocker.code == code).unwrap().hint;
        assert!(!hint.is_empty(), "{plight:?} says what to do");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{plight:?}");
    }
}

/// A park that we began and that hangs says since when it is ours.
#[test]
fn a_stuck_park_says_when_we_began_it() {
    let plan = cluster(&[Plight::Fine, Plight::Stuck]).plan(&policy(WORKSHOP, ""), CALM);
    let text = &plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap().reasons[0].text;
    assert!(text.contains("(shelving); we began to take it away at 2026-11-22T12:00:00Z"), "{text}");
}

/// A sick node that the policy keeps anyway is no failure of parking; it is said all the same.
#[test]
fn a_sick_node_that_is_to_stay_is_said_and_not_called_unparked() {
    let plan =
        cluster(&[Plight::NotReady, Plight::Fine]).plan(&policy("      min: 1\n      keep: [worker-1]\n", ""), CALM);
    assert_eq!(plan.summary.verdict, Verdict::NothingNow, "{}", plan.summary.text);
    assert!(plan.summary.text.contains("1 node not Ready, see above"), "{}", plan.summary.text);
}

/// Whoever the floor misses is counted there and not once more.
#[test]
fn what_the_floor_misses_is_counted_once() {
    let plights = [Plight::Fine, Plight::Error, Plight::Error];
    let plan = cluster(&plights).plan(&policy("      min: 2\n      max: 2\n", ""), CALM);
    assert_eq!(plan.summary.verdict, Verdict::Cannot);
    let expected = "Cannot: 1 node short of the floor; 1 node is not parked that should be (1 server in error or gone)";
    assert!(plan.summary.text.starts_with(expected), "{}", plan.summary.text);
}

/// Each member is counted once, and once only is in steps or kept, or is parked or absent.
fn accounted(plan: &Plan, plights: &[Plight]) {
    let pool = &plan.pools[0];
    let counted = pool.active + pool.cordoned + pool.parked + pool.unsettled + pool.absent;
    assert_eq!(counted, 10, "{plights:?}: {pool:?}");
    for number in 1..=10 {
        let name = format!("worker-{number}");
        let plight = plights.get(number - 1).copied().unwrap_or(Plight::Gone);
        let goes = plan.steps.iter().any(|step| step.node == name);
        let kept = plan.kept.iter().filter(|kept| kept.node == name).count();
        assert!(kept <= 1, "{name} is kept twice: {:?}", plan.kept);
        let silent = matches!(plight, Plight::Parked | Plight::Stopped | Plight::Gone);
        assert!(silent || goes || kept == 1, "{name} ({plight:?}) drops out");
    }
    let sick = |plight: &Plight| {
        use Plight::{Busy, Error, NotReady, Scrawl, Stuck};
        matches!(plight, Stuck | Busy | Error | NotReady | Scrawl)
    };
    assert!(!plights.iter().any(sick) || plan.summary.verdict != Verdict::NoChanges, "{plights:?}: No changes");
}

fn policies() -> Vec<Policy> {
    let freeze =
        "        - {name: exam, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}\n";
    let pools = [
        WORKSHOP.to_owned(),
        format!("{WORKSHOP}{freeze}"),
        format!("{WORKSHOP}      windDown: 30m\n"),
        "      replicas: 4\n".to_owned(),
        "      min: 9\n".to_owned(),
        "      max: 0\n      adopt: true\n".to_owned(),
    ];
    pools.iter().map(|pool| policy(pool, RATES)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// In any mixture of states, under windows, freezes, wind-downs and wishes that cannot be met.
    #[test]
    fn every_member_is_accounted_for(
        plights in prop::collection::vec(prop::sample::select(PLIGHTS.to_vec()), 10),
        which in 0..6_usize,
        now in prop::sample::select(vec![CALM, "2026-11-24T19:46:00Z", "2026-11-24T22:40:00Z"]),
    ) {
        let policy = &policies()[which];
        let world = cluster(&plights).world();
        let made = plan(policy, &world, at(now)).0;
        accounted(&made, &plights);
        prop_assert_eq!(verify(&made, &world, policy), []);
        // The checker finds each node that a plan leaves out.
        for left_out in &made.kept {
            let mut less = made.clone();
            less.kept.retain(|kept| kept.node != left_out.node);
            let parked = matches!(left_out.reasons[0].code, Code::StoppedByOther | Code::NoCreate | Code::BackOff);
            let going = less.steps.iter().any(|step| step.node == left_out.node);
            let found = verify(&less, &world, policy).iter().any(|violation| violation.rule == Rule::Explained);
            prop_assert!(parked || going || found, "{} can be left out", left_out.node);
        }
    }
}

/// A kubelet's last word stands for a while after its server went, and in a snapshot for ever: only a node whose server
/// runs and is left alone is a home for pods, or keeps headroom.
#[test]
fn nobody_is_sent_to_a_node_whose_server_does_not_run() {
    let off =
        ["SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "ERROR", "DELETED", "BUILD", "UNKNOWN"];
    let tasks = ["powering-off", "deleting", "rebuilding", "shelving", "rebooting"];
    let plights = off.iter().map(|state| (*state, None)).chain(tasks.iter().map(|task| ("ACTIVE", Some(*task))));
    let headroom = "      headroom: {units: [{cpu: \"4\", memory: 4Gi, count: 2}]}\n";
    for (state, task) in plights.chain([("ACTIVE", None)]) {
        let settled = (state, task) == ("ACTIVE", None);
        for (rest, pods) in [("", 3), (headroom, 0)] {
            // Three workers: one goes, one runs and is full, and the third says Ready.
            let pool = "      min: 1\n      max: 10\n      keep: [\"worker-1\", \"worker-3\"]\n";
            let policy = policy(&format!("{pool}{rest}"), "");
            let mut cluster = Cluster::workers(3);
            let server = |item: &&mut Value| item["kind"] == "Server" && item["metadata"]["name"] == "worker-3";
            let server = cluster.items.iter_mut().find(server).unwrap();
            merge(server, json!({"status": {"state": state, "task": task}}));
            cluster.pod("full", "worker-1", "full", "7500m");
            for number in 0..pods {
                cluster.pod(&format!("web-{number}"), "worker-2", "web", "500m");
            }
            let plan = cluster.plan(&policy, CALM);
            let goes = plan.steps.iter().any(|step| step.verb == Verb::Park && step.node == "worker-2");
            assert_eq!(goes, settled, "{state} {task:?} {rest}: {:#?}", plan.kept);
            assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{state} {task:?}");
        }
    }
}

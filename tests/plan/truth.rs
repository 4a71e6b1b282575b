//! What the plan says of itself is so: "No changes" only if there are none, and each hindrance by its name.

use proptest::prelude::*;
use serde_json::json;
use tidegate::plan::{Code, Plan, Request, Verb, Verdict, plan, plan_for, status};
use tidegate::report::{plan_markdown, plan_text, status_text};

use super::fixture::{Cluster, RATES, WORKSHOP, at, policy};
use super::{CALM, own_cordon, verbs};

const FREEZE: &str =
    "        - {name: exam, kind: freeze, from: \"2026-11-22T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}\n";

/// A node that carries our record and belongs to no pool.
fn unclaimed(cluster: &mut Cluster, name: &str, state: &str) {
    let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "gone"});
    let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
    cluster.node(name, metadata, json!({"unschedulable": true}), state);
}

/// A pod without a controller on each of the first nodes.
fn bare(cluster: &mut Cluster, nodes: usize) {
    for number in 1..=nodes {
        cluster.pod(&format!("bare-{number}"), &format!("worker-{number}"), "", "1");
    }
}

/// The verdict, the one line and the forms in which people meet it agree, for each way in which nothing is done.
#[test]
fn each_way_of_doing_nothing_has_its_own_words() {
    type Change = fn(&mut Cluster);
    let none: Change = |_| {};
    let frozen = format!("{WORKSHOP}{FREEZE}");
    type Case<'a> = (&'a str, &'a str, usize, Change, Verdict, &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        ("as wanted", "      replicas: 3\n", 3, none, Verdict::NoChanges, &["No changes."]),
        (
            "unclaimed",
            "      replicas: 3\n",
            3,
            |c| unclaimed(c, "old-1", "ACTIVE"),
            Verdict::NothingNow,
            &["Nothing to do now: 1 node is unclaimed"],
        ),
        ("below", "      replicas: 6\n", 4, none, Verdict::Cannot, &["Cannot: 2 nodes short of the floor"]),
        (
            "below, unclaimed",
            "      replicas: 6\n",
            4,
            |c| unclaimed(c, "old-1", "ACTIVE"),
            Verdict::Cannot,
            &["Cannot: 2 nodes short", "1 node is unclaimed"],
        ),
        (
            "above",
            "      max: 2\n",
            3,
            |c| bare(c, 3),
            Verdict::Cannot,
            &["Cannot: 1 node above the policy, blocked by pods of namespace default without a controller"],
        ),
        (
            "held",
            "      min: 1\n",
            2,
            |c| bare(c, 2),
            Verdict::NothingNow,
            &["Nothing to do now: 2 nodes could go but for what is in the way"],
        ),
        (
            "frozen",
            &frozen,
            10,
            none,
            Verdict::NothingNow,
            &["Nothing to do now: 9 nodes could go but for freeze exam until"],
        ),
        (
            "frozen and above",
            &format!("      max: 2\n      windows:\n{FREEZE}"),
            3,
            none,
            Verdict::Cannot,
            &["Cannot: 1 node above the policy, blocked by freeze exam"],
        ),
        (
            "braked",
            WORKSHOP,
            1,
            |c| {
                c.memory(
                    json!({"pools": {"workers": {"members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": []}}}),
                );
            },
            Verdict::NothingNow,
            &["nothing is taken away by brake inventory-shrank"],
        ),
        (
            "braked and unclaimed",
            WORKSHOP,
            1,
            |c| {
                unclaimed(c, "old-1", "SHUTOFF");
                c.memory(
                    json!({"pools": {"workers": {"members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": []}}}),
                );
            },
            Verdict::NothingNow,
            &["brake inventory-shrank", "1 node is unclaimed"],
        ),
        (
            "failed before",
            "      min: 1\n",
            2,
            |c| {
                let failure = json!({"why": "a pod did not go", "tries": 2, "next": "2026-11-22T19:20:00Z"});
                let both = json!({"worker-1": {"drainFailure": failure}, "worker-2": {"drainFailure": failure}});
                c.memory(json!({"nodes": both}));
            },
            Verdict::NothingNow,
            &["2 nodes could go but for what is in the way"],
        ),
        (
            "not woken again at once",
            "      replicas: 1\n",
            0,
            |c| {
                let record =
                    json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
                let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
                c.node("worker-1", metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
                let failure = json!({"why": "no valid host", "tries": 2, "next": "2026-11-22T19:20:00Z"});
                c.memory(json!({"nodes": {"worker-1": {"wakeFailure": failure}}}));
            },
            Verdict::Cannot,
            &["Cannot: 1 node short of the floor"],
        ),
    ];
    for (name, pool, workers, change, verdict, words) in cases {
        let mut cluster = Cluster::workers(workers);
        change(&mut cluster);
        let policy = policy(pool, RATES);
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.steps, [], "{name}");
        assert_eq!(plan.summary.verdict, verdict, "{name}: {}", plan.summary.text);
        let alarm = verdict == Verdict::Cannot || name.starts_with("braked");
        assert_eq!(plan.pending(), alarm, "{name}: `--detailed-exitcode` goes by it");
        let lines = status(&policy, &cluster.world(), &plan);
        for said in [plan_text(&plan, 1000), plan_markdown(&plan), status_text(&lines, &plan, 1000)] {
            let changes = said.contains("No changes");
            assert_eq!(changes, verdict == Verdict::NoChanges, "{name}: {said}");
            for word in words {
                assert!(said.contains(word), "{name}: `{word}` is not in\n{said}");
            }
            let instant = said.split_whitespace().find(|word| {
                let word = word.trim_end_matches(|c: char| ",;:.)".contains(c));
                word.ends_with('Z') && word.parse::<jiff::Timestamp>().is_ok()
            });
            assert_eq!(instant, None, "{name}: people read their own time");
        }
    }
}

/// With steps, what stands in their way is said in the same line.
#[test]
fn a_plan_with_steps_says_what_it_cannot_do_and_what_holds_it() {
    let mut cluster = Cluster::workers(5);
    bare(&mut cluster, 4);
    let plan = cluster.plan(&policy("      max: 2\n", ""), CALM);
    assert_eq!(verbs(&plan, Verb::Park), ["worker-5"]);
    assert!(plan.summary.text.contains(" Cannot: 2 nodes above the policy"), "{}", plan.summary.text);
    let braked = Cluster::workers(10).plan(&policy(WORKSHOP, "  brakes: {maxNodes: 3}\n"), CALM);
    let expected = "Plan: 9 to park (shelve; coming back needs a free host), held back by brake max-nodes.";
    assert_eq!(braked.summary.text, expected);
}

/// One line says what is wanted and what holds it back, and what does not is not said to be held.
#[test]
fn a_brake_is_said_of_what_it_holds_back() {
    let pinned = "  cluster: another\n  brakes: {maxNodes: 3}\n";
    for (extra, min, workers, expected) in [
        (
            "  brakes: {maxNodes: 3}\n",
            1,
            10,
            "Plan: 9 to park (shelve; coming back needs a free host), held back by brake max-nodes.",
        ),
        (pinned, 1, 10, "Plan: 9 to park (shelve; coming back needs a free host), held back by brake other-cluster."),
        ("  brakes: {maxNodes: 3}\n", 10, 9, "Plan: 1 to wake (unshelve)."),
        (pinned, 10, 9, "Plan: 1 to wake (unshelve), held back by brake other-cluster."),
    ] {
        let mut cluster = Cluster::workers(workers);
        if workers == 9 {
            let record =
                json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
            let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
            cluster.node("worker-10", metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
        }
        let plan = cluster.plan(&policy(&format!("      min: {min}\n"), extra), CALM);
        assert_eq!(plan.summary.text, expected, "{extra}");
        assert!(plan.pending());
    }
}

#[test]
fn a_plan_that_only_waits_says_for_whom_and_until_when() {
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: wait, atMost: 2h}\n";
    let policy = policy(WORKSHOP, drain);
    let mut cluster = Cluster::workers(2);
    cluster.pod("jhub/jupyter-ana", "worker-2", "", "1");
    let plan = cluster.plan(&policy, CALM);
    assert_eq!(plan.summary.verdict, Verdict::Waiting);
    let expected = "Waiting for 1 pod until 2026-11-22T21:00:00Z at the latest, then: 1 to park (shelve";
    assert!(plan.summary.text.starts_with(expected), "{}", plan.summary.text);
    assert!(plan_text(&plan, 1000).contains("until Sun 22 Nov 14:00 MST at the latest"));
    // Another node that can go at once is a change, not a wait.
    let mut cluster = Cluster::workers(3);
    cluster.pod("jhub/jupyter-ana", "worker-2", "", "1");
    assert_eq!(cluster.plan(&policy, CALM).summary.verdict, Verdict::Changes);
}

/// A deadline that is past is not something to wait for.
#[test]
fn a_wait_that_is_over_is_not_said_to_go_on() {
    let drain = "  drain:\n    pods:\n      - {match: {namespaces: [jhub]}, action: wait, atMost: 2h}\n";
    let policy = policy("      replicas: 1\n", drain);
    let mut cluster = Cluster::workers(1);
    own_cordon(&mut cluster, 2, "draining");
    cluster.pod("jhub/jupyter-ana", "worker-2", "", "1");
    let plan = cluster.plan(&policy, "2026-11-25T01:00:00Z");
    let text = &plan.summary.text;
    assert!(!text.contains("at the latest"), "{text}");
    assert!(text.starts_with("The wait for 1 pod was over at ") && text.contains("gives back"), "{text}");
}

/// What was given back is tried again by an `apply` that somebody runs: which one is said.
#[test]
fn what_failed_says_when_and_by_what_it_is_tried_again() {
    let mut cluster = Cluster::workers(2);
    let failure = json!({"why": "a pod did not go", "tries": 2, "next": "2026-11-22T19:20:00Z"});
    cluster.memory(json!({"nodes": {
        "worker-1": {"drainFailure": failure}, "worker-2": {"notBefore": "2026-11-22T19:40:00Z"},
    }}));
    let text = plan_text(&cluster.plan(&policy("      min: 1\n", ""), CALM), 1000);
    for word in ["the first `apply` after Sun 22 Nov 12:20 MST tries it again", "after Sun 22 Nov 12:40 MST tries"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// Giving back goes on under a freeze, while a window winds down too (H6).
#[test]
fn h6_own_cordons_are_given_back_under_a_freeze() {
    let during = "2026-11-24T22:40:00Z";
    for (wind_down, now) in [("", CALM), ("      windDown: 30m\n", during)] {
        let policy = policy(&format!("{WORKSHOP}{FREEZE}{wind_down}"), "");
        let mut cluster = Cluster::workers(8);
        own_cordon(&mut cluster, 9, "draining");
        own_cordon(&mut cluster, 10, "draining");
        let plan = cluster.plan(&policy, now);
        assert_eq!(verbs(&plan, Verb::Uncordon), ["worker-10", "worker-9"], "{wind_down}: {:?}", plan.kept);
        assert_eq!(plan.steps.len(), 2, "and nothing is taken away: {:?}", plan.steps);
        assert!(plan.applyable);
    }
}

/// A drain that ran when a freeze opened goes on where the freeze lets drains finish, in a later run too. What only a
/// wind-down cordoned was not drained.
#[test]
fn a_freeze_lets_drains_finish_or_stops_them() {
    let goes = |overrun: &str, mark: &str, since: &str, more: &str| {
        let freeze = FREEZE.replace("kind: freeze", &format!("kind: freeze, overrun: {overrun}"));
        let policy = policy(&format!("{WORKSHOP}{freeze}{more}"), "");
        let mut cluster = Cluster::workers(9);
        let record = json!({"mark": mark, "since": since, "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node("worker-10", metadata, json!({"unschedulable": true}), "ACTIVE");
        let world = cluster.world();
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(tidegate::plan::verify(&plan, &world, &policy), [], "{overrun} {mark} {since}");
        assert!(plan.steps.iter().all(|step| step.node == "worker-10"), "nobody else goes: {:?}", plan.steps);
        let back = verbs(&plan, Verb::Uncordon) == ["worker-10"];
        assert!(back || verbs(&plan, Verb::Park) == ["worker-10"], "{:?}", plan.steps);
        !back
    };
    let (before, after) = ("2026-11-21T23:59:00Z", "2026-11-22T00:01:00Z");
    assert!(goes("finish", "draining", before, ""));
    assert!(!goes("stop", "draining", before, ""));
    assert!(!goes("finish", "draining", after, ""), "begun under the freeze");
    assert!(!goes("finish", "waking", before, ""), "not on its way out");
    let end_of_a_workshop = "2026-11-17T22:45:00Z";
    assert!(goes("finish", "draining", end_of_a_workshop, ""));
    assert!(!goes("finish", "draining", end_of_a_workshop, "      windDown: 30m\n"), "only cordoned");
}

/// A freeze holds whom nobody needs, and says of the others that they are needed.
#[test]
fn a_freeze_does_not_hold_who_is_needed() {
    let policy = policy(&format!("      min: 4\n      windows:\n{FREEZE}"), "");
    let plan = Cluster::workers(10).plan(&policy, CALM);
    let first = |code| plan.kept.iter().filter(|kept| kept.reasons[0].code == code).count();
    assert_eq!((first(Code::Freeze), first(Code::Floor)), (6, 4));
}

#[test]
fn a_target_under_a_freeze_is_forbidden_and_a_plan_without_one_is_not() {
    use tidegate::plan::forbidden;
    let policy = policy(&format!("{WORKSHOP}{FREEZE}"), "");
    let world = Cluster::workers(10).world();
    let of = |targets: &[&str]| {
        let targets = targets.iter().map(|target| target.parse().unwrap()).collect();
        plan_for(&policy, &world, at(CALM), &Request { targets, for_apply: false }).0
    };
    let count = |plan: &Plan| forbidden(plan, plan).len();
    assert_eq!(count(&of(&[])), 0);
    assert_eq!(count(&of(&["pool/workers"])), 9);
    assert_eq!(count(&of(&["node/worker-5"])), 1);
    assert_eq!(count(&of(&["node/worker-1"])), 0, "the policy keeps it: it was never to go");
    let agreed = plan(&self::policy(WORKSHOP, ""), &world, at(CALM)).0;
    assert_eq!(forbidden(&agreed, &of(&[])).len(), 9, "what was agreed to and is forbidden now");
}

#[test]
fn nodes_that_are_only_cordoned_still_count_and_cost() {
    let policy = policy(&format!("{WORKSHOP}      windDown: 30m\n"), RATES);
    let plan = Cluster::workers(10).plan(&policy, "2026-11-24T22:31:00Z");
    assert_eq!(plan.pools[0].desired, 10);
    assert_eq!(plan.cost.as_ref().unwrap().after_per_hour_micros, 80_000_000);
    let mut cluster = Cluster::workers(1);
    (2..=10).for_each(|number| own_cordon(&mut cluster, number, "draining"));
    let plan = cluster.plan(&policy, "2026-11-24T22:40:00Z");
    assert_eq!((plan.pools[0].active, plan.pools[0].desired), (1, 10));
    assert_eq!(plan.cost.unwrap().after_per_hour_micros, 80_000_000);
}

#[test]
fn the_forecast_reaches_the_next_change_however_far() {
    let window = "      min: 1\n      max: 10\n      windows:\n        \
                  - {name: fair, from: \"2026-12-22T19:00:00Z\", until: \"2026-12-23T19:00:00Z\", min: 10}\n";
    let plan = Cluster::workers(1).plan(&policy(window, RATES), CALM);
    assert_eq!(plan.pools[0].next_change.as_ref().unwrap().at, at("2026-12-22T19:00:00Z"));
    // 30 days of one node at 8 SU an hour.
    assert_eq!(plan.cost.unwrap().until_next_change_micros, Some(30 * 24 * 8 * 1_000_000));
}

/// A window that asks for more and has no lead says how late its nodes will be, long before it opens.
#[test]
fn h21_a_window_without_lead_says_how_late_its_nodes_are() {
    let no_lead = WORKSHOP.replace(", lead: 15m", "");
    assert_ne!(no_lead, WORKSHOP);
    let measured = json!({"pools": {"workers": {
        "members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": ["PT3M", "PT4M", "PT18M"],
    }}});
    for (pool, active, memory, expected) in [
        (
            &*no_lead,
            1,
            None,
            Some(
                "9 nodes begin to wake when it opens, Tue 24 Nov 13:00 MST, and are all ready 5 min later (nothing measured, 5 min assumed)",
            ),
        ),
        (
            &*no_lead,
            9,
            None,
            Some("1 node begins to wake when it opens, Tue 24 Nov 13:00 MST, and is ready 5 min later"),
        ),
        (&*no_lead, 1, Some(measured), Some("are all ready 18 min later (p95 18 min)")),
        (WORKSHOP, 1, None, None),
        ("      min: 10\n", 1, None, None),
    ] {
        let mut cluster = Cluster::workers(active);
        memory.into_iter().for_each(|memory| cluster.memory(memory));
        let keep = if active == 9 { pool.replace("min: 1\n", "min: 9\n") } else { pool.to_owned() };
        let text = plan_text(&cluster.plan(&policy(&keep, ""), CALM), 1000);
        match expected {
            Some(words) => assert!(text.contains(words), "{words}: {text}"),
            None => assert!(!text.contains("has no `lead`"), "{text}"),
        }
    }
}

/// Woken when the window is open already: when they are ready is still said.
#[test]
fn nodes_that_wake_in_an_open_window_are_announced() {
    let mut cluster = Cluster::workers(1);
    for number in 2..=10 {
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
    }
    let text = plan_text(&cluster.plan(&policy(WORKSHOP, ""), "2026-11-24T20:10:00Z"), 1000);
    let words = "window workshop is open since 13:00; start 13:10, all ready 13:15 (nothing measured, 5 min assumed)";
    assert!(text.contains(words), "{text}");
}

/// The lead for all nodes is the 95th percentile of all of them ready, from measured times (H21).
#[test]
fn h21_an_arrival_is_judged_by_what_was_measured() {
    let policy = policy(WORKSHOP, "");
    let times = |minutes: &[u32]| {
        let times: Vec<String> = minutes.iter().map(|minutes| format!("PT{minutes}M")).collect();
        json!({"pools": {"workers": {"members": 10, "failedWakes": 0, "parkTimes": [], "wakeTimes": times}}})
    };
    for (memory, expected) in [
        (None, "start 12:45, all ready 12:50 (nothing measured, 5 min assumed)"),
        (Some(times(&[3, 4, 5])), "start 12:45, all ready 12:50 (p95 12:50)"),
        (
            Some(times(&[4; 31].iter().copied().chain([18]).collect::<Vec<_>>())),
            "start 12:45, all ready 12:49 (p95 13:03: LATE)",
        ),
    ] {
        let mut cluster = Cluster::workers(1);
        for number in 2..=10 {
            let record =
                json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
            let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
            cluster.node(&format!("worker-{number}"), metadata, json!({"unschedulable": true}), "SHELVED_OFFLOADED");
        }
        memory.into_iter().for_each(|memory| cluster.memory(memory));
        let plan = cluster.plan(&policy, "2026-11-24T19:45:00Z");
        let note = plan.notes.iter().find(|note| note.contains("start ")).unwrap();
        assert!(note.ends_with(expected), "{note}");
        assert!(note.contains("opens 13:00;"), "{note}");
    }
}

#[test]
fn a_freeze_that_opens_next_is_no_wish_for_no_nodes() {
    let window = "      min: 1\n      windows:\n        \
                  - {name: exam, kind: freeze, from: \"2026-11-23T00:00:00Z\", until: \"2026-11-26T00:00:00Z\"}\n";
    let plan = Cluster::workers(1).plan(&policy(window, ""), CALM);
    let text = plan_text(&plan, 1000);
    let next = text.lines().find(|line| line.contains("next: ")).unwrap();
    assert!(next.contains("Sun 22 Nov 17:00 MST (freeze exam opens") && !next.contains("wanted"), "{next}");
}

/// What each node does next, and when; what is unclaimed with its cost (H28).
#[test]
fn h28_status_says_what_comes_and_what_is_unclaimed() {
    let wanted = policy(WORKSHOP, RATES);
    let next_of = |cluster: &Cluster, now: &str, node: &str| {
        let world = cluster.world();
        let plan = plan(&wanted, &world, at(now)).0;
        let line = status(&wanted, &world, &plan).into_iter().find(|line| line.node == node).unwrap();
        (line.next, line.next_at)
    };
    let during = "2026-11-24T21:00:00Z";
    let ten = Cluster::workers(10);
    assert_eq!(next_of(&ten, during, "worker-5"), ("parks".to_owned(), Some(at("2026-11-24T23:00:00Z"))));
    assert_eq!(next_of(&ten, during, "worker-1"), ("stays".to_owned(), None));
    assert_eq!(next_of(&ten, CALM, "worker-5"), ("cordon, drain, shelve".to_owned(), None));
    let mut parked = Cluster::workers(1);
    for number in 2..=10 {
        unclaimed(&mut parked, &format!("worker-{number}"), "SHELVED_OFFLOADED");
    }
    unclaimed(&mut parked, "old-1", "ACTIVE");
    unclaimed(&mut parked, "old-2", "SHELVED_OFFLOADED");
    assert_eq!(next_of(&parked, CALM, "worker-5"), ("wakes".to_owned(), Some(at("2026-11-24T19:45:00Z"))));
    let world = parked.world();
    let plan = plan(&wanted, &world, at(CALM)).0;
    assert_eq!(plan.unclaimed.iter().map(|one| one.per_hour_micros).collect::<Vec<_>>(), [Some(8_000_000), Some(0)]);
    let text = status_text(&status(&wanted, &world, &plan), &plan, 1000);
    assert!(text.contains("wakes Tue 12:45") && text.contains("costs 8 SU/h"), "{text}");
    assert!(plan_text(&plan, 1000).contains("old-1 (ACTIVE, cordoned by us, 8 SU/h): left as it is"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// "No changes" is said only of a cluster that is what the policy wants.
    #[test]
    fn no_changes_is_said_only_if_there_are_none(
        workers in 0..6_usize,
        (min, max) in (0..7_u32, 0..7_u32),
        bare in prop::collection::vec(1..6_usize, 0..3),
        old in 0..2_usize,
        freeze in any::<bool>(),
    ) {
        let freeze = if freeze { format!("      windows:\n{FREEZE}") } else { String::new() };
        let policy = policy(&format!("      min: {}\n      max: {}\n{freeze}", min.min(max), max), "");
        let mut cluster = Cluster::workers(workers);
        for (index, node) in bare.iter().filter(|node| **node <= workers).enumerate() {
            cluster.pod(&format!("bare-{index}"), &format!("worker-{node}"), "", "1");
        }
        (0..old).for_each(|number| unclaimed(&mut cluster, &format!("old-{number}"), "ACTIVE"));
        let plan = cluster.plan(&policy, CALM);
        if plan.summary.verdict == Verdict::NoChanges {
            let pool = &plan.pools[0];
            prop_assert!(plan.steps.is_empty() && plan.unclaimed.is_empty() && plan.refusals.is_empty());
            prop_assert!((pool.floor..=pool.ceiling).contains(&pool.active), "{} of {} to {}", pool.active, pool.floor, pool.ceiling);
            prop_assert!(plan.blockers.is_empty());
        }
        prop_assert_eq!(plan.summary.text.starts_with("No changes"), plan.summary.verdict == Verdict::NoChanges);
    }
}

/// Nobody recreates the pod of a controller that is not there.
#[test]
fn a_controller_that_is_not_there_recreates_nothing() {
    let blocked = |kind: &str, change: &dyn Fn(&mut Cluster)| {
        let mut cluster = Cluster::workers(3);
        let owner = json!([{"apiVersion": "apps/v1", "kind": kind, "name": "gone", "uid": "u", "controller": true}]);
        cluster.pod("a", "worker-3", "x", "1")["metadata"]["ownerReferences"] = owner;
        change(&mut cluster);
        let plan = cluster.plan(&policy("      min: 1\n      max: 1\n", ""), CALM);
        let kept = plan.kept.into_iter().filter(|kept| kept.node == "worker-3");
        let mut about = kept.flat_map(|kept| kept.reasons).filter(|reason| reason.evidence.pod.is_some());
        about.next().map(|reason| (reason.code, reason.text))
    };
    let unlisted = |cluster: &mut Cluster| {
        let kinds = cluster.items[0]["kinds"].as_array_mut().unwrap();
        kinds.retain(|kind| kind != "DaemonSet" && kind != "StatefulSet");
    };
    for kind in ["ReplicaSet", "StatefulSet", "DaemonSet"] {
        let (code, text) = blocked(kind, &|_| {}).unwrap_or_else(|| panic!("{kind} holds nothing"));
        assert_eq!(code, Code::ControllerNotFound, "{text}");
        assert!(text.contains(&format!("{kind} default/gone of default/a is not there")), "{text}");
    }
    for kind in ["StatefulSet", "DaemonSet"] {
        assert_eq!(blocked(kind, &unlisted), None, "{kind}: a built-in kind that was not listed is believed");
    }
    assert_eq!(blocked("Foo", &|_| {}), None, "so is any other");
    let foo = |cluster: &mut Cluster, name: &str, spec: serde_json::Value| {
        let metadata = json!({"name": name, "namespace": "default", "uid": "u"});
        cluster.items.push(json!({"apiVersion": "apps/v1", "kind": "Foo", "metadata": metadata, "spec": spec}));
    };
    let (code, _) = blocked("Foo", &|cluster| foo(cluster, "other", json!({"replicas": 1}))).unwrap();
    assert_eq!(code, Code::ControllerNotFound);
    assert_eq!(blocked("Foo", &|cluster| foo(cluster, "gone", json!({"replicas": 1}))), None);
}

/// What would stay in the way if a node's own hindrance were lifted is said with it, so that no line promises too much.
#[test]
fn only_what_is_alone_is_said_to_be_the_only_thing_in_the_way() {
    let mut cluster = Cluster::workers(1);
    for number in 2..=3 {
        let annotations = json!({"annotations": {"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}});
        cluster.node(&format!("worker-{number}"), annotations, json!({}), "ACTIVE");
    }
    cluster.pod("bare", "worker-2", "", "1");
    let plan = cluster.plan(&policy("      keep: [worker-1]\n", ""), CALM);
    let found: Vec<(Code, usize, u32)> =
        plan.blockers.iter().map(|blocker| (blocker.code, blocker.nodes.len(), blocker.frees)).collect();
    assert_eq!(found, [(Code::ScaleDownDisabled, 2, 1), (Code::NoController, 1, 0)]);
    assert!(plan_text(&plan, 100).contains("2 nodes, the only thing found in the way of 1"));
}

/// What is to be done is the same for each of them: it is said once, and the providerID with its node.
#[test]
fn nodes_without_a_known_server_are_one_group() {
    let mut cluster = Cluster::workers(1);
    for number in 2..=4 {
        let spec = json!({"providerID": format!("openstack:///somewhere-else-{number}")});
        cluster.node(&format!("worker-{number}"), json!({}), spec, "ACTIVE");
    }
    let plan = cluster.plan(&policy("      min: 0\n", ""), CALM);
    let unknown: Vec<_> = plan.blockers.iter().filter(|found| found.code == Code::ServerUnknown).collect();
    assert_eq!(unknown.len(), 1, "{unknown:#?}");
    assert_eq!(unknown[0].nodes, ["worker-2", "worker-3", "worker-4"]);
    assert!(plan_text(&plan, 1000).contains(
        "(providerID openstack:///somewhere-else-2, openstack:///somewhere-else-3 and openstack:///somewhere-else-4)"
    ));
}

//! Money: what the rates say, for how long what is kept costs, and when an allocation is over.

use serde_json::json;
use tidegate::plan::{Request, Verb, plan_for, verify};

use super::fixture::{Cluster, RATES, WORKSHOP, at, policy};
use super::{CALM, verbs};

#[test]
fn money_is_what_the_rates_say() {
    a_week_of_ten_workers_costs_what_it_should(RATES);
}

/// The catalog as its publisher has it: every flavor with its price.
#[test]
fn money_is_what_the_catalog_says() {
    let data = std::env::var_os("TIDEGATE_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        std::path::PathBuf::from,
    );
    let Ok(catalog) = std::fs::read_to_string(data.join("catalogs/jetstream2_flavors.csv")) else {
        println!("left out: no catalog in {}; TIDEGATE_DATA names the folder", data.display());
        return;
    };
    let mut lines = catalog.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (flavor, price) = (column("flavor"), column("su_per_hour"));
    let rates: Vec<String> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| format!("\"{}\": {}", cells[flavor], cells[price]))
        .collect();
    a_week_of_ten_workers_costs_what_it_should(&format!(
        "  rates:\n    - unit: SU\n      perHour: {{{}}}\n      charged: {{suspended: 75%, stopped: 50%, shelved: 0%}}\n",
        rates.join(", ")
    ));
}

/// Ten m3.medium workers: always on, one on and nine for one workshop a week, and the same stopped at half the price.
fn a_week_of_ten_workers_costs_what_it_should(rates: &str) {
    let cluster = Cluster::workers(10);
    for (pool, week) in [
        ("      replicas: 10\n".to_owned(), 13_440),
        (WORKSHOP.to_owned(), 1_578),
        (format!("{WORKSHOP}      idle: stop\n"), 7_509),
    ] {
        let plan = cluster.plan(&policy(&pool, rates), CALM);
        let cost = plan.cost.expect("there are rates");
        assert_eq!(cost.week_micros, week * 1_000_000, "{pool}");
        assert_eq!(cost.always_on_week_micros, 13_440_000_000);
    }
}

/// What is kept only for a while is on until that ends: a freeze, one that meets the end of a window, a failed drain, and
/// a floor that rises too soon to park for. What has no known end stays on.
#[test]
fn the_forecast_lets_go_of_what_is_kept_for_a_while() {
    let freeze = |name: &str, from: &str, until: &str| {
        format!("{WORKSHOP}        - {{name: {name}, kind: freeze, from: \"{from}\", until: \"{until}\"}}\n")
    };
    let week = |pool: &str, change: &dyn Fn(&mut Cluster), now: &str| {
        let (policy, mut cluster) = (policy(pool, RATES), Cluster::workers(10));
        change(&mut cluster);
        let plan = cluster.plan(&policy, now);
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
        plan.cost.unwrap().week_micros
    };
    let asis: &dyn Fn(&mut Cluster) = &|_| {};
    // 1,578 SU, and nine nodes of 8 SU an hour for two hours more.
    let now = freeze("now", "2026-11-22T18:00:00Z", "2026-11-22T21:00:00Z");
    assert_eq!(week(&now, asis, CALM), 1_722_000_000);
    let after = freeze("after", "2026-11-24T22:00:00Z", "2026-11-25T01:00:00Z");
    assert_eq!(week(&after, asis, CALM), 1_722_000_000);
    // One node of 8 SU an hour for half an hour more.
    let failed: &dyn Fn(&mut Cluster) = &|cluster| {
        let failure = json!({"why": "a pod did not go", "tries": 2, "next": "2026-11-22T19:30:00Z"});
        cluster.memory(json!({"nodes": {"worker-5": {"drainFailure": failure}}}));
    };
    assert_eq!(week(WORKSHOP, failed, CALM), 1_582_000_000);
    // An hour before the window's nodes are wanted: 4.25 h of ten nodes, 163.75 h of one.
    assert_eq!(week(WORKSHOP, asis, "2026-11-24T18:45:01Z"), 1_649_980_000);
    // A pod without a controller holds its node, who knows how long: all but the window's 3.25 hours, 8 SU an hour more.
    let bare: &dyn Fn(&mut Cluster) = &|cluster| {
        cluster.pod("bare", "worker-5", "", "1");
    };
    assert_eq!(week(WORKSHOP, bare, CALM), 2_896_000_000);
}

/// Half a week at 8 SU an hour and half a week at 16: for what stays on, for what would be always on, for nodes in no pool,
/// and for the allocation.
#[test]
fn prices_change_on_their_dates_for_everything() {
    let dated = "  rates:\n    - unit: SU\n      perHour: {m3.medium: 8}\n      charged: {shelved: 0%}\n    \
                 - unit: SU\n      from: \"2026-11-26T07:00:00Z\"\n      perHour: {m3.medium: 16}\n      \
                 charged: {shelved: 0%}\n";
    let mut cluster = Cluster::workers(10);
    (1..=2).for_each(|number| cluster.node(&format!("edge-{number}"), json!({}), json!({}), "ACTIVE"));
    // 84 h at 12 nodes of 8 SU are 8,064 SU, and the 1,536 SU that are left last 8 h at 12 nodes of 16 SU.
    let rest = format!("{dated}  allocation: {{balance: 9600, asOf: \"{CALM}\"}}\n");
    let policy = policy("      replicas: 10\n", &rest);
    let plan = cluster.plan(&policy, CALM);
    let cost = plan.cost.as_ref().expect("there are rates");
    let per_node = 84 * 8 + 84 * 16;
    assert_eq!((cost.week_micros, cost.always_on_week_micros), (10 * per_node * 1_000_000, 10 * per_node * 1_000_000));
    assert_eq!((cost.other.now_per_hour_micros, cost.other.week_micros), (16_000_000, 2 * per_node * 1_000_000));
    assert_eq!(cost.allocation_ends, Some(at("2026-11-26T15:00:00Z")));
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

#[test]
fn an_allocation_says_when_it_runs_out() {
    let rest = format!("{RATES}  allocation: {{balance: 13440, asOf: \"{CALM}\"}}\n");
    let plan = Cluster::workers(10).plan(&policy("      replicas: 10\n", &rest), CALM);
    assert_eq!(plan.cost.unwrap().allocation_ends, Some(at("2026-11-29T19:00:00Z")));
}

/// An allocation that ends with something left runs out of time, not of units.
#[test]
fn an_allocation_that_ends_first_says_what_is_left() {
    for (as_of, ends, told) in [
        (CALM, "2026-12-01T00:00:00Z", "the allocation ends Mon 30 Nov 17:00 MST, with 84,240 SU left at this policy"),
        (
            "2026-11-20T19:00:00Z",
            "2026-11-21T19:00:00Z",
            "the allocation ended Sat 21 Nov 12:00 MST, with 98,080 SU left",
        ),
    ] {
        let rest = format!("{RATES}  allocation: {{balance: 100000, asOf: \"{as_of}\", ends: \"{ends}\"}}\n");
        let (policy, cluster) = (policy("      replicas: 10\n", &rest), Cluster::workers(10));
        let plan = cluster.plan(&policy, CALM);
        assert_eq!(plan.cost.as_ref().unwrap().allocation_ends, Some(at(ends)));
        let text = tidegate::report::plan_text(&plan, 1000);
        assert!(text.contains(told) && !text.contains("runs out"), "{text}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
}

/// What was spent since the balance was read is taken at what everything costs now, not once the plan is done.
#[test]
fn a_balance_that_is_used_up_already_says_since_when() {
    let rest = format!("{RATES}  allocation: {{balance: 5000, asOf: \"2026-11-01T00:00:00Z\"}}\n");
    let plan = Cluster::workers(10).plan(&policy(WORKSHOP, &rest), CALM);
    assert_eq!(verbs(&plan, Verb::Park).len(), 9);
    // 5,000 SU at 80 SU an hour.
    assert_eq!(plan.cost.as_ref().unwrap().allocation_ends, Some(at("2026-11-03T14:30:00Z")));
    let text = tidegate::report::plan_text(&plan, 1000);
    assert!(text.contains("the allocation ran out Tue 03 Nov 07:30 MST, by this estimate"), "{text}");
    assert!(text.contains("an estimate, at the 80 SU/h of now"), "{text}");
}

/// Nodes without a price cost an unknown sum, which is not 0.
#[test]
fn what_has_no_price_is_not_free() {
    let rates = "  rates:\n    - unit: SU\n      perHour: {g3.large: 32}\n      charged: {stopped: 50%, shelved: 0%}\n";
    let rest = format!("{rates}  allocation: {{balance: 5000, asOf: \"{CALM}\"}}\n");
    let mut cluster = Cluster::workers(3);
    let plan = cluster.plan(&policy(WORKSHOP, &rest), CALM);
    let cost = plan.cost.as_ref().unwrap();
    assert!(cost.pools[0].no_price && cost.unpriced() && !cost.other.no_price);
    assert_eq!(cost.allocation_ends, None);
    let text = tidegate::report::plan_text(&plan, 1000);
    assert!(text.contains("  workers      no price\n"), "{text}");
    assert!(text.contains("when the allocation is used up is not known"), "{text}");
    assert!(!text.contains("pools always on") && !text.contains("until the next change"), "{text}");
    assert!(tidegate::report::plan_markdown(&plan).contains("No price for any node"));
    assert_eq!(verify(&plan, &cluster.world(), &policy(WORKSHOP, &rest)), []);
    // One node with a price is enough for figures; the others are named.
    for item in
        cluster.items.iter_mut().filter(|item| item["kind"] == "Server" && item["metadata"]["name"] == "worker-2")
    {
        item["spec"]["flavor"] = serde_json::json!("g3.large");
    }
    let plan = cluster.plan(&policy(WORKSHOP, &rest), CALM);
    let text = tidegate::report::plan_text(&plan, 1000);
    assert!(text.contains("32 SU/h now") && text.contains("no price for m3.medium"), "{text}");
}

/// The golden figures' horizon is five years; beyond it the plan says so instead of nothing.
#[test]
fn an_allocation_that_lasts_says_so() {
    let rest = format!("{RATES}  allocation: {{balance: 999999999, asOf: \"{CALM}\"}}\n");
    let plan = Cluster::workers(1).plan(&policy("      replicas: 1\n", &rest), CALM);
    let cost = plan.cost.unwrap();
    assert_eq!(cost.allocation_ends, None);
    assert!(cost.notes.iter().any(|note| note.contains("longer than five years")), "{:?}", cost.notes);
}

/// A brake leaves nodes as they are for as long as it holds, and so do the figures: nothing is saved. What gives capacity
/// back goes on (H6), but in a cluster that the policy is not for.
#[test]
fn under_a_brake_nothing_is_saved_and_the_figures_say_so() {
    let unlisted: &dyn Fn(&mut Cluster) = &|cluster| {
        let kinds = cluster.items[0]["kinds"].as_array_mut().unwrap();
        kinds.retain(|kind| kind != "Pod");
    };
    let asis: &dyn Fn(&mut Cluster) = &|_| {};
    for (rest, change, brake, what) in [
        ("  brakes: {maxNodes: 3}\n", asis, "max-nodes", "nothing is taken away"),
        ("  cluster: another\n", asis, "other-cluster", "nothing at all is done"),
        ("", unlisted, "not-listed", "nothing is taken away"),
    ] {
        let (policy, mut cluster) = (policy(WORKSHOP, &format!("{rest}{RATES}")), Cluster::workers(10));
        change(&mut cluster);
        let plan = cluster.plan(&policy, CALM);
        assert_eq!((verbs(&plan, Verb::Park).len(), plan.refusals[0].brake.as_str()), (9, brake));
        let cost = plan.cost.as_ref().unwrap();
        assert_eq!((cost.now_per_hour_micros, cost.after_per_hour_micros), (80_000_000, 80_000_000), "{brake}");
        assert_eq!((cost.week_micros, cost.always_on_week_micros), (13_440_000_000, 13_440_000_000), "{brake}");
        let text = tidegate::report::plan_text(&plan, 1000);
        let said = format!("(brake {brake} holds: {what}, and these figures are for as long as that is so)");
        assert!(text.contains(&said) && text.contains("this policy saves 0 SU"), "{text}");
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "{brake}");
    }
}

/// Five of ten are parked when the workshop begins: they are woken under any brake but that of another cluster.
#[test]
fn what_comes_back_under_a_brake_is_paid_for() {
    const NOON: &str = "2026-11-24T19:50:00Z";
    for (rest, brake, after) in
        [("  brakes: {maxSnapshotAge: 1s}\n", "snapshot-too-old", 80), ("  cluster: another\n", "other-cluster", 40)]
    {
        let (policy, mut cluster) = (policy(WORKSHOP, &format!("{rest}{RATES}")), Cluster::workers(5));
        let record = json!({"mark": "parked", "since": "2026-11-20T00:00:00Z", "policy": "test", "pool": "workers"});
        let metadata = json!({"annotations": {"tidegate.dev/record": record.to_string()}});
        let parked = |number| (format!("worker-{number}"), metadata.clone(), json!({"unschedulable": true}));
        for (name, metadata, spec) in (6..=10).map(parked) {
            cluster.node(&name, metadata, spec, "SHELVED_OFFLOADED");
        }
        let (plan, _) =
            plan_for(&policy, &cluster.world(), at(NOON), &Request { for_apply: true, ..Request::default() });
        assert_eq!(verbs(&plan, Verb::Wake).len(), 5);
        assert!(plan.refusals.iter().any(|refusal| refusal.brake == brake), "{:#?}", plan.refusals);
        let cost = plan.cost.as_ref().unwrap();
        assert_eq!((cost.now_per_hour_micros, cost.after_per_hour_micros), (40_000_000, after * 1_000_000));
        // Nobody is parked again when it is over.
        assert_eq!(cost.week_micros, after * 168 * 1_000_000);
        assert_eq!(verify(&plan, &cluster.world(), &policy), []);
    }
}

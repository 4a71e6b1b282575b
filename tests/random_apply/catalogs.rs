//! Servers that are bought from a catalog: the cheapest that serves, in the preferred way, and elsewhere where the cloud
//! refuses (H8).

use std::path::PathBuf;

use tidegate::execute::{Event, EventKind};
use tidegate::model::{World, keys};
use tidegate::plan::{Code, Outlook, Plan, Verb, verify};
use tidegate::policy::{Policy, PolicySource, load};

use crate::build::mins;
use crate::creates::{made, nothing_leaks, scale, shop, steps, waiting};
use crate::executing::{Stage, exit, lines};

const NOVA: &str = "openstack: {cloud: shop}";
/// A program buys in every way, OpenStack at the list price only.
const PROGRAM: &str = "command: {run: buy, parks: [shelve]}";

fn policy(create: &str, name: &str, catalog: &[u8]) -> Policy {
    bought_by(NOVA, create, name, catalog)
}

fn bought_by(provider: &str, create: &str, name: &str, catalog: &[u8]) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: shop}}
spec:
  providers: [{{name: cloud, {provider}}}]
  pools:
    - name: base
      nodes: {{names: \"n-*\"}}
      min: 1
    - name: burst
      nodes: {{names: \"burst-{{1..9}}\"}}
      idle: delete
      unneededFor: 10m
      minParked: 1m
      create:
        image: ubuntu
        userData: \"join --node-labels=karpenter.sh/capacity-type=${{TIDEGATE_CAPACITY_TYPE}}\"
        catalog: {name}
{create}"
    );
    let source = |path: &str, text: &[u8]| PolicySource { path: path.into(), text: text.to_vec() };
    let loaded = load(&[source("policy.yaml", text.as_bytes()), source(name, catalog)]);
    loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

const OWN: &str = "apiVersion: tidegate.dev/v1alpha1
kind: Catalog
spec:
  unit: USD
  flavors:
    - name: small
      arch: amd64
      capacity: {cpu: 4, memory: 16Gi}
      offerings:
        - {zone: a, price: 0.2}
        - {zone: b, price: 0.2}
        - {zone: a, capacityType: spot, price: 0.1}
        - {zone: a, capacityType: reserved, price: 0.4}
    - name: large
      arch: amd64
      capacity: {cpu: 8, memory: 32Gi}
      offerings: [{zone: a, price: 0.5}, {zone: a, capacityType: spot, price: 0.25}]
";

fn bought(plan: &Plan) -> Vec<String> {
    steps(plan, Verb::Create).iter().map(|step| step.creation.as_ref().unwrap().offering().to_string()).collect()
}

fn sound(plan: &Plan, world: &World, policy: &Policy) {
    assert_eq!(verify(plan, world, policy), vec![], "{:#?}", plan.steps);
}

/// The whole way with Karpenter's own list: 288 offerings, the cheapest of which are bought, join, and go again.
#[test]
fn servers_of_a_published_catalog_come_and_go() {
    let root = std::env::var_os("TIDEGATE_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = root.join("catalogs/karpenter_kwok_instance_types.json.gz");
    let Ok(catalog) = std::fs::read(&path) else {
        println!("skipped: {} is not there (set TIDEGATE_DATA)", path.display());
        return;
    };
    let create = "        requirements:
          - {key: kubernetes.io/arch, operator: In, values: [amd64]}
          - {key: topology.kubernetes.io/zone, operator: NotIn, values: [test-zone-a]}
          - {key: tidegate.dev/instance-cpu-milli, operator: Lt, values: [\"64000\"]}
";
    let policy = policy(create, "kwok.json.gz", &catalog);
    let stage = Stage::of(shop(1000, 3000), "");
    assert!(stage.plan(&policy).steps.is_empty(), "{:#?}", stage.plan(&policy).steps);
    scale(&stage, "cart", 11);
    assert_eq!(waiting(&stage.world()), 9);
    let plan = stage.plan(&policy);
    sound(&plan, &stage.world(), &policy);
    let all = bought(&plan);
    // 27 cores are asked for. Of these the c-family is the cheapest by the core.
    assert!(
        !all.is_empty() && all.iter().all(|one| one.starts_with("c-") && one.ends_with(" in test-zone-b")),
        "{all:?}"
    );
    assert_eq!(plan.cost.as_ref().unwrap().unit, "USD");
    let cost: i64 = steps(&plan, Verb::Create).iter().map(|step| step.cost.unwrap().per_hour_micros).sum();
    // 27 cores at the catalog's price of a core, and no more than a third too much.
    assert!((27 * 27_147..36 * 27_147).contains(&cost), "{cost}: {all:?}");
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    stage.sandbox.advance(mins(2)).unwrap();
    assert_eq!(waiting(&stage.world()), 0);
    nothing_leaks(&stage);
    let world = stage.world();
    let node = &world.nodes["burst-1"];
    let label = |key: &str| node.labels.get(key).map(|value| value.to_string()).unwrap_or_default();
    assert_eq!(label("topology.kubernetes.io/zone"), "test-zone-b");
    assert_eq!(label("karpenter.sh/capacity-type"), "on-demand");
    assert_eq!(label("kubernetes.io/arch"), "amd64");
    let server = world.servers.values().find(|server| &*server.name == "burst-1").unwrap();
    assert_eq!(label("node.kubernetes.io/instance-type"), *server.flavor);
    let again = stage.plan(&policy);
    assert!(again.steps.is_empty(), "it settles: {:#?}", again.steps);
    scale(&stage, "cart", 2);
    stage.sandbox.advance(mins(1)).unwrap();
    stage.apply(&policy);
    stage.sandbox.advance(mins(11)).unwrap();
    let plan = stage.plan(&policy);
    sound(&plan, &stage.world(), &policy);
    assert_eq!(exit(&stage.apply(&policy).0), 0);
    assert_eq!(made(&stage.world()).len(), 0);
    nothing_leaks(&stage);
}

/// What the cloud was asked for, in turn.
fn asked_for(told: &[Event]) -> Vec<String> {
    let began = told.iter().filter(|event| event.kind == EventKind::StepStarted);
    let asked = began.filter_map(|event| event.message.strip_prefix("making ")?.split_once(" (")?.1.strip_suffix(')'));
    asked.map(str::to_owned).collect()
}

/// H8: what is reserved first, then spot, then on demand; each where the cloud has it, and the next where it has not.
#[test]
fn the_next_way_to_buy_is_taken_when_the_cloud_has_none() {
    let faults = "- {target: 'flavor/* (reserved)', kind: no-valid-host, on: create}
- {target: 'flavor/* (spot)', kind: no-valid-host, on: create}
- {target: 'flavor/small in a', kind: quota, on: create, times: 1}";
    let policy = bought_by(PROGRAM, "        capacityTypes: [spot, on-demand]\n", "c.yaml", OWN.as_bytes());
    let stage = Stage::of(shop(1000, 3000), faults);
    scale(&stage, "cart", 3);
    let plan = stage.plan(&policy);
    sound(&plan, &stage.world(), &policy);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), made(&stage.world()).len()), (0, 1), "nothing is left of the others: {}", lines(&told));
    // A quota that is used up in one zone is used up in all: the other flavor is next.
    let expected = ["small in a (reserved)", "small in a (spot)", "large in a (spot)", "small in a", "large in a"];
    assert_eq!(asked_for(&told), expected, "{}", lines(&told));
    stage.sandbox.advance(mins(2)).unwrap();
    assert_eq!(waiting(&stage.world()), 0);
    nothing_leaks(&stage);
    let refused: Vec<String> =
        stage.world().memory.pools["burst"].refused.keys().map(|what| what.to_string()).collect();
    assert_eq!(refused, ["large in a (spot)", "small", "small in a (reserved)", "small in a (spot)"]);
}

/// A zone without room is not the end of a flavor: the next zone is asked.
#[test]
fn another_zone_is_asked_where_one_has_no_host() {
    let fault = "- {target: flavor/small in a, kind: no-valid-host, on: create}";
    let policy = policy("        flavors: small\n", "c.yaml", OWN.as_bytes());
    let stage = Stage::of(shop(1000, 3000), fault);
    scale(&stage, "cart", 3);
    assert_eq!(bought(&stage.plan(&policy)), ["small in a"]);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!(exit(&outcome), 0, "{}", lines(&told));
    assert_eq!(asked_for(&told), ["small in a", "small in b"], "{}", lines(&told));
    stage.sandbox.advance(mins(2)).unwrap();
    assert_eq!(waiting(&stage.world()), 0);
    nothing_leaks(&stage);
}

/// What was bought cheaply is known by its server's metadata, and costs what it costs.
#[test]
fn a_spot_server_is_priced_as_one() {
    let policy = bought_by(
        PROGRAM,
        "        capacityTypes: spot\n",
        "c.yaml",
        OWN.replace("        - {zone: a, capacityType: reserved, price: 0.4}\n", "").as_bytes(),
    );
    let stage = Stage::of(shop(1000, 3000), "");
    scale(&stage, "cart", 3);
    let plan = stage.plan(&policy);
    assert_eq!(bought(&plan), ["small in a (spot)"]);
    assert_eq!(steps(&plan, Verb::Create)[0].cost.unwrap().per_hour_micros, 100_000);
    assert_eq!(exit(&stage.apply(&policy).0), 0);
    stage.sandbox.advance(mins(2)).unwrap();
    let world = stage.world();
    let server = world.servers.values().find(|server| &*server.name == "burst-1").unwrap();
    assert_eq!(server.metadata.get(keys::CAPACITY_TYPE).map(|how| &**how), Some("spot"));
    assert_eq!(&*world.nodes["burst-1"].labels["karpenter.sh/capacity-type"], "spot");
    assert_eq!(stage.plan(&policy).cost.unwrap().now_per_hour_micros, 100_000);
}

/// Why nothing is bought stays short, however many offerings there are.
#[test]
fn what_no_offering_takes_is_told_in_a_few_words() {
    let flavors: String = (1..200)
        .map(|number| {
            format!("    - {{name: f{number}, capacity: {{cpu: {}, memory: 64Gi}}, offerings: [{{zone: a, price: {number}}}, {{zone: b, price: {number}}}]}}\n", 1 + number % 16)
        })
        .collect();
    let catalog =
        format!("apiVersion: tidegate.dev/v1alpha1\nkind: Catalog\nspec:\n  unit: USD\n  flavors:\n{flavors}");
    let policy = policy("", "c.yaml", catalog.as_bytes());
    let stage = Stage::of(shop(1000, 50_000), "");
    scale(&stage, "cart", 2);
    let plan = stage.plan(&policy);
    sound(&plan, &stage.world(), &policy);
    let held = plan.waiting.iter().find(|waiting| waiting.outlook == Outlook::Waits).unwrap();
    assert_eq!(held.reason.code, Code::NoNodeFits);
    let said = "398 offerings such as f1 in a: Insufficient cpu";
    assert!(held.reason.text.contains(said) && held.reason.text.len() < 300, "{}", held.reason.text);
}

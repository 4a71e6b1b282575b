//! Catalogs: every form is read, every mistake has its line, and what a pool takes of one is what meets all that it says.

use std::path::PathBuf;
use std::sync::Arc;

use tidegate::model::{CapacityType, Money};
use tidegate::policy::{Catalog, Loaded, PolicySource, Severity, load, print_effective};

const OWN: &str = "apiVersion: tidegate.dev/v1alpha1
kind: Catalog
spec:
  unit: USD
  flavors:
    - name: small
      arch: amd64
      labels: {disk: fast}
      capacity: {cpu: 2, memory: 8Gi, pods: 58, ephemeralStorage: 20Gi}
      allocatable: {cpu: 1900m, memory: 7Gi}
      offerings:
        - {zone: a, price: 0.1}
        - {zone: b, price: 0.11, available: false}
        - {zone: a, capacityType: spot, price: 0.03}
    - name: large
      arch: arm64
      capacity: {cpu: 16, memory: 64Gi, gpu: 1, others: {example.com/fpga: 2}}
      reserved: {cpu: 500m, memory: 4Gi}
      offerings: [{zone: b, price: 1}]
";

fn policy(create: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: catalogs}}
spec:
  providers: [{{name: cloud, openstack: {{cloud: shop}}}}]
  pools:
    - name: burst
      nodes: {{names: \"burst-{{1..9}}\"}}
      idle: delete
      create: {{image: ubuntu, {create}}}
"
    )
}

fn given(create: &str, name: &str, catalog: &[u8]) -> Loaded {
    load(&[
        PolicySource { path: "d/policy.yaml".into(), text: policy(create).into_bytes() },
        PolicySource { path: format!("d/{name}").into(), text: catalog.to_vec() },
    ])
}

fn own(create: &str) -> Loaded {
    given(&format!("catalog: c.yaml{create}"), "c.yaml", OWN.as_bytes())
}

fn taken(loaded: &Loaded) -> Arc<Catalog> {
    let policy = loaded.policy.as_ref().unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    policy.pools[0].create.as_ref().unwrap().catalog.clone().unwrap()
}

/// `flavor zone type price`, of what is left.
fn offerings(loaded: &Loaded) -> Vec<String> {
    let catalog = taken(loaded);
    let all = catalog.flavors.iter().flat_map(|flavor| flavor.offerings.iter().map(move |one| (flavor, one)));
    let price = |price: Option<Money>| price.map_or(-1, |price| price.0);
    all.map(|(flavor, one)| {
        format!("{} {} {} {}", flavor.name, one.zone.as_deref().unwrap_or("-"), one.capacity_type, price(one.price))
    })
    .collect()
}

fn data(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("TIDEGATE_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = root.join("catalogs").join(name);
    let read = std::fs::read(&path).ok();
    if read.is_none() {
        println!("skipped: {} is not there (set TIDEGATE_DATA)", path.display());
    }
    read
}

#[test]
fn a_document_of_ours_says_all_that_a_plan_needs() {
    let loaded = own("");
    assert_eq!(offerings(&loaded), ["large b on-demand 1000000", "small a on-demand 100000"]);
    let catalog = taken(&loaded);
    assert_eq!((catalog.unit.as_deref(), &*catalog.file, &*catalog.named), (Some("USD"), "d/c.yaml", "c.yaml"));
    let (large, small) = (&catalog.flavors[0], &catalog.flavors[1]);
    let left = small.allocatable.as_ref().unwrap();
    assert_eq!((small.capacity.cpu, left.cpu, left.memory, left.pods), (2000, 1900, 7 << 30, 58));
    assert_eq!(left.ephemeral_storage, 20 << 30, "what it leaves out is as in the capacity");
    assert_eq!(&*small.labels["disk"], "fast");
    assert_eq!((&*small.labels["kubernetes.io/os"], &*small.labels["kubernetes.io/arch"]), ("linux", "amd64"));
    let left = large.allocatable.as_ref().unwrap();
    assert_eq!((left.cpu, left.memory), (15_500, 60 << 30));
    assert_eq!((left.extended("nvidia.com/gpu"), left.extended("example.com/fpga")), (1, 2));
    // JSON is the same document.
    let json: serde_json::Value = serde_yaml::from_str(OWN).unwrap();
    let text = serde_json::to_vec_pretty(&json).unwrap();
    let again = given("catalog: c.json", "c.json", &text);
    assert_eq!(taken(&again).flavors, catalog.flavors);
    // One image is for one architecture.
    assert_eq!(&*loaded.problems[0].code, "two-architectures");
}

/// The digest is of what a catalog says, as far as it may be bought, and not of how it is written or called.
#[test]
fn the_digest_covers_what_may_be_bought() {
    let digest = |loaded: Loaded| loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems)).digest;
    let first = digest(own(""));
    let changed = |from: &str, to: &str| {
        assert!(OWN.contains(from));
        digest(given("catalog: c.yaml", "c.yaml", OWN.replacen(from, to, 1).as_bytes()))
    };
    for (from, to) in [
        ("price: 0.1}", "price: 0.12}"),
        ("cpu: 2,", "cpu: 4,"),
        ("1900m", "1800m"),
        ("disk: fast", "disk: slow"),
        ("zone: a,", "zone: c,"),
        ("unit: USD", "unit: EUR"),
        (", available: false", ""),
    ] {
        assert_ne!(changed(from, to), first, "{from} -> {to}");
    }
    for (from, to) in [("spec:", "# a remark\nspec:"), ("0.1}", "\"0.10\"}"), ("8Gi", "8192Mi"), ("0.03", "0.04")] {
        assert_eq!(changed(from, to), first, "{from} -> {to}");
    }
    assert_eq!(digest(given("catalog: ./e/other.yaml", "e/other.yaml", OWN.as_bytes())), first);
}

#[test]
fn the_effective_policy_names_the_catalog_and_reads_back_as_the_same() {
    let asked = ", zones: a, requirements: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]";
    let first = own(asked).policy.unwrap();
    let printed = print_effective(&first);
    assert!(printed.contains("catalog: \"c.yaml\"") && printed.contains("capacityTypes: [on-demand]"), "{printed}");
    let again = load(&[
        PolicySource { path: "d/p.yaml".into(), text: printed.clone().into_bytes() },
        PolicySource { path: "d/c.yaml".into(), text: OWN.into() },
    ]);
    assert_eq!(again.policy.unwrap_or_else(|| panic!("{:?}\n{printed}", again.problems)).digest, first.digest);
}

/// As in node affinity: each operator on each kind of label, and on sizes.
#[test]
fn requirements_take_what_meets_all_of_them() {
    let all = ["large b", "small a"];
    for (key, operator, values, left) in [
        ("node.kubernetes.io/instance-type", "In", "[small, other]", &all[1..]),
        ("node.kubernetes.io/instance-type", "NotIn", "[small]", &all[..1]),
        ("kubernetes.io/arch", "In", "[arm64]", &all[..1]),
        ("topology.kubernetes.io/zone", "NotIn", "[b]", &all[1..]),
        ("karpenter.sh/capacity-type", "In", "[on-demand]", &all),
        ("disk", "Exists", "", &all[1..]),
        ("disk", "DoesNotExist", "", &all[..1]),
        ("tidegate.dev/instance-cpu-milli", "Gt", "[\"2000\"]", &all[..1]),
        ("tidegate.dev/instance-memory-mib", "Lt", "[\"8193\"]", &all[1..]),
        ("tidegate.dev/instance-gpus", "In", "[\"1\"]", &all[..1]),
    ] {
        let values = if values.is_empty() { String::new() } else { format!(", values: {values}") };
        let loaded = own(&format!(", requirements: [{{key: {key}, operator: {operator}{values}}}]"));
        let found = offerings(&loaded);
        assert_eq!(found.len(), left.len(), "{key} {operator}: {found:?}");
        assert!(found.iter().zip(left).all(|(found, left)| found.starts_with(left)), "{key} {operator}: {found:?}");
    }
    assert_eq!(offerings(&own(", flavors: small")), ["small a on-demand 100000"]);
    assert_eq!(offerings(&own(", zones: b")), ["large b on-demand 1000000"]);
}

/// What is asked and cannot be bought, is not in the catalog, or leaves nothing of it.
#[test]
fn what_cannot_be_bought_is_said_with_its_place() {
    let one = |operator: &str, values: &str| {
        format!(", requirements: [{{key: kubernetes.io/arch, operator: {operator}{values}}}]")
    };
    for (create, code, severity, said) in [
        (", capacityTypes: [spot, on-demand]".to_owned(), "cannot-buy", Severity::Warning, "cannot buy `spot`"),
        (", capacityTypes: spot".to_owned(), "cannot-buy", Severity::Error, "cannot buy `spot`"),
        (", capacityTypes: [on-demand, on-demand]".to_owned(), "said-twice", Severity::Warning, "named twice"),
        (", capacityTypes: preemptible".to_owned(), "unknown-value", Severity::Error, "not a way to buy"),
        (", flavors: [smal]".to_owned(), "unknown-reference", Severity::Error, "no flavor `smal`"),
        (", zones: [z]".to_owned(), "nothing-to-buy", Severity::Error, "after `zones`"),
        (one("In", ", values: [riscv]"), "nothing-to-buy", Severity::Error, "requirement on `kubernetes.io/arch`"),
        (one("In", ""), "missing-field", Severity::Error, "need `values`"),
        (one("Exists", ", values: [x]"), "out-of-place", Severity::Error, "`values`"),
        (one("Gt", ", values: [x]"), "wrong-type", Severity::Error, "one whole number"),
        (one("Like", ""), "unknown-value", Severity::Error, "operator of node affinity"),
        (
            ", requirements: [{key: disc, operator: DoesNotExist}]".to_owned(),
            "matches-nothing",
            Severity::Warning,
            "`disc`",
        ),
    ] {
        let loaded = own(&create);
        let found = loaded.problems.iter().find(|problem| &*problem.code == code);
        let found = found.unwrap_or_else(|| panic!("{create}: {:#?}", loaded.problems));
        assert_eq!((found.severity, loaded.policy.is_none()), (severity, severity == Severity::Error), "{create}");
        assert!(found.message.contains(said), "{create}: {}", found.message);
        let place = found.place.as_ref().unwrap();
        assert_eq!((&*place.file, place.line), ("d/policy.yaml", 10), "{create}");
        assert!(found.help.as_ref().is_some_and(|help| !help.is_empty()), "{create}");
    }
    for (create, code) in [
        ("catalog: none.yaml", "catalog-missing"),
        ("catalog: /d/c.yaml", "bad-path"),
        ("flavors: small, capacityTypes: on-demand", "out-of-place"),
        ("networks: net", "missing-field"),
    ] {
        let problems = given(create, "c.yaml", OWN.as_bytes()).problems;
        assert!(problems.iter().any(|problem| &*problem.code == code), "{create}: {problems:#?}");
    }
    let two = policy("catalog: c.yaml") + "  rates: [{unit: SU, perHour: {small: 1}}]\n";
    let sources = [("d/policy.yaml", two.as_str()), ("d/c.yaml", OWN)];
    let problems = load(&sources.map(|(path, text)| PolicySource { path: path.into(), text: text.into() })).problems;
    assert!(problems.iter().any(|problem| &*problem.code == "two-units"), "{problems:#?}");
}

/// Each mistake of a catalog stands at its own line, all of them at once.
#[test]
fn bad_catalogs_say_every_mistake_with_its_line() {
    let csv = "instance_type,vcpu,memory_gib,price_usd_per_hour\n";
    for (name, text, expected) in [
        ("c.yaml", OWN.replace("cpu: 16, ", ""), vec![("out-of-range", 17)]),
        ("c.yaml", OWN.replace("reserved: {cpu: 500m", "reserved: {cpu: 17"), vec![("out-of-range", 18)]),
        ("c.yaml", OWN.replace("1900m", "3"), vec![("out-of-range", 10)]),
        (
            "c.yaml",
            OWN.replace("name: large", "name: small").replace("zone: b, price: 1", "zon: b, price: -1"),
            vec![("duplicate-name", 15), ("unknown-field", 19), ("wrong-type", 19)],
        ),
        ("c.yaml", OWN.replace("spot", "cheap"), vec![("unknown-value", 14)]),
        ("c.yaml", OWN.replace("      reserved:", "      allocatable: {cpu: 1}\n      reserved:"), vec![("said-twice", 19)]),
        ("c.yaml", "apiVersion: tidegate.dev/v1alpha1\nkind: Catalog\nspec: {flavors: []}\n".into(), vec![("empty-list", 1)]),
        ("c.yaml", OWN.replace("  unit: USD\n", ""), vec![("missing-field", 5)]),
        ("c.yaml", "- a\n- b\n".into(), vec![("not-a-catalog", 1)]),
        ("c.yaml", "flavors: [\n".into(), vec![("yaml-syntax", 1)]),
        ("c.csv", format!("{csv}a,2,8,0.1\nb,two,8,0.1\nc,2,8\n,2,8,1\nd,0,8,1\na,1,1,-1\n"), vec![
            ("wrong-type", 3),
            ("wrong-type", 4),
            ("missing-field", 5),
            ("out-of-range", 6),
            ("wrong-type", 7),
        ]),
        ("c.csv", format!("{csv}a,2,8,0.1\na,2,8,0.2\n"), vec![("duplicate-name", 3)]),
        ("c.csv", "instance_type,price_usd_per_hour\na,1\n".into(), vec![("missing-field", 1), ("missing-field", 1)]),
        ("c.csv", "instance_type,vcpu,cpu,memory_gib\na,1,1,1\n".into(), vec![("said-twice", 1)]),
        ("c.csv", "instance_type,vcpu,memory_gib,zone,capacity_type\na,1,1,z,cheap\n".into(), vec![("unknown-value", 2)]),
        ("c.json", "[{\"offerings\": [], \"resources\": {\"cpu\": \"-1\", \"memory\": \"x\"}}]".into(), vec![("missing-field", 1)]),
        (
            "c.json",
            "[\n{\"name\": \"a\", \"resources\": {\"cpu\": \"-1\",\n\"memory\": \"x\"}, \"offerings\": [\n{\"Price\": \"y\"}]}]".into(),
            vec![("out-of-range", 2), ("bad-quantity", 3), ("wrong-type", 4)],
        ),
    ] {
        let loaded = given(&format!("catalog: {name}"), name, text.as_bytes());
        assert!(loaded.policy.is_none(), "{text}");
        let found: Vec<(&str, u32)> = (loaded.problems.iter())
            .filter_map(|problem| Some((&*problem.code, problem.place.as_ref()?)))
            .filter(|(_, place)| *place.file == *format!("d/{name}"))
            .map(|(code, place)| (code, place.line))
            .collect();
        assert_eq!(found, expected, "{text}\n{:#?}", loaded.problems);
        assert!(loaded.problems.iter().all(|problem| problem.help.is_some()), "{:#?}", loaded.problems);
    }
}

/// However large, packed or broken a file is: an answer, and soon.
#[test]
fn no_catalog_is_too_much() {
    let many = |count: usize| {
        let rows: String = (0..count).map(|number| format!("f{number},2,8,1\n")).collect();
        format!("instance_type,vcpu,memory_gib,price_usd_per_hour\n{rows}")
    };
    let packed = |bytes: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for (bytes, code) in [
        (many(5001).into_bytes(), "too-many"),
        (vec![b'#'; 5 << 20], "file-too-large"),
        (packed(&vec![b'#'; 64 << 20]), "file-too-large"),
        (packed(many(9).as_bytes())[..40].to_vec(), "not-text"),
        (vec![0x1f, 0x8b], "not-text"),
        (vec![0xff, 0xfe, 0, 0], "not-text"),
        (Vec::new(), "empty-file"),
    ] {
        let loaded = given("catalog: c.csv", "c.csv", &bytes);
        assert!(loaded.problems.iter().any(|problem| &*problem.code == code), "{code}: {:#?}", loaded.problems);
    }
    let loaded = given("catalog: c.csv.gz", "c.csv.gz", &packed(many(5000).as_bytes()));
    assert_eq!(taken(&loaded).flavors.len(), 5000);
}

/// Karpenter's instance types and the price lists, as they are.
#[test]
fn what_others_publish_is_read_as_it_is() {
    let Some(karpenter) = data("karpenter_kwok_instance_types.json.gz") else { return };
    let linux = given("catalog: k.json.gz", "k.json.gz", &karpenter);
    let catalog = taken(&linux);
    assert_eq!((catalog.flavors.len(), offerings(&linux).len()), (72, 288), "linux, on demand, in four zones");
    let one = catalog.flavor("c-1x-amd64-linux").unwrap();
    assert_eq!((one.capacity.cpu, one.capacity.memory, one.capacity.pods), (1000, 2 << 30, 16));
    let price = |how| catalog.price("c-1x-amd64-linux", Some("test-zone-a"), how);
    assert_eq!((price(CapacityType::OnDemand), price(CapacityType::Spot)), (Some(Money(27_147)), None));
    let arm = "catalog: k.json.gz, requirements: [{key: kubernetes.io/arch, operator: In, values: [arm64]}, \
               {key: kubernetes.io/os, operator: In, values: [windows]}, \
               {key: tidegate.dev/instance-cpu-milli, operator: Gt, values: [\"128000\"]}]";
    assert_eq!(taken(&given(arm, "k.json.gz", &karpenter)).flavors.len(), 6);
    for (name, flavors, unit, dearest) in [
        ("aws_instance_types_us-east-1.csv", 1345, "USD", None),
        ("aws_eu-west-1_list_price_2024.csv", 687, "USD", None),
        ("gcp_eu-west1_list_price_2024.csv", 215, "USD", None),
        ("jetstream2_flavors.csv", 22, "SU", Some(256_000_000)),
    ] {
        let loaded = given("catalog: c.csv", "c.csv", &data(name).unwrap());
        let catalog = taken(&loaded);
        assert_eq!((catalog.flavors.len(), catalog.unit.as_deref()), (flavors, Some(unit)), "{name}");
        let prices = catalog.flavors.iter().map(|flavor| flavor.offerings[0].price.unwrap().0);
        let most = prices.clone().max();
        assert!(prices.min() > Some(0) && dearest.is_none_or(|dearest| most == Some(dearest)), "{name}: {most:?}");
    }
    let aws = given("catalog: c.csv", "c.csv", &data("aws_instance_types_us-east-1.csv").unwrap());
    let one = taken(&aws);
    let one = one.flavor("a1.medium").unwrap();
    let left = one.allocatable.as_ref().unwrap();
    assert_eq!((one.capacity.cpu, left.cpu, left.memory, left.pods), (1000, 940, 1392 << 20, 8));
    assert_eq!(&*one.labels["kubernetes.io/arch"], "arm64");
}

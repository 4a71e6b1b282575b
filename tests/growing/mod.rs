//! Many pods that wait and what may be bought for them, at any size; and a judge of the answer that knows only pods, nodes
//! and the words of the plan.

#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate::model::{Kind, Snapshot, World};
use tidegate::plan::{Outlook, Plan, Verb};
use tidegate::policy::{Policy, PolicySource, load};

pub const NOW: &str = "2026-11-22T19:00:00Z";
const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// What a group of pods asks beside room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Nothing,
    ZoneSpread,
    HostSpread,
    HostAlone,
    ZoneTogether,
}

/// Pods of one workload.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub pods: usize,
    pub milli: i64,
    pub mib: i64,
    pub asks: Asks,
}

impl Group {
    pub fn new(name: impl Into<String>, pods: usize, (milli, mib): (i64, i64), asks: Asks) -> Self {
        Self { name: name.into(), pods, milli, mib, asks }
    }

    fn spec(&self) -> Value {
        let alike = json!({"matchLabels": {"app": self.name}});
        let mut spec = json!({"containers": [{"name": "c",
            "resources": {"requests": {"cpu": format!("{}m", self.milli), "memory": format!("{}Mi", self.mib)}}}]});
        let spread = |key: &str| json!([{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": alike}]);
        let term = |key: &str| json!({"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": key, "labelSelector": alike}]});
        match self.asks {
            Asks::Nothing => {}
            Asks::ZoneSpread => spec["topologySpreadConstraints"] = spread(ZONE),
            Asks::HostSpread => spec["topologySpreadConstraints"] = spread(HOST),
            Asks::HostAlone => spec["affinity"] = json!({"podAntiAffinity": term(HOST)}),
            Asks::ZoneTogether => spec["affinity"] = json!({"podAffinity": term(ZONE)}),
        }
        spec
    }
}

/// A cluster without nodes in which all of them wait.
pub fn waiting(groups: &[Group]) -> World {
    World::build(snapshot(groups))
}

/// The same as it was observed.
pub fn snapshot(groups: &[Group]) -> Snapshot {
    let mut items = vec![
        json!({"apiVersion": "tidegate.dev/v1alpha1", "kind": "Snapshot",
            "taken": NOW, "kinds": Kind::ALL.map(|kind| kind.to_string())}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}),
    ];
    for group in groups {
        let (name, spec) = (&group.name, group.spec());
        items.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": "a", "uid": name},
            "spec": {"replicas": group.pods, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": spec}},
            "status": {"replicas": group.pods}}));
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": name, "controller": true});
        for pod in 0..group.pods {
            items.push(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("{name}-{pod}"), "namespace": "a", "uid": format!("{name}-{pod}"),
                    "labels": {"app": name}, "creationTimestamp": "2026-11-22T18:00:00Z", "ownerReferences": [owner]},
                "spec": spec,
                "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable", "lastTransitionTime": "2026-11-22T18:00:00Z"}]}}));
        }
    }
    tidegate::observe::from_values(items)
}

/// A pool of so many names that draws from `flavors`: name, millicores, MiB, pods, price, in each of `zones`.
pub fn pool(names: usize, flavors: &[(String, i64, i64, i64, String)], zones: &[&str]) -> Policy {
    let flavors: String = (flavors.iter())
        .map(|(name, milli, mib, pods, price)| {
            let offered: Vec<String> = zones.iter().map(|zone| format!("{{zone: {zone}, price: {price}}}")).collect();
            format!(
                "    - {{name: {name}, arch: amd64, capacity: {{cpu: {milli}m, memory: {mib}Mi, pods: {pods}}}, \
                 allocatable: {{cpu: {milli}m}}, offerings: [{}]}}\n",
                offered.join(", ")
            )
        })
        .collect();
    let catalog =
        format!("apiVersion: tidegate.dev/v1alpha1\nkind: Catalog\nspec:\n  unit: USD\n  flavors:\n{flavors}");
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: growth}}\nspec:\n  \
         limits: {{cpu: 1000000, memory: 9000000Gi}}\n  providers: [{{name: cloud, openstack: {{cloud: x}}}}]\n  pools:\n    \
         - name: burst\n      nodes: {{names: \"burst-{{1..{names}}}\"}}\n      idle: delete\n      \
         create: {{image: ubuntu, catalog: c.yaml}}\n"
    );
    let source = |path: &str, text: String| PolicySource { path: path.into(), text: text.into_bytes() };
    let loaded = load(&[source("policy.yaml", text), source("c.yaml", catalog)]);
    loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

/// 51,000 pods of two shapes at size 51: nodes of one core, filled to the last millicore by the best packing.
pub fn pack(size: usize) -> (Policy, Vec<Group>) {
    let groups = vec![
        Group::new("small", 50_000 * size / 51, (50, 1), Asks::Nothing),
        Group::new("odd", 1000 * size / 51, (95, 1), Asks::Nothing),
    ];
    (pool(3000 * size / 51 + 4, &[("one".into(), 1000, 8192, 100, "1".into())], &["a"]), groups)
}

/// 50,000 equal pods at size 50, fifty to a node.
pub fn grow(size: usize) -> (Policy, Vec<Group>) {
    let groups = vec![Group::new("same", 1000 * size, (100, 10), Asks::Nothing)];
    (pool(21 * size, &[("five".into(), 5000, 8192, 110, "1".into())], &["a"]), groups)
}

/// So many pods, a fifth each of five kinds, in workloads of fifty; and 400 flavors in three zones.
pub fn diverse(pods: usize) -> (Policy, Vec<Group>) {
    mixed(pods, &[Asks::Nothing, Asks::ZoneSpread, Asks::HostSpread, Asks::HostAlone, Asks::ZoneTogether])
}

/// The same of these kinds.
pub fn mixed(pods: usize, kinds: &[Asks]) -> (Policy, Vec<Group>) {
    let groups: Vec<Group> = (0..pods / 50)
        .map(|number| {
            let milli = [100, 250, 500, 1000, 1500][number / 5 % 5];
            let mib = [100, 256, 512, 1024, 2048, 4096][number / 25 % 6];
            Group::new(format!("w{number}"), 50, (milli, mib), kinds[number % kinds.len()])
        })
        .collect();
    let flavors: Vec<(String, i64, i64, i64, String)> = (1..=400_i64)
        .map(|number| {
            let (cores, times) = (1 + (number - 1) / 4, [2, 4, 8, 16][usize::try_from(number % 4).unwrap()]);
            let (milli, mib) = (cores * 1000, cores * times * 1024);
            let micros = 20 * milli + 3 * mib;
            (format!("f{number}"), milli, mib, 110, format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
        })
        .collect();
    (pool(pods / 4 + 10, &flavors, &["a", "b", "c"]), groups)
}

/// What an answer comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub nodes: usize,
    pub placed: usize,
    pub left: usize,
    pub micros: i64,
}

/// Adds up the answer by itself, and complains of each rule that it breaks: room, one place for each pod, spread over zones
/// and over hosts, of which one more without such pods can always come, one to a host, one zone for those that keep together.
pub fn judge(plan: &Plan, groups: &[Group]) -> Answer {
    let known: BTreeMap<&str, &Group> = groups.iter().map(|group| (group.name.as_str(), group)).collect();
    let mut rooms: BTreeMap<&str, (i64, i64, i64)> = BTreeMap::new();
    let mut zones: BTreeMap<&str, &str> = BTreeMap::new();
    let mut answer = Answer::default();
    for step in plan.steps.iter().filter(|step| step.verb == Verb::Create) {
        let made = step.creation.as_ref().unwrap();
        assert!(
            rooms.insert(&step.node, (made.milli_cpu, made.memory_bytes >> 20, made.pods)).is_none(),
            "{}",
            step.node
        );
        zones.insert(&step.node, made.zone.as_deref().unwrap());
        answer.nodes += 1;
        answer.micros += step.cost.map_or(0, |cost| cost.per_hour_micros);
    }
    let mut seen = BTreeSet::new();
    let mut on: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for waiting in &plan.waiting {
        for pod in &waiting.pods {
            assert!(seen.insert(&pod.pod), "{} has two answers", pod.pod);
            if waiting.outlook != Outlook::Comes {
                answer.left += 1;
                continue;
            }
            let workload = pod.pod.strip_prefix("a/").unwrap().rsplit_once('-').unwrap().0;
            let (group, node) = (known[workload], pod.node.as_deref().unwrap());
            let room = rooms.get_mut(node).unwrap_or_else(|| panic!("{node} does not come"));
            *room = (room.0 - group.milli, room.1 - group.mib, room.2 - 1);
            assert!(room.0 >= 0 && room.1 >= 0 && room.2 >= 0, "{node} is too full: {room:?}");
            *on.entry((workload, node)).or_insert(0) += 1;
            answer.placed += 1;
        }
    }
    let all: BTreeSet<&str> = zones.values().copied().collect();
    for group in groups {
        let here = on.range((group.name.as_str(), "")..).take_while(|((name, _), _)| *name == group.name);
        let mut by_zone: BTreeMap<&str, i64> = all.iter().map(|zone| (*zone, 0)).collect();
        for ((_, node), count) in here {
            *by_zone.get_mut(zones[node]).unwrap() += count;
            let one = matches!(group.asks, Asks::HostAlone | Asks::HostSpread);
            assert!(!one || *count == 1, "{} of {} on {node}", count, group.name);
        }
        let (most, least) = (by_zone.values().max().copied(), by_zone.values().min().copied());
        if group.asks == Asks::ZoneSpread {
            assert!(most.zip(least).is_none_or(|(most, least)| most - least <= 1), "{}: {by_zone:?}", group.name);
        }
        if group.asks == Asks::ZoneTogether {
            assert!(by_zone.values().filter(|count| **count > 0).count() <= 1, "{}: {by_zone:?}", group.name);
        }
    }
    answer
}

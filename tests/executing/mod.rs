//! A sandbox with a policy, and what is asked of it before and after an apply.

#![allow(dead_code)]

pub mod cut;
pub mod doubt;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tidegate::cloud::Provider;
use tidegate::cluster::{Cluster, Locks, NodeRecord, keys};
use tidegate::execute::hooks::{Hooks, Silent};
use tidegate::execute::run::lock::FileLocks;
use tidegate::execute::run::{self, Doors, Interrupts, Order, Outcome};
use tidegate::execute::{Event, EventKind};
use tidegate::model::{Snapshot, World};
use tidegate::plan::{Plan, Request, plan_for};
use tidegate::policy::{Policy, PolicySource, load};
use tidegate::sandbox::sim::{Record, What};
use tidegate::sandbox::{Faults, Sandbox};

pub fn example(name: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join(file)
}

pub fn policy_text(text: &str) -> Policy {
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.as_bytes().to_vec() }]);
    loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

pub fn policy(name: &str) -> Policy {
    policy_text(&std::fs::read_to_string(example(name, "policy.yaml")).unwrap())
}

/// A policy for random clusters: two pools of three nodes, with `first` and `second` in them, and `rest` beside; bare pods
/// are waited for, those in `web` may be evicted.
pub fn two_pools(first: &str, second: &str, rest: &str) -> Policy {
    two_pools_with(first, second, rest, "")
}

/// The same with more in `drain`.
pub fn two_pools_with(first: &str, second: &str, rest: &str, drain: &str) -> Policy {
    policy_text(&format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: random}}
spec:
  pools:
    - name: first
      nodes: {{names: [\"n-{{1..3}}\"]}}
{first}    - name: second
      nodes: {{names: [\"n-{{4..6}}\"]}}
{second}{rest}  drain:
{drain}    pods:
      - {{match: {{owners: [none]}}, action: wait, atMost: 20m}}
      - {{match: {{namespaces: [web]}}, action: evict}}
"
    ))
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A sandbox, and a folder for journal and lock.
pub struct Stage {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub start: World,
}

impl Stage {
    pub fn of(snapshot: Snapshot, faults: &str) -> Self {
        let faults =
            if faults.is_empty() { Faults::default() } else { Faults::parse(&format!("faults:\n{faults}\n")).unwrap() };
        let sandbox = Sandbox::in_memory(snapshot.clone(), &faults);
        Self { sandbox, folder: TempDir::new().unwrap(), start: World::build(snapshot) }
    }

    pub fn workshop(now: &str, faults: &str) -> Self {
        let snapshot = tidegate::observe::read(&[example("jetstream-workshop", "cluster.yaml")]).unwrap();
        let stage = Self::of(snapshot, faults);
        stage.until(now);
        stage
    }

    pub fn until(&self, now: &str) {
        self.sandbox.advance_to(now.parse().unwrap()).unwrap();
    }

    pub fn world(&self) -> World {
        World::build(self.sandbox.snapshot())
    }

    pub fn plan(&self, policy: &Policy) -> Plan {
        plan_for(policy, &self.world(), self.sandbox.now(), &Request { for_apply: true, ..Request::default() }).0
    }

    pub fn doors(&self) -> Doors<'_> {
        Doors { cluster: &self.sandbox, provider: &self.sandbox, clock: &self.sandbox, hooks: &Silent }
    }

    /// Plans and carries it out; an empty plan too.
    pub fn apply(&self, policy: &Policy) -> (Outcome, Vec<Event>) {
        let plan = self.plan(policy);
        self.carry_out(policy, Some(plan), false, true)
    }

    pub fn carry_out(&self, policy: &Policy, plan: Option<Plan>, resume: bool, no_wait: bool) -> (Outcome, Vec<Event>) {
        self.through(self.doors(), policy, plan, (resume, no_wait))
    }

    pub fn carry_out_with(&self, policy: &Policy, plan: Option<Plan>, hooks: &dyn Hooks) -> (Outcome, Vec<Event>) {
        self.through(Doors { hooks, ..self.doors() }, policy, plan, (false, true))
    }

    /// Plans and carries it out where servers are another provider's to change.
    pub fn carry_out_by(&self, policy: &Policy, provider: &dyn Provider) -> (Outcome, Vec<Event>) {
        let plan = self.plan(policy);
        self.through(Doors { provider, ..self.doors() }, policy, Some(plan), (false, true))
    }

    /// Plans and carries it out where the cluster is seen by another.
    pub fn carry_out_in(&self, policy: &Policy, cluster: &dyn Cluster) -> (Outcome, Vec<Event>) {
        let plan = self.plan(policy);
        self.through(Doors { cluster, ..self.doors() }, policy, Some(plan), (false, true))
    }

    /// To carry a plan out here without waiting.
    pub fn order<'a>(&self, policy: &'a Policy, plan: Option<Plan>, locks: &'a dyn Locks) -> Order<'a> {
        Order {
            policy,
            plan,
            within: false,
            exact: false,
            resume: false,
            no_wait: true,
            folder: self.folder.path().to_owned(),
            locks,
            lock_timeout: SignedDuration::ZERO,
            word: tidegate::plan::Word::default(),
        }
    }

    /// Plans and carries out what was approved as it is.
    pub fn carry_out_exactly(&self, policy: &Policy) -> (Outcome, Vec<Event>) {
        let (_sender, mut interrupts) = Interrupts::channel();
        let locks = FileLocks::of(self.folder.path());
        let order = Order { exact: true, ..self.order(policy, Some(self.plan(policy)), &locks) };
        let mut told = Vec::new();
        let mut tell = |event: &Event| told.push(event.clone());
        let outcome = block_on(run::apply(self.doors(), &order, &mut interrupts, &mut tell));
        (outcome, told)
    }

    /// Plans and carries it out, and does something at each event.
    pub fn watched(&self, policy: &Policy, at: &dyn Fn(&Event)) -> (Outcome, Vec<Event>) {
        let plan = self.plan(policy);
        self.heard(self.doors(), policy, Some(plan), (false, true), at)
    }

    fn through(
        &self,
        doors: Doors<'_>,
        policy: &Policy,
        plan: Option<Plan>,
        how: (bool, bool),
    ) -> (Outcome, Vec<Event>) {
        self.heard(doors, policy, plan, how, &|_| {})
    }

    fn heard(
        &self,
        doors: Doors<'_>,
        policy: &Policy,
        plan: Option<Plan>,
        (resume, no_wait): (bool, bool),
        at: &dyn Fn(&Event),
    ) -> (Outcome, Vec<Event>) {
        let (_sender, mut interrupts) = Interrupts::channel();
        let locks = FileLocks::of(self.folder.path());
        let order = Order { resume, no_wait, ..self.order(policy, plan, &locks) };
        let mut told = Vec::new();
        let outcome = block_on(run::apply(doors, &order, &mut interrupts, &mut |event| {
            at(event);
            told.push(event.clone());
        }));
        (outcome, told)
    }

    pub fn parked(&self) -> usize {
        self.world().servers.values().filter(|server| server.state.parked()).count()
    }

    pub fn cordoned(&self) -> BTreeSet<String> {
        self.world().nodes.values().filter(|node| node.unschedulable).map(|node| node.name.to_string()).collect()
    }

    /// No node carries anything of ours.
    pub fn nothing_of_ours(&self) -> bool {
        self.world().nodes.values().all(|node| {
            !node.annotations.contains_key(keys::RECORD)
                && !node.labels.contains_key(keys::EXCLUDE_FROM_LOAD_BALANCERS)
                && node.taints.iter().all(|taint| &*taint.key != keys::LEAVING)
        })
    }

    /// Nodes that carry our record and are not parked.
    pub fn stuck(&self) -> usize {
        let world = self.world();
        let ours = |node: &&std::sync::Arc<tidegate::model::Node>| node.annotations.contains_key(keys::RECORD);
        let parked = |node: &&std::sync::Arc<tidegate::model::Node>| {
            world.server_of(node).is_some_and(|server| server.state.parked())
        };
        world.nodes.values().filter(ours).filter(|node| !parked(node)).count()
    }

    pub fn record(&self, node: &str) -> Option<NodeRecord> {
        NodeRecord::of(self.world().nodes.get(node).unwrap()).unwrap()
    }

    /// No pod lost, and no budget broken at any instant: a budget that was met is never left with fewer Ready pods
    /// than it wants by an eviction of a Ready pod.
    pub fn sound(&self) {
        let audit = self.sandbox.audit();
        budgets_kept(&audit);
        let world = self.world();
        for workload in world.workloads.values() {
            let (Some(wanted), false) = (workload.replicas, workload.finished) else { continue };
            if matches!(workload.kind, tidegate::model::WorkloadKind::Deployment | tidegate::model::WorkloadKind::Job) {
                continue;
            }
            let live = world.pods_of(&workload.uid).filter(|pod| !pod.terminating() && !pod.finished()).count();
            assert_eq!(live, wanted as usize, "pods of {} {}", workload.kind, workload.key);
        }
    }
}

pub fn budgets_kept(audit: &[Record]) {
    let mut met: BTreeMap<String, bool> = BTreeMap::new();
    // Only what follows at once is the eviction's doing; pods also fail by themselves.
    let mut evicted = None;
    for record in audit {
        match &record.what {
            What::Evicted { healthy, .. } => evicted = healthy.then_some(record.at),
            What::Budget { budget, status } => {
                let now = status.current_healthy >= status.desired_healthy;
                let before = met.insert(budget.to_string(), now);
                let ours = evicted == Some(record.at) && before == Some(true);
                assert!(!ours || now, "{budget} broken at {}: {status:?}", record.at);
            }
            What::Unready { .. } | What::Gone { .. } | What::Finished { .. } | What::NodeLost { .. } => evicted = None,
            _ => {}
        }
    }
}

pub fn exit(outcome: &Outcome) -> u8 {
    outcome.exit_code()
}

pub fn events_of(told: &[Event], kind: EventKind) -> Vec<&Event> {
    told.iter().filter(|event| event.kind == kind).collect()
}

pub fn lines(told: &[Event]) -> String {
    told.iter().map(|event| format!("{} {:?} {}\n", event.time, event.kind, event.message)).collect()
}

pub fn span_of(told: &[Event], of: impl Fn(&Event) -> bool) -> SignedDuration {
    let times: Vec<Timestamp> = told.iter().filter(|event| of(event)).map(|event| event.time).collect();
    times.last().unwrap().duration_since(times[0])
}

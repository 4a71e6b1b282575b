//! Written budgets over nodes that drain together: nobody is asked to go whom the API server would refuse (H1, H12).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use tidegate::cluster::{Cluster as Door, Evicted, NodePatch, Pending};
use tidegate::execute::hooks::Silent;
use tidegate::execute::machine::{End, EndKind, Machine};
use tidegate::execute::run::journal::{JournalError, Record, digest_of};
use tidegate::execute::run::{Doors, Drive, DriveError, Interrupts, Log, settings};
use tidegate::model::{
    Budget, BudgetStatus, Change, Memory, Name, Node, Pod, PodKey, Snapshot, VolumeAttachment, World,
};
use tidegate::plan::leaving::{Asked, Ruling, Settings, may_leave, may_wait};
use tidegate::plan::{Code, Plan, Request, plan_for, verify};
use tidegate::policy::Policy;

use crate::executing::{Stage, block_on};
use crate::fixture::{Cluster, merge, policy};
use crate::{CALM, one_of_them, parks, stage};

/// Keeps what came of every act, in order.
#[derive(Default)]
struct Outcomes(Vec<(String, String)>);

impl Log for Outcomes {
    fn write(&mut self, _: Timestamp, record: &Record) -> Result<(), JournalError> {
        if let Record::Outcome { id, result, .. } = record {
            self.0.push((id.to_string(), result.clone()));
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Outcomes {
    fn evictions(&self, result: &str) -> usize {
        self.0.iter().filter(|(id, found)| id.starts_with("evict/") && found.starts_with(result)).count()
    }
}

/// Carries the plan for now out through this door.
fn drive(stage: &Stage, door: &dyn Door, policy: &Policy) -> (Plan, End, Outcomes) {
    let (plan, end, log) = try_to_drive(stage, door, policy);
    (plan, end.unwrap(), log)
}

fn try_to_drive(stage: &Stage, door: &dyn Door, policy: &Policy) -> (Plan, Result<End, DriveError>, Outcomes) {
    let world = World::build(block_on(door.observe()).unwrap());
    let now = stage.sandbox.now();
    let (plan, memory) = plan_for(policy, &world, now, &Request { for_apply: true, ..Request::default() });
    assert_eq!(verify(&plan, &world, policy), []);
    let settings = settings(policy, &plan, &world, memory, true, now);
    let machine = Machine::new(&plan, &digest_of(&plan), settings, None, &world);
    let mut log = Outcomes::default();
    let (_sender, mut interrupts) = Interrupts::channel();
    let doors = Doors { cluster: door, provider: &stage.sandbox, clock: &stage.sandbox, hooks: &Silent };
    let mut tell = |_: &tidegate::execute::Event| {};
    let mut drive = Drive { doors, log: &mut log, lock: None, interrupts: &mut interrupts, tell: &mut tell };
    let end = block_on(drive.run(machine, world));
    (plan, end, log)
}

/// `pods` on each of the workers from the second on, with a budget over all of them.
fn crowded(pods: &[u32], least: u32) -> Cluster {
    let mut cluster = Cluster::workers(1 + pods.len());
    let all: u32 = pods.iter().sum();
    for (node, count) in pods.iter().enumerate() {
        for number in 0..*count {
            cluster.pod(&format!("web-{node}-{number}"), &format!("worker-{}", node + 2), "web", "100m");
        }
    }
    cluster.budget("web", "web", all.saturating_sub(least), all, least, all);
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Ten nodes at once, one budget: it is never broken, no eviction is refused, and all that could go went.
    #[test]
    fn h1_one_budget_over_many_nodes_is_never_overdrawn(
        pods in prop::collection::vec(0_u32..5, 1..6),
        share in 0_u32..100,
    ) {
        let all: u32 = pods.iter().sum();
        let least = all * share / 100;
        let stage = stage(&crowded(&pods, least), "");
        let (plan, end, log) = drive(&stage, &stage.sandbox, &one_of_them("", ""));
        prop_assert_eq!(end.kind, EndKind::Done);
        prop_assert_eq!(stage.parked(), parks(&plan).len());
        prop_assert_eq!(log.evictions("blocked"), 0, "asked for more than the budget allows");
        prop_assert_eq!(log.evictions("accepted"), all as usize);
        stage.sound();
    }
}

#[test]
fn h1_a_pod_of_two_budgets_keeps_its_node_because_the_api_cannot_evict_it() {
    let mut cluster = crowded(&[1, 1], 0);
    merge(cluster.pod("both", "worker-2", "web", "100m"), json!({"metadata": {"labels": {"tier": "front"}}}));
    cluster.budget("front", "web", 3, 3, 0, 3);
    let selector = json!({"spec": {"selector": {"matchLabels": {"app": "web", "tier": "front"}}}});
    merge(cluster.items.last_mut().unwrap(), selector);
    let plan = cluster.plan(&one_of_them("", ""), CALM);
    assert_eq!(parks(&plan), ["worker-3"]);
    let kept = plan.kept.iter().find(|kept| kept.node == "worker-2").unwrap();
    assert_eq!(kept.reasons[0].code, Code::Budget);
    assert!(kept.reasons[0].text.contains("default/front, default/web"), "{}", kept.reasons[0].text);
}

/// What happens to the budget when the first eviction was accepted, or to the pods between two lists of a node.
#[derive(Clone, Copy, PartialEq)]
enum Meddling {
    /// No time passes, and nothing is heard.
    Stands,
    /// They are marked before the list that follows the cordon.
    Protects,
    /// Another one is there in the list before the server goes.
    Arrives,
    /// A second one over the same pods: the API server answers 500.
    Second,
    /// It wants every pod from now on.
    Closes,
    /// The same, for two minutes.
    ClosesFor2m,
}

/// The sandbox, with somebody who changes budgets and pods behind our back.
struct Meddled<'a> {
    stage: &'a Stage,
    how: Meddling,
    since: Cell<Option<Timestamp>>,
    untold: RefCell<Vec<Change>>,
    open_again: Cell<bool>,
    lists: Cell<u32>,
}

impl<'a> Meddled<'a> {
    fn new(stage: &'a Stage, how: Meddling) -> Self {
        let (since, untold, open_again, lists) = Default::default();
        Self { stage, how, since, untold, open_again, lists }
    }

    fn budget(&self) -> Budget {
        (*self.stage.world().budgets[&PodKey::new("default", "web")]).clone()
    }

    fn closed(&self) -> bool {
        let budgets = !matches!(self.how, Meddling::Protects | Meddling::Arrives | Meddling::Stands);
        self.since.get().filter(|_| budgets).is_some_and(|since| {
            self.how == Meddling::Closes || self.stage.sandbox.now().duration_since(since).as_secs() < 120
        })
    }

    fn told(&self, budget: &Budget) -> Budget {
        let status = budget.status.filter(|_| !self.closed() || self.how == Meddling::Second);
        let all = BudgetStatus { disruptions_allowed: 0, desired_healthy: 99, ..budget.status.unwrap() };
        Budget { status: status.or(Some(all)), ..budget.clone() }
    }
}

impl Door for Meddled<'_> {
    fn observe(&self) -> Pending<'_, Snapshot> {
        self.stage.sandbox.observe()
    }

    fn changes(&self, until: Timestamp) -> Pending<'_, Vec<Change>> {
        Box::pin(async move {
            if self.how == Meddling::Stands {
                return Ok(Vec::new());
            }
            let mut changes = self.untold.take();
            if changes.is_empty() {
                let wake = self.since.get().filter(|_| self.how == Meddling::ClosesFor2m && !self.open_again.get());
                let wake = wake.map(|since| since.checked_add(jiff::SignedDuration::from_mins(2)).unwrap());
                changes = self.stage.sandbox.changes(wake.map_or(until, |wake| wake.min(until))).await?;
                if wake.is_some() && !self.closed() {
                    self.open_again.set(true);
                    changes.push(Change::Budget(self.budget()));
                }
            }
            for change in &mut changes {
                if let Change::Budget(budget) = change
                    && &*budget.key.name == "web"
                {
                    *budget = self.told(budget);
                }
            }
            Ok(changes)
        })
    }

    fn node(&self, name: &Name) -> Pending<'_, Option<Node>> {
        self.stage.sandbox.node(name)
    }

    fn attachments_on(&self, node: &Name) -> Pending<'_, Vec<VolumeAttachment>> {
        self.stage.sandbox.attachments_on(node)
    }

    fn pods_on(&self, node: &Name) -> Pending<'_, Vec<Pod>> {
        let (node, nth) = (node.clone(), self.lists.get());
        self.lists.set(nth + 1);
        Box::pin(async move {
            let mut pods = self.stage.sandbox.pods_on(&node).await?;
            if self.how == Meddling::Protects {
                for pod in &mut pods {
                    let mut annotations = (*pod.annotations).clone();
                    annotations.insert("karpenter.sh/do-not-disrupt".into(), "true".into());
                    pod.annotations = annotations.into();
                }
            }
            if self.how == Meddling::Arrives && nth > 0 {
                let other = self.stage.world().pods.values().next().unwrap().clone();
                let key = PodKey::new("default", "late");
                pods.push(Pod { key, uid: "late".into(), node: Some(node), ..(*other).clone() });
            }
            Ok(pods)
        })
    }

    fn patch_node(&self, name: &Name, patch: &NodePatch) -> Pending<'_, Node> {
        self.stage.sandbox.patch_node(name, patch)
    }

    fn suspend_node(&self, name: &Name, suspended: bool) -> Pending<'_, Node> {
        self.stage.sandbox.suspend_node(name, suspended)
    }

    fn evict(&self, pod: &PodKey, uid: &Name) -> Pending<'_, Evicted> {
        let (pod, uid) = (pod.clone(), uid.clone());
        Box::pin(async move {
            if self.since.get().is_some() && self.how == Meddling::Second {
                return Ok(Evicted::SeveralBudgets(vec![
                    PodKey::new("default", "again"),
                    PodKey::new("default", "web"),
                ]));
            }
            if self.closed() {
                let cause = "it needs 99 healthy pods".to_owned();
                return Ok(Evicted::Blocked { budgets: vec![self.budget().key], cause, retry_after: None });
            }
            let answer = self.stage.sandbox.evict(&pod, &uid).await;
            if self.since.get().is_none() {
                self.since.set(Some(self.stage.sandbox.now()));
                self.untold.borrow_mut().push(Change::Budget(self.budget()));
            }
            answer
        })
    }

    fn delete_pod(&self, pod: &PodKey, uid: &Name) -> Pending<'_, ()> {
        self.stage.sandbox.delete_pod(pod, uid)
    }

    fn delete_node(&self, name: &Name, uid: &Name) -> Pending<'_, ()> {
        self.stage.sandbox.delete_node(name, uid)
    }

    fn remember(&self, memory: &Memory) -> Pending<'_, ()> {
        self.stage.sandbox.remember(memory)
    }
}

#[test]
fn h1_a_budget_that_changes_in_between_is_obeyed_as_it_is() {
    for (how, kind, parked, refused) in [
        (Meddling::Second, EndKind::Partly, 0, "refused: more than one budget"),
        (Meddling::Closes, EndKind::Partly, 0, "blocked"),
        (Meddling::ClosesFor2m, EndKind::Done, 4, "blocked"),
    ] {
        // One may be away at a time, four nodes with one pod each.
        let stage = stage(&crowded(&[1, 1, 1, 1], 3), "");
        let (_, end, log) = drive(&stage, &Meddled::new(&stage, how), &one_of_them("", ""));
        let went = stage.parked();
        assert_eq!(end.kind, kind, "{:?}", log.0);
        assert!(went >= parked && (kind == EndKind::Done || went <= 1), "{went} parked: {:?}", log.0);
        // Told of the change, it does not go on asking: one request may have been on its way.
        let asked = log.evictions(refused);
        assert!(if how == Meddling::Second { asked <= 4 } else { asked <= 1 }, "{asked}: {:?}", log.0);
        let unparked: Vec<String> = stage.world().nodes.values().map(|node| node.name.to_string()).collect();
        let cordoned = stage.cordoned().len();
        assert_eq!(cordoned, went, "what did not go is given back: {unparked:?}");
        stage.sound();
    }
}

#[test]
fn h12_what_a_list_shows_after_the_cordon_or_before_the_park_gives_the_node_back() {
    for (how, lists, evicted, why) in [
        (Meddling::Protects, 1, 0, "karpenter.sh/do-not-disrupt"),
        (Meddling::Arrives, 2, 1, "default/late came to the node after it was drained"),
    ] {
        let stage = stage(&crowded(&[1], 0), "");
        let door = Meddled::new(&stage, how);
        let (_, end, log) = drive(&stage, &door, &one_of_them("", ""));
        assert_eq!((end.kind, stage.parked()), (EndKind::Partly, 0), "{:?}", log.0);
        assert_eq!((door.lists.get(), log.evictions("accepted")), (lists, evicted), "{:?}", log.0);
        let failure = stage.world().memory.nodes["worker-2"].drain_failure.clone().unwrap();
        assert!(failure.why.contains(why), "{}", failure.why);
        assert!(stage.nothing_of_ours() && stage.cordoned().is_empty());
    }
}

/// Whoever waits must be able to: a drive for which no time passes ends with an error instead of going round for ever.
#[test]
fn a_drive_that_neither_acts_nor_lets_time_pass_says_that_it_is_stuck() {
    let stage = stage(&crowded(&[1], 0), "");
    let (_, end, log) = try_to_drive(&stage, &Meddled::new(&stage, Meddling::Stands), &one_of_them("", ""));
    let Err(error @ DriveError::Stuck { .. }) = end else { panic!("{end:?}") };
    assert!(error.to_string().starts_with("stuck at 2026-11-22T"), "{error}");
    assert_eq!((log.evictions("accepted"), stage.parked()), (1, 0), "{:?}", log.0);
    // What it began stands on the node, to be taken up again.
    assert!(stage.record("worker-2").is_some());
}

/// A pod with every mark and owner that could make the table wait for it, or not.
fn pod_of(owner: &str, safe: &str, labels: &BTreeMap<String, String>, namespace: &str) -> (World, PodKey) {
    let mut cluster = Cluster::workers(1);
    let pod = cluster.pod(&format!("{namespace}/one"), "worker-1", "some", "100m");
    pod["metadata"]["labels"] = json!(labels);
    if owner.is_empty() {
        pod["metadata"]["ownerReferences"] = json!([]);
    } else {
        pod["metadata"]["ownerReferences"][0]["kind"] = json!(owner);
    }
    if !safe.is_empty() {
        pod["metadata"]["annotations"] = json!({"cluster-autoscaler.kubernetes.io/safe-to-evict": safe});
    }
    (cluster.world(), PodKey::new(namespace, "one"))
}

proptest! {
    /// Which pods can be waited for is asked by the pod alone; that may say yes too often, never too seldom (H18).
    #[test]
    fn h18_whom_the_table_waits_for_can_be_waited_for(
        owner in prop::sample::select(vec!["", "Job", "ReplicaSet", "DaemonSet", "StatefulSet", "Node"]),
        safe in prop::sample::select(vec!["", "true", "false", "on-completion", "odd"]),
        label in prop::option::of(prop::sample::select(vec!["hub", "user"])),
        namespace in prop::sample::select(vec!["jhub", "kube-system", "default"]),
        rules in prop::collection::vec(
            (prop::sample::select(vec!["evict", "wait", "block", "cordonFirst"]),
             prop::sample::select(vec!["namespaces: [jhub]", "labels: {app: user}", "owners: [Job]", "owners: [none]"])),
            0..3,
        ),
    ) {
        let lines: String = rules.iter().map(|(a, m)| format!("      - {{match: {{{m}}}, action: {a}}}\n")).collect();
        let drain = if lines.is_empty() { lines } else { format!("  drain:\n    pods:\n{lines}") };
        let policy = policy("      min: 1\n", &drain);
        let labels = label.iter().map(|value| ("app".to_owned(), (*value).to_owned())).collect();
        let (world, key) = pod_of(owner, safe, &labels, namespace);
        let pod = &world.pods[&key];
        let now = CALM.parse().unwrap();
        let asked = Asked { pod, world: &world, drain: &policy.drain, now, relaxed: &[], settings: Settings::default() };
        if let Ruling::Waits(..) = may_leave(&asked) {
            prop_assert!(may_wait(pod, &policy.drain));
        }
    }
}

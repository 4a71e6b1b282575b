//! A watcher that has nothing to do with Tidegate: every event of pods, budgets and nodes, as kubectl hears it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::both::{Ran, status};
use super::load::{Least, ready};
use crate::kubectl::lab;

/// What was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Instant,
    pub gone: bool,
    pub object: Value,
}

impl Heard {
    fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn app(&self) -> &str {
        self.text("/metadata/labels/app")
    }

    fn count(&self, field: &str) -> i64 {
        self.object["status"][field].as_i64().unwrap_or(0)
    }

    fn stands(&self) -> bool {
        !self.gone && ready(&self.object) && !self.leaves()
    }

    /// A person's session, or a Job that is at work.
    fn awaited(&self) -> bool {
        let job = self.text("/metadata/ownerReferences/0/kind") == "Job";
        let over = ["Succeeded", "Failed"].contains(&self.text("/status/phase"));
        (job || self.text("/metadata/namespace") == "jhub") && !over && !self.gone
    }

    fn leaves(&self) -> bool {
        !self.object["metadata"]["deletionTimestamp"].is_null()
    }
}

pub struct Watcher {
    children: Vec<Child>,
    threads: Vec<JoinHandle<()>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Watcher {
    pub fn begin() -> Self {
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (mut children, mut threads) = (Vec::new(), Vec::new());
        for kind in ["pods", "pdb", "nodes"] {
            let mut child = Command::new(lab("TIDEGATE_LAB_KUBECTL"))
                .args(["--kubeconfig", &lab("TIDEGATE_LAB_KUBECONFIG"), "get", kind, "-A", "-o", "json"])
                .args(["--watch", "--output-watch-events"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let (out, heard) = (child.stdout.take().unwrap(), heard.clone());
            threads.push(std::thread::spawn(move || {
                let out = std::io::BufReader::new(out);
                for event in serde_json::Deserializer::from_reader(out).into_iter::<Value>() {
                    // Killed, it is cut off in the middle.
                    let Ok(mut event) = event else { return };
                    let gone = event["type"] == "DELETED";
                    heard.lock().unwrap().push(Heard { at: Instant::now(), gone, object: event["object"].take() });
                }
            }));
            children.push(child);
        }
        let watcher = Self { children, threads, heard };
        crate::kubectl::until("the watcher to hear", || (watcher.heard.lock().unwrap().len() >= 11).then_some(()));
        watcher
    }

    /// Everything that was heard, in the order in which it came.
    pub fn end(mut self) -> Vec<Heard> {
        // What the last act changed is still on its way.
        std::thread::sleep(Duration::from_secs(1));
        self.stop();
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    fn stop(&mut self) {
        self.children.iter_mut().for_each(|child| drop((child.kill(), child.wait())));
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(|child| drop((child.kill(), child.wait())));
    }
}

/// At no event was less there of an app than must stay, by its own pods and by what the disruption controller wrote; once
/// enough was there. Says how many events that were.
pub fn budgets_are_kept(heard: &[Heard], least: &Least) -> usize {
    let (mut standing, mut met) = (BTreeMap::<&str, BTreeSet<&str>>::new(), BTreeSet::new());
    let (mut counted, mut seen) = (BTreeSet::new(), 0);
    for one in heard {
        match one.text("/kind") {
            "Pod" => {
                let Some(kept) = least.get(one.app()) else { continue };
                let (pods, uid) = (standing.entry(one.app()).or_default(), one.text("/metadata/uid"));
                if one.stands() {
                    pods.insert(uid)
                } else {
                    pods.remove(uid)
                };
                if pods.len() >= *kept {
                    met.insert(one.app());
                }
                let (there, app) = (pods.len(), one.app());
                assert!(!met.contains(app) || there >= *kept, "{app}: {there} Ready, {kept} must stay: {}", one.object);
                seen += 1;
            }
            "PodDisruptionBudget" if !one.gone => {
                let name = one.text("/metadata/name");
                let enough = one.count("currentHealthy") >= one.count("desiredHealthy");
                if enough && one.count("expectedPods") > 0 {
                    counted.insert(name);
                }
                assert!(enough || !counted.contains(name), "{name}: {}", one.object["status"]);
                seen += 1;
            }
            _ => {}
        }
    }
    assert!(met.len() >= least.len(), "all of it was watched: {met:?}");
    seen
}

/// What each node was, in order, as `kubectl get nodes --watch` shows it.
pub fn phases(heard: &[Heard]) -> BTreeMap<String, Vec<String>> {
    let mut phases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in heard.iter().filter(|one| one.text("/kind") == "Node") {
        let (of, is) = (phases.entry(one.text("/metadata/name").to_owned()).or_default(), status(&one.object));
        if of.last() != Some(&is) {
            of.push(is);
        }
    }
    phases
}

/// UIDs of pods that were told to go, and how often each: an eviction that is done twice shows here as a new time.
pub fn departures(heard: &[Heard], namespace: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut departures: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let pods = heard.iter().filter(|one| one.text("/kind") == "Pod" && one.text("/metadata/namespace") == namespace);
    for one in pods.filter(|one| one.leaves()) {
        let times = departures.entry(one.text("/metadata/name").to_owned()).or_default();
        times.insert(one.text("/metadata/deletionTimestamp").to_owned());
    }
    departures
}

/// How long, at longest, a budget that allowed a disruption again was left unused while a pod of it stood on a node that
/// was cordoned: while one of the applies `at_work` ran, and not on a node where somebody is waited for, from which nothing
/// is evicted before they have left.
pub fn longest_idle(heard: &[Heard], budgeted: &BTreeSet<String>, at_work: &[&Ran]) -> (Duration, String) {
    let run = |at: Instant| at_work.iter().position(|ran| ran.begun <= at && at <= ran.begun + ran.took);
    let mut last_run = None;
    let mut awaited = BTreeMap::<&str, &str>::new();
    let (mut cordoned, mut pods) = (BTreeSet::new(), BTreeMap::<&str, (&str, &str)>::new());
    let mut open: BTreeMap<&str, bool> = BTreeMap::new();
    let mut since: BTreeMap<&str, Instant> = BTreeMap::new();
    let mut longest = (Duration::ZERO, String::new());
    for one in heard {
        if run(one.at) != last_run {
            since.clear();
            last_run = run(one.at);
        }
        match one.text("/kind") {
            "Node" if one.object["spec"]["unschedulable"] == true => drop(cordoned.insert(one.text("/metadata/name"))),
            "Node" => drop(cordoned.remove(one.text("/metadata/name"))),
            "PodDisruptionBudget" => {
                open.insert(one.text("/metadata/name"), one.count("disruptionsAllowed") > 0 && !one.gone);
            }
            "Pod" if budgeted.contains(one.app()) => {
                if one.gone || one.leaves() {
                    pods.remove(one.text("/metadata/uid"));
                    if let Some(since) = since.remove(one.app())
                        && one.at - since > longest.0
                    {
                        longest = (one.at - since, one.app().to_owned());
                    }
                } else {
                    pods.insert(one.text("/metadata/uid"), (one.app(), one.text("/spec/nodeName")));
                }
            }
            "Pod" if one.awaited() => drop(awaited.insert(one.text("/metadata/uid"), one.text("/spec/nodeName"))),
            "Pod" => drop(awaited.remove(one.text("/metadata/uid"))),
            _ => continue,
        }
        for app in budgeted {
            let stuck = |node: &str| cordoned.contains(node) && !awaited.values().any(|held| *held == node);
            let waits = last_run.is_some() && pods.values().any(|(of, node)| of == app && stuck(node));
            if waits && open.get(app.as_str()).copied().unwrap_or(false) {
                since.entry(app).or_insert(one.at);
            } else {
                since.remove(app.as_str());
            }
        }
    }
    longest
}

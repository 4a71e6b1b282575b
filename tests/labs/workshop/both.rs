//! The two labs together: the program that is run against them, and a hand that puts them back as they were.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::execute::Event;

pub use crate::cloud::servers;
use crate::cloud::{PATIENCE, awake, faults};
use crate::kubectl::{account, kubectl, make, until};

/// The worker that every test keeps.
pub const KEPT: &str = "demo-k8s-node-1";

/// The others.
pub fn workers() -> Vec<String> {
    (2..=10).map(|number| format!("demo-k8s-node-nf-{number}")).collect()
}

/// Namespaces that tests fill.
const FILLED: [&str; 2] = ["apps", "jhub"];

/// Both labs, with everybody awake, nothing of ours on them and nothing in them to run.
pub struct Both {
    folder: TempDir,
    account: String,
}

/// A run of the program that ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub begun: Instant,
    pub took: Duration,
}

impl Ran {
    /// The same, if it ended so.
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// The stream of an apply with `--format json`.
    pub fn events(&self) -> Vec<Event> {
        self.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn said(&self, words: &str) -> bool {
        self.out.contains(words) || self.err.contains(words)
    }
}

/// A run of the program that goes on; dropped it is killed.
pub struct Running {
    child: Child,
    begun: Instant,
    files: [PathBuf; 2],
}

impl Running {
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has printed so far.
    pub fn out(&self) -> String {
        std::fs::read_to_string(&self.files[0]).unwrap()
    }

    /// Waits until it has printed these words.
    pub fn says(&mut self, words: &str) {
        let since = Instant::now();
        loop {
            let ended = self.ended();
            if self.out().contains(words) {
                return;
            }
            let err = std::fs::read_to_string(&self.files[1]).unwrap();
            assert!(!ended && since.elapsed() < PATIENCE, "no `{words}`:\n{}{err}", self.out());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, so long at most.
    pub fn end(mut self, limit: Duration) -> Ran {
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            if self.begun.elapsed() > limit {
                self.kill();
                panic!("no end within {limit:?}:\n{}", self.out());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let err = std::fs::read_to_string(&self.files[1]).unwrap();
        Ran { code, out: self.out(), err, begun: self.begun, took: self.begun.elapsed() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl Both {
    pub fn open() -> Self {
        faults(&json!({}));
        let folder = tempfile::tempdir().unwrap();
        for namespace in FILLED {
            let _ = kubectl(&["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"]);
        }
        kubectl(&["delete", "deployments,daemonsets,pdb", "-n", "kube-system", "-l", "lab=workshop"]).unwrap();
        kubectl(&["delete", "pods", "-n", "kube-system", "--all", "--force", "--grace-period=0"]).unwrap();
        for namespace in FILLED {
            // Pods that are told never to end are ended here.
            let _ = kubectl(&["delete", "pods", "-n", namespace, "--all", "--force", "--grace-period=0"]);
        }
        block_on(awake());
        let all = workers();
        let nodes: Vec<&str> = all.iter().map(String::as_str).chain([KEPT]).collect();
        let of_all = |before: &[&str], after: &[&str]| kubectl(&[before, nodes.as_slice(), after].concat());
        until("all nodes", || of_all(&["get", "nodes"], &[]).ok());
        of_all(&["uncordon"], &[]).unwrap();
        of_all(&["annotate", "nodes"], &["tidegate.dev/record-", "tidegate.dev/hold-"]).unwrap();
        let _ = of_all(&["taint", "nodes"], &["tidegate.dev/leaving-"]);
        for name in nodes.iter().filter(|name| node(name).to_string().contains("Suspended")) {
            let gone = r#"{"status": {"conditions": [{"type": "Suspended", "$patch": "delete"}]}}"#;
            kubectl(&["patch", "node", name, "--subresource=status", "--type=strategic", "-p", gone]).unwrap();
        }
        of_all(&["wait", "--for=condition=Ready", "--timeout=60s", "nodes"], &[]).unwrap();
        let rbac = format!("{}/examples/rbac.yaml", env!("CARGO_MANIFEST_DIR"));
        until("the role", || kubectl(&["apply", "-f", &rbac]).ok());
        kubectl(&["delete", "configmap", "-n", "tidegate", "-l", "tidegate.dev/keeps"]).unwrap();
        kubectl(&[
            "delete",
            "configmap,lease",
            "-n",
            "tidegate",
            "tidegate-memory",
            "tidegate-apply",
            "--ignore-not-found",
        ])
        .unwrap();
        let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        for name in FILLED {
            until(&format!("an end of namespace {name}"), || {
                kubectl(&["get", "namespace", name]).is_err().then_some(())
            });
            make(&[namespace(name)]);
        }
        let account = account(folder.path());
        let both = Self { folder, account };
        // Roles reach the API server's authorizer a little later than its store.
        let snapshot = both.file("reads.json");
        until("the role to be in force", || {
            let ran = both.run(&["snapshot", "--out", snapshot.to_str().unwrap()], Duration::from_secs(30));
            (ran.code == Some(0) && !ran.err.contains("not complete")).then_some(())
        });
        both
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A policy for `KEPT` and these, of which so many are to be active. Each look is remembered, so a node that was needed
    /// a moment ago would stay for half an hour.
    pub fn policy(&self, min: usize, nodes: &[String], more: &str) -> String {
        let names: Vec<&str> = nodes.iter().map(String::as_str).chain([KEPT]).collect();
        let file = self.file(&format!("policy-{min}.yaml"));
        let text = format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: workshop}}\nspec:\n  \
             timeZone: America/Denver\n  providers:\n    - name: jetstream\n      openstack: {{cloud: lab}}\n  pools:\n    \
             - name: workers\n      provider: jetstream\n      nodes: {{names: {names:?}}}\n      keep: [{KEPT:?}]\n      \
             min: {min}\n      idle: shelve\n      unneededFor: 0s\n{more}"
        );
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(args).args(["--kubeconfig", &self.account]);
        command.env("OS_CLIENT_CONFIG_FILE", crate::cloud::folder().join("clouds.yaml"));
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
    }

    pub fn start(&self, args: &[&str]) -> Running {
        self.begin(self.command(args))
    }

    pub fn begin(&self, mut command: Command) -> Running {
        let stamp =
            format!("{:?}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos());
        let files = ["out", "err"].map(|name| self.file(&format!("{stamp}.{name}")));
        let [out, err] = files.clone().map(|file| File::create(file).unwrap());
        // A signal to the whole test is not one to this run.
        let child = command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        Running { child, begun: Instant::now(), files }
    }

    pub fn run(&self, args: &[&str], limit: Duration) -> Ran {
        self.start(args).end(limit)
    }

    /// An apply of a policy, with its stream.
    pub fn apply(&self, policy: &str, more: &[&str]) -> Ran {
        let args = [&["apply", "-f", policy, "--yes", "--format", "json"], more].concat();
        let ran = self.run(&args, Duration::from_secs(420));
        println!("labs: apply {more:?} ended with {:?} after {:.1?}", ran.code, ran.took);
        ran
    }

    /// The journal of this cluster.
    pub fn journal(&self) -> PathBuf {
        let uid = kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]).unwrap();
        self.folder.path().join("state/tidegate").join(uid).join("journal.jsonl")
    }
}

pub fn node(name: &str) -> Value {
    serde_json::from_str(&kubectl(&["get", "node", name, "-o", "json"]).unwrap()).unwrap()
}

/// As `kubectl get nodes` says it.
pub fn status(node: &Value) -> String {
    let ready = node["status"]["conditions"].as_array().into_iter().flatten();
    let ready = ready.clone().any(|one| one["type"] == "Ready" && one["status"] == "True");
    let cordoned = node["spec"]["unschedulable"] == true;
    format!("{}{}", if ready { "Ready" } else { "NotReady" }, if cordoned { ",SchedulingDisabled" } else { "" })
}

/// Nothing of ours is on these nodes and their servers, and nobody holds the lock.
pub fn nothing_left(nodes: &[String]) {
    for name in nodes {
        let node = node(name);
        assert_eq!(status(&node), "Ready", "{name}: {node}");
        let text = node.to_string();
        assert!(!text.contains("tidegate") && !text.contains("Suspended"), "{name}: {text}");
    }
    for server in block_on(servers()).values() {
        assert_eq!((&server["status"], &server["metadata"]["tidegate_record"]), (&json!("ACTIVE"), &Value::Null));
    }
    let maps = kubectl(&["get", "configmaps", "-n", "tidegate", "-l", "tidegate.dev/keeps", "-o", "name"]).unwrap();
    assert_eq!(maps, "", "no record is left");
    unlocked();
}

/// Nobody holds the lock.
pub fn unlocked() {
    let holder = ["get", "lease", "-n", "tidegate", "tidegate-apply", "-o", "jsonpath={.spec.holderIdentity}"];
    assert_eq!(kubectl(&holder).unwrap(), "");
}

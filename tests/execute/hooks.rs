//! The policy's hooks: when they are called, what becomes of a node when one fails, and the calls themselves.

use std::cell::RefCell;
use std::pin::Pin;

use tidegate::execute::hooks::{Hooks, Occasion};
use tidegate::execute::run::Calling;
use tidegate::execute::{Event, EventKind};
use tidegate::model::Name;
use tidegate::policy::Policy;
use wiremock::matchers::{body_partial_json, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::executing::{Stage, block_on, example, exit, lines, policy_text};
use super::{LEAD, SUNDAY};

/// The workshop with hooks.
fn policy(hooks: &str) -> Policy {
    let text = std::fs::read_to_string(example("jetstream-workshop", "policy.yaml")).unwrap();
    policy_text(&text.replacen("spec:\n", &format!("spec:\n  hooks:\n{hooks}"), 1))
}

/// Writes calls down, with how the sandbox stood, and fails for one node.
struct Noted<'a> {
    stage: &'a Stage,
    calls: RefCell<Vec<Called>>,
    fails: &'static str,
}

impl Hooks for Noted<'_> {
    fn call<'a>(
        &'a self,
        hook: &'a Name,
        about: &'a Occasion,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>> {
        let world = self.stage.world();
        let node = &world.nodes[&about.node];
        self.calls.borrow_mut().push((hook.to_string(), about.node.to_string(), node.unschedulable, node.ready()));
        let fails = &*about.node == self.fails;
        Box::pin(async move { if fails { Err("it answered 503".to_owned()) } else { Ok(()) } })
    }
}

/// A call: its hook, its node, and two marks of the cluster at that moment.
type Called = (String, String, bool, bool);

fn carry_out(stage: &Stage, policy: &Policy, fails: &'static str) -> (i32, Vec<Event>, Vec<Called>) {
    let noted = Noted { stage, calls: RefCell::default(), fails };
    let (outcome, told) = stage.carry_out_with(policy, Some(stage.plan(policy)), &noted);
    (i32::from(exit(&outcome)), told, noted.calls.into_inner())
}

const BOTH: &str = "    - {name: tell, when: beforeDrain, command: tell}\n    - {name: warm, when: afterWake, webhook: \"https://hooks.example/x\"}\n";

#[test]
fn each_node_that_goes_and_each_that_comes_is_told_of_once_while_it_is_cordoned() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy(BOTH);
    let (exit, told, mut calls) = carry_out(&stage, &policy, "");
    assert_eq!((exit, stage.parked()), (0, 9), "{}", lines(&told));
    calls.sort();
    let nodes: std::collections::BTreeSet<&str> = calls.iter().map(|call| call.1.as_str()).collect();
    assert_eq!((calls.len(), nodes.len()), (9, 9), "{calls:?}");
    assert!(calls.iter().all(|(hook, _, cordoned, _)| hook == "tell" && *cordoned), "{calls:?}");
    stage.sound();
    stage.until(LEAD);
    let (exit, told, calls) = carry_out(&stage, &policy, "");
    assert_eq!((exit, stage.parked()), (0, 0), "{}", lines(&told));
    assert_eq!(calls.len(), 9);
    assert!(calls.iter().all(|(hook, _, cordoned, ready)| hook == "warm" && *cordoned && *ready), "{calls:?}");
    assert!(stage.nothing_of_ours());
}

#[test]
fn a_hook_that_fails_stops_its_node_alone_or_is_ignored() {
    const NODE: &str = "demo-k8s-node-nf-4";
    for (on_failure, parked, code) in [("stop", 8, 6), ("ignore", 9, 0)] {
        let stage = Stage::workshop(SUNDAY, "");
        let policy =
            policy(&format!("    - {{name: tell, when: beforeDrain, command: tell, onFailure: {on_failure}}}\n"));
        let (exit, told, _) = carry_out(&stage, &policy, NODE);
        assert_eq!((exit, stage.parked()), (code, parked), "{on_failure}: {}", lines(&told));
        let said = told
            .iter()
            .find(|event| event.message.contains("hook tell failed for demo-k8s-node-nf-4: it answered 503"));
        let kind = if on_failure == "stop" { EventKind::StepFailed } else { EventKind::Warning };
        assert_eq!(said.unwrap().kind, kind, "{}", lines(&told));
        assert_eq!(stage.stuck(), 0, "it was given back");
        assert_eq!(stage.cordoned().contains(NODE), on_failure == "ignore");
        stage.sound();
    }
}

#[test]
fn a_wake_whose_hook_fails_is_parked_again() {
    let stage = Stage::workshop(SUNDAY, "");
    let policy = policy(BOTH);
    let (exit, ..) = carry_out(&stage, &policy, "");
    assert_eq!(exit, 0);
    stage.until(LEAD);
    let (exit, told, _) = carry_out(&stage, &policy, "demo-k8s-node-nf-4");
    assert_eq!((exit, stage.parked()), (6, 1), "{}", lines(&told));
    assert!(stage.record("demo-k8s-node-nf-4").is_some());
}

fn call(policy: &Policy, hook: &str) -> Result<(), String> {
    let calling = Calling::of(policy, "c-1").unwrap();
    let about = Occasion { node: "n-1".into(), pool: "workers".into() };
    block_on(async { calling.call(&hook.into(), &about).await })
}

#[test]
fn a_command_is_told_what_it_is_about_and_is_ended_at_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let policy = policy(&format!(
        "    - {{name: tell, when: beforeDrain, command: [sh, -c, 'echo $TIDEGATE_WHEN $TIDEGATE_NODE $TIDEGATE_POOL $TIDEGATE_CLUSTER > {0}']}}\n    \
         - {{name: fail, when: beforeDrain, command: [sh, -c, 'echo no such room >&2; exit 3']}}\n    \
         - {{name: none, when: beforeDrain, command: /no/such/program}}\n    \
         - {{name: slow, when: beforeDrain, deadline: 1s, command: [sleep, \"600\"]}}\n",
        told.display()
    ));
    assert_eq!(call(&policy, "tell"), Ok(()));
    assert_eq!(std::fs::read_to_string(told).unwrap(), "beforeDrain n-1 workers c-1\n");
    for (hook, said) in [
        ("fail", "`sh` ended with exit status: 3: no such room"),
        ("none", "`/no/such/program` cannot be started: "),
        ("slow", "no end within 1s"),
        ("gone", "no such hook any more"),
    ] {
        let why = call(&policy, hook).unwrap_err();
        assert!(why.contains(said), "{hook}: {why}");
    }
}

/// A hook that floods, and one that leaves something behind that holds its pipes, do no harm to the apply; what is not
/// done at the deadline is ended with all that it started.
#[test]
fn a_commands_words_and_its_children_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let made =
        |name: &str| std::process::Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap().success();
    // Only an end of the child closes them.
    assert!(made("left") && made("killed"));
    let policy = policy(&format!(
        "    - {{name: flood, when: beforeDrain, command: [sh, -c, 'yes x | head -c 400000000 >&2; echo the last >&2; exit 4']}}\n    \
         - {{name: loud, when: beforeDrain, command: [sh, -c, 'yes x | head -c 50000000; yes x | head -c 50000000 >&2']}}\n    \
         - {{name: leaves, when: beforeDrain, deadline: 300s, command: [sh, -c, 'cat {0}/left >&2 & exit 0']}}\n    \
         - {{name: hangs, when: beforeDrain, deadline: 1s, command: [sh, -c, '(exec 3>{0}/killed; cat {0}/left) & wait']}}\n",
        folder.path().display()
    ));
    let before = most_memory();
    let flooded = call(&policy, "flood").unwrap_err();
    assert!(most_memory().is_none_or(|now| now < before.unwrap() + 200_000), "400 MB of complaints are not kept");
    assert!(flooded.ends_with(" x the last") && flooded.len() < 400, "{}", flooded.len());
    assert_eq!(call(&policy, "loud"), Ok(()));
    let begun = std::time::Instant::now();
    assert_eq!(call(&policy, "leaves"), Ok(()), "its child has the pipe for as long as nobody writes into `left`");
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it is the program that is waited for");
    // Read to its end: that comes when whoever writes is no more.
    let killed = folder.path().join("killed");
    let reader = std::thread::spawn(move || std::fs::read(killed));
    assert!(call(&policy, "hangs").unwrap_err().contains("no end within 1s"));
    assert_eq!(reader.join().unwrap().unwrap(), b"", "its child is ended too");
    // For reading too, so that it does not wait for a child that is not there.
    drop(std::fs::OpenOptions::new().read(true).write(true).open(folder.path().join("left")).unwrap());
}

/// The most that this process ever had, in kB, where the system says so.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_webhook_is_posted_what_it_is_about_and_its_address_is_never_said() {
    let calling = |url: &str| policy(&format!("    - {{name: tell, when: afterWake, webhook: \"{url}\"}}\n"));
    block_on(async {
        let server = MockServer::start().await;
        let facts = serde_json::json!({"when": "afterWake", "hook": "tell", "node": "n-1", "policy": "workshop"});
        let right = Mock::given(method("POST")).and(body_partial_json(facts));
        right.respond_with(ResponseTemplate::new(204)).up_to_n_times(1).expect(1).mount(&server).await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&server).await;
        let about = Occasion { node: "n-1".into(), pool: "workers".into() };
        let of = |url: &str| Calling::of(&calling(url), "c-1").unwrap();
        let secret = format!("{}/secret-token", server.uri());
        let (there, hook) = (of(&secret), Name::from("tell"));
        assert_eq!(there.call(&hook, &about).await, Ok(()));
        assert_eq!(there.call(&hook, &about).await, Err("it answered 503 Service Unavailable".to_owned()));
        let nowhere = of("http://127.0.0.1:1/secret-token").call(&hook, &about).await.unwrap_err();
        assert!(!nowhere.contains("secret-token"), "{nowhere}");
    });
}

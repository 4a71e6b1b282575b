//! One apply on a played API server and a played Nova together, and what may become of either in the middle of it: both away
//! for a while, a token that is over, credentials that are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::cloud::{Fleet, Joined, Polling};
use tidegate::cluster::live::Live;
use tidegate::cluster::{Cluster, NodeMark, NodeRecord};
use tidegate::execute::hooks::Silent;
use tidegate::execute::run::{self, Doors, Interrupts, Order, Outcome};
use tidegate::execute::{Clock, Event};
use tidegate::model::{SUSPENDED, World};
use tidegate::plan::{Request, Word, plan_for};
use tidegate::policy::{Policy, PolicySource, load};
use wiremock::{Mock, Request as Asked, Respond, ResponseTemplate, matchers};

use super::fake::{Answering, Fake, refusal};
use super::false_cloud::{COMPUTE, Cloud, no, ok, shown};
use super::hurried::{Hurried, Quick, SPEED};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases/tidegate-apply";
const KEYSTONE: &str = "/keystone/v3/auth/tokens";
/// What goes wrong lasts so long where it passes by itself: longer than the machine's first few tries.
const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// From a request to what comes of it.
const WORK: SignedDuration = SignedDuration::from_secs(20);

/// No run takes so long unless something hangs.
const HANGS: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sky {
    Clear,
    /// Both answer 503, for a minute.
    Away,
    /// Nova takes no token that was given before.
    TokenOver,
    /// Keystone lets nobody in.
    CloudShut,
    /// The API server knows nobody.
    ClusterShut,
}

/// When the sky changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Once the lock is taken, before anything is done.
    First,
    /// Nova accepted the first of these.
    Accepted(&'static str),
}

struct Machine {
    state: &'static str,
    metadata: BTreeMap<String, Value>,
    /// A task, when it ends and the state after it.
    task: Option<(&'static str, Timestamp, &'static str)>,
}

struct Weather {
    clock: Quick,
    sky: Sky,
    clears: Timestamp,
    coming: Option<(When, Sky)>,
    servers: BTreeMap<String, Machine>,
    refused: u32,
    logins: u32,
}

impl Weather {
    fn turn(&mut self, when: When) {
        if let Some((_, sky)) = self.coming.take_if(|(at, _)| *at == when) {
            (self.sky, self.clears) = (sky, self.clock.now() + A_MINUTE);
        }
    }

    fn sky(&mut self) -> Sky {
        if self.sky == Sky::Away && self.clock.now() >= self.clears {
            self.sky = Sky::Clear;
        }
        self.sky
    }

    /// What the cloud answers to this because of the weather.
    fn cloud_refuses(&mut self, path: &str) -> Option<ResponseTemplate> {
        let login = path == KEYSTONE;
        self.logins += u32::from(login);
        let answer = match self.sky() {
            Sky::Away => no(503, "come back later"),
            Sky::CloudShut => no(401, "the request you have made requires authentication"),
            Sky::TokenOver if login => {
                self.sky = Sky::Clear;
                return None;
            }
            Sky::TokenOver => no(401, "the token is over"),
            Sky::Clear | Sky::ClusterShut => return None,
        };
        self.refused += 1;
        Some(answer)
    }

    fn cluster_refuses(&mut self) -> Option<ResponseTemplate> {
        let answer = match self.sky() {
            Sky::Away => refusal(503, "ServiceUnavailable", "come back later"),
            Sky::ClusterShut => refusal(401, "Unauthorized", "Unauthorized"),
            Sky::Clear | Sky::TokenOver | Sky::CloudShut => return None,
        };
        self.refused += 1;
        Some(answer)
    }

    /// Ends the tasks whose time is over: the nodes that they silenced or brought back.
    fn pass(&mut self) -> Vec<(String, bool)> {
        let now = self.clock.now();
        let over = |(id, machine): (&String, &mut Machine)| {
            let (_, _, state) = machine.task.take_if(|(_, ends, _)| *ends <= now)?;
            machine.state = state;
            Some((id.replacen("id-", "", 1), state == "active"))
        };
        self.servers.iter_mut().filter_map(over).collect()
    }

    fn show(&self, id: &str) -> Value {
        let machine = &self.servers[id];
        let task = machine.task.map_or(Value::Null, |(task, ..)| json!(task));
        let mut server = shown(id, &id.replacen("id-", "", 1), machine.state, task);
        server["metadata"] = json!(machine.metadata);
        server
    }
}

#[derive(Clone)]
struct Nova {
    weather: Arc<Mutex<Weather>>,
    cluster: Answering,
}

impl Respond for Nova {
    fn respond(&self, asked: &Asked) -> ResponseTemplate {
        let mut weather = self.weather.lock().unwrap();
        if let Some(refusal) = weather.cloud_refuses(asked.url.path()) {
            return refusal;
        }
        let (turned, now) = (weather.pass(), weather.clock.now());
        let answer = answer(&mut weather, asked);
        // The API server asks for the weather while it holds its objects.
        drop(weather);
        for (node, up) in turned {
            let status = if up { "True" } else { "Unknown" };
            let ready = json!({"type": "Ready", "status": status, "lastHeartbeatTime": now.to_string(),
                "lastTransitionTime": now.to_string()});
            self.cluster.0.lock().unwrap().change(&format!("/api/v1/nodes/{node}"), |node| {
                let conditions = node["status"]["conditions"].as_array_mut().unwrap();
                conditions.retain(|condition| condition["type"] != "Ready");
                conditions.push(ready);
            });
        }
        answer
    }
}

fn answer(weather: &mut Weather, asked: &Asked) -> ResponseTemplate {
    let path = asked.url.path().strip_prefix(COMPUTE).unwrap().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (asked.method.as_str(), &parts[..]) {
        ("GET", ["servers", "detail"]) => {
            let all: Vec<Value> = weather.servers.keys().map(|id| weather.show(id)).collect();
            ok(&json!({ "servers": all }))
        }
        ("GET", ["flavors", "detail"]) => ok(&json!({"flavors": []})),
        ("GET", ["servers", _, "os-instance-actions"]) => ok(&json!({"instanceActions": []})),
        ("GET", ["servers", id]) => ok(&json!({"server": weather.show(id)})),
        ("PUT", ["servers", id, "metadata", key]) => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let value = body["meta"].as_object().unwrap().values().next().unwrap().clone();
            weather.servers.get_mut(*id).unwrap().metadata.insert((*key).to_owned(), value);
            ok(&body)
        }
        ("DELETE", ["servers", id, "metadata", key]) => {
            weather.servers.get_mut(*id).unwrap().metadata.remove(*key);
            ResponseTemplate::new(204)
        }
        ("POST", ["servers", id, "action"]) => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let ends = weather.clock.now() + WORK;
            let (action, task) = match body.as_object().unwrap().keys().next().unwrap().as_str() {
                "shelve" => ("shelve", ("shelving", ends, "shelved_offloaded")),
                "unshelve" => ("unshelve", ("unshelving", ends, "active")),
                other => panic!("{other}"),
            };
            weather.servers.get_mut(*id).unwrap().task = Some(task);
            weather.turn(When::Accepted(action));
            ResponseTemplate::new(202)
        }
        // What is used of the quota is not for everybody to know.
        _ => no(403, "not for you"),
    }
}

struct Stage {
    fake: Fake,
    cloud: Cloud,
    weather: Arc<Mutex<Weather>>,
    clock: Quick,
    folder: TempDir,
}

const WORKERS: [&str; 3] = ["worker-1", "worker-2", "worker-3"];

impl Stage {
    async fn start() -> Self {
        let (fake, cloud, clock) = (Fake::start().await, Cloud::start().await, Quick::start());
        let idle = || Machine { state: "active", metadata: BTreeMap::new(), task: None };
        let weather = Arc::new(Mutex::new(Weather {
            clock,
            sky: Sky::Clear,
            clears: Timestamp::MAX,
            coming: None,
            servers: WORKERS.iter().map(|name| (format!("id-{name}"), idle())).collect(),
            refused: 0,
            logins: 0,
        }));
        for name in WORKERS {
            let now = clock.now().to_string();
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
                "spec": {"providerID": format!("openstack:///id-{name}")},
                "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                    "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": now}]}});
            fake.with(|objects| objects.put(&format!("/api/v1/nodes/{name}"), node));
        }
        let sky = Arc::clone(&weather);
        fake.while_it(move || sky.lock().unwrap().cluster_refuses());
        let nova = Nova { weather: Arc::clone(&weather), cluster: fake.objects.clone() };
        let of_nova = matchers::path_regex(format!("^{COMPUTE}/."));
        Mock::given(of_nova).respond_with(nova).with_priority(1).mount(&cloud.server).await;
        let (sky, refused) = (Arc::clone(&weather), Arc::new(Mutex::new(None)));
        let answer = Arc::clone(&refused);
        let keystone = move |asked: &Asked| {
            let login = asked.url.path() == KEYSTONE;
            *refused.lock().unwrap() = login.then(|| sky.lock().unwrap().cloud_refuses(KEYSTONE)).flatten();
            refused.lock().unwrap().is_some()
        };
        let said = move |_: &Asked| answer.lock().unwrap().take().unwrap();
        Mock::given(keystone).respond_with(said).with_priority(1).mount(&cloud.server).await;
        Self { fake, cloud, weather, clock, folder: TempDir::new().unwrap() }
    }

    fn turns(&self, when: When, sky: Sky) {
        self.weather.lock().unwrap().coming = Some((when, sky));
    }

    /// Requests that were refused so far, and logins.
    fn trouble(&self) -> (u32, u32) {
        let weather = self.weather.lock().unwrap();
        (weather.refused, weather.logins)
    }

    fn clears_up(&self) {
        self.weather.lock().unwrap().sky = Sky::Clear;
    }

    /// As another process would: nothing is known of before but what is written down.
    async fn apply(&self, policy: &Policy, resume: bool) -> (Outcome, String) {
        let live = self.fake.another("tidegate").await;
        let mut fleet = Fleet::default();
        fleet.add("jetstream".into(), Box::new(self.cloud.provider("")));
        let pace = Polling::default();
        let pace = Polling { calm: pace.calm / SPEED, busy: pace.busy / SPEED };
        let joined = Joined::new(&live, &fleet, pace);
        let door = Hurried { cluster: &joined, clock: self.clock };
        let plan = if resume {
            None
        } else {
            let world = World::build(door.observe().await.unwrap());
            let plan = plan_for(policy, &world, self.clock.now(), &Request { for_apply: true, ..Request::default() }).0;
            assert_eq!(plan.steps.iter().map(|step| &step.node).collect::<std::collections::BTreeSet<_>>().len(), 2);
            Some(plan)
        };
        // A Lease counts whole seconds; this is for a run of a few.
        let locks = live.locks_for(Duration::from_secs(3));
        let order = Order {
            policy,
            plan,
            within: false,
            exact: false,
            resume,
            no_wait: true,
            folder: self.folder.path().to_owned(),
            locks: &locks,
            lock_timeout: SignedDuration::from_mins(10),
            word: Word::default(),
        };
        let doors = Doors { cluster: &door, provider: &fleet, clock: &self.clock, hooks: &Silent };
        let (_sender, mut interrupts) = Interrupts::channel();
        let mut told = String::new();
        let mut tell = |event: &Event| {
            told.push_str(&format!("{} {}\n", event.time, event.message));
            if event.message.contains(" on 2 nodes") {
                self.weather.lock().unwrap().turn(When::First);
            }
        };
        let ended = tokio::time::timeout(HANGS, run::apply(doors, &order, &mut interrupts, &mut tell)).await;
        let outcome = ended.unwrap_or_else(|_| panic!("it hangs\n{told}"));
        (outcome, told)
    }

    /// Each is active and unmarked, or parked with cordon, record and condition; who holds the lock.
    async fn ends(&self, context: &str) -> (usize, Option<String>) {
        let live: Live = self.fake.another("tidegate").await;
        let world = World::build(live.observe().await.unwrap());
        let mut parked = 0;
        for name in WORKERS {
            let node = &world.nodes[name];
            let record = NodeRecord::of(node).unwrap().map(|record| record.mark);
            let kept = self.fake.object(&format!("{}/tidegate-node-{name}", super::fake::MAPS)).is_some();
            let suspended = node
                .condition(SUSPENDED)
                .is_some_and(|condition| condition.status == tidegate::model::ConditionStatus::True);
            let asleep = self.weather.lock().unwrap().servers[&format!("id-{name}")].state == "shelved_offloaded";
            parked += usize::from(asleep);
            let seen = (node.unschedulable, record, kept, suspended, node.ready());
            let expected = if asleep {
                (true, Some(NodeMark::Parked), true, true, false)
            } else {
                (false, None, false, false, true)
            };
            assert_eq!(seen, expected, "{name}\n{context}");
        }
        let holder =
            self.fake.object(LEASE).and_then(|lease| Some(lease["spec"]["holderIdentity"].as_str()?.to_owned()));
        (parked, holder.filter(|holder| !holder.is_empty()))
    }
}

fn policy(active: u32) -> Policy {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: CapacityPolicy
metadata: {{name: workshop}}
spec:
  providers:
    - {{name: jetstream, openstack: {{cloud: workshop}}}}
  pools:
    - name: workers
      provider: jetstream
      nodes: {{names: [\"worker-{{1..3}}\"]}}
      keep: [worker-1]
      min: {active}
      max: {active}
      idle: shelve
"
    );
    let loaded = load(&[PolicySource { path: "policy.yaml".into(), text: text.into_bytes() }]);
    loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems))
}

/// How many are parked when it has ended well: on the way down, on the way up.
const WAYS: [(u32, &str, usize); 2] = [(1, "shelve", 2), (3, "unshelve", 0)];

#[tokio::test]
async fn what_passes_by_itself_is_waited_for_on_the_way_down_and_up() {
    for sky in [Sky::Away, Sky::TokenOver] {
        let stage = Stage::start().await;
        for (active, action, parked) in WAYS {
            stage.turns(When::Accepted(action), sky);
            let before = stage.trouble();
            let (outcome, told) = stage.apply(&policy(active), false).await;
            let context = format!("{sky:?} after the first {action}: {outcome:?}\n{told}");
            assert_eq!(outcome.exit_code(), 0, "{context}");
            assert_eq!(stage.ends(&context).await, (parked, None), "{context}");
            let (refused, logged_in) = stage.trouble();
            assert!(refused > before.0, "{context}");
            // One login to plan and act, and one more where the token was over.
            let logins = if sky == Sky::TokenOver { 2 } else { 1 };
            assert!(logged_in >= before.1 + logins, "{context}");
        }
    }
}

/// What a person has to mend stops the run with its name; mended, `--resume` brings each node where the plan wanted it.
#[tokio::test]
async fn credentials_that_are_over_stop_it_safely_and_it_is_taken_up_with_others() {
    let cloud = ["does not let us in", "check user, password"];
    let cluster = ["does not accept our credentials", "renew them", "tidegate apply --resume"];
    for (sky, named) in [(Sky::CloudShut, &cloud[..]), (Sky::ClusterShut, &cluster[..])] {
        for first in [true, false] {
            let stage = Stage::start().await;
            for (active, action, parked) in WAYS {
                let when = if first { When::First } else { When::Accepted(action) };
                stage.turns(when, sky);
                let (outcome, told) = stage.apply(&policy(active), false).await;
                let context = format!("{sky:?} {when:?}, {action}: {outcome:?}\n{told}");
                assert_eq!(outcome.exit_code(), 6, "{context}");
                let said = match &outcome {
                    Outcome::Failed(error) => error.to_string(),
                    _ => told.clone(),
                };
                assert!(named.iter().all(|words| said.contains(words)), "{context}");
                stage.clears_up();
                if first && sky == Sky::CloudShut {
                    // Nothing was begun: those that run were given back, those that sleep are marked as they were.
                    assert_eq!(stage.ends(&context).await, (2 - parked, None), "{context}");
                }
                let (outcome, more) = stage.apply(&policy(active), true).await;
                let context = format!("{context}\nresumed: {outcome:?}\n{more}");
                assert_eq!(outcome.exit_code(), 0, "{context}");
                assert_eq!(stage.ends(&context).await, (parked, None), "{context}");
            }
        }
    }
}

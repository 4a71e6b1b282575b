//! A false OpenStack that says what it is told to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::cloud::{Config, Openstack, Pace, ProviderError, Surroundings};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What must appear nowhere.
pub const SECRET: &str = "correct-horse-battery-staple";
pub const TOKEN: &str = "gAAAAA-a-token-that-nobody-should-see";
/// The server that most of them are about.
pub const ID: &str = "10fe0b09-a639-4083-aac0-7d61cc04198a";
pub const COMPUTE: &str = "/compute/v2.1";

/// Answers in their order; the last one for ever.
pub struct Script(Mutex<Vec<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut left = self.0.lock().unwrap();
        if left.len() > 1 { left.remove(0) } else { left[0].clone() }
    }
}

pub struct Cloud {
    pub server: MockServer,
    folder: TempDir,
}

pub fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// A refusal as Nova writes one.
pub fn no(status: u16, words: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"refused": {"code": status, "message": words}}))
}

pub fn server(vm_state: &str, task: Value) -> Value {
    json!({"server": shown(ID, "worker-1", vm_state, task)})
}

pub fn shown(id: &str, name: &str, vm_state: &str, task: Value) -> Value {
    json!({
        "id": id, "name": name, "status": "WHATEVER", "updated": "2026-11-22T11:42:39Z", "metadata": {},
        "flavor": {"original_name": "m3.quad", "vcpus": 4, "ram": 15360, "disk": 20, "extra_specs": {}},
        "OS-EXT-STS:vm_state": vm_state, "OS-EXT-STS:task_state": task, "addresses": {},
    })
}

impl Cloud {
    /// Keystone and Nova's version are there; the rest is told with [`Cloud::on`].
    pub async fn start() -> Self {
        let cloud = Self::bare().await;
        cloud.keystone(|uri| endpoints(&[("public", "R1", &format!("{uri}{COMPUTE}"))]), "14400").await;
        let version = json!({"version": {"id": "v2.1", "version": "2.100", "min_version": "2.1", "links": []}});
        cloud.on("GET", &format!("{COMPUTE}/"), vec![ok(&version)]).await;
        cloud
    }

    /// Nothing is there.
    pub async fn bare() -> Self {
        Self { server: MockServer::start().await, folder: TempDir::new().unwrap() }
    }

    /// Keystone, with this catalog and tokens that last so many seconds, by a clock that is far behind.
    pub async fn keystone(&self, catalog: impl Fn(&str) -> Value, lifetime: &str) {
        let end = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(lifetime.parse().unwrap());
        let token = json!({"token": {
            "issued_at": "1970-01-01T00:00:00.000000Z", "expires_at": end.to_string(),
            "project": {"id": "p1", "name": "workshop"}, "catalog": catalog(&self.server.uri()),
        }});
        let answer = ResponseTemplate::new(201).insert_header("X-Subject-Token", TOKEN).set_body_json(token);
        self.on("POST", "/keystone/v3/auth/tokens", vec![answer]).await;
    }

    pub async fn on(&self, verb: &str, at: &str, answers: Vec<ResponseTemplate>) {
        Mock::given(method(verb)).and(path(at)).respond_with(Script(Mutex::new(answers))).mount(&self.server).await;
    }

    /// The server is in this state.
    pub async fn in_state(&self, vm_state: &str, task: Value) {
        self.on("GET", &format!("{COMPUTE}/servers/{ID}"), vec![ok(&server(vm_state, task))]).await;
        let actions = ok(&json!({"instanceActions": []}));
        self.on("GET", &format!("{COMPUTE}/servers/{ID}/os-instance-actions"), vec![actions]).await;
    }

    /// How often each was asked, `GET /path`.
    pub async fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for request in self.server.received_requests().await.unwrap() {
            *asked.entry(format!("{} {}", request.method, request.url.path())).or_default() += 1;
        }
        asked
    }

    pub async fn times(&self, what: &str) -> usize {
        self.asked().await.get(what).copied().unwrap_or(0)
    }

    /// An entry of clouds.yaml that leads here, with `more` lines.
    pub fn config(&self, more: &str) -> Result<Config, ProviderError> {
        let file = self.folder.path().join("clouds.yaml");
        let uri = self.server.uri();
        let text = format!(
            "clouds:\n  workshop:\n    auth:\n      auth_url: {uri}/keystone\n      username: trainer\n      password: \
             {SECRET}\n      project_name: workshop\n      project_domain_name: Default\n      user_domain_name: \
             Default\n{more}"
        );
        std::fs::write(file, text).unwrap();
        let around = Surroundings::given(&[], &[self.folder.path()]);
        Config::read(&"jetstream".into(), Some("workshop"), None, &around)
    }

    pub fn provider(&self, more: &str) -> Openstack {
        Openstack::new(self.config(more).unwrap(), hurried()).unwrap()
    }
}

/// No test waits for longer than it must.
pub fn hurried() -> Pace {
    Pace {
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(400),
        repeats: 3,
        pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(2),
    }
}

/// A catalog with Nova at these places: interface, region, address.
pub fn endpoints(places: &[(&str, &str, &str)]) -> Value {
    let one = |(interface, region, url): &(&str, &str, &str)| json!({"id": "e", "interface": interface, "region": region, "region_id": region, "url": url});
    let places: Vec<Value> = places.iter().map(one).collect();
    json!([
        {"type": "identity", "name": "keystone", "endpoints": []},
        {"type": 7, "name": "what is this"},
        {"type": "compute", "name": "nova", "endpoints": places},
    ])
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

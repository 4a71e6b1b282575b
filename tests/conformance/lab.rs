//! The OpenStack lab by the back door: what a test has to break, and mend again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use serde_json::{Value, json};

/// Longest that a server of the lab may take from one state to another.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap().join(".cache"));
    set("OPENSTACK_LAB_DIR").unwrap_or_else(|| cache().join("openstack-lab"))
}

/// A user of the lab who says to its services whatever a test wants said.
pub struct Hand {
    client: reqwest::Client,
    token: String,
    catalog: Value,
}

impl Hand {
    pub async fn of(entry: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let file = std::fs::read_to_string(folder().join("clouds.yaml")).unwrap();
        let clouds: Value = serde_yaml::from_str(&file).unwrap();
        let auth = &clouds["clouds"][entry]["auth"];
        let default = json!({"name": "Default"});
        let user = json!({"name": auth["username"], "domain": default, "password": auth["password"]});
        let scope = json!({"project": {"name": auth["project_name"], "domain": default}});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let client = reqwest::Client::new();
        let url = format!("{}/auth/tokens", auth["auth_url"].as_str().unwrap());
        let answer = client.post(url).json(&body).send().await.unwrap().error_for_status().unwrap();
        let token = answer.headers()["X-Subject-Token"].to_str().unwrap().to_owned();
        let catalog = answer.json::<Value>().await.unwrap()["token"]["catalog"].take();
        Self { client, token, catalog }
    }

    pub async fn say(&self, service: &str, method: &str, path: &str, body: Value) -> Value {
        let found = self.catalog.as_array().unwrap().iter().find(|found| found["type"] == service).unwrap();
        let url = found["endpoints"].as_array().unwrap().iter().find(|one| one["interface"] == "public").unwrap();
        let url = format!("{}{path}", url["url"].as_str().unwrap());
        let request = self.client.request(method.parse().unwrap(), url).header("X-Auth-Token", &self.token);
        let request = request.header("OpenStack-API-Version", "compute 2.90");
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap_or(Value::Null)
    }

    pub async fn act(&self, id: &str, action: &str) {
        self.say("compute", "POST", &format!("/servers/{id}/action"), json!({action: null})).await;
    }

    /// Lets new servers in at the one host of the lab, or not.
    pub async fn open(&self, open: bool) {
        let services = self.say("compute", "GET", "/os-services?binary=nova-compute", Value::Null).await;
        let status = if open { "enabled" } else { "disabled" };
        for service in services["services"].as_array().unwrap() {
            let path = format!("/os-services/{}", service["id"].as_str().unwrap());
            self.say("compute", "PUT", &path, json!({"status": status})).await;
        }
    }

    /// Images of that name: their ids.
    pub async fn images(&self, name: &str) -> Vec<String> {
        let images = self.say("image", "GET", &format!("/v2/images?name={name}"), Value::Null).await;
        let id = |image: &Value| image["id"].as_str().unwrap().to_owned();
        images["images"].as_array().unwrap().iter().map(id).collect()
    }

    pub async fn drop_images(&self, name: &str) -> usize {
        let images = self.images(name).await;
        for id in &images {
            self.say("image", "DELETE", &format!("/v2/images/{id}"), Value::Null).await;
        }
        images.len()
    }

    /// A small server of that name that runs.
    pub async fn server(&self, name: &str) -> String {
        let images = self.images("Featured-Ubuntu22").await;
        let server = json!({"name": name, "imageRef": images[0], "flavorRef": "1", "networks": "auto"});
        let made = self.say("compute", "POST", "/servers", json!({"server": server})).await;
        let id = made["server"]["id"].as_str().unwrap().to_owned();
        let begin = Instant::now();
        loop {
            let seen = self.say("compute", "GET", &format!("/servers/{id}"), Value::Null).await;
            match seen["server"]["status"].as_str().unwrap() {
                "ACTIVE" => return id,
                status => assert!(begin.elapsed() < PATIENCE, "{name} is {status}"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    pub async fn delete(&self, id: &str) {
        self.say("compute", "DELETE", &format!("/servers/{id}"), Value::Null).await;
    }
}

/// What the hypervisor fails at, `{"fail": {"snapshot": "^name$"}}`; `{}` is nothing.
pub fn faults(what: &Value) {
    std::fs::write(folder().join("faults.json"), what.to_string()).unwrap();
}

/// Does `work`, and mends in any case.
pub async fn mending(work: impl Future<Output = ()>, mend: impl Future<Output = ()>) {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    mend.await;
    if let Err(panic) = done {
        resume_unwind(panic);
    }
}

/// All servers of the lab by name.
pub async fn servers() -> BTreeMap<String, Value> {
    let hand = Hand::of("lab-password").await;
    let listed = hand.say("compute", "GET", "/servers/detail", Value::Null).await;
    let of = listed["servers"].as_array().unwrap().iter();
    of.map(|server| (server["name"].as_str().unwrap().to_owned(), server.clone())).collect()
}

/// Brings every server back, whatever a test left it in, without what marks it as ours.
pub async fn awake() {
    let (admin, hand) = (Hand::of("lab-admin").await, Hand::of("lab-password").await);
    admin.open(true).await;
    let since = Instant::now();
    loop {
        let all = servers().await;
        let asleep =
            all.values().filter(|server| server["status"] != "ACTIVE" || !server["OS-EXT-STS:task_state"].is_null());
        let asleep: Vec<&Value> = asleep.collect();
        if asleep.is_empty() {
            for server in all.values().filter(|server| server["metadata"].get("tidegate_record").is_some()) {
                let id = server["id"].as_str().unwrap();
                hand.say("compute", "DELETE", &format!("/servers/{id}/metadata/tidegate_record"), Value::Null).await;
            }
            return;
        }
        assert!(since.elapsed() < PATIENCE, "not awake: {asleep:?}");
        for server in asleep.iter().filter(|server| server["OS-EXT-STS:task_state"].is_null()) {
            let id = server["id"].as_str().unwrap();
            let action = match server["status"].as_str().unwrap() {
                "SHELVED" | "SHELVED_OFFLOADED" => json!({"unshelve": null}),
                "SHUTOFF" => json!({"os-start": null}),
                "SUSPENDED" => json!({"resume": null}),
                "ERROR" => json!({"os-resetState": {"state": "active"}}),
                _ => continue,
            };
            admin.say("compute", "POST", &format!("/servers/{id}/action"), action).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

//! A small API server: objects by path, versions, conflicts, merge patches, and whatever a test wants in between.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::cluster::live::{Connect, Live};
use tidegate::model::Kind;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

/// Who interferes, once, right before a request that matches is answered.
type Meddler = Box<dyn FnOnce(&mut Objects) + Send>;
/// What is answered to everything while it lasts.
type Mood = Box<dyn FnMut() -> Option<ResponseTemplate> + Send>;

/// How long a watch without news stays open.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Default)]
pub struct Objects {
    pub all: BTreeMap<String, Value>,
    version: u64,
    /// Answers that are given instead, in turn: by method and path.
    answers: BTreeMap<(String, String), VecDeque<ResponseTemplate>>,
    meddlers: Vec<(String, String, Meddler)>,
    mood: Option<Mood>,
    /// What happened, for watches: the version, the path, the type of the event and the object.
    history: Vec<(u64, String, &'static str, Value)>,
    /// Method, path and body of each request.
    pub log: Vec<(String, String, Value)>,
}

impl Objects {
    pub fn put(&mut self, path: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
        }
        let kind = if self.all.contains_key(path) { "MODIFIED" } else { "ADDED" };
        self.history.push((self.version, path.to_owned(), kind, object.clone()));
        self.all.insert(path.to_owned(), object);
    }

    pub fn change(&mut self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.all[path].clone();
        change(&mut object);
        self.put(path, object);
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let (method, path) = (request.method.to_string(), request.url.path().to_owned());
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        self.log.push((method.clone(), path.clone(), body.clone()));
        if let Some(at) = self.meddlers.iter().position(|(on, at, _)| *on == method && path == *at) {
            let (_, _, meddle) = self.meddlers.remove(at);
            meddle(self);
        }
        if let Some(answer) = self.mood.as_mut().and_then(|mood| mood()) {
            return answer;
        }
        if let Some(answer) = self.answers.get_mut(&(method.clone(), path.clone())).and_then(VecDeque::pop_front) {
            return answer;
        }
        match method.as_str() {
            "GET" => {
                let asked = |name: &str| request.url.query_pairs().find(|(key, _)| key == name).map(|(_, text)| text);
                match asked("watch").and(asked("resourceVersion")) {
                    Some(version) => self.watch(&path, version.parse().unwrap()),
                    None => self.get(&path, asked("fieldSelector")),
                }
            }
            "POST" => self.post(&path, body),
            "PUT" => self.write(&path, &body.clone(), body),
            "PATCH" => self.patch(&path, &body),
            "DELETE" => self.delete(&path, &body),
            other => panic!("{other} {path}"),
        }
    }

    fn get(&self, path: &str, fields: Option<Cow<'_, str>>) -> ResponseTemplate {
        if let Some(object) = self.all.get(path) {
            return ResponseTemplate::new(200).set_body_json(object);
        }
        let last = path.rsplit('/').next().unwrap();
        // Collections are plurals, and the names of objects here are not.
        if !last.ends_with('s') {
            return refusal(404, "NotFound", &format!("{path} not found"));
        }
        let chosen = |object: &Value| {
            fields.as_ref().and_then(|fields| fields.split_once('=')).is_none_or(|(field, value)| {
                object.pointer(&format!("/{}", field.replace('.', "/"))).is_some_and(|there| there == value)
            })
        };
        let there = self.all.iter().filter(|(key, object)| within(path, key) && chosen(object));
        let items: Vec<&Value> = there.map(|(_, object)| object).collect();
        let resource = |kind: &Kind| kind.api().is_some_and(|api| api.resource == last);
        let kind = Kind::ALL.into_iter().find(resource).map(|kind| kind.to_string());
        let kind = kind.unwrap_or_else(|| if last == "configmaps" { "ConfigMap".to_owned() } else { String::new() });
        let group = path.strip_prefix("/apis/").map(|path| path.split('/').take(2).collect::<Vec<_>>().join("/"));
        let api = group.unwrap_or_else(|| "v1".to_owned());
        let version = json!({"resourceVersion": self.version.to_string()});
        let list = json!({"kind": format!("{kind}List"), "apiVersion": api, "metadata": version, "items": items});
        ResponseTemplate::new(200).set_body_json(list)
    }

    /// What happened since; a watch without news ends after a while with a bookmark.
    fn watch(&self, path: &str, since: u64) -> ResponseTemplate {
        let news = self.history.iter().filter(|(version, key, ..)| *version > since && within(path, key));
        let mut lines: Vec<Value> = news.map(|(.., kind, object)| json!({"type": kind, "object": object})).collect();
        let quiet = if lines.is_empty() { QUIET } else { Duration::ZERO };
        let bookmark = json!({"metadata": {"resourceVersion": self.version.to_string()}});
        lines.push(json!({"type": "BOOKMARK", "object": bookmark}));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        ResponseTemplate::new(200).set_body_raw(text, "application/json").set_delay(quiet)
    }

    fn post(&mut self, path: &str, body: Value) -> ResponseTemplate {
        if path.ends_with("/eviction") {
            let pod = path.strip_suffix("/eviction").unwrap();
            return self.delete(pod, &body["deleteOptions"]);
        }
        let namespace = path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next());
        if namespace.is_some_and(|name| !self.all.contains_key(&format!("/api/v1/namespaces/{name}"))) {
            return refusal(404, "NotFound", "namespaces not found");
        }
        let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
        if self.all.contains_key(&path) {
            return refusal(409, "AlreadyExists", "already exists");
        }
        self.put(&path, body);
        ResponseTemplate::new(201).set_body_json(&self.all[&path])
    }

    /// Keeps `object`, if the version that `asked` names is the one that is there.
    fn write(&mut self, path: &str, asked: &Value, mut object: Value) -> ResponseTemplate {
        let Some(there) = self.all.get(path) else { return refusal(404, "NotFound", "not found") };
        let version = &asked["metadata"]["resourceVersion"];
        if !version.is_null() && *version != there["metadata"]["resourceVersion"] {
            return refusal(409, "Conflict", "the object has been modified");
        }
        object["metadata"]["uid"] = there["metadata"]["uid"].clone();
        self.put(path, object);
        ResponseTemplate::new(200).set_body_json(&self.all[path])
    }

    fn patch(&mut self, path: &str, patch: &Value) -> ResponseTemplate {
        let (of, status) = path.strip_suffix("/status").map_or((path, false), |of| (of, true));
        let Some(mut object) = self.all.get(of).cloned() else { return refusal(404, "NotFound", "not found") };
        if status {
            let conditions = object["status"]["conditions"].as_array_mut().unwrap();
            for condition in patch["status"]["conditions"].as_array().unwrap() {
                conditions.retain(|there| there["type"] != condition["type"]);
                if condition["$patch"] != "delete" {
                    conditions.push(condition.clone());
                }
            }
        } else {
            merge(&mut object, patch);
        }
        self.write(of, patch, object)
    }

    fn delete(&mut self, path: &str, options: &Value) -> ResponseTemplate {
        let Some(there) = self.all.get(path) else { return refusal(404, "NotFound", "not found") };
        let meant = &options["preconditions"]["uid"];
        if !meant.is_null() && *meant != there["metadata"]["uid"] {
            return refusal(409, "Conflict", "Precondition failed: UID in precondition: …, UID in object meta: …");
        }
        self.version += 1;
        let mut gone = self.all.remove(path).unwrap();
        gone["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.history.push((self.version, path.to_owned(), "DELETED", gone));
        ResponseTemplate::new(200).set_body_json(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
    }
}

/// Whether the list at `path` holds the object at `key`: that of its namespace, or that of all.
fn within(path: &str, key: &str) -> bool {
    let list = key.rsplit_once('/').map_or("", |(list, _)| list);
    let everywhere = list.split_once("/namespaces/").and_then(|(before, rest)| {
        let (_, kind) = rest.split_once('/')?;
        Some(format!("{before}/{kind}"))
    });
    list == path || everywhere.is_some_and(|list| list == path)
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        match value {
            Value::Null => drop(into.as_object_mut().unwrap().remove(key)),
            value => merge(&mut into[key.as_str()], value),
        }
    }
}

pub fn refusal(code: u16, reason: &str, message: &str) -> ResponseTemplate {
    refusal_with(code, reason, message, &json!({}))
}

pub fn refusal_with(code: u16, reason: &str, message: &str, details: &Value) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message, "details": details,
    }))
}

#[derive(Clone, Default)]
pub struct Answering(pub Arc<Mutex<Objects>>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().answer(request)
    }
}

/// The server, and a client of it.
pub struct Fake {
    pub live: Live,
    pub objects: Answering,
    _server: MockServer,
    kubeconfig: TempDir,
}

pub const MAPS: &str = "/api/v1/namespaces/tidegate/configmaps";

impl Fake {
    pub async fn start() -> Self {
        let (server, objects) = (MockServer::start().await, Answering::default());
        for name in ["kube-system", "tidegate", "default", "a"] {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            objects.0.lock().unwrap().put(&format!("/api/v1/namespaces/{name}"), namespace);
        }
        Mock::given(matchers::any()).respond_with(objects.clone()).mount(&server).await;
        let kubeconfig = TempDir::new().unwrap();
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": server.uri()}}],
            "users": [{"name": "fake", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        });
        std::fs::write(kubeconfig.path().join("config"), text.to_string()).unwrap();
        let live = connected(&kubeconfig, "tidegate").await;
        Self { live, objects, _server: server, kubeconfig }
    }

    /// Another client of the same server.
    pub async fn another(&self, namespace: &str) -> Live {
        connected(&self.kubeconfig, namespace).await
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Objects) -> T) -> T {
        work(&mut self.objects.0.lock().unwrap())
    }

    pub fn object(&self, path: &str) -> Option<Value> {
        self.with(|objects| objects.all.get(path).cloned())
    }

    /// Gives these answers instead of its own, in turn.
    pub fn answers(&self, method: &str, path: &str, answers: Vec<ResponseTemplate>) {
        self.with(|objects| objects.answers.insert((method.to_owned(), path.to_owned()), answers.into()));
    }

    /// Has somebody do something right before the next such request is answered.
    pub fn before(&self, method: &str, path: &str, meddle: impl FnOnce(&mut Objects) + Send + 'static) {
        self.with(|objects| objects.meddlers.push((method.to_owned(), path.to_owned(), Box::new(meddle))));
    }

    /// Gives what `mood` does to everything, while it gives something.
    pub fn while_it(&self, mood: impl FnMut() -> Option<ResponseTemplate> + Send + 'static) {
        self.with(|objects| objects.mood = Some(Box::new(mood)));
    }

    /// How often this was asked.
    pub fn asked(&self, method: &str, path: &str) -> usize {
        self.with(|objects| objects.log.iter().filter(|(on, at, _)| on == method && at == path).count())
    }
}

async fn connected(kubeconfig: &TempDir, namespace: &str) -> Live {
    let asked = Connect {
        kubeconfig: Some(kubeconfig.path().join("config")),
        namespace: namespace.to_owned(),
        patience: Duration::from_secs(2),
        ..Connect::default()
    };
    Live::connect(&asked).await.unwrap()
}

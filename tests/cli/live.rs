//! A live cluster as the program meets it: named or not, there or not, the right one or another, allowed or not. A server
//! of ours plays the API server; real ones are in `tests/labs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidegate::cluster::live::Special;
use tidegate::model::{Api, Kind};
use wiremock::matchers::{body_partial_json, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{code, text, tidegate, workshop};

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A kubeconfig in `folder` whose context `live` is at `server`.
pub fn kubeconfig(folder: &Path, server: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: live\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: live, context: {{cluster: c, user: u}}}}]\n"
    );
    fs::write(folder.join("config"), text).unwrap();
}

/// Answers who it is, and 403 to everything else.
pub async fn server() -> MockServer {
    let server = MockServer::start().await;
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "uid-live"}});
    let who = Mock::given(method("GET")).and(path("/api/v1/namespaces/kube-system"));
    who.respond_with(ResponseTemplate::new(200).set_body_json(namespace)).mount(&server).await;
    server
}

pub fn status(code: u16, reason: &str) -> ResponseTemplate {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                      "reason": reason, "message": format!("the {reason} of a test")});
    ResponseTemplate::new(code).set_body_json(body)
}

#[test]
fn no_cluster_is_taken_by_silence_and_each_way_to_name_one_is_said() {
    let folder = workshop();
    kubeconfig(folder.path(), "http://127.0.0.1:1");
    for args in [vec!["plan"], vec!["status"], vec!["explain", "pool/workers"], vec!["doctor"]] {
        let output = tidegate(folder.path(), &[args.as_slice(), &["-f", "policy.yaml"]].concat());
        let said = text(&output.stderr);
        assert_eq!(code(&output), 1, "{args:?}: {said}");
        for way in ["no cluster was named", "--context", "--snapshot FILE", "--sandbox DIR"] {
            assert!(said.contains(way), "{args:?}: {said}");
        }
    }
    for args in [vec!["apply", "-f", "policy.yaml"], vec!["unlock", "x"], vec!["hold", "node/x"]] {
        let output = tidegate(folder.path(), &args);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 1, "{args:?}: {said}");
        assert!(said.contains("--context") && said.contains("--sandbox DIR"), "{args:?}: {said}");
    }
    let both = ["plan", "-f", "policy.yaml", "--context", "live", "--sandbox", "sandbox"];
    assert!(text(&tidegate(folder.path(), &both).stderr).contains("cannot be used with"));
}

#[test]
fn a_context_that_is_not_there_or_does_not_answer_is_said() {
    let folder = workshop();
    kubeconfig(folder.path(), "http://127.0.0.1:1");
    let on = |context: &'static str| {
        tidegate(folder.path(), &["plan", "-f", "policy.yaml", "--kubeconfig", "config", "--context", context])
    };
    let said = text(&on("other").stderr);
    assert!(said.contains("has no context `other`; it has `live`"), "{said}");
    let timer = ["schedule", "-f", "policy.yaml", "--format", "crontab", "--context"];
    let said = text(&tidegate(folder.path(), &timer).stderr);
    assert!(said.contains("does not follow whichever context is current"), "{said}");
    let printed = text(&tidegate(folder.path(), &[&timer[..], &["live"]].concat()).stdout);
    assert!(printed.contains(" --context live --yes --no-wait"), "{printed}");
}

#[test]
fn a_plan_for_one_cluster_is_not_applied_to_another() {
    let folder = workshop();
    let made = ["plan", "-f", "policy.yaml", "--sandbox", "sandbox", "--out", "plan.json"];
    assert_eq!(code(&tidegate(folder.path(), &made)), 0);
    let plan = fs::read_to_string(folder.path().join("plan.json")).unwrap();
    let mut plan: Value = serde_json::from_str(&plan).unwrap();
    plan["snapshot"]["cluster"] = json!("uid-of-another");
    fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    // The workshop's provider is an entry of a clouds.yaml that nobody reads here.
    fs::write(folder.path().join("clouds.yaml"), CLOUDS).unwrap();
    block_on(async {
        let server = server().await;
        kubeconfig(folder.path(), &server.uri());
        let args = ["apply", "plan.json", "--kubeconfig", "config", "--context", "--journal", "journal"];
        let output = tidegate(folder.path(), &args);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 4, "{said}");
        assert!(said.contains("the plan is for cluster uid-of-another") && said.contains("uid-live"), "{said}");
        let asked: Vec<String> =
            server.received_requests().await.unwrap().iter().map(|r| r.url.path().to_owned()).collect();
        assert_eq!(asked, ["/api/v1/namespaces/kube-system"], "nothing else was asked");
    });
}

const CLOUDS: &str = "clouds:\n  workshop:\n    auth: {auth_url: \"http://127.0.0.1:1/v3\", username: u, password: secret-word, \
                      project_name: p, user_domain_name: d, project_domain_name: d}\n";

#[test]
fn the_doctor_says_which_verbs_are_missing_and_who_does_not_answer() {
    let folder = workshop();
    fs::write(folder.path().join("clouds.yaml"), CLOUDS).unwrap();
    block_on(async {
        let server = server().await;
        kubeconfig(folder.path(), &server.uri());
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = |allowed: bool| {
            let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {},
                              "status": {"allowed": allowed}});
            ResponseTemplate::new(201).set_body_json(body)
        };
        let evict = json!({"spec": {"resourceAttributes": {"resource": "pods", "subresource": "eviction"}}});
        let evicting = Mock::given(method("POST")).and(path(reviews)).and(body_partial_json(evict));
        evicting.respond_with(answer(false)).mount(&server).await;
        Mock::given(method("POST")).and(path(reviews)).respond_with(answer(true)).mount(&server).await;
        Mock::given(path_regex("^/api")).respond_with(status(403, "Forbidden")).with_priority(9).mount(&server).await;
        let args = ["doctor", "-f", "policy.yaml", "--kubeconfig", "config", "--format", "json"];
        let output = tidegate(folder.path(), &args);
        assert_eq!(code(&output), 1, "{}", text(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let of = |check: &str| -> Vec<&Value> {
            found["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check).collect()
        };
        assert_eq!(of("cluster")[0]["level"], "ok", "{found:#}");
        let missing = of("permissions")[0];
        assert_eq!(missing["level"], "error");
        let said = missing["text"].as_str().unwrap();
        assert_eq!(said, "a plan can be made and not applied: not allowed to create pods/eviction");
        assert!(missing["advice"].as_str().unwrap().contains("examples/rbac.yaml"));
        assert_eq!(of("cloud")[0]["level"], "error", "nobody is at that address: {found:#}");
        assert_eq!(of("observation")[0]["level"], "error", "no list is allowed: {found:#}");
        assert!(!text(&output.stdout).contains("secret-word") && !text(&output.stderr).contains("secret-word"));
    });
}

/// To delete Nodes is a right of its own, asked for only where a pool deletes or makes servers.
#[test]
fn the_doctor_asks_for_the_right_to_delete_nodes_where_a_pool_does() {
    let folder = workshop();
    fs::write(folder.path().join("clouds.yaml"), CLOUDS).unwrap();
    let policy = fs::read_to_string(folder.path().join("policy.yaml")).unwrap();
    block_on(async {
        let server = server().await;
        kubeconfig(folder.path(), &server.uri());
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = |allowed: bool| {
            let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {},
                              "status": {"allowed": allowed}});
            ResponseTemplate::new(201).set_body_json(body)
        };
        for denied in [("nodes", "delete"), ("pods", "delete"), ("secrets", "create"), ("secrets", "delete")] {
            let of = json!({"spec": {"resourceAttributes": {"resource": denied.0, "verb": denied.1}}});
            let asked = Mock::given(method("POST")).and(path(reviews)).and(body_partial_json(of));
            asked.respond_with(answer(false)).mount(&server).await;
        }
        Mock::given(method("POST")).and(path(reviews)).respond_with(answer(true)).mount(&server).await;
        Mock::given(path_regex("^/api")).respond_with(status(403, "Forbidden")).with_priority(9).mount(&server).await;
        let made =
            |data: &str| format!("idle: delete\n      create: {{image: u, flavors: m3.medium, userData: {data:?}}}");
        let secrets = "create secrets in kube-system; delete secrets in kube-system";
        for (idle, missing) in [
            ("idle: shelve", None),
            ("idle: delete\n      adopt: true", Some("delete nodes".to_owned())),
            (made("join").as_str(), Some("delete nodes".to_owned())),
            (made("join ${TIDEGATE_BOOTSTRAP_TOKEN}").as_str(), Some(format!("delete nodes; {secrets}"))),
        ] {
            assert!(policy.contains("idle: shelve"));
            fs::write(folder.path().join("policy.yaml"), policy.replace("idle: shelve", idle)).unwrap();
            let args = ["doctor", "-f", "policy.yaml", "--kubeconfig", "config", "--format", "json"];
            let output = tidegate(folder.path(), &args);
            let found: Value =
                serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
            let findings = found["findings"].as_array().unwrap();
            let permissions = findings.iter().find(|finding| finding["check"] == "permissions").unwrap();
            let expected =
                missing.as_ref().map(|verbs| format!("a plan can be made and not applied: not allowed to {verbs}"));
            assert_eq!(permissions["level"], if expected.is_some() { "error" } else { "ok" }, "{permissions}");
            assert!(expected.is_none_or(|expected| permissions["text"] == expected.as_str()), "{permissions}");
        }
    });
}

/// What the doctor asks for is what the example grants, verb by verb, and what is listed is every kind that a snapshot
/// knows: no more is granted to read but our own things.
#[test]
fn the_roles_of_the_example_grant_what_is_needed_and_list_what_a_snapshot_knows() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rbac.yaml")).unwrap();
    let documents: Vec<Value> = serde_yaml::from_slice_multiple(text.as_bytes()).unwrap();
    let words = |rule: &Value, key: &str| -> Vec<String> {
        rule[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    // Namespace (none for all), group, resource, verb; and the only names that it is for, if it is not for all.
    type Right = (Option<String>, String, String, String);
    let mut granted: BTreeMap<Right, Option<BTreeSet<String>>> = BTreeMap::new();
    for document in &documents {
        let namespace = document["metadata"]["namespace"].as_str().map(str::to_owned);
        for rule in document["rules"].as_array().into_iter().flatten() {
            let only =
                rule.get("resourceNames").map(|_| words(rule, "resourceNames").into_iter().collect::<BTreeSet<_>>());
            for group in words(rule, "apiGroups") {
                for resource in words(rule, "resources") {
                    for verb in words(rule, "verbs") {
                        let right = (namespace.clone(), group.clone(), resource.clone(), verb);
                        let names = granted.entry(right).or_insert_with(|| Some(BTreeSet::new()));
                        *names = names.take().zip(only.clone()).map(|(there, more)| &there | &more);
                    }
                }
            }
        }
    }
    let needs =
        tidegate::cluster::live::needs("tidegate", Special { delete_nodes: true, delete_pods: true, tokens: true });
    for need in &needs {
        let here = |namespace: Option<&str>| {
            let (group, resource, verb) = (need.group.to_owned(), need.resource.to_owned(), need.verb.to_owned());
            let names = granted.get(&(namespace.map(str::to_owned), group, resource, verb));
            names.is_some_and(|only| only.as_ref().is_none_or(|only| need.name.is_some_and(|name| only.contains(name))))
        };
        assert!(here(None) || here(need.namespace.as_deref()), "{}", need.words());
    }
    let known: BTreeSet<(String, String)> = Kind::ALL.into_iter().filter_map(Kind::api).map(of_api).collect();
    assert_eq!(known.len(), Kind::ALL.len() - 2, "two kinds are our own");
    let listed = granted.keys().filter(|(_, _, resource, verb)| verb == "list" && resource != "configmaps");
    assert_eq!(listed.map(|(_, group, resource, _)| (group.clone(), resource.clone())).collect::<BTreeSet<_>>(), known);
    for verb in ["list", "watch"] {
        let asked = needs.iter().filter(|need| need.verb == verb && need.resource != "configmaps");
        let mut asked: BTreeSet<(String, String)> =
            asked.map(|need| (need.group.to_owned(), need.resource.to_owned())).collect();
        if verb == "watch" {
            // That there are priority classes is all that counts of them.
            assert!(asked.insert(of_api(Kind::PriorityClass.api().unwrap())));
        }
        assert_eq!(asked, known, "{verb}");
    }
}

fn of_api(api: Api) -> (String, String) {
    (api.group().to_owned(), api.resource.to_owned())
}

/// Who died on another machine left a lock that is not renewed any more; who is at work renews it.
#[test]
fn an_apply_that_was_cut_short_on_another_machine_is_told_by_the_lock_it_left() {
    let folder = workshop();
    let told = |renewed: &str| -> (Value, String) {
        block_on(async {
            let server = server().await;
            kubeconfig(folder.path(), &server.uri());
            let record = json!({"id": "abc", "owner": "ana@laptop", "host": "laptop", "machine": "another boot", "pid": 7,
                "operation": "apply", "run": "123456789abc-1", "since": "2026-11-01T10:00:00Z", "expires": renewed});
            let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": "tidegate-apply", "namespace": "tidegate", "resourceVersion": "1",
                             "annotations": {"tidegate.dev/lock": record.to_string()}},
                "spec": {"holderIdentity": "ana@laptop abc", "leaseDurationSeconds": 60, "renewTime": renewed}});
            let at = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases/tidegate-apply";
            let lease = ResponseTemplate::new(200).set_body_json(lease);
            Mock::given(method("GET")).and(path(at)).respond_with(lease).mount(&server).await;
            let closed = status(403, "Forbidden");
            Mock::given(path_regex("^/api")).respond_with(closed).with_priority(9).mount(&server).await;
            let args =
                ["doctor", "-f", "policy.yaml", "--kubeconfig", "config", "--context", "live", "--format", "json"];
            let found: Value = serde_json::from_slice(&tidegate(folder.path(), &args).stdout).unwrap();
            let mut found = found["findings"].as_array().unwrap().iter().filter(|one| one["check"] == "last-apply");
            let one = found.next().unwrap().clone();
            (one["level"].clone(), format!("{} {}", one["text"], one["advice"]))
        })
    };
    let (level, said) = told("2026-11-01T10:20:00.000000Z");
    assert_eq!(level, "warning", "{said}");
    for words in ["ana@laptop", "was cut short", "not on this machine", "--resume` goes on by the marks", "on `laptop`"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let (level, said) = told("2999-01-01T00:00:00.000000Z");
    assert_eq!(level, "ok", "{said}");
}

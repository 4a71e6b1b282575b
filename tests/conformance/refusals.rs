//! What Nova refuses, and how it fails: every answer has one meaning, in the cloud's own words.

use serde_json::{Value, json};
use tidegate::cloud::{Provider, ProviderError};
use tidegate::model::{Name, ServerState, Setback};
use tidegate::policy::Idle;
use wiremock::ResponseTemplate;

use crate::false_cloud::{COMPUTE, Cloud, ID, block_on, no, ok, server};

fn short(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::NotFound(_) => "gone",
        ProviderError::WrongState { .. } => "wrong state",
        ProviderError::Locked { .. } => "locked",
        ProviderError::NoCapacity { .. } => "no capacity",
        ProviderError::Quota { .. } => "quota",
        ProviderError::Forbidden(_) => "forbidden",
        ProviderError::Unsupported(_) => "unsupported",
        ProviderError::Login(_) => "login",
        ProviderError::Setup(_) => "setup",
        ProviderError::Unavailable(_) => "again",
    }
}

/// The texts are Nova's, from its source and from what a real one said.
#[test]
fn each_refusal_of_an_act_is_what_it_means() {
    const LOCKED: &str = "Instance 10fe0b09 is locked";
    const TASK: &str = "Cannot 'shelve' instance 10fe0b09 while it is in task_state rebooting";
    const TPM: &str = "Operation 'shelve' not supported for vTPM-enabled instance (10fe0b09).";
    const PORTS: &str = "Feature not supported with Ports that have accelerators.";
    const OVER: &str = "Quota exceeded for cores: Requested 4, but already used 200 of 200 cores";
    const POLICY: &str = "Policy doesn't allow os_compute_api:os-shelve:shelve to be performed.";
    block_on(async {
        for (status, words, expected) in [
            (404, "Instance 10fe0b09 could not be found.", "gone"),
            (409, TASK, "wrong state"),
            (409, LOCKED, "locked"),
            (409, TPM, "unsupported"),
            (400, PORTS, "unsupported"),
            (403, POLICY, "forbidden"),
            (403, OVER, "quota"),
            (413, OVER, "quota"),
            (409, "No valid host was found.", "no capacity"),
            (429, "Too many requests", "again"),
            (500, "Unexpected API Error.", "again"),
            (503, "Service Unavailable", "again"),
        ] {
            let cloud = Cloud::start().await;
            cloud.in_state("active", Value::Null).await;
            let act = format!("{COMPUTE}/servers/{ID}/action");
            cloud.on("POST", &act, vec![no(status, words)]).await;
            let error = cloud.provider("").park(&ID.into(), Idle::Shelve).await.unwrap_err();
            assert_eq!(short(&error), expected, "{status} {words}: {error}");
            let text = error.to_string();
            assert!(text.contains(words) || expected == "gone", "{text}");
            assert!(text.contains(ID), "{text}");
            // An act is never repeated by itself: it is journaled, and asked again by who did that.
            assert_eq!(cloud.times(&format!("POST {act}")).await, 1);
        }
    });
}

/// A rate limit looks like a quota (413), and says when to come again.
#[test]
fn a_rate_limit_is_no_quota() {
    block_on(async {
        let cloud = Cloud::start().await;
        cloud.in_state("active", Value::Null).await;
        let limited = no(413, "This request was rate-limited: over limit").insert_header("Retry-After", "30");
        cloud.on("POST", &format!("{COMPUTE}/servers/{ID}/action"), vec![limited]).await;
        let error = cloud.provider("").park(&ID.into(), Idle::Shelve).await.unwrap_err();
        assert_eq!(short(&error), "again", "{error}");
    });
}

/// What is asked in each state, and in each task; nothing where it is so already.
#[test]
fn each_state_is_asked_for_what_leads_on() {
    let null = || Value::Null;
    let act = |name: &str| Some(name.to_owned());
    block_on(async {
        for (vm_state, task, how, expected) in [
            ("active", null(), Some(Idle::Shelve), act("shelve")),
            ("stopped", null(), Some(Idle::Shelve), act("shelve")),
            ("paused", null(), Some(Idle::Shelve), act("shelve")),
            ("suspended", null(), Some(Idle::Shelve), act("shelve")),
            ("shelved", null(), Some(Idle::Shelve), act("shelveOffload")),
            ("shelved_offloaded", null(), Some(Idle::Shelve), None),
            ("active", json!("shelving_image_uploading"), Some(Idle::Shelve), None),
            ("shelved", json!("shelving_offloading"), Some(Idle::Stop), None),
            ("active", json!("powering-off"), Some(Idle::Stop), None),
            ("active", json!("suspending"), Some(Idle::Suspend), None),
            ("active", null(), Some(Idle::Stop), act("os-stop")),
            ("active", null(), Some(Idle::Suspend), act("suspend")),
            ("shelved", null(), Some(Idle::Stop), None),
            ("active", null(), None, None),
            ("shelved", null(), None, act("unshelve")),
            ("shelved_offloaded", null(), None, act("unshelve")),
            ("stopped", null(), None, act("os-start")),
            ("suspended", null(), None, act("resume")),
            ("paused", null(), None, act("unpause")),
            ("shelved_offloaded", json!("spawning"), None, None),
            ("active", json!("rebooting"), Some(Idle::Shelve), act("task_state rebooting")),
            ("shelved", json!("shelving_offloading"), None, act("task_state shelving_offloading")),
            ("error", null(), None, act("vm_state ERROR")),
            ("error", null(), Some(Idle::Shelve), act("vm_state ERROR")),
            ("rescued", null(), Some(Idle::Stop), act("vm_state UNKNOWN")),
        ] {
            let cloud = Cloud::start().await;
            cloud.in_state(vm_state, task.clone()).await;
            cloud.on("POST", &format!("{COMPUTE}/servers/{ID}/action"), vec![ResponseTemplate::new(202)]).await;
            let provider = cloud.provider("");
            let id = Name::from(ID);
            let done = match how {
                Some(how) => provider.park(&id, how).await,
                None => provider.wake(&id).await,
            };
            let sent = cloud.server.received_requests().await.unwrap();
            let sent = sent.iter().find(|request| request.url.path().ends_with("/action"));
            let sent = sent.map(|request| {
                let body: Value = request.body_json().unwrap();
                assert_eq!(request.headers.get("OpenStack-API-Version").unwrap(), "compute 2.90");
                body.as_object()
                    .unwrap()
                    .iter()
                    .map(|(action, with)| format!("{action}{}", with.as_null().map_or("!", |()| "")))
                    .collect::<String>()
            });
            let told = match done {
                Ok(()) => sent,
                Err(ProviderError::WrongState { why, .. }) => {
                    assert_eq!(sent, None, "{vm_state} {task}");
                    let expected = expected.clone().unwrap();
                    assert!(why.contains(&expected), "{why}");
                    Some(expected)
                }
                Err(other) => panic!("{vm_state} {task}: {other}"),
            };
            assert_eq!(told, expected, "{vm_state} {task} {how:?}");
        }
    });
}

/// A server with GPUs is not suspended though Nova would say that it did.
#[test]
fn what_a_flavor_forbids_is_told_and_kept() {
    block_on(async {
        for (specs, verb) in [
            (json!({"resources:VGPU": "1"}), "suspend"),
            (json!({"pci_passthrough:alias": "a100:1"}), "suspend"),
            (json!({"hw:tpm_version": "2.0"}), "shelve"),
        ] {
            let cloud = Cloud::start().await;
            let mut shown = server("active", Value::Null);
            shown["server"]["flavor"]["extra_specs"] = specs;
            cloud.on("GET", &format!("{COMPUTE}/servers/{ID}"), vec![ok(&shown)]).await;
            let provider = cloud.provider("");
            let found = provider.server(&ID.into()).await.unwrap().unwrap();
            assert_eq!(found.cannot.keys().map(|verb| &**verb).collect::<Vec<_>>(), [verb]);
            if verb == "suspend" {
                let error = provider.park(&ID.into(), Idle::Suspend).await.unwrap_err();
                assert_eq!(short(&error), "unsupported");
                assert!(error.to_string().contains("GPU"), "{error}");
                assert_eq!(cloud.times(&format!("POST {COMPUTE}/servers/{ID}/action")).await, 0);
            }
        }
        let cloud = Cloud::start().await;
        let mut shown = server("active", Value::Null);
        (shown["server"]["locked"], shown["server"]["locked_reason"]) = (json!(true), json!("exam"));
        cloud.on("GET", &format!("{COMPUTE}/servers/{ID}"), vec![ok(&shown)]).await;
        let found = cloud.provider("").server(&ID.into()).await.unwrap().unwrap();
        assert_eq!(found.cannot.len(), 4);
        assert!(found.cannot["wake"].contains("exam") && found.cannot["wake"].contains("unlock"), "{:?}", found.cannot);
    });
}

/// Of a wake without a host Nova says nothing but in its record of actions, and there no more than this.
#[test]
fn what_an_accepted_act_came_to_nothing_of_is_found_in_the_record_of_actions() {
    block_on(async {
        for (vm_state, action, event, details, setback, words) in [
            ("shelved_offloaded", "unshelve", "schedule_instances", None, Some(Setback::NoHost), "no host"),
            (
                "shelved_offloaded",
                "unshelve",
                "schedule_instances",
                Some("Quota exceeded for cores: Requested 4, but already used 200 of 200 cores"),
                Some(Setback::Quota),
                "already used 200 of 200",
            ),
            ("active", "shelve", "compute_shelve_instance", None, Some(Setback::Snapshot), "could not be saved"),
            ("stopped", "start", "compute_start_instance", None, Some(Setback::Other), "compute start instance"),
            ("active", "reboot", "compute_reboot_instance", None, None, ""),
        ] {
            let cloud = Cloud::start().await;
            let at = format!("{COMPUTE}/servers/{ID}");
            cloud.on("GET", &at, vec![ok(&server(vm_state, Value::Null))]).await;
            let older = json!({"action": "shelve", "request_id": "req-0", "start_time": "2026-11-22T10:00:00.0", "message": "Error"});
            let newer = json!({"action": action, "request_id": "req-1", "start_time": "2026-11-22T11:00:00.0", "message": "Error"});
            let actions = json!({"instanceActions": [older, newer]});
            cloud.on("GET", &format!("{at}/os-instance-actions"), vec![ok(&actions)]).await;
            let fine = json!({"event": "get_image_info", "result": "Success"});
            let failed = json!({"event": event, "result": "Error", "details": details});
            let one = json!({"instanceAction": {"action": action, "request_id": "req-1", "events": [failed, fine]}});
            cloud.on("GET", &format!("{at}/os-instance-actions/req-1"), vec![ok(&one)]).await;
            let list = json!({"servers": [server(vm_state, Value::Null)["server"]]});
            cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&list)]).await;
            let provider = cloud.provider("");
            let found = provider.server(&ID.into()).await.unwrap().unwrap();
            assert_eq!(found.setback, setback, "{found:?}");
            let fault = found.fault.clone().unwrap_or_default();
            assert!(fault.contains(words) && fault.is_empty() == words.is_empty(), "{fault}");
            // Looked up once for each change of the server, and told in lists from then on.
            assert_eq!(provider.server(&ID.into()).await.unwrap().unwrap(), found);
            assert_eq!(provider.servers().await.unwrap(), [found]);
            assert_eq!(cloud.times(&format!("GET {at}/os-instance-actions")).await, 1);
        }
    });
}

/// As Nova leaves it: in error, with the task of the unshelving for ever.
#[test]
fn a_server_in_error_is_at_rest_and_says_why() {
    block_on(async {
        let cloud = Cloud::start().await;
        let mut shown = server("error", json!("unshelving"));
        let words = "Unshelve attempted but the image 65cc51db cannot be found.";
        shown["server"]["fault"] = json!({"code": 404, "created": "2026-11-22T11:44:12Z", "message": words});
        cloud.on("GET", &format!("{COMPUTE}/servers/{ID}"), vec![ok(&shown)]).await;
        let found = cloud.provider("").server(&ID.into()).await.unwrap().unwrap();
        assert_eq!((found.state, found.task, found.setback), (ServerState::Error, None, Some(Setback::NoImage)));
        assert_eq!(found.fault.as_deref(), Some(words));
    });
}

//! Bootstrap tokens in a live cluster: a Secret that API server and controllers know, found again, and removed.

use base64ish::decoded;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::cluster::{Cluster, ClusterError};
use tidegate::model::Name;

use super::fake::{Fake, refusal};

const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";

fn until(minutes: i64) -> Timestamp {
    "2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

/// The only Secret that is there: its path and itself, `data` as the API server keeps it.
fn only(fake: &Fake) -> (String, Value) {
    fake.with(|objects| {
        let found: Vec<String> = objects.all.keys().filter(|path| path.starts_with(SECRETS)).cloned().collect();
        assert_eq!(found.len(), 1, "{found:?}");
        objects.change(&found[0], |secret| {
            let texts = secret["stringData"].take();
            for (key, value) in texts.as_object().into_iter().flatten() {
                secret["data"][key] = json!(base64ish::encoded(value.as_str().unwrap()));
            }
        });
        (found[0].clone(), objects.all[&found[0]].clone())
    })
}

mod base64ish {
    use std::process::{Command, Stdio};

    fn piped(args: &[&str], text: &str) -> String {
        use std::io::Write;
        let mut child = Command::new("base64").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    pub fn encoded(text: &str) -> String {
        piped(&["-w0"], text)
    }

    pub fn decoded(text: &str) -> String {
        piped(&["-d"], text)
    }
}

#[tokio::test]
async fn a_token_is_a_secret_of_its_kind_that_ends_and_is_found_again() {
    let fake = Fake::start().await;
    let node = Name::from("burst-1");
    let token = fake.live.bootstrap_token(&node, until(25)).await.unwrap();
    let (path, secret) = only(&fake);
    let field = |key: &str| decoded(secret["data"][key].as_str().unwrap());
    assert_eq!(secret["type"], "bootstrap.kubernetes.io/token");
    assert_eq!(path, format!("{SECRETS}/bootstrap-token-{}", field("token-id")));
    assert_eq!(token.expose(), format!("{}.{}", field("token-id"), field("token-secret")));
    let shape = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    assert!(shape(&field("token-id"), 6) && shape(&field("token-secret"), 16), "as the API server demands");
    assert_eq!(field("expiration"), "2026-11-24T12:25:00Z");
    assert_eq!(field("usage-bootstrap-authentication"), "true");
    assert_eq!(field("auth-extra-groups"), "system:bootstrappers:kubeadm:default-node-token");
    assert!(!format!("{token:?}").contains(&field("token-secret")));

    // Asked for again it is the same one: a server may have been told it already.
    assert_eq!(fake.live.bootstrap_token(&node, until(30)).await.unwrap(), token);
    assert_eq!(fake.another("tidegate").await.bootstrap_token(&node, until(30)).await.unwrap(), token);
    assert_eq!(fake.asked("POST", SECRETS), 1);
    // Near its end it is no use to a server that is yet to be made.
    let later = fake.live.bootstrap_token(&node, until(60)).await.unwrap();
    assert_ne!(later, token);
    assert_eq!(decoded(only(&fake).1["data"]["expiration"].as_str().unwrap()), "2026-11-24T13:00:00Z");

    fake.live.revoke_token(&node).await.unwrap();
    assert!(fake.object(&path).is_none());
    fake.live.revoke_token(&node).await.unwrap();
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_left_alone() {
    let fake = Fake::start().await;
    let node = Name::from("burst-1");
    fake.live.bootstrap_token(&node, until(25)).await.unwrap();
    let (path, _) = only(&fake);
    fake.with(|objects| objects.change(&path, |secret| secret["metadata"]["annotations"] = json!({})));
    let refused = fake.live.bootstrap_token(&node, until(25)).await;
    assert!(matches!(&refused, Err(ClusterError::Conflict(what)) if what.contains("bootstrap-token-")), "{refused:?}");
    fake.live.revoke_token(&node).await.unwrap();
    assert!(fake.object(&path).is_some());
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let fake = Fake::start().await;
    let role = "secrets is forbidden: User \"ada\" cannot create resource";
    fake.answers("POST", SECRETS, vec![refusal(403, "Forbidden", role)]);
    let refused = fake.live.bootstrap_token(&"burst-1".into(), until(25)).await.unwrap_err().to_string();
    assert_eq!(refused, "not allowed to create secrets in namespace kube-system (bootstrap tokens) as ada");
}

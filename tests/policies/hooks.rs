//! Hooks: each calls one thing, and says what else to write where it does not.

use tidegate::policy::{HookCall, Loaded, OnFailure, PolicySource, load};

fn policy(hooks: &str) -> Loaded {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n  \
         pools: [{{name: a, nodes: {{names: \"n-{{1..4}}\"}}}}]\n  hooks:\n{hooks}"
    );
    let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
    crate::helped(&loaded.problems);
    loaded
}

#[test]
fn a_hook_calls_one_thing() {
    for (hook, code) in [
        ("{name: a, when: beforeDrain}", "one-call"),
        ("{name: a, when: beforeDrain, command: x, webhook: \"https://y.example\"}", "one-call"),
        ("{name: a, when: beforeDrain, command: []}", "empty"),
        ("{name: a, when: beforeDrain, command: [\"\"]}", "empty-text"),
        ("{name: a, when: afterWake, webhook: hooks.example}", "bad-url"),
        ("{name: a, when: afterWake, webhook: \"https://\"}", "bad-url"),
        ("{name: a, when: afterWake, command: x, deadline: 0s}", "out-of-range"),
        ("{name: a, when: sometimes, command: x}", "unknown-value"),
        ("{name: a, command: x}", "missing-field"),
    ] {
        let loaded = policy(&format!("    - {hook}\n"));
        let codes: Vec<&str> = loaded.problems.iter().map(|problem| &*problem.code).collect();
        assert!(loaded.policy.is_none() && codes.contains(&code), "{hook}: {codes:?}");
    }
}

#[test]
fn what_is_not_written_is_thirty_seconds_and_stop() {
    let loaded = policy("    - {name: a, when: beforeDrain, command: x}\n").policy.unwrap();
    let hook = &loaded.hooks[0];
    assert_eq!((hook.deadline.as_secs(), hook.on_failure), (30, OnFailure::Stop));
    assert_eq!(hook.call, HookCall::Command(vec!["x".into()]));
}

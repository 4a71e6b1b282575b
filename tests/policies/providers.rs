//! Providers: each is one thing, and a program's pools go in a way that it knows.

use tidegate::policy::{Idle, Loaded, PolicySource, ProviderKind, load, print_effective};

fn policy(provider: &str, pool: &str) -> Loaded {
    let text = format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: p}}\nspec:\n  \
         providers: [{{name: own{provider}}}]\n  pools: [{{name: a, nodes: {{names: \"n-{{1..4}}\"}}{pool}}}]\n"
    );
    let loaded = load(&[PolicySource { path: "p.yaml".into(), text: text.into_bytes() }]);
    crate::helped(&loaded.problems);
    loaded
}

#[test]
fn a_provider_is_one_thing_and_its_pools_go_as_it_knows() {
    const MADE: &str = ", idle: delete, create: {image: u, flavors: s}";
    for (provider, pool, code) in [
        ("", "", "one-provider"),
        (", openstack: {cloud: c}, command: {run: x}", "", "one-provider"),
        (", command: {}", MADE, "missing-field"),
        (", command: {run: []}", MADE, "empty"),
        (", command: {run: x, deadline: 0s}", MADE, "out-of-range"),
        (", command: {run: x, parks: sleep}", MADE, "unknown-value"),
        (", command: {run: x, parks: [stop, delete]}", MADE, "out-of-place"),
        (", command: {run: x}", "", "cannot-park"),
        (", command: {run: x, parks: [stop]}", ", idle: suspend", "cannot-park"),
    ] {
        let loaded = policy(provider, pool);
        let codes: Vec<&str> = loaded.problems.iter().map(|problem| &*problem.code).collect();
        assert!(loaded.policy.is_none() && codes.contains(&code), "{provider}{pool}: {codes:?}");
    }
    for (provider, pool, parks) in [
        (", command: {run: x}", MADE, vec![]),
        (", command: {run: [x, -y], deadline: 20m, parks: [stop, shelve]}", "", vec![Idle::Stop, Idle::Shelve]),
    ] {
        let loaded = policy(provider, pool);
        let policy = loaded.policy.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
        let ProviderKind::Command { parks: found, .. } = &policy.providers["own"].kind else { panic!("a program") };
        assert_eq!(*found, parks);
        let printed = print_effective(&policy);
        let again = load(&[PolicySource { path: "printed.yaml".into(), text: printed.clone().into_bytes() }]);
        assert_eq!(again.policy.map(|policy| policy.digest), Some(policy.digest), "{printed}");
    }
}

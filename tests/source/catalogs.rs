//! Catalogs that policies name: read from beside the policy, in git at the policy's commit, and missed when they change.

use crate::ground::{Ground, WORKSHOP, text};

const NOW: &str = "2026-11-10T16:30";

fn policy(catalog: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {{name: drawn}}\nspec:\n  \
         providers: [{{name: cloud, openstack: {{cloud: x}}}}]\n  pools:\n    - name: burst\n      \
         nodes: {{names: \"burst-{{1..3}}\"}}\n      min: 1\n      idle: delete\n      \
         create: {{image: ubuntu, catalog: {catalog}}}\n"
    )
}

fn list(price: &str) -> String {
    format!("instance_type,vcpu,memory_gib,price_usd_per_hour\nsmall,4,16,{price}\nlarge,8,32,0.9\n")
}

fn planned(ground: &Ground, words: &[&str], more: &[&str]) -> (i32, String) {
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let files: Vec<&str> = words.iter().flat_map(|word| ["-f", word]).collect();
    let rest = ["--snapshot", &cluster, "--now", NOW];
    let output = ground.tidegate(&[&["plan"], files.as_slice(), &rest, more].concat());
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn a_catalog_is_read_from_where_its_policy_is() {
    let ground = Ground::new();
    ground.commit(&[("pools/policy.yaml", &policy("../lists/prices.csv")), ("lists/prices.csv", &list("0.2"))]);
    let first = ground.git(&["rev-parse", "HEAD"]);
    ground.commit(&[("lists/prices.csv", &list("0.3"))]);
    // The working tree is a third state, which only paths on disk see.
    ground.write("lists/prices.csv", &list("0.4"));
    let at = |rest: &str| ground.address(rest);
    for (word, price) in [
        (at("//pools?ref=main"), "0.3"),
        (at("//pools/policy.yaml?ref=main"), "0.3"),
        (at(&format!("//pools?ref={first}")), "0.2"),
        ("pools".to_owned(), "0.4"),
        ("pools/policy.yaml".to_owned(), "0.4"),
        ("./pools/../pools/policy.yaml".to_owned(), "0.4"),
    ] {
        let (code, said) = planned(&ground, &[&word], &[]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("1 to create (small)") && said.contains(&format!("{price} USD/h")), "{word}: {said}");
    }
    let before = ground.tidegate(&[
        "diff",
        "HEAD~1",
        "HEAD",
        "-f",
        "pools",
        "--snapshot",
        &format!("{WORKSHOP}/cluster.yaml"),
        "--now",
        NOW,
    ]);
    assert!(before.status.success(), "{}", text(&before.stderr));
    // It may lie in the folder that is read, and be named as a file of its own.
    ground.write("all/policy.yaml", &policy("./catalog.yaml"));
    let own = "apiVersion: tidegate.dev/v1alpha1\nkind: Catalog\nspec: {flavors: [{name: own, capacity: {cpu: 4, memory: 8Gi}}]}\n";
    ground.write("all/catalog.yaml", own);
    for words in [&["all"][..], &["all/policy.yaml"], &["all/policy.yaml", "all/catalog.yaml"]] {
        let (code, said) = planned(&ground, words, &[]);
        assert!(code == 0 && said.contains("1 to create (own)"), "{said}");
    }
}

#[test]
fn a_catalog_that_is_not_there_or_leads_out_is_said() {
    let ground = Ground::new();
    ground.commit(&[("p/policy.yaml", &policy("none.csv")), ("q/policy.yaml", &policy("../../out.csv"))]);
    std::fs::write(ground.path("out.csv"), list("0.1")).unwrap();
    for (word, said) in [
        (ground.address("//p?ref=main"), "there is no catalog `p/none.csv@"),
        ("p/policy.yaml".to_owned(), "there is no catalog `p/none.csv`"),
        (ground.address("//q?ref=main"), "out of the repository"),
    ] {
        let (code, found) = planned(&ground, &[&word], &[]);
        assert!(code == 1 && found.contains(said), "{word}: {found}");
    }
    assert_eq!(planned(&ground, &["q/policy.yaml"], &[]).0, 0, "on disk it is the user's own");
}

/// A saved plan is of the catalog's content too, and says which file changed.
#[test]
fn a_plan_is_stale_when_its_catalog_changed() {
    let ground = Ground::new();
    ground.write("policy.yaml", &policy("prices.csv"));
    ground.write("prices.csv", &list("0.2"));
    let (code, said) = planned(&ground, &["policy.yaml"], &["--out", "plan.json"]);
    assert!(code == 0 && !said.contains("-f prices.csv"), "{said}");
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let verify = || {
        let output = ground.tidegate(&["verify", "plan.json", "--snapshot", &cluster]);
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    };
    assert_eq!(verify().0, 0, "{}", verify().1);
    ground.write("prices.csv", &list("0.8"));
    let (code, said) = verify();
    assert!(code == 4 && said.contains("`prices.csv` has changed since it was made"), "{code}: {said}");
}

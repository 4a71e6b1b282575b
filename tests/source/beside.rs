//! A file that a policy names beside it is read at the policy's own commit.

use crate::ground::{Ground, WORKSHOP, text};

fn policy(file: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata:\n  name: made\nspec:\n  providers: [{{name: \
         cloud, openstack: {{cloud: c}}}}]\n  pools:\n    - name: burst\n      nodes: {{names: \"burst-{{1..4}}\"}}\n      \
         idle: delete\n      create: {{image: ubuntu, flavors: m3.small, userData: {{file: {file}}}}}\n"
    )
}

fn digest(ground: &Ground, address: &str) -> String {
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let output = ground.tidegate(&["plan", "-f", address, "--snapshot", &cluster, "--format", "json"]);
    let plan: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    plan["policy"]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn user_data_is_read_at_the_commit_of_its_policy() {
    let ground = Ground::new();
    let first = ground
        .commit(&[("pools/policy.yaml", &policy("boot/join.yaml")), ("pools/boot/join.yaml", "#cloud-config\na: 1\n")]);
    let second = ground.commit(&[("pools/boot/join.yaml", "#cloud-config\na: 2\n")]);
    // Not committed: read from the folder, and from no commit.
    ground.write("pools/boot/join.yaml", "#cloud-config\na: 3\n");
    let at = |commit: &str| digest(&ground, &ground.address(&format!("//pools?ref={commit}")));
    let file = digest(&ground, &ground.address(&format!("//pools/policy.yaml?ref={second}")));
    let digests = [at(&first), at(&second), digest(&ground, "pools")];
    assert_eq!(digests[1], file);
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2], "{digests:?}");
    let cluster = format!("{WORKSHOP}/cluster.yaml");
    let output = ground.tidegate(&["diff", "HEAD~1", "HEAD", "-f", "pools", "--snapshot", &cluster]);
    assert!(output.status.success(), "{}", text(&output.stderr));

    ground.commit(&[("pools/policy.yaml", &policy("none.sh"))]);
    let said = ground.read(&ground.address("//pools/policy.yaml?ref=main"), &[]).unwrap_err();
    let said: String = said.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ");
    assert!(said.contains("`none.sh` cannot be read: ") && said.contains("there is no `pools/none.sh`"), "{said}");
}

//! What stands at a path of a commit, and whatever may stand there instead of policy.

use crate::ground::{Ground, policy};

fn link(ground: &Ground, target: &str, name: &str) {
    let path = ground.path("team").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(target, path).unwrap();
}

#[test]
fn links_inside_the_repository_are_followed_and_others_are_refused() {
    let ground = Ground::new();
    std::fs::write(ground.path("outside.yaml"), policy("outside")).unwrap();
    let outside = ground.path("outside.yaml").display().to_string();
    link(&ground, "../shared/p.yaml", "inside/p.yaml");
    link(&ground, "./inside/../inside/p.yaml", "twice/p.yaml");
    link(&ground, "../inside/p.yaml", "twice/q.yaml");
    link(&ground, "shared", "folder");
    link(&ground, "../../outside.yaml", "out/p.yaml");
    link(&ground, &outside, "absolute/p.yaml");
    link(&ground, "none.yaml", "nowhere/p.yaml");
    link(&ground, "circle.yaml", "circle.yaml");
    link(&ground, "b.yaml", "two/a.yaml");
    link(&ground, "a.yaml", "two/b.yaml");
    link(&ground, ".", "endless/again");
    link(&ground, "README", "readme/notes");
    ground.commit(&[
        ("shared/p.yaml", &policy("shared")),
        ("readme/p.yaml", &policy("readme")),
        ("endless/p.yaml", &policy("x")),
    ]);
    for (path, expected) in [
        ("inside", Ok("shared")),
        ("inside/p.yaml", Ok("shared")),
        ("folder", Ok("shared")),
        ("folder/p.yaml", Ok("shared")),
        ("twice/q.yaml", Ok("shared")),
        ("readme", Ok("readme")),
        ("twice/p.yaml", Err("`twice/p.yaml` is a link to `./inside/../inside/p.yaml`, which is not there")),
        ("out", Err("`out/p.yaml` is a link to `../../outside.yaml`, out of the repository")),
        ("out/p.yaml", Err("out of the repository")),
        ("absolute", Err("out of the repository")),
        ("nowhere", Err("`nowhere/p.yaml` is a link to `none.yaml`, which is not there")),
        ("circle.yaml", Err("a link to a link")),
        ("two", Err("a link to a link")),
        ("endless", Err("a link to a link")),
    ] {
        let read = ground.read(&ground.address(&format!("//{path}?ref=main")), &[]);
        match (read, expected) {
            (Ok(read), Ok(name)) => assert_eq!(read, name, "{path}"),
            (Err(said), Err(part)) => assert!(said.contains(part), "{path}: {said}"),
            (read, _) => panic!("{path}: {read:?}"),
        }
    }
}

#[test]
fn what_is_no_policy_is_named_with_the_next_step() {
    let ground = Ground::new();
    let other = Ground::with_policy();
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    let large = "#".repeat((4 << 20) + 1);
    ground.commit(&[
        ("policy.yaml", &policy("first")),
        ("empty/notes.md", "x"),
        ("lfs/p.yaml", lfs),
        ("large/p.yaml", &large),
        ("broken/p.yaml", "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nspec: {pols: []}\n"),
        ("weird/a?b%c#d.yaml", &policy("weird")),
    ]);
    ground.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &other.repository(),
        "vendored/other",
    ]);
    let head = ground.commit(&[]);
    let blob = ground.git(&["rev-parse", "HEAD:policy.yaml"]);
    ground.git(&["tag", "blob", &blob]);
    ground.git(&["branch", "twin"]);
    ground.git(&["tag", "twin"]);
    for (rest, said) in [
        ("//none.yaml?ref=main", "there is no `none.yaml`; there is `broken`, `empty`"),
        ("//empty/none?ref=main", "there is no `empty/none`; there is `notes.md`"),
        ("//policy.yaml/x?ref=main", "`policy.yaml` is a file, and no folder"),
        ("//empty?ref=main", "the folder `empty` has no `.yaml` or `.yml` file"),
        ("//lfs?ref=main", "kept in Git LFS"),
        ("//large?ref=main", "has 5 MiB, and a policy file may have 4"),
        ("//vendored/other?ref=main", "`vendored/other` is a submodule"),
        ("//vendored/other/policy.yaml?ref=main", "`vendored/other` is a submodule"),
        ("//vendored?ref=main", "`vendored/other` is a submodule"),
        ("//broken?ref=main", "has no field `pols`"),
        ("//policy.yaml?ref=none", "has no branch or tag `none`"),
        ("//policy.yaml?ref=refs/pull/1/head", "has no branch or tag `refs/pull/1/head`"),
        ("//policy.yaml?ref=mai", "has no branch or tag `mai`"),
        (&format!("//policy.yaml?ref={}", &head[..10]), "a commit is written with all 40 digits"),
        ("//policy.yaml?ref=0123456789abcdef0123456789abcdef01234567", "has no commit 0123456789abcdef"),
        (&format!("//policy.yaml?ref={blob}"), "is not a commit"),
        ("//policy.yaml?ref=blob", "`blob` of"),
        ("//policy.yaml?ref=twin", "both a branch and a tag"),
    ] {
        let read = ground.read(&ground.address(rest), &[]).unwrap_err();
        assert!(read.contains(said), "{rest}: {read}");
        assert!(read.lines().count() < 30, "{read}");
    }
    assert!(
        ground
            .read(&ground.address("//broken?ref=main"), &[])
            .unwrap_err()
            .contains(&format!("broken/p.yaml@{}:3", &head[..12]))
    );
    assert_eq!(ground.read(&ground.address("//weird/a%3Fb%25c%23d.yaml?ref=main"), &[]), Ok("weird".to_owned()));
    assert_eq!(ground.read(&ground.address("//policy.yaml?ref=refs/tags/twin"), &[]), Ok("first".to_owned()));
}

#[test]
fn a_repository_that_is_not_there_or_empty_is_told_apart() {
    let ground = Ground::new();
    let said = ground.read(&ground.address(""), &[]).unwrap_err();
    assert!(said.contains("has no commit at its HEAD"), "{said}");
    let said = ground.read(&format!("file://{}", ground.path("none.git").display()), &[]).unwrap_err();
    assert!(said.contains("there is no repository"), "{said}");
    let said = ground.read("https://ada:secret@example.org/p.git", &[]).unwrap_err();
    assert!(said.contains("credential helper") && !said.contains("secret"), "{said}");
}

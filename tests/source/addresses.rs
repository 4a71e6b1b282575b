//! Every way to name a commit and a path, over each protocol.

use std::fs;

use crate::ground::{Ground, policy, program, text};

#[test]
fn branch_tag_commit_and_path_name_what_is_read() {
    let ground = Ground::new();
    let first = ground.commit(&[("policy.yaml", &policy("first")), ("notes.md", "no policy")]);
    ground.git(&["tag", "light"]);
    ground.git(&["tag", "--annotate", "--message", "words", "v1"]);
    ground.git(&["tag", "--annotate", "--message", "words", "v1-again", "v1"]);
    ground.git(&["branch", "release/1"]);
    let second = ground.commit(&[("policy.yaml", &policy("second")), ("deep/er/p.yml", &policy("third"))]);
    ground.git(&["rm", "--quiet", "policy.yaml"]);
    ground.commit(&[("deep/er/p.yml", &policy("fourth"))]);
    let tag = ground.git(&["rev-parse", "v1"]);
    for (rest, expected) in [
        ("", "fourth".to_owned()),
        ("?ref=HEAD", "fourth".to_owned()),
        ("?ref=main", "fourth".to_owned()),
        ("//deep?ref=main", "fourth".to_owned()),
        ("//deep/er/p.yml?ref=refs/heads/main", "fourth".to_owned()),
        ("//policy.yaml?ref=release/1", "first".to_owned()),
        ("//policy.yaml?ref=release%2F1", "first".to_owned()),
        ("//policy.yaml?ref=light", "first".to_owned()),
        ("//policy.yaml?ref=v1", "first".to_owned()),
        ("//policy.yaml?ref=v1-again", "first".to_owned()),
        ("//policy.yaml?ref=refs/tags/v1", "first".to_owned()),
        (&format!("//policy.yaml?ref={first}"), "first".to_owned()),
        (&format!("//policy.yaml?ref={}", first.to_uppercase()), "first".to_owned()),
        (&format!("//policy.yaml?ref={tag}"), "first".to_owned()),
        (&format!("//deep?ref={second}"), "third".to_owned()),
    ] {
        assert_eq!(ground.read(&ground.address(rest), &[]), Ok(expected), "{rest}");
    }
    assert!(!ground.mirror().join("deep").exists(), "never a checkout");
    assert!(ground.mirror().join("shallow").exists(), "one commit is enough");
}

/// Several addresses make one policy, and a branch is looked up once, so that all of them are at the same commit.
#[test]
fn several_addresses_and_files_make_one_policy() {
    let ground = Ground::new();
    let brakes = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nspec: {brakes: {maxNodes: 3}}\n";
    ground.commit(&[("a/policy.yaml", &policy("both")), ("b/brakes.yaml", brakes)]);
    let (a, b) = (ground.address("//a?ref=main"), ground.address("//b?ref=main"));
    fs::write(ground.path("local.yaml"), brakes.replace("brakes: {maxNodes: 3}", "timeZone: Europe/Paris")).unwrap();
    let local = ground.path("local.yaml").display().to_string();
    let all = ground.tidegate(&["validate", "--print", "-f", &a, "-f", &b, "-f", &local, "-f", &a]);
    let said = text(&all.stdout);
    assert!(all.status.success(), "{}", text(&all.stderr));
    for part in ["both", "maxNodes: 3", "Europe/Paris"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// The user's own ssh, through what names it, told not to ask; the key and the configuration stay the user's.
#[test]
fn over_ssh_the_users_own_ssh_is_asked_without_prompts() {
    let mut ground = Ground::with_policy();
    let (log, bin) = (ground.path("log"), ground.path("bin"));
    let serve = format!("#!/bin/sh\necho \"$@\" >> {}\nfor last; do :; done\nexec sh -c \"$last\"\n", log.display());
    program(&bin.join("ssh"), &serve);
    program(&bin.join("own/ssh"), &serve.replace("\"$@\"", "own \"$@\""));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    ground.env = vec![("PATH".to_owned(), path), ("SSH_ASKPASS".to_owned(), "/bin/false".to_owned())];
    let team = ground.path("team").display().to_string();
    let addresses = [
        format!("ssh://git@example.org:2222{team}//policy.yaml?ref=main"),
        format!("git@example.org:{team}//policy.yaml"),
    ];
    for address in &addresses {
        assert_eq!(ground.read(address, &[]), Ok("first".to_owned()), "{address}");
    }
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.lines().count() >= 4 && said.lines().all(|line| line.contains("-o BatchMode=yes")), "{said}");
    assert!(said.contains("-p 2222") && said.lines().all(|line| line.contains("git@example.org")), "{said}");

    let own = bin.join("own/ssh").display().to_string();
    ground.git(&["config", "--global", "core.sshCommand", &format!("{own} -i key")]);
    ground.commit(&[("policy.yaml", &policy("second"))]);
    assert_eq!(ground.read(&addresses[1], &[]), Ok("second".to_owned()));
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.lines().last().unwrap().starts_with("own -i key -o BatchMode=yes"), "{said}");

    program(&bin.join("own/ssh"), "#!/bin/sh\necho 'git@example.org: Permission denied (publickey).' >&2\nexit 255\n");
    let said = ground.read(&addresses[1], &[]).unwrap_err();
    assert!(said.contains("asks for a name or a key that it was not given"), "{said}");
    assert!(said.contains("git ls-remote git@example.org:"), "the next step: {said}");
}

/// What a user's configuration or a repository could make git run: nothing of it is run.
#[test]
fn no_hook_no_submodule_no_other_protocol_and_no_foreign_environment() {
    let mut ground = Ground::with_policy();
    let trap = ground.path("trapped");
    let hook = format!("#!/bin/sh\ntouch {}\n", trap.display());
    for name in ["reference-transaction", "post-update", "pre-receive", "post-checkout"] {
        program(&ground.path("hooks").join(name), &hook);
        program(&ground.path("team/.git/hooks").join(name), &hook);
        program(&ground.path("home/template/hooks").join(name), &hook);
    }
    let hooks = ground.path("hooks").display().to_string();
    ground.git(&["config", "--global", "init.templateDir", &ground.path("home/template").display().to_string()]);
    ground.git(&["config", "--global", "core.hooksPath", &hooks]);
    ground.git(&["config", "--global", "submodule.recurse", "true"]);
    ground.git(&["config", "--global", "fetch.recurseSubmodules", "true"]);
    let other = ground.path("elsewhere").display().to_string();
    for key in ["GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        let mut env = vec![(key.to_owned(), other.clone())];
        std::mem::swap(&mut ground.env, &mut env);
        let read = ground.read(&ground.address("//policy.yaml?ref=main"), &[]);
        ground.env = env;
        assert_eq!(read, Ok("first".to_owned()), "{key}");
    }
    assert!(!trap.exists() && !ground.path("elsewhere").exists());
    assert!(!ground.mirror().join("hooks").exists());

    let ext = format!("ext::sh -c touch% {}% ", trap.display());
    ground.git(&["config", "--global", &format!("url.{ext}.insteadOf"), "https://example.org/"]);
    ground.git(&["config", "--global", "protocol.ext.allow", "always"]);
    let said = ground.read("https://example.org/p.git//policy.yaml", &[]).unwrap_err();
    assert!(said.contains("transport 'ext' not allowed"), "{said}");
    assert!(!trap.exists());
}

/// A checkout of a pipeline is shallow itself.
#[test]
fn a_shallow_checkout_is_read_like_any_other() {
    let ground = Ground::with_policy();
    ground.commit(&[("policy.yaml", &policy("second"))]);
    let shallow = ground.path("shallow").display().to_string();
    ground.git(&["clone", "--quiet", "--depth=1", &ground.repository(), &shallow]);
    assert_eq!(ground.read(&format!("file://{shallow}//policy.yaml?ref=main"), &[]), Ok("second".to_owned()));
}

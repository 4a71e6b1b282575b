//! Processes that share a mirror, and what one leaves behind that is killed.

use std::fs;
use std::process::{Child, Stdio};

use crate::ground::{Ground, PROGRAM, policy, program, text};

fn start(ground: &Ground, address: &str) -> Child {
    let mut command = ground.command(PROGRAM);
    command.args(["validate", "--print", "-f", address]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn many_at_once_all_read_what_they_asked_for() {
    let ground = Ground::with_policy();
    let mut addresses = Vec::new();
    for n in 0..6 {
        let commit = ground.commit(&[("policy.yaml", &policy(&format!("p{n}")))]);
        ground.git(&["tag", &format!("t{n}")]);
        addresses.push((format!("p{n}"), ground.address(&format!("//policy.yaml?ref=t{n}"))));
        addresses.push((format!("p{n}"), ground.address(&format!("//policy.yaml?ref={commit}"))));
    }
    let started: Vec<_> = addresses.iter().map(|(name, address)| (name, start(&ground, address))).collect();
    for (name, child) in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(&format!("name: \"{name}\"")), "{name}: {}", text(&output.stdout));
    }
}

/// Killed in the midst of a fetch: git goes on and keeps the mirror to itself until it ends, and what it leaves is cleared.
#[test]
fn one_that_was_killed_leaves_a_mirror_that_works() {
    let mut ground = Ground::with_policy();
    let (go, began) = (ground.path("go"), ground.path("began"));
    let slow = format!(
        "#!/bin/sh\ntouch {}\nwhile ! [ -e {} ]; do sleep 0.05; done\nfor last; do :; done\nexec sh -c \"$last\"\n",
        began.display(),
        go.display()
    );
    program(&ground.path("bin/ssh"), &slow);
    ground.env =
        vec![("PATH".to_owned(), format!("{}:{}", ground.path("bin").display(), std::env::var("PATH").unwrap()))];
    let address = format!("git@example.org:{}//policy.yaml?ref=main", ground.path("team").display());
    let mut first = start(&ground, &address);
    while !began.exists() {
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let said = ground.read(&address, &["--git-timeout", "1s"]).unwrap_err();
    assert!(said.contains("another process has been working with the mirror"), "{said}");
    fs::write(&go, "").unwrap();
    assert_eq!(ground.read(&address, &[]), Ok("first".to_owned()));

    let mirror = ground.mirror();
    for left in ["shallow.lock", "config.lock", "HEAD.lock", "packed-refs.lock", "objects/pack/tmp_pack_x", "gc.pid"] {
        fs::create_dir_all(mirror.join(left).parent().unwrap()).unwrap();
        fs::write(mirror.join(left), "left").unwrap();
    }
    ground.commit(&[("policy.yaml", &policy("second"))]);
    assert_eq!(ground.read(&address, &[]), Ok("second".to_owned()));
}

/// A mirror is a copy: one that is damaged is made again.
#[test]
fn a_damaged_mirror_is_made_again() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 4] = [
        ("no HEAD", |mirror| fs::remove_file(mirror.join("HEAD")).unwrap()),
        ("no objects", |mirror| fs::remove_dir_all(mirror.join("objects")).unwrap()),
        ("objects that are none", |mirror| spoil(&mirror.join("objects"))),
        ("a config that is none", |mirror| fs::write(mirror.join("config"), "[core\n").unwrap()),
    ];
    for (what, damage) in damages {
        let ground = Ground::with_policy();
        let address = ground.address("//policy.yaml?ref=main");
        assert_eq!(ground.read(&address, &[]), Ok("first".to_owned()));
        damage(&ground.mirror());
        assert_eq!(ground.read(&address, &[]), Ok("first".to_owned()), "{what}");
    }
}

fn spoil(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            spoil(&path);
        } else {
            fs::remove_file(&path).unwrap();
            fs::write(&path, "spoilt").unwrap();
        }
    }
}

//! `--require-signed`: whose signature counts is said by the operator, and each other one is refused by name.

use std::fs;

use crate::ground::{Ground, has, policy, text};

const MAIN: &str = "//policy.yaml?ref=main";

fn tool(ground: &Ground, program: &str, args: &[&str]) -> String {
    let done = ground.command(program).args(args).output().unwrap();
    assert!(done.status.success(), "{program} {args:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

/// An ssh key, with which git signs from here on.
fn ssh_key(ground: &Ground, name: &str) -> String {
    let path = ground.path("home").join(name).display().to_string();
    if !ground.path("home").join(name).exists() {
        tool(ground, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &path]);
    }
    ground.git(&["config", "gpg.format", "ssh"]);
    ground.git(&["config", "user.signingKey", &path]);
    let public = fs::read_to_string(format!("{path}.pub")).unwrap();
    public.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// A repository in which ada signs, and a list on which nobody else stands. None where nothing can be signed.
fn adas() -> Option<(Ground, String, String)> {
    if !has("ssh-keygen") {
        return None;
    }
    let ground = Ground::with_policy();
    let ada = ssh_key(&ground, "ada");
    let list = ground.path("allowed");
    fs::write(&list, format!("ada@example.org {ada}\n")).unwrap();
    Some((ground, ada, list.display().to_string()))
}

/// By whose signature something counts.
fn by(list: &str) -> [&str; 3] {
    ["--require-signed", "--allowed-signers", list]
}

fn signed_commit(ground: &Ground, name: &str) -> String {
    ground.write("policy.yaml", &policy(name));
    ground.git(&["add", "--all"]);
    ground.git(&["commit", "--quiet", "-S", "--message", name]);
    ground.git(&["rev-parse", "HEAD"])
}

#[test]
fn ssh_signers_are_told_apart_by_the_operators_list() {
    let Some((ground, ada, list)) = adas() else { return };
    signed_commit(&ground, "signed");
    let revoked = ground.path("revoked").display().to_string();
    let other = ssh_key(&ground, "other");
    fs::write(&revoked, format!("{ada}\n")).unwrap();
    let both = by(&list);
    let with_revoked = [both.as_slice(), &["--revoked-signers", &revoked]].concat();
    for (allowed, options, expected) in [
        (format!("ada@example.org {ada}\n"), both.as_slice(), Ok("signed")),
        (format!("x@y {other}\nada@example.org namespaces=\"git\" {ada}\n"), &both, Ok("signed")),
        (format!("*@example.org {ada}\n"), &both, Ok("signed")),
        (format!("ada@example.org valid-after=\"20200101\",valid-before=\"29990101\" {ada}\n"), &both, Ok("signed")),
        (format!("x@y {other}\n"), &both, Err("which nobody on your list has")),
        (String::new(), &both, Err("which nobody on your list has")),
        (format!("ada@example.org valid-before=\"20200101\" {ada}\n"), &both, Err("whose key has expired")),
        (format!("ada@example.org valid-after=\"29990101\" {ada}\n"), &both, Err("whose key is not good yet")),
        (format!("ada@example.org namespaces=\"file\" {ada}\n"), &both, Err("for other uses than git")),
        (format!("ada@example.org {ada}\n"), &with_revoked, Err("signed by ada@example.org, whose key was revoked")),
        (format!("ada@example.org {ada}\n"), &["--require-signed"], Err("nobody's counts")),
    ] {
        fs::write(&list, &allowed).unwrap();
        match (ground.read(&ground.address(MAIN), options), expected) {
            (Ok(read), Ok(name)) => assert_eq!(read, name, "{allowed}"),
            (Err(said), Err(part)) => assert!(said.contains(part), "{allowed}: {said}"),
            (read, _) => panic!("{allowed}: {read:?}"),
        }
    }
    let said = ground.read(&ground.address(MAIN), &["--require-signed", "--allowed-signers", "none"]).unwrap_err();
    assert!(said.contains("there is no file `none`"), "{said}");
    fs::write(ground.path("local.yaml"), policy("local")).unwrap();
    fs::write(&list, format!("ada@example.org {ada}\n")).unwrap();
    let said = ground.read(&ground.path("local.yaml").display().to_string(), &both).unwrap_err();
    assert!(said.contains("is not in git"), "{said}");
}

/// A key that has expired signs nothing, whatever date a commit gives itself.
#[test]
fn a_commit_that_dates_itself_back_is_refused_by_an_expired_key() {
    let Some((mut ground, ada, list)) = adas() else { return };
    ground.env = vec![("GIT_COMMITTER_DATE".to_owned(), "2019-01-01T00:00:00Z".to_owned())];
    signed_commit(&ground, "backdated");
    ground.env.clear();
    fs::write(&list, format!("ada@example.org valid-before=\"20200101\" {ada}\n")).unwrap();
    let said = ground.read(&ground.address(MAIN), &by(&list)).unwrap_err();
    assert!(said.contains("whose key has expired"), "{said}");
}

/// Neither the repository nor the user's configuration has a say in it.
#[test]
fn nobody_but_the_operator_says_whose_signature_counts() {
    let Some((ground, ada, list)) = adas() else { return };
    let eve = ssh_key(&ground, "eve");
    let own = ground.path("eves").display().to_string();
    fs::write(&own, format!("ada@example.org {eve}\n")).unwrap();
    ground.write("allowed", &format!("ada@example.org {eve}\n"));
    signed_commit(&ground, "eves");
    for scope in ["--local", "--global"] {
        ground.git(&["config", scope, "gpg.ssh.allowedSignersFile", &own]);
        ground.git(&["config", scope, "gpg.ssh.program", "/bin/true"]);
        ground.git(&["config", scope, "gpg.program", "/bin/true"]);
    }
    fs::write(&list, format!("ada@example.org {ada}\n")).unwrap();
    let said = ground.read(&ground.address(MAIN), &by(&list)).unwrap_err();
    assert!(said.contains("which nobody on your list has") && said.contains("SHA256:"), "{said}");
}

/// What is unsigned, what was changed after it was signed, and whose signature stands under other words.
#[test]
fn unsigned_and_forged_commits_are_refused() {
    let Some((ground, _, list)) = adas() else { return };
    let options = by(&list);
    let said = ground.read(&ground.address(MAIN), &options).unwrap_err();
    assert!(said.contains("is not signed"), "{said}");

    let signed = signed_commit(&ground, "good");
    assert_eq!(ground.read(&ground.address(MAIN), &options), Ok("good".to_owned()));
    // A commit on top that is not signed: a signed one below it is no help.
    let top = ground.commit(&[("policy.yaml", &policy("bad"))]);
    let said = ground.read(&ground.address(MAIN), &options).unwrap_err();
    assert!(said.contains(&format!("commit {}", &top[..12])) && said.contains("is not signed"), "{said}");
    // The good commit's signature, over another tree.
    let good = ground.git(&["cat-file", "commit", &signed]);
    let tree = |commit: &str| ground.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
    let forged = good.replacen(&tree(&signed), &tree(&top), 1) + "\n";
    assert_ne!(tree(&signed), tree(&top));
    let spoilt = good.replacen("-----BEGIN SSH SIGNATURE-----\n U1", "-----BEGIN SSH SIGNATURE-----\n AA", 1) + "\n";
    let other_kind = good.replace("SSH SIGNATURE", "SIGNED MESSAGE") + "\n";
    let empty = good.split("gpgsig ").next().unwrap().to_owned() + "gpgsig \n\nwords\n";
    for (what, object) in [("forged", forged), ("spoilt", spoilt), ("x509", other_kind), ("empty", empty)] {
        fs::write(ground.path("object"), object).unwrap();
        let path = ground.path("object").display().to_string();
        let id = ground.git(&["hash-object", "-w", "--literally", "-t", "commit", &path]);
        ground.git(&["update-ref", &format!("refs/heads/{what}"), &id]);
        let said = ground.read(&ground.address(&format!("//policy.yaml?ref={what}")), &options).unwrap_err();
        let parts = ["does not fit", "of which none counts", "is not signed"];
        assert!(parts.iter().any(|part| said.contains(part)), "{what}: {said}");
        assert!(ground.read(&ground.address(&format!("//policy.yaml?ref={what}")), &[]).is_ok(), "{what} is a commit");
    }
}

/// A signed tag stands for a commit that nobody signed, under its own name only.
#[test]
fn a_signed_tag_counts_under_its_own_name() {
    let Some((ground, _, list)) = adas() else { return };
    let options = by(&list);
    let read = |reference: &str| ground.read(&ground.address(&format!("//policy.yaml?ref={reference}")), &options);
    ground.git(&["tag", "--sign", "--message", "words", "v1"]);
    ground.git(&["tag", "--annotate", "--message", "words", "unsigned"]);
    let id = ground.git(&["rev-parse", "refs/tags/v1"]);
    ground.git(&["update-ref", "refs/tags/v2", &id]);
    ground.git(&["tag", "light"]);
    assert_eq!(read("v1"), Ok("first".to_owned()));
    assert!(read("v2").unwrap_err().contains("its signature is for another name"));
    assert!(read("unsigned").unwrap_err().contains("is not signed"));
    assert!(read("light").unwrap_err().contains("is not signed"));
    // By another key than the list has, a tag is refused even over a commit that is signed well.
    signed_commit(&ground, "second");
    ssh_key(&ground, "eve");
    ground.git(&["tag", "--sign", "--message", "words", "eves"]);
    assert!(read("eves").unwrap_err().contains("which nobody on your list has"));
    ground.git(&["tag", "--annotate", "--message", "words", "plain"]);
    assert_eq!(read("plain"), Ok("second".to_owned()), "an unsigned tag of a signed commit");

    let plan = ground.tidegate(&[
        "plan",
        "-f",
        &ground.address("//policy.yaml?ref=plain"),
        "--format",
        "json",
        "--require-signed",
        "--allowed-signers",
        &list,
        "--snapshot",
        &format!("{}/cluster.yaml", crate::ground::WORKSHOP),
    ]);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["policy"]["revisions"][0]["signedBy"], "ada@example.org");
}

#[test]
fn gpg_signers_are_told_apart_by_the_operators_keyring() {
    if !has("gpg") {
        return;
    }
    let mut ground = Ground::with_policy();
    // Sockets of its agent have short names only.
    let own = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap();
    let own = own.path().display().to_string();
    ground.env = vec![("GNUPGHOME".to_owned(), own.clone())];
    ground.git(&["config", "gpg.format", "openpgp"]);
    let keyring = |name: &str, keys: &str| {
        let home = ground.path(name);
        fs::create_dir(&home).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        if !keys.is_empty() {
            fs::write(ground.path("keys"), keys).unwrap();
            let (home, keys) = (home.display().to_string(), ground.path("keys").display().to_string());
            tool(&ground, "gpg", &["--homedir", &home, "--no-autostart", "--batch", "--quiet", "--import", &keys]);
        }
        home.display().to_string()
    };
    let make = |who: &str, expires: &str, at: Option<&str>| {
        let mut args = vec!["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"];
        if let Some(at) = at {
            args.extend(["--faked-system-time", at]);
        }
        args.extend(["--quick-generate-key", who, "ed25519", "sign", expires]);
        tool(&ground, "gpg", &args);
        tool(&ground, "gpg", &["--batch", "--armor", "--export", who])
    };
    let sign = |who: &str, name: &str| {
        ground.git(&["config", "user.signingKey", who]);
        signed_commit(&ground, name)
    };
    let ada = make("Ada <ada@example.org>", "0", None);
    let commit = sign("ada@example.org", "adas");
    let bob = make("Bob <bob@example.org>", "0", None);
    let adas = keyring("adas", &ada);
    let address = ground.address(&format!("//policy.yaml?ref={commit}"));
    let read = |home: &str| ground.read(&address, &["--require-signed", "--gpg-home", home]);
    assert_eq!(read(&adas), Ok("adas".to_owned()));
    for (what, home, part) in [
        ("unknown", keyring("bobs", &bob), "which nobody on your list has"),
        ("none", keyring("empty", ""), "which nobody on your list has"),
        ("no folder", ground.path("nothing").display().to_string(), "there is no folder"),
    ] {
        let said = read(&home).unwrap_err();
        assert!(said.contains(part), "{what}: {said}");
    }
    let said = ground.read(&ground.address("//policy.yaml?ref=main~0"), &[]).unwrap_err();
    assert!(said.contains("cannot be the name"), "{said}");

    // Revoked: with the certificate that gpg keeps for every key.
    let revocations = fs::read_dir(format!("{own}/openpgp-revocs.d")).unwrap();
    let fingerprint = tool(&ground, "gpg", &["--batch", "--with-colons", "--fingerprint", "ada@example.org"]);
    let fingerprint = fingerprint
        .lines()
        .find_map(|line| line.strip_prefix("fpr:::::::::"))
        .unwrap()
        .trim_end_matches(':')
        .to_owned();
    let certificate = revocations
        .map(|file| file.unwrap().path())
        .find(|path| path.display().to_string().contains(&fingerprint))
        .unwrap();
    let certificate = fs::read_to_string(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    let said = read(&keyring("revoked", &format!("{ada}\n{certificate}"))).unwrap_err();
    assert!(said.contains("signed by Ada <ada@example.org>, whose key was revoked"), "{said}");

    // Expired: made and used in the past, by a clock that says so.
    let old = make("Old <old@example.org>", "2020-01-01", Some("20190101T000000"));
    let faked = ground.path("gpg-then");
    crate::ground::program(&faked, "#!/bin/sh\nexec gpg --faked-system-time 20190601T000000 \"$@\"\n");
    ground.git(&["config", "gpg.program", &faked.display().to_string()]);
    let commit = sign("old@example.org", "olds");
    let address = ground.address(&format!("//policy.yaml?ref={commit}"));
    let said = ground.read(&address, &["--require-signed", "--gpg-home", &keyring("olds", &old)]).unwrap_err();
    assert!(said.contains("signed by Old <old@example.org>, whose key has expired"), "{said}");

    // A key of the other kind is named.
    let said = ground.read(&address, &["--require-signed", "--allowed-signers", "../home/.gitconfig"]).unwrap_err();
    assert!(said.contains("it is signed with a GnuPG key") && said.contains("--gpg-home"), "{said}");
    let _ = ground.command("gpgconf").args(["--kill", "all"]).status();
}

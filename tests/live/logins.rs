//! Who we are to a cluster: by a program, a file, a pod's own account; and the way there through a proxy.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assert_cmd::Command;
use tidegate::cluster::live::{Connect, Live};

use super::server::Server;
use super::{PATIENCE, cluster, kubeconfig, run};

/// What must be in no message.
const SECRET: &str = "hunter2";

/// A kubeconfig whose user is this YAML.
fn with_user(folder: &Path, server: &str, user: &str) -> PathBuf {
    let file = kubeconfig(folder, server);
    let text = fs::read_to_string(&file).unwrap().replace("{token: t}", user);
    fs::write(&file, text).unwrap();
    file
}

fn connect(file: &Path) -> Result<Live, String> {
    let asked = Connect { kubeconfig: Some(file.to_owned()), patience: PATIENCE, ..Connect::default() };
    run(Live::connect(&asked)).map_err(|error| error.to_string())
}

fn program(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("login");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn exec(program: &Path) -> String {
    let name = program.display();
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{name}', interactiveMode: Never, \
         installHint: ask Ada}}}}"
    )
}

#[test]
fn a_login_program_and_a_token_file_say_who_we_are() {
    let server = Server::start(cluster(0));
    let folder = tempfile::tempdir().unwrap();
    let credential = |token: &str| {
        format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}"}}}}"#
        )
    };
    let login =
        program(folder.path(), &format!("test -n \"$KUBERNETES_EXEC_INFO\" && echo '{}'", credential("by-program")));
    connect(&with_user(folder.path(), &server.address(), &exec(&login))).unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "by-file").unwrap();
    connect(&with_user(folder.path(), &server.address(), &format!("{{tokenFile: '{}'}}", token.display()))).unwrap();
    let tokens: Vec<String> = server.asked().into_iter().filter_map(|asked| asked.token).collect();
    assert_eq!(tokens, ["by-program", "by-file"]);
}

#[test]
fn a_login_that_comes_to_nothing_names_its_program_or_file_and_tells_no_secret() {
    let server = Server::start(cluster(0));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let login = path("login").display().to_string();
    let scripts = [
        (format!("echo {SECRET}; exit 3"), "ended with exit status: 3: run it by hand to see why, or log in again"),
        (format!("echo '{{{SECRET}: ['"), "printed is not an ExecCredential"),
        ("echo '{\"kind\": \"ExecCredential\"}'".to_owned(), "printed an ExecCredential without a `status`"),
        ("exec sleep 30".to_owned(), "did not end within 8 s: run it by hand to see what it waits for"),
    ];
    for (script, words) in scripts {
        let file = with_user(folder.path(), &server.address(), &exec(&program(folder.path(), &script)));
        let error = connect(&file).unwrap_err();
        let start = format!("cannot use the cluster of context `play` at {}: ", server.address());
        assert!(error.starts_with(&start) && error.contains(words), "{error}");
        assert!(error.contains(&format!("its login program `{login}`")) || error.contains(&login), "{error}");
        assert!(!error.contains(SECRET), "{error}");
    }
    let nobody = path("nobody");
    let error = connect(&with_user(folder.path(), &server.address(), &exec(&nobody))).unwrap_err();
    let says = format!("its login program `{}` cannot be run: No such file or directory", nobody.display());
    assert!(error.contains(&says) && error.contains("(ask Ada)"), "{error}");
    let file = format!("{{tokenFile: '{}'}}", nobody.display());
    let error = connect(&with_user(folder.path(), &server.address(), &file)).unwrap_err();
    assert!(error.contains(&format!("its token file `{}` cannot be read: No such file", nobody.display())), "{error}");
    let token = path("token");
    fs::write(&token, format!("{SECRET}\n")).unwrap();
    let file = format!("{{tokenFile: '{}'}}", token.display());
    let error = connect(&with_user(folder.path(), &server.address(), &file)).unwrap_err();
    assert!(error.contains("such as a line break at the end of its file") && !error.contains(SECRET), "{error}");
    assert!(server.asked().is_empty(), "nobody is asked without a login");
}

fn snapshot(folder: &Path, file: Option<&Path>, set: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::cargo_bin("tidegate").unwrap();
    for name in ["KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.envs(set.iter().copied()).env("HOME", folder).arg("snapshot").arg("--out").arg(folder.join("out.json"));
    if let Some(file) = file {
        command.arg("--kubeconfig").arg(file);
    }
    let output = command.timeout(std::time::Duration::from_secs(60)).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_pod_without_the_token_of_its_account_says_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) =
        snapshot(folder.path(), None, &[("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", "1")]);
    assert_eq!(code, Some(1));
    assert!(said.contains("this pod's own ServiceAccount cannot be used") && said.contains("No such file"), "{said}");
    assert!(said.contains("automountServiceAccountToken") && said.contains("`--kubeconfig FILE`"), "{said}");
}

/// H17: the node that Tidegate itself runs on stays, also in a plan made from a snapshot that was taken there.
#[test]
fn h17_the_node_that_this_runs_on_stays() {
    let server = Server::start(cluster(2));
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), &server.address());
    let policy = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: p}\nspec:\n  pools:\n  \
                  - {name: all, nodes: {names: \"n-*\"}, max: 0}\n";
    fs::write(folder.path().join("policy.yaml"), policy).unwrap();
    let a_pod = [("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("POD_NAMESPACE", "a"), ("POD_NAME", "p-0001")];
    for (environment, runs_here) in [(a_pod.as_slice(), true), (&a_pod[1..], false)] {
        let (code, said) = snapshot(folder.path(), Some(&file), environment);
        assert_eq!(code, Some(0), "{said}");
        let mut plan = Command::cargo_bin("tidegate").unwrap();
        let plan =
            plan.current_dir(folder.path()).args(["plan", "-f", "policy.yaml", "--snapshot", "out.json"]).output();
        let plan = String::from_utf8(plan.unwrap().stdout).unwrap();
        assert_eq!(plan.contains("Tidegate itself runs on it (a/p-0001)"), runs_here, "{plan}");
    }
}

/// A proxy that lets through whom it likes.
fn proxy(target: String, lets_in: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, used) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let count = used.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (target, count) = (target.clone(), count.clone());
            std::thread::spawn(move || tunnel(client, &target, lets_in, &count));
        }
    });
    (address, used)
}

fn tunnel(mut client: TcpStream, target: &str, lets_in: bool, count: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(line.starts_with("CONNECT "), "{line}");
    while reader.read_line(&mut line).ok()? > 2 {}
    count.fetch_add(1, Ordering::SeqCst);
    if !lets_in {
        return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").ok();
    }
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let mut server = TcpStream::connect(target).ok()?;
    let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut client, &mut server).ok().map(drop)
}

#[test]
fn the_way_through_a_proxy_is_taken_where_the_environment_or_the_kubeconfig_names_one() {
    let server = Server::start(cluster(1));
    let folder = tempfile::tempdir().unwrap();
    let target = server.address().trim_start_matches("http://").to_owned();
    let (through, used) = proxy(target.clone(), true);
    // A name that nobody knows: who goes there without the proxy does not arrive.
    let file = kubeconfig(folder.path(), "http://kubernetes.invalid");
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let before = used.load(Ordering::SeqCst);
        let (code, said) = snapshot(folder.path(), Some(&file), &[(name, &through)]);
        assert_eq!((code, used.load(Ordering::SeqCst) > before), (Some(0), true), "{said}");
    }
    let text = fs::read_to_string(&file).unwrap();
    let named = format!("server: 'http://kubernetes.invalid', proxy-url: '{through}'");
    fs::write(&file, text.replace("server: 'http://kubernetes.invalid'", &named)).unwrap();
    let (code, said) = snapshot(folder.path(), Some(&file), &[]);
    assert_eq!(code, Some(0), "{said}");

    // Not for whom the environment excludes.
    let (refusing, refused) = proxy(target, false);
    let file = kubeconfig(folder.path(), &server.address());
    let (code, said) = snapshot(folder.path(), Some(&file), &[("HTTPS_PROXY", &refusing), ("NO_PROXY", "127.0.0.1")]);
    assert_eq!((code, refused.load(Ordering::SeqCst)), (Some(0), 0), "{said}");
    let named = text.replace("server: 'http://kubernetes.invalid'", &named.replace(&through, &refusing));
    fs::write(&file, named).unwrap();
    let error = connect(&file).unwrap_err();
    assert!(
        error.contains("http://kubernetes.invalid: the cluster does not answer") && error.contains("proxy"),
        "{error}"
    );
}

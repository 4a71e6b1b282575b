//! From a kubeconfig to a cluster: each way in which that fails says which file, which context and what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use tidegate::cluster::live::{Connect, ConnectError, Live};

use super::server::{Server, forbidden, status};
use super::{PATIENCE, cluster, kubeconfig, run};

fn connect(file: &Path, context: Option<&str>) -> Result<Live, ConnectError> {
    let asked = Connect {
        kubeconfig: Some(file.to_owned()),
        context: context.map(str::to_owned),
        patience: PATIENCE,
        ..Connect::default()
    };
    run(Live::connect(&asked))
}

#[test]
fn the_context_is_the_one_that_was_named_or_the_current_one() {
    let server = Server::start(cluster(0));
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), &server.address());
    for context in [None, Some("play")] {
        let live = connect(&file, context).unwrap();
        assert_eq!(
            (&**live.context(), &**live.server(), &**live.cluster()),
            ("play", &*server.address(), "uid-of-kube-system")
        );
    }
}

#[test]
fn what_is_wrong_with_a_kubeconfig_names_the_file_and_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(kubeconfig(folder.path(), "http://127.0.0.1:1")).unwrap();
    let file = folder.path().join("config");
    let name = file.display().to_string();
    let cases = [
        (good.clone(), Some("plya"), format!("`{name}` has no context `plya`; it has `play`, `other`")),
        (
            good.replace("current-context: play", "current-context: ''"),
            None,
            format!("`{name}` has no current context; name one with `--context`; it has `play`, `other`"),
        ),
        (
            good.clone(),
            Some("other"),
            format!("context `other` of `{name}` is of no use: failed to load the cluster of context: nowhere"),
        ),
        ("contexts: []\n".to_owned(), Some("play"), format!("`{name}` has no context `play`; it has none")),
        (
            "contexts: {".to_owned(),
            None,
            format!("cannot read the kubeconfig `{name}`: failed to parse kubeconfig YAML"),
        ),
        (
            good.replace("http://127.0.0.1:1", "http://[::"),
            None,
            format!("context `play` of `{name}` is of no use: failed to parse cluster url"),
        ),
        (good.replace("{token: t}", "{client-certificate: gone.pem, client-key: gone.key}"), None, "gone.".to_owned()),
    ];
    for (text, context, expected) in cases {
        fs::write(&file, &text).unwrap();
        let error = connect(&file, context).unwrap_err().to_string();
        assert!(error.contains(&expected), "{text}\n{error}\n{expected}");
    }
    fs::remove_file(&file).unwrap();
    let error = connect(&file, None).unwrap_err().to_string();
    assert_eq!(error, format!("`--kubeconfig` names `{name}`, which is not there"));
}

#[test]
fn a_cluster_that_does_not_let_us_in_is_named() {
    let server = Server::start(cluster(0));
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), &server.address());
    type Odd = fn() -> super::server::Reply;
    let cases: [(Odd, &str); 4] = [
        (
            || status(401, "Unauthorized", "Unauthorized"),
            "the API server does not accept our credentials (get namespace kube-system: 401)",
        ),
        (
            || forbidden("get", "namespaces"),
            "not allowed to get namespace kube-system as system:serviceaccount:tidegate:tidegate",
        ),
        (|| status(503, "ServiceUnavailable", "starting"), "get namespace kube-system: 503 starting"),
        (|| super::server::Reply::Nothing, "no answer to get namespace kube-system within 2 s"),
    ];
    for (odd, words) in cases {
        server.when(move |_| Some(odd()));
        let error = connect(&file, None).unwrap_err().to_string();
        let start = format!("cannot use the cluster of context `play` at {}: ", server.address());
        assert!(error.starts_with(&start) && error.contains(words), "{error}\n{words}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let error = connect(&kubeconfig(folder.path(), &address), None).unwrap_err().to_string();
    assert!(error.contains(&address) && error.to_lowercase().contains("connection refused"), "{error}");
}

#[test]
fn the_environment_says_which_kubeconfig_and_a_pod_is_the_last_resort() {
    let server = Server::start(cluster(2));
    let folder = tempfile::tempdir().unwrap();
    let file = kubeconfig(folder.path(), &server.address());
    let home = folder.path().join("home");
    fs::create_dir_all(home.join(".kube")).unwrap();
    let out = folder.path().join("out.json.gz");
    let run = |set: &dyn Fn(&mut Command)| {
        let mut command = Command::cargo_bin("tidegate").unwrap();
        command.env_remove("KUBECONFIG").env_remove("KUBERNETES_SERVICE_HOST").env("HOME", &home);
        set(command.arg("snapshot").arg("--out").arg(&out));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run(&|_| {});
    assert_eq!(code, Some(1));
    assert!(
        said.contains("there is no kubeconfig: `KUBECONFIG` is not set") && said.contains("`--kubeconfig FILE`"),
        "{said}"
    );
    let missing = folder.path().join("missing");
    let (code, said) = run(&|command| {
        command.env("KUBECONFIG", &missing);
    });
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("`KUBECONFIG` names `{}`, which is not there", missing.display())), "{said}");
    let several = std::env::join_paths([&missing, &file]).unwrap();
    let (code, said) = run(&|command| {
        command.env("KUBECONFIG", &several);
    });
    assert_eq!(
        (code, said.contains("2 nodes, 2 pods, 1 budget, 5 workloads of context `play`")),
        (Some(0), true),
        "{said}"
    );
    fs::copy(&file, home.join(".kube/config")).unwrap();
    let (code, said) = run(&|command| {
        command.args(["--context", "play"]);
    });
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600, "names are nobody else's business");
    let read = tidegate::observe::read(&[out]).unwrap();
    assert_eq!((read.nodes.len(), read.pods.len(), read.context.as_deref()), (2, 2, Some("play")));
}

//! The operator's own programs as a provider: the behaviours, asked of a program that has a sandbox behind it; what becomes of
//! one that hangs, floods or talks nonsense; and the scripts of the example, with a terraform and a Kubespray that are false.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::executor::block_on as no_runtime;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::cli::Document;
use tidegate::cloud::{Programs, Provider, ProviderError};
use tidegate::model::{CapacityType, Created, Name, NodeShape, Server, ServerOrder, ServerState, keys};
use tidegate::policy::Idle;
use tidegate::sandbox::{Faults, Sandbox};

use crate::behaviours::Stage;
use crate::false_cloud::block_on;

const FOLDER: &str = "TIDEGATE_CONFORMANCE_SANDBOX";

fn programs(run: &[&str], deadline: Duration, parks: &[Idle]) -> Programs {
    Programs::new("own".into(), run.iter().map(|word| Name::from(*word)).collect(), deadline, parks.to_vec())
}

fn shell(script: &str, deadline: Duration) -> Programs {
    programs(&["sh", "-c", script], deadline, &[])
}

fn told(server: &Server) -> Value {
    json!({
        "id": server.id, "name": server.name, "state": server.state, "task": server.task, "flavor": server.flavor,
        "zone": server.zone, "node": server.node, "since": server.since, "metadata": server.metadata,
        "floatingAddress": server.floating_address, "fault": server.fault, "setback": server.setback,
        "cannot": server.cannot, "volumes": server.volumes,
    })
}

fn kind(error: &ProviderError) -> (&'static str, String) {
    match error {
        ProviderError::NotFound(id) => ("not-found", id.clone()),
        ProviderError::WrongState { why, .. } => ("wrong-state", why.clone()),
        ProviderError::Locked { why, .. } => ("locked", why.clone()),
        ProviderError::Unsupported(what) => ("unsupported", what.clone()),
        other => ("unavailable", other.to_string()),
    }
}

/// Not a test but the program: one question to the sandbox in a folder. Its answer goes to descriptor 3, for the harness of
/// tests talks on standard output. Each look lets a minute pass.
#[test]
#[ignore = "it is the program that the others start"]
fn the_program() {
    let folder = PathBuf::from(std::env::var(FOLDER).expect("it is started by the others"));
    let question: Value = serde_json::from_reader(std::io::stdin()).unwrap();
    let text = |key: &str| question[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((text("verb"), text("provider")), (std::env::var("TIDEGATE_VERB").unwrap(), "own".to_owned()));
    let id = Name::from(text("id"));
    let sandbox = Sandbox::open(&folder).unwrap();
    let answer: Result<Value, ProviderError> = no_runtime(async {
        Ok(match text("verb").as_str() {
            "list" => {
                let servers: Vec<Value> = sandbox.servers().await?.iter().map(told).collect();
                let flavors = sandbox.flavors().await?;
                let flavors = flavors.iter().map(|flavor| {
                    let (cpu, memory) = (flavor.capacity.cpu, flavor.capacity.memory);
                    json!({"name": flavor.name, "milliCpu": cpu, "memoryBytes": memory})
                });
                json!({"servers": servers, "flavors": flavors.collect::<Vec<_>>()})
            }
            "get" => {
                let busy = |server: &Server| server.task.is_some();
                let before = sandbox.server(&id).await?;
                if before.as_ref().is_some_and(busy) {
                    sandbox.advance(SignedDuration::from_secs(20)).unwrap();
                }
                // What it was when it was asked: the next look sees what the time brought.
                json!({"server": before.as_ref().map(told)})
            }
            "park" => {
                let how = serde_json::from_value(question["how"].clone()).unwrap();
                sandbox.park(&id, how).await?;
                json!({})
            }
            "wake" => {
                sandbox.wake(&id).await?;
                json!({})
            }
            "setMetadata" => {
                let value = question["value"].as_str().map(Name::from);
                sandbox.set_metadata(&id, &text("key"), value.as_ref()).await?;
                json!({})
            }
            other => panic!("{other}"),
        })
    });
    let answer = answer.unwrap_or_else(|error| {
        let (kind, message) = kind(&error);
        json!({"error": {"kind": kind, "message": message}})
    });
    std::fs::write("/dev/fd/3", answer.to_string()).unwrap();
}

struct Own {
    programs: Programs,
    _folder: TempDir,
}

impl Stage for Own {
    fn provider(&self) -> &dyn Provider {
        &self.programs
    }

    async fn settle(&self, id: &Name, what: &str, there: &dyn Fn(&Server) -> bool) -> Server {
        for _ in 0..200 {
            let server = self.programs.server(id).await.unwrap().unwrap();
            if there(&server) {
                return server;
            }
        }
        panic!("{id} is not {what} after 200 looks");
    }
}

fn run(behaviour: impl AsyncFnOnce(&Own, &Name)) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop/cluster.yaml");
    let snapshot = tidegate::observe::read(&[path.into()]).unwrap();
    let id = snapshot.servers.iter().find(|server| &*server.name == "demo-k8s-node-nf-3").unwrap().id.clone();
    let folder = TempDir::new().unwrap();
    let sandbox = folder.path().join("sandbox");
    drop(Sandbox::create_from(&sandbox, snapshot, Faults::default()).unwrap());
    let place = format!("{FOLDER}={}", sandbox.display());
    let exe = std::env::current_exe().unwrap().display().to_string();
    let script = "exec \"$0\" --exact programs::the_program --ignored --nocapture 3>&1 >/dev/null 2>&1";
    let all = [Idle::Shelve, Idle::Stop, Idle::Suspend];
    let programs = programs(&["env", &place, "sh", "-c", script, &exe], Duration::from_secs(60), &all);
    block_on(behaviour(&Own { programs, _folder: folder }, &id));
}

crate::behaviours::asked_of!(run);

fn order(name: &str) -> ServerOrder {
    ServerOrder {
        name: name.into(),
        provider: "own".into(),
        flavor: "small".into(),
        zone: None,
        capacity_type: CapacityType::OnDemand,
        image: "ubuntu".into(),
        networks: Vec::new(),
        key_pair: None,
        security_groups: Vec::new(),
        user_data: Some("#!/bin/sh\njoin --token abcdef.0123456789abcdef".into()),
        token_until: None,
        boot_volume: None,
        server_group: None,
        created: Created {
            cluster: Some("c1".into()),
            policy: "lab".into(),
            pool: "burst".into(),
            at: "2026-11-24T12:00:00Z".parse().unwrap(),
        },
        node: NodeShape::default(),
    }
}

/// Whether a process runs; one that nobody has waited for does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn ends(pid: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while runs(pid) && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(!runs(pid), "{pid} runs on");
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", file.display());
    let hanging = shell(&script, Duration::from_millis(500));
    let error = block_on(hanging.delete(&"a".into())).unwrap_err();
    // It is not known what became of it: not asked again by itself.
    assert!(matches!(&error, ProviderError::Setup(text) if text.contains("within 500ms")), "{error:?}");
    ends(&std::fs::read_to_string(&file).unwrap());
    assert!(matches!(block_on(hanging.servers()), Err(ProviderError::Unavailable(_))), "a look may be asked again");

    // A call that is dropped leaves nothing behind either.
    std::fs::remove_file(&file).unwrap();
    let patient = shell(&script, Duration::from_secs(600));
    block_on(async {
        let called = patient.servers();
        let begun = async {
            while std::fs::read_to_string(&file).unwrap_or_default().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { _ = called => panic!("it ended"), () = begun => {} }
    });
    ends(&std::fs::read_to_string(&file).unwrap());
}

#[test]
fn what_makes_no_sense_is_told_with_the_next_step_and_without_secrets() {
    let minute = Duration::from_secs(60);
    for (script, said) in [
        ("head -c 20000000 /dev/zero", "longer than 16 MiB"),
        ("echo hello", "`tidegate schema provider` says how"),
        ("echo '{\"srvers\": []}'", "unknown field `srvers`"),
        ("echo '{}'", "answers `list` without `servers`"),
        ("cat >&2; echo no way >&2; exit 3", "exit status: 3"),
        ("echo '{\"servers\": []}'; exit 1", "exit status: 1"),
        ("echo '{\"error\": {\"kind\": \"unavailable\", \"message\": \"the lab sleeps\"}}'", "the lab sleeps"),
    ] {
        let error = block_on(shell(script, minute).servers()).unwrap_err();
        assert!(matches!(&error, ProviderError::Unavailable(text) if text.contains(said)), "{script}: {error:?}");
    }
    let none = programs(&["/no/such/program"], minute, &[]);
    assert!(block_on(none.servers()).unwrap_err().to_string().contains("cannot be started"));
    // A program that repeats what it was told does not have it repeated here.
    for script in [
        "cat >&2; exit 1",
        "echo '{\"error\": {\"kind\": \"failed\", \"message\": \"--token abcdef.0123456789abcdef\"}}'",
    ] {
        let error = block_on(shell(script, minute).create(&order("a"))).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("0123456789abcdef"), "{error}");
    }
    for (kind, expected) in [
        ("not-found", ProviderError::NotFound("a".into())),
        ("no-capacity", ProviderError::NoCapacity { server: "a".into(), why: "w".into() }),
        ("quota", ProviderError::Quota { server: "a".into(), why: "w".into() }),
        ("locked", ProviderError::Locked { server: "a".into(), why: "w".into() }),
        ("wrong-state", ProviderError::WrongState { server: "a".into(), why: "w".into() }),
        ("forbidden", ProviderError::Forbidden("w".into())),
        ("unsupported", ProviderError::Unsupported("w".into())),
        ("failed", ProviderError::Setup("w".into())),
    ] {
        let script = format!("echo '{{\"error\": {{\"kind\": \"{kind}\", \"message\": \"w\"}}}}'");
        assert_eq!(block_on(shell(&script, minute).create(&order("a"))), Err(expected));
    }
    assert_eq!(block_on(shell("exit 0", minute).create(&order("a"))), Ok("a".into()), "its name is its id");
    assert_eq!(block_on(shell("exit 0", minute).server(&"a".into())), Ok(None));
    let parked = block_on(shell("exit 0", minute).park(&"a".into(), Idle::Stop));
    assert!(matches!(&parked, Err(ProviderError::Unsupported(text)) if text.contains("`parks`")), "{parked:?}");
}

/// What is asked is valid by the committed schema, and what is answered is by it too.
#[test]
fn questions_are_those_of_the_schema() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let asking = programs(
        &[
            "sh",
            "-c",
            "cat >> \"$0\"; if [ $TIDEGATE_VERB = list ]; then echo '{\"servers\": []}'; fi",
            log.to_str().unwrap(),
        ],
        Duration::from_secs(60),
        &[Idle::Stop],
    );
    let id = Name::from("a");
    block_on(async {
        asking.servers().await.unwrap();
        asking.server(&id).await.unwrap();
        asking.park(&id, Idle::Stop).await.unwrap();
        asking.wake(&id).await.unwrap();
        asking.delete(&id).await.unwrap();
        asking.set_metadata(&id, "k", Some(&"v".into())).await.unwrap();
        asking.set_metadata(&id, "k", None).await.unwrap();
        asking.create(&order("b")).await.unwrap();
    });
    let schema: Value = serde_json::from_str(&Document::Provider.text().unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let questions = std::fs::read_to_string(&log).unwrap();
    assert_eq!(questions.lines().count(), 8);
    for line in questions.lines() {
        let question: Value = serde_json::from_str(line).unwrap();
        let whole = json!({"question": question, "answer": {"servers": [told(&Server { id: id.clone(), name: id.clone(), ..Server::default() })]}});
        let wrong: Vec<String> = validator.iter_errors(&whole).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{line}: {wrong:?}");
    }
    assert!(!validator.is_valid(&json!({"question": {"version": 1, "provider": "own", "verb": "sing"}, "answer": {}})));
}

fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Makes what is wanted, unless a server is called `broken…`; says each call into `log`.
const TERRAFORM: &str = "#!/bin/sh
echo \"terraform $*\" >> log
case $1 in
  apply)
    if grep -q broken servers.auto.tfvars.json; then echo 'Error: no such flavor' >&2; exit 1; fi
    jq '.servers | map_values(.flavor)' servers.auto.tfvars.json > made.json ;;
  output) cat made.json ;;
esac
";
const KUBESPRAY: &str = "#!/bin/sh
echo \"ansible-playbook $*\" >> \"$TERRAFORM_DIR/log\"
case \"$*\" in *late*scale.yml) exit 2 ;; esac
";

struct Lab {
    folder: TempDir,
    programs: Programs,
}

impl Lab {
    /// The scripts of the example, with these tools before all others on the path.
    fn new(of: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().display().to_string();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        script(&folder.path().join("bin/terraform"), TERRAFORM);
        script(&folder.path().join("bin/ansible-playbook"), KUBESPRAY);
        let flavors = json!([{"name": "small", "milliCpu": 2000, "memoryBytes": 8_i64 << 30}]);
        std::fs::write(folder.path().join("flavors.json"), flavors.to_string()).unwrap();
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own-programs");
        let path = format!("PATH={root}/bin:{}", std::env::var("PATH").unwrap());
        let words = [
            "env".to_owned(),
            path,
            format!("TERRAFORM_DIR={root}"),
            format!("SERVERS={example}/servers-by-terraform.sh"),
            format!("KUBESPRAY_DIR={root}"),
            "INVENTORY=lab".to_owned(),
            format!("{example}/{of}"),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let programs = programs(&words, Duration::from_secs(60), &[]);
        Self { folder, programs }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The life of a server, whichever script makes it: made once however often it is asked for, known by its mark, destroyed once.
fn a_life(of: &str) -> Lab {
    let lab = Lab::new(of);
    let own = &lab.programs;
    block_on(async {
        assert_eq!(own.servers().await, Ok(Vec::new()));
        assert_eq!(own.flavors().await.unwrap()[0].capacity.cpu, 2000);
        for _ in 0..2 {
            assert_eq!(own.create(&order("burst-1")).await, Ok("burst-1".into()));
        }
        let (two, three) = (order("burst-2"), order("burst-3"));
        let (other, another) = futures::join!(own.create(&two), own.create(&three));
        assert_eq!((other, another), (Ok("burst-2".into()), Ok("burst-3".into())));
        let servers = own.servers().await.unwrap();
        assert_eq!(servers.iter().map(|server| &*server.name).collect::<Vec<_>>(), ["burst-1", "burst-2", "burst-3"]);
        let server = own.server(&"burst-1".into()).await.unwrap().unwrap();
        assert_eq!((&server, server.state), (&servers[0], ServerState::Active));
        assert_eq!(Created::of(&server), Some(order("burst-1").created), "the mark comes back");
        own.set_metadata(&"burst-1".into(), keys::SERVER_RECORD, Some(&"x y".into())).await.unwrap();
        assert_eq!(&*own.server(&"burst-1".into()).await.unwrap().unwrap().metadata[keys::SERVER_RECORD], "x y");
        own.set_metadata(&"burst-1".into(), keys::SERVER_RECORD, None).await.unwrap();
        assert_eq!(own.server(&"burst-1".into()).await.unwrap().unwrap(), server);
        let data = std::fs::read_to_string(lab.folder.path().join("user-data/burst-1")).unwrap();
        assert!(data.contains("abcdef.0123456789abcdef"), "{data}");

        let broken = own.create(&order("broken-1")).await.unwrap_err();
        assert!(matches!(&broken, ProviderError::Setup(text) if text.contains("did not make broken-1")), "{broken:?}");
        assert_eq!(own.servers().await.unwrap().len(), 3, "what was begun is gone");
        for name in ["burst-1", "burst-2", "burst-3"] {
            own.delete(&name.into()).await.unwrap();
        }
        assert_eq!(own.delete(&"burst-1".into()).await, Err(ProviderError::NotFound("burst-1".into())));
        assert_eq!(own.wake(&"burst-1".into()).await, Err(ProviderError::NotFound("burst-1".into())));
        assert_eq!((own.server(&"burst-1".into()).await, own.servers().await), (Ok(None), Ok(Vec::new())));
    });
    assert!(!lab.folder.path().join("user-data/burst-1").exists());
    lab
}

#[test]
fn the_example_makes_servers_by_terraform() {
    let lab = a_life("servers-by-terraform.sh");
    assert!(lab.log().contains("terraform apply -auto-approve -input=false"), "{}", lab.log());
}

#[test]
fn the_example_adds_and_removes_nodes_by_kubespray() {
    let lab = a_life("nodes-by-kubespray.sh");
    let plays: Vec<String> = lab.log().lines().filter(|line| line.starts_with("ansible")).map(str::to_owned).collect();
    assert!(plays.contains(&"ansible-playbook -i lab --become --limit burst-2 scale.yml".to_owned()), "{plays:#?}");
    let removed = "ansible-playbook -i lab --become -e node=burst-2 -e skip_confirmation=yes remove-node.yml";
    assert!(plays.contains(&removed.to_owned()), "{plays:#?}");
    assert!(!lab.log().contains("--limit broken-1"), "what has no server is not added");
    let late = block_on(lab.programs.create(&order("late-1"))).unwrap_err();
    assert!(late.to_string().contains("scale.yml did not add late-1"), "{late}");
    assert_eq!(
        block_on(lab.programs.servers()).unwrap().len(),
        1,
        "it is there, and deleted when it has not joined in time"
    );
}

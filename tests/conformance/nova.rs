//! A real Nova as a provider: the OpenStack lab. `tests/labs/run nova` starts it and runs these.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate::cloud::{Config, Openstack, Pace, Provider, ProviderError, Surroundings};
use tidegate::model::{Name, Server, ServerState, Setback};
use tidegate::policy::Idle;

use crate::behaviours::{self, Stage};
use crate::lab::{Hand, PATIENCE, awake, faults, folder, mending};

struct Real(Openstack);

fn cloud(entry: &str) -> Real {
    let file = folder().join("clouds.yaml");
    let around = Surroundings::given(&[("OS_CLIENT_CONFIG_FILE", file.to_str().unwrap())], &[]);
    let config = Config::read(&"jetstream".into(), Some(entry), None, &around).unwrap();
    Real(Openstack::new(config, Pace::default()).unwrap())
}

impl Stage for Real {
    fn provider(&self) -> &dyn Provider {
        &self.0
    }

    async fn settle(&self, id: &Name, what: &str, there: &dyn Fn(&Server) -> bool) -> Server {
        let begin = Instant::now();
        loop {
            let server = self.0.server(id).await.unwrap().unwrap();
            if there(&server) {
                return server;
            }
            assert!(begin.elapsed() < PATIENCE, "{id} is not {what}: {server:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Real {
    async fn id_of(&self, name: &str) -> Name {
        let servers = self.0.servers().await.unwrap();
        servers.iter().find(|server| &*server.name == name).unwrap_or_else(|| panic!("no {name}")).id.clone()
    }
}

fn run(work: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // One that was cut short leaves the next what it was at.
    runtime.block_on(awake());
    runtime.block_on(work());
}

/// Each on a server of its own, at the same time.
#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_nova_keeps_what_every_provider_keeps() {
    run(async || {
        let stage = cloud("lab");
        println!("microversion {:?}", stage.0.greet().await.unwrap());
        behaviours::a_list_agrees_with_a_look(&stage).await;
        behaviours::flavors_are_those_of_the_servers(&stage).await;
        behaviours::an_unknown_server_is_not_there(&stage).await;
        let ids = [
            stage.id_of("demo-k8s-node-nf-2").await,
            stage.id_of("demo-k8s-node-nf-3").await,
            stage.id_of("demo-k8s-node-nf-4").await,
            stage.id_of("demo-k8s-node-nf-5").await,
        ];
        futures::join!(
            behaviours::parked_and_woken_by_each_mode(&stage, &ids[0]),
            behaviours::deeper_goes_and_shallower_stays(&stage, &ids[1]),
            behaviours::a_task_that_leads_elsewhere_is_told(&stage, &ids[2]),
            behaviours::metadata_is_set_and_removed(&stage, &ids[3]),
        );
    });
}

/// A password says the same as an application credential; another project has nothing of it.
#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_keystone_lets_in_whom_it_knows() {
    run(async || {
        let by_credential = cloud("lab").0.servers().await.unwrap();
        let by_password = cloud("lab-password").0.servers().await.unwrap();
        assert_eq!(by_credential, by_password);
        let outsider = cloud("lab-outsider");
        assert_eq!(outsider.0.servers().await.unwrap(), []);
        assert_eq!(outsider.0.server(&by_credential[0].id).await.unwrap(), None);
        let id = &by_credential[0].id;
        assert_eq!(outsider.0.park(id, Idle::Shelve).await, Err(ProviderError::NotFound(id.to_string())));
    });
}

fn rests(state: ServerState) -> impl Fn(&Server) -> bool {
    move |server| server.state == state && server.task.is_none()
}

/// Of a wake without a host Nova tells nothing but in its record of actions, and there no words.
#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_nova_without_a_host_is_understood() {
    run(async || {
        let (stage, admin) = (cloud("lab"), Hand::of("lab-admin").await);
        let id = stage.id_of("demo-k8s-node-nf-7").await;
        stage.0.park(&id, Idle::Shelve).await.unwrap();
        stage.settle(&id, "shelved", &rests(ServerState::ShelvedOffloaded)).await;
        let work = async {
            admin.open(false).await;
            stage.0.wake(&id).await.unwrap();
            let left = stage.settle(&id, "given up", &|server| server.task.is_none()).await;
            assert_eq!((left.state, left.setback), (ServerState::ShelvedOffloaded, Some(Setback::NoHost)));
            assert!(left.fault.as_deref().is_some_and(|fault| fault.contains("no host")), "{left:?}");
            assert_eq!(stage.0.servers().await.unwrap().iter().find(|server| server.id == id), Some(&left));
        };
        mending(work, admin.open(true)).await;
        stage.0.wake(&id).await.unwrap();
        let back = stage.settle(&id, "running", &rests(ServerState::Active)).await;
        assert_eq!((back.fault, back.setback), (None, None));
    });
}

/// A disk that cannot be saved: the server runs on, and an image that is none is left behind.
#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_nova_that_cannot_save_a_disk_is_understood() {
    run(async || {
        let (stage, user) = (cloud("lab"), Hand::of("lab-password").await);
        let name = "demo-k8s-node-nf-6";
        let id = stage.id_of(name).await;
        let image = format!("{name}-shelved");
        let work = async {
            faults(&json!({"fail": {"snapshot": format!("^{name}$")}}));
            stage.0.park(&id, Idle::Shelve).await.unwrap();
            let gave_up = |server: &Server| server.task.is_none() && server.setback.is_some();
            let left = stage.settle(&id, "given up", &gave_up).await;
            assert_eq!(left.setback, Some(Setback::Snapshot), "{left:?}");
            // It was stopped to be saved, which Nova finds out after a while.
            assert!(matches!(left.state, ServerState::Active | ServerState::Shutoff), "{left:?}");
            let leftovers = stage.0.leftovers().await.unwrap();
            assert!(leftovers.images.iter().any(|(_, name, _)| *name == image), "{leftovers:?}");
        };
        mending(work, async {
            faults(&json!({}));
            user.drop_images(&image).await;
            stage.0.park(&id, Idle::Stop).await.unwrap();
            stage.settle(&id, "stopped", &rests(ServerState::Shutoff)).await;
            stage.0.wake(&id).await.unwrap();
            stage.settle(&id, "running", &rests(ServerState::Active)).await;
        })
        .await;
        let leftovers = stage.0.leftovers().await.unwrap();
        assert!(!leftovers.images.iter().any(|(_, name, _)| *name == image), "{leftovers:?}");
    });
}

/// The image of a shelved server is no leftover; without it the server is lost.
#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_nova_without_its_image_is_understood() {
    run(async || {
        let (stage, user) = (cloud("lab"), Hand::of("lab-password").await);
        let id = Name::from(user.server("conformance-image").await);
        let work = async {
            stage.0.park(&id, Idle::Shelve).await.unwrap();
            stage.settle(&id, "shelved", &rests(ServerState::ShelvedOffloaded)).await;
            let leftovers = stage.0.leftovers().await.unwrap();
            assert!(leftovers.kept.0 >= 1 && leftovers.images.is_empty(), "{leftovers:?}");
            assert_eq!(user.drop_images("conformance-image-shelved").await, 1);
            stage.0.wake(&id).await.unwrap();
            let lost = stage.settle(&id, "in error", &rests(ServerState::Error)).await;
            assert_eq!(lost.setback, Some(Setback::NoImage), "{lost:?}");
            assert!(matches!(stage.0.wake(&id).await, Err(ProviderError::WrongState { .. })));
        };
        mending(work, user.delete(&id)).await;
        let begin = Instant::now();
        while stage.0.server(&id).await.unwrap().is_some() {
            assert!(begin.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}

#[test]
#[ignore = "needs the OpenStack lab: tests/labs/run nova"]
fn a_real_nova_s_locks_are_understood() {
    run(async || {
        let (stage, user) = (cloud("lab"), Hand::of("lab-password").await);
        let id = stage.id_of("demo-k8s-node-nf-8").await;
        user.act(&id, "lock").await;
        let work = async {
            for how in [Idle::Shelve, Idle::Stop, Idle::Suspend] {
                assert!(matches!(stage.0.park(&id, how).await, Err(ProviderError::Locked { .. })));
            }
            let marked = stage.0.set_metadata(&id, "key", Some(&"value".into())).await;
            assert!(matches!(marked, Err(ProviderError::Locked { .. })), "{marked:?}");
            assert!(stage.0.server(&id).await.unwrap().unwrap().cannot.contains_key("shelve"));
        };
        mending(work, user.act(&id, "unlock")).await;
        assert!(stage.0.server(&id).await.unwrap().unwrap().cannot.is_empty());
    });
}

//! A real Nova as a provider: the OpenStack lab. `tests/labs/run nova` starts it and runs these.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tidegate::cloud::{Config, Openstack, Pace, Provider, ProviderError, Surroundings};
use tidegate::model::{Name, Server};
use tidegate::policy::Idle;

use crate::behaviours::{self, Stage};

/// Longest that a server of the lab may take from one state to another.
const PATIENCE: Duration = Duration::from_secs(240);

struct Real(Openstack);

fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap().join(".cache"));
    set("OPENSTACK_LAB_DIR").unwrap_or_else(|| cache().join("openstack-lab"))
}

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
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work());
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

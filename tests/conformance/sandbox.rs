//! The sandbox as a provider.

use jiff::SignedDuration;
use tidegate::cloud::Provider;
use tidegate::model::{Name, Server};
use tidegate::sandbox::{Faults, Sandbox};

use crate::behaviours::{self, Stage};

struct Simulated(Sandbox);

impl Stage for Simulated {
    fn provider(&self) -> &dyn Provider {
        &self.0
    }

    async fn settle(&self, id: &Name, what: &str, there: &dyn Fn(&Server) -> bool) -> Server {
        for _ in 0..720 {
            let server = self.0.server(id).await.unwrap().unwrap();
            if there(&server) {
                return server;
            }
            self.0.advance_to(self.0.now() + SignedDuration::from_secs(5)).unwrap();
        }
        panic!("{id} is not {what} after an hour");
    }
}

fn stage() -> (Simulated, Name) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/jetstream-workshop/cluster.yaml");
    let snapshot = tidegate::observe::read(&[path.into()]).unwrap();
    let id = snapshot.servers.iter().find(|server| &*server.name == "demo-k8s-node-nf-3").unwrap().id.clone();
    (Simulated(Sandbox::in_memory(snapshot, &Faults::default())), id)
}

fn run(behaviour: impl AsyncFnOnce(&Simulated, &Name)) {
    let (stage, id) = stage();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(behaviour(&stage, &id));
}

#[test]
fn a_list_agrees_with_a_look() {
    run(async |stage, _| behaviours::a_list_agrees_with_a_look(stage).await);
}

#[test]
fn flavors_are_those_of_the_servers() {
    run(async |stage, _| behaviours::flavors_are_those_of_the_servers(stage).await);
}

#[test]
fn an_unknown_server_is_not_there() {
    run(async |stage, _| behaviours::an_unknown_server_is_not_there(stage).await);
}

#[test]
fn parked_and_woken_by_each_mode() {
    run(async |stage, id| behaviours::parked_and_woken_by_each_mode(stage, id).await);
}

#[test]
fn deeper_goes_and_shallower_stays() {
    run(async |stage, id| behaviours::deeper_goes_and_shallower_stays(stage, id).await);
}

#[test]
fn a_task_that_leads_elsewhere_is_told() {
    run(async |stage, id| behaviours::a_task_that_leads_elsewhere_is_told(stage, id).await);
}

#[test]
fn metadata_is_set_and_removed() {
    run(async |stage, id| behaviours::metadata_is_set_and_removed(stage, id).await);
}

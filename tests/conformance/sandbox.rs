//! The sandbox as a provider.

use jiff::SignedDuration;
use tidegate::cloud::Provider;
use tidegate::model::{Name, Server};
use tidegate::sandbox::{Faults, Sandbox};

use crate::behaviours::Stage;

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

crate::behaviours::asked_of!(run);

//! Sandboxes of whole clusters: the examples that come along.

use std::path::{Path, PathBuf};

use tidegate::model::*;
use tidegate::observe;
use tidegate::sandbox::{Faults, Sandbox};

use crate::build::*;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.join("cluster.yaml").exists());
    found.sort();
    found
}

#[test]
fn an_example_stays_as_it_is_when_nobody_touches_it() {
    assert!(!examples().is_empty());
    for example in examples() {
        let file = example.join("cluster.yaml");
        let bytes = std::fs::read(&file).unwrap();
        let before = observe::read(std::slice::from_ref(&file)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::create(folder.path(), std::slice::from_ref(&file), Faults::default()).unwrap();
        let start = sandbox.snapshot();
        assert_eq!(start.taken, before.taken, "{}", file.display());
        assert_eq!(start.gaps, Vec::<String>::new());
        assert_eq!(start.servers.len(), before.servers.len().max(before.nodes.len()), "{}", file.display());
        // A DaemonSet's controller adds the pods that a parked node has in a real cluster.
        let keys = |snapshot: &Snapshot| -> Vec<PodKey> {
            snapshot.pods.iter().filter(|pod| !pod.daemon()).map(|pod| pod.key.clone()).collect()
        };
        assert_eq!(keys(&start), keys(&before), "{}", file.display());
        sandbox.advance(mins(30)).unwrap();
        let after = sandbox.snapshot();
        for (old, new) in before.nodes.iter().zip(&after.nodes) {
            assert_eq!((&old.name, old.ready(), old.unschedulable), (&new.name, new.ready(), new.unschedulable));
        }
        let states = |snapshot: &Snapshot| -> Vec<_> {
            snapshot.servers.iter().map(|server| (server.id.clone(), server.state)).collect()
        };
        assert_eq!(states(&after), states(&start));
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "the file is only read");
        drop(sandbox);
        assert_eq!(Sandbox::open(folder.path()).unwrap().snapshot(), after, "{}", file.display());
    }
}

//! Every dump in the data folder loads, whole: real clusters of all sizes, and broken ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate::model::{Kind, World};
use tidegate::observe::{self, ObserveError};
use tidegate::placement::Site;
use tidegate::plan::{Fitting, PodVerdict};

/// The dumps, or None (said aloud) where the folder is not there.
fn dumps() -> Option<Vec<PathBuf>> {
    let data = std::env::var_os("TIDEGATE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let folder = data.join("snapshots");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no folder {} (set TIDEGATE_DATA)", folder.display());
        return None;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    Some(files)
}

fn plain(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap();
    let mut text = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
    } else {
        text = bytes;
    }
    serde_json::from_slice(&text).unwrap()
}

fn keys(items: &[Value], kind: &str) -> BTreeSet<String> {
    let of_kind = items.iter().filter(|item| item["kind"] == kind);
    of_kind
        .map(|item| {
            let meta = &item["metadata"];
            format!("{}/{}", meta["namespace"].as_str().unwrap_or("default"), meta["name"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn every_dump_loads_whole() {
    for path in dumps().into_iter().flatten() {
        let value = plain(&path);
        let read = observe::read(std::slice::from_ref(&path));
        let Some(items) = value["items"].as_array() else {
            let error = read.expect_err("a file without objects is no snapshot");
            assert!(matches!(error, ObserveError::NoObject { .. }), "{}: {error}", path.display());
            continue;
        };
        let snapshot = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let nodes: BTreeSet<_> = snapshot.nodes.iter().map(|node| format!("default/{}", node.name)).collect();
        assert_eq!(nodes, keys(items, "Node"), "{}", path.display());
        let pods: BTreeSet<_> = snapshot.pods.iter().map(|pod| pod.key.to_string()).collect();
        assert_eq!(pods, keys(items, "Pod"), "{}", path.display());
        let budgets: BTreeSet<_> = snapshot.budgets.iter().map(|budget| budget.key.to_string()).collect();
        assert_eq!(budgets, keys(items, "PodDisruptionBudget"), "{}", path.display());
        let twice = items.len()
            - items
                .iter()
                .map(|item| {
                    (item["kind"].as_str(), item["metadata"]["namespace"].as_str(), item["metadata"]["name"].as_str())
                })
                .collect::<BTreeSet<_>>()
                .len();
        assert_eq!(snapshot.gaps.len(), twice, "{}: {:?}", path.display(), snapshot.gaps);
        assert_eq!(snapshot.servers.len(), snapshot.nodes.len(), "{}: one server for each node", path.display());
        assert!(
            !snapshot.observed.contains(&Kind::Server),
            "{}: inferred servers are not observed ones",
            path.display()
        );
        let world = World::build(snapshot);
        for node in world.nodes.values() {
            let server = world.server_of(node).unwrap();
            assert_eq!(server.node.as_deref(), Some(&*node.name), "{}", path.display());
        }
        println!("{}: {} nodes, {} pods", path.display(), world.nodes.len(), world.pods.len());
    }
}

#[test]
fn a_dump_says_the_same_as_json_and_as_values() {
    let mut compared = 0;
    for path in dumps().into_iter().flatten() {
        if std::fs::metadata(&path).unwrap().len() > 100_000 {
            continue;
        }
        let value = plain(&path);
        let Ok(mut from_file) = observe::read(std::slice::from_ref(&path)) else { continue };
        let mut from_value = observe::from_values([value.clone()]);
        observe::infer_servers(&mut from_value);
        from_file.gaps.clear();
        from_value.gaps.clear();
        assert_eq!(from_file, from_value, "{}", path.display());
        let yaml = serde_yaml::to_string(&value).unwrap();
        let mut builder = observe::Builder::default();
        observe::read_bytes("dump.yaml", yaml.as_bytes(), &mut builder).unwrap();
        let mut from_yaml = builder.finish();
        observe::infer_servers(&mut from_yaml);
        from_yaml.gaps.clear();
        assert_eq!(from_file, from_yaml, "{}", path.display());
        compared += 1;
    }
    println!("{compared} dumps compared");
}

/// Every pod of every dump is explained. A running pod must fit on its own node once it is lifted: the scheduler put it
/// there. The one exception says which kinds the dump does not hold. In the
/// dump of thousands of pods every pod is asked about on its own node, and all of it for one of each workload and state.
#[test]
fn every_pod_of_every_dump_is_explained_and_fits_where_it_is() {
    for path in dumps().into_iter().flatten() {
        let Ok(snapshot) = observe::read(std::slice::from_ref(&path)) else { continue };
        let world = World::build(snapshot);
        let (mut desk, mut site) = (Fitting::new(&world, None), Site::new(&world));
        let mut asked = BTreeSet::new();
        let (mut running, mut verdicts) = (0, BTreeMap::<PodVerdict, usize>::new());
        let mut exceptions = BTreeMap::<String, Vec<String>>::new();
        let (mut spoken, mut agree) = (0, 0);
        for (key, pod) in &world.pods {
            let kind = (pod.owner.as_ref().map(|owner| owner.uid.clone()), pod.node.is_some(), pod.phase);
            let node = pod.node.as_ref().and_then(|node| world.nodes.get(node)).filter(|node| node.ready());
            if let Some(node) = node.filter(|_| !pod.finished() && !pod.mirror()) {
                running += 1;
                let mark = site.mark();
                site.lift(pod, &node.name);
                let own = site.unfit(pod, &node.name);
                site.roll_back(mark);
                if !own.is_empty() {
                    let reasons: Vec<String> = own.iter().map(ToString::to_string).collect();
                    exceptions.entry(reasons.join("; ")).or_default().push(format!("{key} on {}", node.name));
                }
            }
            if world.pods.len() > 2000 && pod.owner.is_some() && !asked.insert(kind) {
                continue;
            }
            let found = desk.explain(key).unwrap();
            *verdicts.entry(found.verdict).or_insert(0) += 1;
            for node in &found.nodes {
                assert_eq!(node.fits, node.reasons.is_empty(), "{}: {key} on {}", path.display(), node.node);
            }
            if let Some(words) = found.scheduler.filter(|words| words.condition.is_some()) {
                spoken += 1;
                agree += usize::from(words.agree);
                if !words.agree {
                    println!("  {key}\n    {}\n    {}", words.message.unwrap_or_default(), words.condition.unwrap());
                }
            }
        }
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        println!(
            "{shown}: {} pods, {verdicts:?}; {running} on Ready nodes; {agree} of {spoken} messages agree",
            world.pods.len()
        );
        for (reason, pods) in &exceptions {
            println!("  {} do not fit where they are: {reason}: {}", pods.len(), pods[0]);
            assert!(reason.contains("not read"), "{shown}: {reason}: {pods:?}");
        }
    }
}

/// The most memory that loading a large dump takes, measured in a process of its own:
/// `cargo test --release --test snapshots -- --ignored --exact --nocapture the_memory_of_the_dump_of_45_mb`.
#[test]
#[ignore = "a figure for a process of its own"]
fn the_memory_of_the_dump_of_45_mb() {
    const DUMP: &str = "kubescape_kwok_299nodes.json.gz";
    let peak = || -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let Some(path) = dumps().into_iter().flatten().find(|path| path.ends_with(DUMP)) else {
        println!("left out: there is no {DUMP}");
        return;
    };
    let before = peak();
    let world = World::build(observe::read(&[path]).unwrap());
    assert_eq!(world.nodes.len(), 299);
    let Some((before, after)) = before.zip(peak()) else {
        println!("left out: this system does not tell the peak");
        return;
    };
    println!("{DUMP}, {} pods: at most {} MB, {} MB of them before", world.pods.len(), after >> 10, before >> 10);
    assert!(after >> 10 < 300, "{} MB", after >> 10);
}

//! Placement against a real kube-scheduler, and observation of a real cluster. README.md beside this file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod acts;
mod answer;
mod binder;
#[allow(dead_code, reason = "the provider's own suite needs more of it")]
#[path = "../conformance/lab.rs"]
mod cloud;
mod dice;
mod door;
mod kubectl;
mod observe;
mod ours;
mod play;
mod pods;
mod real;
mod scene;
mod shrink;
mod size;
mod terms;
mod volumes;
mod workshop;

use std::path::{Path, PathBuf};

use answer::Answer;
use ours::ours;
use play::Tally;
use real::Real;
use scene::{FEATURES, Scene, scene};
use serde_json::Value;

/// So many disagreements are shrunk and told; then it is time to mend.
const ENOUGH: usize = 5;

#[test]
#[ignore = "needs a kube-apiserver and a kube-scheduler: `tests/labs/run` starts them and this"]
fn a_real_scheduler_decides_as_placement_does() {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let number = |name: &str, usual: u64| given(name).map_or(usual, |text| text.parse().unwrap());
    let socket =
        PathBuf::from(given("TIDEGATE_LAB_SOCKET").expect("TIDEGATE_LAB_SOCKET names the API server's socket"));
    let mix = given("TIDEGATE_LAB_MIX").map_or(FEATURES.to_vec(), |mix| {
        let named = |name: &str| {
            *FEATURES.iter().find(|known| **known == name).unwrap_or_else(|| panic!("`{name}` is none of {FEATURES:?}"))
        };
        mix.split(',').map(named).collect()
    });
    let (first, clusters) = (number("TIDEGATE_LAB_SEED", 1), number("TIDEGATE_LAB_CLUSTERS", 60));
    let (kept, clusters) = match given("TIDEGATE_LAB_CASE") {
        Some(file) => (vec![PathBuf::from(file)], 0),
        None => (answers(), clusters),
    };
    let kept = kept.into_iter().map(|file| {
        let (mut objects, _) = read(&file);
        let pending = objects.pop().into_iter().collect();
        (file.file_stem().unwrap().to_string_lossy().into_owned(), Scene { objects, pending })
    });
    let random = (first..first + clusters).map(|seed| (format!("seed-{seed}"), scene(seed, &mix)));
    let mut real = Real::new(&socket).unwrap();
    let (mut tally, mut disagreements) = (Tally::default(), 0);
    let begin = std::time::Instant::now();
    for (name, scene) in kept.chain(random) {
        let failed = |error: String| -> ! { panic!("{name}: {error}") };
        let Some(found) = play::play(&mut real, &scene, &mut tally).unwrap_or_else(|error| failed(error)) else {
            continue;
        };
        disagreements += 1;
        println!("{name}: {found}");
        let small = shrink::shrink(&mut real, found).unwrap_or_else(|error| failed(error));
        println!("  shrunk: {small}\n  in {}", shrink::keep(&small, &name).unwrap().display());
        if disagreements == ENOUGH {
            break;
        }
    }
    println!("labs: {tally} in {:.1} s", begin.elapsed().as_secs_f64());
    assert_eq!(disagreements, 0, "placement and the real scheduler disagree");
    if clusters >= 1000 && mix == FEATURES {
        let unseen: Vec<&str> = tally.unseen(answer::REASONS).collect();
        assert_eq!(unseen, [""; 0], "the random clusters no longer lead to these answers");
    }
}

/// Disagreements of the past, as they were kept when they were found: what the scheduler said then.
#[test]
fn what_a_real_scheduler_once_answered_stays_so() {
    assert!(!answers().is_empty());
    for file in answers() {
        let (mut objects, answer) = read(&file);
        let pod = objects.pop().unwrap();
        objects.extend(real::empty_lists());
        let wrong = ours(&objects, &pod).unwrap().against(&answer);
        assert_eq!(wrong, None, "{}: the scheduler said {answer}", file.display());
    }
}

fn answers() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labs/answers");
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// The objects of a kept disagreement, the pod last, and what the scheduler said.
fn read(file: &Path) -> (Vec<Value>, Answer) {
    let list: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    (list["items"].as_array().unwrap().clone(), Answer::from_json(&list["answer"]).unwrap())
}

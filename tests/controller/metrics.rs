//! The metrics are well formed, and each that an alert or a dashboard names is one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::process::{Place, TUESDAY_EVENING, get};

/// A sample: its name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

fn sample(line: &str) -> Sample {
    let name: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ':').collect();
    assert!(!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    let mut rest = &line[name.len()..];
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty(), "{line}");
            let (mut value, mut chars) = (String::new(), after.char_indices());
            let end = loop {
                match chars.next().unwrap_or_else(|| panic!("{line}")) {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next().unwrap().1 {
                        'n' => value.push('\n'),
                        c @ ('\\' | '"') => value.push(c),
                        c => panic!("\\{c} in {line}"),
                    },
                    (_, c) => value.push(c),
                }
            };
            assert!(labels.insert(key.to_owned(), value).is_none(), "{line}");
            rest = after[end + 1..].trim_start_matches(',');
        }
        rest = &rest[1..];
    }
    (name, labels, rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}")).parse().unwrap())
}

/// Checks the text format, and names its families.
pub fn well_formed(text: &str) -> BTreeSet<String> {
    let (mut kinds, mut seen, mut current) = (BTreeMap::new(), BTreeSet::new(), String::new());
    let mut buckets: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && !kinds.contains_key(name), "{line}");
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "the type stands under the help");
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (name, mut labels, value) = sample(line);
            assert!(seen.insert((name.clone(), labels.clone())), "twice: {line}");
            let histogram = kinds[&current] == "histogram";
            let end = name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{line} is under {current}"));
            assert!(end.is_empty() != histogram, "{line}");
            assert!(value >= 0.0, "{line}");
            match end {
                "_bucket" => {
                    labels.remove("le").unwrap();
                    buckets.entry(format!("{current}{labels:?}")).or_default().push(value);
                }
                "_count" => drop(counts.insert(format!("{current}{labels:?}"), value)),
                "_sum" | "" => {}
                end => panic!("{end} in {line}"),
            }
        }
    }
    for (of, values) in &buckets {
        assert!(values.is_sorted(), "{of}: {values:?}");
        assert_eq!(values.last(), counts.get(of), "{of}");
    }
    kinds.into_keys().collect()
}

fn shown() -> String {
    let place = Place::at(TUESDAY_EVENING);
    let mut running = place.run(&["--slow", "400"]);
    running.until_told("\"summary\"");
    running.until_shown("/metrics", "tidegate_nodes{pool=\"workers\",state=\"parked\"} 8")
}

#[test]
fn the_metrics_are_well_formed_and_tell_what_was_done() {
    let text = shown();
    well_formed(&text);
    let samples: Vec<Sample> = text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
    let of = |name: &str, labels: &[(&str, &str)]| {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let found: Vec<f64> =
            samples.iter().filter(|sample| sample.0 == name && sample.1 == labels).map(|sample| sample.2).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}\n{text}");
        found[0]
    };
    assert!(of("tidegate_steps_total", &[("verb", "park"), ("outcome", "done")]) >= 8.0);
    assert!(of("tidegate_nodes", &[("pool", "workers"), ("state", "parked")]) >= 8.0);
    assert_eq!(of("tidegate_pool_floor_nodes", &[("pool", "workers")]), 1.0);
    assert_eq!(of("tidegate_leader", &[]), 1.0);
    assert!(of("tidegate_evictions_total", &[]) >= 4.0);
    assert!(of("tidegate_step_duration_seconds_sum", &[("verb", "park")]) > 60.0, "shelving takes minutes there");
    assert!(of("tidegate_cost_per_hour", &[("pool", "workers"), ("unit", "SU")]) > 0.0);
}

/// Names that begin with `tidegate_` in a text.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !word(c)).filter(|name| name.starts_with("tidegate_")).map(str::to_owned).collect()
}

fn monitoring(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/monitoring").join(file)
}

#[test]
fn alerts_and_dashboard_name_metrics_that_there_are() {
    let place = Place::at(TUESDAY_EVENING);
    let running = place.run(&["--slow", "1"]);
    running.until_shown("/readyz", "ok: leader");
    let families = well_formed(&get(&running.address, "/metrics").1);
    for file in ["alerts.yaml", "dashboard.json"] {
        let text = std::fs::read_to_string(monitoring(file)).unwrap();
        let used = names(&text);
        assert!(used.len() >= 8, "{file}: {used:?}");
        for name in used {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            assert!(families.contains(&name) || families.contains(base), "{file} names {name}");
        }
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(monitoring("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| !panel["targets"].as_array().unwrap().is_empty()), "a panel shows something");
    let alerts: serde_json::Value =
        serde_yaml::from_str(&std::fs::read_to_string(monitoring("alerts.yaml")).unwrap()).unwrap();
    for rule in alerts["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        assert!(rule["alert"].is_string() && rule["expr"].is_string(), "{rule}");
        assert!(rule["annotations"]["summary"].is_string() && rule["annotations"]["action"].is_string(), "{rule}");
    }
}

//! Makes a disagreement small: drops objects and fields while the two still differ.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::play::{Asked, Disagreement, Tally, ask};
use crate::real::{Made, Real};

/// So many smaller scenes are tried.
const TRIES: usize = 400;

/// The smallest that was found.
pub fn shrink(real: &mut Real, found: Disagreement) -> Result<Disagreement, String> {
    let mut best = found;
    let mut tries = 0;
    loop {
        let before = size(&best);
        // Whole objects first, many at a time, then what is in those that are left.
        let mut width = best.objects.len().max(1);
        while width > 0 {
            let mut at = 0;
            while at < best.objects.len() && tries < TRIES {
                let mut fewer = best.objects.clone();
                fewer.drain(at..(at + width).min(fewer.len()));
                tries += 1;
                match differs(real, fewer, best.pod.clone())? {
                    Some(smaller) => best = smaller,
                    None => at += width,
                }
            }
            width /= 2;
        }
        for which in (0..=best.objects.len()).rev() {
            let mut skip = 0;
            while tries < TRIES {
                let mut objects = best.objects.clone();
                let mut pod = best.pod.clone();
                let object = objects.get_mut(which).unwrap_or(&mut pod);
                let paths = paths(object);
                let Some(path) = paths.get(skip) else { break };
                cut(object, path);
                tries += 1;
                match differs(real, objects, pod)? {
                    Some(smaller) => best = smaller,
                    None => skip += 1,
                }
            }
        }
        if size(&best) == before || tries >= TRIES {
            return Ok(best);
        }
    }
}

fn size(found: &Disagreement) -> usize {
    found.objects.iter().chain([&found.pod]).map(|object| object.to_string().len()).sum()
}

/// The disagreement about `pod` among `objects`, if there is one.
fn differs(real: &mut Real, objects: Vec<Value>, pod: Value) -> Result<Option<Disagreement>, String> {
    real.clear()?;
    for object in &objects {
        if let Made::Refused(_) = real.create(object)? {
            return Ok(None);
        }
    }
    let mut there = real.dump()?;
    let has_nodes = objects.iter().any(|object| object["kind"] == "Node");
    if !has_nodes {
        return Ok(None);
    }
    match ask(real, &objects, &mut there, &pod, &mut Tally::default())? {
        Asked::Differed(real, ours, what) => Ok(Some(Disagreement { objects, pod, real, ours, what })),
        _ => Ok(None),
    }
}

/// What may be cut out of an object, the larger things first.
fn paths(object: &Value) -> Vec<Vec<String>> {
    fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<(usize, Vec<String>)>) {
        let parts: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, part)| (key.clone(), part)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect(),
            _ => return,
        };
        for (key, part) in parts {
            path.push(key);
            let fixed =
                ["apiVersion", "kind", "metadata", "metadata/name", "metadata/namespace", "spec", "spec/nodeName"];
            // A node that is not Ready takes no pod of ours, whatever the scheduler would do.
            let joined = path.join("/");
            if !fixed.contains(&joined.as_str()) && joined != "status" && !joined.starts_with("status/conditions") {
                found.push((part.to_string().len(), path.clone()));
            }
            walk(part, path, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    walk(object, &mut Vec::new(), &mut found);
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    found.into_iter().map(|(_, path)| path).collect()
}

fn cut(object: &mut Value, path: &[String]) {
    let Some((last, way)) = path.split_last() else { return };
    let pointer: String = way.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect();
    match object.pointer_mut(&pointer) {
        Some(Value::Object(map)) => drop(map.remove(last)),
        Some(Value::Array(list)) => drop(list.remove(last.parse().unwrap())),
        _ => {}
    }
}

/// Writes a disagreement to a folder: the objects as kubectl would list them, the pod last, with the scheduler's answer;
/// beside it both answers in words.
pub fn keep(found: &Disagreement, name: &str) -> std::io::Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("labs");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.json"));
    let items: Vec<&Value> = found.objects.iter().chain([&found.pod]).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "answer": found.real.to_json(), "items": items});
    std::fs::write(&path, format!("{list:#}\n"))?;
    let mut answers = format!("{found}\n");
    for (node, reasons) in &found.ours.nodes {
        let reasons = if reasons.is_empty() { "fits".into() } else { reasons.join(", ") };
        let _ = writeln!(answers, "  ours, {node}: {reasons}");
    }
    std::fs::write(path.with_extension("txt"), &answers)?;
    Ok(path)
}

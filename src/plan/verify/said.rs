//! Whether a plan says what one made of the same policy and snapshot says: words, evidence, places in the policy, notes,
//! homes, and the steps that give capacity back, which no rule of safety misses.

use serde_json::Value;

use crate::model::{Target, World};
use crate::plan::{FileRef, Plan, Request, plan_for};
use crate::policy::Policy;

/// So many differences are told one by one.
const TOLD: usize = 8;

/// Where a plan differs from the one that its policy and its world give at its own time; empty if nowhere. Where its files
/// stood when it was made makes no difference.
pub fn otherwise(plan: &Plan, world: &World, policy: &Policy) -> Vec<String> {
    let Ok(said) = serde_json::to_value(plan) else { return Vec::new() };
    // A comment more in a file moves every line of it, and means nothing.
    let same = |now: &FileRef| plan.policy.files.iter().any(|then| *then.digest == *now.digest);
    let targets: Vec<Target> = plan.targets.iter().filter_map(|target| target.parse().ok()).collect();
    let differences = |for_apply: bool| {
        let request = Request { targets: targets.clone(), for_apply };
        let (mut fresh, _) = plan_for(policy, world, plan.now, &request);
        let names: Vec<(String, String)> = (fresh.policy.files.iter().zip(&plan.policy.files))
            .map(|(now, then)| (now.path.clone(), then.path.clone()))
            .filter(|(now, then)| now != then)
            .collect();
        let moved = !fresh.policy.files.iter().all(same);
        fresh.policy = plan.policy.clone();
        fresh.snapshot = plan.snapshot.clone();
        fresh.format_version.clone_from(&plan.format_version);
        fresh.checksum.clone_from(&plan.checksum);
        let (mut said, mut fresh) = (said.clone(), serde_json::to_value(fresh).unwrap_or_default());
        rename(&mut fresh, &names);
        if moved {
            plan.policy
                .files
                .iter()
                .for_each(|file| [&mut fresh, &mut said].into_iter().for_each(|of| unline(of, &file.path)));
        }
        let mut found = Vec::new();
        compare("", &said, &fresh, &mut found);
        found
    };
    // It does not say which of the two it was made for.
    let mut found = differences(false);
    if !found.is_empty() {
        let other = differences(true);
        found = if other.len() < found.len() { other } else { found };
    }
    let more = found.len().saturating_sub(TOLD);
    if more > 0 {
        found.truncate(TOLD);
        found.push(format!("and in {more} more places"));
    }
    found
}

fn rename(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (now, then) in names {
                *text = if text == now { then.clone() } else { text.replace(&format!("{now}:"), &format!("{then}:")) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Takes the lines of a file out of what is said of it.
fn unline(value: &mut Value, file: &str) {
    match value {
        Value::String(text) => {
            let place = format!("{file}:");
            let mut parts = text.split(place.as_str());
            let first = parts.next().unwrap_or_default().to_owned();
            *text = parts.fold(first, |said, part| said + file + part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| unline(item, file)),
        Value::Object(fields) => {
            if fields.get("file").and_then(Value::as_str) == Some(file) {
                fields.retain(|field, _| field != "line" && field != "column");
            }
            fields.values_mut().for_each(|field| unline(field, file));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Lists with ids or names are compared by these, so that one that is missing is named.
fn key(value: &Value) -> Option<&str> {
    ["id", "pod", "node", "name"].iter().find_map(|key| value.get(key)).and_then(Value::as_str)
}

fn compare(at: &str, said: &Value, fresh: &Value, found: &mut Vec<String>) {
    match (said, fresh) {
        _ if said == fresh => {}
        (Value::Object(one), Value::Object(other)) => {
            let mut fields: Vec<&String> = one.keys().chain(other.keys()).collect();
            fields.sort();
            fields.dedup();
            for field in fields {
                let path = if at.is_empty() { field.clone() } else { format!("{at}.{field}") };
                let of = |side: &serde_json::Map<String, Value>| side.get(field).cloned().unwrap_or(Value::Null);
                compare(&path, &of(one), &of(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            let lacks = |side: &[Value], item: &Value| !side.iter().any(|other| key(other) == key(item));
            let keyed = one.iter().chain(other).all(|item| key(item).is_some());
            let elsewhere = |one: &[Value], other: &[Value]| one.iter().any(|item| lacks(other, item));
            if keyed && (elsewhere(one, other) || elsewhere(other, one)) {
                for item in other.iter().filter(|item| lacks(one, item)) {
                    found.push(format!("{at} has no {}, which belongs there", key(item).unwrap_or_default()));
                }
                for item in one.iter().filter(|item| lacks(other, item)) {
                    found.push(format!("{at} has {}, which does not belong there", key(item).unwrap_or_default()));
                }
                return;
            }
            for index in 0..one.len().max(other.len()) {
                let of = |side: &[Value]| side.get(index).cloned().unwrap_or(Value::Null);
                let (mine, theirs) = (of(one), of(other));
                let name = key(&theirs).or(key(&mine)).map_or(index.to_string(), str::to_owned);
                compare(&format!("{at}[{name}]"), &mine, &theirs, found);
            }
        }
        _ => found.push(format!("{at} says {}, and made again it says {}", brief(said), brief(fresh))),
    }
}

fn brief(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        other => other.to_string(),
    };
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

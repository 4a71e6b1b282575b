//! Every value of a plan, one after the other, is something else: unless it is prose, a rule of the checker's own finds it;
//! and prose is found by the plan that is made again.

use serde_json::Value;
use tidegate::plan::{Plan, Rule};

use super::goods::{Good, coming, going};

/// Prose and provenance: words for people, places in files, and what the checker has nothing to compare with.
const PROSE: [&str; 15] = [
    "/tidegate",
    "/tzdb",
    "/formatVersion",
    "/policy/files",
    "/snapshot/taken",
    "/snapshot/context",
    "/now",
    "/blockers",
    "/unclaimed",
    "/notes",
    "/kept/*/reasons",
    "/kept/*/pool",
    "/pools/*/origin",
    "/summary/text",
    "/snapshot/old",
];

/// Where it came from: there is nothing to compare it with.
const FROM: [&str; 5] = ["/formatVersion", "/policy/files", "/snapshot/taken", "/snapshot/context", "/snapshot/old"];

/// The same, wherever it stands in a step.
const PROSE_OF_STEPS: [&str; 3] = ["/reason", "/origin", "/pods/*/reason"];

fn prose(path: &str) -> bool {
    let path: String = path
        .split('/')
        .skip(1)
        .map(|part| if part.parse::<usize>().is_ok() { "/*".to_owned() } else { format!("/{part}") })
        .collect();
    let under = |prefix: &str, path: &str| path == prefix || path.starts_with(&format!("{prefix}/"));
    PROSE.iter().any(|prefix| under(prefix, &path))
        || path.strip_prefix("/steps/*").is_some_and(|rest| PROSE_OF_STEPS.iter().any(|prefix| under(prefix, rest)))
}

/// Paths of everything that can be changed or taken out.
fn paths(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| paths(value, &format!("{at}/{key}"), into)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                into.push(format!("{at}/{index}-"));
                paths(item, &format!("{at}/{index}"), into);
            }
        }
        _ => into.push(at.to_owned()),
    }
}

/// Another value of the same kind; None if there is none.
fn other(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(is) => Some(Value::Bool(!is)),
        Value::Number(number) => Some(Value::from(number.as_i64()?.wrapping_add(1))),
        Value::String(text) => Some(match text.parse::<jiff::Timestamp>() {
            Ok(time) => time.checked_add(jiff::SignedDuration::from_hours(1)).unwrap().to_string().into(),
            Err(_) => format!("{text}x").into(),
        }),
        _ => None,
    }
}

/// The plan with one value changed, or an item taken out; None if that is no plan any more.
fn changed(plan: &Value, path: &str) -> Option<Plan> {
    let mut plan = plan.clone();
    match path.strip_suffix('-').filter(|_| path.ends_with(|c: char| !c.is_alphanumeric())) {
        Some(item) => {
            let (list, index) = item.rsplit_once('/')?;
            plan.pointer_mut(list)?.as_array_mut()?.remove(index.parse().ok()?);
        }
        None => {
            let value = plan.pointer_mut(path)?;
            *value = other(value)?;
        }
    }
    serde_json::from_value(plan).ok()
}

fn every_change_is_found(good: &Good) -> usize {
    let json = serde_json::to_value(&good.plan).unwrap();
    let mut all = Vec::new();
    paths(&json, "", &mut all);
    let mut tried = 0;
    for path in all.iter().filter(|path| !FROM.iter().any(|prefix| path.starts_with(prefix))) {
        let Some(plan) = changed(&json, path).filter(|plan| *plan != good.plan) else { continue };
        tried += 1;
        let rules = good.rules(&plan);
        assert_ne!(rules, [], "{path} was changed and nobody saw it");
        let own = rules.iter().any(|rule| *rule != Rule::Said);
        assert!(
            own || prose(path.trim_end_matches('-')),
            "{path} was changed, and no rule of the checker's own saw it"
        );
    }
    tried
}

#[test]
fn no_value_of_a_plan_can_be_changed_unseen() {
    let tried = every_change_is_found(&going()) + every_change_is_found(&coming());
    assert!(tried > 500, "{tried} changes were tried");
}

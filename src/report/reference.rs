//! The fields of a document by its JSON Schema, as Markdown for people: a table for each mapping, then the kinds of value.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A reference of the document that `schema` describes. `intro` stands below the title.
pub fn reference(schema: &Value, title: &str, intro: &str) -> String {
    let mut out = format!("# {title}\n\n{intro}\n");
    let none = Map::new();
    let definitions = schema.get("$defs").and_then(Value::as_object).unwrap_or(&none);
    let mut told = BTreeSet::new();
    let mut values = BTreeSet::new();
    let mut queue = VecDeque::from([("The document".to_owned(), schema)]);
    while let Some((name, object)) = queue.pop_front() {
        if !told.insert(name.clone()) {
            continue;
        }
        let forms = forms(object);
        if !forms.is_empty() {
            let _ = writeln!(out, "\n## {name}\n\n{}\n\n| one of | what it is |\n|---|---|", meaning(object));
            for form in forms {
                let fields = form.get("properties").and_then(Value::as_object).unwrap_or(&none);
                let fields = fields.iter().map(|(field, value)| {
                    format!("`{field}`: {}", kind(field, value, definitions, &mut queue, &mut values))
                });
                let fields: Vec<String> = fields.collect();
                let _ = writeln!(out, "| {} | {} |", cell(&fields.join(", ")), cell(&meaning(form)));
            }
            continue;
        }
        if object.get("properties").is_none() {
            let all = choices(&name, object, definitions, &mut queue, &mut values);
            let _ = writeln!(out, "\n## {name}\n\n{}\n\nOne of: {all}", meaning(object));
            continue;
        }
        let _ = writeln!(out, "\n## {name}\n\n{}\n\n| field | value | what it is |\n|---|---|---|", meaning(object));
        let required: Vec<&str> =
            object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (field, value) in object.get("properties").and_then(Value::as_object).unwrap_or(&none) {
            let needed = if required.contains(&field.as_str()) { " (required)" } else { "" };
            let kind = kind(field, value, definitions, &mut queue, &mut values);
            let _ = writeln!(out, "| `{field}`{needed} | {} | {} |", cell(&kind), cell(&meaning(value)));
        }
    }
    out.push_str("\n## Values\n\n| kind | how it is written |\n|---|---|\n");
    // A kind that is one of others brings those with it.
    let mut shown = BTreeSet::new();
    while let Some(name) = values.pop_first() {
        let Some(value) = definitions.get(&name).filter(|_| shown.insert(name.clone())) else { continue };
        let mut text = meaning(value);
        let words = words(value);
        if text.is_empty() && words.is_empty() {
            text = choices(&name, value, definitions, &mut queue, &mut values);
        }
        if !words.is_empty() {
            let _ = write!(text, "{}{}", if text.is_empty() { "" } else { "<br>" }, words.join("<br>"));
        }
        let examples = value.get("examples").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let examples: Vec<String> = examples.map(|example| format!("`{example}`")).collect();
        if !examples.is_empty() {
            let _ = write!(text, ": {}", examples.join(", "));
        }
        let _ = writeln!(out, "| <a id=\"{}\"></a>{name} | {} |", name.to_lowercase(), cell(&text));
        values.retain(|name| !shown.contains(name));
    }
    out
}

fn meaning(value: &Value) -> String {
    value.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

/// The mappings that a value is one of, where they are told apart by what stands in them. None if it is something else.
fn forms(value: &Value) -> Vec<&Value> {
    let all: Vec<&Value> = value.get("oneOf").and_then(Value::as_array).into_iter().flatten().collect();
    if all.len() > 1 && all.iter().all(|form| form.get("properties").is_some()) { all } else { Vec::new() }
}

/// The words that a kind is one of, each with what it means.
fn words(value: &Value) -> Vec<String> {
    let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let plain = |of: &Value| -> Vec<String> {
        let listed = list(of, "enum").into_iter().chain(of.get("const").cloned());
        listed.filter_map(|word| Some(format!("`{}`", word.as_str()?))).collect()
    };
    let each = std::iter::once(value.clone()).chain(list(value, "oneOf"));
    each.filter_map(|of| {
        let (words, meant) = (plain(&of), meaning(&of));
        let meant = if of == *value || meant.is_empty() { String::new() } else { format!(": {meant}") };
        (!words.is_empty()).then(|| format!("{}{meant}", words.join(", ")))
    })
    .collect()
}

/// A kind without what is said of it.
fn bare(value: &Value) -> Map<String, Value> {
    let mut bare = value.as_object().cloned().unwrap_or_default();
    bare.remove("description");
    bare
}

/// A text inside of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// What a field holds. Mappings are queued to be told of, kinds of value noted.
fn kind<'s>(
    field: &str,
    value: &'s Value,
    definitions: &'s Map<String, Value>,
    queue: &mut VecDeque<(String, &'s Value)>,
    values: &mut BTreeSet<String>,
) -> String {
    let link = |name: &str| format!("[{name}](#{})", name.to_lowercase().replace('`', ""));
    let mapping = |of: &Value| of.get("properties").is_some() || !forms(of).is_empty();
    if let Some(name) = value.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        match definitions.get(name) {
            Some(object) if mapping(object) => queue.push_back((name.to_owned(), object)),
            _ => drop(values.insert(name.to_owned())),
        }
        return link(name);
    }
    // What must be there is written out by the schema, not pointed to.
    let alike = |of: &Value| !mapping(of) && bare(of) == bare(value);
    if let Some((name, _)) = definitions.iter().find(|(_, of)| bare(of).len() > 1 && alike(of)) {
        values.insert(name.clone());
        return link(name);
    }
    if mapping(value) {
        let name = format!("`{field}`");
        queue.push_back((name.clone(), value));
        return link(&name);
    }
    if let Some(words) = value.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if value.get("anyOf").is_some() || value.get("oneOf").is_some() {
        return choices(field, value, definitions, queue, values);
    }
    if let Some(constant) = value.get("const") {
        return format!("`{}`", constant.as_str().map_or_else(|| constant.to_string(), str::to_owned));
    }
    match one_type(value) {
        Some("array") => match value.get("items") {
            Some(items) => format!("list of {}", kind(field, items, definitions, queue, values)),
            None => "list".to_owned(),
        },
        Some("object") => match value.get("additionalProperties") {
            Some(each @ Value::Object(_)) => {
                format!("mapping of names to {}", kind(field, each, definitions, queue, values))
            }
            _ => "mapping".to_owned(),
        },
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        _ => "text".to_owned(),
    }
}

/// The type of a value that is there.
fn one_type(value: &Value) -> Option<&str> {
    let of = value.get("type")?;
    let all = of.as_array().map_or_else(|| std::slice::from_ref(of), Vec::as_slice);
    all.iter().filter_map(Value::as_str).find(|one| *one != "null")
}

/// `X, or list of X`. That it may be absent is not told again.
fn choices<'s>(
    field: &str,
    value: &'s Value,
    definitions: &'s Map<String, Value>,
    queue: &mut VecDeque<(String, &'s Value)>,
    values: &mut BTreeSet<String>,
) -> String {
    let choices = value.get("anyOf").or_else(|| value.get("oneOf")).and_then(Value::as_array).into_iter().flatten();
    let there = choices.filter(|choice| choice.get("type").is_none_or(|of| of.as_str() != Some("null")));
    let mut all: Vec<String> = there.map(|choice| kind(field, choice, definitions, queue, values)).collect();
    all.dedup();
    all.join(", or ")
}

//! Reads values out of a document's tree, reporting each that is not what its field expects.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Document, Spec};
use crate::policy::finding::Findings;
use crate::policy::located::{Located, Span};
use crate::policy::nearest::suggestion;
use crate::policy::node::{Node, Scalar, Value};

/// Something that a policy file may contain.
pub(crate) trait Wire: Sized {
    /// The value, or None after saying in `out` why it is none.
    fn read(node: &Node, out: &mut Findings) -> Option<Self>;

    /// Whether it is a list, whose entries may stand in several documents.
    const LIST: bool = false;

    /// Adds what another document says of the same field, at `path`. Lists are joined, those inside of mappings too; all
    /// other values of a mapping stand in one document, so that it has one place.
    fn join(first: &mut Located<Self>, second: Located<Self>, path: &str, out: &mut Findings) {
        out.error("said-twice", second.span, format!("`{path}` is given in two documents"))
            .help("only one value can count: remove one of the two (only the entries of lists are joined)")
            .see(first.span, "first given here");
    }
}

/// Complains of a mapping whose values stand in two documents.
pub(crate) fn divided(first: Span, second: Span, path: &str, out: &mut Findings) {
    out.error("said-twice", second, format!("`{path}` has values in two documents"))
        .help("write its values in one of the two (only the entries of its lists are joined)")
        .see(first, "first given here");
}

/// Adds what another document says of a field.
pub(crate) fn join<T: Wire>(slot: &mut Option<Located<T>>, second: Option<Located<T>>, path: &str, out: &mut Findings) {
    match (slot, second) {
        (_, None) => {}
        (Some(first), Some(second)) => T::join(first, second, path, out),
        (slot, second) => *slot = second,
    }
}

impl<T: Wire> Wire for Located<T> {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        Some(Self { value: T::read(node, out)?, span: node.span })
    }
}

impl<T: Wire> Wire for Vec<T> {
    const LIST: bool = true;

    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::List(items) => readable(items, |item| T::read(item, out)),
            _ => {
                expected(node, "a list", out);
                None
            }
        }
    }

    fn join(first: &mut Located<Self>, second: Located<Self>, _: &str, _: &mut Findings) {
        first.value.extend(second.value);
    }
}

/// Those of the items that can be read. None if there are some and not one can be: what is left is then not an empty
/// list, which somebody would complain of once more.
fn readable<I, T>(items: &[I], read: impl FnMut(&I) -> Option<T>) -> Option<Vec<T>> {
    let found: Vec<T> = items.iter().filter_map(read).collect();
    (items.is_empty() || !found.is_empty()).then_some(found)
}

/// One value or a list of them.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(pub Vec<Located<T>>);

impl<T: Wire> Wire for OneOrMany<T> {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::List(_) => Vec::read(node, out).map(Self),
            _ => Located::read(node, out).map(|one| Self(vec![one])),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A mapping with keys of the user's choice, such as labels, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Pairs<T>(pub Vec<(Located<String>, Located<T>)>);

impl<T: Wire> Wire for Pairs<T> {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let entries = mapping(node, "a mapping", out)?;
        let read = |(key, value): &(Scalar, Node)| {
            let key_text = Located { value: key.text.clone(), span: key.span };
            Some((key_text, field(key, value, out)?))
        };
        readable(entries, read).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Pairs<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// An enumeration of words.
pub(crate) trait Word: Copy + 'static {
    /// What it is, for messages.
    const WHAT: &'static str;
    /// Its name in the schema.
    const SCHEMA: &'static str;
    /// Each word and what it means.
    const WORDS: &'static [(&'static str, Self)];
}

/// A word of an enumeration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<T>(pub T);

impl<T: Word> Wire for Choice<T> {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let words = || T::WORDS.iter().map(|(word, _)| *word);
        let Value::Scalar(scalar) = &node.value else {
            let all: Vec<String> = words().map(|word| format!("`{word}`")).collect();
            expected(node, &format!("{}: {}", T::WHAT, all.join(", ")), out);
            return None;
        };
        let found = T::WORDS.iter().find(|(word, _)| *word == scalar.text).map(|(_, value)| Self(*value));
        if found.is_none() {
            out.error("unknown-value", node.span, format!("`{}` is not {}", scalar.text, T::WHAT))
                .help(suggestion(&scalar.text, words().collect::<Vec<_>>()));
        }
        found
    }
}

impl<T: Word> JsonSchema for Choice<T> {
    fn schema_name() -> Cow<'static, str> {
        T::SCHEMA.into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// The entries of a mapping; a complaint if it is none.
pub(crate) fn mapping<'a>(node: &'a Node, what: &str, out: &mut Findings) -> Option<&'a [(Scalar, Node)]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        _ => {
            expected(node, &format!("{what} with fields"), out);
            None
        }
    }
}

/// The value of a field.
pub(crate) fn field<T: Wire>(key: &Scalar, node: &Node, out: &mut Findings) -> Option<Located<T>> {
    if matches!(node.value, Value::Null) {
        out.error("no-value", key.span, format!("`{}` has no value", key.text))
            .help("give it one, or remove the line to have the default");
        return None;
    }
    Located::read(node, out)
}

/// Complains of a field that does not exist.
pub(crate) fn unknown(key: &Scalar, what: &str, fields: &[&str], out: &mut Findings) {
    let finding = out.error("unknown-field", key.span, format!("{what} has no field `{}`", key.text));
    if fields == Document::FIELDS && Spec::FIELDS.contains(&key.text.as_str()) {
        finding.help(format!("`{}` belongs under `spec`: indent it by two more spaces", key.text));
    } else {
        finding.help(suggestion(&key.text, fields.iter().copied()));
    }
}

/// Complains of a field that must be there.
pub(crate) fn require(node: &Node, what: &str, key: &str, out: &mut Findings) {
    let Value::Map(entries) = &node.value else { return };
    if !entries.iter().any(|(entry, _)| entry.text == key) {
        missing(node.span, what, key, out);
    }
}

/// Complains of a field that must be there, in the mapping at `span`.
pub(crate) fn missing(span: Span, what: &str, key: &str, out: &mut Findings) {
    out.error("missing-field", span, format!("{what} needs `{key}`")).help(format!("add `{key}: …`"));
}

/// Complains of a value of the wrong type, and says what to write instead.
pub(crate) fn expected(node: &Node, what: &str, out: &mut Findings) {
    let help = match &node.value {
        _ if what == "`nodes` with fields" => names(node),
        Value::Map(_) if what == "a list" => "begin it with `- `".to_owned(),
        Value::Scalar(_) if what == "a list" => "put it in brackets: `[…]`".to_owned(),
        Value::Null if what == "a list" => "write its items, each in a line that begins with `- `".to_owned(),
        Value::List(_) if what.ends_with("with fields") => "take the `- ` or the brackets away: it is one".to_owned(),
        _ if what.ends_with("with fields") => "give it fields, each in a line of its own: `name: value`".to_owned(),
        Value::List(_) => "write one value, without `- ` and brackets".to_owned(),
        Value::Map(_) => "write one value; one that has `: ` or braces in it stands in quotes".to_owned(),
        Value::Scalar(_) | Value::Null => instead(what),
    };
    out.error("wrong-type", node.span, format!("found {}, expected {what}", node.found())).help(help);
}

/// `write it like X`, by the example that the expectation itself has.
fn instead(what: &str) -> String {
    let example = what.split_once("such as `").and_then(|(_, rest)| rest.split_once('`'));
    match (example, what.split_once(": ")) {
        (Some((example, _)), _) => format!("write it like `{example}`"),
        (None, Some((_, words))) => format!("write one of {words}"),
        (None, None) if what.starts_with("a whole number") => {
            "write it in digits, without fraction or leading zero, like `2`".to_owned()
        }
        (None, None) => format!("write {what}"),
    }
}

/// The fields for a pool's nodes that were written as bare names.
fn names(node: &Node) -> String {
    let quoted = |node: &Node| match &node.value {
        Value::Scalar(scalar) => Some(format!("\"{}\"", scalar.text)),
        _ => None,
    };
    let names = match &node.value {
        Value::List(items) => Some(format!("[{}]", items.iter().filter_map(quoted).collect::<Vec<_>>().join(", "))),
        _ => quoted(node),
    };
    let names = names.filter(|names| names != "[]").unwrap_or_else(|| "[…]".to_owned());
    format!("write `nodes: {{names: {names}}}`")
}

/// The scalar of a node; a complaint if it is a list or a mapping.
pub(crate) fn scalar<'a>(node: &'a Node, what: &str, out: &mut Findings) -> Option<&'a Scalar> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar),
        _ => {
            expected(node, what, out);
            None
        }
    }
}

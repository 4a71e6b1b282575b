//! Names, labels, words and node-name patterns.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Wire, expected, scalar};
use crate::model::Name;
use crate::policy::finding::Findings;
use crate::policy::node::{Node, Scalar};
use crate::policy::pattern::Glob;

/// A text. What other YAML readers would take for something else must be in quotes.
#[derive(Clone, Debug)]
pub(crate) struct Text(Scalar);

impl Text {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The text, to keep.
    pub(crate) fn name(&self) -> Name {
        self.0.text.as_str().into()
    }
}

/// Whether YAML 1.1 or 1.2 reads this plain word as a boolean or as nothing.
fn is_yaml_word(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether YAML reads this plain word as a number.
fn is_yaml_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && (text.replace('_', "").parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0o"))
}

impl Wire for Text {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let scalar = scalar(node, "a text", out)?;
        let text = &scalar.text;
        if scalar.plain && is_yaml_word(text) {
            out.error("unquoted-word", node.span, format!("`{text}` is not a text for every YAML reader"))
                .help(format!("write it in quotes: `\"{text}\"`"));
            return None;
        }
        if scalar.plain && is_yaml_number(text) {
            out.error("wrong-type", node.span, format!("found {}, expected a text", node.found()))
                .help(format!("write it in quotes: `\"{text}\"`"));
            return None;
        }
        if text.trim().is_empty() {
            out.error("empty-text", node.span, "the text is empty").help("write something in it, or remove the field");
            return None;
        }
        Some(Self(scalar.clone()))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// A node name with ranges and `*`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// As written.
    pub text: Name,
}

impl Wire for Pattern {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let text = Text::read(node, out)?;
        if let Err(error) = Glob::parse(text.as_str()) {
            out.error("bad-pattern", text.0.part(error.range), error.message).help(error.help);
        }
        // What is bad is kept: without it a pool would seem to have fewer nodes than are meant.
        Some(Self { text: text.name() })
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "NodeNamePattern".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A node name; `{2..10}` stands for the numbers from 2 to 10 (`{01..10}` keeps the zeros), `*` for any run of characters",
            "type": "string",
            "minLength": 1,
            "examples": ["worker-{1..9}", "gpu-*"],
        })
    }
}

impl Wire for bool {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        let text = scalar(node, "`true` or `false`", out)?;
        match (text.plain, text.text.as_str()) {
            (true, "true") => Some(true),
            (true, "false") => Some(false),
            _ => {
                expected(node, "`true` or `false`", out);
                None
            }
        }
    }
}

//! A YAML document as a tree in which every key and value knows its place and how it was written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

use super::located::Span;

/// A value of a document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub value: Value,
    /// A mapping's or list's reaches from its first child to its last.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Scalar, Node)>),
}

/// A string, number or word. YAML's guess of its type is kept out of it: the field that reads it decides.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub text: String,
    /// It was written without quotes.
    pub plain: bool,
    /// Where it stands, quotes included.
    pub span: Span,
    /// The byte at which `text` stands word for word in the file; None if escapes or folding changed it.
    pub verbatim: Option<u32>,
}

impl Scalar {
    /// The place of the bytes `range` of the text; the whole scalar where they cannot be told.
    pub(crate) fn part(&self, range: std::ops::Range<usize>) -> Span {
        let (Some(at), Some(before)) = (self.verbatim, self.text.get(..range.start)) else { return self.span };
        if range.start > range.end || range.end > self.text.len() {
            return self.span;
        }
        let quote = at.saturating_sub(self.span.start);
        Span {
            start: at.saturating_add(clamp(range.start)),
            end: at.saturating_add(clamp(range.end)),
            column: self.span.column.saturating_add(quote).saturating_add(clamp(before.chars().count())),
            ..self.span
        }
    }
}

impl Node {
    /// What was found here, for `found X, expected Y`.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Scalar(scalar) => {
                let short: String = scalar.text.chars().take(40).collect();
                let dots = if short.len() < scalar.text.len() { "…" } else { "" };
                match (scalar.plain, short.parse::<f64>().is_ok()) {
                    (true, true) => format!("the number `{short}{dots}`"),
                    (true, false) => format!("`{short}{dots}`"),
                    (false, _) => format!("the text `\"{short}{dots}\"`"),
                }
            }
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => match entries.first() {
                Some((key, _)) => format!("a mapping (`{}: …`)", key.text),
                None => "an empty mapping".into(),
            },
        }
    }
}

/// A document as the YAML reader gives it, before its scalars are looked up in the text.
pub(crate) struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Text(String),
    /// A number or word that YAML read as something else than text.
    Typed,
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

impl Raw {
    /// The tree, with the text of every scalar as it stands in the file. None where there is nothing in the document.
    pub(crate) fn into_node(self, text: &str, file: u32) -> Node {
        let span = span(self.0.defined, file);
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Text(value) => Value::Scalar(scalar(Some(value), text, span)),
            RawValue::Typed => Value::Scalar(scalar(None, text, span)),
            RawValue::List(items) => Value::List(items.into_iter().map(|item| item.into_node(text, file)).collect()),
            RawValue::Map(entries) => {
                let entry = |(key, value): (Raw, Raw)| {
                    let span = self::span(key.0.defined, file);
                    let key = match key.0.value {
                        RawValue::Text(value) => scalar(Some(value), text, span),
                        _ => scalar(None, text, span),
                    };
                    (key, value.into_node(text, file))
                };
                Value::Map(entries.into_iter().map(entry).collect())
            }
        };
        let end = match &value {
            Value::List(items) => items.last().map(|last| last.span.end),
            Value::Map(entries) => entries.last().map(|(key, value)| value.span.end.max(key.span.end)),
            Value::Null | Value::Scalar(_) => None,
        };
        Node { value, span: Span { end: span.end.max(end.unwrap_or(0)), ..span } }
    }
}

fn span(location: Location, file: u32) -> Span {
    let bytes = location.span();
    let start = bytes.byte_offset().unwrap_or(0);
    let end = start.saturating_add(bytes.byte_len().unwrap_or(0));
    Span {
        file,
        start: clamp(usize::try_from(start).unwrap_or(usize::MAX)),
        end: clamp(usize::try_from(end).unwrap_or(usize::MAX)),
        line: clamp(usize::try_from(location.line()).unwrap_or(usize::MAX)),
        column: clamp(usize::try_from(location.column()).unwrap_or(usize::MAX)),
    }
}

fn scalar(value: Option<String>, text: &str, span: Span) -> Scalar {
    let written = text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let plain = !written.starts_with(['"', '\'', '|', '>']);
    let value = value.unwrap_or_else(|| written.trim().to_owned());
    let verbatim = if written == value {
        Some(span.start)
    } else {
        let inner = written.get(1..written.len().saturating_sub(1));
        (!plain && inner == Some(value.as_str())).then(|| span.start.saturating_add(1))
    };
    Scalar { text: value, plain, span, verbatim }
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<RawValue>::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }
    fn visit_i64<E>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }
    fn visit_u64<E>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }
    fn visit_f64<E>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed)
    }
    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }
    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }
    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(RawValue::Map(map))
    }
}

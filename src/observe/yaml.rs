//! Walks through YAML documents: each a List or an object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::item::{At, Item, Place, without_position};
use super::{Builder, ObserveError};

/// A document, with the line of each item.
struct Document {
    list: bool,
    /// A list whose `items` are none.
    hollow: bool,
    kind: Option<String>,
    items: Vec<(u64, Value)>,
}

/// Hands every object in `text` to `builder`.
pub fn read(file: &str, text: &[u8], builder: &mut Builder) -> Result<(), ObserveError> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_reader_input_bytes: None,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_documents: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            max_depth: 128,
            max_aliases: 0,
            max_anchors: 0,
        },
        with_snippet: false,
        legacy_octal_numbers: false,
    };
    let mut reader = text;
    let mut number = 0;
    for document in serde_yaml::read_with_options::<_, Document>(&mut reader, options) {
        let document = document.map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            ObserveError::Syntax {
                file: file.to_owned(),
                line: usize::try_from(line).unwrap_or(usize::MAX),
                column: usize::try_from(column).unwrap_or(usize::MAX),
                message: without_position(&error),
            }
        })?;
        let list_kind = document.list.then_some(document.kind.as_deref()).flatten();
        let count = (!document.hollow).then_some(document.items.len());
        for (line, item) in document.items {
            number += 1;
            let at = if line > 0 { At::Line(line) } else { At::Number(number) };
            builder.item(Item::Value(item), list_kind, Place { file, at });
        }
        if document.list {
            builder.list(document.kind.as_deref(), count);
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut items, mut rest) = (None, Map::new());
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                items = Some(map.next_value::<Option<Vec<serde_yaml::Spanned<Value>>>>()?);
            } else {
                rest.insert(key, map.next_value()?);
            }
        }
        let kind = rest.get("kind").and_then(Value::as_str).map(str::to_owned);
        Ok(match items {
            Some(items) => {
                Document { list: true, hollow: items.is_none(), kind, items: lines(items.unwrap_or_default()) }
            }
            None => Document { list: false, hollow: false, kind, items: vec![(0, Value::Object(rest))] },
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<serde_yaml::Spanned<Value>>()? {
            items.push(item);
        }
        Ok(Document { list: true, hollow: false, kind: None, items: lines(items) })
    }
}

fn lines(items: Vec<serde_yaml::Spanned<Value>>) -> Vec<(u64, Value)> {
    items.into_iter().map(|item| (item.referenced.line(), item.value)).collect()
}

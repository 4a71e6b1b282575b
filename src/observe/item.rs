//! One object on its way from a file to the converter.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::raw::OnNode;

/// An object, not yet looked into.
pub enum Item<'a> {
    /// Its JSON text.
    Text(&'a [u8]),
    /// Its value.
    Value(Value),
}

impl Item<'_> {
    /// Reads it as a `T`; the message of a failure has no position, the caller has.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, String> {
        let read = match self {
            Self::Text(text) => serde_json::from_slice(text),
            Self::Value(value) => serde_json::from_value(value),
        };
        read.map_err(|error| without_position(&error))
    }

    /// Reads a part of it and keeps it.
    pub fn peek<'b, T: serde::Deserialize<'b>>(&'b self) -> Result<T, String> {
        let read = match self {
            Self::Text(text) => serde_json::from_slice(text),
            Self::Value(value) => T::deserialize(value),
        };
        read.map_err(|error| without_position(&error))
    }
}

/// What is left of an object that could not be read.
pub enum Trace<'a> {
    /// Its JSON text.
    Text(&'a [u8]),
    /// The node that it names.
    Node(Option<String>),
}

impl<'a> Item<'a> {
    /// What to find its node by if it turns out not to be readable.
    pub fn trace(&self) -> Trace<'a> {
        match self {
            Self::Text(text) => Trace::Text(text),
            Self::Value(value) => {
                Trace::Node(value.pointer("/spec/nodeName").and_then(Value::as_str).map(str::to_owned))
            }
        }
    }
}

impl Trace<'_> {
    /// The node that a Pod is on.
    pub fn node(self) -> Option<String> {
        let node = match self {
            Self::Text(text) => serde_json::from_slice::<OnNode>(text).ok()?.spec?.node_name,
            Self::Node(node) => node,
        };
        node.filter(|node| !node.is_empty())
    }
}

/// An error's words without the position that it would add relative to the part that was read.
pub fn without_position(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.rfind(" at line ").and_then(|end| first.get(..end)).unwrap_or(first).to_owned()
}

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Where in it.
    pub at: At<'a>,
}

/// Where in a file.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// Behind so many bytes of the text.
    Byte(&'a [u8], usize),
    /// In this line, from 1.
    Line(u64),
    /// The so-manyth object, from 1.
    Number(usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Byte(text, offset) => write!(f, "{}:{}", self.file, line_and_column(text, offset).0),
            At::Line(line) => write!(f, "{}:{line}", self.file),
            At::Number(number) => write!(f, "{}: object {number}", self.file),
        }
    }
}

/// Line and column of a byte, both from 1.
pub fn line_and_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

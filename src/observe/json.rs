//! Walks through JSON text item by item: one List, several, or bare objects one after another.

use serde::de::IgnoredAny;

use super::item::{At, Item, Place, line_and_column, without_position};
use super::{Builder, ObserveError};

/// Who takes the objects.
pub trait Sink {
    /// One object, in a list of this kind or in none.
    fn item(&mut self, text: &[u8], list_kind: Option<&str>, place: Place<'_>);

    /// A list ended.
    fn list(&mut self, list: List<'_>);
}

/// What a list says of itself.
pub struct List<'a> {
    /// Its `apiVersion`.
    pub api_version: Option<&'a str>,
    /// Its `kind`.
    pub kind: Option<&'a str>,
    /// How many items it has; none if its `items` are no list.
    pub items: Option<usize>,
    /// Its own `metadata`, `{}` if it has none.
    pub metadata: &'a [u8],
}

impl Sink for Builder {
    fn item(&mut self, text: &[u8], list_kind: Option<&str>, place: Place<'_>) {
        Self::item(self, Item::Text(text), list_kind, place);
    }

    fn list(&mut self, list: List<'_>) {
        Self::list(self, list.kind, list.items);
    }
}

/// Hands every object in `text` to `sink`.
pub fn read(file: &str, text: &[u8], sink: &mut dyn Sink) -> Result<(), ObserveError> {
    let mut walk = Walk { file, text, at: 0, sink };
    loop {
        match walk.peek() {
            None => return Ok(()),
            Some(b'[') => drop(walk.items(None)?),
            Some(b'{') => walk.object()?,
            Some(_) => return Err(walk.wrong("a Kubernetes object starts with `{`")),
        }
    }
}

struct Walk<'a, 'b> {
    file: &'a str,
    text: &'a [u8],
    at: usize,
    sink: &'b mut dyn Sink,
}

impl Walk<'_, '_> {
    /// An object: a list if it has an array called `items`, else an item itself.
    fn object(&mut self) -> Result<(), ObserveError> {
        let start = self.at;
        let (mut api_version, mut kind, mut is_list, mut items) = (None, None, false, None);
        let mut metadata = 0..0;
        self.at += 1;
        if self.peek() != Some(b'}') {
            loop {
                let key = self.string()?;
                self.take(b':')?;
                match (key.as_str(), self.peek()) {
                    ("items", Some(b'[')) => {
                        is_list = true;
                        items = Some(self.items(kind.as_deref())?);
                    }
                    ("kind", Some(b'"')) => kind = Some(self.string()?),
                    ("apiVersion", Some(b'"')) => api_version = Some(self.string()?),
                    ("metadata", Some(b'{')) => {
                        let start = self.at;
                        self.value()?;
                        metadata = start..self.at;
                    }
                    ("items", _) => {
                        is_list = true;
                        self.value()?;
                    }
                    _ => self.value()?,
                }
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break,
                }
                self.peek();
            }
        }
        self.take(b'}')?;
        if is_list {
            let metadata = self.text.get(metadata).filter(|text| !text.is_empty()).unwrap_or(b"{}");
            self.sink.list(List { api_version: api_version.as_deref(), kind: kind.as_deref(), items, metadata });
        } else {
            let text = self.text.get(start..self.at).unwrap_or_default();
            let place = Place { file: self.file, at: At::Byte(self.text, start) };
            self.sink.item(text, None, place);
        }
        Ok(())
    }

    /// An array of items; how many they are.
    fn items(&mut self, list_kind: Option<&str>) -> Result<usize, ObserveError> {
        let mut count = 0;
        self.at += 1;
        if self.peek() != Some(b']') {
            loop {
                self.peek();
                let start = self.at;
                self.value()?;
                let text = self.text.get(start..self.at).unwrap_or_default();
                let place = Place { file: self.file, at: At::Byte(self.text, start) };
                self.sink.item(text, list_kind, place);
                count += 1;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break,
                }
            }
        }
        self.take(b']').map(|()| count)
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Result<(), ObserveError> {
        match self.peek() {
            Some(found) if found == expected => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.wrong(&format!("expected `{}`", char::from(expected)))),
            None => Err(self.wrong("the text ends in the middle of an object")),
        }
    }

    fn string(&mut self) -> Result<String, ObserveError> {
        self.parsed::<String>()
    }

    /// Skips one value.
    fn value(&mut self) -> Result<(), ObserveError> {
        if matches!(self.peek(), Some(b'{' | b'[' | b'"')) {
            return self.parsed::<IgnoredAny>().map(|_| ());
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| !byte.is_ascii_whitespace() && !b",]}".contains(byte)).count();
        let literal = rest.get(..length).unwrap_or_default();
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(literal) {
            let message = if literal.is_empty() { "expected a value".into() } else { without_position(&error) };
            return Err(self.wrong(&message));
        }
        self.at += length;
        Ok(())
    }

    fn parsed<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ObserveError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<T>();
        match stream.next() {
            Some(Ok(value)) => {
                self.at += stream.byte_offset();
                Ok(value)
            }
            Some(Err(error)) => {
                self.at += offset_of(rest, error.line(), error.column());
                Err(self.wrong(&without_position(&error)))
            }
            None => Err(self.wrong("the text ends in the middle of an object")),
        }
    }

    fn wrong(&self, message: &str) -> ObserveError {
        let (line, column) = line_and_column(self.text, self.at);
        ObserveError::Syntax { file: self.file.to_owned(), line, column, message: message.to_owned() }
    }
}

fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    lines_before.map(<[u8]>::len).sum::<usize>() + column.saturating_sub(1)
}

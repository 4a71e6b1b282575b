//! What an API server answers: a page of a list, or one object of a watch.

use serde::Deserialize;
use serde_json::Value;

use super::convert::{Converter, Read};
use super::item::{At, Item, Place};
use super::json::{self, List, Sink};
use super::{Builder, ObserveError};
use crate::model::{Change, Kind};

/// What a page says of its list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Page {
    /// The moment that the list is of.
    pub resource_version: String,
    /// The way to the next page; empty on the last.
    #[serde(rename = "continue")]
    pub next: String,
    /// So many objects are still to come, where the server says.
    pub remaining_item_count: i64,
}

impl Page {
    /// Whether an answer of this `apiVersion` and `kind`, with `items` or without, is a page of the list of `listed` that
    /// was asked for. Without this check anything that is JSON would pass for an empty list (H6).
    ///
    /// # Errors
    /// It is something else, or ends before its end: in words.
    pub fn is_of(&self, listed: (&str, &str), said: (&str, &str), items: bool) -> Result<(), String> {
        let list = format!("{}List", listed.1);
        if said != (listed.0, list.as_str()) {
            let (version, kind) = said;
            return Err(format!("it says kind `{kind}` of `{version}`, and is not the `{list}` of `{}`", listed.0));
        }
        if !items {
            return Err(format!("the `{list}` has no `items`"));
        }
        if self.next.is_empty() && self.remaining_item_count > 0 {
            let left = self.remaining_item_count;
            return Err(format!("the `{list}` leaves out {left} (`remainingItemCount`) and has no `continue`"));
        }
        Ok(())
    }
}

/// One item of a page.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Empty for what has none.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its own version.
    pub resource_version: &'a str,
    /// Its JSON text.
    pub text: &'a [u8],
    /// It could be read and is in the snapshot.
    pub kept: bool,
}

/// Reads a page of a list of `kind` into `builder`, item by item. `what` stands in messages.
///
/// # Errors
/// It is not JSON, is cut off, or is not such a list ([`Page::is_of`]). Items that came are in the builder all the same.
pub fn read_page(
    what: &str,
    kind: Kind,
    text: &[u8],
    builder: &mut Builder,
    seen: &mut dyn FnMut(Seen<'_>),
) -> Result<Page, ObserveError> {
    let nothing = Err("it is no list".to_owned());
    let mut paged = Paged { what, listed: kind, kind: format!("{kind}List"), builder, seen, count: 0, page: nothing };
    json::read(what, text, &mut paged)?;
    paged.page.map_err(|why| ObserveError::NoList { why })
}

struct Paged<'a> {
    what: &'a str,
    listed: Kind,
    /// Items of such a list do not say what they are, and it may say it behind them.
    kind: String,
    builder: &'a mut Builder,
    seen: &'a mut dyn FnMut(Seen<'_>),
    count: usize,
    page: Result<Page, String>,
}

impl Sink for Paged<'_> {
    fn item(&mut self, text: &[u8], _: Option<&str>, _: Place<'_>) {
        self.count += 1;
        // The page is one line: its place in it tells nobody anything.
        let place = Place { file: self.what, at: At::Number(self.count) };
        let (header, kept) = self.builder.item(Item::Text(text), Some(&self.kind), place);
        let meta = header.metadata.unwrap_or_default();
        let (namespace, name) = (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default().0);
        let resource_version = meta.resource_version.unwrap_or_default();
        if !name.is_empty() {
            let (namespace, name, resource_version) = (&*namespace, &*name, &*resource_version);
            (self.seen)(Seen { namespace, name, resource_version, text, kept });
        }
    }

    fn list(&mut self, list: List<'_>) {
        let version = self.listed.api().map_or("", |api| api.version);
        let said = (list.api_version.unwrap_or_default(), list.kind.unwrap_or_default());
        let page = serde_json::from_slice(list.metadata).map_err(|error| format!("its metadata: {error}"));
        self.page = page.and_then(|page: Page| {
            page.is_of((version, &self.listed.to_string()), said, list.items.is_some()).map(|()| page)
        });
        self.builder.list(Some(&self.kind), list.items);
    }
}

/// Reads one object, with its `apiVersion` and `kind`; None if it is of a kind that is not looked at.
///
/// # Errors
/// A sentence that says what in it cannot be read.
pub fn read_object(object: Value) -> Result<Option<Change>, String> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    // Nothing is shared with what was read before: what a watch brings in a week would never be let go.
    match Converter::default().object(&api_version, &kind, Item::Value(object))? {
        Read::Object(change) => Ok(Some(*change)),
        _ => Ok(None),
    }
}

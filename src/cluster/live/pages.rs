//! Lists, page by page.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Request;
use jiff::Timestamp;
use k8s_openapi::Resource;
use kube::Client;
use kube::api::{ListParams, ObjectList, VersionMatch};
use kube::client::Body;
use kube::core::{Request as Paths, Status};
use serde::Deserialize;
use serde_json::Value;

use super::call::{Failed, again};
use super::kinds::Listed;
use crate::model::counted;
use crate::observe::Page;

/// Objects on a page: as many as kubectl asks for.
const PAGE: u32 = 500;
/// So many pages one after another that bring no object that was not there before, and the list has no end.
const NOTHING_NEW: u32 = 20;

/// Whether a list goes on: one that does not get further has no end, whatever it says.
#[derive(Default)]
pub(super) struct Progress {
    objects: usize,
    idle: u32,
}

impl Progress {
    /// Takes in a page that was asked for by the token `asked`, says that the next one is `next`, and with which there are
    /// so many different `objects`.
    ///
    /// # Errors
    /// It is the token that was asked for, or nothing new came for too long.
    pub fn page(&mut self, asked: &str, next: &str, objects: usize) -> Result<(), Failed> {
        self.idle = if objects > self.objects { 0 } else { self.idle + 1 };
        self.objects = objects;
        let why = match (next.is_empty(), next == asked, self.idle >= NOTHING_NEW) {
            (true, ..) | (false, false, false) => return Ok(()),
            (false, true, _) => "each page has the same `continue`".to_owned(),
            (false, false, true) => format!("{NOTHING_NEW} pages one after another bring nothing new"),
        };
        let after = counted(u32::try_from(objects).unwrap_or(u32::MAX), "object");
        let text = format!("the list has no end: {why} after {after}; is a proxy in between?");
        Err(Failed::Garbled(text))
    }
}

/// A page as it came.
pub(super) struct Answer {
    /// Its JSON.
    pub body: Vec<u8>,
    /// The server's clock, if it says; whole seconds.
    pub date: Option<Timestamp>,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum From<'a> {
    /// The first page, as things are now.
    Now,
    /// The first page, as things were at this version.
    Exactly(&'a str),
    /// The next page, by the token of the one before.
    Next(&'a str),
}

/// Reads lists.
#[derive(Clone)]
pub(super) struct Lists {
    pub client: Client,
    pub patience: Duration,
}

/// A list as values.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Values {
    api_version: String,
    kind: String,
    metadata: Page,
    items: Option<Vec<Value>>,
}

impl Lists {
    /// One page of a list.
    ///
    /// # Errors
    /// It was refused, or no answer came in time.
    pub async fn page(&self, path: &str, fields: Option<&str>, from: From<'_>) -> Result<Answer, Failed> {
        let asked = ListParams { field_selector: fields.map(str::to_owned), ..ListParams::default() }.limit(PAGE);
        let asked = match from {
            From::Now => asked,
            From::Exactly(version) => asked.at(version).matching(VersionMatch::Exact),
            From::Next(token) => asked.continue_token(token),
        };
        let answer = again(self.patience, || async {
            let request = Paths::new(path).list(&asked).map_err(kube::Error::BuildRequest)?;
            send(&self.client, request).await
        });
        answer.await
    }

    /// A whole list as it is now, each object with its version and kind, and the moment that it is of. A list that grew
    /// too old between two pages is begun anew.
    ///
    /// # Errors
    /// It was refused, no answer came in time, or it is not a list.
    pub async fn values(&self, listed: &Listed, fields: Option<&str>) -> Result<(Vec<Value>, String), Failed> {
        let (path, kind) = (listed.path(), listed.kind.to_string());
        let (mut values, mut names, mut progress) = (Vec::new(), BTreeSet::new(), Progress::default());
        let (mut next, mut begun_anew) = (String::new(), false);
        loop {
            let from = if next.is_empty() { From::Now } else { From::Next(&next) };
            let answer = match self.page(&path, fields, from).await {
                Err(failed) if !next.is_empty() && not_then(&failed) && !begun_anew => {
                    values.clear();
                    names.clear();
                    progress = Progress::default();
                    (next, begun_anew) = (String::new(), true);
                    continue;
                }
                answer => answer?,
            };
            let page: Values =
                serde_json::from_slice(&answer.body).map_err(|error| Failed::Garbled(error.to_string()))?;
            let (said, there) = ((page.api_version.as_str(), page.kind.as_str()), page.items.is_some());
            page.metadata.is_of((listed.api_version, &kind), said, there).map_err(Failed::Garbled)?;
            let items = page.items.unwrap_or_default();
            names.extend(items.iter().map(name_of));
            progress.page(&next, &page.metadata.next, names.len())?;
            values.extend(items.into_iter().map(|mut item| {
                if let Value::Object(fields) = &mut item {
                    fields.insert("apiVersion".to_owned(), listed.api_version.into());
                    fields.insert("kind".to_owned(), kind.as_str().into());
                }
                item
            }));
            if page.metadata.next.is_empty() {
                return Ok((values, page.metadata.resource_version));
            }
            next = page.metadata.next;
        }
    }
}

fn name_of(item: &Value) -> (String, String) {
    let of = |path| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    (of("/metadata/namespace"), of("/metadata/name"))
}

/// The objects of a list that was asked for whole.
///
/// # Errors
/// It is not that list, or not all of it.
pub(super) fn whole<T: Resource + Clone>(list: ObjectList<T>) -> Result<Vec<T>, Failed> {
    let page = Page { remaining_item_count: list.metadata.remaining_item_count.unwrap_or_default(), ..Page::default() };
    let said = (list.types.api_version.as_str(), list.types.kind.as_str());
    page.is_of((T::API_VERSION, T::KIND), said, true).map_err(Failed::Garbled)?;
    match list.metadata.continue_.filter(|next| !next.is_empty()) {
        None => Ok(list.items),
        Some(_) => Err(Failed::Garbled("only a part of the list came, though all of it was asked for".to_owned())),
    }
}

/// Sends a request and takes the answer whole; a refusal is an error with the server's words.
pub(super) async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<Answer, kube::Error> {
    let (head, body) = client.send(request.map(Body::from)).await?.into_parts();
    let date = head.headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
    let body = body.collect_bytes().await?.to_vec();
    if head.status.is_success() {
        return Ok(Answer { body, date });
    }
    let told = || Status {
        code: head.status.as_u16(),
        message: String::from_utf8_lossy(body.get(..200).unwrap_or(&body)).into_owned(),
        ..Status::default()
    };
    let mut status: Status = serde_json::from_slice(&body).unwrap_or_else(|_| told());
    status.code = head.status.as_u16();
    Err(kube::Error::Api(Box::new(status)))
}

/// Whether the server cannot show that moment (any more): too old, not yet there, or not understood.
pub(super) fn not_then(failed: &Failed) -> bool {
    let Failed::Said(kube::Error::Api(status)) = failed else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    match status.code {
        400 | 410 => true,
        504 => causes.any(|cause| cause.reason == "ResourceVersionTooLarge"),
        _ => false,
    }
}

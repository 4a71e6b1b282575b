//! Lists that come in pages: all of them, or an error; never a part.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::api::{Api, Call, Service};
use crate::cloud::ProviderError;

/// So many are asked for at once; the cloud may give fewer.
const PAGE: &str = "1000";
/// Times that a list is begun anew because what stood at the end of a page went away.
const ANEW: usize = 3;

/// Every item under `key`, each `id` once.
///
/// # Errors
/// A page that cannot be had or has no `key`.
pub async fn all(api: &Api, path: &str, key: &str) -> Result<Vec<Value>, ProviderError> {
    let mut tries = 0;
    loop {
        match whole(api, path, key).await? {
            Some(items) => return Ok(items),
            None if tries < ANEW => tries += 1,
            None => {
                let text = format!("Nova's list {path} changes faster than it can be read");
                return Err(ProviderError::Unavailable(text));
            }
        }
    }
}

/// None if the item at the end of a page is gone: where the next page begins is not known then.
async fn whole(api: &Api, path: &str, key: &str) -> Result<Option<Vec<Value>>, ProviderError> {
    let mut items = Vec::new();
    let mut seen = BTreeSet::new();
    let mut marker: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(marker.as_deref().map(|marker| ("marker", marker)));
        let call = Call { service: Service::Compute, method: Method::GET, path, query: &query, body: None };
        let answer = api.call(&call).await?;
        if answer.status == StatusCode::BAD_REQUEST && marker.is_some() && answer.words.contains("marker") {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(api.refused(&call, &answer));
        }
        let words = answer.words;
        let Some(Value::Object(mut page)) = answer.body else {
            let text = format!("Nova answers GET {path} with {words}; is a proxy or a login page in between?");
            return Err(ProviderError::Unavailable(text));
        };
        let Some(Value::Array(found)) = page.remove(key) else {
            return Err(ProviderError::Unavailable(format!("Nova's answer to GET {path} has no `{key}`")));
        };
        let last = found.last().and_then(id_of);
        let before = seen.len();
        for item in found {
            let id = id_of(&item);
            if id.is_none_or(|id| seen.insert(id)) {
                items.push(item);
            }
        }
        let next = page.get(&format!("{key}_links")).and_then(Value::as_array).into_iter().flatten();
        let more = next.into_iter().any(|link| link.get("rel").and_then(Value::as_str) == Some("next"));
        // A page that brings nothing new would be asked for ever after.
        if !more || last.is_none() || seen.len() == before {
            return Ok(Some(items));
        }
        marker = last;
    }
}

fn id_of(item: &Value) -> Option<String> {
    item.get("id").and_then(Value::as_str).map(str::to_owned)
}

//! Making and destroying servers: names become ids, Nova is asked once, and a server that is there already is not made again.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::acts::{refused, server_in};
use super::api::{Api, Call, Service};
use super::flavors;
use super::servers::Shown;
use super::transport::deformed;
use crate::cloud::ProviderError;
use crate::model::{CapacityType, Created, Name, Server, ServerOrder, UserData, keys};
use crate::policy::MOST_USER_DATA;

const GIB: i64 = 1 << 30;

/// Has Nova make what is ordered, unless it did already. Its id.
///
/// # Errors
/// Another server has the name, a name in the order is not known or stands for several, or Nova refuses.
pub async fn make(api: &Api, order: &ServerOrder) -> Result<Name, ProviderError> {
    if order.capacity_type != CapacityType::OnDemand {
        return Err(ProviderError::Unsupported(format!("buy {} servers, as {}", order.capacity_type, order.name)));
    }
    if let Some(there) = called(api, &order.name).await?.into_iter().next() {
        let made = Created::of(&there);
        let going = there.task.as_deref() == Some("deleting");
        let same = made.is_some_and(|made| {
            (made.cluster, made.pool) == (order.created.cluster.clone(), order.created.pool.clone())
        });
        if same && !going {
            return Ok(there.id);
        }
        let what = if going { "is being deleted" } else { "is there already, and was not made for this pool" };
        let why = format!("a server called {} {what}", order.name);
        return Err(ProviderError::WrongState { server: there.id.to_string(), why });
    }
    let body = body(api, order).await?;
    let call =
        Call { service: Service::Compute, method: Method::POST, path: "/servers", query: &[], body: Some(&body) };
    let answer = api.call(&call).await?;
    if !answer.status.is_success() {
        return Err(refused(api, &call, &answer, &order.name, "make"));
    }
    let words = answer.words;
    let id = server_in(answer.body).and_then(|server| server.get("id").and_then(Value::as_str).map(Name::from));
    id.ok_or_else(|| {
        ProviderError::Unavailable(format!("Nova answers POST /servers with {words}, and names no server"))
    })
}

/// Has Nova destroy a server: `Ok` once it is accepted, or under way.
///
/// # Errors
/// It is not there, is locked, or Nova refuses.
pub async fn destroy(api: &Api, server: &Server) -> Result<(), ProviderError> {
    if server.task.as_deref() == Some("deleting") {
        return Ok(());
    }
    let path = format!("/servers/{}", server.id);
    let call = Call { service: Service::Compute, method: Method::DELETE, path: &path, query: &[], body: None };
    let answer = api.call(&call).await?;
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(refused(api, &call, &answer, &server.id, "delete")),
    }
}

/// The project's servers of exactly this name.
async fn called(api: &Api, name: &str) -> Result<Vec<Server>, ProviderError> {
    // Nova takes a regular expression.
    let pattern = format!("^{}$", name.replace('.', "\\."));
    let query = [("name", pattern.as_str())];
    let call = Call { query: &query, ..Call::get(Service::Compute, "/servers/detail") };
    let mut found = Vec::new();
    for item in list(api, &call, "servers").await? {
        let shown: Shown = serde_json::from_value(item).map_err(|error| {
            ProviderError::Unavailable(format!("a server of Nova's makes no sense: {}", deformed(&error)))
        })?;
        found.extend(shown.found(&api.config().provider).map(|found| found.server));
    }
    found.retain(|server| *server.name == *name);
    Ok(found)
}

async fn list(api: &Api, call: &Call<'_>, key: &str) -> Result<Vec<Value>, ProviderError> {
    let mut page: Map<String, Value> = api.read(call).await?;
    match page.remove(key) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(ProviderError::Unavailable(format!("the answer to GET {} has no `{key}`", call.path))),
    }
}

async fn body(api: &Api, order: &ServerOrder) -> Result<Value, ProviderError> {
    let flavors = flavors::list(api).await?;
    let flavor = flavors.into_iter().find(|listed| *listed.flavor.name == *order.flavor).map(|listed| listed.id);
    let flavor = flavor.ok_or_else(|| unknown(api, "flavor", &order.flavor))?;
    let image = image(api, &order.image).await?;
    let mut networks = Vec::new();
    for name in &order.networks {
        networks.push(json!({ "uuid": network(api, name).await? }));
    }
    let mut server = json!({
        "name": order.name,
        "flavorRef": flavor,
        "imageRef": image,
        "metadata": { keys::CREATED: order.created.to_metadata() },
        "networks": if networks.is_empty() { json!("auto") } else { json!(networks) },
    });
    let mut set = |key: &str, value: Value| {
        if let Some(fields) = server.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    if let Some(zone) = &order.zone {
        set("availability_zone", json!(zone));
    }
    if let Some(key_pair) = &order.key_pair {
        set("key_name", json!(key_pair));
    }
    if !order.security_groups.is_empty() {
        let groups: Vec<Value> = order.security_groups.iter().map(|name| json!({ "name": name })).collect();
        set("security_groups", json!(groups));
    }
    if let Some(text) = order.user_data.as_ref().map(UserData::text) {
        if text.len() > MOST_USER_DATA {
            let text = format!("the user data of {} has {} bytes, Nova takes {MOST_USER_DATA}", order.name, text.len());
            return Err(ProviderError::Setup(text));
        }
        set("user_data", json!(base64(text.as_bytes())));
    }
    if let Some(bytes) = order.boot_volume {
        let size = bytes.saturating_add(GIB - 1) / GIB;
        set("imageRef", json!(""));
        let disk = json!({
            "boot_index": 0, "uuid": image, "source_type": "image", "destination_type": "volume",
            "volume_size": size, "delete_on_termination": true,
        });
        set("block_device_mapping_v2", json!([disk]));
    }
    let mut body = json!({ "server": server });
    if let Some(name) = &order.server_group {
        let group = server_group(api, name).await?;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("os:scheduler_hints".to_owned(), json!({ "group": group }));
        }
    }
    Ok(body)
}

fn unknown(api: &Api, what: &str, name: &str) -> ProviderError {
    ProviderError::Setup(format!(
        "{}: there is no {what} `{name}`; `openstack {what} list` shows what there is",
        api.config().place
    ))
}

/// Whether it is an id already: 32 hexadecimal digits, with or without dashes.
fn is_id(name: &str) -> bool {
    let digits = name.chars().filter(|c| *c != '-');
    digits.clone().count() == 32 && digits.into_iter().all(|c| c.is_ascii_hexdigit())
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// The one of that name.
fn only(api: &Api, what: &str, name: &str, items: Vec<Value>) -> Result<String, ProviderError> {
    let named = items.into_iter().filter_map(|item| serde_json::from_value::<Named>(item).ok());
    let ids: Vec<String> = named.filter(|item| item.name.as_deref() == Some(name)).map(|item| item.id).collect();
    match ids.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(unknown(api, what, name)),
        several => {
            let place = &api.config().place;
            let ids = several.join(", ");
            Err(ProviderError::Setup(format!(
                "{place}: `{name}` is the name of several {what}s; write the id of one: {ids}"
            )))
        }
    }
}

async fn image(api: &Api, name: &str) -> Result<String, ProviderError> {
    if is_id(name) {
        return Ok(name.to_owned());
    }
    let query = [("name", name), ("status", "active")];
    let call = Call { query: &query, ..Call::get(Service::Image, "/images") };
    only(api, "image", name, list(api, &call, "images").await?)
}

async fn network(api: &Api, name: &str) -> Result<String, ProviderError> {
    if is_id(name) {
        return Ok(name.to_owned());
    }
    let query = [("name", name)];
    let call = Call { query: &query, ..Call::get(Service::Network, "/networks") };
    only(api, "network", name, list(api, &call, "networks").await?)
}

async fn server_group(api: &Api, name: &str) -> Result<String, ProviderError> {
    if is_id(name) {
        return Ok(name.to_owned());
    }
    let call = Call::get(Service::Compute, "/os-server-groups");
    only(api, "server group", name, list(api, &call, "server_groups").await?)
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let six = usize::try_from(word >> (18 - 6 * place) & 63).unwrap_or(0);
            let letter = LETTERS.get(six).copied().map_or('A', char::from);
            text.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("\u{ff}\u{3ff}", "w7/Pvw=="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_id_is_told_from_a_name() {
        for (name, id) in [
            ("10fe0b09-a639-4083-aac0-7d61cc04198a", true),
            ("10fe0b09a6394083aac07d61cc04198a", true),
            ("Featured-Ubuntu24", false),
            ("default", false),
        ] {
            assert_eq!(is_id(name), id, "{name}");
        }
    }
}

//! How servers of a pool are made.

use std::collections::BTreeSet;

use super::catalogs::{Drawn, From, drawn};
use super::context::Context;
use super::members::number_of_names;
use crate::model::{Name, Taint};
use crate::policy::load::Catalogs;
use crate::policy::located::{Located, Span};
use crate::policy::nearest::suggestion;
use crate::policy::wire::{self, OneOrMany, Text};
use crate::policy::{Idle, MOST_USER_DATA, Provider, Template, VARIABLES, stays_beside};

/// What every variable of ours begins with.
const OURS: &str = "${TIDEGATE_";

/// The template. None after saying what is wrong with it.
pub(crate) fn template(
    written: &Located<wire::Create>,
    pool: &wire::Pool,
    provider: (Option<&Name>, Option<&Provider>),
    catalogs: &Catalogs,
    cx: &mut Context<'_>,
) -> Option<Template> {
    if let Some(nodes) = pool.nodes.as_ref().filter(|_| number_of_names(pool).is_none()) {
        cx.out
            .error(
                "create-without-names",
                nodes.span,
                "servers are made with the pool's names, and these are not a list",
            )
            .help("name them, such as `names: \"burst-{1..20}\"`: so many there can be")
            .see(written.span, "what is to be made");
    }
    if provider.0.is_none() && !pool.has("provider") {
        cx.out
            .error("create-without-provider", written.span, "there is no provider that servers could be made at")
            .help("add one under `providers`");
    }
    let flavors = names(&written.flavors, "flavor", cx);
    if written.flavors.is_some() && flavors.is_empty() {
        cx.out
            .error("empty-list", written.span, "`flavors` names none")
            .help("name at least one, as the provider does");
    }
    if !written.has("flavors") && !written.has("catalog") {
        cx.out
            .error("missing-field", written.span, "`create` needs `flavors`, or a `catalog` that has them")
            .help("add `flavors: …`");
    }
    let zones = names(&written.zones, "zone", cx);
    let from = From { catalogs, provider: provider.1, flavors: &flavors, zones: &zones };
    let Drawn { catalog, capacity_types, requirements } = drawn(written, &from, cx);
    if let Some(zero) = written.boot_volume.as_ref().filter(|size| size.value.0 == 0) {
        cx.out
            .error("out-of-range", zero.span, "nothing boots from a volume of no size")
            .help("write a size such as `20Gi`, or remove it to boot from the host's disk");
    }
    let (user_data, user_data_file) = user_data(written.user_data.as_ref().map(|data| &data.value), cx);
    let reserved = written.reserved.as_ref();
    let text = |value: &Option<Located<Text>>| value.as_ref().map(|text| text.name());
    let labels = written.labels.iter().flat_map(|pairs| &pairs.value.0);
    let taints = written.taints.iter().flat_map(|list| &list.value);
    Some(Template {
        image: text(&written.image)?,
        flavors,
        catalog,
        capacity_types,
        requirements,
        zones,
        networks: names(&written.networks, "network", cx),
        key_pair: text(&written.key_pair),
        security_groups: names(&written.security_groups, "security group", cx),
        user_data,
        user_data_file,
        boot_volume: written.boot_volume.as_ref().map(|size| size.value.0),
        server_group: text(&written.server_group),
        labels: labels.map(|(key, value)| (key.value.as_str().into(), value.name())).collect(),
        taints: taints.filter_map(taint).collect(),
        reserved_cpu: reserved.and_then(|reserved| reserved.cpu.as_ref()).map_or(0, |cpu| cpu.value.0),
        reserved_memory: reserved.and_then(|reserved| reserved.memory.as_ref()).map(|memory| memory.value.0),
        origin: cx.origin(written.span),
    })
}

fn taint(written: &Located<wire::Taint>) -> Option<Taint> {
    let value = written.value.value.as_ref().map_or_else(|| "".into(), |value| value.name());
    Some(Taint { key: written.key.as_ref()?.name(), value, effect: written.effect.as_ref()?.value.0 })
}

/// Names in their order, each once.
fn names(list: &Option<Located<OneOrMany<Text>>>, what: &str, cx: &mut Context<'_>) -> Vec<Name> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for name in list.iter().flat_map(|list| &list.value.0) {
        if seen.insert(name.as_str()) {
            all.push(name.name());
        } else {
            cx.out
                .warning("said-twice", name.span, format!("{what} `{}` is named twice", name.as_str()))
                .help("remove one");
        }
    }
    all
}

/// The text, and the file that it stands in.
fn user_data(written: Option<&wire::UserData>, cx: &mut Context<'_>) -> (Option<Name>, Option<Name>) {
    let (text, span, file) = match written {
        None => return (None, None),
        Some(wire::UserData::Text(text)) => (text.name(), text.span, None),
        Some(wire::UserData::File(file)) => match beside(file, cx) {
            Ok(text) => (text.as_str().into(), file.span, Some(file.name())),
            Err((message, help)) => {
                cx.out.error("unreadable-file", file.span, message).help(help);
                return (None, None);
            }
        },
    };
    if text.len() > MOST_USER_DATA {
        let message = format!("the user data has {} bytes, and servers take {MOST_USER_DATA}", text.len());
        cx.out.error("out-of-range", span, message).help("have the server fetch the rest when it boots");
    }
    variables(&text, span, cx);
    (Some(text), file)
}

/// What stands in a file beside the policy; else what is wrong with it, and what to do.
fn beside(file: &Located<Text>, cx: &Context<'_>) -> Result<String, (String, &'static str)> {
    const HERE: &str = "write a path such as `join.sh` or `boot/join.sh`, seen from the policy's file";
    let word = file.as_str();
    if !stays_beside(word) {
        return Err((format!("`{word}` does not stand beside the policy"), HERE));
    }
    match cx.beside(file) {
        None => Err((
            format!("`{word}` cannot be read: the policy itself does not stand in a file"),
            "name its file with `-f`, or write the text here",
        )),
        Some(Err(why)) => Err((format!("`{word}` cannot be read: {why}"), HERE)),
        Some(Ok(bytes)) => match std::str::from_utf8(bytes) {
            Ok("") => Err((format!("`{word}` is empty"), "write something in it, or remove the field")),
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err((
                format!("`{word}` is not a text in UTF-8"),
                "servers are told texts only; have them fetch other files",
            )),
        },
    }
}

/// Other variables than ours are the script's own; one that begins like ours and is none is a mistake.
fn variables(text: &str, span: Span, cx: &mut Context<'_>) {
    let begins = text.match_indices(OURS).map(|(at, _)| at);
    let mut wrong = BTreeSet::new();
    for at in begins {
        let rest = text.get(at + 2..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let closed = rest.get(end..).is_some_and(|rest| rest.starts_with('}'));
        let known = VARIABLES.iter().any(|(known, _)| *known == name);
        if known && closed || !wrong.insert((name, closed)) {
            continue;
        }
        if known {
            let message = format!("`userData` has `${{{name}` without its end");
            cx.out.error("unknown-variable", span, message).help("add `}`");
        } else {
            cx.out
                .error("unknown-variable", span, format!("`userData` has the variable `{name}`, which is none"))
                .help(suggestion(name, VARIABLES.iter().map(|(known, _)| *known)));
        }
    }
}

/// A pool that deletes and neither makes servers nor adopts any will delete none.
pub(crate) fn nothing_to_delete(pool: &wire::Pool, cx: &mut Context<'_>) {
    let adopts = pool.adopt.as_ref().is_some_and(|adopt| adopt.value);
    if let Some(idle) = pool.idle.as_ref().filter(|idle| idle.value.0 == Idle::Delete)
        && !pool.has("create")
        && !adopts
    {
        cx.out
            .warning(
                "nothing-to-delete",
                idle.span,
                "only servers that Tidegate made are deleted, and this pool makes none",
            )
            .help("add `create`, or `adopt: true` if all of its servers may be destroyed for good");
    }
}

//! How servers of a pool are made.

use std::collections::BTreeSet;

use super::context::Context;
use super::members::number_of_names;
use crate::model::{Name, Taint};
use crate::policy::located::Located;
use crate::policy::nearest::suggestion;
use crate::policy::wire::{self, OneOrMany, Text};
use crate::policy::{Idle, Template, VARIABLES};

/// What every variable of ours begins with.
const OURS: &str = "${TIDEGATE_";

/// The template. None after saying what is wrong with it.
pub(crate) fn template(
    written: &Located<wire::Create>,
    pool: &wire::Pool,
    provider: Option<&Name>,
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
    if provider.is_none() && !pool.has("provider") {
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
    if let Some(zero) = written.boot_volume.as_ref().filter(|size| size.value.0 == 0) {
        cx.out
            .error("out-of-range", zero.span, "nothing boots from a volume of no size")
            .help("write a size such as `20Gi`, or remove it to boot from the host's disk");
    }
    if let Some(text) = &written.user_data {
        variables(text, cx);
    }
    let reserved = written.reserved.as_ref();
    let text = |value: &Option<Located<Text>>| value.as_ref().map(|text| text.name());
    let labels = written.labels.iter().flat_map(|pairs| &pairs.value.0);
    let taints = written.taints.iter().flat_map(|list| &list.value);
    Some(Template {
        image: text(&written.image)?,
        flavors,
        zones: names(&written.zones, "zone", cx),
        networks: names(&written.networks, "network", cx),
        key_pair: text(&written.key_pair),
        security_groups: names(&written.security_groups, "security group", cx),
        user_data: text(&written.user_data),
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

/// Other variables than ours are the script's own; one that begins like ours and is none is a mistake.
fn variables(text: &Located<Text>, cx: &mut Context<'_>) {
    let begins = text.as_str().match_indices(OURS).map(|(at, _)| at);
    let mut wrong = BTreeSet::new();
    for at in begins {
        let rest = text.as_str().get(at + 2..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let closed = rest.get(end..).is_some_and(|rest| rest.starts_with('}'));
        let known = VARIABLES.iter().any(|(known, _)| *known == name);
        if known && closed || !wrong.insert((name, closed)) {
            continue;
        }
        if known {
            let message = format!("`userData` has `${{{name}` without its end");
            cx.out.error("unknown-variable", text.span, message).help("add `}`");
        } else {
            cx.out
                .error("unknown-variable", text.span, format!("`userData` has the variable `{name}`, which is none"))
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

//! Which nodes belong to a pool, and that no node can belong to two.

use std::collections::BTreeSet;

use super::context::Context;
use crate::model::{Name, Operator, Requirement, Selector};
use crate::policy::located::{Located, Span};
use crate::policy::nearest::nearest;
use crate::policy::overlap::shared_name;
use crate::policy::pattern::Glob;
use crate::policy::wire::{self, OneOrMany, Pairs, Pattern, SelectorFields, Text};
use crate::policy::{Members, NamePattern};

/// Label conditions from `labels` or `matchLabels`.
pub(crate) fn labels(labels: &Pairs<Text>) -> Selector {
    let requirement = |(key, value): &(Located<String>, Located<Text>)| Requirement {
        key: key.value.as_str().into(),
        operator: Operator::In,
        values: BTreeSet::from([value.name()]),
    };
    Selector { requirements: labels.0.iter().map(requirement).collect() }
}

fn selector(fields: &Located<SelectorFields>, cx: &mut Context<'_>) -> Selector {
    let mut found = fields.match_labels.as_ref().map(|pairs| labels(&pairs.value)).unwrap_or_default();
    for expression in fields.match_expressions.iter().flat_map(|list| &list.value) {
        let (Some(key), Some(operator)) = (&expression.key, &expression.operator) else { continue };
        let values: BTreeSet<Name> =
            expression.values.iter().flat_map(|list| &list.value).map(|value| value.name()).collect();
        let needs = matches!(operator.value.0, Operator::In | Operator::NotIn);
        if needs && values.is_empty() && (!expression.has("values") || expression.values.is_some()) {
            cx.out
                .error("missing-field", operator.span, "`In` and `NotIn` need `values`")
                .help("add `values: […]`, or use `Exists`");
        }
        if let (false, Some(values)) = (needs, &expression.values) {
            cx.out_of_place(values.span, "values", "`In` and `NotIn`");
        }
        found.requirements.insert(Requirement { key: key.name(), operator: operator.value.0, values });
    }
    found
}

fn patterns(list: &OneOrMany<Pattern>, cx: &Context<'_>) -> Vec<NamePattern> {
    (list.0.iter()).map(|pattern| NamePattern { text: pattern.text.clone(), origin: cx.origin(pattern.span) }).collect()
}

/// The members of a pool. None after saying what is wrong.
pub(crate) fn members(nodes: &Located<wire::Nodes>, cx: &mut Context<'_>) -> Option<Members> {
    let given: Vec<&str> = wire::Nodes::FIELDS.iter().copied().filter(|field| nodes.has(field)).collect();
    match given.as_slice() {
        [] => {
            cx.out
                .error("missing-field", nodes.span, "`nodes` does not say which nodes")
                .help("give it `names`, `labels` or `selector`");
            return None;
        }
        [_] => {}
        _ => {
            cx.out
                .error("two-selections", nodes.span, format!("`{}` exclude each other", given.join("` and `")))
                .help("keep one of them; put label conditions together under `selector`");
        }
    }
    if let Some(names) = &nodes.names {
        if names.value.0.is_empty() {
            cx.out.error("empty-list", names.span, "`names` names no node").help("name nodes, such as `worker-{1..9}`");
            return None;
        }
        return Some(Members::Names(patterns(&names.value, cx)));
    }
    let found = match (&nodes.labels, &nodes.selector) {
        (Some(pairs), _) => labels(&pairs.value),
        (None, Some(fields)) => selector(fields, cx),
        (None, None) => return None,
    };
    if found.requirements.is_empty() {
        cx.out
            .error("selects-everything", nodes.span, "an empty selector takes in every node of the cluster")
            .help("name a label that only these nodes have");
        return None;
    }
    Some(Members::Labels(found))
}

/// The nodes that a pool keeps, each of which must be able to belong to it.
pub(crate) fn keep(pool: &wire::Pool, cx: &mut Context<'_>) -> Vec<NamePattern> {
    let Some(keep) = &pool.keep else { return Vec::new() };
    let names = pool.nodes.as_ref().and_then(|nodes| nodes.names.as_ref());
    if let Some(names) = names {
        let globs: Vec<Glob> = names.value.0.iter().filter_map(|name| Glob::parse(&name.text).ok()).collect();
        let texts: Vec<String> = globs.iter().filter_map(Glob::expand).flatten().take(2000).collect();
        for kept in &keep.value.0 {
            let Ok(glob) = Glob::parse(&kept.text) else { continue };
            if globs.iter().any(|name| shared_name(name, &glob).is_some()) {
                continue;
            }
            let finding = cx.out.error("keep-outside-pool", kept.span, format!("`{}` is not in this pool", kept.text));
            match nearest(&kept.text, texts.iter().map(String::as_str)) {
                Some(name) => finding.help(format!("did you mean `{name}`?")),
                None => finding.help("name nodes of this pool"),
            };
            finding.see(names.span, "the nodes of this pool");
        }
    }
    patterns(&keep.value, cx)
}

/// How many nodes the names stand for; None if that depends on the cluster.
pub(crate) fn number_of_names(pool: &wire::Pool) -> Option<usize> {
    let names = pool.nodes.as_ref()?.names.as_ref()?;
    let mut all = BTreeSet::new();
    for name in &names.value.0 {
        all.extend(Glob::parse(&name.text).ok()?.expand()?);
    }
    Some(all.len())
}

/// Complains of patterns and selectors that take in the nodes of two pools.
pub(crate) fn no_node_twice(pools: &[Located<wire::Pool>], cx: &mut Context<'_>) {
    struct Entry<'a> {
        pool: usize,
        span: Span,
        text: &'a str,
        glob: Glob,
    }
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (pool, written) in pools.iter().enumerate() {
        let names = written.nodes.as_ref().and_then(|nodes| nodes.names.as_ref());
        for name in names.iter().flat_map(|names| &names.value.0) {
            if let Ok(glob) = Glob::parse(&name.text) {
                entries.push(Entry { pool, span: name.span, text: &name.text, glob });
            }
        }
    }
    // Sorted by their fixed beginnings, only neighbours whose beginnings agree can share a name.
    let beginning = |text: &str| text.find(['{', '*']).and_then(|end| text.get(..end)).unwrap_or(text).to_owned();
    entries.sort_by_key(|entry| (beginning(entry.text), entry.pool, entry.span));
    for (index, left) in entries.iter().enumerate() {
        let start = beginning(left.text);
        for right in entries.iter().skip(index + 1).take_while(|right| beginning(right.text).starts_with(&start)) {
            let Some(name) = (left.pool != right.pool).then(|| shared_name(&left.glob, &right.glob)).flatten() else {
                continue;
            };
            let (first, second) = if left.pool < right.pool { (left, right) } else { (right, left) };
            let other = (pools.get(first.pool).and_then(|pool| pool.name.as_ref()))
                .map_or_else(|| "the other pool".into(), |name| format!("pool `{}`", name.as_str()));
            cx.out
                .error("pattern-overlap", second.span, format!("node `{name}` would belong to two pools"))
                .help("a node belongs to one pool: change one of the two patterns")
                .see(first.span, format!("`{}` of {other} takes it in too", first.text));
        }
    }
}

//! Overrides: temporary exceptions to the policy.

use jiff::tz::TimeZone;

use super::conflicts::contradiction;
use super::context::Context;
use super::windows::{Numbers, numbers};
use crate::model::Target;
use crate::policy::located::Located;
use crate::policy::nearest::suggestion;
use crate::policy::wire;
use crate::policy::{Ask, Members, Override, Pool};

/// The overrides, expired ones too.
pub(crate) fn overrides(
    written: &[Located<wire::Override>],
    pools: &[Pool],
    (pool_names, zone): (&[&str], &TimeZone),
    cx: &mut Context<'_>,
) -> Vec<Override> {
    let mut all = Vec::new();
    for entry in written {
        numbers(&Numbers { min: &entry.min, max: &entry.max, replicas: &entry.replicas }, cx);
        if !["min", "max", "replicas"].iter().any(|field| entry.has(field)) {
            cx.out
                .error("asks-nothing", entry.span, "the override asks for nothing")
                .help("give it `min`, `max` or `replicas`");
        }
        let target = target(entry, pools, pool_names, cx);
        let (Some(target), Some(expires), Some(reason)) = (target, &entry.expires, &entry.reason) else { continue };
        let Some(expires) = cx.counted(expires.value.closes(zone), expires.span) else { continue };
        cx.windows.insert(cx.origin(entry.span), entry.span);
        all.push(Override {
            target,
            ask: Ask {
                min: entry.min.as_ref().map(|min| min.value),
                max: entry.max.as_ref().map(|max| max.value),
                replicas: entry.replicas.as_ref().map(|replicas| replicas.value),
                headroom: None,
            },
            expires,
            reason: reason.name(),
            author: entry.author.as_ref().map(|author| author.name()),
            origin: cx.origin(entry.span),
        });
    }
    contradicting(&all, cx);
    all
}

/// Warns of overrides of one target that cannot both hold. It is no error: until when each holds is plain, and the one that
/// is left then is meant.
fn contradicting(all: &[Override], cx: &mut Context<'_>) {
    for (place, one) in all.iter().enumerate() {
        for two in all.iter().skip(place + 1).filter(|two| two.target == one.target) {
            let Some((floor, ceiling)) = contradiction(&one.ask, &two.ask) else { continue };
            let span = |entry: &Override| cx.windows.get(&entry.origin).copied().unwrap_or_default();
            let (span, other) = (span(two), span(one));
            let message = format!(
                "two overrides of {} cannot both hold: until {} one wants at least {floor} and the other at most {ceiling}",
                one.target,
                one.expires.min(two.expires)
            );
            cx.out
                .warning("overrides-contradict", span, message)
                .help("remove the one that is not meant any more; until then the larger floor holds")
                .see(other, "the other override");
        }
    }
}

fn target(
    entry: &Located<wire::Override>,
    pools: &[Pool],
    pool_names: &[&str],
    cx: &mut Context<'_>,
) -> Option<Target> {
    let text = entry.target.as_ref()?;
    match text.as_str().split_once('/') {
        Some(("pool", name)) => {
            if !pool_names.contains(&name) {
                cx.out
                    .error("unknown-reference", text.span, format!("there is no pool `{name}`"))
                    .help(suggestion(name, pool_names.iter().copied()));
            }
            Some(Target::Pool(name.into()))
        }
        Some(("node", name)) if !name.is_empty() => {
            for (field, number) in [("min", &entry.min), ("max", &entry.max), ("replicas", &entry.replicas)] {
                if let Some(number) = number.as_ref().filter(|number| number.value > 1) {
                    cx.out
                        .error(
                            "out-of-range",
                            number.span,
                            format!("one node cannot have a `{field}` of {}", number.value),
                        )
                        .help("write `min: 1` to keep it awake, `max: 0` to have it parked");
                }
            }
            let by_name = |pool: &Pool| match &pool.members {
                Members::Names(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
                Members::Labels(_) => true,
            };
            if !pools.iter().any(by_name) && pools.len() == pool_names.len() {
                cx.out
                    .error("unknown-reference", text.span, format!("no pool has a node `{name}`"))
                    .help("only nodes of pools can be woken and parked");
            }
            Some(Target::Node(name.into()))
        }
        _ => {
            cx.out
                .error("bad-target", text.span, format!("`{}` is neither a pool nor a node", text.as_str()))
                .help("write `pool/NAME` or `node/NAME`");
            None
        }
    }
}

//! What a change of policy does, for people: now, when in the time to come, and in all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::comment::{LONG, MIDDLE, escaped, folded, listed, marker, shortened};
use super::kept_text::named;
use super::layout::{local_long, local_short, local_times, plural, wrapped};
use crate::model::Money;
use crate::plan::{Deed, Difference, PoolDifference, PoolSide, Side, SpanDifference, Wanted, verb_name};

/// As text, in lines of at most `width` characters.
pub fn difference_text(difference: &Difference, width: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", headline(difference).bold());
    let _ = writeln!(out, "  old  {}", side(&difference.old));
    let _ = writeln!(out, "  new  {}", side(&difference.new));
    let _ = writeln!(out, "  {}", horizon(difference));
    let mut part = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}", title.bold());
            lines.iter().for_each(|line| out.push_str(&wrapped(line, 2, width)));
        }
    };
    part("Now", &now(difference));
    part("In the time to come", &coming(difference));
    part("In all", &totals(difference));
    out
}

/// As Markdown, for a comment on a pull request.
pub fn difference_markdown(difference: &Difference, context: Option<&str>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", marker("diff", &difference.new.policy.name, context));
    let _ = writeln!(out, "### Tidegate: {}\n", shortened(&escaped(&headline(difference))));
    let _ = writeln!(out, "- old: {}", shortened(&escaped(&side(&difference.old))));
    let _ = writeln!(out, "- new: {}\n\n{}", shortened(&escaped(&side(&difference.new))), horizon(difference));
    let items = |lines: Vec<String>| lines.iter().map(|line| format!("- {}\n", escaped(line))).collect::<Vec<_>>();
    listed(&mut out, "\nIn all:\n\n", items(totals(difference)), MIDDLE);
    folded(&mut out, "Now", "", items(now(difference)), LONG);
    folded(&mut out, "In the time to come", "", items(coming(difference)), LONG);
    out
}

fn headline(difference: &Difference) -> String {
    if difference.the_same_so_far() {
        let so_far = format!("the two policies do the same to this cluster in the next {}", days(difference));
        return match difference.differs_at {
            Some(at) => {
                let at = local_long(at, &difference.time_zone);
                format!("{so_far}, the end of `--horizon`; from {at} on they do not: look further ahead")
            }
            None if difference.old.policy.digest == difference.new.policy.digest => so_far,
            None => format!("{so_far}, and ask for the same of its pools for a year"),
        };
    }
    let mut parts = Vec::new();
    if !difference.nodes.is_empty() {
        parts.push(format!("other steps for {} now", plural(difference.nodes.len(), "node")));
    }
    let hours = change(hours(difference.old.node_seconds), hours(difference.new.node_seconds));
    parts.push(hours.map_or("as many node-hours".to_owned(), |hours| format!("{hours} node-hours")));
    if let Some(money) = money_change(difference) {
        parts.push(money);
    }
    format!("{} in {}", parts.join(", "), days(difference))
}

fn days(difference: &Difference) -> String {
    let hours = difference.until.duration_since(difference.now).as_hours();
    let (count, one) = if hours % 24 == 0 { (hours / 24, "day") } else { (hours, "hour") };
    plural(usize::try_from(count).unwrap_or(0), one)
}

fn horizon(difference: &Difference) -> String {
    let at = |at| local_long(at, &difference.time_zone);
    format!("from {} to {}", at(difference.now), at(difference.until))
}

fn side(side: &Side) -> String {
    let policy = &side.policy;
    let from = match policy.revisions.as_slice() {
        [] => policy.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>().join(", "),
        revisions => revisions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let held = match side.refusals.as_slice() {
        [] => String::new(),
        brakes => format!("; held back by brake {}", brakes.join(", ")),
    };
    format!("{} from {from}: {}{held}", policy.name, plural(usize::try_from(side.steps).unwrap_or(0), "step"))
}

/// Nodes with which the two do the same pair of things, together.
fn now(difference: &Difference) -> Vec<String> {
    let mut groups: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for node in &difference.nodes {
        groups.entry((deed(&node.old), deed(&node.new))).or_default().push(&node.node);
    }
    let line = |((old, new), nodes): (&(String, String), &Vec<&str>)| {
        local_times(&format!("{}: {new}; before: {old}", named(nodes)), &difference.time_zone)
    };
    groups.iter().map(line).collect()
}

fn deed(deed: &Deed) -> String {
    let verbs: Vec<&str> = deed.verbs.iter().map(|verb| verb_name(*verb)).collect();
    let what = if verbs.is_empty() { "nothing".to_owned() } else { verbs.join(" → ") };
    if deed.reason.is_empty() { what } else { format!("{what} ({})", deed.reason) }
}

fn coming(difference: &Difference) -> Vec<String> {
    let say = |span: &SpanDifference| {
        let at = |at| local_short(at, difference.now, &difference.time_zone);
        let from = if span.from == difference.now { "now".to_owned() } else { at(span.from) };
        let until = if span.until >= difference.until { "the end".to_owned() } else { at(span.until) };
        let why = if span.why.is_empty() { String::new() } else { format!(" ({})", span.why.join("; ")) };
        let what = wanted(span.old.as_ref(), span.new.as_ref());
        local_times(&format!("{}, {from} to {until}: {what}{why}", span.pool), &difference.time_zone)
    };
    difference.spans.iter().map(say).collect()
}

/// `active 4 → 10, floor 4 → 10`: only what differs.
fn wanted(old: Option<&Wanted>, new: Option<&Wanted>) -> String {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (None, Some(new)) => return format!("no such pool → active {}", new.active),
        (Some(old), None) => return format!("active {} → no such pool", old.active),
        (None, None) => return String::new(),
    };
    let most = |wanted: &Wanted| wanted.ceiling.map_or("all".to_owned(), |most| most.to_string());
    let none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let each = [
        ("active", old.active.to_string(), new.active.to_string()),
        ("floor", old.floor.to_string(), new.floor.to_string()),
        ("ceiling", most(old), most(new)),
        ("freeze", none(&old.freeze), none(&new.freeze)),
        ("headroom", none(&old.headroom), none(&new.headroom)),
    ];
    let differs = each.iter().filter(|(_, old, new)| old != new);
    differs.map(|(what, old, new)| format!("{what} {old} → {new}")).collect::<Vec<_>>().join(", ")
}

fn totals(difference: &Difference) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for PoolDifference { pool, old, new } in &difference.pools {
        let seconds = |side: &Option<PoolSide>| side.as_ref().map_or(0, |side| side.node_seconds);
        let cost = |side: &Option<PoolSide>| side.as_ref().map_or(Some(0), |side| side.cost_micros);
        lines.push(total(difference, pool, (seconds(old), seconds(new)), (cost(old), cost(new))));
    }
    let (old, new) = (&difference.old, &difference.new);
    if difference.pools.len() > 1 {
        let cost = (old.cost_micros, new.cost_micros);
        lines.push(total(difference, "all pools", (old.node_seconds, new.node_seconds), cost));
    }
    lines
}

fn total(difference: &Difference, what: &str, seconds: (u64, u64), cost: (Option<i64>, Option<i64>)) -> String {
    let (old, new) = (hours(seconds.0), hours(seconds.1));
    let mut text = match change(old, new) {
        None => format!("{what}: {new} node-hours, as before"),
        Some(change) => format!("{what}: {old} → {new} node-hours ({change})"),
    };
    let unit = |side: &Side| side.unit.clone().unwrap_or_default();
    let (from, to) = (unit(&difference.old), unit(&difference.new));
    match cost {
        (Some(old), Some(new)) if from == to || (from.is_empty() || to.is_empty()) => {
            let (old, new, unit) = (Money(old), Money(new), if to.is_empty() { from } else { to });
            match change(old, new) {
                None => text.push_str(&format!(", {new} {unit}")),
                Some(change) => text.push_str(&format!(", {old} → {new} {unit} ({change})")),
            }
        }
        (old, new) => {
            let said = |cost: Option<i64>, unit: &str| {
                cost.map_or("not known without rates".to_owned(), |cost| format!("{} {unit}", Money(cost)))
            };
            if old.is_some() || new.is_some() {
                text.push_str(&format!(", cost {} → {}", said(old, &from), said(new, &to)));
            }
        }
    }
    text
}

fn money_change(difference: &Difference) -> Option<String> {
    let (old, new) = (&difference.old, &difference.new);
    let unit = new.unit.as_ref().filter(|unit| old.unit.as_ref() == Some(unit))?;
    change(Money(old.cost_micros?), Money(new.cost_micros?)).map(|change| format!("{change} {unit}"))
}

/// `+120`, `-7.5`; None if nothing changes.
fn change(old: Money, new: Money) -> Option<String> {
    let by = new.minus(old);
    (by != Money::ZERO).then(|| format!("{}{by}", if by.0 > 0 { "+" } else { "" }))
}

/// Hours, counted as money is, in millionths.
fn hours(seconds: u64) -> Money {
    let micros = u128::from(seconds) * 1_000_000 / 3600;
    Money(i64::try_from(micros).unwrap_or(i64::MAX))
}

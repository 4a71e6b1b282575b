//! The parts of the status page, one function each.

use super::html::{element, escaped, table, text};
use super::view::{View, Week};
use crate::model::Money;
use crate::plan::{NodeStatus, Outlook, Plan, PoolPlan, verb_name};
use crate::report::timetable::Timetable;
use crate::report::{local, local_long, local_times, plural};

/// Rows of one table; a count stands for the rest.
const MOST: usize = 500;

/// A table that is cut where it would be too long for a phone.
fn rows(head: &[&str], all: Vec<Vec<String>>) -> String {
    let more = all.len().saturating_sub(MOST);
    let shown = table(head, all.get(..MOST).unwrap_or(&all));
    if more == 0 { shown } else { format!("{shown}{}", text("p", "soft", format!("and {more} more"))) }
}

/// The plan under way.
pub fn work(view: &View, zone: &str) -> String {
    let Some(work) = &view.work else { return String::new() };
    let failed = if work.failed == 0 { String::new() } else { format!(", {} failed", work.failed) };
    let words = format!("{} of {} steps done{failed}, begun {}", work.done, work.total, local_long(work.begun, zone));
    let bar = format!("<progress max=\"{}\" value=\"{}\"></progress>", work.total.max(1), work.done);
    let nodes =
        work.nodes.iter().map(|(node, words)| vec![escaped(node), escaped(&local_times(words, zone))]).collect();
    super::html::section("Under way", &format!("{}{bar}{}", text("p", "", words), rows(&["node", "now"], nodes)))
}

/// The pools.
pub fn pools(plan: &Plan, zone: &str) -> String {
    let cards: String = plan.pools.iter().map(|pool| card(pool, zone)).collect();
    element("div", "cards", &cards)
}

fn card(pool: &PoolPlan, zone: &str) -> String {
    let all = pool.active + pool.cordoned + pool.parked + pool.unsettled;
    let share = |count: u32, class: &str| {
        // Ten-thousandths, without a float.
        let share = u64::from(count) * 10_000 / u64::from(all.max(1));
        format!("<i class=\"{class}\" style=\"width:{}.{:02}%\"></i>", share / 100, share % 100)
    };
    let bar = format!(
        "{}{}{}",
        share(pool.active, "good"),
        share(pool.cordoned + pool.unsettled, "warm"),
        share(pool.parked, "rest")
    );
    let mut counts = vec![format!("{} active", pool.active)];
    for (count, word) in
        [(pool.cordoned, "cordoned"), (pool.parked, "parked"), (pool.unsettled, "unsettled"), (pool.absent, "absent")]
    {
        if count > 0 {
            counts.push(format!("{count} {word}"));
        }
    }
    let mut inner =
        format!("{}{}{}", text("b", "", &pool.name), element("div", "bar", &bar), text("p", "", counts.join(", ")));
    let wanted = format!("floor {}, ceiling {}; {} when the plan is done", pool.floor, pool.ceiling, pool.desired);
    inner.push_str(&text("p", "soft", wanted));
    if let Some(freeze) = &pool.freeze {
        inner.push_str(&text("p", "warm", local_times(freeze, zone)));
    }
    if let Some(headroom) = &pool.headroom {
        let units =
            headroom.units.iter().map(|unit| format!("{} of {} units of {}", unit.kept, unit.wanted, unit.size));
        inner.push_str(&text("p", "soft", format!("headroom: {}", units.collect::<Vec<_>>().join("; "))));
    }
    if let Some(next) = &pool.next_change {
        let why = local_times(&next.why.join("; "), zone);
        let words = format!("next: {} floor {} ({why})", local(next.at, zone), next.floor);
        inner.push_str(&text("p", "soft", words));
    }
    element("div", "card", &inner)
}

/// What is to be done, a line for each node.
pub fn steps(plan: &Plan) -> String {
    let mut lines: Vec<(&str, Vec<String>, String, usize)> = Vec::new();
    for step in &plan.steps {
        let verb = step.provider_verb.clone().unwrap_or_else(|| verb_name(step.verb).to_owned());
        match lines.iter_mut().find(|line| line.0 == step.node) {
            Some(line) => {
                line.1.push(verb);
                line.3 += step.pods.len();
            }
            None => lines.push((&step.node, vec![verb], step.reason.text.clone(), step.pods.len())),
        }
    }
    let zone = &plan.time_zone;
    let cells = |(node, verbs, why, _): (&str, Vec<String>, String, usize)| {
        vec![escaped(node), escaped(&verbs.join(" → ")), escaped(&local_times(&why, zone))]
    };
    rows(&["node", "what", "why"], lines.into_iter().map(cells).collect())
}

/// The coming week: for each pool when what changes.
pub fn week(week: &Week, zone: &str) -> String {
    let one = |table: &Timetable| {
        let turns = table.turns.iter().map(|turn| {
            let holding = &turn.holding;
            let ceiling = holding.ceiling.map_or_else(|| "all".to_owned(), |ceiling| ceiling.to_string());
            let freeze = holding.freeze.as_ref().map(|freeze| format!(", freeze {}", freeze.name)).unwrap_or_default();
            vec![
                escaped(&local(turn.at, zone)),
                escaped(&format!("floor {}, ceiling {ceiling}{freeze}", holding.floor)),
                escaped(&local_times(&turn.why.join("; "), zone)),
            ]
        });
        let turns: Vec<_> = turns.collect();
        let inner = match turns.is_empty() {
            true => text("p", "soft", "nothing changes"),
            false => rows(&["when", "what is wanted", "why"], turns),
        };
        format!("{}{inner}", element("p", "", &text("b", "", &table.pool)))
    };
    week.iter().map(one).collect()
}

/// Pods that wait, and what becomes of them.
pub fn waiting(plan: &Plan) -> String {
    let zone = &plan.time_zone;
    let line = |waiting: &crate::plan::Waiting| {
        let pods: String = waiting.pods.iter().take(20).map(|pod| text("li", "", &pod.pod)).collect();
        let more = waiting.pods.len().saturating_sub(20);
        let more = if more == 0 { String::new() } else { text("li", "soft", format!("and {more} more")) };
        let outlook = match waiting.outlook {
            Outlook::Comes => "a node comes",
            Outlook::Waits => "goes on waiting",
            Outlook::Room => "has room",
            Outlook::Ignored => "nothing comes for it",
        };
        let summary = text("summary", "", plural(waiting.pods.len(), "pod"));
        vec![
            escaped(&waiting.workload),
            element("details", "", &format!("{summary}{}", element("ul", "", &format!("{pods}{more}")))),
            escaped(outlook),
            escaped(&local_times(&waiting.reason.text, zone)),
        ]
    };
    rows(&["workload", "pods", "outlook", "why"], plan.waiting.iter().map(line).collect())
}

/// What keeps nodes, with what would lift it.
pub fn blockers(plan: &Plan) -> String {
    let line = |blocker: &crate::plan::Blocker| {
        let nodes: String = blocker.nodes.iter().map(|node| text("li", "", node)).collect();
        let summary = text("summary", "", plural(blocker.nodes.len(), "node"));
        let lift = if blocker.lift.is_empty() { String::new() } else { text("pre", "", blocker.lift.join("\n")) };
        vec![
            escaped(&local_times(&blocker.text, &plan.time_zone)),
            element("details", "", &format!("{summary}{}", element("ul", "", &nodes))),
            format!("{}{lift}", escaped(&blocker.hint)),
        ]
    };
    rows(&["what", "nodes", "what would lift it"], plan.blockers.iter().map(line).collect())
}

/// What people asked for.
pub fn by_hand(plan: &Plan, zone: &str) -> String {
    let line = |asked: &crate::plan::AskedByHand| {
        let until = asked.until.map_or_else(|| "taken back".to_owned(), |until| local_long(until, zone));
        vec![
            escaped(&asked.object),
            escaped(&format!("{} until {until}", asked.wish)),
            escaped(&asked.author),
            escaped(asked.reason.as_deref().unwrap_or("")),
        ]
    };
    rows(&["what", "asked", "by", "why"], plan.by_hand.iter().map(line).collect())
}

/// Each node: where it is, why, and what comes next.
pub fn nodes(nodes: &[NodeStatus], zone: &str) -> String {
    let line = |node: &NodeStatus| {
        let class = match node.state.split([' ', '(']).next().unwrap_or_default() {
            "active" => "good",
            "parked" => "rest",
            "broken:" | "not" => "bad",
            _ => "warm",
        };
        let since = node.since.map(|since| format!(" since {}", local(since, zone))).unwrap_or_default();
        let next = node.next_at.map(|at| format!(" {}", local(at, zone))).unwrap_or_default();
        vec![
            escaped(&node.node),
            escaped(node.pool.as_deref().unwrap_or("no pool")),
            format!("{}{}", text("span", class, &node.state), text("span", "soft", since)),
            escaped(&local_times(&node.why, zone)),
            escaped(&format!("{}{next}", node.next)),
        ]
    };
    rows(&["node", "pool", "state", "why", "next"], nodes.iter().map(line).collect())
}

/// Money now and ahead.
pub fn cost(plan: &Plan, zone: &str) -> String {
    let Some(cost) = &plan.cost else { return String::new() };
    let unit = &cost.unit;
    let amount = |micros: i64| escaped(&format!("{} {unit}", Money(micros)));
    let line = |line: &crate::plan::CostLine| {
        let known = |micros| if line.no_price { escaped("not known") } else { amount(micros) };
        vec![
            escaped(&line.what),
            known(line.now_per_hour_micros),
            known(line.after_per_hour_micros),
            known(line.week_micros),
        ]
    };
    let lines = cost.pools.iter().chain([&cost.other]).map(line).collect();
    let mut out = rows(&["", "per hour now", "when the plan is done", "coming week"], lines);
    if !cost.unpriced() {
        let words = format!(
            "All pools: {} {unit} in the coming week; with every node active {} {unit}",
            Money(cost.week_micros),
            Money(cost.always_on_week_micros)
        );
        out.push_str(&text("p", "", words));
    }
    if let Some(ends) = cost.allocation_ends {
        out.push_str(&text("p", "warm", format!("The allocation runs out {}", local_long(ends, zone))));
    }
    let notes: String = cost.notes.iter().map(|note| text("li", "", local_times(note, zone))).collect();
    out.push_str(&element("ul", "soft", &notes));
    out
}

/// Everything else that the plan says.
pub fn notes(plan: &Plan) -> String {
    let all = plan.caveats.iter().chain(&plan.notes);
    let notes: String = all.map(|note| text("li", "", local_times(note, &plan.time_zone))).collect();
    if notes.is_empty() { notes } else { element("ul", "", &notes) }
}

/// The last decisions, the newest first.
pub fn history(view: &View, zone: &str) -> String {
    const SHOWN: usize = 60;
    let line = |line: &super::Line| {
        let class = if line.warning { "warm" } else { "" };
        vec![escaped(&local_long(line.at, zone)), text("span", class, local_times(&line.text, zone))]
    };
    rows(&["when", "what"], view.history.iter().rev().take(SHOWN).map(line).collect())
}

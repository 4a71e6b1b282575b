//! Headroom: what is kept and where, what is missing and until when; in lines of other texts, and by itself.

use std::fmt::Write as _;

use owo_colors::OwoColorize;

use super::kept_text::named;
use super::layout::{faint, local_times, plural, wrapped};
use super::plan_text::{rests_on, said_words};
use crate::plan::{HeadroomExplanation, HeadroomUnits, Plan, PoolHeadroom, PoolPlan};

/// `headroom: 1 of 2 × (cpu 2, memory 8Gi) kept on worker-2; …`, a line for each size; none without headroom.
pub fn headroom_lines(pool: &PoolPlan) -> Vec<String> {
    let Some(headroom) = &pool.headroom else { return Vec::new() };
    let mut lines: Vec<String> = headroom.units.iter().map(line).collect();
    lines.extend(headroom.calculation.as_ref().map(|how| format!("automatic headroom: {how}")));
    if let Some(at) = headroom.refill_at {
        lines.push(format!("headroom is refilled from {at} on, if it is still missing then"));
    }
    lines
}

fn line(units: &HeadroomUnits) -> String {
    let HeadroomUnits { size, wanted, kept, .. } = units;
    let nodes: Vec<&str> = units.nodes.keys().map(String::as_str).collect();
    let place = if nodes.is_empty() { String::new() } else { format!(" on {}", named(&nodes)) };
    let like = units.like.as_ref().map(|like| format!(", like {like}")).unwrap_or_default();
    let why = units.missing.as_ref().map(|reason| format!("; the rest is MISSING: {}", reason.text));
    format!("headroom: {kept} of {wanted} × ({size}{like}) kept{place}{}", why.unwrap_or_default())
}

/// What `explain headroom` prints.
pub fn headroom_text(found: &HeadroomExplanation, plan: &Plan, width: usize) -> String {
    let mut out = format!("{}  when this plan is done\n", found.object.bold());
    rests_on(&mut out, plan, width);
    if found.headroom.is_empty() {
        out.push_str(&wrapped("no headroom is asked for: write `headroom` in a pool or a window of it", 2, width));
    }
    for pool in &found.headroom {
        of_pool(&mut out, pool, plan, width);
    }
    out
}

fn of_pool(out: &mut String, pool: &PoolHeadroom, plan: &Plan, width: usize) {
    let PoolHeadroom { wanted, held, missing, .. } = pool;
    let state = match (wanted, missing) {
        (0, _) => "nothing to keep now".to_owned(),
        (_, 0) => format!("{} wanted, all held", plural(usize::try_from(*wanted).unwrap_or(usize::MAX), "unit")),
        _ => {
            let wanted = plural(usize::try_from(*wanted).unwrap_or(usize::MAX), "unit");
            format!("{wanted} wanted, {held} held, {missing} MISSING")
        }
    };
    let _ = writeln!(out, "  pool {}: {state}", pool.pool);
    for said in &pool.said {
        let origin = said.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
        let verdict = if said.won { "decides" } else { "is overruled" };
        out.push_str(&faint(&format!("{} by {} {verdict}{origin}", said_words(said), said.by), 4, width));
    }
    let mut say = |text: String| out.push_str(&wrapped(&local_times(&text, &plan.time_zone), 4, width));
    if let Some(how) = &pool.calculation {
        say(format!("automatic: {how}"));
    }
    for units in &pool.units {
        say(line(units).trim_start_matches("headroom: ").to_owned());
    }
    if !pool.coming.is_empty() {
        let names: Vec<&str> = pool.coming.iter().map(String::as_str).collect();
        say(format!("this plan brings {} for it", named(&names)));
    }
    if let Some(since) = pool.short_since {
        say(format!("missing since {since}"));
    }
    if let Some(at) = pool.refill_at {
        say(format!("refilled from {at} on, if it is still missing then (`refillAfter`)"));
    }
}

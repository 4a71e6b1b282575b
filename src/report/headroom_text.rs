//! A pool's headroom: what is kept and where, what is missing and until when.

use super::kept_text::named;
use crate::plan::{HeadroomUnits, PoolPlan};

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

//! The plan's money, in lines.

use std::fmt::Write as _;

use super::layout::{local, local_times};
use crate::model::Money;
use crate::plan::{Plan, PlanCost};

/// A table of pools and sums.
pub fn money_lines(cost: &PlanCost, plan: &Plan) -> String {
    let mut out = String::new();
    let unit = &cost.unit;
    let rows = cost.pools.iter().chain([&cost.other]);
    let wide = rows.clone().map(|row| row.what.chars().count()).max().unwrap_or(0);
    for row in rows {
        if row.no_price {
            let _ = writeln!(out, "  {:wide$}  no price", row.what);
            continue;
        }
        let _ = writeln!(
            out,
            "  {:wide$}  {:>9} {unit}/h now  {:>9} {unit}/h after  {:>11} {unit} in 7 days",
            row.what,
            Money(row.now_per_hour_micros).to_string(),
            Money(row.after_per_hour_micros).to_string(),
            Money(row.week_micros).to_string(),
        );
    }
    if !cost.unpriced() {
        let always = Money(cost.always_on_week_micros);
        let saved = always.minus(Money(cost.week_micros));
        let _ = writeln!(out, "  pools always on: {always} {unit} in 7 days; this policy saves {saved} {unit}");
    }
    if let Some(until) = cost.until_next_change_micros.filter(|_| !cost.unpriced()) {
        let _ = writeln!(out, "  until the next change: {} {unit}", Money(until));
    }
    if let Some(ends) = cost.allocation_ends {
        let at = local(ends, &plan.time_zone);
        let past = ends <= plan.now;
        let _ = match cost.allocation_left_micros.map(Money) {
            Some(left) if past => {
                writeln!(out, "  the allocation ended {at}, with {left} {unit} left by this estimate")
            }
            Some(left) => writeln!(out, "  the allocation ends {at}, with {left} {unit} left at this policy"),
            None if past => writeln!(out, "  the allocation ran out {at}, by this estimate"),
            None => writeln!(out, "  the allocation runs out {at}"),
        };
    }
    for note in &cost.notes {
        let _ = writeln!(out, "  ({})", local_times(note, &plan.time_zone));
    }
    out
}

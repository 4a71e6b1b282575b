//! The plan's money, in lines.

use std::fmt::Write as _;

use super::layout::{local, local_times};
use crate::model::Money;
use crate::plan::{CostLine, Plan, PlanCost};

/// A table of pools and sums.
pub fn money_lines(cost: &PlanCost, plan: &Plan) -> String {
    let mut out = String::new();
    let unit = &cost.unit;
    let rows = cost.pools.iter().chain([&cost.other]);
    let wide = rows.clone().map(|row| row.what.chars().count()).max().unwrap_or(0);
    let figures = |row: &CostLine| {
        [row.now_per_hour_micros, row.after_per_hour_micros, row.week_micros].map(|micros| Money(micros).to_string())
    };
    let [now_wide, after_wide, week_wide] =
        rows.clone().filter(|row| !row.no_price).map(figures).fold([0; 3], |all, row| {
            let [now, after, week] = row.map(|figure| figure.chars().count());
            let [now_wide, after_wide, week_wide] = all;
            [now.max(now_wide), after.max(after_wide), week.max(week_wide)]
        });
    for row in rows {
        if row.no_price {
            let _ = writeln!(out, "  {:wide$}  no price", row.what);
            continue;
        }
        let [now, after, week] = figures(row);
        let _ = writeln!(
            out,
            "  {:wide$}  {now:>now_wide$} {unit}/h now  {after:>after_wide$} {unit}/h after  {week:>week_wide$} {unit} in 7 days",
            row.what,
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

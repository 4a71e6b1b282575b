//! What rules say of a plan.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{CheckLevel, CheckRule, Condition, WeekDay};
use crate::model::{Money, counted};
use crate::plan::Plan;

/// What all rules say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checked {
    /// The version of this format.
    pub format_version: String,
    /// The policy that the plan was made from.
    pub policy: String,
    /// Rules that were asked.
    pub rules: u32,
    /// Those that speak, the strongest first, then in their order.
    pub findings: Vec<Finding>,
}

/// A rule that speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Which rule.
    pub rule: String,
    /// What that means.
    pub level: CheckLevel,
    /// What was found.
    pub text: String,
    /// What the rule says to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Nodes that it is about, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
}

impl Checked {
    /// The strongest that was said; None if nothing was.
    pub fn worst(&self) -> Option<CheckLevel> {
        self.findings.iter().map(|finding| finding.level).max()
    }
}

/// What the rules say of a plan.
pub fn check(plan: &Plan, rules: &[CheckRule]) -> Checked {
    let mut findings: Vec<Finding> = rules.iter().filter_map(|rule| finding(plan, rule)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Checked {
        format_version: "1.0".to_owned(),
        policy: plan.policy.name.clone(),
        rules: u32::try_from(rules.len()).unwrap_or(u32::MAX),
        findings,
    }
}

/// What holds of a condition, part by part.
#[derive(Default)]
struct Holds {
    texts: Vec<String>,
    nodes: BTreeSet<String>,
    /// A part that does not hold.
    not: bool,
}

impl Holds {
    fn part(&mut self, text: Option<String>) {
        match text {
            Some(text) => self.texts.push(text),
            None => self.not = true,
        }
    }
}

fn finding(plan: &Plan, rule: &CheckRule) -> Option<Finding> {
    let when = &rule.when;
    let mut holds = Holds::default();
    if let Some(most) = when.nodes_above {
        touched(plan, when, most, &mut holds);
    }
    if when.removes_headroom {
        holds.part(headroom(plan, when));
    }
    if !when.ends_on.is_empty() {
        holds.part(day(plan, when));
    }
    let unit = plan.cost.as_ref().map(|cost| cost.unit.as_str()).unwrap_or_default();
    let above = |micros: Option<i64>, most: u32| {
        let cost = Money(micros?);
        (cost.0 > i64::from(most).saturating_mul(1_000_000)).then_some(cost)
    };
    let priced = plan.cost.as_ref().filter(|cost| !cost.unpriced());
    if let Some(most) = when.week_costs_above {
        let cost = above(priced.map(|cost| cost.week_micros), most);
        holds.part(cost.map(|cost| format!("it costs {cost} {unit} in 7 days, more than {most}")));
    }
    if let Some(most) = when.hour_costs_above {
        let cost = above(priced.map(|cost| cost.after_per_hour_micros), most);
        holds.part(cost.map(|cost| format!("it costs {cost} {unit}/h when done, more than {most}")));
    }
    if when.loses_pods {
        let lost: Vec<String> = plan.losses().map(|(_, pod)| pod.pod.clone()).collect();
        holds.nodes.extend(plan.losses().map(|(step, _)| step.node.clone()));
        holds.part(named(&lost).map(|names| format!("nothing makes again: {names}")));
    }
    if when.interrupts {
        let workloads: Vec<String> = plan.outages.iter().map(|outage| outage.workload.clone()).collect();
        holds.nodes.extend(plan.outages.iter().map(|outage| outage.node.clone()));
        holds.part(named(&workloads).map(|names| format!("no Ready pod for a while: {names}")));
    }
    if when.incomplete {
        holds.part((!plan.complete).then(|| match plan.caveats.first() {
            Some(caveat) => format!("it is incomplete: {caveat}"),
            None => "it is incomplete".to_owned(),
        }));
    }
    (!holds.not).then(|| Finding {
        rule: rule.name.clone(),
        level: rule.level,
        text: holds.texts.join("; "),
        say: rule.say.clone(),
        nodes: holds.nodes.into_iter().collect(),
    })
}

fn touched(plan: &Plan, when: &Condition, most: u32, holds: &mut Holds) {
    let counts = plan.steps.iter().filter(|step| {
        (when.verbs.is_empty() || when.verbs.contains(&step.verb))
            && (when.pools.is_empty() || when.pools.contains(&step.pool))
    });
    let nodes: BTreeSet<String> = counts.map(|step| step.node.clone()).collect();
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    holds.part((count > most).then(|| format!("{} touched, more than {most}", are(count))));
    holds.nodes.extend(nodes);
}

fn are(count: u32) -> String {
    format!("{} {}", counted(count, "node"), if count == 1 { "is" } else { "are" })
}

fn headroom(plan: &Plan, when: &Condition) -> Option<String> {
    let pools = plan.pools.iter().filter(|pool| when.pools.is_empty() || when.pools.contains(&pool.name));
    let short: Vec<String> = pools
        .filter_map(|pool| {
            let units = &pool.headroom.as_ref()?.units;
            let sum = |of: fn(&crate::plan::HeadroomUnits) -> u32| units.iter().map(of).fold(0, u32::saturating_add);
            let (wanted, kept) = (sum(|units| units.wanted), sum(|units| units.kept));
            (kept < wanted).then(|| format!("pool {} keeps {kept} of {wanted} units of headroom", pool.name))
        })
        .collect();
    named(&short)
}

/// The first of the days that the plan may last into.
fn day(plan: &Plan, when: &Condition) -> Option<String> {
    if plan.steps.is_empty() {
        return None;
    }
    let zone = TimeZone::get(&plan.time_zone).unwrap_or(TimeZone::UTC);
    let waits = plan.steps.iter().flat_map(|step| &step.pods).filter_map(|pod| pod.at_most).max();
    let longest = SignedDuration::from_secs(waits.unwrap_or(0));
    let end = plan.now.checked_add(longest).unwrap_or(Timestamp::MAX);
    let (mut at, last) = (plan.now.to_zoned(zone.clone()).date(), end.to_zoned(zone).date());
    // A week has every day.
    for _ in 0..7 {
        if when.ends_on.contains(&WeekDay::from(at.weekday())) {
            return Some(match longest.is_zero() {
                true => format!("it is made on {}", at.strftime("%A, %d %B")),
                false => format!("it may last until {}, and {} is in between", last, at.strftime("%A, %d %B")),
            });
        }
        at = at.tomorrow().ok().filter(|next| *next <= last)?;
    }
    None
}

/// The first few, and how many more; None if there are none.
fn named(names: &[String]) -> Option<String> {
    const MOST: usize = 5;
    let shown = names.get(..MOST.min(names.len())).unwrap_or_default().join(", ");
    let more = names.len().saturating_sub(MOST);
    match (names.len(), more) {
        (0, _) => None,
        (_, 0) => Some(shown),
        (_, more) => Some(format!("{shown} and {more} more")),
    }
}

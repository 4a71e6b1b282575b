//! Compares a plan with what is expected of it.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::Value;

use super::{Amount, At, ExpectNode, ExpectPool, ExpectSteps, Expected, Mismatch};
use crate::model::Money;
use crate::plan::members::natural;
use crate::plan::{Code, Plan, Verb, verb_name};
use crate::policy::{NamePattern, Origin};

/// Reasons that are told of one expectation.
const TOLD: usize = 3;

/// What is not as expected, by line. `names` are those of all nodes and servers; `moment` reads a time as the plan's policy
/// writes it.
pub fn judge(
    expected: &Expected,
    plan: &Plan,
    names: &BTreeSet<String>,
    moment: &dyn Fn(&str) -> Result<jiff::Timestamp, String>,
) -> Vec<Mismatch> {
    let mut found = Judged { plan, mismatches: Vec::new() };
    if let Some(verdict) = &expected.verdict {
        found.one(verdict.line, "verdict", &word(verdict.value), &word(plan.summary.verdict), &[]);
    }
    if let Some(complete) = &expected.complete {
        found.one(complete.line, "complete", &complete.value, &plan.complete, &plan.caveats);
    }
    for (name, pool) in &expected.pools {
        found.pool(name, pool, moment);
    }
    if let Some(steps) = &expected.steps {
        if steps.is_empty() {
            let there = plan.steps.iter().map(|step| step.id.clone()).collect();
            found.list(steps.line, "steps", Vec::new(), there, Vec::new());
        }
        for (verb, wanted) in &steps.value {
            found.steps(*verb, wanted, names);
        }
    }
    if let Some(pods) = &expected.pods {
        let sums = &plan.summary;
        for (what, wanted, is) in [
            ("evictions", &pods.evictions, sums.evictions),
            ("waits", &pods.waits, sums.waits),
            ("lost", &pods.lost, sums.lost),
            ("served", &pods.served, sums.served),
            ("unserved", &pods.unserved, sums.unserved),
        ] {
            found.count(&format!("pods, {what}"), wanted.as_ref(), is);
        }
    }
    for (pattern, node) in &expected.nodes {
        let matching = matching(pattern, names);
        if matching.is_empty() {
            found.list(node.line, "nodes", vec![pattern.clone()], Vec::new(), vec!["no node is named so".to_owned()]);
        }
        for name in matching {
            found.node(&name, node);
        }
    }
    if let Some(blockers) = &expected.blockers {
        found.codes("blockers", blockers, plan.blockers.iter().map(|one| (one.code, one.text.clone())).collect());
    }
    if let Some(refusals) = &expected.refusals {
        let there: Vec<(String, String)> =
            plan.refusals.iter().map(|one| (one.brake.clone(), one.text.clone())).collect();
        let wanted = refusals.iter().map(|one| one.value.clone()).collect();
        found.each("refusals", refusals.line, wanted, there);
    }
    if let Some(outages) = &expected.outages {
        let there: BTreeSet<String> = plan.outages.iter().map(|outage| outage.workload.clone()).collect();
        let wanted: BTreeSet<String> = outages.iter().map(|one| one.value.clone()).collect();
        let missing = wanted.difference(&there).cloned().collect();
        found.list(outages.line, "outages", missing, there.difference(&wanted).cloned().collect(), Vec::new());
    }
    if let Some(cost) = &expected.cost {
        let known = plan.cost.as_ref().filter(|cost| !cost.unpriced());
        for (what, wanted, is) in [
            ("cost, hourNow", &cost.hour_now, known.map(|cost| cost.now_per_hour_micros)),
            ("cost, hourAfter", &cost.hour_after, known.map(|cost| cost.after_per_hour_micros)),
            ("cost, week", &cost.week, known.map(|cost| cost.week_micros)),
        ] {
            let Some(wanted) = wanted.as_ref().filter(|wanted| !is.is_some_and(|is| wanted.holds_micros(is))) else {
                continue;
            };
            let is = is.map_or_else(|| "not known: the policy has no rates".to_owned(), |is| Money(is).to_string());
            found.one(wanted.line, what, &wanted.value, &is, &[]);
        }
    }
    found.mismatches.sort();
    found.mismatches
}

/// Nodes that a pattern stands for; by the whole name where it is no pattern.
fn matching(pattern: &str, names: &BTreeSet<String>) -> Vec<String> {
    let pattern =
        NamePattern { text: pattern.into(), origin: Origin { file: String::new().into(), line: 0, column: 0 } };
    let mut found: Vec<String> = names.iter().filter(|name| pattern.matches(name)).cloned().collect();
    found.sort_by(|a, b| natural(a, b));
    found
}

/// As the public format writes it.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

struct Judged<'a> {
    plan: &'a Plan,
    mismatches: Vec<Mismatch>,
}

impl Judged<'_> {
    fn list(&mut self, line: u32, what: &str, missing: Vec<String>, unexpected: Vec<String>, mut because: Vec<String>) {
        if missing.is_empty() && unexpected.is_empty() {
            return;
        }
        because.truncate(TOLD);
        self.mismatches.push(Mismatch { line, what: what.to_owned(), missing, unexpected, because });
    }

    fn one(&mut self, line: u32, what: &str, wanted: &impl Display, is: &impl Display, because: &[String]) {
        let (wanted, is) = (wanted.to_string(), is.to_string());
        if wanted != is {
            self.list(line, what, vec![wanted], vec![is], because.to_vec());
        }
    }

    fn count(&mut self, what: &str, wanted: Option<&At<Amount>>, is: u32) {
        if let Some(wanted) = wanted.filter(|wanted| !wanted.holds(is)) {
            self.list(wanted.line, what, vec![wanted.to_string()], vec![is.to_string()], Vec::new());
        }
    }

    fn pool(&mut self, name: &str, wanted: &At<ExpectPool>, moment: &dyn Fn(&str) -> Result<jiff::Timestamp, String>) {
        let Some(pool) = self.plan.pools.iter().find(|pool| pool.name == name) else {
            let there: Vec<&str> = self.plan.pools.iter().map(|pool| pool.name.as_str()).collect();
            let why = vec![format!("the policy has {}", there.join(", "))];
            self.list(wanted.line, "pools", vec![name.to_owned()], Vec::new(), why);
            return;
        };
        let kept =
            pool.headroom.as_ref().map(|kept| kept.units.iter().map(|unit| unit.kept).fold(0, u32::saturating_add));
        for (what, wanted, is) in [
            ("floor", &wanted.floor, pool.floor),
            ("ceiling", &wanted.ceiling, pool.ceiling),
            ("active", &wanted.active, pool.active),
            ("cordoned", &wanted.cordoned, pool.cordoned),
            ("parked", &wanted.parked, pool.parked),
            ("desired", &wanted.desired, pool.desired),
            ("headroom", &wanted.headroom, kept.unwrap_or(0)),
        ] {
            self.count(&format!("pool {name}, {what}"), wanted.as_ref(), is);
        }
        let Some(next) = &wanted.next else { return };
        let none = || vec!["no change ahead".to_owned()];
        if let Some(at) = &next.at {
            let is = pool.next_change.as_ref().map(|next| next.at);
            match moment(at) {
                Ok(wanted) if Some(wanted) == is => {}
                Ok(wanted) => {
                    let there = is.map_or_else(none, |is| vec![is.to_string()]);
                    self.list(at.line, &format!("pool {name}, next at"), vec![wanted.to_string()], there, Vec::new());
                }
                Err(why) => {
                    self.list(at.line, &format!("pool {name}, next at"), vec![at.value.clone()], Vec::new(), vec![why]);
                }
            }
        }
        if let Some(floor) = &next.floor {
            match &pool.next_change {
                Some(next) => self.count(&format!("pool {name}, next floor"), Some(floor), next.floor),
                None => {
                    self.list(
                        floor.line,
                        &format!("pool {name}, next floor"),
                        vec![floor.to_string()],
                        none(),
                        Vec::new(),
                    );
                }
            }
        }
    }

    fn steps(&mut self, verb: Verb, wanted: &At<ExpectSteps>, names: &BTreeSet<String>) {
        let plan = self.plan;
        let there: BTreeSet<&str> =
            plan.steps.iter().filter(|step| step.verb == verb).map(|step| step.node.as_str()).collect();
        let what = format!("steps, {}", verb_name(verb));
        match &wanted.value {
            ExpectSteps::Count(bound) => {
                let is = u32::try_from(there.len()).unwrap_or(u32::MAX);
                if !bound.holds(is) {
                    self.list(wanted.line, &what, vec![bound.to_string()], vec![is.to_string()], Vec::new());
                }
            }
            ExpectSteps::Nodes(patterns) => {
                let (mut named, mut missing) = (BTreeSet::new(), Vec::new());
                for pattern in patterns {
                    let found = matching(pattern, names);
                    if found.is_empty() {
                        missing.push(format!("{pattern} (no node is named so)"));
                    }
                    named.extend(found);
                }
                let mut gone: Vec<String> =
                    named.iter().filter(|name| !there.contains(name.as_str())).cloned().collect();
                gone.sort_by(|a, b| natural(a, b));
                let because = gone.iter().filter_map(|name| self.stays(name)).collect();
                missing.extend(gone);
                let mut new: Vec<String> =
                    there.iter().filter(|name| !named.contains(**name)).map(ToString::to_string).collect();
                new.sort_by(|a, b| natural(a, b));
                self.list(wanted.line, &what, missing, new, because);
            }
        }
    }

    /// Why a node is left as it is.
    fn stays(&self, node: &str) -> Option<String> {
        let kept = self.plan.kept.iter().find(|kept| kept.node == node)?;
        kept.reasons.first().map(|reason| format!("{node} stays: {}", reason.text))
    }

    fn node(&mut self, name: &str, wanted: &ExpectNode) {
        let plan = self.plan;
        let steps: Vec<&crate::plan::Step> = plan.steps.iter().filter(|step| step.node == name).collect();
        if let Some(verbs) = &wanted.steps {
            let is: Vec<Verb> = steps.iter().map(|step| step.verb).collect();
            if is != verbs.value {
                let text = |verbs: &[Verb]| match verbs {
                    [] => "no steps".to_owned(),
                    verbs => verbs.iter().map(|verb| verb_name(*verb)).collect::<Vec<_>>().join(" → "),
                };
                let because = self.stays(name).into_iter().collect();
                self.list(verbs.line, &format!("node {name}, steps"), vec![text(verbs)], vec![text(&is)], because);
            }
        }
        if let Some(because) = &wanted.because {
            let there = steps.iter().map(|step| (step.reason.code, step.reason.text.clone())).collect();
            self.codes(&format!("node {name}, because"), because, there);
        }
        if let Some(stays) = &wanted.stays {
            let reasons = plan.kept.iter().filter(|kept| kept.node == name).flat_map(|kept| &kept.reasons);
            self.codes(
                &format!("node {name}, stays"),
                stays,
                reasons.map(|reason| (reason.code, reason.text.clone())).collect(),
            );
        }
    }

    fn codes(&mut self, what: &str, wanted: &At<Vec<At<Code>>>, there: Vec<(Code, String)>) {
        let there = there.into_iter().map(|(code, text)| (word(code), text)).collect();
        self.each(what, wanted.line, wanted.iter().map(|code| word(code.value)).collect(), there);
    }

    /// Each of the `wanted` is there; where none is wanted, none is.
    fn each(&mut self, what: &str, line: u32, wanted: Vec<String>, there: Vec<(String, String)>) {
        let names: BTreeSet<&String> = there.iter().map(|(name, _)| name).collect();
        let missing: Vec<String> = wanted.iter().filter(|name| !names.contains(name)).cloned().collect();
        // What else is there tells what became of what is missing.
        let others = if wanted.is_empty() || !missing.is_empty() { names } else { BTreeSet::new() };
        let unexpected: Vec<String> = others.into_iter().filter(|name| !wanted.contains(name)).cloned().collect();
        let because = there.iter().filter(|(name, _)| unexpected.contains(name));
        let mut texts: Vec<String> = Vec::new();
        for (_, text) in because {
            if !texts.contains(text) {
                texts.push(text.clone());
            }
        }
        self.list(line, what, missing, unexpected, texts);
    }
}

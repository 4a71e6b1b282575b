//! Windows, exceptions and schedules as they stand in a file.

use super::object::{object, words};
use super::read::{Choice, OneOrMany};
use super::text::Text;
use super::times::{Cron, Days, LeadTime, Length, When, Zone};
use super::{Headroom, Pairs};
use crate::policy::Overrun;
use crate::policy::located::Located;

/// The kind of a window, by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowKindName {
    Capacity,
    Freeze,
    Relaxed,
}

words! { WindowKindName, "WindowKind", "a kind of window" {
    "capacity" => WindowKindName::Capacity,
    "freeze" => WindowKindName::Freeze,
    "relaxed" => WindowKindName::Relaxed,
} }

words! { Overrun, "Overrun", "a way to meet a freeze" {
    "finish" => Overrun::Finish,
    "stop" => Overrun::Stop,
} }

object! {
    /// A span of time in which the policy asks for something different.
    Window, "a window" {
        /// Its name, unique in its schedule or pool; exceptions name it.
        name = "name": Text,
        /// When it opens.
        start = "start": Cron,
        /// How long it stays open.
        duration = "duration": Length,
        /// When it closes, instead of a duration.
        end = "end": Cron,
        /// For one time only: when it opens, in its zone; `2026-12-07` is that day's first instant.
        from = "from": When,
        /// For one time only: when it closes, in its zone; `2026-12-11` is the end of that day.
        until = "until": When,
        /// How long before it opens its nodes are wanted; `auto` goes by measured wake times.
        lead = "lead": LeadTime,
        /// `capacity` (the default) asks for other numbers, `freeze` forbids disruption, `relaxed` lifts protections.
        kind = "kind": Choice<WindowKindName>,
        /// What a freeze does to a drain that runs when it opens, or waits for pods: `finish` (the default) goes on with
        /// it, in later runs too, `stop` gives the node back.
        overrun = "overrun": Choice<Overrun>,
        /// Keys of the annotations that a relaxed window ignores. Disruption budgets are never ignored.
        ignores = "ignores": Vec<Located<Text>>,
        /// Higher wins where windows overlap; 0 by default.
        priority = "priority": i32,
        /// Its own time zone.
        time_zone = "timeZone": Zone,
        /// Least active nodes.
        min = "min": u32,
        /// Most active nodes.
        max = "max": u32,
        /// Exactly so many active nodes, instead of `min` and `max`.
        replicas = "replicas": u32,
        /// Spare capacity.
        headroom = "headroom": Headroom,
    }
}

object! {
    /// Days on which windows are skipped or something else is asked.
    Exception, "an exception" {
        /// Its name.
        name = "name": Text [required],
        /// Its days: `2026-12-24`, or `2026-11-24..2026-11-27` with both ends included.
        dates = "dates": OneOrMany<Days> [required],
        /// Windows that do not open on these days. Without `skip` and numbers, none of the schedule does.
        skip = "skip": OneOrMany<Text>,
        /// Least active nodes on these days.
        min = "min": u32,
        /// Most active nodes on these days.
        max = "max": u32,
        /// Exactly so many active nodes on these days, instead of `min` and `max`.
        replicas = "replicas": u32,
        /// Spare capacity on these days.
        headroom = "headroom": Headroom,
    }
}

object! {
    /// A named set of windows and exceptions, for any number of pools.
    Schedule, "a schedule" {
        /// Its name; pools name it.
        name = "name": Text [required],
        /// Its windows.
        windows = "windows": Vec<Located<Window>>,
        /// Its exceptions.
        exceptions = "exceptions": Vec<Located<Exception>>,
    }
}

/// Labels by key.
pub(crate) type Labels = Pairs<Text>;

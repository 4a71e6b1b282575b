//! Prices and what is left to spend, as they stand in a file.

use super::numbers::{Decimal, Share};
use super::object::object;
use super::read::Pairs;
use super::text::Text;
use super::times::When;

object! {
    /// The share of the price that is charged in each state; the whole price where nothing is written.
    Charged, "`charged`" {
        /// Running.
        active = "active": Share,
        /// Suspended or paused.
        suspended = "suspended": Share,
        /// Stopped.
        stopped = "stopped": Share,
        /// Shelved.
        shelved = "shelved": Share,
    }
}

object! {
    /// Prices by flavor, from a time on.
    Rate, "a rate" {
        /// The provider; all of them by default.
        provider = "provider": Text,
        /// What is counted, such as `SU` or `USD`.
        unit = "unit": Text [required],
        /// From when; always by default. The latest that has begun counts.
        from = "from": When,
        /// Per hour, by flavor.
        per_hour = "perHour": Pairs<Decimal> [required],
        /// The share that each state is charged.
        charged = "charged": Charged,
    }
}

object! {
    /// What is left to spend.
    Allocation, "`allocation`" {
        /// What was left.
        balance = "balance": Decimal [required],
        /// When that was read.
        as_of = "asOf": When [required],
        /// When the allocation ends, whatever is left.
        ends = "ends": When,
    }
}

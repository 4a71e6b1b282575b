//! Who said what about a pool at one moment, strongest first, the losers too.

use std::fmt::Write;

use jiff::Timestamp;

use super::text::moment;
use super::{asked, zone};
use crate::schedule::{Holding, Level, Said};

/// The whole chain for one pool at one instant.
pub fn chain(pool: &str, zone_name: &str, at: Timestamp, holding: &Holding) -> String {
    let zone = zone(zone_name);
    let mut out = format!("pool/{pool} at {}: {}\n", moment(at, &zone), asked(holding));
    for said in &holding.said {
        let mark = if said.won { "✓" } else { "·" };
        let _ = write!(out, "  {mark} {} {}  {}", said.what, said.value, said.by);
        if let Some(opens) = said.opens {
            let _ = write!(out, ", opens {}", moment(opens, &zone));
        }
        if let Some(until) = said.until {
            let _ = write!(out, ", until {}", moment(until, &zone));
        }
        if !said.won {
            out.push_str(match as_strong(said, holding) {
                true => {
                    " (another override, as strong, decides: the larger floor, the smaller ceiling, the floor first)"
                }
                false => " (something stronger decides)",
            });
        }
        if let Some(origin) = &said.origin {
            let _ = write!(out, "  [{origin}]");
        }
        out.push('\n');
    }
    out
}

/// Whether what lost is an override and lost against another: windows have priorities, exceptions must not contradict.
fn as_strong(lost: &Said, holding: &Holding) -> bool {
    let number = |said: &Said| matches!(said.what.as_str(), "min" | "max" | "replicas");
    lost.level == Level::Override
        && number(lost)
        && holding.said.iter().any(|said| said.won && said.level == Level::Override && number(said))
}

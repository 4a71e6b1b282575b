//! Prices and what is left to spend.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::context::Context;
use crate::model::PerMille;
use crate::policy::located::{Located, Span};
use crate::policy::wire::{self, Share};
use crate::policy::{Allocation, Rate, StateShares};

/// The rates, in the policy's order.
pub(crate) fn rates(
    written: &[Located<wire::Rate>],
    (providers, zone): (&[&str], &TimeZone),
    cx: &mut Context<'_>,
) -> Vec<Rate> {
    let mut all = Vec::new();
    let mut seen: BTreeMap<(Option<&str>, Option<jiff::Timestamp>, &str), Span> = BTreeMap::new();
    for rate in written {
        let provider = rate.provider.as_ref().filter(|name| cx.known("provider", name, providers));
        let from = rate.from.as_ref().and_then(|from| cx.counted(from.value.opens(zone), from.span));
        let prices = rate.per_hour.iter().flat_map(|prices| &prices.value.0);
        for (flavor, price) in prices.clone() {
            let key = (provider.map(|name| name.as_str()), from, flavor.as_str());
            match seen.get(&key) {
                Some(first) => {
                    cx.out
                        .error(
                            "said-twice",
                            price.span,
                            format!("flavor `{}` has two prices at the same time", flavor.value),
                        )
                        .help("keep one, or give the later one another `from`")
                        .see(*first, "its first price");
                }
                None => drop(seen.insert(key, price.span)),
            }
        }
        if let Some(empty) = rate.per_hour.as_ref().filter(|prices| prices.value.0.is_empty()) {
            cx.out.error("empty-list", empty.span, "the rate has no prices").help("write them like `m3.medium: 8`");
        }
        let Some(unit) = &rate.unit else { continue };
        all.push(Rate {
            provider: provider.map(|name| name.name()),
            unit: unit.name(),
            from,
            per_hour: prices.map(|(flavor, price)| (flavor.as_str().into(), price.value.0)).collect(),
            charged: shares(rate),
            origin: cx.origin(rate.span),
        });
    }
    one_unit(written, cx);
    all
}

fn shares(rate: &wire::Rate) -> StateShares {
    let charged = rate.charged.as_ref().map(|charged| &charged.value);
    let share = |pick: fn(&wire::Charged) -> &Option<Located<Share>>| {
        charged.and_then(|charged| pick(charged).as_ref()).map_or(PerMille(1000), |share| share.value.0)
    };
    StateShares {
        active: share(|charged| &charged.active),
        suspended: share(|charged| &charged.suspended),
        stopped: share(|charged| &charged.stopped),
        shelved: share(|charged| &charged.shelved),
    }
}

/// Sums need one unit.
fn one_unit(written: &[Located<wire::Rate>], cx: &mut Context<'_>) {
    let mut units = written.iter().filter_map(|rate| rate.unit.as_ref());
    let Some(first) = units.next() else { return };
    for unit in units.filter(|unit| unit.as_str() != first.as_str()) {
        cx.out
            .error("two-units", unit.span, format!("`{}` and `{}` cannot be added up", first.as_str(), unit.as_str()))
            .help("give all rates one unit")
            .see(first.span, "the first unit");
    }
}

/// What is left to spend.
pub(crate) fn allocation(
    written: &Option<Located<wire::Allocation>>,
    (has_rates, zone): (bool, &TimeZone),
    cx: &mut Context<'_>,
) -> Option<Allocation> {
    let written = written.as_ref()?;
    if !has_rates {
        cx.out
            .warning("no-rates", written.span, "without `rates` nobody can tell how long the allocation lasts")
            .help("add `rates` with a price per hour for each flavor");
    }
    let (balance, as_of) = (written.balance.as_ref()?, written.as_of.as_ref()?);
    let read = cx.counted(as_of.value.opens(zone), as_of.span)?;
    let end = match &written.ends {
        Some(ends) => Some(cx.counted(ends.value.closes(zone), ends.span)?),
        None => None,
    };
    if let (Some(ends), Some(end)) = (&written.ends, end)
        && end <= read
    {
        cx.out
            .error("out-of-range", ends.span, "the allocation ends before its balance was read")
            .help("check `asOf` and `ends`")
            .see(as_of.span, "the balance was read then");
    }
    Some(Allocation { balance: balance.value.0, as_of: read, ends: end, origin: cx.origin(written.span) })
}

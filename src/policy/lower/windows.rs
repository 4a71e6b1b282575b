//! Windows, exceptions and what they ask.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::doubts;
use crate::model::{Name, Resources};
use crate::policy::located::{Located, Span};
use crate::policy::wire::{self, Automatic, LeadTime, WindowKindName};
use crate::policy::{Ask, Exception, Headroom, HeadroomUnit, Lead, Overrun, Recurrence, Window, WindowKind};

/// The resource that `gpu` and `gpus` count.
pub(crate) const GPU: &str = "nvidia.com/gpu";
/// What `automatic: true` keeps free, in thousandths.
const AUTOMATIC: u32 = 50;

/// The numbers that a window, exception, override or pool asks for.
pub(crate) struct Numbers<'a> {
    pub min: &'a Option<Located<u32>>,
    pub max: &'a Option<Located<u32>>,
    pub replicas: &'a Option<Located<u32>>,
}

/// Checks the numbers against each other.
pub(crate) fn numbers(numbers: &Numbers<'_>, cx: &mut Context<'_>) {
    if let (Some(min), Some(max)) = (numbers.min, numbers.max)
        && min.value > max.value
    {
        cx.out
            .error("min-above-max", min.span, format!("`min` is {}, above `max`, which is {}", min.value, max.value))
            .help("lower `min` or raise `max`")
            .see(max.span, format!("`max` is {}", max.value));
    }
    if let Some(replicas) = numbers.replicas {
        for (field, other) in [("min", numbers.min), ("max", numbers.max)] {
            if let Some(other) = other {
                cx.out
                    .error(
                        "replicas-with-bounds",
                        replicas.span,
                        format!("`replicas` and `{field}` exclude each other"),
                    )
                    .help("write `replicas` for exactly so many, or `min` and `max`")
                    .see(other.span, format!("`{field}` stands here"));
            }
        }
    }
}

/// Headroom as it is kept.
pub(crate) fn headroom(headroom: &Located<wire::Headroom>, cx: &mut Context<'_>) -> Headroom {
    let mut kept = Headroom::default();
    if let Some(automatic) = &headroom.automatic {
        kept.automatic = match automatic.value {
            Automatic::Flag(true) => Some(AUTOMATIC),
            Automatic::Flag(false) | Automatic::Share(0) => None,
            Automatic::Share(share) => Some(share),
        };
    }
    for unit in headroom.units.iter().flat_map(|units| &units.value) {
        let mut size = Resources {
            cpu: unit.cpu.as_ref().map_or(0, |cpu| cpu.value.0),
            memory: unit.memory.as_ref().map_or(0, |memory| memory.value.0),
            ..Resources::default()
        };
        if let Some(gpu) = unit.gpu.as_ref().filter(|gpu| gpu.value > 0) {
            size.extended.insert(GPU.into(), i64::from(gpu.value));
        }
        let written = ["cpu", "memory", "gpu"].iter().any(|field| unit.has(field));
        if size == Resources::default()
            && (!written || unit.cpu.is_some() || unit.memory.is_some() || unit.gpu.is_some())
        {
            cx.out
                .error("empty-unit", unit.span, "this headroom unit asks for nothing")
                .help("give it `cpu`, `memory` or `gpu`, or remove it");
        }
        let count = unit.count.as_ref().map_or(1, |count| count.value);
        if let Some(zero) = unit.count.as_ref().filter(|count| count.value == 0) {
            cx.out.error("out-of-range", zero.span, "a count of 0 keeps nothing free").help("remove this unit");
        }
        kept.units.push(HeadroomUnit { size, count });
    }
    kept.refill_after = headroom.refill_after.as_ref().map(|wait| wait.value.0);
    if !headroom.has("automatic") && !headroom.has("units") {
        cx.out
            .error("empty-headroom", headroom.span, "`headroom` asks for nothing")
            .help("give it `automatic` or `units`");
    }
    kept
}

/// Where a window or exception stands.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    /// The schedule's name; None in a pool.
    pub schedule: Option<&'a Name>,
    /// The policy's zone.
    pub zone: &'a Name,
}

/// The window that `written` is, the `index`-th of its list. None after saying what is wrong with it.
pub(crate) fn window(
    written: &Located<wire::Window>,
    index: usize,
    home: Home<'_>,
    cx: &mut Context<'_>,
) -> Option<Window> {
    numbers(&Numbers { min: &written.min, max: &written.max, replicas: &written.replicas }, cx);
    let asked = written.headroom.as_ref().map(|asked| headroom(asked, cx));
    let zone = written.time_zone.as_ref().map_or_else(|| home.zone.clone(), |zone| zone.value.0.clone());
    let when = when(written, &zone, cx);
    let kind = kind(written, asked, cx)?;
    doubts::window(written, when.as_ref(), &kind, cx);
    let name = written.name.as_ref().map_or_else(|| format!("windows[{index}]").into(), |name| name.name());
    let place = written.name.as_ref().map_or(written.span, |name| name.span);
    let origin = cx.origin(place);
    cx.windows.insert(origin.clone(), place);
    if !written.has("lead") {
        cx.without_lead.insert(origin.clone());
    }
    Some(Window {
        name,
        schedule: home.schedule.cloned(),
        kind,
        when: when?,
        zone,
        lead: match written.lead.as_ref().map(|lead| lead.value) {
            Some(LeadTime::Fixed(lead)) => Lead::Fixed(lead),
            Some(LeadTime::Auto) => Lead::Auto,
            None => Lead::Fixed(SignedDuration::ZERO),
        },
        priority: written.priority.as_ref().map_or(0, |priority| priority.value),
        origin,
    })
}

fn when(written: &Located<wire::Window>, zone: &Name, cx: &mut Context<'_>) -> Option<Recurrence> {
    let spans: [(&str, Option<Span>); 5] = [
        ("start", written.start.as_ref().map(|value| value.span)),
        ("duration", written.duration.as_ref().map(|value| value.span)),
        ("end", written.end.as_ref().map(|value| value.span)),
        ("from", written.from.as_ref().map(|value| value.span)),
        ("until", written.until.as_ref().map(|value| value.span)),
    ];
    const WAYS: &str = "write `start` and `duration`, `start` and `end`, or `from` and `until`";
    let given = |field: &str| written.has(field);
    let once = given("from") || given("until");
    let recurring = given("start") || given("duration") || given("end");
    let fields: Vec<&str> = spans.iter().map(|(field, _)| *field).filter(|field| given(field)).collect();
    let complete = match fields.as_slice() {
        ["start", "duration"] | ["start", "end"] | ["from", "until"] => true,
        [] => {
            cx.out.error("window-without-time", written.span, "the window does not say when it opens").help(WAYS);
            false
        }
        _ if once && recurring => {
            let span = spans.iter().rev().find_map(|(_, span)| *span).unwrap_or(written.span);
            let all: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
            cx.out.error("window-with-two-times", span, format!("{} do not go together", all.join(" and "))).help(WAYS);
            false
        }
        ["start", "duration", "end"] => {
            let span = written.end.as_ref().map_or(written.span, |end| end.span);
            cx.out
                .error("window-with-two-times", span, "`duration` and `end` both say when the window closes")
                .help("keep one of the two");
            false
        }
        _ => {
            let missing = match fields.as_slice() {
                ["start"] => "`duration` or `end`",
                ["from"] => "`until`",
                ["until"] => "`from`",
                _ => "`start`",
            };
            cx.out.error("window-without-time", written.span, format!("the window needs {missing}")).help(WAYS);
            false
        }
    };
    if let Some(zero) = written.duration.as_ref().filter(|duration| duration.value.0 <= SignedDuration::ZERO) {
        cx.out
            .error("out-of-range", zero.span, "a window of no length never opens")
            .help("give it a duration such as `1h`");
        return None;
    }
    let moments = moments(written, zone, cx);
    if let (Some(from), Some(until), Some((opens, closes))) = (&written.from, &written.until, moments)
        && closes <= opens
    {
        cx.out
            .error("window-never-opens", until.span, "the window closes before it opens")
            .help("write the earlier time into `from`")
            .see(from.span, "it opens here");
        return None;
    }
    if let (Some(start), Some(end)) = (&written.start, &written.end)
        && start.value.0 == end.value.0
    {
        cx.out
            .error("window-never-opens", end.span, "the window closes at the moment it opens")
            .help("give it a later `end`, or a `duration`");
        return None;
    }
    if !complete {
        return None;
    }
    match (&written.start, &written.duration, &written.end, moments) {
        (Some(start), Some(duration), _, _) => Some(Recurrence::For(start.value.0.clone(), duration.value.0)),
        (Some(start), _, Some(end), _) => Some(Recurrence::Until(start.value.0.clone(), end.value.0.clone())),
        (_, _, _, Some((from, until))) => Some(Recurrence::Once(from, until)),
        _ => None,
    }
}

/// When a window that opens once opens and closes. None without both, or after saying which cannot be counted.
fn moments(written: &wire::Window, zone: &Name, cx: &mut Context<'_>) -> Option<(Timestamp, Timestamp)> {
    let zone = crate::schedule::zone(zone)?;
    let (from, until) = (written.from.as_ref()?, written.until.as_ref()?);
    let (opens, closes) =
        (cx.counted(from.value.opens(&zone), from.span), cx.counted(until.value.closes(&zone), until.span));
    opens.zip(closes)
}

fn kind(written: &Located<wire::Window>, headroom: Option<Headroom>, cx: &mut Context<'_>) -> Option<WindowKind> {
    if written.has("kind") && written.kind.is_none() {
        return None;
    }
    let kind = written.kind.as_ref().map_or(WindowKindName::Capacity, |kind| kind.value.0);
    let asks = ["min", "max", "replicas", "headroom"];
    if kind != WindowKindName::Capacity {
        let spans = [
            ("min", written.min.as_ref().map(|value| value.span)),
            ("max", written.max.as_ref().map(|value| value.span)),
            ("replicas", written.replicas.as_ref().map(|value| value.span)),
            ("headroom", written.headroom.as_ref().map(|value| value.span)),
            ("lead", written.lead.as_ref().map(|value| value.span)),
        ];
        for (field, span) in spans {
            if let Some(span) = span {
                cx.out_of_place(span, field, "windows of kind `capacity`");
            }
        }
    }
    if let (Some(overrun), true) = (&written.overrun, kind != WindowKindName::Freeze) {
        cx.out_of_place(overrun.span, "overrun", "windows of kind `freeze`");
    }
    if let (Some(ignores), true) = (&written.ignores, kind != WindowKindName::Relaxed) {
        cx.out_of_place(ignores.span, "ignores", "windows of kind `relaxed`");
    }
    match kind {
        WindowKindName::Capacity => {
            if !asks.iter().any(|field| written.has(field)) {
                let span = written.name.as_ref().map_or(written.span, |name| name.span);
                cx.out
                    .error("window-asks-nothing", span, "the window asks for nothing")
                    .help("give it `min`, `max`, `replicas` or `headroom`, or the kind `freeze`");
                return None;
            }
            Some(WindowKind::Capacity(Ask {
                min: written.min.as_ref().map(|min| min.value),
                max: written.max.as_ref().map(|max| max.value),
                replicas: written.replicas.as_ref().map(|replicas| replicas.value),
                headroom,
            }))
        }
        WindowKindName::Freeze => {
            Some(WindowKind::Freeze(written.overrun.as_ref().map_or(Overrun::Finish, |overrun| overrun.value.0)))
        }
        WindowKindName::Relaxed => {
            let keys: Vec<Name> = written.ignores.iter().flat_map(|list| &list.value).map(|key| key.name()).collect();
            if !written.has("ignores") || written.ignores.as_ref().is_some_and(|list| list.is_empty()) {
                let span = written.kind.as_ref().map_or(written.span, |kind| kind.span);
                cx.out.error("missing-field", span, "a window of kind `relaxed` needs `ignores`").help(
                    "name the annotations that it ignores: `ignores: [cluster-autoscaler.kubernetes.io/safe-to-evict]`",
                );
                return None;
            }
            Some(WindowKind::Relaxed(keys))
        }
    }
}

/// The exception that `written` is. `windows` are the names that it may skip.
pub(crate) fn exception(
    written: &Located<wire::Exception>,
    home: Home<'_>,
    windows: &BTreeSet<&str>,
    cx: &mut Context<'_>,
) -> Option<Exception> {
    numbers(&Numbers { min: &written.min, max: &written.max, replicas: &written.replicas }, cx);
    let headroom = written.headroom.as_ref().map(|asked| headroom(asked, cx));
    let known: Vec<&str> = windows.iter().copied().collect();
    let mut skip: Vec<Name> = Vec::new();
    for name in written.skip.iter().flat_map(|list| &list.value.0) {
        if cx.known("window", name, &known) {
            skip.push(name.name());
        }
    }
    if let Some(empty) = written.skip.as_ref().filter(|list| list.value.0.is_empty()) {
        cx.out
            .error("empty-list", empty.span, "`skip` names no window")
            .help("name windows, or remove `skip`: without it and without numbers, no window opens on these days");
    }
    let dates = written.dates.as_ref()?;
    if dates.value.0.is_empty() {
        cx.out.error("empty-list", dates.span, "the exception has no dates").help("write them like `2026-12-24`");
    }
    let mut days: Vec<_> = dates.value.0.iter().map(|day| day.value.0).collect();
    days.sort_unstable();
    let name = written.name.as_ref()?;
    cx.windows.insert(cx.origin(name.span), name.span);
    Some(Exception {
        name: name.name(),
        schedule: home.schedule.cloned(),
        days,
        skip,
        ask: Ask {
            min: written.min.as_ref().map(|min| min.value),
            max: written.max.as_ref().map(|max| max.value),
            replicas: written.replicas.as_ref().map(|replicas| replicas.value),
            headroom,
        },
        zone: home.zone.clone(),
        origin: cx.origin(name.span),
    })
}

//! Pools and schedules.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::context::Context;
use super::creation::{nothing_to_delete, template};
use super::limits::some_time;
use super::members::{keep, members, number_of_names};
use super::repair::repair;
use super::windows::{Home, Numbers, exception, headroom, numbers, window};
use crate::model::{IntOrPercent, Name, OTHER_OWNERS, OtherOwner};
use crate::policy::load::Catalogs;
use crate::policy::located::Located;
use crate::policy::nearest::nearest;
use crate::policy::wire::{self, Text};
use crate::policy::{Exception, Idle, Origin, Pool, Provider, Window, WindowKind};

/// Seconds: 30 days. A kubelet's certificate is good for a year, and it asks for the next one when a tenth to three tenths
/// of that are left: what sleeps for longer may miss it.
const MAX_PARKED: i64 = 30 * 86_400;

/// A schedule whose windows are checked.
pub(crate) struct Schedule {
    pub windows: Vec<Window>,
    pub exceptions: Vec<Exception>,
    pub used: bool,
}

/// Names of windows, as exceptions may use them.
fn window_names(windows: &Option<Located<Vec<Located<wire::Window>>>>) -> impl Iterator<Item = &Located<Text>> {
    windows.iter().flat_map(|list| &list.value).filter_map(|window| window.name.as_ref())
}

/// Windows in their order.
fn windows(list: &Option<Located<Vec<Located<wire::Window>>>>, home: Home<'_>, cx: &mut Context<'_>) -> Vec<Window> {
    let windows = list.iter().flat_map(|list| &list.value).enumerate();
    windows.filter_map(|(index, written)| window(written, index, home, cx)).collect()
}

/// All schedules by name.
pub(crate) fn schedules(
    written: &[Located<wire::Schedule>],
    zone: &Name,
    cx: &mut Context<'_>,
) -> BTreeMap<Name, Schedule> {
    cx.unique("schedule", written.iter().filter_map(|schedule| schedule.name.as_ref()));
    let mut all = BTreeMap::new();
    for schedule in written {
        let name = schedule.name.as_ref().map(|name| name.name());
        let home = Home { schedule: name.as_ref(), zone };
        cx.unique("window", window_names(&schedule.windows));
        let found = windows(&schedule.windows, home, cx);
        let names: BTreeSet<&str> = window_names(&schedule.windows).map(|name| name.as_str()).collect();
        let list = schedule.exceptions.iter().flat_map(|list| &list.value);
        cx.unique("exception", list.clone().filter_map(|exception| exception.name.as_ref()));
        let exceptions = list.filter_map(|written| exception(written, home, &names, cx)).collect();
        if !schedule.has("windows") && !schedule.has("exceptions") {
            cx.out
                .error("empty-schedule", schedule.span, "the schedule has neither windows nor exceptions")
                .help("add `windows`, or remove it");
        }
        if let Some(name) = name {
            all.entry(name).or_insert(Schedule { windows: found, exceptions, used: false });
        }
    }
    all
}

/// What pools refer to.
pub(crate) struct Known<'a> {
    pub schedules: &'a mut BTreeMap<Name, Schedule>,
    pub providers: &'a [&'a str],
    pub kinds: &'a BTreeMap<Name, Provider>,
    pub catalogs: &'a Catalogs,
    pub zone: &'a Name,
}

/// The pool that `written` is. None after saying what is wrong with it.
pub(crate) fn pool(written: &Located<wire::Pool>, known: &mut Known<'_>, cx: &mut Context<'_>) -> Option<Pool> {
    numbers(&Numbers { min: &written.min, max: &written.max, replicas: &written.replicas }, cx);
    let members = written.nodes.as_ref().and_then(|nodes| members(nodes, cx));
    let keep = keep(written, cx);
    let provider = provider(written, known, cx);
    let kept_free = written.headroom.as_ref().map(|asked| headroom(asked, cx));
    let (windows, exceptions) = calendar(written, known, cx);
    enough_names(written, &windows, cx);
    positive(written, cx);

    let idle = written.idle.as_ref().map_or(Idle::Shelve, |idle| idle.value.0);
    let create = written.create.as_ref().and_then(|create| {
        let kind = provider.as_ref().and_then(|name| known.kinds.get(name));
        template(create, written, (provider.as_ref(), kind), known.catalogs, cx)
    });
    nothing_to_delete(written, cx);
    other_owners(written, cx);
    let name = written.name.as_ref()?;
    Some(Pool {
        name: name.name(),
        provider,
        flavor: written.flavor.as_ref().map(|flavor| flavor.name()),
        members: members?,
        keep,
        min: written.min.as_ref().map_or(0, |min| min.value),
        max: written.max.as_ref().map(|max| max.value),
        replicas: written.replicas.as_ref().map(|replicas| replicas.value),
        idle,
        parallelism: written.parallelism.as_ref().map_or(10, |parallelism| parallelism.value),
        max_unavailable: written.max_unavailable.as_ref().map(|most| most.value.0),
        min_parked: written.min_parked.as_ref().map(|least| least.value.0),
        max_parked: some_time(&written.max_parked, MAX_PARKED, cx),
        cooldown: written.cooldown.as_ref().map_or(SignedDuration::ZERO, |length| length.value.0),
        unneeded_for: written.unneeded_for.as_ref().map_or(unneeded_for(idle), |wait| wait.value.0),
        wind_down: written.wind_down.as_ref().map_or(SignedDuration::ZERO, |length| length.value.0),
        repair: repair(written, idle, cx),
        weight: written.weight.as_ref().map_or(0, |weight| weight.value),
        node_storage_allowed: written.node_storage.as_ref().is_some_and(|rule| rule.value.0 == wire::MayGo::Allowed),
        front_doors_allowed: written.front_doors.as_ref().is_some_and(|rule| rule.value.0 == wire::MayGo::Allowed),
        adopt: written.adopt.as_ref().is_some_and(|adopt| adopt.value),
        deletes_parked_nodes: (written.parked_node.as_ref())
            .is_some_and(|what| what.value.0 == wire::ParkedNode::Delete),
        shared_with: written.shared_with.iter().flat_map(|list| &list.value.0).map(|owner| owner.name()).collect(),
        headroom: kept_free,
        create,
        windows,
        exceptions,
        origin: cx.origin(name.span),
        origins: origins(written, cx),
    })
}

fn provider(written: &wire::Pool, known: &Known<'_>, cx: &mut Context<'_>) -> Option<Name> {
    match (&written.provider, known.providers) {
        (Some(name), providers) => cx.known("provider", name, providers).then(|| name.name()),
        (None, []) => None,
        (None, [only]) => Some((*only).into()),
        (None, several) => {
            if !written.has("provider")
                && let Some(name) = &written.name
            {
                let all: BTreeSet<String> = several.iter().map(|name| format!("`{name}`")).collect();
                let all: Vec<String> = all.into_iter().collect();
                cx.out
                    .error("missing-field", name.span, "the pool does not say which provider it belongs to")
                    .help(format!("add `provider`: one of {}", all.join(", ")));
            }
            None
        }
    }
}

fn calendar(written: &wire::Pool, known: &mut Known<'_>, cx: &mut Context<'_>) -> (Vec<Window>, Vec<Exception>) {
    let home = Home { schedule: None, zone: known.zone };
    cx.unique("window", window_names(&written.windows));
    let mut all_windows = windows(&written.windows, home, cx);
    let mut all_exceptions = Vec::new();
    let names: Vec<Name> = known.schedules.keys().cloned().collect();
    let known_names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let mut named = BTreeSet::new();
    for name in written.schedules.iter().flat_map(|list| &list.value.0) {
        if !named.insert(name.as_str()) {
            cx.out
                .warning("said-twice", name.span, format!("schedule `{}` is named twice", name.as_str()))
                .help("remove one");
            continue;
        }
        if cx.known("schedule", name, &known_names)
            && let Some(schedule) = known.schedules.get_mut(name.as_str())
        {
            schedule.used = true;
            all_windows.extend(schedule.windows.iter().cloned());
            all_exceptions.extend(schedule.exceptions.iter().cloned());
        }
    }
    // As `schedule/window` too, for two schedules may each have a window of that name.
    let qualified = |window: &Window| window.schedule.as_ref().map(|schedule| format!("{schedule}/{}", window.name));
    let mut skippable: BTreeSet<String> = all_windows.iter().filter_map(qualified).collect();
    skippable.extend(all_windows.iter().map(|window| window.name.to_string()));
    skippable.extend(window_names(&written.windows).map(|name| name.as_str().to_owned()));
    let skippable: BTreeSet<&str> = skippable.iter().map(String::as_str).collect();
    for written in written.exceptions.iter().flat_map(|list| &list.value) {
        all_exceptions.extend(exception(written, home, &skippable, cx));
    }
    (all_windows, all_exceptions)
}

/// Names are all the nodes that a pool can have.
fn enough_names(written: &wire::Pool, windows: &[Window], cx: &mut Context<'_>) {
    let Some(number) = number_of_names(written) else { return };
    let own = written.windows.iter().flat_map(|list| &list.value);
    let asks = std::iter::once((&written.min, &written.replicas))
        .chain(own.map(|window| (&window.min, &window.replicas)))
        .flat_map(|(min, replicas)| [("min", min), ("replicas", replicas)]);
    for (field, asked) in asks {
        let Some(asked) = asked else { continue };
        if usize::try_from(asked.value).is_ok_and(|asked| asked > number) {
            cx.out
                .error(
                    "more-than-names",
                    asked.span,
                    format!("`{field}` is {}, but the pool's names stand for {number}", asked.value),
                )
                .help("name more nodes, or ask for fewer");
        }
    }
    // A schedule may serve pools of many sizes, so there it is no error.
    for window in windows.iter().filter(|window| window.schedule.is_some()) {
        let WindowKind::Capacity(ask) = &window.kind else { continue };
        let asked = ask.min.or(ask.replicas).filter(|asked| usize::try_from(*asked).is_ok_and(|asked| asked > number));
        if let (Some(asked), Some(name)) = (asked, &written.name) {
            cx.out
                .warning(
                    "more-than-names",
                    name.span,
                    format!("window `{}` asks for {asked}, but the pool's names stand for {number}", window.name),
                )
                .help(format!("the pool will have {number}; name more nodes, or ask for fewer at {}", window.origin));
        }
    }
}

/// An owner that Tidegate does not know is neither looked for nor told to leave a node alone (H16).
fn other_owners(written: &wire::Pool, cx: &mut Context<'_>) {
    let known: Vec<&str> = OTHER_OWNERS.iter().map(|owner| owner.name).collect();
    for name in written.shared_with.iter().flat_map(|list| &list.value.0) {
        if OtherOwner::called(name.as_str()).is_none() {
            let message = format!("`{}` is not an owner of nodes that Tidegate knows", name.as_str());
            cx.out.warning("unknown-owner", name.span, message).help(
                match nearest(name.as_str(), known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("remove it, or name one of {}", known.join(", ")),
                },
            );
        }
    }
}

fn positive(written: &wire::Pool, cx: &mut Context<'_>) {
    if let Some(zero) = written.parallelism.as_ref().filter(|parallelism| parallelism.value == 0) {
        cx.out
            .error("out-of-range", zero.span, "with a `parallelism` of 0 nothing could ever change")
            .help("write at least 1; to keep nodes as they are, use a window of kind `freeze`");
    }
    if let Some(zero) = written.max_unavailable.as_ref()
        && matches!(zero.value.0, IntOrPercent::Count(0) | IntOrPercent::Percent(0))
    {
        cx.out
            .error("out-of-range", zero.span, "with a `maxUnavailable` of 0 nothing could ever change")
            .help("write at least 1; to keep nodes as they are, use a window of kind `freeze`");
    }
}

fn origins(written: &wire::Pool, cx: &Context<'_>) -> BTreeMap<Name, Origin> {
    let fields = [
        ("provider", written.provider.as_ref().map(|value| value.span)),
        ("flavor", written.flavor.as_ref().map(|value| value.span)),
        ("nodes", written.nodes.as_ref().map(|value| value.span)),
        ("keep", written.keep.as_ref().map(|value| value.span)),
        ("min", written.min.as_ref().map(|value| value.span)),
        ("max", written.max.as_ref().map(|value| value.span)),
        ("replicas", written.replicas.as_ref().map(|value| value.span)),
        ("idle", written.idle.as_ref().map(|value| value.span)),
        ("parallelism", written.parallelism.as_ref().map(|value| value.span)),
        ("maxUnavailable", written.max_unavailable.as_ref().map(|value| value.span)),
        ("minParked", written.min_parked.as_ref().map(|value| value.span)),
        ("maxParked", written.max_parked.as_ref().map(|value| value.span)),
        ("cooldown", written.cooldown.as_ref().map(|value| value.span)),
        ("unneededFor", written.unneeded_for.as_ref().map(|value| value.span)),
        ("windDown", written.wind_down.as_ref().map(|value| value.span)),
        ("repair", written.repair.as_ref().map(|value| value.span)),
        ("weight", written.weight.as_ref().map(|value| value.span)),
        ("nodeStorage", written.node_storage.as_ref().map(|value| value.span)),
        ("frontDoors", written.front_doors.as_ref().map(|value| value.span)),
        ("adopt", written.adopt.as_ref().map(|value| value.span)),
        ("parkedNode", written.parked_node.as_ref().map(|value| value.span)),
        ("sharedWith", written.shared_with.as_ref().map(|value| value.span)),
        ("headroom", written.headroom.as_ref().map(|value| value.span)),
        ("create", written.create.as_ref().map(|value| value.span)),
    ];
    fields.into_iter().filter_map(|(field, span)| Some((field.into(), cx.origin(span?)))).collect()
}

/// How long nothing has to need a node before it goes, unless the policy says so: what is shelved has to find a host again.
fn unneeded_for(idle: Idle) -> SignedDuration {
    SignedDuration::from_mins(if idle == Idle::Shelve { 30 } else { 10 })
}

//! How nodes are drained.

use jiff::SignedDuration;

use super::context::Context;
use super::doubts;
use super::limits::{some_time, whole_percent};
use super::members::labels;
use crate::model::Name;
use crate::policy::located::{Located, Span};
use crate::policy::wire::{self, OneOrMany, Text};
use crate::policy::{Disposable, Drain, DrainAction, DrainRule, NoHome, OnTimeout};

pub(crate) fn names(list: &Option<Located<OneOrMany<Text>>>) -> Vec<Name> {
    list.iter().flat_map(|list| &list.value.0).map(|name| name.name()).collect()
}

/// The drain rules, written or by default.
pub(crate) fn drain(written: &Option<Located<wire::Drain>>, cx: &mut Context<'_>) -> Drain {
    let none = wire::Drain::default();
    let fields = written.as_ref().map_or(&none, |drain| &drain.value);
    Drain {
        pod_timeout: some_time(&fields.pod_timeout, 120, cx),
        ready_timeout: some_time(&fields.ready_timeout, 300, cx),
        budget_timeout: some_time(&fields.budget_timeout, 600, cx),
        longest_grace: some_time(&fields.longest_grace, 600, cx),
        implied: whole_percent(&fields.implied, 50, cx),
        on_timeout: fields.on_timeout.as_ref().map_or(OnTimeout::GiveBack, |on_timeout| on_timeout.value.0),
        traffic_grace: fields.traffic_grace.as_ref().map_or(SignedDuration::from_secs(30), |grace| grace.value.0),
        disposable: fields.disposable.iter().flat_map(|list| &list.value).map(|entry| disposable(entry, cx)).collect(),
        pods: rules(fields, cx),
        when_no_home: when_no_home(fields, cx),
        origin: written.as_ref().map(|drain| cx.origin(drain.span)),
    }
}

fn disposable(written: &Located<wire::Disposable>, cx: &mut Context<'_>) -> Disposable {
    empty_lists(&[("namespaces", &written.namespaces), ("volumes", &written.volumes)], cx);
    if wire::Disposable::FIELDS.iter().all(|field| !written.has(field)) {
        cx.out
            .error("selects-everything", written.span, "this entry gives up every local volume of the cluster")
            .help("name `namespaces`, `labels` or `volumes`");
    }
    Disposable {
        namespaces: names(&written.namespaces),
        labels: written.labels.as_ref().map(|pairs| labels(&pairs.value)),
        volumes: names(&written.volumes),
        origin: cx.origin(written.span),
    }
}

pub(crate) fn empty_lists(lists: &[(&str, &Option<Located<OneOrMany<Text>>>)], cx: &mut Context<'_>) {
    for (field, list) in lists {
        if let Some(empty) = list.as_ref().filter(|list| list.value.0.is_empty()) {
            cx.out.error("empty-list", empty.span, format!("`{field}` is empty")).help("remove it to mean all of them");
        }
    }
}

/// Who may wait Pending for a while (H20).
fn when_no_home(drain: &wire::Drain, cx: &mut Context<'_>) -> Vec<NoHome> {
    let mut entries = Vec::new();
    for written in drain.when_no_home.iter().flat_map(|list| &list.value) {
        let Some(pods) = &written.pods else { continue };
        selects(pods, cx);
        let Some(action) = &written.action else { continue };
        entries.push(NoHome {
            namespaces: names(&pods.namespaces),
            labels: pods.labels.as_ref().map(|pairs| labels(&pairs.value)),
            owner_kinds: names(&pods.owners),
            sleeps: action.value.0 == wire::NoHome::Sleep,
            origin: cx.origin(written.span),
        });
    }
    entries
}

/// Complains of a selector that selects nothing or everything.
fn selects(pods: &Located<wire::DrainMatch>, cx: &mut Context<'_>) {
    empty_lists(&[("namespaces", &pods.namespaces), ("owners", &pods.owners)], cx);
    if wire::DrainMatch::FIELDS.iter().all(|field| !pods.has(field)) {
        cx.out
            .warning("matches-every-pod", pods.span, "this entry matches every pod of the cluster")
            .help("name `namespaces`, `labels` or `owners`, if not all of them are meant");
    }
}

fn rules(drain: &wire::Drain, cx: &mut Context<'_>) -> Vec<DrainRule> {
    let mut rules: Vec<(DrainRule, Span)> = Vec::new();
    for written in drain.pods.iter().flat_map(|list| &list.value) {
        let Some(pods) = &written.pods else { continue };
        selects(pods, cx);
        let Some(action) = &written.action else { continue };
        let action_name = action.value.0;
        if action_name == DrainAction::Wait && !written.has("atMost") {
            doubts::endless_wait(action.span, cx);
        }
        if let Some(at_most) = &written.at_most {
            if !matches!(action_name, DrainAction::Wait | DrainAction::CordonFirst) {
                cx.out_of_place(at_most.span, "atMost", "the actions `wait` and `cordonFirst`");
            } else if at_most.value.0 <= SignedDuration::ZERO {
                cx.out
                    .error("out-of-range", at_most.span, "a wait of 0 is none")
                    .help("write it like `2h`, or use the action `evict` or `block`");
            }
        }
        let rule = DrainRule {
            namespaces: names(&pods.namespaces),
            labels: pods.labels.as_ref().map(|pairs| labels(&pairs.value)),
            owner_kinds: names(&pods.owners),
            action: action_name,
            at_most: written.at_most.as_ref().map(|at_most| at_most.value.0),
            origin: cx.origin(written.span),
        };
        if let Some((_, first)) = rules.iter().find(|(earlier, _)| covers(earlier, &rule)) {
            let help = if first.file == pods.span.file {
                "the first entry that matches decides: move this one before it, or remove it"
            } else {
                "the first entry that matches decides, of several files in the order of their names: rename one, or \
                 remove this entry"
            };
            cx.out
                .warning("never-reached", pods.span, "every pod that this entry matches is matched by an earlier one")
                .help(help)
                .see(*first, "the earlier entry");
        }
        rules.push((rule, pods.span));
    }
    rules.into_iter().map(|(rule, _)| rule).collect()
}

/// Whether every pod that `later` matches is matched by `earlier`.
fn covers(earlier: &DrainRule, later: &DrainRule) -> bool {
    let within =
        |all: &[Name], some: &[Name]| all.is_empty() || !some.is_empty() && some.iter().all(|x| all.contains(x));
    let labels = match (&earlier.labels, &later.labels) {
        (None, _) => true,
        (Some(all), Some(some)) => all.requirements.is_subset(&some.requirements),
        (Some(all), None) => all.requirements.is_empty(),
    };
    within(&earlier.namespaces, &later.namespaces) && within(&earlier.owner_kinds, &later.owner_kinds) && labels
}

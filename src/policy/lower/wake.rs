//! When woken nodes may be uncordoned.

use super::context::Context;
use super::drain::{empty_lists, names};
use super::limits::some_time;
use super::members::labels;
use crate::policy::located::Located;
use crate::policy::wire;
use crate::policy::{Wake, WakeRequirement};

/// The rules for waking, written or by default.
pub(crate) fn wake(written: &Option<Located<wire::Wake>>, cx: &mut Context<'_>) -> Wake {
    let none = wire::Wake::default();
    let fields = written.as_ref().map_or(&none, |wake| &wake.value);
    Wake {
        join_timeout: some_time(&fields.join_timeout, 900, cx),
        require: fields.require.iter().flat_map(|list| &list.value).map(|entry| requirement(entry, cx)).collect(),
        origin: written.as_ref().map(|wake| cx.origin(wake.span)),
    }
}

fn requirement(written: &Located<wire::WakeRequirement>, cx: &mut Context<'_>) -> WakeRequirement {
    empty_lists(&[("namespaces", &written.namespaces)], cx);
    if wire::WakeRequirement::FIELDS.iter().all(|field| !written.has(field)) {
        cx.out
            .error("selects-everything", written.span, "with this entry one broken DaemonSet holds every node")
            .help("name `namespaces` or `labels`");
    }
    WakeRequirement {
        namespaces: names(&written.namespaces),
        labels: written.labels.as_ref().map(|pairs| labels(&pairs.value)),
        origin: cx.origin(written.span),
    }
}

//! Hooks, each with one thing to call.

use super::context::Context;
use super::drain::names;
use super::limits::some_time;
use crate::policy::located::Located;
use crate::policy::wire;
use crate::policy::{Hook, HookCall, OnFailure};

/// All hooks, in the order in which they are called.
pub(crate) fn hooks(written: &[Located<wire::Hook>], cx: &mut Context<'_>) -> Vec<Hook> {
    cx.unique("hook", written.iter().filter_map(|hook| hook.name.as_ref()));
    written.iter().filter_map(|hook| one(hook, cx)).collect()
}

fn one(written: &Located<wire::Hook>, cx: &mut Context<'_>) -> Option<Hook> {
    let deadline = some_time(&written.deadline, 30, cx);
    if written.has("command") == written.has("webhook") {
        let what = if written.has("command") { "calls two things" } else { "calls nothing" };
        cx.out
            .error("one-call", written.span, format!("the hook {what}"))
            .help("give it either `command: [PROGRAM, ARGUMENT]` or `webhook: https://…`");
        return None;
    }
    let call = match (&written.command, &written.webhook) {
        (Some(command), _) => {
            let words = names(&written.command);
            if words.is_empty() {
                cx.out
                    .error("empty", command.span, "the command names no program")
                    .help("write `command: [/usr/local/bin/tell, --node]`");
                return None;
            }
            HookCall::Command(words)
        }
        (None, Some(url)) => {
            if !["https://", "http://"]
                .iter()
                .any(|scheme| url.as_str().strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
            {
                cx.out.error("bad-url", url.span, "this is not a URL").help("write `webhook: https://HOST/PATH`");
                return None;
            }
            HookCall::Webhook(url.name())
        }
        (None, None) => return None,
    };
    Some(Hook {
        name: written.name.as_ref()?.name(),
        when: written.when.as_ref()?.value.0,
        call,
        deadline,
        on_failure: written.on_failure.as_ref().map_or(OnFailure::default(), |choice| choice.value.0),
        origin: cx.origin(written.span),
    })
}

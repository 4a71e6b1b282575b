//! Pending pods: which nodes come for them, or what keeps them waiting; those with the same answer together.

use std::collections::BTreeSet;

use super::kept_text::named;
use super::layout::local_times;
use crate::plan::{Outlook, Plan, Waiting};

/// Groups that are listed; JSON has all.
const GROUPS: usize = 30;
/// Pods of a group that are named.
const PODS: usize = 3;

/// A line for each group of pending pods.
pub fn waiting_lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.waiting.iter().take(GROUPS).map(|waiting| line(waiting, plan)).collect();
    let rest: usize = plan.waiting.iter().skip(GROUPS).map(|waiting| waiting.pods.len()).sum();
    if rest > 0 {
        lines.push(format!("and {rest} more: `--format json` has them all"));
    }
    lines
}

/// `Deployment shop/cart, 2 pods (shop/cart-1, shop/cart-2): come to worker-3`.
fn line(waiting: &Waiting, plan: &Plan) -> String {
    let mut nodes: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for node in waiting.pods.iter().filter_map(|pod| pod.node.as_deref()) {
        if seen.insert(node) {
            nodes.push(node);
        }
    }
    let why = local_times(&waiting.reason.text, &plan.time_zone);
    let origin = waiting.reason.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
    let what = match waiting.outlook {
        Outlook::Comes => {
            format!("room on {}, which {}", named(&nodes), if nodes.len() == 1 { "comes" } else { "come" })
        }
        Outlook::Room => format!("{why} ({})", named(&nodes)),
        Outlook::Waits => format!("WAITS: {why}{origin}"),
        Outlook::Ignored => format!("nothing is brought: {why}"),
    };
    format!("{}: {what}", who(waiting))
}

fn who(waiting: &Waiting) -> String {
    match waiting.pods.as_slice() {
        [one] if one.pod == waiting.workload => one.pod.clone(),
        [one] => format!("{} of {}", one.pod, waiting.workload),
        many => {
            let first: Vec<&str> = many.iter().take(PODS).map(|pod| pod.pod.as_str()).collect();
            let rest = many.len().saturating_sub(PODS);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{} pods of {} ({}{rest})", many.len(), waiting.workload, first.join(", "))
        }
    }
}

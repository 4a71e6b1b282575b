//! How a pod stands, in one word and in one sentence.

use super::document::PodVerdict;
use crate::model::{Phase, Pod};
use crate::plan::NodeAnswer;

/// What was found out about a pod.
pub struct Found<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// What every node says.
    pub nodes: &'a [NodeAnswer],
    /// How many could take it, without its own.
    pub others: usize,
    /// What its own node says.
    pub own: Option<&'a NodeAnswer>,
    /// The nodes that could take it without its gates.
    pub later: &'a [String],
    /// The nodes that could take it if pods of lower priority went.
    pub pushed: &'a [String],
    /// Pods have still to go from the node that the scheduler promised it.
    pub promised: bool,
    /// The nodes of which the scheduler says that they could take it and we do not: nothing would start there.
    pub asleep: &'a [String],
}

/// The verdict, and why in words that follow the pod's name.
pub fn judge(found: &Found<'_>) -> (PodVerdict, String) {
    let pod = found.pod;
    if pod.finished() {
        let end = if pod.phase == Phase::Failed { "failed" } else { "succeeded" };
        return (PodVerdict::Finished, format!("has {end}: it uses nothing and needs no node"));
    }
    if pod.terminating() {
        let on = pod.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
        let by = pod.deletion.map(|by| format!(", at the latest {by}")).unwrap_or_default();
        let text = format!("is being deleted{on}{by}; {} a pod like it", could(found.others, "take"));
        return (PodVerdict::Terminating, text);
    }
    match pod.node.as_deref() {
        Some(node) => bound(found, node),
        None if pod.mirror() => {
            (PodVerdict::Tied, "is a static pod without a node, in which the scheduler has no say".to_owned())
        }
        None => pending(found),
    }
}

fn bound(found: &Found<'_>, node: &str) -> (PodVerdict, String) {
    let pod = found.pod;
    let is = match pod.phase {
        Phase::Running if pod.ready => format!("runs on {node}"),
        Phase::Running => format!("runs on {node} and is not Ready"),
        Phase::Unknown => format!("is on {node}, whose kubelet does not answer"),
        _ => format!("is starting on {node}"),
    };
    if pod.mirror() {
        return (PodVerdict::Tied, format!("{is}: a static pod of that node, in which the scheduler has no say"));
    }
    let own = match found.own {
        None => "; that node is not in the snapshot".to_owned(),
        Some(own) if own.fits => String::new(),
        Some(own) if own.unknown => {
            format!("; whether that node could take it again is not known: {}", own.reasons.join(", "))
        }
        Some(own) => format!("; that node would not take it again: {}", own.reasons.join(", ")),
    };
    if pod.daemon() {
        return (PodVerdict::Tied, format!("{is}: a DaemonSet's pod, which belongs to that node{own}"));
    }
    match found.others {
        0 if unknown(found) => {
            (PodVerdict::Unknown, format!("{is}; whether another node could take it is not known{own}"))
        }
        0 => (PodVerdict::FitsNowhereElse, format!("{is}; no other node can take it{own}")),
        others => (PodVerdict::FitsElsewhere, format!("{is}; {} it{own}", could_other(others))),
    }
}

fn pending(found: &Found<'_>) -> (PodVerdict, String) {
    let (pod, fits) = (found.pod, found.others);
    let foreign = pod.spec.scheduler.as_deref().map(|name| format!("the scheduler `{name}`"));
    let scheduler = foreign.as_deref().unwrap_or("the scheduler");
    if !pod.spec.gates.is_empty() {
        let gates: Vec<String> = pod.spec.gates.iter().map(|gate| format!("`{gate}`")).collect();
        let then = match found.later.len() {
            0 => "even then no node could take it".to_owned(),
            nodes => format!("then {} it", could(nodes, "take")),
        };
        let gates = gates.join(", ");
        return (
            PodVerdict::Gated,
            format!("is pending: whoever set its scheduling gates ({gates}) has to remove them; {then}"),
        );
    }
    if let Some(node) = &pod.nominated_node {
        let now = found.nodes.iter().any(|one| one.fits && *one.node == **node);
        match (now, fits) {
            (true, _) => {
                let text =
                    format!("is pending: {scheduler} promised it {node}, which has room for it now and is asked first");
                return (PodVerdict::Fits, text);
            }
            (false, 0) if found.promised => {
                let text = format!("is pending: {scheduler} promised it {node}, where pods have to go first");
                return (PodVerdict::Promised, text);
            }
            (false, 0) => {}
            (false, fits) => {
                let text = format!(
                    "is pending though {} it: {node}, which {scheduler} promised it, cannot any more, and the others are \
                     looked at again",
                    could(fits, "take")
                );
                return (PodVerdict::Fits, text);
            }
        }
    }
    if fits > 0 {
        let why = match (&foreign, pod.marked_unschedulable) {
            (_, true) => format!(
                "{scheduler} found none when it last looked: the cluster has changed since, or shows less than {scheduler} sees"
            ),
            (Some(foreign), false) => format!("{foreign} has not placed it: see whether it runs"),
            (None, false) => "the snapshot has no word of the scheduler about it".to_owned(),
        };
        return (PodVerdict::Fits, format!("is pending though {} it: {why}", could(fits, "take")));
    }
    if !found.pushed.is_empty() {
        let text = format!(
            "is pending: no node has room for it, and {} it after pushing out pods of lower priority",
            could(found.pushed.len(), "take")
        );
        return (PodVerdict::Preempts, text);
    }
    if unknown(found) {
        let whole = found.nodes.iter().all(|node| node.unknown);
        let which =
            if whole { "whether a node can take it" } else { "whether any of the nodes that may could take it" };
        return (PodVerdict::Unknown, format!("is pending: {which} is not known"));
    }
    let why = match found.asleep {
        _ if found.nodes.is_empty() => "there is no node in the snapshot".to_owned(),
        [] => "no node can take it".to_owned(),
        [node] => {
            format!("no node can take it but {node}, which is not Ready: the scheduler may bind it there all the same")
        }
        [node, rest @ ..] => format!(
            "no node can take it but {node} and {} more that are not Ready: the scheduler may bind it there all the same",
            rest.len()
        ),
    };
    (PodVerdict::Unschedulable, format!("is pending: {why}"))
}

/// Whether what is in the way of some node is only that nobody knows.
fn unknown(found: &Found<'_>) -> bool {
    found.nodes.iter().any(|node| node.unknown && found.pod.node.as_deref() != Some(&*node.node))
}

fn could(nodes: usize, what: &str) -> String {
    match nodes {
        0 => format!("no node can {what}"),
        1 => format!("1 node could {what}"),
        many => format!("{many} nodes could {what}"),
    }
}

fn could_other(nodes: usize) -> String {
    if nodes == 1 { "1 other node could take".to_owned() } else { format!("{nodes} other nodes could take") }
}

//! Names a group of reasons by its cause: the workloads rather than their pods, the first few of many.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::allowance::Allowance;
use super::cause::{Ground, begun, named, refusals};
use super::group::{Found, subject};
use super::volumes;
use crate::plan::{Code, Reason};

/// Names that are written out; the others are counted.
const NAMED: usize = 3;

/// `a`, `a and b`, `a, b, c and 4 more`.
fn few<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<T> = all.into_iter().collect();
    let first: Vec<&str> = all.iter().take(NAMED).map(AsRef::as_ref).collect();
    match (first.split_last(), all.len().saturating_sub(NAMED)) {
        (None, _) => String::new(),
        (Some((only, [])), _) => (*only).to_owned(),
        (Some((last, before)), 0) => format!("{} and {last}", before.join(", ")),
        (_, more) => format!("{} and {more} more", first.join(", ")),
    }
}

/// The group in words, one sentence without a full stop.
pub fn words(code: Code, found: &Found<'_>, ground: &Ground<'_>) -> String {
    let reasons: Vec<&Reason> = found.reasons.values().copied().collect();
    let Some(first) = reasons.first() else { return String::new() };
    let subjects = few(&found.subjects);
    let several = found.subjects.len() > 1;
    let key = first.evidence.key.as_deref().unwrap_or("?");
    let evidence = |of: &dyn Fn(&Reason) -> Option<String>| -> BTreeSet<String> {
        reasons.iter().filter_map(|reason| of(reason)).collect()
    };
    if found.subjects.is_empty() && found.reasons.len() == 1 && code != Code::Budget {
        return begun(&first.text).to_owned();
    }
    match code {
        Code::LocalStorage => {
            let names: Vec<String> = volumes::of_all(found, ground).into_iter().collect();
            let s = if names.len() == 1 { "" } else { "s" };
            format!("local storage (volume{s} {}) of {subjects}", names.join(", "))
        }
        Code::NoController => subjects,
        Code::ControllerNotFound if reasons.len() == 1 => first.text.clone(),
        Code::ControllerNotFound => format!("{subjects} are not there: nothing would recreate their pods"),
        Code::SystemPod => format!("young kube-system pod{} of {subjects}", if several { "s" } else { "" }),
        Code::DoNotDisrupt => format!("mark {key} on {subjects}"),
        Code::NoOtherHome => {
            let bare = found.pods.iter().any(|pod| pod.owner.is_none());
            if bare && reasons.len() == 1 {
                return first.text.clone();
            }
            let verb = if several || bare { "have" } else { "has" };
            let why: Vec<&str> = first.text.split_once("no other home: ").into_iter().map(|(_, why)| why).collect();
            let why = match reasons.len() {
                1 => why.concat(),
                _ => refusals(&first.text).into_iter().collect::<Vec<_>>().join(", "),
            };
            format!("{subjects} {verb} no other home: {why}")
        }
        Code::WebhookLockout => {
            format!("{subjects}: the last backend of webhook {key}, without which no pod is made in its namespace")
        }
        Code::PolicyBlock => format!("the policy says block for {subjects}"),
        Code::LongGrace => {
            let grace = found.pods.iter().map(|pod| pod.spec.grace_seconds).max().unwrap_or_default();
            let grace = SignedDuration::from_secs(grace);
            format!("{subjects}: a grace period of {grace:#}, longer than drain.longestGrace")
        }
        Code::SpreadDomainStays => {
            let s = if several { "" } else { "s" };
            format!("{subjects} spread{s} hard over {key} and would count parked nodes as domains without pods")
        }
        Code::Budget => {
            let budgets = evidence(&|reason| reason.evidence.budget.clone());
            match Allowance::of(first, ground.world) {
                Allowance::Several => format!("{subjects}: each pod is in several budgets ({})", few(&budgets)),
                _ if budgets.len() == 1 => format!("budget {} allows no disruption now", few(&budgets)),
                _ => format!("budgets {} allow no disruption now", few(&budgets)),
            }
        }
        Code::HoldsStorage => {
            let volumes = evidence(&|reason| reason.evidence.volume.clone());
            match volumes.len() {
                0 => named(&first.text).to_owned(),
                1 => first.text.clone(),
                _ => format!("local volumes {} live here", few(&volumes)),
            }
        }
        Code::FrontDoor => {
            let doors: BTreeSet<String> = reasons.iter().map(|reason| door(reason, ground)).collect();
            doors.into_iter().collect::<Vec<_>>().join("; ")
        }
        Code::ServerUnknown => {
            let ids = reasons.iter().filter_map(|reason| reason.text.split_once("providerID is ")).map(|(_, id)| id);
            format!("no server is known behind them (providerID {})", few(ids.map(|id| id.trim_end_matches(')'))))
        }
        Code::PodUnreadable => {
            format!("{} could not be read", few(evidence(&|reason| reason.evidence.pod.clone())))
        }
        _ => begun(&first.text).to_owned(),
    }
}

/// By what a node takes traffic: the workload rather than its pod.
fn door(reason: &Reason, ground: &Ground<'_>) -> String {
    match (ground.pod(reason), reason.evidence.pod.as_deref()) {
        (Some(pod), Some(name)) => reason.text.replacen(name, &subject(pod, ground.world), 1),
        _ => reason.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::few;

    #[test]
    fn the_first_few_of_many_are_named() {
        let all = ["a", "b", "c", "d", "e"];
        let said: Vec<String> = (0..=5).map(|count| few(&all[..count])).collect();
        assert_eq!(said, ["", "a", "a and b", "a, b and c", "a, b, c and 1 more", "a, b, c and 2 more"]);
    }
}

//! Which reasons have one cause: what one change to the policy or to the cluster would lift together.

use std::collections::BTreeSet;

use super::allowance::Allowance;
use super::volumes;
use crate::model::{Pod, PodKey, World};
use crate::plan::{Code, Reason};
use crate::policy::Drain;

/// A cause: its reasons have the code and what else they share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The reasons' code.
    pub code: Code,
    shared: String,
}

/// What reasons are read against.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The world.
    pub world: &'a World,
    /// The policy's `drain`.
    pub drain: &'a Drain,
}

impl<'a> Ground<'a> {
    /// The pod that a reason names, if it is there.
    pub fn pod(&self, reason: &Reason) -> Option<&'a Pod> {
        let (namespace, name) = reason.evidence.pod.as_deref()?.split_once('/')?;
        self.world.pods.get(&PodKey::new(namespace, name)).map(AsRef::as_ref)
    }

    /// The cause of a reason, which names `pod`.
    pub fn cause(&self, reason: &Reason, pod: Option<&Pod>) -> Cause {
        let key = || reason.evidence.key.clone().unwrap_or_default();
        let shared = match (reason.code, pod) {
            (Code::LocalStorage, Some(pod)) => {
                let data = if volumes::data(pod, self) { "data" } else { "scratch" };
                format!("{} {data}", pod.key.namespace)
            }
            (Code::NoController | Code::ControllerNotFound, Some(pod)) => pod.key.namespace.to_string(),
            (Code::PolicyBlock, Some(_)) => reason.origin.as_ref().map(ToString::to_string).unwrap_or_default(),
            (Code::DoNotDisrupt | Code::SpreadDomainStays | Code::WebhookLockout, Some(_)) => key(),
            (Code::NoOtherHome, Some(_)) => refusals(&reason.text).into_iter().collect::<Vec<_>>().join(", "),
            (Code::Budget, _) => format!("{:?}", Allowance::of(reason, self.world)),
            (Code::HoldsStorage, _) if reason.evidence.volume.is_some() => "local volumes".to_owned(),
            (Code::HoldsStorage, _) => named(&reason.text).to_owned(),
            (Code::SystemPod | Code::LongGrace, Some(_))
            | (Code::FrontDoor | Code::ServerUnknown | Code::PodUnreadable, _) => String::new(),
            (Code::ServerBusy | Code::ServerError | Code::NotReady, _) => begun(&reason.text).to_owned(),
            _ => reason.text.clone(),
        };
        Cause { code: reason.code, shared }
    }
}

/// What the other nodes say to a pod, each once and without how many say it.
pub fn refusals(text: &str) -> BTreeSet<&str> {
    let (_, why) = text.split_once("no other home: ").unwrap_or(("", text));
    why.split(", ").map(|one| one.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start()).collect()
}

/// A reason without what it says of this one node in brackets.
pub fn named(text: &str) -> &str {
    text.split_once(" (").map_or(text, |(what, _)| what)
}

/// A reason without since when it is ours.
pub fn begun(text: &str) -> &str {
    text.split_once("; we began").map_or(text, |(what, _)| what)
}

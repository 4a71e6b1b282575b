//! Failures to inject: what goes wrong, where, and how often, from a YAML or JSON file.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Snapshot;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// It takes `factor` times as long, or `latency`.
    Slow,
    /// Parking or waking fails: the server ends in `ERROR`, or back in `ACTIVE` where `ends: active` says so.
    Error,
    /// The provider's task never ends; a pod never stops.
    Stuck,
    /// A wake is refused by the provider's scheduler: the server stays parked, with a fault.
    NoValidHost,
    /// A wake is refused at once, for want of quota.
    Quota,
    /// The image that a server was shelved into is gone: it ends in `ERROR` when it is woken.
    NoImage,
    /// Somebody has locked the server: what is asked of it is refused.
    Locked,
    /// A shelved server is not offloaded, and asking for that is refused, as most clouds keep it for administrators. With
    /// `times: 1` it is only not offloaded by itself.
    KeepShelved,
    /// A shelved server wakes in another zone, called `elsewhere`.
    OtherZone,
    /// The server runs, the node does not become Ready.
    NodeNeverReady,
    /// The pod runs and is never Ready.
    PodNeverReady,
    /// The pod's container crashes again and again.
    CrashLoop,
    /// The Eviction API answers with an internal error.
    EvictError,
}

/// On which occasion a fault strikes; without one, on every occasion that its kind knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A server is parked.
    Park,
    /// A server is woken.
    Wake,
    /// A server is made.
    Create,
    /// A server is destroyed.
    Delete,
    /// A node becomes Ready after its server runs.
    Join,
    /// A pod starts.
    Start,
    /// A pod becomes Ready.
    Ready,
    /// A pod stops.
    Stop,
    /// An eviction is asked for.
    Evict,
}

/// Where a server ends that could not be parked or woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// In `ERROR`.
    #[default]
    Error,
    /// Back in `ACTIVE` (a failed park only).
    Active,
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// `server/NAME`, `node/NAME`, `pod/NAMESPACE/NAME` or `workload/NAMESPACE/NAME`; `flavor/NAME` for what is made, with
    /// its zone and how it is bought, `flavor/m3.small in nova (spot)`; `*` is any run of characters.
    pub target: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// On which occasion only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Occasion>,
    /// For `slow`: so many times as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<u32>,
    /// For `slow`: exactly so long, such as `90s` or `2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub latency: Option<SignedDuration>,
    /// For `error`: where the server ends.
    #[serde(default)]
    pub ends: Ends,
    /// How often it strikes; without it, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// All failures of a sandbox, in order: the first that fits strikes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The failures.
    pub faults: Vec<Fault>,
}

/// What such a file looks like.
pub const EXAMPLE: &str = "\
faults:
- {target: server/node-3, kind: error, on: park, times: 1}
- {target: 'server/node-*', kind: slow, on: wake, factor: 3}
- {target: pod/web/shop-*, kind: stuck, on: stop}
- {target: node/node-4, kind: node-never-ready}";

impl Faults {
    /// The targets that name nothing in this snapshot. A pod that comes later may still fit them.
    pub fn of_nothing(&self, snapshot: &Snapshot) -> Vec<&str> {
        let servers = snapshot.servers.iter().map(|server| format!("server/{}", server.name));
        let nodes =
            snapshot.nodes.iter().flat_map(|node| [format!("node/{}", node.name), format!("server/{}", node.name)]);
        let pods = snapshot.pods.iter().map(|pod| format!("pod/{}", pod.key));
        let owners = snapshot.pods.iter().filter_map(|pod| Some((&pod.key.namespace, &pod.owner.as_ref()?.name)));
        let owners = owners.map(|(namespace, name)| format!("workload/{namespace}/{name}"));
        let workloads = snapshot.workloads.iter().map(|workload| format!("workload/{}", workload.key));
        let there: Vec<String> = servers.chain(nodes).chain(pods).chain(owners).chain(workloads).collect();
        let targets = self.faults.iter().map(|fault| fault.target.as_str());
        // What may be made is the policy's business.
        let known = targets.filter(|target| !target.starts_with("flavor/"));
        known.filter(|target| !there.iter().any(|name| glob(target, name))).collect()
    }

    /// Reads YAML or JSON: a mapping with the list `faults`.
    ///
    /// # Errors
    /// The text is not such a document, or a target is not one of the five forms; in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if serde_yaml::from_str::<Vec<serde::de::IgnoredAny>>(text).is_ok() {
            return Err(format!("this is a list; write it under `faults:`, as in\n{EXAMPLE}"));
        }
        let faults: Self = serde_yaml::from_str(text).map_err(|error| format!("{error}; such a file is\n{EXAMPLE}"))?;
        for fault in &faults.faults {
            let parts = fault.target.split('/').count();
            let known = match fault.target.split('/').next() {
                Some("server" | "node" | "flavor") => parts == 2,
                Some("pod" | "workload") => parts == 3,
                _ => false,
            };
            if !known {
                return Err(format!(
                    "`{}` is not a target: write `server/NAME`, `node/NAME`, `flavor/NAME`, `pod/NAMESPACE/NAME` or \
                     `workload/NAMESPACE/NAME`",
                    fault.target
                ));
            }
        }
        Ok(faults)
    }
}

impl Fault {
    /// Whether it is about this target (`pod/jhub/hub`) on this occasion.
    pub fn fits(&self, target: &str, occasion: Occasion) -> bool {
        self.on.is_none_or(|on| on == occasion) && self.kind.knows(occasion) && glob(&self.target, target)
    }
}

impl FaultKind {
    fn knows(self, occasion: Occasion) -> bool {
        use Occasion::{Create, Delete, Evict, Join, Park, Ready, Start, Stop, Wake};
        match self {
            Self::Slow => matches!(occasion, Park | Wake | Create | Delete | Join | Start | Ready | Stop),
            Self::Error => matches!(occasion, Park | Wake | Create),
            Self::Stuck => matches!(occasion, Park | Wake | Create | Delete | Stop),
            Self::NoValidHost | Self::Quota => matches!(occasion, Wake | Create),
            Self::OtherZone | Self::NoImage => occasion == Wake,
            Self::Locked => matches!(occasion, Park | Wake | Delete),
            Self::KeepShelved => occasion == Park,
            Self::NodeNeverReady => occasion == Join,
            Self::PodNeverReady | Self::CrashLoop => occasion == Ready,
            Self::EvictError => occasion == Evict,
        }
    }
}

/// Whether `text` fits `pattern`, where `*` is any run of characters. Linear in both, up to the last star.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("server/a", "server/a", true),
            ("server/a", "server/ab", false),
            ("server/*", "server/", true),
            ("server/n-*-x", "server/n-1-x", true),
            ("server/n-*-x", "server/n-x", false),
            ("pod/*/a*b*c", "pod/ns/a1b2c", true),
            ("pod/*/a*b*c", "pod/ns/a1c2b", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn reads_a_file_and_refuses_what_it_does_not_know() {
        let text = "faults:\n- {target: 'server/w-*', kind: slow, on: wake, factor: 3, times: 1}\n- {target: node/w-1, kind: node-never-ready}\n- {target: pod/jhub/*, kind: slow, latency: 2m}\n";
        let faults = Faults::parse(text).unwrap();
        assert_eq!(faults.faults.len(), 3);
        assert_eq!(faults.faults[2].latency, Some(SignedDuration::from_mins(2)));
        assert!(faults.faults[0].fits("server/w-1", Occasion::Wake));
        assert!(!faults.faults[0].fits("server/w-1", Occasion::Park));
        assert!(Faults::parse("faults: [{target: x, kind: slow}]").is_err());
        assert!(Faults::parse("faults: [{target: pod/x, kind: slow}]").is_err());
        assert!(Faults::parse("faults: [{target: node/x, kind: slower}]").is_err());
    }
}

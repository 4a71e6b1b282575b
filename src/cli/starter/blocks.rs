//! The building blocks under `policies/`, and how a part of one is taken out.

use crate::model::{Pod, World};
use crate::policy::{DrainAction, PolicySource, load};

/// What kubespray and its add-ons can lose.
pub const KUBESPRAY: &str = include_str!("../../../policies/kubespray.yaml");
/// JupyterHub's user pods.
pub const JUPYTERHUB: &str = include_str!("../../../policies/jupyterhub.yaml");
/// Times without disruption.
pub const FREEZES: &str = include_str!("../../../policies/freeze-calendar.yaml");
/// Service units of Jetstream2.
pub const JETSTREAM2: &str = include_str!("../../../policies/jetstream2-rates.yaml");

/// The lines below the line `heading` (with its indentation), up to the next line that is not deeper, comments
/// included. Empty if there is no such line.
pub fn below<'a>(block: &'a str, heading: &str) -> Vec<&'a str> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = block.lines().skip_while(|line| *line != heading);
    let Some(first) = lines.next() else { return Vec::new() };
    let deep = depth(first);
    lines.take_while(|line| line.trim().is_empty() || depth(line) > deep).collect()
}

/// A line of the JupyterHub block for a hub in `namespace`.
pub fn of_hub(line: &str, namespace: &str) -> String {
    line.replace("[jhub]", &format!("[{namespace}]"))
}

/// Which entries of the two lists under `drain` are in force in a starter. One that lets pods go is where it matches some;
/// one that protects always is, for its pods may come tomorrow.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// Of `policies/kubespray.yaml`.
    pub disposable: Vec<bool>,
    /// Of `policies/jupyterhub.yaml`.
    pub pods: Vec<bool>,
}

impl InForce {
    /// What the pods of a cluster tell, its hub in `namespace`.
    pub fn of(world: &World, namespace: &str) -> Self {
        let named = "apiVersion: tidegate.dev/v1alpha1\nkind: CapacityPolicy\nmetadata: {name: blocks}\nspec: {}\n";
        let hub = of_hub(JUPYTERHUB, namespace);
        let source = |text: &str| PolicySource { path: "block".into(), text: text.as_bytes().to_vec() };
        let Some(policy) = load(&[source(named), source(KUBESPRAY), source(&hub)]).policy else {
            return Self::default();
        };
        let some = |of: &dyn Fn(&Pod) -> bool| world.pods.values().any(|pod| of(pod));
        let disposable = policy.drain.disposable.iter().map(|entry| some(&|pod| entry.of(pod)));
        let rules = policy.drain.pods.iter();
        let pods = rules.map(|rule| rule.action != DrainAction::Evict || some(&|pod| rule.matches(pod)));
        Self { disposable: disposable.collect(), pods: pods.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_is_drawn_from_is_there() {
        for (block, heading) in [
            (KUBESPRAY, "    disposable:"),
            (JUPYTERHUB, "    pods:"),
            (FREEZES, "  schedules:"),
            (JETSTREAM2, "  rates:"),
        ] {
            let lines = below(block, heading);
            assert!(lines.len() >= 3, "{heading}: {lines:?}");
            assert!(lines.iter().any(|line| line.trim_start().starts_with("- ")), "{heading}: {lines:?}");
        }
        assert!(below(KUBESPRAY, "    pods:").is_empty());
    }
}

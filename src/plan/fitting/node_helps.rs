//! What a change of nodes would do for a pod: woken, uncordoned, Ready again, one more of a kind.

use std::collections::BTreeMap;

use super::desk::Fitting;
use super::document::{Help, HelpKind};
use crate::model::{Node, Pod};
use crate::placement::passes;
use crate::plan::NodeAnswer;
use crate::plan::members::{Member, State, natural};
use crate::plan::next_node::join_next;

/// The name of a node that does not exist.
const NEW: &str = "a-node-that-does-not-exist-yet";
const CORDON: &str = "node.kubernetes.io/unschedulable";

impl Fitting<'_> {
    /// Each node on its own, Ready and uncordoned.
    pub(super) fn node_helps(&mut self, pod: &Pod, others: &[&NodeAnswer], helps: &mut Vec<Help>) {
        let mut groups: BTreeMap<(HelpKind, String), Vec<String>> = BTreeMap::new();
        for answer in others {
            let mark = self.site.mark();
            self.site.open(&answer.node);
            let fits = self.site.fits(pod, &answer.node);
            self.site.roll_back(mark);
            let node = self.world.nodes.get(&*answer.node);
            if let Some(group) = node.filter(|_| fits).map(|node| self.hindrance(node)) {
                groups.entry(group).or_default().push(answer.node.clone());
            }
        }
        for ((kind, of), mut nodes) in groups {
            nodes.sort_by(|one, other| natural(one, other));
            let text = match (kind, nodes.as_slice()) {
                (HelpKind::Wake, [node]) => format!("wake node/{node} of pool {of}"),
                (HelpKind::Wake, _) => format!("wake one of {} parked nodes of pool {of}", nodes.len()),
                (HelpKind::Uncordon, [node]) => format!("uncordon node/{node}"),
                (HelpKind::Uncordon, _) => format!("uncordon one of {} nodes", nodes.len()),
                (_, [node]) => format!("node/{node} becomes Ready and takes pods again"),
                _ => format!("one of {} nodes becomes Ready and takes pods again", nodes.len()),
            };
            helps.push(Help { kind, text, nodes });
        }
    }

    /// Why a node is shut that would take the pod if it were open, and for a parked one its pool.
    fn hindrance(&self, node: &Node) -> (HelpKind, String) {
        if let Some((member, pool)) = self.member(&node.name)
            && matches!(member.state, State::Parked(_))
        {
            return (HelpKind::Wake, pool.to_owned());
        }
        // Taints of ours and of passing conditions count as a reason to be not Ready: an uncordon does not take them away.
        let only_cordon = node.ready()
            && node.unschedulable
            && !node.taints.iter().any(|taint| &*taint.key != CORDON && passes(taint));
        (if only_cordon { HelpKind::Uncordon } else { HelpKind::Ready }, String::new())
    }

    fn member(&self, node: &str) -> Option<(&Member, &str)> {
        let (policy, inventory) = self.pools.as_ref()?;
        let index = *inventory.pool_of.get(node)?;
        let member = inventory.pools.get(index)?.iter().find(|member| *member.name == *node)?;
        Some((member, &policy.pools.get(index)?.name))
    }

    /// One more node for each pool that has none to wake: like its first, with its DaemonSets' pods alone.
    pub(super) fn new_nodes(&self, pod: &Pod, helps: &mut Vec<Help>) {
        let Some((policy, inventory)) = &self.pools else { return };
        for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
            let wakes = |help: &Help| {
                help.kind == HelpKind::Wake
                    && help.nodes.iter().any(|node| members.iter().any(|member| *member.name == **node))
            };
            let Some(like) = members.iter().find_map(|member| member.node.as_deref()) else { continue };
            if helps.iter().any(wakes) {
                continue;
            }
            let mut site = self.site.clone();
            join_next(&mut site, self.world, like, &NEW.into());
            if site.fits(pod, NEW) {
                let text = format!("pool {} gets one more node like {}", pool.name, like.name);
                helps.push(Help { kind: HelpKind::NewNode, text, nodes: Vec::new() });
            }
        }
    }
}

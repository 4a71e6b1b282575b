//! What a change of the pod would do for it: one thing less asked for, one thing more tolerated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::asks::{Measure, asked};
use super::desk::{Fitting, names};
use super::document::{Help, HelpKind};
use crate::model::{Name, Node, Pod, PodSpec, Taint, TaintEffect, Toleration};
use crate::placement::{Unfit, passes, tolerated};
use crate::plan::NodeAnswer;

/// Labels and terms that are tried, each: what somebody hostile writes has no end.
const TRIES: usize = 20;
/// Taints that are tried.
const TAINTS: usize = 100;

impl Fitting<'_> {
    /// Each change on its own. How many were not tried.
    pub(super) fn pod_helps(&self, pod: &Pod, others: &[&NodeAnswer], helps: &mut Vec<Help>) -> usize {
        self.smaller(pod, others, helps);
        let mut untried = self.tolerant(pod, others, helps);
        if !pod.daemon() {
            self.anywhere(pod, helps);
        }
        self.company(pod, helps);
        let affinity = pod.spec.affinity.iter().flat_map(|affinity| [affinity.pod.len(), affinity.anti.len()]);
        let others = affinity.chain([pod.spec.node_selector.len(), pod.spec.spread.len()]);
        untried += others.map(|count| count.saturating_sub(TRIES)).sum::<usize>();
        untried
    }

    /// Adds a help if the changed pod fits anywhere.
    fn attempt(&self, pod: &Pod, kind: HelpKind, text: String, helps: &mut Vec<Help>) -> bool {
        let nodes = names(&self.site, pod);
        let fits = !nodes.is_empty();
        if fits {
            helps.push(Help { kind, text, nodes });
        }
        fits
    }

    /// The least that has to go of each resource; of several at once only where no single one helps.
    fn smaller(&self, pod: &Pod, others: &[&NodeAnswer], helps: &mut Vec<Help>) {
        let mut lacks: Vec<Vec<(Name, i64)>> = Vec::new();
        for answer in others {
            let room = |unfit: &Unfit| matches!(unfit, Unfit::Insufficient(_));
            if self.site.unfit(pod, &answer.node).iter().all(room) {
                lacks.push(self.site.missing(pod, &answer.node));
            }
        }
        lacks.sort_by_key(|lack| (lack.len(), lack.iter().map(|(_, amount)| *amount).fold(0, i64::saturating_add)));
        let fewest = lacks.first().map_or(0, Vec::len);
        let mut tried: BTreeSet<Vec<Name>> = BTreeSet::new();
        for lack in lacks.into_iter().filter(|lack| lack.len() == fewest) {
            // The first is the least of its kind.
            let resources: Vec<Name> = lack.iter().map(|(name, _)| name.clone()).collect();
            if tried.len() >= TRIES || !tried.insert(resources) {
                continue;
            }
            let lack: Vec<(Name, i64)> =
                lack.into_iter().map(|(name, amount)| (name.clone(), speakable(&pod.spec, &name, amount))).collect();
            let smaller = with(pod, |spec| lack.iter().for_each(|(name, amount)| take(spec, name, *amount)));
            let said: Vec<String> = lack.iter().map(|(name, amount)| less(&pod.spec, name, *amount)).collect();
            // To ask for nothing is no advice.
            let nothing = lack.iter().any(|(name, amount)| asked(&pod.spec, name).0 <= *amount);
            if !nothing {
                self.attempt(&smaller, HelpKind::Request, format!("ask for {}", said.join(" and ")), helps);
            }
        }
    }

    /// Each lasting taint that is in the way, first those that are it alone on most nodes. How many were not tried.
    fn tolerant(&self, pod: &Pod, others: &[&NodeAnswer], helps: &mut Vec<Help>) -> usize {
        let nodes = others.iter().filter_map(|answer| self.world.nodes.get(&*answer.node));
        let mut taints: BTreeMap<&Taint, usize> = BTreeMap::new();
        for node in nodes {
            let ways: Vec<&Taint> = in_the_way(pod, node).collect();
            for taint in &ways {
                *taints.entry(taint).or_default() += usize::from(ways.len() == 1);
            }
        }
        let mut taints: Vec<(&Taint, usize)> = taints.into_iter().collect();
        taints.sort_by_key(|(taint, alone)| (std::cmp::Reverse(*alone), *taint));
        for (taint, _) in taints.iter().take(TAINTS) {
            let toleration = Toleration {
                key: Some(taint.key.clone()),
                value: Some(taint.value.clone()),
                effect: Some(taint.effect),
                seconds: None,
            };
            let tolerant = with(pod, |spec| spec.tolerations.extend([toleration]));
            let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
            let text = format!("tolerate the taint {}{value}:{:?}", taint.key, taint.effect);
            self.attempt(&tolerant, HelpKind::Toleration, text, helps);
        }
        taints.len().saturating_sub(TAINTS)
    }

    /// Node selector and required node affinity.
    fn anywhere(&self, pod: &Pod, helps: &mut Vec<Help>) {
        let selector = &pod.spec.node_selector;
        let mut helped = false;
        for (key, value) in selector.iter().take(TRIES) {
            let free = with(pod, |spec| drop(spec.node_selector.remove(key)));
            let text = format!("drop {key}={value} from its node selector");
            helped |= self.attempt(&free, HelpKind::NodeSelector, text, helps);
        }
        if !helped && selector.len() > 1 {
            let free = with(pod, |spec| spec.node_selector.clear());
            self.attempt(&free, HelpKind::NodeSelector, "drop its whole node selector".to_owned(), helps);
        }
        if pod.spec.affinity.as_ref().is_some_and(|affinity| affinity.node.is_some()) {
            let free = with(pod, |spec| spec.affinity.iter_mut().for_each(|affinity| affinity.node = None));
            self.attempt(&free, HelpKind::NodeAffinity, "drop its required node affinity".to_owned(), helps);
        }
    }

    /// What it asks of other pods, what they ask of it, and its ports.
    fn company(&self, pod: &Pod, helps: &mut Vec<Help>) {
        let spec = &pod.spec;
        let affinities = spec.affinity.as_ref().map_or(0, |affinity| affinity.pod.len());
        let antis = spec.affinity.as_ref().map_or(0, |affinity| affinity.anti.len());
        for (at, term) in spec.affinity.iter().flat_map(|affinity| affinity.pod.iter().enumerate()).take(TRIES) {
            let free = with(pod, |spec| spec.affinity.iter_mut().for_each(|affinity| drop(affinity.pod.remove(at))));
            let text = format!("drop its required pod affinity over {}{}", term.topology_key, which(at, affinities));
            self.attempt(&free, HelpKind::PodAffinity, text, helps);
        }
        for (at, term) in spec.affinity.iter().flat_map(|affinity| affinity.anti.iter().enumerate()).take(TRIES) {
            let free = with(pod, |spec| spec.affinity.iter_mut().for_each(|affinity| drop(affinity.anti.remove(at))));
            let text = format!("drop its required pod anti-affinity over {}{}", term.topology_key, which(at, antis));
            self.attempt(&free, HelpKind::PodAntiAffinity, text, helps);
        }
        let hard = spec.spread.iter().enumerate().filter(|(_, spread)| spread.hard);
        for (at, spread) in hard.take(TRIES) {
            let free = with(pod, |spec| drop(spec.spread.remove(at)));
            let text = format!("drop its hard spread over {}", spread.topology_key);
            self.attempt(&free, HelpKind::Spread, text, helps);
        }
        let shunned = self.world.nodes.keys().any(|node| {
            pod.node.as_ref() != Some(node) && self.site.unfit(pod, node).contains(&Unfit::ExistingAntiAffinity)
        });
        for (key, value) in pod.labels.iter().filter(|_| shunned).take(TRIES) {
            let mut labels = (*pod.labels).clone();
            labels.remove(key);
            let free = Pod { labels: labels.into(), ..pod.clone() };
            let text = format!("drop its label {key}={value}, which the anti-affinity of other pods means");
            self.attempt(&free, HelpKind::Label, text, helps);
        }
        if !spec.host_ports.is_empty() {
            let ports: Vec<String> =
                spec.host_ports.iter().map(|port| format!("{}/{}", port.port, port.protocol)).collect();
            let free = with(pod, |spec| spec.host_ports.clear());
            self.attempt(&free, HelpKind::HostPorts, format!("drop its host ports {}", ports.join(", ")), helps);
        }
    }
}

/// Which of several terms, as they stand in the manifest.
fn which(at: usize, of: usize) -> String {
    if of > 1 { format!(" (term {} of {of})", at + 1) } else { String::new() }
}

/// The pod with another spec.
fn with(pod: &Pod, change: impl FnOnce(&mut PodSpec)) -> Pod {
    let mut spec = (*pod.spec).clone();
    change(&mut spec);
    Pod { spec: Arc::new(spec), ..pod.clone() }
}

/// The taints of a node that keep the pod off and do not pass by themselves.
fn in_the_way<'a>(pod: &Pod, node: &'a Node) -> impl Iterator<Item = &'a Taint> {
    let hard = node.taints.iter().filter(|taint| taint.effect != TaintEffect::PreferNoSchedule);
    let tolerations = pod.spec.tolerations.clone();
    hard.filter(move |taint| !passes(taint) && !tolerated(&tolerations, taint))
}

fn take(spec: &mut PodSpec, resource: &Name, amount: i64) {
    let requests = &mut spec.requests;
    let asked = match &**resource {
        "cpu" => &mut requests.cpu,
        "memory" => &mut requests.memory,
        "ephemeral-storage" => &mut requests.ephemeral_storage,
        _ => requests.extended.entry(resource.clone()).or_insert(0),
    };
    *asked = asked.saturating_sub(amount);
}

/// So much more than `amount` that bytes leave whole mebibytes: nobody writes `6776184Ki` into a manifest.
fn speakable(spec: &PodSpec, resource: &Name, amount: i64) -> i64 {
    const MEBIBYTE: i64 = 1 << 20;
    let (asked, measure) = asked(spec, resource);
    let left = asked.saturating_sub(amount);
    match measure {
        Measure::Bytes if left > MEBIBYTE => amount.saturating_add(left % MEBIBYTE),
        _ => amount,
    }
}

/// `cpu: 500m less (1500m instead of 2)`.
fn less(spec: &PodSpec, resource: &Name, amount: i64) -> String {
    let (asked, measure) = asked(spec, resource);
    let (left, print) = (asked.saturating_sub(amount), |number| measure.print(number));
    format!("{resource}: {} less ({} instead of {})", print(amount), print(left), print(asked))
}

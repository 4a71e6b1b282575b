//! What a pod asks of the other pods: affinity, anti-affinity in both directions, hard spreads.

use super::Unfit;
use super::ask::Asked;
use super::counter::Counter;
use super::index::NodeIx;
use super::matcher::Matcher;
use super::room::Nominee;
use super::site::Site;

impl Site {
    /// Whether a required term of affinity finds no pod around `at`. The first pod of a group that means itself may go
    /// wherever the labels are.
    pub(super) fn alone(&self, asked: &Asked<'_>, at: NodeIx, extras: &[&Nominee]) -> bool {
        let wanted = &asked.company.affinity;
        let counters = || wanted.iter().filter_map(|ix| self.counters.get(*ix));
        let labelled = counters().all(|counter| self.topology.domain(counter.subject.key, at).is_some());
        let promised = |counter: &Counter| extras.iter().any(|extra| self.counts(counter, extra));
        let found = || counters().all(|counter| self.around(counter, at) > 0 || promised(counter));
        let first = || asked.company.meets_itself && counters().all(|counter| counter.sum() == 0 && !promised(counter));
        !wanted.is_empty() && !(labelled && (found() || first()))
    }

    /// Whether a pod that the pod's own anti-affinity means is around `at`.
    pub(super) fn avoids(&self, asked: &Asked<'_>, at: NodeIx, extras: &[&Nominee]) -> bool {
        asked.company.anti.iter().filter_map(|ix| self.counters.get(*ix)).any(|counter| {
            let labelled = self.topology.domain(counter.subject.key, at).is_some();
            self.around(counter, at) > 0 || (labelled && extras.iter().any(|extra| self.counts(counter, extra)))
        })
    }

    /// Whether a pod around `at` has anti-affinity against this one. That of promised pods counts only where the scheduler
    /// looks at other pods at all: it passes the rule over for a pod that asks nothing of others and that no placed pod
    /// has anything against.
    pub(super) fn avoided(&self, asked: &Asked<'_>, at: NodeIx, extras: &[&Nominee]) -> bool {
        let against = || asked.against.iter().filter_map(|ix| self.counters.get(*ix));
        if against().any(|counter| self.around(counter, at) > 0) {
            return true;
        }
        let company = &asked.company;
        let looks =
            || !company.affinity.is_empty() || !company.anti.is_empty() || against().any(|counter| counter.sum() > 0);
        let labels = self.room(at).map(|room| &room.node.labels);
        let means =
            |matcher: &Matcher| matcher.means(&asked.pod.key.namespace, &asked.pod.labels, &self.namespaces, true);
        let mut anti = extras.iter().flat_map(|extra| &extra.anti);
        anti.any(|(matcher, key)| labels.is_some_and(|labels| labels.contains_key(key)) && means(matcher) && looks())
    }

    /// The first hard spread that `at` would break, in the order of the pod's spec.
    pub(super) fn skewed(&self, asked: &Asked<'_>, at: NodeIx, extras: &[&Nominee]) -> Option<Unfit> {
        asked.company.spread.iter().find_map(|rule| {
            let counter = self.counters.get(rule.counter)?;
            let Some(domain) = self.topology.domain(counter.subject.key, at) else { return Some(Unfit::SpreadLabel) };
            let scope = counter.subject.scope.and_then(|scope| self.scopes.get(scope));
            let all = |extra: &Nominee| rule.everyone && extra.key.namespace == asked.pod.key.namespace;
            let promised = extras.iter().filter(|extra| self.counts(counter, extra) || all(extra)).count();
            let promised = if scope.is_some_and(|scope| scope.has(at)) { promised } else { 0 };
            let promised = i64::try_from(promised).unwrap_or(i64::MAX);
            let enough_domains = i64::from(counter.domains()) >= rule.min_domains;
            let least = if enough_domains { counter.least(domain, promised).unwrap_or(0) } else { 0 };
            (counter.of(domain) + promised + rule.own - least > rule.max_skew).then_some(Unfit::Spread)
        })
    }

    fn around(&self, counter: &Counter, at: NodeIx) -> i64 {
        self.topology.domain(counter.subject.key, at).map_or(0, |domain| counter.of(domain))
    }

    fn counts(&self, counter: &Counter, extra: &Nominee) -> bool {
        let subject = &counter.subject;
        subject.who.counts(&extra.key.namespace, &extra.labels, false, &self.namespaces, subject.doubt)
    }
}

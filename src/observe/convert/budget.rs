//! PodDisruptionBudgets.

use super::Converter;
use crate::model::{Budget, BudgetStatus, IntOrPercent, Selector, UnhealthyPodEviction};
use crate::observe::raw;

impl Converter {
    /// A budget. Without a selector it selects no pod; with the empty one (`{}`) it selects the whole namespace in
    /// `policy/v1`, and none in `policy/v1beta1` (`empty_selects_none`).
    ///
    /// The status counts only if the controller wrote it for this generation of the object, and not while it allows nothing
    /// because of evictions that it waits to see done: it knows them by the pod's name, so that a StatefulSet's pod that
    /// came back quickly counts as gone for two minutes more.
    pub(in crate::observe) fn budget(&mut self, raw: raw::Budget, empty_selects_none: bool) -> Result<Budget, String> {
        let meta = raw.metadata.unwrap_or_default();
        let (spec, status) = (raw.spec.unwrap_or_default(), raw.status.unwrap_or_default());
        let key = self.key(&meta)?;
        let selector = spec.selector.map(|selector| self.selector(selector)).transpose()?;
        let seen = status.observed_generation.unwrap_or(0) >= meta.generation.unwrap_or(0);
        let waits =
            status.disruptions_allowed.unwrap_or(0) < 1 && !status.disrupted_pods.unwrap_or_default().is_empty();
        let written =
            [status.disruptions_allowed, status.current_healthy, status.desired_healthy, status.expected_pods];
        let count = |number: Option<i64>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
        Ok(Budget {
            uid: self.uid(&meta, &key.to_string()),
            key,
            selector: selector.filter(|selector| !empty_selects_none || *selector != Selector::default()),
            min_available: amount(spec.min_available, "spec.minAvailable")?,
            max_unavailable: amount(spec.max_unavailable, "spec.maxUnavailable")?,
            unhealthy: match spec.unhealthy_pod_eviction_policy.as_deref() {
                Some("AlwaysAllow") => UnhealthyPodEviction::AlwaysAllow,
                _ => UnhealthyPodEviction::IfHealthyBudget,
            },
            status: (seen && !waits && written.iter().any(Option::is_some)).then(|| BudgetStatus {
                disruptions_allowed: count(status.disruptions_allowed),
                current_healthy: count(status.current_healthy),
                desired_healthy: count(status.desired_healthy),
                expected_pods: count(status.expected_pods),
            }),
        })
    }
}

/// A count or a percentage.
fn amount(raw: Option<raw::Scalar>, field: &str) -> Result<Option<IntOrPercent>, String> {
    let Some(raw::Scalar(text)) = raw.filter(|raw| !raw.0.is_empty()) else { return Ok(None) };
    let read = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(IntOrPercent::Percent),
        None => text.parse().map(IntOrPercent::Count),
    };
    read.map(Some).map_err(|_| format!("`{field}` is neither a count nor a percentage: `{text}`"))
}

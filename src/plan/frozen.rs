//! What was asked for and a freeze forbids.

use super::{Code, Kept, Plan};

/// Nodes that could go but for a freeze.
pub fn frozen(plan: &Plan) -> impl Iterator<Item = &Kept> {
    plan.kept.iter().filter(|kept| kept.reasons.first().is_some_and(|reason| reason.code == Code::Freeze))
}

/// Nodes that `asked` would take away, or that it names as a target, and that a freeze keeps now. Empty for a plan that
/// names nothing: then a freeze is obeyed, not run into.
pub fn forbidden<'p>(asked: &Plan, now: &'p Plan) -> Vec<&'p Kept> {
    let goes = |node: &str| asked.steps.iter().any(|step| step.node == node && step.verb.takes());
    frozen(now).filter(|kept| !asked.targets.is_empty() || goes(&kept.node)).collect()
}

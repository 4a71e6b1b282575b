//! What a policy asks for and this version does not act on.

use super::check::warning;
use super::{Policy, Problem};

/// One warning for each place that is checked and not acted on, in the policy's order. A provider's entry says where the
/// servers are, and asks for nothing that a plan could leave out.
pub fn unheeded(policy: &Policy) -> Vec<Problem> {
    let problem = |(what, origin): &(crate::model::Name, super::Origin)| {
        let message = format!("`{what}` is checked but not acted on by this version");
        warning("not-acted-on", origin, message, "plans are made as if it were not there: do not rely on it")
    };
    policy.not_acted_on.iter().filter(|(what, _)| &**what != "openstack").map(problem).collect()
}

//! Kubelets' client certificates: a kubelet renews its own only while it runs, and one that slept too long cannot join.

use jiff::Timestamp;

use super::matching::some;
use super::{Finding, Level};
use crate::model::World;
use crate::plan::{Inventory, Member, State, parked_too_long};
use crate::policy::Policy;

/// What can be told of them: when they end stands in no object of a cluster, only how long each node has slept.
pub fn kubelets(policy: &Policy, world: &World, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "certificates";
    const LOOK: &str = "`openssl x509 -enddate -noout -in /var/lib/kubelet/pki/kubelet-client-current.pem` on a node";
    let inventory = Inventory::take(policy, world);
    let mut overdue: Vec<String> = Vec::new();
    let mut asleep = 0;
    for (pool, members) in policy.pools.iter().zip(&inventory.pools) {
        asleep += members.iter().filter(|member| matches!(member.state, State::Parked(_))).count();
        let slept = |member: &Member| parked_too_long(pool, member, world, now);
        overdue.extend(
            members.iter().filter_map(|member| slept(member).map(|since| format!("{} (since {since})", member.name))),
        );
    }
    if !overdue.is_empty() {
        let text = format!("parked for longer than `maxParked`: {}; their kubelets' certificates age", some(&overdue));
        let advice = format!(
            "the next wake takes those that sleep longest; `tidegate wake node/NAME` takes one now, {LOOK} shows the end"
        );
        return vec![Finding::new(CHECK, Level::Warning, text, advice)];
    }
    if asleep == 0 {
        return vec![Finding::ok(CHECK, "no node sleeps, so that each kubelet renews its own certificate")];
    }
    let text = "when the certificates of kubelets end stands nowhere in the cluster; nobody has slept for longer than \
                `maxParked`";
    let advice = format!("{LOOK} shows it; keep `maxParked` below a tenth of what they last");
    vec![Finding::new(CHECK, Level::Unknown, text, advice)]
}

//! Nodes that are wanted again before parking them is worth it (H26).

use serde_json::json;
use tidegate::plan::{Code, Verb, verify};

use super::fixture::{Cluster, WORKSHOP, policy};
use super::{own_cordon, verbs};

/// Nodes 2 to 10 were cordoned by us and their drain began; the workshop wants its nodes from 19:45 on.
fn begun() -> Cluster {
    let mut cluster = Cluster::workers(1);
    (2..=10).for_each(|number| own_cordon(&mut cluster, number, "draining"));
    cluster
}

#[test]
fn h26_a_node_whose_drain_began_is_given_back_where_it_is_wanted_soon() {
    for (min, now, back, gone) in [
        (10, "2026-11-24T19:44:59Z", 9, 0),
        (10, "2026-11-24T18:46:00Z", 9, 0),
        (4, "2026-11-24T19:30:00Z", 3, 6),
        (10, "2026-11-24T18:30:00Z", 0, 9),
    ] {
        let policy = policy(&WORKSHOP.replace("min: 10", &format!("min: {min}")), "");
        let cluster = begun();
        let plan = cluster.plan(&policy, now);
        let (given, parked) = (verbs(&plan, Verb::Uncordon), verbs(&plan, Verb::Park));
        assert_eq!((given.len(), parked.len()), (back, gone), "min {min} at {now}: {:?}", plan.kept);
        let why = plan.steps.iter().filter(|step| step.verb == Verb::Uncordon).map(|step| &step.reason);
        for reason in why {
            assert_eq!(reason.code, Code::GiveBack);
            assert!(
                reason.text.contains(&format!("the floor is {min} from 2026-11-24T19:45:00Z on")),
                "{}",
                reason.text
            );
        }
        assert_eq!(verify(&plan, &cluster.world(), &policy), [], "min {min} at {now}");
    }
}

#[test]
fn h26_what_is_drained_by_hand_is_not_given_back_for_it() {
    let mut cluster = begun();
    cluster.memory(json!({"byHand": [{
        "target": {"node": "worker-4"}, "wish": "drained", "since": "2026-11-24T19:00:00Z",
        "until": "2026-11-25T00:00:00Z", "reason": "new disk", "author": "ann@desk",
    }]}));
    let policy = policy(WORKSHOP, "");
    let plan = cluster.plan(&policy, "2026-11-24T19:30:00Z");
    let given = verbs(&plan, Verb::Uncordon);
    assert_eq!((given.len(), given.contains(&"worker-4")), (8, false), "{given:?}");
    assert_eq!(verify(&plan, &cluster.world(), &policy), []);
}

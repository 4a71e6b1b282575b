use proptest::prelude::*;

use super::*;
use crate::model::{Change, Operator, Owner, Phase, Requirement, UnhealthyPodEviction};

fn pod(name: u8, life: u8, state: u8, place: u8) -> Pod {
    let key = PodKey::new("a", format!("p{name}"));
    Pod {
        uid: format!("{key}-{life}").into(),
        labels: Arc::new([(Name::from("app"), Name::from(if name.is_multiple_of(2) { "even" } else { "odd" }))].into()),
        deletion: (state == 1).then_some(jiff::Timestamp::UNIX_EPOCH),
        owner: Some(Owner {
            api_version: "v1".into(),
            kind: "R".into(),
            name: "r".into(),
            uid: format!("r{}", name % 3).into(),
        }),
        node: (place > 0).then(|| format!("n{place}").into()),
        phase: if state == 2 { Phase::Succeeded } else { Phase::Running },
        ready: state > 2,
        ..Pod::new(key, Arc::default())
    }
}

fn budget(app: &str) -> Budget {
    let requirement = Requirement { key: "app".into(), operator: Operator::In, values: [Name::from(app)].into() };
    Budget {
        key: PodKey::new("a", "b"),
        selector: Some(Selector { requirements: [requirement].into() }),
        uid: app.into(),
        min_available: None,
        max_unavailable: None,
        unhealthy: UnhealthyPodEviction::default(),
        status: None,
    }
}

proptest! {
    /// Whatever happens, the sums are those of a count from the beginning (H1 and budgets rest on them).
    #[test]
    fn sums_are_what_counting_again_gives(
        steps in prop::collection::vec((0_u8..8, 0_u8..9, 0_u8..3, 0_u8..5, 0_u8..3), 1..60)
    ) {
        let mut world = World::default();
        let mut census = Census::default();
        census.follow(&world);
        let mut away: BTreeMap<Name, bool> = BTreeMap::new();
        for (what, name, life, state, place) in steps {
            let key = PodKey::new("a", format!("p{name}"));
            match what {
                0..4 => world.apply(Change::Pod(pod(name, life, state, place))),
                4 => world.apply(Change::PodGone(key)),
                // A world that was read afresh has no past.
                5 => world = world.clone(),
                _ => {
                    if let Some(found) = world.pods.get(&key) {
                        let uid = found.uid.clone();
                        census.follow(&world);
                        census.ask(found);
                        away.insert(uid.clone(), true);
                        if what == 7 {
                            census.answered(&uid, state > 2);
                            if state > 2 { away.insert(uid, false); } else { away.remove(&uid); }
                        }
                    }
                }
            }
            census.follow(&world);
            away.retain(|uid, _| world.pods.values().any(|pod| pod.uid == *uid));
            for app in ["even", "odd"] {
                let budget = budget(app);
                let counted = |pod: &&Arc<Pod>| budget.selector.as_ref().unwrap().matches(&pod.labels);
                let standing = world.pods.values().filter(counted)
                    .filter(|pod| healthy(pod) && !away.contains_key(&pod.uid)).count();
                let unanswered = world.pods.values().filter(counted).filter(|pod| away.get(&pod.uid) == Some(&true)).count();
                let sums = census.of_budget(&budget);
                prop_assert_eq!((sums.standing as usize, sums.unanswered as usize), (standing, unanswered));
            }
            for owner in ["r0", "r1", "r2"].map(Name::from) {
                let standing = world.pods_of(&owner).filter(|pod| healthy(pod) && !away.contains_key(&pod.uid)).count();
                prop_assert_eq!(census.standing(&owner) as usize, standing);
                let live: Vec<_> = world.pods_of(&owner).filter(|pod| !pod.terminating() && !pod.finished()).collect();
                let nobody = pod(99, 0, 0, 0);
                let kindred = census.kindred(&owner, 0, &nobody);
                prop_assert_eq!(kindred.live, live.len());
                prop_assert_eq!(kindred.ready, live.iter().filter(|pod| pod.ready).count());
            }
        }
    }
}

#[test]
fn one_that_came_takes_one_place_and_only_of_one_that_went_before() {
    let mut world = World::default();
    world.apply(Change::Pod(pod(0, 0, 3, 1)));
    let mut census = Census::default();
    census.follow(&world);
    let (owner, early) = (Name::from("r0"), census.newest());
    assert!(!census.claim(&owner, early, true), "who was there takes nobody's place");
    world.apply(Change::Pod(pod(3, 0, 0, 2)));
    census.follow(&world);
    let late = census.newest();
    assert!(!census.claim(&owner, early, true), "H2: not Ready, so not in the place of a Ready one");
    assert!(!census.claim(&owner, late, false), "it came before that one went");
    assert_eq!(census.back_on(&owner, early, &"n2".into()), Some(&PodKey::new("a", "p3")));
    assert!(census.kindred(&owner, early, &pod(0, 0, 3, 1)).coming);
    world.apply(Change::Pod(pod(3, 0, 3, 2)));
    census.follow(&world);
    assert!(census.claim(&owner, early, true));
    assert!(!census.claim(&owner, early, true), "one place each");
    assert!(!census.kindred(&owner, early, &pod(0, 0, 3, 1)).coming);
}

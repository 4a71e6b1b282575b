//! Random growth: workloads that mind others in every way there is, flavors in several zones, and no limit in the way. What
//! the plan says will run runs when it is carried out.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tidegate::model::World;
use tidegate::plan::{Outlook, Plan, Verb, verify};

use crate::build::mins;
use crate::executing::{Stage, exit, lines};
use crate::growing::{Asks, Group, NOW, judge, pool, snapshot};

const CASES: u32 = 48;

fn groups() -> impl Strategy<Value = Vec<Group>> {
    let asks = prop::sample::select(vec![
        Asks::Nothing,
        Asks::ZoneSpread,
        Asks::HostSpread,
        Asks::HostAlone,
        Asks::ZoneTogether,
    ]);
    let group = (1..7_usize, 1..12_i64, 1..12_i64, asks);
    prop::collection::vec(group, 1..5).prop_map(|groups| {
        let groups = groups.into_iter().enumerate();
        groups
            .map(|(at, (pods, cpu, memory, asks))| Group::new(format!("w{at}"), pods, (cpu * 250, memory * 256), asks))
            .collect()
    })
}

fn flavors() -> impl Strategy<Value = Vec<(String, i64, i64, i64, String)>> {
    prop::collection::vec((1..9_i64, 2..6_i64, 3..40_i64, 1..4_i64), 1..4).prop_map(|flavors| {
        let flavors = flavors.into_iter().enumerate();
        let made = flavors.map(|(at, (cores, memory, pods, dear))| {
            (format!("f{at}"), cores * 1000, cores * memory * 512, pods, format!("0.{:02}", cores * (3 + dear)))
        });
        made.collect()
    })
}

/// The pods that the plan says will run, of those that wait now.
fn promised(plan: &Plan) -> Vec<String> {
    let comes = plan.waiting.iter().filter(|waiting| waiting.outlook == Outlook::Comes);
    comes.flat_map(|waiting| waiting.pods.iter().map(|pod| pod.pod.clone())).collect()
}

fn pending(world: &World) -> Vec<String> {
    let pods = world.pods.values().filter(|pod| pod.node.is_none() && !pod.finished());
    pods.map(|pod| pod.key.to_string()).collect()
}

#[test]
fn what_is_said_to_run_runs() {
    let (made, minded, ran_at_all, at_once) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let zones = prop::sample::select(vec![1_usize, 2, 3]);
    let config = ProptestConfig { cases: CASES, source_file: Some(file!()), ..ProptestConfig::default() };
    let ran =
        TestRunner::new(config).run(&(groups(), flavors(), zones, 30..40_usize), |(groups, flavors, zones, names)| {
            let policy = pool(names, &flavors, &["a", "b", "c"][..zones]);
            let stage = Stage::of(snapshot(&groups), "");
            stage.until(NOW);
            let plan = stage.plan(&policy);
            prop_assert_eq!(verify(&plan, &stage.world(), &policy), vec![]);
            let answer = judge(&plan, &groups);
            let creates = plan.steps.iter().filter(|step| step.verb == Verb::Create).count();
            prop_assert_eq!(creates, answer.nodes);
            made.set(made.get() + u32::from(creates > 1));
            minded.set(minded.get() + u32::from(creates > 1 && groups.iter().any(|group| group.asks != Asks::Nothing)));
            let said = promised(&plan);
            if creates == 0 {
                return Ok(());
            }
            ran_at_all.set(ran_at_all.get() + 1);
            let (outcome, told) = stage.carry_out(&policy, Some(plan), false, true);
            prop_assert_eq!(exit(&outcome), 0, "{}", lines(&told));
            stage.sandbox.advance(mins(3)).unwrap();
            let left = |stage: &Stage| pending(&stage.world()).iter().filter(|pod| said.contains(pod)).count();
            at_once.set(at_once.get() + u32::from(left(&stage) == 0));
            // A small pod may have taken the only place of a large one, on the node that was there first: no node comes for
            // nobody, so what that takes comes when it is seen.
            for _ in 0..2 {
                if left(&stage) > 0 {
                    stage.apply(&policy);
                    stage.sandbox.advance(mins(3)).unwrap();
                }
            }
            prop_assert_eq!(left(&stage), 0, "of {:?}", said);
            Ok(())
        });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(
        made.get() > CASES / 2 && minded.get() > CASES / 3,
        "{} make nodes, {} with company",
        made.get(),
        minded.get()
    );
    let (ran, at_once) = (ran_at_all.get(), at_once.get());
    println!("all run at once in {at_once} of {ran}");
    // 44 to 47 of 48 were seen.
    assert!(at_once * 4 >= ran * 3, "{at_once} of {ran}");
}

//! A person stops everything in the cluster while an apply is at work.

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tidegate::cluster::{LockError, Stop};
use tidegate::execute::machine::EndKind;
use tidegate::execute::run::ApplyError;
use tidegate::model::{ByHand, Target, Wish};
use tidegate::plan::{Request, Word, plan_for};

use super::*;

fn stop() -> Stop {
    let now = Timestamp::now();
    let until = now + SignedDuration::from_hours(2);
    Stop { by: "ada@laptop".to_owned(), since: now, until, reason: Some("storage is slow".to_owned()) }
}

/// Whoever is at work finishes what is in flight, takes nothing more and leaves each node in a safe place; who comes then is
/// told who stopped it and why; capacity may be asked for by hand; and once it is over all goes on.
#[test]
fn a_stop_ends_an_apply_safely_and_holds_the_next_off_until_it_is_over() {
    let policy = policy("jetstream-workshop");
    for at_eviction in 1..=4 {
        let stage = Stage::workshop(SUNDAY, "");
        let locks = FileLocks::of(stage.folder.path());
        let (stop, mut evictions) = (stop(), 0);
        let (outcome, told) = with(&stage, &policy, true, |_, event| {
            evictions += usize::from(event.kind == EventKind::PodEvicted);
            if event.kind == EventKind::PodEvicted && evictions == at_eviction {
                assert_eq!(locks.stop(Some(&stop)).now_or_never().unwrap().unwrap(), None);
            }
        });
        assert!(matches!(&outcome, Outcome::Ended(end) if end.kind == EndKind::Interrupted), "{outcome:?}");
        let interrupted = told.iter().position(|event| event.kind == EventKind::Interrupted).unwrap();
        assert!(told[interrupted].message.contains("stopped by ada@laptop"), "{}", told[interrupted].message);
        let later = told[interrupted..].iter().filter(|event| event.kind == EventKind::PodEvicted).count();
        assert_eq!(later, 0, "nobody more is asked to go:\n{}", lines(&told));
        stage.sound();
        assert_eq!(stage.stuck(), 0, "{}", lines(&told));
        assert_eq!(holder(stage.folder.path()).unwrap(), None);

        let (outcome, _) = stage.apply(&policy);
        let Outcome::Failed(ApplyError::Lock(LockError::Stopped(told))) = &outcome else { panic!("{outcome:?}") };
        assert_eq!((&**told, exit(&outcome)), (&stop, 5));

        assert_eq!(block_on(locks.stop(None)).unwrap(), Some(stop));
        let (outcome, told) = stage.apply(&policy);
        assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{}", lines(&told));
    }
}

#[test]
fn a_stop_is_over_by_itself_and_holds_nobody_off_who_asks_for_capacity() {
    let policy = policy("jetstream-workshop");
    let stage = Stage::workshop(SUNDAY, "");
    let locks = FileLocks::of(stage.folder.path());
    let over = Stop { until: Timestamp::now() - SignedDuration::from_secs(1), ..stop() };
    block_on(locks.stop(Some(&over))).unwrap();
    assert_eq!(block_on(locks.stopped(Timestamp::now())).unwrap(), None);
    let (outcome, told) = stage.apply(&policy);
    assert_eq!((exit(&outcome), stage.parked()), (0, 9), "{}", lines(&told));

    block_on(locks.stop(Some(&stop()))).unwrap();
    let asked = |wish: Wish| {
        let (target, since) = (Target::Pool("workers".into()), stage.sandbox.now());
        ByHand { target, wish, since, until: None, reason: "".into(), author: "ada@laptop".into() }
    };
    for (wish, code, parked) in [(Wish::Parked, 5, 9), (Wish::Awake(10), 0, 0)] {
        let word = Word { asked: vec![asked(wish)] };
        let mut world = stage.world();
        world.memory = word.in_memory(&world);
        let request = Request { for_apply: true, ..Request::default() };
        let plan = plan_for(&policy, &world, stage.sandbox.now(), &request).0;
        let (_keep, mut interrupts) = Interrupts::channel();
        let order = Order { word, ..stage.order(&policy, Some(plan), &locks) };
        let mut told = Vec::new();
        let mut tell = |event: &Event| told.push(event.clone());
        let outcome = block_on(run::apply(stage.doors(), &order, &mut interrupts, &mut tell));
        assert_eq!((exit(&outcome), stage.parked()), (code, parked), "{outcome:?}\n{}", lines(&told));
    }
}

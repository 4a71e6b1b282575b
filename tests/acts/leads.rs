//! Two controllers on one cluster: Lease `tidegate-leader` says which of them decides.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use tidegate::cluster::Locks;
use tidegate::controller::{Controller, Feed, Good, Ground, Reading, Stop, Telling};
use tidegate::execute::Event;
use tidegate::execute::hooks::Silent;
use tidegate::execute::run::Doors;
use tidegate::sandbox::{Faults, Sandbox};
use tidegate::server::{Board, Role};
use tidegate::source::GitOptions;

use super::fake::Fake;

const LEADER: &str = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases/tidegate-leader";
const APPLY: &str = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases/tidegate-apply";
/// As short as a Lease can say, and some more: a busy machine renews late.
const COUNTS: Duration = Duration::from_secs(3);
/// What takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(120);

struct Replica {
    board: Board,
    stop: Stop,
    told: RefCell<Vec<Event>>,
}

impl Replica {
    fn new() -> Self {
        Self { board: Board::default(), stop: Stop::default(), told: RefCell::default() }
    }

    async fn run(
        &self,
        sandbox: &Sandbox,
        (acting, leading): (&dyn Locks, &dyn Locks),
        held: (&Feed, &Arc<Good>),
        folder: &Path,
    ) {
        let (cluster, clock) = (sandbox.clone(), sandbox.clone());
        let doors = Doors { cluster: &cluster, provider: &cluster, clock: &clock, hooks: &Silent };
        let ground = Ground { doors, folder, acting, leading };
        let mut tell = |event: &Event| self.told.borrow_mut().push(event.clone());
        let mut telling = Telling { board: self.board.clone(), tell: &mut tell };
        let interval = jiff::SignedDuration::from_secs(1);
        Controller::new(held.0.clone(), self.stop.clone(), interval, None).hold(held.1, ground, &mut telling).await;
    }

    fn steps(&self) -> usize {
        self.told.borrow().iter().filter(|event| event.step.is_some()).count()
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !what(self) {
            assert!(begun.elapsed() < PATIENCE, "waited for too long:\n{:#?}", self.told.borrow());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn holder(fake: &Fake, lease: &str) -> Option<String> {
    fake.object(lease)?["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

/// The leader dies half-way without a word: the other waits until its lease is over, leads, and finishes what was begun. Until
/// then it touched nothing. Told to end, it hands both leases over.
#[tokio::test]
async fn of_two_controllers_one_leads_and_the_other_finishes_when_it_is_gone() {
    let example = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jetstream-workshop").join(file);
    let mut snapshot = tidegate::observe::read(&[example("cluster.yaml")]).unwrap();
    snapshot.taken = Some("2026-11-10T23:30:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(snapshot, &Faults::default()).paced(400);
    let words = vec![example("policy.yaml")];
    let feed = Feed::start(Reading { words, git: GitOptions::default(), every: Duration::from_secs(600) }).unwrap();
    let begun = Instant::now();
    let good = loop {
        match feed.good() {
            Some((good, _)) => break good,
            None if begun.elapsed() > PATIENCE => panic!("the policy was not read"),
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let locks = || (fake.live.locks_for(COUNTS), fake.live.leading_for(COUNTS));
    let (first, second) = (Replica::new(), Replica::new());
    let ((acting, leading), (acting_too, leading_too)) = (locks(), locks());
    let one = first.run(&sandbox, (&acting, &leading), (&feed, &good), folder.path());
    let mut two = Box::pin(second.run(&sandbox, (&acting_too, &leading_too), (&feed, &good), folder.path()));
    {
        let mut one = Box::pin(one);
        let half_way = first.until(|first| first.board.view().counters.steps.keys().any(|(verb, _)| verb == "drain"));
        // The first leads before the second looks.
        let leads = first.until(|first| first.board.view().role == Role::Leading);
        let Either::Right(((), _)) = select(&mut one, Box::pin(leads)).await else {
            panic!("it does not end by itself")
        };
        let both = futures::future::join(&mut one, &mut two);
        let Either::Right(((), _)) = select(Box::pin(both), Box::pin(half_way)).await else { panic!("neither ends") };
    }
    assert_eq!(second.board.view().role, Role::Standby);
    assert_eq!(second.steps(), 0, "who stands by touches nothing");
    assert!(holder(&fake, LEADER).is_some() && holder(&fake, APPLY).is_some(), "it died with both in its hands");
    let parked = || sandbox.snapshot().servers.iter().filter(|server| server.state.parked()).count();
    let finished = second.until(|second| parked() == 9 && second.board.view().work.is_none());
    let Either::Right(((), _)) = select(&mut two, Box::pin(finished)).await else {
        panic!("it does not end by itself")
    };
    assert_eq!(second.board.view().role, Role::Leading);
    assert!(second.told.borrow().iter().any(|event| event.message.contains("was not renewed in time")));
    second.stop.ask();
    two.await;
    assert_eq!((holder(&fake, LEADER), holder(&fake, APPLY)), (None, None));
}

//! The lock of a cluster: one of many gets it, it is kept, lost, lapsed, taken over and freed.

use std::time::{Duration, Instant};

use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::cluster::{Claim, Life, Lock, LockError, LockRecord, Locks, Stop, Worker, keeping};

use super::fake::{Fake, refusal};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases/tidegate-apply";
/// As short as a Lease can say.
const COUNTS: Duration = Duration::from_secs(1);

fn claim(run: &str, pid: u32, life: fn(&LockRecord) -> Life) -> Claim {
    let who = Worker { owner: "ada@laptop".to_owned(), host: "laptop".to_owned(), machine: None, pid, started: None };
    Claim {
        who,
        operation: "apply".to_owned(),
        run: run.to_owned(),
        plan: Some("digest".to_owned()),
        resumes: false,
        despite_stop: false,
        life,
    }
}

fn elsewhere(_: &LockRecord) -> Life {
    Life::Unknown
}

async fn patiently(locks: &dyn Locks, claim: &Claim) -> Result<Box<dyn Lock>, LockError> {
    let since = Instant::now();
    loop {
        match locks.take(claim).await {
            Err(LockError::Silent(_)) if since.elapsed() < Duration::from_secs(60) => {
                tokio::time::sleep(Duration::from_millis(50)).await
            }
            other => return other,
        }
    }
}

fn held(fake: &Fake) -> Option<String> {
    fake.object(LEASE)?["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn of_many_that_take_it_at_once_one_gets_it_and_it_says_who_and_what() {
    let fake = Fake::start().await;
    let locks: Vec<_> = (0..8).map(|_| fake.live.locks()).collect();
    let claims: Vec<_> = (0..8).map(|pid| claim(&format!("run-{pid}"), pid, elsewhere)).collect();
    let all = locks.iter().zip(&claims).map(|(locks, claim)| locks.take(claim));
    let (won, lost): (Vec<_>, Vec<_>) = futures::future::join_all(all).await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    let winner = won.into_iter().next().unwrap().ok().unwrap();
    let record = winner.record();
    assert_eq!(held(&fake), Some(format!("ada@laptop {}", record.id)));
    for refused in lost {
        let Err(LockError::Held(holder)) = refused else { panic!("somebody else holds it") };
        assert_eq!((&holder.id, &holder.run, holder.plan.as_deref()), (&record.id, &record.run, Some("digest")));
        assert!(holder.to_string().contains(&record.id), "{holder}");
    }
    winner.free().await.unwrap();
    assert_eq!(held(&fake), None);
    assert!(locks[0].holder().await.unwrap().is_none());
    let next = locks[1].take(&claims[1]).await.unwrap();
    assert_eq!(next.taken_over(), None, "it was free");
    assert_eq!(fake.object(LEASE).unwrap()["spec"]["leaseTransitions"], 1);
}

#[tokio::test]
async fn who_loses_a_race_for_a_free_lease_looks_again() {
    let fake = Fake::start().await;
    fake.live.locks().take(&claim("first", 1, elsewhere)).await.unwrap().free().await.unwrap();
    // A label is nobody's claim.
    fake.before("PUT", LEASE, |objects| objects.change(LEASE, |lease| lease["metadata"]["labels"] = json!({"a": "b"})));
    let lock = fake.live.locks().take(&claim("second", 2, elsewhere)).await.unwrap();
    assert_eq!(lock.record().run, "second");
}

#[tokio::test]
async fn a_lease_lapses_by_what_was_seen_of_it_and_not_by_the_clock_of_its_holder() {
    let fake = Fake::start().await;
    let (first, second) = (claim("first", 1, elsewhere), claim("second", 2, elsewhere));
    let _gone = fake.live.locks_for(COUNTS).take(&first).await.unwrap();
    // Its holder's clock is a year behind: it only seems to be gone.
    fake.with(|objects| {
        objects.change(LEASE, |lease| lease["spec"]["renewTime"] = json!("2025-01-01T00:00:00.000000Z"))
    });
    let locks = fake.live.locks_for(COUNTS);
    let since = Instant::now();
    assert!(matches!(locks.take(&second).await, Err(LockError::Silent(_))));
    let lock = patiently(&locks, &second).await.unwrap();
    assert!(since.elapsed() >= COUNTS, "{:?}", since.elapsed());
    assert!(lock.taken_over().unwrap().contains("not renewed in time"), "{:?}", lock.taken_over());

    // And one whose clock is ahead, or that was renewed just now, is not asked about again and again by itself.
    fake.with(|objects| {
        objects.change(LEASE, |lease| lease["spec"]["renewTime"] = json!("2125-01-01T00:00:00.000000Z"))
    });
    let third = claim("third", 3, elsewhere);
    let locks = fake.live.locks_for(COUNTS);
    assert!(matches!(locks.take(&third).await, Err(LockError::Held(_))));
    tokio::time::sleep(COUNTS).await;
    assert!(locks.take(&third).await.is_ok(), "seen for long enough");
}

#[tokio::test]
async fn a_dead_process_and_ones_own_execution_need_no_long_wait() {
    let dead: fn(&LockRecord) -> Life = |record| if record.pid == 1 { Life::Dead } else { Life::Unknown };
    let fake = Fake::start().await;
    let first = claim("run", 1, elsewhere);
    let _killed = fake.live.locks().take(&first).await.unwrap();
    let lock = fake.live.locks().take(&claim("other", 2, dead)).await.unwrap();
    assert!(lock.taken_over().unwrap().contains("its process is dead"));
    lock.free().await.unwrap();

    let _killed = fake.live.locks_for(2 * COUNTS).take(&first).await.unwrap();
    let resumed = Claim { resumes: true, ..claim("run", 3, elsewhere) };
    let since = Instant::now();
    let lock = patiently(&fake.live.locks_for(2 * COUNTS), &resumed).await.unwrap();
    assert!((COUNTS..2 * COUNTS).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert!(lock.taken_over().unwrap().contains("taken up again"));
    // Not one that is known to live, nor another one's.
    let alive: fn(&LockRecord) -> Life = |_| Life::Alive;
    for (run, life) in [("run", alive), ("other", elsewhere)] {
        let refused = fake.live.locks().take(&Claim { resumes: true, ..claim(run, 4, life) }).await;
        assert!(matches!(refused, Err(LockError::Held(_))), "{run}");
    }
}

#[tokio::test]
async fn while_it_is_kept_it_is_renewed_and_certain_and_nobody_can_take_it() {
    let fake = Fake::start().await;
    let lock = fake.live.locks_for(COUNTS).take(&claim("first", 1, elsewhere)).await.unwrap();
    let (other, second) = (fake.live.locks_for(COUNTS), claim("second", 2, elsewhere));
    let work = async {
        let until = Instant::now() + 3 * COUNTS;
        while Instant::now() < until {
            assert!(other.take(&second).await.is_err());
            lock.certain().await?;
            tokio::time::sleep(COUNTS / 10).await;
        }
        Ok::<(), LockError>(())
    };
    keeping(Some(&*lock), work).await.unwrap();
    assert!(fake.asked("PUT", LEASE) >= 8, "renewed at every third of its time");
}

#[tokio::test]
async fn a_lock_that_cannot_be_renewed_is_not_certain_until_it_is_and_then_goes_on() {
    let fake = Fake::start().await;
    let lock = fake.live.locks_for(COUNTS).take(&claim("first", 1, elsewhere)).await.unwrap();
    fake.answers("PUT", LEASE, vec![refusal(503, "ServiceUnavailable", "etcd is away"); 12]);
    tokio::time::sleep(COUNTS).await;
    let since = Instant::now();
    let certain = async {
        lock.certain().await?;
        Ok::<_, LockError>(fake.asked("PUT", LEASE))
    };
    let asked = keeping(Some(&*lock), certain).await.unwrap();
    assert!(asked > 12 && since.elapsed() < 2 * COUNTS, "{asked} {:?}", since.elapsed());
}

#[tokio::test]
async fn whoever_lost_it_is_told_and_ends() {
    type Meddle = fn(&mut Value);
    let freed: Meddle = |lease| lease["spec"]["holderIdentity"] = Value::Null;
    let taken: Meddle = |lease| lease["spec"]["holderIdentity"] = json!("bob@desk 1234");
    for (meddle, words) in [(freed, "nobody holds the lock"), (taken, "bob@desk")] {
        let fake = Fake::start().await;
        let lock = fake.live.locks_for(COUNTS).take(&claim("first", 1, elsewhere)).await.unwrap();
        fake.with(|objects| objects.change(LEASE, meddle));
        let work = futures::future::pending::<Result<(), LockError>>();
        let lost = keeping(Some(&*lock), work).await.unwrap_err().to_string();
        assert!(lost.contains(words), "{lost}");
    }
    let fake = Fake::start().await;
    let lock = fake.live.locks_for(COUNTS).take(&claim("first", 1, elsewhere)).await.unwrap();
    fake.answers("PUT", LEASE, vec![refusal(403, "Forbidden", "User \"ada\" cannot update resource"); 1000]);
    let lost =
        keeping(Some(&*lock), futures::future::pending::<Result<(), LockError>>()).await.unwrap_err().to_string();
    assert!(lost.contains("not allowed to update lease tidegate-apply in namespace tidegate as ada"), "{lost}");
}

#[tokio::test]
async fn lent_it_is_anybodys_and_comes_back_if_nobody_has_it() {
    let fake = Fake::start().await;
    let lock = fake.live.locks_for(COUNTS).take(&claim("first", 1, elsewhere)).await.unwrap();
    let (locks, second) = (fake.live.locks_for(COUNTS), claim("second", 2, elsewhere));
    lock.free().await.unwrap();
    let theirs = locks.take(&second).await.unwrap();
    assert!(matches!(lock.retake().await, Err(LockError::Held(_))));
    theirs.free().await.unwrap();
    lock.retake().await.unwrap();
    assert!(held(&fake).unwrap().contains(&lock.record().id));
    // While it is lent nothing renews it and nothing is certain.
    lock.free().await.unwrap();
    let asked = fake.asked("PUT", LEASE);
    let wait = std::pin::pin!(tokio::time::sleep(COUNTS));
    let (keep, certain) = (lock.keep(), lock.certain());
    let either = select(keep, certain);
    assert!(matches!(select(either, wait).await, Either::Right(_)));
    assert_eq!(fake.asked("PUT", LEASE), asked);
}

#[tokio::test]
async fn unlock_asks_for_the_right_name_and_spares_the_living() {
    let alive: fn(&LockRecord) -> Life = |_| Life::Alive;
    let fake = Fake::start().await;
    let locks = fake.live.locks();
    assert!(matches!(locks.unlock("x", true, elsewhere).await, Err(LockError::Free)));
    let lock = locks.take(&claim("first", 1, elsewhere)).await.unwrap();
    let id = lock.record().id;
    assert!(matches!(locks.unlock("x", true, elsewhere).await, Err(LockError::OtherLock { .. })));
    assert!(matches!(locks.unlock(&id, false, alive).await, Err(LockError::Held(_))));
    assert_eq!(locks.unlock(&id, true, alive).await.unwrap().id, id);
    assert_eq!(held(&fake), None);
}

#[tokio::test]
async fn what_is_missing_for_a_lock_is_said() {
    let fake = Fake::start().await;
    let taken = fake.another("elsewhere").await.locks().take(&claim("first", 1, elsewhere)).await;
    let error = taken.err().unwrap().to_string();
    assert!(error.contains("`kubectl create namespace elsewhere`"), "{error}");
    for (method, path, verb) in [("GET", LEASE, "get"), ("POST", LEASES, "create")] {
        fake.answers(method, path, vec![refusal(403, "Forbidden", "User \"ada\" cannot do it")]);
        let error = fake.live.locks().take(&claim("first", 1, elsewhere)).await.err().unwrap().to_string();
        assert!(error.contains(&format!("not allowed to {verb} lease tidegate-apply")), "{error}");
    }
}

/// Beside the lock, for whoever holds it and whoever comes: seen before the next act, kept when the lock is freed.
#[tokio::test]
async fn a_stop_by_hand_is_kept_beside_the_lock_and_seen_before_each_act() {
    let fake = Fake::start().await;
    let locks = fake.live.locks();
    assert_eq!(locks.stop(None).await.unwrap(), None, "nothing was ever written");
    let lock = locks.take(&claim("first", 1, elsewhere)).await.unwrap();
    lock.certain().await.unwrap();
    let now = Timestamp::now();
    let until = now + SignedDuration::from_hours(2);
    let stop = Stop { by: "ada@laptop".to_owned(), since: now, until, reason: Some("storage".to_owned()) };
    assert_eq!(fake.live.locks().stop(Some(&stop)).await.unwrap(), None);
    assert!(matches!(lock.certain().await, Err(LockError::Stopped(told)) if *told == stop));
    lock.free().await.unwrap();
    assert_eq!(locks.stopped(now).await.unwrap(), Some(stop.clone()));
    assert_eq!(locks.stopped(until).await.unwrap(), None, "it ends by itself");
    let second = claim("second", 2, elsewhere);
    assert!(matches!(locks.take(&second).await, Err(LockError::Stopped(_))));
    let despite = Claim { despite_stop: true, ..second.clone() };
    let woken = locks.take(&despite).await.unwrap();
    woken.certain().await.unwrap();
    woken.free().await.unwrap();
    assert_eq!(locks.stop(None).await.unwrap(), Some(stop));
    let lock = locks.take(&second).await.unwrap();
    // Freed by somebody: known before the next act, not at the next renewal.
    locks.unlock(&lock.record().id, true, elsewhere).await.unwrap();
    assert!(matches!(lock.certain().await, Err(LockError::Free)));
}

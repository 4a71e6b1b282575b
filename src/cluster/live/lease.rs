//! The locks of a cluster: Lease `tidegate-apply` in Tidegate's namespace for whoever acts, `tidegate-leader` for the
//! controller that decides.
//!
//! Each says who works here and with which plan, counts for a minute, and is renewed at every third of that. Every write names
//! the version that it was made from, so of two that want it one gets it. The clocks of two machines are not compared: a
//! lease is taken over when it was *seen* not to be renewed for as long as it counts, or when its process is known to be
//! dead. An execution that is taken up again waits half as long for its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::sync::Notify;

use super::call::{Call, again, once};
use super::client::Live;
use crate::cluster::{Claim, ClusterError, Life, Lock, LockError, LockRecord, Locks, Pending, Stop};

/// Of whoever acts.
const APPLY: &str = "tidegate-apply";
/// Of the controller that decides.
const LEADER: &str = "tidegate-leader";
/// Annotation: the whole record.
const RECORD: &str = "tidegate.dev/lock";
/// Annotation: the stop by hand.
const STOP: &str = "tidegate.dev/stop";
/// So long a lease counts after it was last renewed.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);
/// A lock that could not be renewed for so long is given up: as long as a cluster that does not answer is waited for.
const GIVE_UP: u32 = 5;
const TRIES: u32 = 10;

/// The lock of one cluster.
#[derive(Clone)]
pub struct LeaseLocks {
    leases: Api<Lease>,
    name: &'static str,
    namespace: String,
    time_to_live: Duration,
    seen: RefCell<Option<(String, Instant)>>,
}

impl fmt::Debug for LeaseLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease {} in namespace {}", self.name, self.namespace)
    }
}

impl Live {
    /// The lock of this cluster.
    pub fn locks(&self) -> LeaseLocks {
        self.locks_for(TIME_TO_LIVE)
    }

    /// The lock of the controller that leads here.
    pub fn leading(&self) -> LeaseLocks {
        self.leading_for(TIME_TO_LIVE)
    }

    /// The same, counting for another time.
    pub fn leading_for(&self, time_to_live: Duration) -> LeaseLocks {
        LeaseLocks { name: LEADER, ..self.locks_for(time_to_live) }
    }

    /// The same, counting for another time: for tests, which have no minutes.
    pub fn locks_for(&self, time_to_live: Duration) -> LeaseLocks {
        LeaseLocks {
            leases: Api::namespaced(self.client.clone(), self.namespace()),
            name: APPLY,
            namespace: self.namespace().to_string(),
            time_to_live,
            seen: RefCell::new(None),
        }
    }
}

/// Both clocks of this machine: one cannot be set, the other goes on while the machine sleeps. The later counts.
#[derive(Clone, Copy, Debug)]
struct Moment(Instant, Timestamp);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), Timestamp::now())
    }

    fn elapsed(self) -> Duration {
        let by_wall = Duration::try_from(Timestamp::now().duration_since(self.1)).unwrap_or_default();
        self.0.elapsed().max(by_wall)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Who holds a lease; None if nobody does.
fn holder(lease: &Lease) -> Option<LockRecord> {
    let spec = lease.spec.as_ref()?;
    let identity = spec.holder_identity.clone().filter(|identity| !identity.is_empty())?;
    let annotation = lease.metadata.annotations.as_ref().and_then(|all| all.get(RECORD));
    let told = annotation.and_then(|text| serde_json::from_str::<LockRecord>(text).ok());
    let since = spec.acquire_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |MicroTime(at)| *at);
    let renewed = spec.renew_time.as_ref().map_or(since, |MicroTime(at)| *at);
    let counts = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or(0).into());
    let expires = renewed.checked_add(counts).unwrap_or(Timestamp::MAX);
    match told.filter(|record| identity_of(record) == identity) {
        Some(record) => Some(LockRecord { expires, ..record }),
        // Somebody wrote it by hand, or a version to come did.
        None => Some(LockRecord {
            id: identity.clone(),
            owner: identity,
            host: String::new(),
            machine: None,
            pid: 0,
            started: None,
            operation: "apply".to_owned(),
            run: String::new(),
            plan: None,
            since,
            expires,
        }),
    }
}

/// What `kubectl get lease` shows.
fn identity_of(record: &LockRecord) -> String {
    format!("{} {}", record.owner, record.id)
}

/// The stop by hand in a lease, over or not.
fn stop_in(lease: &Lease) -> Option<Stop> {
    serde_json::from_str(lease.metadata.annotations.as_ref()?.get(STOP)?).ok()
}

/// The annotations with this one set, or taken away.
fn annotated(
    annotations: Option<BTreeMap<String, String>>,
    key: &str,
    value: Option<String>,
) -> Option<BTreeMap<String, String>> {
    let mut annotations = annotations.unwrap_or_default();
    match value {
        Some(value) => drop(annotations.insert(key.to_owned(), value)),
        None => drop(annotations.remove(key)),
    }
    Some(annotations).filter(|annotations| !annotations.is_empty())
}

/// A lease as its next holder writes it.
fn held_by(name: &str, before: Option<&Lease>, record: &LockRecord, time_to_live: Duration) -> Lease {
    let spec = before.and_then(|lease| lease.spec.clone()).unwrap_or_default();
    let seconds = i32::try_from(time_to_live.as_secs().max(1)).unwrap_or(i32::MAX);
    let transitions = before.map_or(0, |_| spec.lease_transitions.unwrap_or(0).saturating_add(1));
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: annotated(
                before.and_then(|lease| lease.metadata.annotations.clone()),
                RECORD,
                Some(serde_json::to_string(record).unwrap_or_default()),
            ),
            resource_version: before.and_then(|lease| lease.metadata.resource_version.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(identity_of(record)),
            acquire_time: Some(MicroTime(record.since)),
            renew_time: Some(MicroTime(record.since)),
            lease_duration_seconds: Some(seconds),
            lease_transitions: Some(transitions),
            ..spec
        }),
    }
}

/// A lease that nobody holds.
fn freed(mut lease: Lease) -> Lease {
    lease.metadata.annotations = annotated(lease.metadata.annotations.take(), RECORD, None);
    lease.metadata.managed_fields = None;
    if let Some(spec) = &mut lease.spec {
        spec.holder_identity = None;
    }
    lease
}

impl LeaseLocks {
    fn call(&self, verb: &'static str) -> Call {
        Call::new(verb, format!("lease {} in namespace {}", self.name, self.namespace))
    }

    fn patience(&self) -> Duration {
        self.time_to_live / 4
    }

    async fn read(&self) -> Result<Option<Lease>, LockError> {
        let found = again(self.patience(), || self.leases.get_opt(self.name)).await;
        found.map_err(|failed| refused(&self.call("get").error(&failed)))
    }

    /// Writes a lease; None if somebody else wrote it meanwhile.
    async fn write(&self, lease: &Lease) -> Result<Option<Lease>, ClusterError> {
        let post = PostParams::default();
        let (call, written) = if lease.metadata.resource_version.is_some() {
            (self.call("update"), once(self.patience(), self.leases.replace(self.name, &post, lease)).await)
        } else {
            (self.call("create"), once(self.patience(), self.leases.create(&post, lease)).await)
        };
        match written.map_err(|failed| call.error(&failed)) {
            Ok(written) => Ok(Some(written)),
            Err(ClusterError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// For how long this very version has been seen.
    fn quiet(&self, lease: &Lease) -> Duration {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let mut seen = self.seen.borrow_mut();
        match &*seen {
            Some((before, since)) if *before == version => since.elapsed(),
            _ => {
                *seen = Some((version, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Why a lease that somebody holds may be taken.
    fn may_take(&self, lease: &Lease, held: LockRecord, claim: &Claim, own: Option<&str>) -> Result<String, LockError> {
        let life = (claim.life)(&held);
        let whose = |why: &str| format!("took over the lock of {} (process {}): {why}", held.owner, held.pid);
        // The answer to an earlier request may have been lost.
        let who = &claim.who;
        let same = (&held.machine, held.pid, held.started) == (&who.machine, who.pid, who.started);
        if own == Some(held.id.as_str()) || (same && held.machine.is_some() && held.run == claim.run) {
            return Ok(String::new());
        }
        if life == Life::Dead {
            return Ok(whose("its process is dead"));
        }
        let counts = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
        let counts = Duration::from_secs(u64::try_from(counts).unwrap_or(0));
        let own_run = claim.resumes && held.run == claim.run && life != Life::Alive;
        let (needed, why) = if own_run {
            (counts / 2, "it belongs to the execution that is taken up again")
        } else {
            (counts, "it was not renewed in time")
        };
        match self.quiet(lease) >= needed {
            true => Ok(whose(why)),
            false if own_run || held.expires <= Timestamp::now() => Err(LockError::Silent(Box::new(held))),
            false => Err(LockError::Held(Box::new(held))),
        }
    }

    /// The lease as it was written, what was taken over, and the moment before it was asked for.
    async fn taken(&self, claim: &Claim, own: Option<&str>) -> Result<(Lease, LockRecord, String, Moment), LockError> {
        for _ in 0..TRIES {
            let there = self.read().await?;
            let mut taken_over = String::new();
            if let Some(lease) = &there
                && let Some(held) = holder(lease)
            {
                taken_over = self.may_take(lease, held, claim, own)?;
            }
            let stop = there.as_ref().and_then(stop_in).filter(|stop| stop.holds(Timestamp::now()));
            if let Some(stop) = stop.filter(|_| !claim.despite_stop) {
                return Err(LockError::Stopped(Box::new(stop)));
            }
            let (asked, counts) = (Moment::now(), signed(self.time_to_live));
            let record = LockRecord::of(claim, asked.1, counts);
            match self.write(&held_by(self.name, there.as_ref(), &record, self.time_to_live)).await {
                Ok(Some(lease)) => return Ok((lease, record, taken_over, asked)),
                Ok(None) => {}
                Err(ClusterError::NotFound(_)) => return Err(no_namespace(&self.namespace)),
                Err(error) => return Err(refused(&error)),
            }
        }
        Err(LockError::Failed(format!("lock {self:?}: others write it all the time")))
    }

    /// Frees the lease if `may` says so of its holder.
    async fn clear(&self, may: impl Fn(&LockRecord) -> Result<(), LockError>) -> Result<LockRecord, LockError> {
        for _ in 0..TRIES {
            let Some(lease) = self.read().await? else { return Err(LockError::Free) };
            let held = holder(&lease).ok_or(LockError::Free)?;
            may(&held)?;
            if self.write(&freed(lease)).await.map_err(|error| refused(&error))?.is_some() {
                return Ok(held);
            }
        }
        Err(LockError::Failed(format!("lock {self:?}: others write it all the time")))
    }
}

fn refused(error: &ClusterError) -> LockError {
    LockError::Failed(format!("the lock cannot be had: {error}"))
}

fn no_namespace(namespace: &str) -> LockError {
    LockError::Failed(format!(
        "the lock cannot be had: there is no namespace {namespace}; `kubectl create namespace {namespace}` makes it"
    ))
}

impl Locks for LeaseLocks {
    fn take<'a>(&'a self, claim: &'a Claim) -> Pending<'a, Box<dyn Lock>, LockError> {
        Box::pin(async {
            let (lease, record, taken_over, sure) = self.taken(claim, None).await?;
            let state = RefCell::new(State { lease, record, sure, held: true });
            let taken_over = Some(taken_over).filter(|text| !text.is_empty());
            let lock =
                LeaseLock { locks: self.clone(), claim: claim.clone(), taken_over, state, renewed: Notify::new() };
            Ok(Box::new(lock) as Box<dyn Lock>)
        })
    }

    fn holder(&self) -> Pending<'_, Option<LockRecord>, LockError> {
        Box::pin(async { Ok(self.read().await?.as_ref().and_then(holder)) })
    }

    fn stopped(&self, now: Timestamp) -> Pending<'_, Option<Stop>, LockError> {
        Box::pin(async move { Ok(self.read().await?.as_ref().and_then(stop_in).filter(|stop| stop.holds(now))) })
    }

    fn stop<'a>(&'a self, stop: Option<&'a Stop>) -> Pending<'a, Option<Stop>, LockError> {
        Box::pin(async move {
            let text = stop.map(|stop| serde_json::to_string(stop).unwrap_or_default());
            for _ in 0..TRIES {
                let mut lease = match (self.read().await?, &text) {
                    (None, None) => return Ok(None),
                    (None, Some(_)) => Lease {
                        metadata: ObjectMeta { name: Some(self.name.to_owned()), ..ObjectMeta::default() },
                        spec: None,
                    },
                    (Some(lease), _) => lease,
                };
                let before = stop_in(&lease);
                lease.metadata.annotations = annotated(lease.metadata.annotations.take(), STOP, text.clone());
                lease.metadata.managed_fields = None;
                match self.write(&lease).await {
                    Ok(Some(_)) => return Ok(before),
                    Ok(None) => {}
                    Err(ClusterError::NotFound(_)) => return Err(no_namespace(&self.namespace)),
                    Err(error) => return Err(refused(&error)),
                }
            }
            Err(LockError::Failed(format!("lock {self:?}: others write it all the time")))
        })
    }

    fn unlock<'a>(
        &'a self,
        id: &'a str,
        force: bool,
        life: fn(&LockRecord) -> Life,
    ) -> Pending<'a, LockRecord, LockError> {
        Box::pin(self.clear(move |held| {
            if held.id != id {
                return Err(LockError::OtherLock { held: held.id.clone(), asked: id.to_owned() });
            }
            if !force && life(held) == Life::Alive {
                return Err(LockError::Held(Box::new(held.clone())));
            }
            Ok(())
        }))
    }
}

/// The lease while it is ours.
struct LeaseLock {
    locks: LeaseLocks,
    claim: Claim,
    taken_over: Option<String>,
    state: RefCell<State>,
    renewed: Notify,
}

struct State {
    lease: Lease,
    record: LockRecord,
    /// Before the last request that the server granted.
    sure: Moment,
    held: bool,
}

impl LeaseLock {
    fn left(&self) -> Duration {
        let state = self.state.borrow();
        if state.held { self.locks.time_to_live.saturating_sub(state.sure.elapsed()) } else { Duration::ZERO }
    }

    fn held(&self) -> bool {
        self.state.borrow().held
    }

    fn id(&self) -> String {
        self.state.borrow().record.id.clone()
    }

    /// Makes it count longer. Whoever wrote it meanwhile, it is ours as long as it says so.
    async fn renew(&self) -> Result<(), LockError> {
        let mut lease = self.state.borrow().lease.clone();
        for _ in 0..TRIES {
            let asked = Moment::now();
            if let Some(spec) = &mut lease.spec {
                spec.renew_time = Some(MicroTime(asked.1));
            }
            match self.locks.write(&lease).await {
                Ok(Some(written)) => {
                    let mut state = self.state.borrow_mut();
                    state.record.expires =
                        asked.1.checked_add(signed(self.locks.time_to_live)).unwrap_or(Timestamp::MAX);
                    (state.lease, state.sure) = (written, asked);
                    return Ok(());
                }
                Ok(None) => {}
                Err(ClusterError::NotFound(_)) => return Err(LockError::Free),
                Err(error) => return Err(refused(&error)),
            }
            lease = self.locks.read().await?.ok_or(LockError::Free)?;
            match holder(&lease) {
                None => return Err(LockError::Free),
                Some(held) if held.id != self.id() => return Err(LockError::Held(Box::new(held))),
                Some(_) => {}
            }
        }
        Err(LockError::Failed(format!("lock {:?}: others write it all the time", self.locks)))
    }
}

impl Lock for LeaseLock {
    fn record(&self) -> LockRecord {
        self.state.borrow().record.clone()
    }

    fn taken_over(&self) -> Option<String> {
        self.taken_over.clone()
    }

    fn keep(&self) -> Pending<'_, Infallible, LockError> {
        Box::pin(async {
            let third = self.locks.time_to_live / 3;
            let mut pause = third;
            loop {
                tokio::time::sleep(pause).await;
                if !self.held() {
                    continue;
                }
                match self.renew().await {
                    Ok(()) => {
                        self.renewed.notify_waiters();
                        pause = third;
                    }
                    // It was freed meanwhile, by ourselves.
                    Err(_) if !self.held() => {}
                    Err(LockError::Failed(why)) => {
                        let since = self.state.borrow().sure.elapsed();
                        if since > self.locks.time_to_live * GIVE_UP {
                            return Err(LockError::Failed(format!("not renewed for {} s: {why}", since.as_secs())));
                        }
                        pause = third / 10;
                    }
                    Err(lost) => return Err(lost),
                }
            }
        })
    }

    fn certain(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            loop {
                let renewed = self.renewed.notified();
                if self.left() >= self.locks.time_to_live / 3 {
                    break;
                }
                renewed.await;
            }
            // Ours by the clock. Whether a person freed it or stopped everything is not known without a look; where that
            // cannot be had, the act itself will be told so.
            let Ok(seen) = self.locks.read().await else { return Ok(()) };
            let held = seen.as_ref().and_then(holder).ok_or(LockError::Free)?;
            if held.id != self.id() {
                return Err(LockError::Held(Box::new(held)));
            }
            let stop = seen.as_ref().and_then(stop_in).filter(|stop| stop.holds(Timestamp::now()));
            match stop.filter(|_| !self.claim.despite_stop) {
                Some(stop) => Err(LockError::Stopped(Box::new(stop))),
                None => Ok(()),
            }
        })
    }

    fn free(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            if !std::mem::take(&mut self.state.borrow_mut().held) {
                return Ok(());
            }
            let id = self.id();
            let ours = |held: &LockRecord| if held.id == id { Ok(()) } else { Err(LockError::Free) };
            match self.locks.clear(ours).await {
                Ok(_) | Err(LockError::Free) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn retake(&self) -> Pending<'_, (), LockError> {
        Box::pin(async {
            if self.held() {
                return Ok(());
            }
            // What a stop forbids it forbids when it comes to it.
            let claim = Claim { resumes: false, despite_stop: true, ..self.claim.clone() };
            let (lease, record, _, sure) = self.locks.taken(&claim, Some(&self.id())).await?;
            *self.state.borrow_mut() = State { lease, record, sure, held: true };
            self.renewed.notify_waiters();
            Ok(())
        })
    }
}

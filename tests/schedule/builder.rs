//! Policies by literals.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate::model::{Resources, Target};
use tidegate::policy::{
    Ask, Brakes, CalendarDay, Drain, Exception, Idle, Lead, Limits, Members, NamePattern, OnTimeout, Origin, Override,
    Policy, PolicyFile, Pool, Recurrence, Wake, Window, WindowKind,
};
use tidegate::schedule::{Crontab, Holding, Turn};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn origin(line: u32) -> Origin {
    Origin { file: "policy.yaml".into(), line, column: 1 }
}

pub fn crontab(line: &str) -> Arc<Crontab> {
    Arc::new(Crontab::parse(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

pub fn lasting(line: &str, length: i64) -> Recurrence {
    Recurrence::For(crontab(line), minutes(length))
}

pub fn between(start: &str, end: &str) -> Recurrence {
    Recurrence::Until(crontab(start), crontab(end))
}

pub fn asks(min: impl Into<Option<u32>>, max: impl Into<Option<u32>>) -> Ask {
    Ask { min: min.into(), max: max.into(), replicas: None, headroom: None }
}

pub fn replicas(replicas: u32) -> Ask {
    Ask { replicas: Some(replicas), ..Ask::default() }
}

pub fn window(name: &str, zone: &str, when: Recurrence, ask: Ask) -> Window {
    Window {
        name: name.into(),
        schedule: Some("teaching".into()),
        kind: WindowKind::Capacity(ask),
        when,
        zone: zone.into(),
        lead: Lead::Fixed(SignedDuration::ZERO),
        priority: 0,
        origin: origin(10),
    }
}

pub fn exception(name: &str, first: &str, last: &str, skip: &[&str], ask: Ask) -> Exception {
    Exception {
        name: name.into(),
        schedule: Some("teaching".into()),
        days: vec![CalendarDay { first: first.parse().unwrap(), last: last.parse().unwrap() }],
        skip: skip.iter().map(|name| (*name).into()).collect(),
        ask,
        zone: "America/Denver".into(),
        origin: origin(20),
    }
}

pub fn lift(pool: &str, ask: Ask, expires: &str) -> Override {
    Override {
        target: Target::Pool(pool.into()),
        ask,
        expires: at(expires),
        reason: "exam".into(),
        author: Some("ada".into()),
        origin: origin(30),
    }
}

pub fn pool(min: u32, max: Option<u32>) -> Pool {
    let mut origins = BTreeMap::from([("min".into(), origin(41))]);
    if max.is_some() {
        origins.insert("max".into(), origin(42));
    }
    Pool {
        name: "workers".into(),
        provider: None,
        flavor: None,
        members: Members::Names(vec![NamePattern { text: "node-{1..10}".into(), origin: origin(43) }]),
        keep: Vec::new(),
        min,
        max,
        replicas: None,
        idle: Idle::Shelve,
        parallelism: 10,
        max_unavailable: None,
        min_parked: None,
        max_parked: jiff::SignedDuration::from_hours(720),
        unneeded_for: SignedDuration::from_mins(30),
        cooldown: SignedDuration::ZERO,
        wind_down: SignedDuration::ZERO,
        repair: None,
        weight: 0,
        node_storage_allowed: false,
        front_doors_allowed: false,
        adopt: false,
        deletes_parked_nodes: false,
        shared_with: Vec::new(),
        headroom: None,
        create: None,
        windows: Vec::new(),
        exceptions: Vec::new(),
        origin: origin(40),
        origins,
    }
}

pub fn policy(pools: Vec<Pool>, overrides: Vec<Override>) -> Policy {
    Policy {
        name: "workshop".into(),
        digest: "0".into(),
        files: vec![PolicyFile { path: "policy.yaml".into(), digest: "0".into() }],
        revisions: Vec::new(),
        cluster: None,
        cluster_origin: None,
        time_zone: "America/Denver".into(),
        limits: Limits {
            resources: Resources::default(),
            nodes: None,
            cost_per_hour: None,
            defaulted: Vec::new(),
            origin: None,
        },
        providers: BTreeMap::new(),
        pools,
        overrides,
        hooks: Vec::new(),
        drain: Drain {
            pod_timeout: minutes(2),
            ready_timeout: minutes(5),
            budget_timeout: minutes(10),
            longest_grace: minutes(10),
            implied: 50,
            on_timeout: OnTimeout::GiveBack,
            traffic_grace: SignedDuration::from_secs(30),
            disposable: Vec::new(),
            pods: Vec::new(),
            when_no_home: Vec::new(),
            origin: None,
        },
        wake: Wake { join_timeout: minutes(15), require: Vec::new(), origin: None },
        rates: Vec::new(),
        allocation: None,
        schedulers: Vec::new(),
        brakes: Brakes {
            max_nodes: None,
            max_deletes: 3,
            max_snapshot_age: minutes(10),
            max_unready: 45,
            min_inventory: 50,
            origin: None,
        },
    }
}

/// A policy of one pool.
pub fn of(pool: Pool, overrides: Vec<Override>) -> Policy {
    policy(vec![pool], overrides)
}

pub fn holds(policy: &Policy, moment: Timestamp) -> Holding {
    tidegate::schedule::holds(policy, &policy.pools[0], moment, minutes(7))
}

pub fn next_change(policy: &Policy, after: Timestamp) -> Option<Turn> {
    tidegate::schedule::next_change(policy, &policy.pools[0], after, minutes(7))
}

pub fn turns(policy: &Policy, from: Timestamp, until: Timestamp) -> Vec<Turn> {
    tidegate::schedule::turns(policy, &policy.pools[0], from, until, minutes(7))
}

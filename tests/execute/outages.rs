//! A provider that answers 500 and 503 in the middle of an apply: for a minute it is waited for, for an hour each node is
//! brought to a named place.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use tidegate::cloud::{ParkMode, Provider, ProviderError};
use tidegate::cluster::Pending;
use tidegate::model::{Flavor, Name, Server};
use tidegate::policy::Idle;

use super::executing::{Stage, exit, lines, policy};
use super::{LEAD, SUNDAY};

/// The sandbox's cloud, which answers nothing for so long once it was told to change something.
struct Down<'a> {
    stage: &'a Stage,
    length: SignedDuration,
    since: Cell<Option<Timestamp>>,
    refused: Cell<u32>,
}

impl<'a> Down<'a> {
    fn of(stage: &'a Stage, length: SignedDuration) -> Self {
        Self { stage, length, since: Cell::new(None), refused: Cell::new(0) }
    }

    fn answers(&self, changes: bool) -> Result<&'a dyn Provider, ProviderError> {
        let now = self.stage.sandbox.now();
        if changes && self.since.get().is_none() {
            self.since.set(Some(now));
        }
        if self.since.get().is_some_and(|since| now.duration_since(since) < self.length) {
            let refused = self.refused.get() + 1;
            self.refused.set(refused);
            let code = if refused.is_multiple_of(2) { 500 } else { 503 };
            return Err(ProviderError::Unavailable(format!("Nova answers {code}")));
        }
        Ok(&self.stage.sandbox)
    }
}

impl Provider for Down<'_> {
    fn servers(&self) -> Pending<'_, Vec<Server>, ProviderError> {
        Box::pin(async { self.answers(false)?.servers().await })
    }
    fn server(&self, id: &Name) -> Pending<'_, Option<Server>, ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.answers(false)?.server(&id).await })
    }
    fn flavors(&self) -> Pending<'_, Vec<Flavor>, ProviderError> {
        Box::pin(async { self.answers(false)?.flavors().await })
    }
    fn park_modes(&self) -> Vec<ParkMode> {
        self.stage.sandbox.park_modes()
    }
    fn park(&self, id: &Name, how: Idle) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.answers(true)?.park(&id, how).await })
    }
    fn set_metadata(&self, id: &Name, key: &str, value: Option<&Name>) -> Pending<'_, (), ProviderError> {
        let (id, key, value) = (id.clone(), key.to_owned(), value.cloned());
        Box::pin(async move { self.answers(true)?.set_metadata(&id, &key, value.as_ref()).await })
    }
    fn wake(&self, id: &Name) -> Pending<'_, (), ProviderError> {
        let id = id.clone();
        Box::pin(async move { self.answers(true)?.wake(&id).await })
    }
}

#[test]
fn a_provider_that_is_away_for_a_minute_is_waited_for_and_one_for_an_hour_is_not() {
    let wanted = policy("jetstream-workshop");
    for (length, waits) in [(SignedDuration::from_secs(60), true), (SignedDuration::from_hours(1), false)] {
        let stage = Stage::workshop(SUNDAY, "");
        let away = Down::of(&stage, length);
        let (down, told) = stage.carry_out_by(&wanted, &away);
        let told = lines(&told);
        assert!(away.refused.get() >= 9, "{told}");
        assert_eq!(exit(&down), if waits { 0 } else { 6 }, "{told}");
        assert_eq!(stage.parked(), if waits { 9 } else { 0 }, "{told}");
        assert_eq!(stage.stuck(), 0, "each is parked, or active and unmarked\n{told}");
        assert_eq!(told.contains("answers 50"), !waits, "the reason is the provider's own\n{told}");
        stage.sound();

        stage.until(LEAD);
        if !waits {
            assert!(stage.nothing_of_ours(), "{told}");
            continue;
        }
        for (length, waits) in [(SignedDuration::from_hours(1), false), (SignedDuration::from_secs(60), true)] {
            let away = Down::of(&stage, length);
            let (up, told) = stage.carry_out_by(&wanted, &away);
            let told = lines(&told);
            assert!(away.refused.get() > 0, "{told}");
            assert_eq!((exit(&up), stage.parked() == 0), (if waits { 0 } else { 6 }, waits), "{told}");
            assert_eq!(stage.stuck(), 0, "{told}");
            stage.sandbox.advance(SignedDuration::from_hours(2)).unwrap();
        }
    }
}

//! Takes the lock of a cluster, waiting for it where that is asked for or where its holder seems to be gone.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use futures::future::{Either, select};

use super::apply::{ApplyError, Order};
use super::interrupts::Interrupts;
use super::{Doors, process};
use crate::cluster::{Claim, Lock, LockError};
use crate::execute::{Event, EventKind};
use crate::model::{ByHand, Wish};

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the lock for the execution called `run`.
///
/// # Errors
/// Somebody else holds it, or it cannot be had. Ctrl-C ends the wait.
pub(super) async fn take(
    order: &Order<'_>,
    (run, plan): (&str, Option<String>),
    doors: Doors<'_>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(&Event),
) -> Result<Box<dyn Lock>, ApplyError> {
    let operation = if order.resume { "apply --resume" } else { "apply" };
    // Who asks by hand for capacity takes none away.
    let wakes = |asked: &ByHand| matches!(asked.wish, Wish::Awake(_));
    let despite_stop = !order.word.is_empty() && order.word.asked.iter().all(wakes);
    let claim = Claim { plan, resumes: order.resume, despite_stop, ..process::claim(operation, run) };
    let patience = Duration::try_from(order.lock_timeout).unwrap_or_default();
    let since = Instant::now();
    let mut said = String::new();
    loop {
        let (refused, text) = match order.locks.take(&claim).await {
            Ok(lock) => {
                if let Some(text) = lock.taken_over() {
                    tell(&Event::new(EventKind::Warning, doors.clock.now(), text));
                }
                return Ok(lock);
            }
            Err(LockError::Silent(held)) => {
                let text = format!("{held}; it seems to be gone: watching whether it renews it before taking over");
                (LockError::Held(held), text)
            }
            Err(LockError::Held(held)) if since.elapsed() < patience => {
                let text = format!("waiting for the lock: {held}");
                (LockError::Held(held), text)
            }
            Err(error) => return Err(error.into()),
        };
        if let LockError::Held(held) = &refused
            && said != held.id
        {
            said.clone_from(&held.id);
            tell(&Event::new(EventKind::Waiting, doors.clock.now(), text));
        }
        let pause = std::pin::pin!(tokio::time::sleep(PAUSE));
        if let Either::Right(_) = select(pause, poll_fn(|context| interrupts.poll(context))).await {
            return Err(refused.into());
        }
    }
}

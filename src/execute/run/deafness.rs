//! A cluster that is not heard of for a while: it is looked at whole again, and half an answer is none (H22).

use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};

use super::performing::Doors;
use crate::cluster::ClusterError;
use crate::model::{Snapshot, World};

/// Between two tries to hear from a cluster that does not answer.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Tries before that is given up.
const TRIES: u32 = 60;

/// A look at everything that is under way. It is kept through what else happens: of a large cluster it takes a while.
pub type Look<'a> = Pin<Box<dyn Future<Output = Result<Snapshot, ClusterError>> + 'a>>;

/// How long nothing was heard, and the look that ends it.
#[derive(Default)]
pub struct Deafness<'a> {
    /// Tries that came to nothing, one after another.
    pub tries: u32,
    /// The next look, after a pause; None where the cluster is heard. While there is one nothing is concluded from the
    /// time that passes.
    pub look: Option<Look<'a>>,
    told: String,
}

impl<'a> Deafness<'a> {
    /// Begins the next look, and says what is to be told, unless it was told last.
    ///
    /// # Errors
    /// Another look cannot help, or it was too many.
    pub fn again(&mut self, error: ClusterError, doors: Doors<'a>) -> Result<Option<String>, ClusterError> {
        self.tries += 1;
        if matches!(error, ClusterError::Broken(_) | ClusterError::Gone(_)) || self.tries > TRIES {
            return Err(error);
        }
        let at = doors.clock.now().checked_add(PAUSE).unwrap_or(Timestamp::MAX);
        self.look = Some(Box::pin(async move {
            doors.clock.sleep_until(at).await;
            doors.cluster.observe().await
        }));
        let text = format!("{error}; what is under way goes on, and everything is looked at again");
        let news = self.told != text;
        self.told.clone_from(&text);
        Ok(news.then_some(text))
    }
}

/// What was seen, if it is as much as is known: a kind that could not be listed is unknown, and not empty.
///
/// # Errors
/// Something is missing that was seen before.
pub fn whole(world: &World, seen: Box<Snapshot>) -> Result<Snapshot, ClusterError> {
    let gap = seen.gaps.iter().find(|gap| !world.gaps.contains(gap)).cloned();
    let unlisted = || world.observed.difference(&seen.observed).next().map(|kind| format!("no list of {kind}"));
    match gap.or_else(unlisted) {
        Some(gap) => Err(ClusterError::Unavailable(format!("half an answer: {gap}"))),
        None => Ok(*seen),
    }
}

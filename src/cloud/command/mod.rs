//! The operator's own programs as a provider: one question on standard input, one answer on standard output.
//!
//! `wire` is what is said, and the schema under `schema/provider.schema.json`; `running` starts the program, with a deadline,
//! and ends it with all that it started; `doing` is the provider.

mod doing;
mod wire;

pub use doing::Programs;
pub use wire::Conversation;

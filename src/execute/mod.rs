//! Carries a plan out. `machine` decides what may run next, purely; `run` does it, keeps the journal and the clock.

pub mod clock;
pub mod machine;
pub mod run;

pub use clock::Clock;

//! Decides what may run next: a pure machine, from inputs to commands.
//!
//! [`Machine`] holds a `Course` for each node of the plan. A course is on its way out (`leaving`, `evicting`,
//! `parking`, `mending`), in (`coming`) or back (`returning`); what courses share lies on the `desk`, and evictions of all of them
//! go through one `arbiter`. Nothing here waits: time-outs, retries and chunks are states, looked at again with each
//! input.

mod act;
mod arbiter;
mod bare;
mod census;
mod coming;
mod conduct;
mod course;
mod deleting;
mod desk;
mod detaching;
mod evicting;
mod fitness;
mod hooking;
mod leaving;
mod making;
mod marking;
mod mending;
mod parking;
mod past;
mod returning;
mod settings;
mod shut_out;
mod signal;
mod theirs;
mod tidying;
mod waiting;

pub use act::{Act, ActId, Answer, Trouble, TroubleKind};
pub use conduct::Machine;
pub use past::{Asked, Past, Reply};
pub use settings::{FreezeSpan, HookRule, Leave, PoolSettings, Recheck, RelaxedSpan, Resumed, Rules, Settings};
pub use signal::{Command, End, EndKind, Input};

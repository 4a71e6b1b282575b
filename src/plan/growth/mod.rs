//! Capacity for pods that wait: which of them are demand, what there is for them, and what is brought for the rest.
//!
//! `demand` says who waits and for whom something is brought; `choose` places them on what is there or coming, then on the
//! cheapest nodes that can be brought (`offered`), and looks whether the scheduler would do the same (`rehearsal`); `value` compares those, `bound` says how few would do at least; `headroom` keeps spare room as if it were pods,
//! `automatic` by what is requested; `why` says what keeps a pod waiting; `document` is how all
//! of it stands in the plan.

mod automatic;
mod bound;
mod choose;
mod demand;
mod document;
mod headroom;
mod offered;
mod rehearsal;
mod said;
mod value;
mod why;

pub use choose::grow;
pub use document::{HeadroomPlan, HeadroomUnits, Outlook, Waiting, WaitingPod};
pub use headroom::unit_words;
pub use said::waiting;

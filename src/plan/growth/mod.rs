//! Capacity for pods that wait: which of them are demand, what there is for them, and what is brought for the rest.
//!
//! `demand` says who waits and for whom something is brought; `choose` places them on what is there or coming, then on the
//! cheapest nodes that can be brought (`offered`): first by counting (`market`, with `packing` in plain numbers), then one by
//! one those who mind others, whom `value` compares; with `next` a host or a zone that could be had counts as a domain. It
//! looks whether the scheduler would do the same (`rehearsal`), and chooses otherwise if not (`anew`); `bound` says how few would do at least; `headroom` keeps
//! spare room as if it were pods, `automatic` by what is requested; `why` says what keeps a pod waiting; `document` is how
//! all of it stands in the plan.

mod anew;
mod automatic;
mod bound;
mod choose;
mod demand;
mod document;
mod headroom;
mod market;
mod next;
mod offered;
mod packing;
mod rehearsal;
mod said;
mod sleep;
mod value;
mod why;

pub use choose::grow;
pub use document::{HeadroomPlan, HeadroomUnits, Outlook, Waiting, WaitingPod};
pub use headroom::unit_words;
pub use said::waiting;

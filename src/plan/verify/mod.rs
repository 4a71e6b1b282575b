//! Checks a finished plan against the policy and the world it was made from: would every prefix of it be harmless, and is
//! what it says true?
//!
//! The checker exists to disagree with the planner, so it decides nothing by the planner's code. It has readings of its
//! own of who belongs to a pool and in what state (`case`), of what keeps a node (`nodes`) and a pod (`pods`), of budgets
//! (`rounds`), outages, brakes, counts and prices. What it shares, and why:
//!
//! - `schedule`: what the policy asks of a pool at a moment. That is the question, not the answer.
//! - `placement`: whether a pod fits a node beside the pods that are there. It has cases of its own to prove it.
//! - `model`: the status that the disruption controller would write, selectors, name patterns, globs.
//! - `forecast`: money over weeks is arithmetic over the schedule, proved by golden figures; here it is only done again,
//!   so that nobody changes a figure afterwards. Prices per hour and per step have a second reading in `money`.
//!
//! Only when nothing of that was found the planner itself is asked (`said`), about what is no question of safety: the words,
//! the evidence, the notes, and whether a step that gives capacity back was left out.
//!
//! The prefixes are those of four orders that the graph allows: as written, from the end, what takes capacity away first,
//! and what gives it back first; the last two hold the worst prefix for a floor and for a ceiling.

mod brakes;
mod case;
mod check;
mod creations;
mod document;
mod figures;
mod graph;
mod headroom;
mod identity;
mod limits;
mod money;
mod nodes;
mod outages;
mod pending;
mod pods;
mod preconditions;
mod repairs;
mod replay;
mod rounds;
mod said;
mod sleep;
mod violation;
mod width;

pub use check::verify;
pub use said::otherwise;
pub use violation::{Rule, Verified, Violation};

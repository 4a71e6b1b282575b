//! Shows the events of an apply: bars at a terminal, plain lines in a pipe.

mod bars;
mod lines;

pub use bars::Bars;
pub use lines::line;

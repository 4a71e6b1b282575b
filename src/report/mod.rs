//! Values to text, JSON, Markdown. Decides nothing.

pub mod annotations;
mod checked_text;
mod comment;
pub mod diagnostics;
mod difference_text;
mod doctor_text;
mod explain_text;
mod headroom_text;
mod junit;
mod kept_text;
mod layout;
mod names;
mod node_steps;
mod plan_markdown;
mod plan_money;
mod plan_text;
mod pod_text;
pub mod progress;
mod reference;
mod status_text;
mod tested_text;
pub mod timetable;
mod waiting_text;

pub use checked_text::checked_text;
pub use difference_text::{difference_markdown, difference_text};
pub use doctor_text::doctor_text;
pub use explain_text::explain_text;
pub use junit::junit;
pub use layout::{local, local_long, local_times, plural, wrapped};
pub use names::fold;
pub use plan_markdown::plan_markdown;
pub use plan_text::plan_text;
pub use pod_text::pod_text;
pub use reference::reference;
pub use status_text::status_text;
pub use tested_text::tested_text;

//! What parsers of short verdicts share: text without Markdown dress, its words, plain numbers, JSON, the reading
//! of a rating, quotations for messages, and the options that say how verdicts are written. A library, not a plugin: it exports no interface.
//!
//! Everything here scans by hand, in time linear in the text. A parser lives for one call, so compiling a pattern
//! would cost more than all of its use.

mod cut;
pub mod json;
mod json_answer;
pub mod number;
pub mod odds;
mod plain;
mod quote;
pub mod rating;
mod scale;
mod spellings;
pub mod words;

pub use cut::counts as counts_if_cut;
pub use json_answer::json_answer;
pub use plain::{bounded, plain};
pub use quote::{critique, end_of, excerpt};
pub use spellings::Spellings;

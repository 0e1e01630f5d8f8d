//! What templates share: text of a task that cannot forge a marker of the prompt or of the answer, prompt texts with
//! slots, and the scale in words, numbers and patterns. A library, not a plugin: it exports no interface.
//!
//! Every prompt that is made of these parts keeps one promise, whatever a task says: its text never closes its block,
//! never begins another one, never poses as a heading or a turn, and never holds what the parser of the answer looks
//! for.

mod answer_marker;
pub mod digits;
mod earlier;
mod escape;
mod slots;
pub mod steps;
mod task;

pub use earlier::earlier;
pub use escape::{Escape, escape};
pub use slots::fill;
pub use task::{block, conversation, named_responses, reference, responses};

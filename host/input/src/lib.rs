//! Reads files, texts and JSON values that strangers wrote.
//!
//! Packs, runs and components come from anywhere. [`read_regular`] reads a file without waiting on a FIFO or reading a
//! device without end; [`shown`] makes a foreign text fit for a message on one line.
//!
//! Tasks come from anywhere, too. Task files, the API and all dialects make the texts of a task here and nowhere else, so that a
//! value means the same whichever way it came: [`references`] reads a ground truth of any JSON kind, [`turns`] a conversation,
//! [`answers`] what policies wrote, [`mended`] JSON that JSON libraries write and others refuse. What cannot be read is an
//! [`UnreadableValue`] with the place of the field; nothing becomes an empty text in silence.

mod content;
mod conversation;
mod id;
mod mended_json;
mod reference;
mod regular_file;
mod unreadable;
mod wording;

pub use content::content;
pub use conversation::{ForeignCompletion, ForeignRole, ForeignTurn, answers, completion, turns};
pub use id::id_text;
pub use mended_json::mended;
pub use reference::{MOST_REFERENCES, references};
pub use regular_file::{open_regular, read_regular, read_regular_text};
pub use unreadable::UnreadableValue;
pub use wording::{shown, shown_within};

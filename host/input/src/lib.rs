//! Reads files, and quotes text, that strangers wrote.
//!
//! Packs, runs and components come from anywhere. [`read_regular`] reads a file without waiting on a FIFO or reading a
//! device without end; [`shown`] makes a foreign text fit for a message on one line.

mod regular_file;
mod wording;

pub use regular_file::{open_regular, read_regular, read_regular_text};
pub use wording::{shown, shown_within};

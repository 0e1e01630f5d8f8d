//! What is kept of what was written, and whether it is enough.

use reading::end_of;
use rewarden_plugin::{Completion, CountMismatch, FinishReason, ParseFailure, Principle};

use crate::{config::Config, weight::Weight};

/// Characters of a name and of a text that are kept: a prompt has to hold them, and a name is a few words.
const LONGEST_NAME: usize = 100;
const LONGEST_TEXT: usize = 1_000;

/// Principles in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    principles: Vec<Principle>,
    /// Their names as they were written, in lower case.
    names: Vec<String>,
    /// Whether the last one may be cut where the text is: a list says nowhere that it ends, JSON does.
    open_ended: bool,
}

impl Written {
    /// Of a form that says nowhere that it ends.
    pub(crate) fn open_ended() -> Self {
        Written { open_ended: true, ..Written::default() }
    }

    /// Adds one, each text on a line. One that says the same as an earlier one, in name and text, says nothing new and is left out;
    /// one that says something else under an earlier name is a principle of its own, and gets a number: nothing says that aspects
    /// have names of their own, and small models call all of them by the same few words. One without a name is called by its place.
    pub(crate) fn add(&mut self, name: &str, weight: Weight, text: &str) {
        let (name, text) = (shortened(name, LONGEST_NAME), shortened(text, LONGEST_TEXT));
        let name = if name.is_empty() { format!("Principle {}", self.principles.len() + 1) } else { name };
        let folded = name.to_lowercase();
        let said = said(&text);
        // The prompt's own example.
        if name.trim_matches(['[', ']']).eq_ignore_ascii_case("name") && said == "what a good response does" {
            return;
        }
        let earlier: Vec<&Principle> =
            self.principles.iter().zip(&self.names).filter(|(_, known)| **known == folded).map(|(of, _)| of).collect();
        if earlier.iter().any(|known| said.is_empty() || self::said(&known.text) == said) {
            return;
        }
        let name = match earlier.len() {
            0 => name,
            others => format!("{name} ({})", others + 1),
        };
        let weight = match weight {
            Weight::Of(weight) => Some(weight),
            Weight::None => None,
        };
        self.names.push(folded);
        self.principles.push(Principle { name, weight, text });
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.principles.is_empty()
    }
}

/// The principles that count: at most `most` of them, without one that the token limit cut.
///
/// # Errors
/// When fewer than `least` are left.
pub(crate) fn finish(
    written: Written,
    config: &Config,
    completion: &Completion,
) -> Result<Vec<Principle>, ParseFailure> {
    let Written { mut principles, open_ended, .. } = written;
    let cut = open_ended && completion.finish == FinishReason::Length && principles.len() <= config.most as usize;
    if cut {
        principles.pop();
    }
    principles.truncate(config.most as usize);
    let found = u32::try_from(principles.len()).unwrap_or(u32::MAX);
    match found {
        found if found >= config.least => Ok(principles),
        _ if cut => Err(ParseFailure::Unparsable(format!(
            "expected at least {} whole principles, found {found}; {}",
            config.least,
            end_of(completion)
        ))),
        found => Err(ParseFailure::WrongCount(CountMismatch { expected: config.least, found })),
    }
}

/// The words of a text, by which two say the same.
fn said(text: &str) -> String {
    let words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// On one line, without emphasis at its ends, at most `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_matches(['*', '_', ' ', '`', '"']);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

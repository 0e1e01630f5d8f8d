//! Reads which response a judge chose: `[[A]]`, `Output (b)`, `A>>B`, `{"choice": "2"}`, or a sentence such as
//! "Therefore, Response 1 is better."
//!
//! The rules, in order. Markdown emphasis and double quotes are taken off before, and case does not matter unless
//! `case_sensitive` says so.
//! 1. One response alone is rated, by the rules of [`reading::rating`], where `single` is set; otherwise it fails.
//! 2. With `json_field`, the last value of that field has to be a label or a comparison and nothing more.
//! 3. Otherwise the verdicts in the text are: every sentence of `verdicts` around a label and every one of
//!    `tie_verdicts`, except where words of `unless_after` or `unless_before` stand next to it; every one of
//!    `comparisons`; and, with `bare = "anywhere"`, every label. `take` says which of them counts.
//! 4. Where there is none, `bare = "line"` reads a label that has a line for itself, if all that do agree. Two labels
//!    on lines of their own are headings.
//! 5. A label beyond the responses that were shown, or no verdict, fails. Nothing is guessed.
//!
//! Scores: the winner gets the top of the scale and the others the bottom; a tie gives all of them the middle. A
//! comparison that is not strong (`A>B`) gives three quarters and one quarter of the scale. On scales of whole numbers
//! the middle is rounded down and the quarters to whole numbers: 10 and 1, 8 and 3, 5 and 5 on a scale from 1 to 10.
//!
//! Where the template asked for log-probabilities, the judgement also has a confidence and distributions: at the token that
//! decides the verdict, what the text would have said with each of its alternatives in its place.

mod certainty;
mod comparisons;
mod config;
mod grades;
mod json;
mod labels;
mod lines;
mod read;
mod sentences;

use certainty::Certainty;
use reading::critique;
use rewarden_plugin::{Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Scale};

pub use config::{Bare, Config, Take};

/// The configured parser.
#[derive(Debug)]
pub struct Choice {
    reader: read::Reader,
}

impl Plugin for Choice {
    type Config = Config;

    const NAME: &str = "choice";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str =
        "Reads which response the judge chose, by label or sentence: top of the scale for it, bottom for the others.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if let Some(rating) = &config.single {
            rating.check().map_err(|message| fault("single", message))?;
        }
        Ok(Choice { reader: read::Reader::new(config)? })
    }
}

impl Parser for Choice {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let (scores, verdict) = self.reader.scores(completion, shown, &scale)?;
        let critique = critique(&completion.text, verdict);
        let (confidence, distributions) = match certainty::of(&self.reader, completion, shown, &scale, &scores) {
            Some(Certainty { confidence, distributions }) => (Some(confidence), distributions),
            None => (None, Vec::new()),
        };
        Ok(Judgement { scores, confidence, distributions, critique, ..Judgement::default() })
    }
}

/// A configuration that cannot be used.
fn fault(key: &str, message: String) -> ConfigError {
    ConfigError { key: Some(key.to_owned()), message }
}

rewarden_plugin::export!(Choice: parser);

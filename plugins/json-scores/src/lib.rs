//! Reads scores from JSON: `{"scores": [8, 5]}`, `{"response_1": 8, "response_2": 5}`,
//! `{"result": {"ratings": [{"score": 8}, {"score": 5}]}}`.
//!
//! The rules, in order:
//! 1. The last object or array in the text that holds something at `path` is the answer; text around it, and values
//!    inside of it, are none. One that is followed by a later attempt which is no whole JSON fails.
//! 2. At `path` stands an array with one entry for each response in shown order, or an object with one field for each
//!    response by the names of `key`; other fields are ignored.
//! 3. An entry is a number on the scale, or `null` for an abstention; with `field`, an object with that in the field.
//!
//! Anything else fails: numbers in quotes, a count that is not that of the responses, a number off the scale. Nothing is
//! clipped, rounded, dropped or guessed.

mod config;
mod read;

use reading::critique;
use rewarden_plugin::{Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Scale};

pub use config::Config;

/// The configured parser.
#[derive(Debug)]
pub struct JsonScores {
    config: Config,
}

impl Plugin for JsonScores {
    type Config = Config;

    const NAME: &str = "json-scores";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Reads one score per response from the last JSON object or array that holds them.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check().map_err(|(key, message)| ConfigError { key: Some(key.to_owned()), message })?;
        Ok(JsonScores { config })
    }
}

impl Parser for JsonScores {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let (scores, length) = read::scores(&self.config, completion, shown, &scale)?;
        Ok(Judgement { scores, critique: critique(&completion.text, length), ..Judgement::default() })
    }
}

rewarden_plugin::export!(JsonScores: parser);

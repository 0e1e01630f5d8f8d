//! Reads one rating from a completion: `[RESULT] 4`, `Score: 7/10`, `Rating: [[5]]`, `\boxed{7}`, or a bare `7`. The
//! rules are those of [`reading::rating`].

use reading::{critique, rating::Config};
use rewarden_plugin::{Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Scale};

/// The configured parser.
#[derive(Debug)]
pub struct Rating {
    config: Config,
}

impl Plugin for Rating {
    type Config = Config;

    const NAME: &str = "rating";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Reads one number on the scale, marked as the rating or alone in the text.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check().map_err(|message| ConfigError { key: Some("markers".to_owned()), message })?;
        Ok(Rating { config })
    }
}

impl Parser for Rating {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let scores = self.config.read(completion, shown, &scale)?;
        Ok(Judgement { scores, critique: critique(&completion.text, 16), ..Judgement::default() })
    }
}

rewarden_plugin::export!(Rating: parser);

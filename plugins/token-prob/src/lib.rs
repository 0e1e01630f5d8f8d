//! Reads probabilities instead of text: what the model could have written at the token of a score or a verdict.
//!
//! With `mode = "score"`, each response gets the mean of all scores on the scale, weighted by the probabilities of
//! their tokens and renormalised. With `mode = "verdict"`, one thing that was asked gets the probability of yes among
//! yes and no; that is the rating of a meta RM, and the score of a judge that is asked whether a response is right.
//!
//! The judgement has the distributions that the scores are the means of. Its confidence is, for one response, the probability
//! of its most probable score; for several, the probability that the response with the highest expected score is also given
//! the highest score, a shared one counted by its share, where the scores are taken for independent.
//!
//! Both need the tokens of the answer with their most probable alternatives, which the template asks for
//! (`top_logprobs`), and a scale of fractions, which the results are. Tokens that are no scores or verdicts count for
//! nothing, and where they take more than `1 - min_mass` of the probability, the sample fails.

mod certainty;
mod config;
mod score;
mod stream;
mod verdict;

use certainty::confidence;
use reading::critique;
use rewarden_plugin::{Completion, ConfigError, Judgement, ParseFailure, Parser, Plugin, Scale};

pub use config::{Config, Mode};
use stream::Stream;

/// The configured parser.
#[derive(Debug)]
pub struct TokenProb {
    config: Config,
}

impl Plugin for TokenProb {
    type Config = Config;

    const NAME: &str = "token-prob";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Reads the expected score, or the probability of yes, from the log-probabilities of tokens.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        config.check().map_err(|(key, message)| ConfigError { key: Some(key.to_owned()), message })?;
        Ok(TokenProb { config })
    }
}

impl Parser for TokenProb {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let stream = Stream::of(completion)?;
        let expected = match self.config.mode {
            Mode::Score => score::scores(&self.config, &stream, shown, &scale)?,
            Mode::Verdict => vec![verdict::score(&self.config, &stream, shown, &scale)?],
        };
        let (scores, distributions): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
        let confidence = confidence(&distributions);
        let critique = critique(&completion.text, 24);
        Ok(Judgement { scores, confidence, distributions, critique, ..Judgement::default() })
    }
}

rewarden_plugin::export!(TokenProb: parser);

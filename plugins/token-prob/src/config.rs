//! The options of the parser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the parser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is read.
    pub mode: Mode,
    /// What stands right before it, in any case, such as `Score:` or `\boxed{`; the last one in the text counts. Empty:
    /// the answer begins with it.
    pub markers: Vec<String>,
    /// For verdicts: the words that say yes, in any case. A token is one word.
    pub yes: Vec<String>,
    /// For verdicts: the words that say no, in any case.
    pub no: Vec<String>,
    /// The least probability that all tokens which are scores, or verdicts, must have together. Below it the model was
    /// about to write something else, and the sample fails.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub min_mass: f64,
    /// For scores: the model's tokenizer has one token for each whole number of the scale. Without this, scales end at 9,
    /// since a token `1` might be the beginning of a 10.
    pub numbers_are_tokens: bool,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For each response the mean of the scores that could have been written, weighted by their probabilities.
    Score,
    /// The probability of yes, for one thing that was asked: the bottom of the scale for 0, its top for 1.
    Verdict,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mode: Mode::Score,
            markers: Vec::new(),
            yes: vec!["Yes".to_owned()],
            no: vec!["No".to_owned()],
            min_mass: 0.5,
            numbers_are_tokens: false,
        }
    }
}

impl Config {
    /// What is wrong with the configuration, and under which key.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if !(0.001..=1.0).contains(&self.min_mass) {
            return Err(("min_mass", format!("expected `min_mass` from 0.001 to 1, found {}", self.min_mass)));
        }
        if self.markers.iter().any(|marker| marker.trim().is_empty()) {
            return Err(("markers", "expected markers with a letter or sign in them, found an empty one".to_owned()));
        }
        for (key, words) in [("yes", &self.yes), ("no", &self.no)] {
            if words.is_empty() || words.iter().any(|word| !word.chars().all(char::is_alphanumeric) || word.is_empty())
            {
                return Err((key, format!("expected single words of letters and digits, found {words:?}")));
            }
        }
        match self.yes.iter().find(|yes| self.no.iter().any(|no| no.to_lowercase() == yes.to_lowercase())) {
            Some(word) => Err(("no", format!("expected other words than in `yes`, found `{word}` in both"))),
            None => Ok(()),
        }
    }
}

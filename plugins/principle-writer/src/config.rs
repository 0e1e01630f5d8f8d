//! The options of the plugin.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most principles that a query may have: the host's own limit.
pub(crate) const MOST: u32 = 64;

/// What the model is told to do, where the pack says nothing else.
const INSTRUCTION: &str = "You set up the criteria by which an experienced judge will compare responses to the last \
    message of a conversation. You do not see any response; the judge sees all of them together with your criteria.";

/// Options of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many principles are asked for at least; fewer fail the query.
    #[schemars(range(min = 1, max = 64))]
    pub least: u32,
    /// How many are asked for at most, no fewer than `least`. Of a longer list the first ones are taken, since the model
    /// is to begin with the most important.
    #[schemars(range(min = 1, max = 64))]
    pub most: u32,
    /// What the model is told to do, in the place of the usual words.
    pub instruction: String,
    /// The house's own guidance on what to look at, such as what always counts in its field. Added to the instruction.
    pub guidance: String,
    /// Ask for a weight in percent for each principle.
    pub weights: bool,
    /// The form that is asked for. Either form is read.
    pub form: Form,
    /// Force that form, with a regular expression for a list and with a JSON schema for JSON. For small models that do not
    /// keep to it by themselves. In a list, names of neighbours then begin with different letters, so that they differ.
    pub constrain: bool,
    /// With `constrain`: characters of the text of one principle. A token is about 4 characters of English: keep `most`
    /// times this below three times the token limit, or the text is cut.
    #[schemars(range(min = 20, max = 2000))]
    pub constrain_chars: u32,
}

/// How the principles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `1. Correctness (Weight: 40%): The sum is right.`, a line each.
    List,
    /// `{"principles": [{"name": "Correctness", "weight": 40, "text": "The sum is right."}]}`
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            least: 3,
            most: 5,
            instruction: INSTRUCTION.to_owned(),
            guidance: String::new(),
            weights: true,
            form: Form::List,
            constrain: false,
            constrain_chars: 160,
        }
    }
}

impl Config {
    /// What is wrong with the configuration, and under which key.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value) in [("least", self.least), ("most", self.most)] {
            if !(1..=MOST).contains(&value) {
                return Err((key, format!("expected `{key}` from 1 to {MOST}, found {value}")));
            }
        }
        if self.least > self.most {
            return Err(("least", format!("expected `least` of at most `most`, {}, found {}", self.most, self.least)));
        }
        if !(20..=2000).contains(&self.constrain_chars) {
            let found = self.constrain_chars;
            return Err(("constrain_chars", format!("expected `constrain_chars` from 20 to 2000, found {found}")));
        }
        if self.instruction.trim().is_empty() {
            return Err(("instruction", "expected what the model is told to do, found no text".to_owned()));
        }
        Ok(())
    }
}

//! The options of the template.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the template. Those of the parser `choice` have its names and its form, so that a pack can copy them; of
/// lists of spellings, the first is what the model is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the prompt calls the responses. `{A}` and `{a}` stand for the letter of a response in shown order, `{1}` for
    /// its number from 1: `Response {A}`, `Output ({a})`.
    pub names: String,
    /// Spellings of a label, with the slots of `names`: `[[{A}]]`.
    pub label_patterns: Vec<String>,
    /// Spellings of labels, one list for each response in shown order. They go before `label_patterns`.
    pub labels: Vec<Vec<String>>,
    /// Spellings of the label that says that no response is better. Without one, the model is asked to decide.
    pub ties: Vec<String>,
    /// Where a comparison of two responses stands, such as `[[{comparison}]]`: with this, two responses are compared in
    /// five degrees, from `A>>B` over `A=B` to `B>>A`. With other numbers of responses the task is refused.
    pub comparisons: Vec<String>,
    /// Sentences around a label, such as `{label} is better`: with this, the verdict is such a sentence and not the
    /// label alone.
    pub verdicts: Vec<String>,
    /// Sentences that say that no response is better, asked for instead of `ties` where `verdicts` are.
    pub tie_verdicts: Vec<String>,
    /// The field of a JSON object that holds the label or comparison: with this, the answer is that object.
    pub json_field: Option<String>,
    /// What to judge by, a line each.
    pub criteria: Vec<String>,
    /// Whether reasons are asked for, and where. `after` needs `take = "first"` in the parser.
    pub reasoning: Reasoning,
    /// Force the answer's form with a regular expression. For small models that do not keep to it by themselves.
    pub constrain: bool,
    /// With `constrain`: characters of the reasons. A token is about 4 characters of English: keep it below three times
    /// the token limit, or the text is cut before the verdict.
    #[schemars(range(min = 1, max = 4000))]
    pub constrain_chars: u32,
}

/// Whether reasons are asked for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reasoning {
    /// The verdict alone.
    None,
    /// Reasons, then the verdict.
    First,
    /// The verdict, then reasons for it.
    After,
}

impl Default for Config {
    fn default() -> Self {
        let criteria = [
            "Does the response do what was asked, within every constraint that is stated? This goes before all else.",
            "Is what it says true, and does it solve the problem?",
            "Does it say neither more nor less than the question needs?",
            "Length, style, confidence and the place in the list count for nothing.",
        ];
        Config {
            names: "Response {A}".to_owned(),
            label_patterns: vec!["[[{A}]]".to_owned()],
            labels: Vec::new(),
            ties: Vec::new(),
            comparisons: Vec::new(),
            verdicts: Vec::new(),
            tie_verdicts: Vec::new(),
            json_field: None,
            criteria: criteria.map(str::to_owned).to_vec(),
            reasoning: Reasoning::First,
            constrain: false,
            constrain_chars: 600,
        }
    }
}

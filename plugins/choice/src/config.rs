//! The options of the parser.

use reading::rating;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the parser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Spellings of a label for any number of responses. `{A}` and `{a}` stand for the letter of a response in shown
    /// order, `{1}` for its number from 1: `[[{A}]]`, `Output ({a})`, `Response {1}`.
    pub label_patterns: Vec<String>,
    /// Further spellings, one list for each response in shown order: `[["first"], ["second", "latter"]]`.
    pub labels: Vec<Vec<String>>,
    /// Spellings of a label that says that no response is better, such as `[[C]]` or `tie`.
    pub ties: Vec<String>,
    /// Where a comparison of two responses stands, such as `[[{comparison}]]`: `A>>B`, `A>B`, `A=B`, `B>A`, `B>>A`,
    /// with letters or with numbers from 1. For two responses only.
    pub comparisons: Vec<String>,
    /// Sentences that make a verdict of the label in them, such as `{label} is better` or `the better one is {label}`.
    /// Commas, colons and line breaks between their words are ignored.
    pub verdicts: Vec<String>,
    /// Sentences without a label that say that no response is better, such as `both are equally good`.
    pub tie_verdicts: Vec<String>,
    /// Words that may stand before, between or after the words of a sentence, next to the label too: with `the` and
    /// `clearly`, `{label} is better` holds for "A is clearly the better".
    pub fillers: Vec<String>,
    /// Words that make a sentence right after them no verdict, such as `nor` or `argues that`.
    pub unless_after: Vec<String>,
    /// Words that make a sentence right before them no verdict, such as `if`.
    pub unless_before: Vec<String>,
    /// Where a label without a sentence is a verdict.
    pub bare: Bare,
    /// Which verdict counts where there are several.
    pub take: Take,
    /// The field of a JSON object that holds the label, the whole of it, in the text or around it. With this, nothing
    /// else is read.
    pub json_field: Option<String>,
    /// Whether letters of another case are another label or word.
    pub case_sensitive: bool,
    /// How a rating is written where one response alone was shown. Without this, one response alone is a failure.
    pub single: Option<rating::Config>,
}

/// Where a label without a sentence is a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bare {
    /// Anywhere: for labels that a text holds for no other reason, such as `[[A]]`.
    Anywhere,
    /// On a line of its own, a remark in brackets after it aside, where the text holds no other verdict and no other
    /// label stands so: for labels that prose is full of, such as `Output (a)`.
    Line,
    /// Nowhere.
    Never,
}

/// Which verdict counts where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The last one: the reasoning comes first.
    Last,
    /// The first one: the answer comes first.
    First,
    /// All of them have to say the same.
    Agreeing,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            label_patterns: vec!["[[{A}]]".to_owned()],
            labels: Vec::new(),
            ties: Vec::new(),
            comparisons: Vec::new(),
            verdicts: Vec::new(),
            tie_verdicts: Vec::new(),
            fillers: Vec::new(),
            unless_after: Vec::new(),
            unless_before: Vec::new(),
            bare: Bare::Anywhere,
            take: Take::Last,
            json_field: None,
            case_sensitive: false,
            single: None,
        }
    }
}

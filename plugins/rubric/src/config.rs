//! The options of template and parser. A pack gives both the same ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of the template and the parser. Both need the same `principles`, `verdicts` and `not_applicable`: a pack's
/// `[shared]` says them once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What responses are judged by, at most 64. None: the criteria of the task's own rubric, `metadata.rubric`, which a
    /// policy such as `rubric-vote` weighs.
    pub principles: Vec<Principle>,
    /// What is said about a response under each principle.
    pub verdicts: Verdicts,
    /// Allow "n/a" as a verdict, where a principle does not apply to a response.
    pub not_applicable: bool,
    /// Ask for an analysis before the verdicts.
    pub analysis: bool,
    /// Force the answer's form with a JSON schema. For small models that do not keep to it by themselves.
    pub constrain: bool,
    /// With `constrain`: characters of the analysis. A token is about 4 characters of English: keep it below three times
    /// the token limit, or the text is cut before the verdicts.
    #[schemars(range(min = 1, max = 8000))]
    pub constrain_chars: u32,
}

/// One thing that responses are judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principle {
    /// A short name, at most 80 bytes on one line, without double quotes and backslashes. Case does not tell two apart.
    pub name: String,
    /// What a response has to do, so put that a yes, or many points, is good: for a fault, that it does not have it.
    pub description: String,
    /// How much it counts, above 0 and at most 1000, with at most four decimals. None: that of the category, or 1.
    #[serde(default)]
    pub weight: Option<f64>,
    /// A usual weight under a name. Excludes `weight`.
    #[serde(default)]
    pub category: Option<Category>,
    /// With points: what parts of the scale mean, a line each, such as `9-10: names the rule that applies`.
    #[serde(default)]
    pub bands: Vec<String>,
}

/// Usual weights, those of Rubrics as Rewards (arXiv 2507.17746).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Weight 1: without it the response fails.
    Essential,
    /// Weight 0.7.
    Important,
    /// Weight 0.3: good to have.
    Optional,
    /// Weight 0.9: a fault that must not be there. Put the description so that a yes means that it is not.
    Pitfall,
}

/// What is said about a response under each principle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdicts {
    /// Whether the response meets it: the top or the bottom of the scale.
    YesNo,
    /// A number on the scale.
    Points,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            principles: Vec::new(),
            verdicts: Verdicts::YesNo,
            not_applicable: false,
            analysis: true,
            constrain: false,
            constrain_chars: 800,
        }
    }
}

impl Principle {
    /// How much it counts.
    pub fn counts(&self) -> f64 {
        match (self.weight, self.category) {
            (Some(weight), _) => weight,
            (None, None | Some(Category::Essential)) => 1.0,
            (None, Some(Category::Important)) => 0.7,
            (None, Some(Category::Optional)) => 0.3,
            (None, Some(Category::Pitfall)) => 0.9,
        }
    }

    /// What is wrong with the principle.
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.trim() != name || name.is_empty() || name.len() > 80 || name.contains(['"', '\\']) || has_control(name)
        {
            return Err(format!("expected a name of 1 to 80 bytes without quotes and backslashes, found {name:?}"));
        }
        if self.description.trim().is_empty() {
            return Err(format!("expected a description of `{name}`, found none"));
        }
        if self.weight.is_some() && self.category.is_some() {
            return Err(format!("expected a weight or a category for `{name}`, found both"));
        }
        if let Some(band) = self.bands.iter().find(|band| band.trim().is_empty() || has_control(band)) {
            return Err(format!("expected bands of `{name}` of one line each, found {band:?}"));
        }
        Ok(())
    }
}

impl Config {
    /// What is wrong with the configuration, and under which key.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let count = self.principles.len();
        if count > 64 {
            return Err(("principles", format!("expected at most 64 principles, found {count}")));
        }
        if !(1..=8000).contains(&self.constrain_chars) {
            let found = self.constrain_chars;
            return Err(("constrain_chars", format!("expected `constrain_chars` from 1 to 8000, found {found}")));
        }
        for (at, principle) in self.principles.iter().enumerate() {
            principle.check().map_err(|message| ("principles", message))?;
            if self.verdicts == Verdicts::YesNo && !principle.bands.is_empty() {
                let message = format!("`{}` has bands, which `verdicts = \"points\"` alone can use", principle.name);
                return Err(("principles", message));
            }
            let name = criteria::folded(&principle.name);
            if self.principles.iter().skip(at + 1).any(|other| criteria::folded(&other.name) == name) {
                return Err(("principles", format!("expected each name once, found `{}` twice", principle.name)));
            }
        }
        Ok(())
    }
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

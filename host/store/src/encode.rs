//! Contract values as JSON text, and back. Exact: every finite number keeps its bits.

use rewarden_types::{
    CriterionScore, Detail, DetailValue, FinishReason, Judgement, Message, Principle, Rejection, Score, ScoreLevel,
    strict_json as json,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::foreign_text::shown;

pub(crate) fn finish_name(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
    }
}

pub(crate) fn finish(name: &str) -> Decoded<FinishReason> {
    [FinishReason::Stop, FinishReason::Length]
        .into_iter()
        .find(|finish| finish_name(*finish) == name)
        .ok_or_else(|| format!("expected stop or length, found `{}`", shown(name)))
}

/// A score, with what JSON numbers cannot say.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ScoreText {
    Value(f64),
    Abstain {
        abstain: String,
    },
    /// Only a parser's own, unchecked result can hold one.
    NotFinite {
        not_finite: String,
    },
}

impl From<&Score> for ScoreText {
    fn from(score: &Score) -> Self {
        match score {
            Score::Value(value) if value.is_finite() => Self::Value(*value),
            Score::Value(value) => Self::NotFinite { not_finite: value.to_string() },
            Score::Abstain(reason) => Self::Abstain { abstain: reason.clone() },
        }
    }
}

impl TryFrom<ScoreText> for Score {
    type Error = String;

    fn try_from(text: ScoreText) -> Result<Self, String> {
        match text {
            ScoreText::Value(value) => Ok(Self::Value(value)),
            ScoreText::Abstain { abstain } => Ok(Self::Abstain(abstain)),
            ScoreText::NotFinite { not_finite } => not_finite
                .parse()
                .map(Self::Value)
                .map_err(|_| format!("expected NaN, inf or -inf, found `{not_finite}`")),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct PrincipleText {
    name: String,
    weight: Option<ScoreText>,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct CriterionText {
    criterion: String,
    response: u32,
    score: ScoreText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct JudgementText {
    scores: Vec<ScoreText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<CriterionText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<ScoreText>,
    /// A score and its probability each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    distributions: Vec<Vec<(ScoreText, ScoreText)>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    principles: Vec<PrincipleText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    critique: Option<String>,
}

/// Text that is not what the column holds; names what was expected.
pub(crate) type Decoded<T> = Result<T, String>;

fn text(value: &impl Serialize) -> String {
    // Nothing here has keys that are not strings, the only thing that JSON refuses.
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn plain_text(value: &impl Serialize) -> String {
    text(value)
}

/// Scores in the task's own order; none for a response that was not shown.
pub(crate) fn placed_text(scores: &[Option<Score>]) -> String {
    text(&scores.iter().map(|score| score.as_ref().map(ScoreText::from)).collect::<Vec<_>>())
}

pub(crate) fn placed(text: &str, responses: usize) -> Decoded<Vec<Option<Score>>> {
    let scores: Vec<Option<ScoreText>> = json::list(text, responses)?;
    one_each(scores.len(), responses)?;
    scores.into_iter().map(|score| score.map(finite).transpose()).collect()
}

fn one_each(scores: usize, responses: usize) -> Decoded<()> {
    if scores == responses {
        return Ok(());
    }
    Err(format!("expected {responses} scores, one a response, found {scores}"))
}

fn finite(score: ScoreText) -> Decoded<Score> {
    match Score::try_from(score)? {
        Score::Value(value) if !value.is_finite() => Err(format!("expected a finite score, found {value}")),
        score => Ok(score),
    }
}

/// Which responses a sample showed: indices, each at most once, at least one.
pub(crate) fn order(text: &str, responses: usize) -> Decoded<Vec<u32>> {
    let order: Vec<u32> = json::list(text, responses)?;
    let mut seen = vec![false; responses];
    for index in &order {
        match usize::try_from(*index).ok().and_then(|index| seen.get_mut(index)) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => return Err(format!("expected each response once, found {index} twice")),
            None => return Err(format!("expected indices of {responses} responses, found {index}")),
        }
    }
    if order.is_empty() {
        return Err("expected at least one response, found none".to_owned());
    }
    Ok(order)
}

pub(crate) fn scores_text(scores: &[Score]) -> String {
    text(&scores.iter().map(ScoreText::from).collect::<Vec<_>>())
}

pub(crate) fn scores(text: &str, responses: usize) -> Decoded<Vec<Score>> {
    let scores: Vec<ScoreText> = json::list(text, responses)?;
    one_each(scores.len(), responses)?;
    scores.into_iter().map(finite).collect()
}

pub(crate) fn messages_text(messages: &[Message]) -> String {
    text(&messages)
}

pub(crate) fn messages(text: &str) -> Decoded<Vec<Message>> {
    json::list(text, json::MOST_VALUES)
}

impl From<&Principle> for PrincipleText {
    fn from(principle: &Principle) -> Self {
        Self {
            name: principle.name.clone(),
            weight: principle.weight.map(|weight| ScoreText::from(&Score::Value(weight))),
            text: principle.text.clone(),
        }
    }
}

impl TryFrom<PrincipleText> for Principle {
    type Error = String;

    fn try_from(principle: PrincipleText) -> Result<Self, String> {
        let weight = match principle.weight.map(Score::try_from).transpose()? {
            None => None,
            Some(Score::Value(weight)) => Some(weight),
            Some(Score::Abstain(_)) => return Err("expected a number as a principle's weight".to_owned()),
        };
        Ok(Self { name: principle.name, weight, text: principle.text })
    }
}

pub(crate) fn principles_text(principles: &[Principle]) -> String {
    text(&principles.iter().map(PrincipleText::from).collect::<Vec<_>>())
}

pub(crate) fn principles(text: &str) -> Decoded<Vec<Principle>> {
    let principles: Vec<PrincipleText> = json::list(text, json::MOST_VALUES)?;
    principles.into_iter().map(Principle::try_from).collect()
}

impl From<&CriterionScore> for CriterionText {
    fn from(CriterionScore { criterion, response, score, reason }: &CriterionScore) -> Self {
        Self { criterion: criterion.clone(), response: *response, score: score.into(), reason: reason.clone() }
    }
}

impl TryFrom<CriterionText> for CriterionScore {
    type Error = String;

    fn try_from(CriterionText { criterion, response, score, reason }: CriterionText) -> Result<Self, String> {
        Ok(Self { criterion, response, score: score.try_into()?, reason })
    }
}

pub(crate) fn criteria_text(criteria: &[CriterionScore]) -> String {
    text(&criteria.iter().map(CriterionText::from).collect::<Vec<_>>())
}

pub(crate) fn criteria(text: &str) -> Decoded<Vec<CriterionScore>> {
    let criteria: Vec<CriterionText> = json::list(text, json::MOST_VALUES)?;
    let finite = |criterion: CriterionText| match CriterionScore::try_from(criterion)? {
        CriterionScore { score: Score::Value(value), .. } if !value.is_finite() => {
            Err(format!("expected a finite score, found {value}"))
        }
        criterion => Ok(criterion),
    };
    criteria.into_iter().map(finite).collect()
}

/// Ids of criteria, at least one: none is null.
pub(crate) fn asked(text: &str) -> Decoded<Vec<String>> {
    let asked: Vec<String> = json::list(text, json::MOST_VALUES)?;
    if asked.is_empty() { Err("expected ids of criteria, found none".to_owned()) } else { Ok(asked) }
}

/// Ids of earlier samples of the task, at least one.
pub(crate) fn built_on(text: &str, id: i64) -> Decoded<Vec<u32>> {
    let built_on: Vec<u32> = json::list(text, json::MOST_VALUES)?;
    match built_on.iter().find(|earlier| i64::from(**earlier) >= id) {
        Some(later) => Err(format!("expected samples before {id}, found {later}")),
        None if built_on.is_empty() => Err("expected ids of samples, found none".to_owned()),
        None => Ok(built_on),
    }
}

pub(crate) fn rejected_text(rejected: &[Rejection]) -> String {
    text(&rejected)
}

pub(crate) fn rejected(text: &str) -> Decoded<Vec<Rejection>> {
    json::list(text, json::MOST_VALUES)
}

fn number_text(number: f64) -> ScoreText {
    ScoreText::from(&Score::Value(number))
}

fn number(text: ScoreText) -> Decoded<f64> {
    match Score::try_from(text)? {
        Score::Value(number) => Ok(number),
        Score::Abstain(_) => Err("expected a number".to_owned()),
    }
}

pub(crate) fn judgement_text(judgement: &Judgement) -> String {
    let level = |level: &ScoreLevel| (number_text(level.score), number_text(level.probability));
    text(&JudgementText {
        scores: judgement.scores.iter().map(ScoreText::from).collect(),
        criteria: judgement.criteria.iter().map(CriterionText::from).collect(),
        confidence: judgement.confidence.map(number_text),
        distributions: judgement.distributions.iter().map(|levels| levels.iter().map(level).collect()).collect(),
        principles: judgement.principles.iter().map(PrincipleText::from).collect(),
        critique: judgement.critique.clone(),
    })
}

pub(crate) fn judgement(text: &str) -> Decoded<Judgement> {
    let judgement: JudgementText = json::form(text)?;
    let level = |(score, probability)| Ok(ScoreLevel { score: number(score)?, probability: number(probability)? });
    let levels = |levels: Vec<(ScoreText, ScoreText)>| levels.into_iter().map(level).collect::<Decoded<Vec<_>>>();
    Ok(Judgement {
        scores: judgement.scores.into_iter().map(Score::try_from).collect::<Result<_, _>>()?,
        criteria: judgement.criteria.into_iter().map(CriterionScore::try_from).collect::<Result<_, _>>()?,
        confidence: judgement.confidence.map(number).transpose()?,
        distributions: judgement.distributions.into_iter().map(levels).collect::<Result<_, _>>()?,
        principles: judgement.principles.into_iter().map(Principle::try_from).collect::<Result<_, _>>()?,
        critique: judgement.critique,
    })
}

pub(crate) fn details_text(details: &[Detail]) -> String {
    let value = |detail: &Detail| match &detail.value {
        DetailValue::Number(number) => (detail.name.clone(), Value::from(*number)),
        DetailValue::Text(text) => (detail.name.clone(), Value::from(text.as_str())),
        DetailValue::Flag(flag) => (detail.name.clone(), Value::from(*flag)),
    };
    text(&details.iter().map(value).collect::<Vec<_>>())
}

pub(crate) fn details(text: &str) -> Decoded<Vec<Detail>> {
    let details: Vec<(String, Value)> = json::form(text)?;
    let detail = |(name, value)| {
        let value = match value {
            Value::Bool(flag) => DetailValue::Flag(flag),
            Value::String(text) => DetailValue::Text(text),
            Value::Number(number) => DetailValue::Number(
                number.as_f64().ok_or_else(|| format!("expected a number as detail `{name}`, found {number}"))?,
            ),
            other => return Err(format!("expected a number, text or flag as detail `{name}`, found {other}")),
        };
        Ok(Detail { name, value })
    };
    details.into_iter().map(detail).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn score() -> impl Strategy<Value = Score> {
        prop_oneof![any::<f64>().prop_map(Score::Value), ".*".prop_map(Score::Abstain)]
    }

    fn finite_score() -> impl Strategy<Value = Score> {
        prop_oneof![(-1e300_f64..1e300).prop_map(Score::Value), ".*".prop_map(Score::Abstain)]
    }

    #[test]
    fn scores_that_are_not_finite_or_not_one_a_response_are_refused() {
        assert_eq!(scores("[1.0]", 2), Err("expected 2 scores, one a response, found 1".to_owned()));
        assert!(scores("[1.0, 2.0, 3.0]", 2).unwrap_err().starts_with("expected a list of at most 2 entries"));
        assert_eq!(placed(r#"[{"not_finite": "NaN"}]"#, 1), Err("expected a finite score, found NaN".to_owned()));
    }

    #[test]
    fn an_order_names_responses_of_the_task_each_at_most_once() {
        assert_eq!(order("[1, 0]", 2), Ok(vec![1, 0]));
        assert_eq!(order("[1]", 2), Ok(vec![1]));
        assert_eq!(order("[]", 2), Err("expected at least one response, found none".to_owned()));
        assert_eq!(order("[1, 1]", 2), Err("expected each response once, found 1 twice".to_owned()));
        assert_eq!(order("[2]", 2), Err("expected indices of 2 responses, found 2".to_owned()));
    }

    /// NaN has no equal; its text has.
    fn bits(scores: &[Score]) -> Vec<String> {
        scores.iter().map(|score| format!("{score:?}")).collect()
    }

    proptest! {
        #[test]
        fn scores_come_back_as_they_were(all in prop::collection::vec(finite_score(), 0..5)) {
            prop_assert_eq!(bits(&scores(&scores_text(&all), all.len()).unwrap()), bits(&all));
        }

        #[test]
        fn a_judgement_comes_back_as_it_was(
            scores in prop::collection::vec(score(), 0..3),
            principles in prop::collection::vec((".*", prop::option::of(-1e300_f64..1e300), ".*"), 0..3),
            critique in prop::option::of(".*"),
        ) {
            let principles =
                principles.into_iter().map(|(name, weight, text)| Principle { name, weight, text }).collect();
            let criterion = |score: &Score| CriterionScore {
                criterion: "c".into(),
                response: 1,
                score: score.clone(),
                reason: critique.clone(),
            };
            let written = Judgement {
                criteria: scores.iter().map(criterion).collect(),
                confidence: Some(0.25),
                distributions: vec![vec![ScoreLevel { score: 1.0, probability: 0.1 }], vec![]],
                scores,
                principles,
                critique,
            };
            let read = judgement(&judgement_text(&written)).unwrap();
            prop_assert_eq!(format!("{:?}", read.criteria), format!("{:?}", written.criteria));
            prop_assert_eq!((read.confidence, &read.distributions), (written.confidence, &written.distributions));
            prop_assert_eq!(bits(&read.scores), bits(&written.scores));
            prop_assert_eq!(read.principles, written.principles);
            prop_assert_eq!(read.critique, written.critique);
        }

        #[test]
        fn details_come_back_as_they_were(number in -1e300_f64..1e300, text in ".*", flag: bool) {
            let written = vec![
                Detail { name: "a".into(), value: DetailValue::Number(number) },
                Detail { name: "b".into(), value: DetailValue::Text(text) },
                Detail { name: "c".into(), value: DetailValue::Flag(flag) },
            ];
            prop_assert_eq!(details(&details_text(&written)).unwrap(), written);
        }
    }
}

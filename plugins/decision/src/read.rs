//! From probabilities to scores.

use reading::json::{Json, whole};
use rewarden_plugin::{
    Completion, CountMismatch, CriterionScore, FinishReason, Judgement, Level, ParseFailure, Scale, Score, sum,
};

use crate::ask::{BEST, GRADE, letter};

/// How far probabilities may be from adding up to 1.
const ROUNDING: f64 = 1e-6;

pub(crate) fn judgement(completion: &Completion, shown: u32, scale: &Scale) -> Result<Judgement, ParseFailure> {
    if scale.integer || !(scale.min < scale.max && (scale.max - scale.min).is_finite()) {
        return unparsable("an expected score is a fraction: set `integer = false` in the pack's [scale]".to_owned());
    }
    let answers = match whole(&completion.text) {
        Some(Json::Object(answers)) if completion.finish == FinishReason::Stop => answers,
        _ => {
            return unparsable(
                "expected the answers of a decision model, one JSON object, found something else: say \
                 `kind = \"decision\"` of the model in pack.toml"
                    .to_owned(),
            );
        }
    };
    match answers.as_slice() {
        [] => unparsable("expected an answer, found none".to_owned()),
        [(id, answer)] if id == BEST => chosen(answer, shown, scale),
        [(id, answer)] if id == GRADE => {
            one(shown)?;
            let levels = levels(id, answer, scale)?;
            let confidence = levels.iter().map(|level| level.probability).reduce(f64::max);
            let scores = vec![Score::Value(expected(&levels, scale))];
            Ok(Judgement { scores, confidence, distributions: vec![levels], ..Judgement::default() })
        }
        criteria => {
            one(shown)?;
            let criterion = |(id, answer): &(String, Json)| {
                let score = Score::Value(expected(&levels(id, answer, scale)?, scale));
                Ok(CriterionScore { criterion: id.clone(), response: 0, score, reason: None })
            };
            let criteria = criteria.iter().map(criterion).collect::<Result<_, _>>()?;
            let left = "judged by criterion: a policy such as rubric-vote weighs the answers";
            Ok(Judgement { scores: vec![Score::Abstain(left.to_owned())], criteria, ..Judgement::default() })
        }
    }
}

fn one(shown: u32) -> Result<(), ParseFailure> {
    if shown == 1 { Ok(()) } else { Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found: 1 })) }
}

/// The scores of responses, by how likely each is the best.
fn chosen(answer: &Json, shown: u32, scale: &Scale) -> Result<Judgement, ParseFailure> {
    let named = probabilities(BEST, answer)?;
    let found = u32::try_from(named.len()).unwrap_or(u32::MAX);
    if found != shown {
        return Err(ParseFailure::WrongCount(CountMismatch { expected: shown, found }));
    }
    let mut distributions = Vec::new();
    for place in 0..named.len() {
        let name = letter(place);
        let Some((_, probability)) = named.iter().find(|(known, _)| *known == name) else {
            return unparsable(format!("expected a probability of `{name}`, found none"));
        };
        distributions.push(two(*probability, scale));
    }
    let confidence = named.iter().map(|(_, probability)| *probability).reduce(f64::max);
    let scores = distributions.iter().map(|levels| Score::Value(expected(levels, scale))).collect();
    Ok(Judgement { scores, confidence, distributions, ..Judgement::default() })
}

/// The bottom and the top of the scale.
fn two(top: f64, scale: &Scale) -> Vec<Level> {
    let top = top.clamp(0.0, 1.0);
    vec![Level { score: scale.min, probability: 1.0 - top }, Level { score: scale.max, probability: top }]
}

/// The distribution over the scale that an answer is: of levels, or of yes and no.
fn levels(id: &str, answer: &Json, scale: &Scale) -> Result<Vec<Level>, ParseFailure> {
    let named = probabilities(id, answer)?;
    let of = |name: &str| named.iter().find(|(known, _)| *known == name).map(|(_, probability)| *probability);
    if let (2, Some(yes), Some(_)) = (named.len(), of("yes"), of("no")) {
        return Ok(two(yes, scale));
    }
    let last = named.len().saturating_sub(1) as f64;
    let level = |number: usize| {
        let probability = of(&number.to_string())?;
        let share = number as f64 / last;
        // The ends are exact.
        let score = if share == 1.0 { scale.max } else { scale.min + (scale.max - scale.min) * share };
        Some(Level { score, probability })
    };
    let levels: Option<Vec<Level>> = (0..named.len()).map(level).collect();
    match levels.filter(|levels| levels.len() >= 2) {
        Some(levels) => Ok(levels),
        None => unparsable(format!("expected probabilities of levels from 0, or of yes and no, in `{id}`")),
    }
}

fn expected(levels: &[Level], scale: &Scale) -> f64 {
    sum(levels.iter().map(|level| level.score * level.probability)).clamp(scale.min, scale.max)
}

/// The probabilities of one answer by name; they add up to 1.
fn probabilities<'a>(id: &str, answer: &'a Json) -> Result<Vec<(&'a str, f64)>, ParseFailure> {
    let Json::Object(fields) = answer else {
        return unparsable(format!("expected an object of probabilities in `{id}`, found {}", answer.kind()));
    };
    let mut named = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let Json::Number(text) = value else {
            return unparsable(format!("expected a probability of `{name}` in `{id}`, found {}", value.kind()));
        };
        match text.parse::<f64>() {
            Ok(probability) if (0.0..=1.0).contains(&probability) => named.push((name.as_str(), probability)),
            _ => return unparsable(format!("expected a probability of `{name}` in `{id}` from 0 to 1, found {text}")),
        }
    }
    let total = sum(named.iter().map(|(_, probability)| *probability));
    if (total - 1.0).abs() > ROUNDING {
        return unparsable(format!("expected probabilities in `{id}` that add up to 1, found {total}"));
    }
    Ok(named)
}

fn unparsable<T>(message: String) -> Result<T, ParseFailure> {
    Err(ParseFailure::Unparsable(message))
}

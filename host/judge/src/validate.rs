//! Guest values become host values here: counts, finiteness, the scale.

use rewarden_types::{
    DetailValue, Draw, Failure, FailureKind, Judgement, Outcome, ParseFailure, Principle, Reward, Scale, Score,
};

use crate::order::{Order, OrderError};

/// Checks what a parser returned for `order` and puts its scores at the responses' own places.
pub(crate) fn outcome(
    parsed: &Result<Judgement, ParseFailure>,
    order: &Order,
    responses: usize,
    scale: Scale,
) -> Outcome {
    match parsed {
        Err(failure) => Outcome::Failed(failure.clone().of("scores")),
        Ok(judgement) => match place(judgement, order, responses, scale) {
            Ok(scores) => Outcome::Scored(scores),
            Err(failure) => Outcome::Failed(failure),
        },
    }
}

fn place(judgement: &Judgement, order: &Order, responses: usize, scale: Scale) -> Result<Vec<Option<Score>>, Failure> {
    for (index, score) in judgement.scores.iter().enumerate() {
        if let Score::Value(value) = score {
            scale.check(*value).map_err(|off| Failure::new(off.kind, format!("score {}: {off}", index + 1)))?;
        }
    }
    order.place(judgement.scores.clone(), responses).ok_or_else(|| Failure {
        kind: FailureKind::WrongCount,
        message: format!("the parser returned {} scores for {} responses", judgement.scores.len(), order.shown()),
    })
}

/// The most principles that a query may have: a prompt has to hold them.
const MOST_PRINCIPLES: usize = 64;

/// Checks what a reader of principles returned: 1 to 64, with names, and weights that are finite and not negative.
///
/// # Errors
/// The reader's own failure, or what is wrong with a principle.
pub fn principles(read: Result<Vec<Principle>, ParseFailure>) -> Result<Vec<Principle>, Failure> {
    let principles = read.map_err(|failure| failure.of("principles"))?;
    let fail = |kind, message| Err(Failure { kind, message });
    if principles.is_empty() || principles.len() > MOST_PRINCIPLES {
        let found = principles.len();
        return fail(FailureKind::WrongCount, format!("expected 1 to {MOST_PRINCIPLES} principles, found {found}"));
    }
    for (number, principle) in (1..).zip(&principles) {
        if principle.name.trim().is_empty() {
            return fail(FailureKind::Unparsable, format!("principle {number}: expected a name, found none"));
        }
        match principle.weight {
            Some(weight) if !weight.is_finite() => {
                let message = format!("principle {number}: expected a finite weight, found {weight}");
                return fail(FailureKind::NotFinite, message);
            }
            Some(weight) if weight < 0.0 => {
                let message = format!("principle {number}: expected a weight of at least 0, found {weight}");
                return fail(FailureKind::OutOfScale, message);
            }
            _ => {}
        }
    }
    Ok(principles)
}

/// A step that the host cannot take, in the words of its error message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StepError {
    #[error("asked for {asked} samples, {left} are left of the budget (raise it with --max-samples)")]
    TooManySamples { asked: usize, left: u32 },
    #[error("asked for no samples; a draw step must name at least one")]
    NoSamples,
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("asked for temperature {0}; expected a finite number of at least 0")]
    Temperature(SettingNumber),
    #[error("did not finish within {0} rounds (raise the limit with --max-rounds)")]
    TooManyRounds(u32),
    #[error("asked for ratings, but the pack names no meta RM ([meta] in pack.toml)")]
    NoMeta,
    #[error("asked for samples, but the pack has no [template] and [parser]")]
    NoTemplate,
    #[error("asked for a rating of sample {0}, which was not drawn")]
    UnknownRated(u32),
    #[error("asked for no ratings; a rate step must name at least one sample")]
    NoRatings,
    #[error("finished with {found} scores for {expected} responses")]
    WrongCount { expected: usize, found: usize },
    #[error("finished with score {found} for response {index}; expected a finite number")]
    NotFinite { index: usize, found: SettingNumber },
    #[error("finished naming sample {0} as used, which was not drawn")]
    UnknownSample(u32),
    #[error("finished with detail `{name}` {problem}")]
    Detail { name: String, problem: &'static str },
}

/// A number inside an error, compared by its text so that NaN equals itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingNumber(String);

impl From<f64> for SettingNumber {
    fn from(value: f64) -> Self {
        Self(value.to_string())
    }
}

impl std::fmt::Display for SettingNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A draw that the host can carry out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckedDraw {
    pub(crate) order: Order,
    pub(crate) temperature: f64,
}

/// Positions of the samples that a rate step names, of those that were drawn.
pub(crate) fn rated(ids: &[u32], drawn: usize) -> Result<Vec<usize>, StepError> {
    if ids.is_empty() {
        return Err(StepError::NoRatings);
    }
    let known = |&id: &u32| match usize::try_from(id) {
        Ok(index) if index < drawn => Ok(index),
        _ => Err(StepError::UnknownRated(id)),
    };
    ids.iter().map(known).collect()
}

pub(crate) fn draws(
    draws: Vec<Draw>,
    responses: usize,
    left: u32,
    default_temperature: f64,
) -> Result<Vec<CheckedDraw>, StepError> {
    if draws.is_empty() {
        return Err(StepError::NoSamples);
    }
    if draws.len() > left as usize {
        return Err(StepError::TooManySamples { asked: draws.len(), left });
    }
    draws
        .into_iter()
        .map(|draw| {
            let temperature = draw.temperature.unwrap_or(default_temperature);
            if !temperature.is_finite() || temperature < 0.0 {
                return Err(StepError::Temperature(temperature.into()));
            }
            Ok(CheckedDraw { order: Order::new(draw.order, responses)?, temperature })
        })
        .collect()
}

pub(crate) fn reward(reward: &Reward, responses: usize, samples: u32) -> Result<(), StepError> {
    if reward.scores.len() != responses {
        return Err(StepError::WrongCount { expected: responses, found: reward.scores.len() });
    }
    for (index, score) in reward.scores.iter().enumerate() {
        if let Score::Value(value) = score
            && !value.is_finite()
        {
            return Err(StepError::NotFinite { index, found: (*value).into() });
        }
    }
    if let Some(&unknown) = reward.used.iter().find(|&&id| id >= samples) {
        return Err(StepError::UnknownSample(unknown));
    }
    let mut names = std::collections::HashSet::new();
    for detail in &reward.details {
        let problem = match detail.value {
            DetailValue::Number(number) if !number.is_finite() => "that is not a finite number",
            _ if !names.insert(&detail.name) => "twice",
            _ => continue,
        };
        return Err(StepError::Detail { name: detail.name.clone(), problem });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

    fn judged(scores: Vec<Score>) -> Result<Judgement, ParseFailure> {
        Ok(Judgement { scores, principles: vec![], critique: None })
    }

    fn kind(outcome: Outcome) -> FailureKind {
        match outcome {
            Outcome::Failed(failure) => failure.kind,
            Outcome::Scored(scores) => panic!("expected a failure, found {scores:?}"),
        }
    }

    #[test]
    fn a_parser_cannot_smuggle_in_a_wrong_count_an_infinity_or_a_score_off_the_scale() {
        let order = Order::new(vec![1, 0], 2).unwrap();
        let check = |scores| outcome(&judged(scores), &order, 2, SCALE);
        assert_eq!(kind(check(vec![Score::Value(3.0)])), FailureKind::WrongCount);
        assert_eq!(kind(check(vec![Score::Value(f64::NAN), Score::Value(3.0)])), FailureKind::NotFinite);
        assert_eq!(kind(check(vec![Score::Value(3.0), Score::Value(f64::INFINITY)])), FailureKind::NotFinite);
        assert_eq!(kind(check(vec![Score::Value(0.0), Score::Value(3.0)])), FailureKind::OutOfScale);
        assert_eq!(kind(check(vec![Score::Value(3.0), Score::Value(10.5)])), FailureKind::OutOfScale);
        assert_eq!(kind(check(vec![Score::Value(3.5), Score::Value(3.0)])), FailureKind::OutOfScale);
    }

    #[test]
    fn principles_without_a_name_with_an_odd_weight_or_too_many_are_none() {
        let principle = |name: &str, weight| Principle { name: name.into(), weight, text: String::new() };
        let kind = |read| principles(read).map_err(|failure| failure.kind);
        let good = vec![principle("Truth", Some(0.0)), principle("Tone", None)];
        assert_eq!(kind(Ok(good.clone())), Ok(good));
        assert_eq!(kind(Ok(vec![])), Err(FailureKind::WrongCount));
        assert_eq!(kind(Ok(vec![principle("a", None); 65])), Err(FailureKind::WrongCount));
        assert_eq!(kind(Ok(vec![principle(" ", None)])), Err(FailureKind::Unparsable));
        assert_eq!(kind(Ok(vec![principle("a", Some(f64::NAN))])), Err(FailureKind::NotFinite));
        assert_eq!(kind(Ok(vec![principle("a", Some(-1.0))])), Err(FailureKind::OutOfScale));
        assert_eq!(kind(Err(ParseFailure::Unparsable("none".into()))), Err(FailureKind::Unparsable));
    }

    #[test]
    fn scores_in_shown_order_come_back_in_the_tasks_own_order() {
        let order = Order::new(vec![2, 0], 3).unwrap();
        let outcome = outcome(&judged(vec![Score::Value(9.0), Score::Abstain("n/a".into())]), &order, 3, SCALE);
        assert_eq!(outcome, Outcome::Scored(vec![Some(Score::Abstain("n/a".into())), None, Some(Score::Value(9.0))]));
    }

    #[test]
    fn a_reward_must_have_a_finite_score_for_each_response_and_name_only_samples_that_exist() {
        let of = |scores, used| Reward { scores, used, details: vec![] };
        let good = vec![Score::Value(17.0), Score::Abstain("none".into())];
        assert_eq!(reward(&of(good.clone(), vec![0]), 2, 1), Ok(()));
        assert_eq!(reward(&of(good.clone(), vec![1]), 2, 1), Err(StepError::UnknownSample(1)));
        assert_eq!(reward(&of(good, vec![]), 3, 1), Err(StepError::WrongCount { expected: 3, found: 2 }));
        let nan = reward(&of(vec![Score::Value(f64::NAN)], vec![]), 1, 0);
        assert_eq!(nan, Err(StepError::NotFinite { index: 0, found: f64::NAN.into() }));
    }

    #[test]
    fn a_draw_beyond_the_budget_or_at_no_temperature_is_refused() {
        let draw = |temperature| Draw { order: vec![0], temperature };
        assert_eq!(draws(vec![draw(None); 3], 1, 2, 0.5), Err(StepError::TooManySamples { asked: 3, left: 2 }));
        assert_eq!(draws(vec![], 1, 2, 0.5), Err(StepError::NoSamples));
        assert_eq!(draws(vec![draw(Some(-1.0))], 1, 2, 0.5), Err(StepError::Temperature((-1.0).into())));
        assert_eq!(draws(vec![draw(None)], 1, 2, 0.5).unwrap()[0].temperature, 0.5);
    }
}

//! Guest values become host values here: counts, finiteness, the scale.

use rewarden_types::{
    AnswerForm, CriterionScore, DetailValue, Draw, Failure, FailureKind, Judgement, NamedJudge, Outcome, ParseFailure,
    Principle, Prompt, PromptInput, Question, Rejection, Reward, Scale, Score, listed, shown as shown_text,
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

/// What the host takes of a parser, of a judgement about this many responses.
///
/// # Errors
/// What is wrong with it first.
pub fn accepted_judgement(judgement: &Judgement, shown: usize, scale: Scale) -> Result<(), Failure> {
    let order = Order::new((0..).zip(0..shown).map(|(index, _)| index).collect(), shown);
    let order = order.map_err(|error| Failure::new(FailureKind::WrongCount, error.to_string()))?;
    place(judgement, &order, shown, scale).map(|_| ())
}

/// What the host takes of a policy at the end of a task with this many responses and samples.
///
/// # Errors
/// What is wrong with it first.
pub fn accepted_reward(reward: &Reward, responses: usize, samples: u32) -> Result<(), String> {
    self::reward(reward, responses, samples).map_err(|error| error.to_string())
}

fn place(judgement: &Judgement, order: &Order, responses: usize, scale: Scale) -> Result<Vec<Option<Score>>, Failure> {
    criteria(judgement, order.shown(), scale)?;
    certainty(judgement, order.shown(), scale)?;
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

/// The most scores by criterion that a judgement or a reward may have: 64 criteria of 256 responses.
const MOST_CRITERIA: usize = 16_384;

/// Bytes of a criterion's name, which may be its whole text.
const CRITERION_BYTES: usize = 4096;

/// How far a sum of probabilities may be from 1.
const ROUNDING: f64 = 1e-6;

fn criteria(judgement: &Judgement, shown: usize, scale: Scale) -> Result<(), Failure> {
    let fail = |kind, message| Err(Failure { kind, message });
    let all = &judgement.criteria;
    if all.len() > MOST_CRITERIA {
        let message = format!("expected at most {MOST_CRITERIA} scores by criterion, found {}", all.len());
        return fail(FailureKind::WrongCount, message);
    }
    for (number, entry) in (1..).zip(all) {
        let CriterionScore { criterion, response, score, .. } = entry;
        if criterion.trim().is_empty() || criterion.len() > CRITERION_BYTES {
            let message = format!("criterion score {number}: expected a name of 1 to {CRITERION_BYTES} bytes");
            return fail(FailureKind::Unparsable, message);
        }
        if usize::try_from(*response).map_or(true, |response| response >= shown) {
            let message =
                format!("criterion score {number}: expected one of {shown} responses, found place {response}");
            return fail(FailureKind::WrongCount, message);
        }
        if let Score::Value(value) = score {
            let off = |off: rewarden_types::OffScale| {
                Failure::new(
                    off.kind,
                    format!("criterion `{}` of response {}: {off}", shown_text(criterion), response + 1),
                )
            };
            scale.check(*value).map_err(off)?;
        }
    }
    Ok(())
}

/// Checks the confidence and the distributions, which a parser computed from what a model gave.
fn certainty(judgement: &Judgement, shown: usize, scale: Scale) -> Result<(), Failure> {
    let fail = |kind, message| Err(Failure { kind, message });
    if let Some(confidence) = judgement.confidence
        && !(0.0..=1.0).contains(&confidence)
    {
        return fail(FailureKind::OutOfScale, format!("expected a confidence from 0 to 1, found {confidence}"));
    }
    let all = &judgement.distributions;
    if !all.is_empty() && all.len() != shown {
        let message = format!("expected a distribution for each of {shown} responses, found {}", all.len());
        return fail(FailureKind::WrongCount, message);
    }
    for (number, levels) in (1..).zip(all).filter(|(_, levels)| !levels.is_empty()) {
        let at = |what: String| format!("the distribution of response {number}: {what}");
        for level in levels {
            scale.check(level.score).map_err(|off| Failure::new(off.kind, at(off.to_string())))?;
            if !(0.0..=1.0).contains(&level.probability) {
                let message = at(format!("expected probabilities from 0 to 1, found {}", level.probability));
                return fail(FailureKind::OutOfScale, message);
            }
        }
        let sum: f64 = levels.iter().map(|level| level.probability).sum();
        if (sum - 1.0).abs() > ROUNDING {
            return fail(FailureKind::OutOfScale, at(format!("expected probabilities that add up to 1, found {sum}")));
        }
        let mut scores: Vec<f64> = levels.iter().map(|level| level.score).collect();
        scores.sort_by(f64::total_cmp);
        if scores.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return fail(FailureKind::WrongCount, at("expected each score once".to_owned()));
        }
    }
    Ok(())
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

/// Roles of turns, the most bytes of one.
const ROLE_BYTES: usize = 64;
/// Options of one question, and questions of one prompt.
const MOST_OPTIONS: usize = 255;
const MOST_LEVELS: usize = 10;
const MOST_QUESTIONS: usize = 256;

/// Checks what a prompt of contract 0.3 may say that earlier ones could not: roles, and questions to decision models.
///
/// # Errors
/// What is wrong with it, as a refusal: it cannot be sent.
pub(crate) fn prompt(prompt: &Prompt) -> Result<(), Failure> {
    let fail = |message: String| Err(Failure::new(FailureKind::Refused, format!("the template's prompt: {message}")));
    match &prompt.input {
        PromptInput::Text(_) => Ok(()),
        PromptInput::Chat(turns) => {
            let fits = |role: &str| {
                (1..=ROLE_BYTES).contains(&role.len())
                    && role.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            };
            match turns.iter().find(|turn| !fits(&turn.role)) {
                Some(turn) => fail(format!(
                    "expected roles of 1 to {ROLE_BYTES} letters, digits, `_` and `-`, found `{}`",
                    shown_text(&turn.role)
                )),
                None => Ok(()),
            }
        }
        PromptInput::Questions { questions, .. } => {
            if questions.is_empty() || questions.len() > MOST_QUESTIONS {
                return fail(format!("expected 1 to {MOST_QUESTIONS} questions, found {}", questions.len()));
            }
            let ids: Vec<&str> = questions.iter().map(|question| question.id.as_str()).collect();
            if ids.contains(&"") {
                return fail("expected an id of each question, found an empty one".to_owned());
            }
            if let Some(twice) = repeated(&ids) {
                return fail(format!("the question `{}` is there twice", shown_text(twice)));
            }
            for Question { id, form, .. } in questions {
                let answers = form.answers();
                let most = if matches!(form, AnswerForm::Levels(_)) { MOST_LEVELS } else { MOST_OPTIONS };
                let at = shown_text(id);
                if !(2..=most).contains(&answers.len()) {
                    return fail(format!("question `{at}`: expected 2 to {most} answers, found {}", answers.len()));
                }
                if answers.iter().any(String::is_empty) || repeated(&answers).is_some() {
                    return fail(format!("question `{at}`: expected answers with names, each once"));
                }
            }
            Ok(())
        }
    }
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
    #[error("asked for a sample of no judge by name, but the pack has only [judges.NAME]: {0}")]
    NoOwnJudge(String),
    #[error("asked the judge `{name}`; the pack has {known}")]
    UnknownJudge { name: String, known: String },
    #[error("asked about the criterion `{0}` twice in one draw")]
    RepeatedCriterion(String),
    #[error("asked to show sample {0}, which was not drawn before")]
    UnknownShown(u32),
    #[error("asked to show sample {0} twice in one draw")]
    RepeatedShown(u32),
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
    #[error("finished rejecting sample {sample}, {problem}")]
    Rejection { sample: u32, problem: &'static str },
    #[error("finished with a score under criterion `{criterion}` for response {response}, {problem}")]
    Criterion { criterion: String, response: u32, problem: &'static str },
    #[error("finished with {0} scores by criterion, more than the {MOST_CRITERIA} allowed")]
    TooManyCriteria(usize),
    #[error("finished with confidence {0}; expected a number from 0 to 1")]
    Confidence(SettingNumber),
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
    /// `None` is the pack's own.
    pub(crate) judge: Option<String>,
    pub(crate) asked: Vec<String>,
    pub(crate) show: Vec<u32>,
}

/// What draws may name.
#[derive(Clone, Copy)]
pub(crate) struct Drawable<'a> {
    pub(crate) responses: usize,
    /// Samples that were drawn before.
    pub(crate) drawn: u32,
    /// Samples that are left of the budget.
    pub(crate) left: u32,
    /// The temperature of the pack's own judge.
    pub(crate) temperature: f64,
    pub(crate) has_own_judge: bool,
    pub(crate) judges: &'a [NamedJudge],
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

pub(crate) fn draws(draws: Vec<Draw>, of: Drawable<'_>) -> Result<Vec<CheckedDraw>, StepError> {
    if draws.is_empty() {
        return Err(StepError::NoSamples);
    }
    if draws.len() > of.left as usize {
        return Err(StepError::TooManySamples { asked: draws.len(), left: of.left });
    }
    draws.into_iter().map(|draw| checked(draw, of)).collect()
}

fn checked(draw: Draw, of: Drawable<'_>) -> Result<CheckedDraw, StepError> {
    let Draw { order, temperature, judge, asked, show } = draw;
    let names = || of.judges.iter().map(|judge| judge.name.clone()).collect::<Vec<_>>();
    let usual = match &judge {
        None if of.has_own_judge => of.temperature,
        None if of.judges.is_empty() => return Err(StepError::NoTemplate),
        None => return Err(StepError::NoOwnJudge(listed(&names()))),
        Some(name) => match of.judges.iter().find(|judge| judge.name == *name) {
            Some(judge) => judge.temperature,
            None => {
                let known = if of.judges.is_empty() { "no [judges.NAME]".to_owned() } else { listed(&names()) };
                return Err(StepError::UnknownJudge { name: shown_text(name), known });
            }
        },
    };
    let temperature = temperature.unwrap_or(usual);
    if !temperature.is_finite() || temperature < 0.0 {
        return Err(StepError::Temperature(temperature.into()));
    }
    if let Some(twice) = repeated(&asked) {
        return Err(StepError::RepeatedCriterion(shown_text(twice)));
    }
    if let Some(unknown) = show.iter().find(|id| **id >= of.drawn) {
        return Err(StepError::UnknownShown(*unknown));
    }
    if let Some(twice) = repeated(&show) {
        return Err(StepError::RepeatedShown(*twice));
    }
    Ok(CheckedDraw { order: Order::new(order, of.responses)?, temperature, judge, asked, show })
}

/// The first entry that is there a second time.
fn repeated<T: std::hash::Hash + Eq>(entries: &[T]) -> Option<&T> {
    let mut seen = std::collections::HashSet::new();
    entries.iter().find(|entry| !seen.insert(*entry))
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
    rejected(reward, samples)?;
    reward_criteria(&reward.criteria, responses)?;
    if let Some(confidence) = reward.confidence
        && !(0.0..=1.0).contains(&confidence)
    {
        return Err(StepError::Confidence(confidence.into()));
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

fn rejected(reward: &Reward, samples: u32) -> Result<(), StepError> {
    let mut seen = std::collections::HashSet::new();
    for Rejection { sample, .. } in &reward.rejected {
        let problem = match sample {
            sample if *sample >= samples => "which was not drawn",
            sample if reward.used.contains(sample) => "which it used",
            sample if !seen.insert(*sample) => "twice",
            _ => continue,
        };
        return Err(StepError::Rejection { sample: *sample, problem });
    }
    Ok(())
}

fn reward_criteria(criteria: &[CriterionScore], responses: usize) -> Result<(), StepError> {
    if criteria.len() > MOST_CRITERIA {
        return Err(StepError::TooManyCriteria(criteria.len()));
    }
    let mut seen = std::collections::HashSet::new();
    for CriterionScore { criterion, response, score, .. } in criteria {
        let problem = match score {
            _ if usize::try_from(*response).map_or(true, |response| response >= responses) => "which does not exist",
            _ if criterion.trim().is_empty() || criterion.len() > CRITERION_BYTES => "whose name is empty or too long",
            Score::Value(value) if !value.is_finite() => "which is not a finite number",
            _ if !seen.insert((criterion, response)) => "twice",
            _ => continue,
        };
        return Err(StepError::Criterion { criterion: shown_text(criterion), response: *response, problem });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rewarden_types::{RejectionKind, ScoreLevel};

    use super::*;

    const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

    fn judged(scores: Vec<Score>) -> Result<Judgement, ParseFailure> {
        Ok(Judgement { scores, ..Judgement::default() })
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
        let of = |scores, used| Reward { scores, used, ..Reward::default() };
        let good = vec![Score::Value(17.0), Score::Abstain("none".into())];
        assert_eq!(reward(&of(good.clone(), vec![0]), 2, 1), Ok(()));
        assert_eq!(reward(&of(good.clone(), vec![1]), 2, 1), Err(StepError::UnknownSample(1)));
        assert_eq!(reward(&of(good, vec![]), 3, 1), Err(StepError::WrongCount { expected: 3, found: 2 }));
        let nan = reward(&of(vec![Score::Value(f64::NAN)], vec![]), 1, 0);
        assert_eq!(nan, Err(StepError::NotFinite { index: 0, found: f64::NAN.into() }));
    }

    #[test]
    fn a_draw_beyond_the_budget_or_at_no_temperature_is_refused() {
        let draw = |temperature| Draw { order: vec![0], temperature, ..Draw::default() };
        let draws = |wanted| draws(wanted, DRAWABLE);
        assert_eq!(draws(vec![draw(None); 3]), Err(StepError::TooManySamples { asked: 3, left: 2 }));
        assert_eq!(draws(vec![]), Err(StepError::NoSamples));
        assert_eq!(draws(vec![draw(Some(-1.0))]), Err(StepError::Temperature((-1.0).into())));
        assert_eq!(draws(vec![draw(None)]).unwrap()[0].temperature, 0.5);
    }

    const DRAWABLE: Drawable<'static> =
        Drawable { responses: 1, drawn: 2, left: 2, temperature: 0.5, has_own_judge: true, judges: &[] };

    #[test]
    fn a_draw_names_judges_of_the_pack_and_samples_that_were_drawn() {
        let strong = [NamedJudge { name: "strong".into(), temperature: 0.25 }];
        let draw = Draw { order: vec![0], ..Draw::default() };
        let named = |name: &str| Draw { judge: Some(name.into()), ..draw.clone() };
        let told = |draw: Draw, of: Drawable<'_>| draws(vec![draw], of).unwrap_err().to_string();
        let of = Drawable { judges: &strong, ..DRAWABLE };
        assert_eq!(draws(vec![named("strong")], of).unwrap()[0].temperature, 0.25);
        assert_eq!(told(named("weak"), of), "asked the judge `weak`; the pack has strong");
        assert_eq!(told(named("weak"), DRAWABLE), "asked the judge `weak`; the pack has no [judges.NAME]");
        let without = Drawable { has_own_judge: false, ..of };
        assert!(told(draw.clone(), without).ends_with("the pack has only [judges.NAME]: strong"));
        assert_eq!(told(draw.clone(), Drawable { judges: &[], ..without }), StepError::NoTemplate.to_string());
        assert_eq!(told(Draw { show: vec![0, 2], ..draw.clone() }, of), StepError::UnknownShown(2).to_string());
        assert_eq!(told(Draw { show: vec![1, 1], ..draw.clone() }, of), StepError::RepeatedShown(1).to_string());
        let asked = vec!["a".to_owned(), "a".to_owned()];
        assert_eq!(told(Draw { asked, ..draw }, of), StepError::RepeatedCriterion("a".into()).to_string());
    }

    #[test]
    fn criteria_and_probabilities_that_cannot_be_fail_the_sample() {
        let order = Order::new(vec![1, 0], 2).unwrap();
        let scored = Judgement { scores: vec![Score::Value(3.0), Score::Value(4.0)], ..Judgement::default() };
        let check = |judgement: Judgement| outcome(&Ok(judgement), &order, 2, SCALE);
        let criterion = |name: &str, response, value| Judgement {
            criteria: vec![CriterionScore {
                criterion: name.into(),
                response,
                score: Score::Value(value),
                reason: None,
            }],
            ..scored.clone()
        };
        assert!(matches!(check(criterion("tone", 1, 3.0)), Outcome::Scored(_)));
        assert_eq!(kind(check(criterion("tone", 2, 3.0))), FailureKind::WrongCount);
        assert_eq!(kind(check(criterion("tone", 1, 11.0))), FailureKind::OutOfScale);
        assert_eq!(kind(check(criterion("tone", 1, f64::NAN))), FailureKind::NotFinite);
        assert_eq!(kind(check(criterion(" ", 1, 3.0))), FailureKind::Unparsable);
        assert_eq!(kind(check(Judgement { confidence: Some(1.5), ..scored.clone() })), FailureKind::OutOfScale);
        assert_eq!(kind(check(Judgement { confidence: Some(f64::NAN), ..scored.clone() })), FailureKind::OutOfScale);
        let spread = |levels: &[(f64, f64)]| {
            let level = |&(score, probability): &(f64, f64)| ScoreLevel { score, probability };
            Judgement { distributions: vec![levels.iter().map(level).collect(), vec![]], ..scored.clone() }
        };
        assert!(matches!(check(spread(&[(3.0, 0.25), (4.0, 0.75)])), Outcome::Scored(_)));
        assert_eq!(kind(check(spread(&[(3.0, 0.25), (4.0, 0.7)]))), FailureKind::OutOfScale);
        assert_eq!(kind(check(spread(&[(3.0, -0.5), (4.0, 1.5)]))), FailureKind::OutOfScale);
        assert_eq!(kind(check(spread(&[(3.0, 0.5), (3.0, 0.5)]))), FailureKind::WrongCount);
        assert_eq!(kind(check(spread(&[(0.0, 1.0)]))), FailureKind::OutOfScale);
        let one = Judgement { distributions: vec![vec![]], ..scored };
        assert_eq!(kind(check(one)), FailureKind::WrongCount);
    }

    #[test]
    fn a_reward_rejects_only_samples_that_exist_and_that_it_did_not_use() {
        let rejecting = |samples: &[u32]| {
            let reject =
                |sample: &u32| Rejection { sample: *sample, kind: RejectionKind::Other, message: String::new() };
            let rejected = samples.iter().map(reject).collect();
            let scores = vec![Score::Value(1.0)];
            reward(&Reward { scores, used: vec![0], rejected, ..Reward::default() }, 1, 3)
        };
        assert_eq!(rejecting(&[1, 2]), Ok(()));
        for (samples, problem) in [([3, 1], "which was not drawn"), ([0, 1], "which it used"), ([1, 1], "twice")] {
            let sample = samples[0];
            assert_eq!(rejecting(&samples), Err(StepError::Rejection { sample, problem }));
        }
    }
}

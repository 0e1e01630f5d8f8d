//! A decision model's protocol over any pack: `POST /v1/systemone` and `POST /v1/evaluations`.
//!
//! Each question is a task of its own, so that no question changes another's answer. A yes-no question and a choice are tasks
//! with an option a response; the probability of an option is the share of samples that put it first. A question of levels is a
//! task with the text as its one response; the probability of a level is the share of samples whose score, spread evenly over
//! the pack's scale, is nearest to it. A pack without samples, and samples that compare only a part of the options, are
//! answered by the reward: all of the probability on the best, or shared by the best.
//!
//! `confidence` follows the reference formulas of jevcompat 0.1. Errors have FastAPI's form, as the protocol's clients expect.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ask::Ask;
use crate::asked::Asked;
use crate::config::Dialect;
use crate::conversation::question;
use crate::endpoint::{DialectEndpoint, ErrorForm, schema};
use crate::json::parse;
use crate::outcome::AskOutcome;
use crate::problem::{Problem, ProblemKind};
use crate::reply::NO_MODEL;
use crate::request::Url;
use crate::settings::Dialects;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[DialectEndpoint {
    paths: &["/v1/systemone", "/v1/evaluations"],
    summary: "a decision model: typed questions, probabilities",
    schema: schema::<Body>,
    read: systemone,
    errors: ErrorForm::Detail,
}];

/// Questions of one request, options of a choice, levels of a score.
const MOST_QUESTIONS: usize = 256;
const MOST_OPTIONS: usize = 255;
const MOST_LEVELS: usize = 10;

#[derive(Deserialize, ToSchema)]
struct Body {
    #[serde(default)]
    model: Option<String>,
    /// A text, an object or a list.
    state: Value,
    /// Questions by their ids.
    #[schema(value_type = Object)]
    questions: Map<String, Value>,
}

/// A question with what is needed to write its answer.
struct Asking {
    id: String,
    form: Form,
}

enum Form {
    Noul,
    /// The options' names.
    Choice(Vec<String>),
    /// The levels as they were given.
    Score(Vec<Value>),
}

fn systemone(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Body = parse(body)?;
    if body.questions.is_empty() || body.questions.len() > MOST_QUESTIONS {
        let detail = format!("expected 1 to {MOST_QUESTIONS} questions, found {}", body.questions.len());
        return Err(Problem::at("/questions", detail));
    }
    if body.state.is_null() {
        return Err(Problem::at("/state", "expected a text, an object or a list, found null"));
    }
    let state = text(&body.state);
    let base = dialects.ask(Dialect::Systemone, url, body.model.as_deref());
    let (mut asks, mut askings) = (Vec::new(), Vec::new());
    for (id, question) in &body.questions {
        let pointer = format!("/questions/{}", id.replace('~', "~0").replace('/', "~1"));
        if id.is_empty() {
            return Err(Problem::at(pointer, "expected an id of the question, found an empty one"));
        }
        let (form, ask) = ask(&state, question, &pointer, &base)?;
        asks.push((pointer, ask));
        askings.push(Asking { id: id.clone(), form });
    }
    let model = body.model.unwrap_or_else(|| NO_MODEL.to_owned());
    Ok(Asked::batch(asks, move |outcomes| {
        let mut answers = Map::new();
        for (asking, outcome) in askings.iter().zip(outcomes) {
            answers.insert(asking.id.clone(), answer(asking, outcome)?);
        }
        let pack = outcomes.first().map(AskOutcome::pack).unwrap_or_default();
        // The server's metrics hold what a judgement costs; it is not tokens of this text.
        let usage = json!({ "input_tokens": 0, "output_tokens": 0 });
        Ok(json!({ "model": model, "answers": answers, "usage": usage, "x_rewarden_pack": pack }))
    }))
}

/// The task that a question is.
fn ask(state: &str, asked: &Value, at: &str, base: &Ask) -> Result<(Form, Ask), Problem> {
    let criteria = asked.get("criteria").filter(|criteria| !criteria.is_null());
    let instructions = asked.get("instructions").filter(|text| !text.is_null()).map(text);
    let wrong = |field: &str, detail: String| Err(Problem::at(format!("{at}{field}"), detail));
    let options = |names: Vec<(String, Option<String>)>| {
        let about = instructions.as_deref().unwrap_or("Which of these is right?");
        let option = |(name, text): (String, Option<String>)| match text {
            Some(text) => format!("{name}: {text}"),
            None => name,
        };
        Ask {
            messages: question(format!("{state}\n\n{about}")),
            responses: names.into_iter().map(option).collect(),
            ..base.clone()
        }
    };
    match asked.get("type").and_then(Value::as_str) {
        Some("noul") => {
            let side = |name: &str| criteria.and_then(|criteria| criteria.get(name)).filter(|v| !v.is_null()).map(text);
            let (yes, no) = (side("true"), side("false"));
            if instructions.is_none() && yes.is_none() && no.is_none() {
                return wrong("/instructions", "expected instructions or criteria, found neither".to_owned());
            }
            Ok((Form::Noul, options(vec![("Yes".to_owned(), yes), ("No".to_owned(), no)])))
        }
        Some("choice") => {
            let Some(Value::Object(criteria)) = criteria else {
                return wrong("/criteria", "expected an object of options".to_owned());
            };
            if !(2..=MOST_OPTIONS).contains(&criteria.len()) {
                let detail = format!("expected 2 to {MOST_OPTIONS} options, found {}", criteria.len());
                return wrong("/criteria", detail);
            }
            let option = |(name, value): (&String, &Value)| (name.clone(), (!value.is_null()).then(|| text(value)));
            let names = criteria.keys().cloned().collect();
            Ok((Form::Choice(names), options(criteria.iter().map(option).collect())))
        }
        Some("score") => {
            let Some(Value::Array(levels)) = criteria else {
                return wrong("/criteria", "expected a list of levels from worst to best".to_owned());
            };
            if !(2..=MOST_LEVELS).contains(&levels.len()) || levels.iter().any(Value::is_null) {
                let detail = format!("expected 2 to {MOST_LEVELS} levels, none of them null, found {}", levels.len());
                return wrong("/criteria", detail);
            }
            let about = instructions.as_deref().unwrap_or("How does this text rate?");
            let listed: Vec<String> =
                levels.iter().enumerate().map(|(level, of)| format!("{level}: {}", text(of))).collect();
            let asked = format!("{about}\n\nThe levels, from worst to best:\n{}", listed.join("\n"));
            let ask = Ask { messages: question(asked), responses: vec![state.to_owned()], ..base.clone() };
            Ok((Form::Score(levels.clone()), ask))
        }
        Some(other) => wrong("/type", format!("expected noul, choice or score, found {other:?}")),
        None => wrong("/type", "expected noul, choice or score, found none".to_owned()),
    }
}

/// A text as it is; anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn answer(asking: &Asking, outcome: &AskOutcome) -> Result<Value, Problem> {
    match &asking.form {
        Form::Noul => Ok(json!({ "type": "noul", "noul": options(outcome, 2)?.first().copied().unwrap_or_default() })),
        Form::Choice(names) => {
            let shares = options(outcome, names.len())?;
            let top = shares.iter().copied().fold(0.0, f64::max);
            let chosen = names.iter().zip(&shares).find(|(_, share)| **share == top).map(|(name, _)| name);
            let uniform = 1.0 / names.len() as f64;
            let confidence = ((top - uniform) / (1.0 - uniform)).clamp(0.0, 1.0);
            let named: Map<String, Value> =
                names.iter().zip(&shares).map(|(name, share)| (name.clone(), json!(share))).collect();
            Ok(json!({ "type": "choice", "choice": chosen, "confidence": confidence, "probabilities": named }))
        }
        Form::Score(levels) => {
            let shares = spread(outcome, levels.len())?;
            let score: f64 = shares.iter().enumerate().map(|(level, share)| level as f64 * share).sum();
            let numbered = |value: &dyn Fn(usize) -> Value| -> Map<String, Value> {
                (0..levels.len()).map(|level| (level.to_string(), value(level))).collect()
            };
            let legend = numbered(&|level| json!(levels.get(level).map(text)));
            let probabilities = numbered(&|level| json!(shares.get(level)));
            let confidence = nearness(&shares);
            Ok(json!({
                "type": "score", "score": score, "confidence": confidence, "legend": legend, "probabilities": probabilities,
            }))
        }
    }
}

/// One minus the mean distance from the most probable level, as a share of what a uniform distribution has from the middle.
fn nearness(shares: &[f64]) -> f64 {
    let top = shares.iter().copied().fold(0.0, f64::max);
    let mode = shares.iter().position(|share| *share == top).unwrap_or_default() as f64;
    let distance: f64 = shares.iter().enumerate().map(|(level, share)| share * (level as f64 - mode).abs()).sum();
    let middle = (shares.len() as f64 - 1.0) / 2.0;
    let uniform: f64 = (0..shares.len()).map(|level| (level as f64 - middle).abs()).sum::<f64>() / shares.len() as f64;
    (1.0 - distance / uniform).clamp(0.0, 1.0)
}

/// For each option the share of samples that put it first; equal ones share.
fn options(outcome: &AskOutcome, count: usize) -> Result<Vec<f64>, Problem> {
    let samples = outcome.sampled();
    let whole: Vec<Vec<f64>> = samples
        .iter()
        .filter_map(|scores| scores.iter().copied().collect::<Option<Vec<f64>>>())
        .filter(|scores| scores.len() == count)
        .collect();
    let votes = if whole.is_empty() { vec![rewarded(outcome, count)?] } else { whole };
    let mut shares = vec![0.0; count];
    for scores in &votes {
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first: Vec<usize> = (0..count).filter(|option| scores.get(*option) == Some(&top)).collect();
        for option in &first {
            if let Some(share) = shares.get_mut(*option) {
                *share += 1.0 / (first.len() * votes.len()) as f64;
            }
        }
    }
    Ok(shares)
}

/// For each level the share of samples whose score is nearest to it.
fn spread(outcome: &AskOutcome, levels: usize) -> Result<Vec<f64>, Problem> {
    let sampled: Vec<f64> = outcome.sampled().iter().filter_map(|scores| scores.first().copied().flatten()).collect();
    let scores = if sampled.is_empty() { rewarded(outcome, 1)? } else { sampled };
    let (min, max) = outcome.scale();
    let last = levels.saturating_sub(1) as f64;
    let mut shares = vec![0.0; levels];
    for score in &scores {
        let level = ((score - min) / (max - min) * last).round().clamp(0.0, last);
        if let Some(share) = shares.get_mut(level as usize) {
            *share += 1.0 / scores.len() as f64;
        }
    }
    Ok(shares)
}

/// The reward of each response.
fn rewarded(outcome: &AskOutcome, count: usize) -> Result<Vec<f64>, Problem> {
    (0..count)
        .map(|response| {
            outcome.score(response).map_err(|failure| {
                let kind = if failure.is_the_requests() { failure.problem.kind } else { ProblemKind::Unavailable };
                Problem { kind, ..failure.problem }
            })
        })
        .collect()
}

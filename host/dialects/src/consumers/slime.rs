//! slime's remote reward model: `POST /slime` for a sample, `POST /slime/group` for a group.
//!
//! slime takes the whole reply as the reward: a bare number, or an object of which it reads `--reward-key`. It tries a
//! status that is not 2xx up to ten times and then stops the run. So a sample without a score fails, unless the
//! operator has set a floor for objects, which then say `failed: 1`.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Array, Object, OneOf, RefOr, Schema};

use crate::ask::{Ask, Turn};
use crate::asked::Asked;
use crate::cohort::cohort;
use crate::config::{Dialect, DialectConfig, SlimeReply};
use crate::conversation::{question, references, turns};
use crate::endpoint::{DialectEndpoint, ErrorForm, Schemas, schema};
use crate::json::{parse, view};
use crate::outcome::AskOutcome;
use crate::problem::{Problem, ProblemKind};
use crate::request::Url;
use crate::settings::Dialects;
use crate::special_tokens::without_end;
use crate::untemplate::ChatFormat;

pub(super) const ENDPOINTS: &[DialectEndpoint] = &[
    DialectEndpoint {
        paths: &["/slime"],
        summary: "slime's remote reward model, one sample",
        schema: schema::<Sample>,
        read: sample,
        errors: ErrorForm::Problem,
    },
    DialectEndpoint {
        paths: &["/slime/group"],
        summary: "slime's samples of a group",
        schema: group_schema,
        read: group,
        errors: ErrorForm::Problem,
    },
];

#[derive(Deserialize, ToSchema)]
struct Sample {
    /// A text, or a list of messages.
    prompt: Value,
    /// A text, its parts, or turns of which the last are judged.
    response: Value,
    #[serde(default)]
    label: Option<Value>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

fn group_schema(schemas: &mut Schemas) -> RefOr<Schema> {
    let mut samples = || Schema::Array(Array::new(schema::<Sample>(schemas)));
    let wrapped = Object::builder().property("samples", samples()).required("samples");
    OneOf::builder().item(samples()).item(wrapped).into()
}

/// One sample, which may be a member of a cohort.
fn sample(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Value = parse(body)?;
    let ask = Ask { cohort: cohort(&body, "", url, || None)?, ..ask(dialects, &body, "", url)? };
    let form = Form::of(dialects, url);
    Ok(Asked::one(ask, move |outcome| form.reward(outcome, 0)))
}

/// A list of samples, or an object with it as `samples`. Samples with the same prompt, label and metadata are judged
/// together.
fn group(dialects: &Dialects, url: &Url, body: &[u8]) -> Result<Asked, Problem> {
    let body: Value = parse(body)?;
    let (samples, at) = match (&body, body.get("samples")) {
        (Value::Array(samples), _) => (samples, ""),
        (_, Some(Value::Array(samples))) => (samples, "/samples"),
        _ => return Err(Problem::at("/samples", "expected a list of samples")),
    };
    let mut asks: Vec<(String, Ask)> = Vec::new();
    let mut places = Vec::with_capacity(samples.len());
    for (index, sample) in samples.iter().enumerate() {
        let pointer = format!("{at}/{index}");
        let mut one = ask(dialects, sample, &pointer, url)?;
        let same = |(_, ask): &(String, Ask)| {
            ask.messages == one.messages && ask.references == one.references && ask.metadata == one.metadata
        };
        let place = match asks.iter().position(same) {
            Some(place) => place,
            None => {
                asks.push((pointer, Ask { responses: Vec::new(), ..one.clone() }));
                asks.len() - 1
            }
        };
        if let Some((_, ask)) = asks.get_mut(place) {
            places.push((place, ask.responses.len()));
            ask.responses.append(&mut one.responses);
        }
    }
    let (form, at) = (Form::of(dialects, url), at.to_owned());
    Ok(Asked::batch(asks, move |outcomes| {
        let reward = |(index, (place, response)): (usize, &(usize, usize))| {
            let outcome =
                outcomes.get(*place).ok_or_else(|| Problem::new(ProblemKind::Internal, "an answer is missing"))?;
            let placed = |problem| Problem { pointer: Some(format!("{at}/{index}")), ..problem };
            form.reward(outcome, *response).map_err(placed)
        };
        let rewards: Result<Vec<Value>, Problem> = places.iter().enumerate().map(reward).collect();
        rewards.map(Value::Array)
    }))
}

fn ask(dialects: &Dialects, sample: &Value, at: &str, url: &Url) -> Result<Ask, Problem> {
    let inside = |problem: Problem| {
        let pointer = format!("{at}{}", problem.pointer.as_deref().unwrap_or_default());
        Problem { pointer: Some(pointer), ..problem }
    };
    let format = dialects.format(Dialect::Slime, url, None)?;
    let sample: Sample = view(sample).map_err(inside)?;
    let mut messages = messages(&sample.prompt, format).map_err(inside)?;
    let response = rewarden_input::completion(&sample.response, "/response").map_err(|error| inside(error.into()))?;
    messages.extend(response.before.into_iter().map(Turn::from));
    Ok(Ask {
        messages,
        responses: vec![without_end(&response.answer, format).to_owned()],
        references: references(sample.label.as_ref(), "/label").map_err(inside)?,
        metadata: sample.metadata.unwrap_or_default(),
        ..dialects.ask(Dialect::Slime, url, None)
    })
}

/// How a sample's reward is written.
#[derive(Clone, Copy)]
struct Form {
    reply: SlimeReply,
    floor: Option<f64>,
}

impl Form {
    fn of(dialects: &Dialects, url: &Url) -> Self {
        let DialectConfig { slime_reply, floors, .. } = &dialects.config;
        Self { reply: url.reply.unwrap_or(*slime_reply), floor: floors.slime }
    }

    fn reward(self, outcome: &AskOutcome, response: usize) -> Result<Value, Problem> {
        let (samples, valid) = outcome.samples();
        let fields = |score: f64, failed: u8, failure: &str| {
            json!({
                "score": score, "failed": failed, "failure": failure, "samples": samples, "valid": valid,
                "tied": u8::from(outcome.tied(response)), "criteria": outcome.criteria(response), "pack": outcome.pack(),
            })
        };
        match (self.reply, outcome.score(response), self.floor) {
            (SlimeReply::Number, Ok(score), _) => Ok(score.into()),
            (SlimeReply::Fields, Ok(score), _) => Ok(fields(score, 0, "")),
            (SlimeReply::Fields, Err(failure), Some(floor)) if !failure.is_the_requests() => {
                Ok(fields(floor, 1, &failure.kind))
            }
            (_, Err(failure), _) => Err(failure.problem),
        }
    }
}

fn messages(prompt: &Value, format: Option<&ChatFormat>) -> Result<Vec<Turn>, Problem> {
    match (prompt, format) {
        (Value::String(text), None) => Ok(question(text.as_str())),
        (Value::String(text), Some(format)) => format
            .untemplate_prompt(text)
            .map_err(|error| Problem { pointer: Some("/prompt".to_owned()), ..Problem::from(error) }),
        (conversation, _) => turns(conversation, "/prompt"),
    }
}

//! A decision model behind a server: it answers typed questions about a text with probabilities, in one forward pass, and
//! writes no text.
//!
//! Spoken are `POST /v1/systemone` (TypeSafe's protocol, which vLLM, SGLang and others serve too) and its variant
//! `POST /v1/evaluations`. A template gives the text and the questions
//! ([`PromptInput::Questions`](rewarden_types::PromptInput::Questions)); the completion's text is one JSON object with the
//! probabilities of each question's answers, so runs record it like any sample and a parser reads it. Servers also send a
//! confidence, which has another meaning with each of them; only the probabilities are taken.
//!
//! Nothing is sampled: of a request's sampling nothing is sent, and the same request gives the same answer as far as the
//! server does.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use reqwest::Response;
use rewarden_types::{
    AnswerForm, Completion, FinishReason, GenerateProgress, GenerateRequest, Identity, Model, ModelError, PromptInput,
    Question, Usage,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::server::{self, Endpoint, RemoteServer, ServerTerms, TryFailure, body, excerpt};

/// The most bytes of a reply: 256 questions of 255 options with names of some length.
const LARGEST: usize = 16 << 20;

/// How far probabilities may be from adding up to 1: servers round them to two to four places.
const ROUNDING: f64 = 0.02;

/// Which route is posted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecisionRoute {
    /// `/systemone`.
    #[default]
    SystemOne,
    /// `/evaluations`.
    Evaluations,
}

impl DecisionRoute {
    fn path(self) -> &'static str {
        match self {
            Self::SystemOne => "/systemone",
            Self::Evaluations => "/evaluations",
        }
    }

    /// Returns the route that a URL ends with; `/systemone` for one that ends with neither.
    pub fn of(endpoint: &str) -> Self {
        if endpoint.trim().trim_end_matches('/').ends_with(Self::Evaluations.path()) {
            Self::Evaluations
        } else {
            Self::SystemOne
        }
    }
}

/// A decision model behind a server.
pub struct DecisionModel {
    identity: Identity,
    concurrency: usize,
    server: RemoteServer,
}

impl fmt::Debug for DecisionModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionModel").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl DecisionModel {
    /// A model that the server at `endpoint` knows as `model`. Nothing is sent yet.
    ///
    /// `endpoint` is the base URL, as of a chat server; one that ends in `/evaluations` is asked there.
    ///
    /// # Errors
    /// The endpoint is no URL, or the HTTP client cannot be set up.
    pub fn new(endpoint: &str, model: &str, terms: ServerTerms) -> Result<Self, ModelError> {
        let route = DecisionRoute::of(endpoint);
        let endpoint = Endpoint::parse(endpoint, "/v1", route.path())?;
        let identity = Identity { endpoint: Some(endpoint.base().to_owned()), ..Identity::new("decision", model) };
        let concurrency = terms.concurrency;
        Ok(Self { identity, concurrency, server: RemoteServer::new(endpoint, model, terms)? })
    }
}

#[async_trait]
impl Model for DecisionModel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Answers the questions. `progress` is never called: there are no tokens.
    async fn generate(
        &self,
        request: &GenerateRequest,
        _progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        crate::request::validate(request)?;
        let (state, questions) = questions_of(request)?;
        let mut posted = request.fields.clone();
        posted.insert("model".into(), json!(self.identity.model));
        posted.insert("state".into(), json!(state));
        posted.insert("questions".into(), questions.iter().map(wire_question).collect::<Map<_, _>>().into());
        let read = |response| receive(response, questions);
        self.server.ask(&Value::Object(posted), read).await
    }
}

/// The questions of a request that asks for nothing that presumes a text.
fn questions_of(request: &GenerateRequest) -> Result<(&str, &[Question]), ModelError> {
    let refused = |field, found: String, expected| Err(ModelError::InvalidRequest { field, found, expected });
    if let Some(constraint) = &request.constraint {
        return Err(ModelError::ConstraintUnsupported {
            backend: "a decision model".into(),
            constraint: constraint.kind(),
            advice: "it gives probabilities and writes no text: take the constraint out of its prompt",
        });
    }
    if let Some(prefill) = &request.prefill {
        return refused("prefill", format!("{prefill:?}"), "none: a decision model writes no answer");
    }
    if !request.stop.is_empty() {
        return refused("stop", format!("{:?}", request.stop), "none: a decision model writes no text");
    }
    if request.top_logprobs > 0 {
        let expected = "0: a decision model writes no tokens, and its answers are probabilities already";
        return refused("top_logprobs", request.top_logprobs.to_string(), expected);
    }
    match &request.input {
        PromptInput::Questions { state, questions } => Ok((state, questions)),
        other => refused(
            "input",
            other.kind().to_owned(),
            "questions, which are all that a decision model takes: use a template such as `decision`",
        ),
    }
}

fn wire_question(question: &Question) -> (String, Value) {
    let (kind, criteria) = match &question.form {
        AnswerForm::YesNo { yes, no } => {
            let mut criteria = Map::new();
            criteria.extend(yes.as_ref().map(|yes| ("true".to_owned(), json!(yes))));
            criteria.extend(no.as_ref().map(|no| ("false".to_owned(), json!(no))));
            ("noul", Value::Object(criteria))
        }
        AnswerForm::Choice(options) => (
            "choice",
            options.iter().map(|option| (option.name.clone(), json!(option.text))).collect::<Map<_, _>>().into(),
        ),
        AnswerForm::Levels(levels) => ("score", json!(levels)),
    };
    let mut wire = Map::new();
    wire.insert("type".into(), json!(kind));
    wire.extend(question.instructions.as_ref().map(|text| ("instructions".to_owned(), json!(text))));
    wire.insert("criteria".into(), criteria);
    (question.id.clone(), Value::Object(wire))
}

#[derive(Deserialize)]
struct Reply {
    answers: Option<BTreeMap<String, WireAnswer>>,
    usage: Option<WireUsage>,
    /// Some servers wrap the whole.
    result: Option<Box<Reply>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct WireAnswer {
    /// The probability of yes.
    noul: Option<f64>,
    probabilities: Option<BTreeMap<String, f64>>,
}

#[derive(Clone, Copy, Deserialize)]
struct WireUsage {
    #[serde(alias = "inputTokens", alias = "prompt_tokens")]
    input_tokens: Option<u32>,
    #[serde(alias = "outputTokens", alias = "completion_tokens")]
    output_tokens: Option<u32>,
}

async fn receive(response: Response, questions: &[Question]) -> Result<Completion, TryFailure> {
    let text = body::text(response, LARGEST).await?;
    complete(&text, questions)
}

const EXPECTED: &str = "answers in JSON, with the probabilities of each question's answers";

fn complete(text: &str, questions: &[Question]) -> Result<Completion, TryFailure> {
    let malformed = |found: String| TryFailure::Malformed { expected: EXPECTED, found };
    let mut reply: Reply = server::parse(text, EXPECTED)?;
    if let Some(error) = reply.error.filter(|error| !error.is_null()) {
        return Err(malformed(format!("an error: {}", excerpt(&error.to_string(), None))));
    }
    if let (None, Some(inner)) = (&reply.answers, reply.result.take()) {
        reply.usage = inner.usage.or(reply.usage);
        reply.answers = inner.answers;
    }
    let mut answers = reply.answers.ok_or_else(|| malformed(format!("no `answers`: {}", excerpt(text, None))))?;
    let mut read = Map::new();
    for question in questions {
        let answer = answers
            .remove(&question.id)
            .ok_or_else(|| malformed(format!("no answer to the question `{}`", excerpt(&question.id, None))))?;
        let probabilities = probabilities(question, answer)
            .map_err(|found| malformed(format!("question `{}`: {found}", excerpt(&question.id, None))))?;
        read.insert(question.id.clone(), probabilities.into());
    }
    let usage = reply.usage.map_or_else(Usage::default, |usage| Usage {
        prompt_tokens: usage.input_tokens.unwrap_or_default(),
        completion_tokens: usage.output_tokens.unwrap_or_default(),
    });
    Ok(Completion { usage, ..Completion::of_text(Value::Object(read).to_string(), FinishReason::Stop) })
}

/// The probabilities of all answers to a question, in the order in which they were offered.
fn probabilities(question: &Question, answer: WireAnswer) -> Result<Map<String, Value>, String> {
    let names = question.form.answers();
    let found: Vec<f64> = match (&question.form, answer.noul, answer.probabilities) {
        (AnswerForm::YesNo { .. }, Some(yes), _) => vec![yes, 1.0 - yes],
        (_, _, Some(mut probabilities)) => {
            // What is not named has no probability, as some servers leave the least likely ones out.
            let all = names.iter().map(|name| probabilities.remove(name).unwrap_or(0.0)).collect();
            if let Some(unknown) = probabilities.keys().next() {
                return Err(format!("a probability of `{}`, which was not offered", excerpt(unknown, None)));
            }
            all
        }
        _ => return Err("no probabilities".to_owned()),
    };
    if let Some(wrong) = found.iter().find(|probability| !(-ROUNDING..=1.0 + ROUNDING).contains(*probability)) {
        return Err(format!("the probability {wrong}"));
    }
    let sum: f64 = found.iter().sum();
    if (sum - 1.0).abs() > ROUNDING {
        return Err(format!("probabilities that add up to {sum}"));
    }
    // Rounding of the server taken out, so that they add up to 1.
    let scaled = found.into_iter().map(|probability| probability.max(0.0) / sum);
    Ok(names.into_iter().zip(scaled).map(|(name, probability)| (name, json!(probability))).collect())
}

#[cfg(test)]
mod tests {
    use rewarden_types::{AnswerOption, Sampling};

    use super::*;

    fn question(id: &str, form: AnswerForm) -> Question {
        Question { id: id.into(), instructions: Some("Judge.".into()), form }
    }

    fn questions() -> Vec<Question> {
        let option = |name: &str| AnswerOption { name: name.into(), text: None };
        vec![
            question("safe", AnswerForm::YesNo { yes: Some("harmless".into()), no: None }),
            question("best", AnswerForm::Choice(vec![option("A"), option("B")])),
            question("grade", AnswerForm::Levels(vec!["poor".into(), "fair".into(), "good".into()])),
        ]
    }

    fn told(reply: &str) -> String {
        match complete(reply, &questions()) {
            Err(TryFailure::Malformed { found, .. }) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_form_of_question_is_written_as_the_protocol_has_it() {
        let wire: Map<String, Value> = questions().iter().map(wire_question).collect();
        let expected = json!({
            "safe": {"type": "noul", "instructions": "Judge.", "criteria": {"true": "harmless"}},
            "best": {"type": "choice", "instructions": "Judge.", "criteria": {"A": null, "B": null}},
            "grade": {"type": "score", "instructions": "Judge.", "criteria": ["poor", "fair", "good"]},
        });
        assert_eq!(Value::Object(wire), expected);
    }

    #[test]
    fn probabilities_become_the_text_whatever_the_server_calls_confidence() {
        let answers = r#"{"safe": {"type": "noul", "noul": 0.75, "confidence": 0.1},
            "best": {"type": "choice", "choice": "B", "confidence": 3, "probabilities": {"B": 0.61, "A": 0.4}},
            "grade": {"type": "score", "score": 1.5, "probabilities": {"1": 0.5, "2": 0.5}}}"#;
        let plain =
            format!(r#"{{"model": "m", "answers": {answers}, "usage": {{"input_tokens": 7, "output_tokens": 0}}}}"#);
        let completion = complete(&plain, &questions()).unwrap();
        let read: Value = serde_json::from_str(&completion.text).unwrap();
        assert_eq!(read["safe"], json!({"yes": 0.75, "no": 0.25}));
        assert_eq!(read["grade"], json!({"0": 0.0, "1": 0.5, "2": 0.5}));
        assert_eq!(read["best"]["A"].as_f64().unwrap() + read["best"]["B"].as_f64().unwrap(), 1.0);
        assert_eq!(completion.usage.prompt_tokens, 7);
        let wrapped = format!(r#"{{"result": {{"answers": {answers}, "usage": {{"inputTokens": 7}}}}}}"#);
        assert_eq!(complete(&wrapped, &questions()).unwrap(), completion);
    }

    #[test]
    fn an_answer_that_is_missing_foreign_or_no_probability_is_none() {
        let with = |grade: &str| {
            format!(
                r#"{{"answers": {{"safe": {{"noul": 0.5}}, "best": {{"probabilities": {{"A": 1}}}}, "grade": {grade}}}}}"#
            )
        };
        assert_eq!(told(r#"{"answers": {"safe": {"noul": 0.5}}}"#), "no answer to the question `best`");
        assert_eq!(told(r#"{"error": "busy"}"#), r#"an error: "busy""#);
        assert_eq!(told(&with(r#"{"score": 1.5}"#)), "question `grade`: no probabilities");
        assert_eq!(
            told(&with(r#"{"probabilities": {"3": 1}}"#)),
            "question `grade`: a probability of `3`, which was not offered"
        );
        assert_eq!(
            told(&with(r#"{"probabilities": {"0": 0.5, "1": 0.3}}"#)),
            "question `grade`: probabilities that add up to 0.8"
        );
        assert_eq!(told(&with(r#"{"probabilities": {"0": 1.5, "1": -0.5}}"#)), "question `grade`: the probability 1.5");
    }

    #[test]
    fn what_presumes_a_text_is_refused_by_name() {
        let sampling = Sampling { temperature: 0.0, top_p: None, max_tokens: 1, seed: 0 };
        let asked = PromptInput::Questions { state: "s".into(), questions: questions() };
        let request = GenerateRequest::new(asked, sampling.clone());
        assert_eq!(questions_of(&request).unwrap().0, "s");
        let refused = |request: GenerateRequest| questions_of(&request).unwrap_err().to_string();
        let text = GenerateRequest::new(PromptInput::user("hi"), sampling);
        assert!(refused(text).contains("`input` is chat turns"));
        assert!(refused(GenerateRequest { top_logprobs: 2, ..request.clone() }).contains("`top_logprobs` is 2"));
        assert!(refused(GenerateRequest { prefill: Some("A".into()), ..request }).contains("`prefill`"));
    }

    #[test]
    fn an_endpoint_of_evaluations_is_asked_there() {
        for (endpoint, url) in [
            ("http://localhost:9", "http://localhost:9/v1/systemone"),
            ("http://localhost:9/v1/systemone", "http://localhost:9/v1/systemone"),
            ("http://localhost:9/v1/evaluations/", "http://localhost:9/v1/evaluations"),
        ] {
            let route = DecisionRoute::of(endpoint);
            assert_eq!(Endpoint::parse(endpoint, "/v1", route.path()).unwrap().url(), url, "{endpoint}");
        }
    }
}

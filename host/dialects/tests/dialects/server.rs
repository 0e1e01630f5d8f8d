//! The dialects over a server that scores by what a response says.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rewarden_dialects::{
    Answer, AnswerError, Ask, BatchRefused, ChatFormatConfig, DialectConfig, Dialects, PackLabel, Problem, ProblemKind,
    endpoints,
};
use serde_json::{Map, Value};

/// Scores a response that begins with a number with it. Otherwise its first word says what goes wrong.
fn answer(ask: &Ask) -> Result<Answer, Problem> {
    let mut answer = Answer {
        id: "task".into(),
        scores: Vec::new(),
        best: None,
        tied: Vec::new(),
        k: 4,
        valid: 3,
        failures: BTreeMap::from([("unparsable".to_owned(), 1)]),
        used: vec![0, 1, 3],
        abstained: BTreeMap::new(),
        criteria: Vec::new(),
        confidence: None,
        sampled: Vec::new(),
        scale: (0.0, 1.0),
        details: Map::new(),
        error: None,
        pack: PackLabel { name: "fake".to_owned(), version: "1.0.0".to_owned(), digest: "d".to_owned() },
    };
    for (index, response) in ask.responses.iter().enumerate() {
        match response.split_whitespace().next().unwrap_or_default() {
            "overloaded" => {
                return Err(Problem {
                    retry_after: Some(2),
                    ..Problem::new(ProblemKind::Overloaded, "the queue is full")
                });
            }
            "timeout" => return Err(Problem::new(ProblemKind::Timeout, "the group did not fill up in time")),
            "unknown-pack" => return Err(Problem::new(ProblemKind::NotFound, "no pack is called that")),
            "refused" => {
                answer.error =
                    Some(AnswerError { kind: "policy_refused".to_owned(), message: "too few samples".to_owned() });
                answer.scores.clear();
                return Ok(answer);
            }
            "model-down" => {
                answer.valid = 0;
                answer.failures = BTreeMap::from([("model_error".to_owned(), 4)]);
                answer.scores.push(None);
                answer.abstained.insert(index, "no sample".to_owned());
            }
            "abstain" => {
                answer.scores.push(None);
                answer.abstained.insert(index, "no sample names it".to_owned());
            }
            word => answer.scores.push(word.parse().ok()),
        }
    }
    let best = answer.scores.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let top: Vec<usize> = (0..answer.scores.len()).filter(|index| answer.scores[*index] == Some(best)).collect();
    match top.as_slice() {
        [winner] => answer.best = Some(*winner),
        _ => answer.tied = top,
    }
    Ok(answer)
}

/// A server with the dialects.
pub(crate) struct Server {
    dialects: Dialects,
    asked: Mutex<Vec<Ask>>,
    refusal: Option<BatchRefused>,
}

/// What comes back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u32>,
    /// `name@version;digest`
    pub(crate) pack: Option<String>,
    pub(crate) json: Value,
}

pub(crate) fn chatml() -> ChatFormatConfig {
    ChatFormatConfig { builtin: Some("chatml".to_owned()), ..ChatFormatConfig::default() }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(DialectConfig::default())
    }

    pub(crate) fn with(config: DialectConfig) -> Self {
        Self { dialects: Dialects::new(config).unwrap(), asked: Mutex::default(), refusal: None }
    }

    /// A server that refuses every batch.
    pub(crate) fn refusing(config: DialectConfig, task: Option<usize>, problem: Problem) -> Self {
        Self { refusal: Some(BatchRefused { task, problem }), ..Self::with(config) }
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Reply {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let endpoint = endpoints().find(|endpoint| endpoint.paths.contains(&path)).expect(path);
        let asked = match endpoint.read(&self.dialects, query, body.as_bytes()) {
            Ok(asked) => asked,
            Err(problem) => return Reply::of(None, Err(problem)),
        };
        self.asked.lock().unwrap().extend(asked.asks.clone());
        let answers = match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(asked.asks.iter().map(answer).collect()),
        };
        let reply = asked.reply.write(answers);
        Reply::of(reply.pack, reply.body)
    }

    /// The body of a 200.
    pub(crate) fn good(&self, path: &str, body: Value) -> Value {
        let reply = self.post(path, body);
        assert_eq!(reply.status, 200, "{}", reply.json);
        reply.json
    }

    /// The reply with a problem of this kind.
    pub(crate) fn problem(&self, path: &str, body: Value, kind: ProblemKind) -> Reply {
        let reply = self.post(path, body);
        assert_eq!(reply.json["type"], format!("/problems/{}", kind.name()), "{}", reply.json);
        assert_eq!(reply.status, kind.status());
        reply
    }

    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }

    /// The only ask.
    pub(crate) fn one(&self) -> Ask {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }
}

impl Reply {
    fn of(pack: Option<PackLabel>, body: Result<Value, Problem>) -> Self {
        let (status, retry_after, json) = match body {
            Ok(json) => (200, None, json),
            Err(problem) => (problem.kind.status(), problem.retry_after, problem.document()),
        };
        let pack = pack.map(|pack| format!("{}@{};{}", pack.name, pack.version, pack.digest));
        Self { status, retry_after, pack, json }
    }
}

/// The turns as (role, content).
pub(crate) fn said(ask: &Ask) -> Vec<(&str, &str)> {
    ask.messages.iter().map(|turn| (turn.role.as_str(), turn.content.as_str())).collect()
}

/// The reply without what differs from run to run.
pub(crate) fn steady(mut reply: Value) -> Value {
    let object = reply.as_object_mut().unwrap();
    for (field, stands_in) in [("id", Value::from("ID")), ("created", Value::from(0))] {
        if object.contains_key(field) {
            object.insert(field.to_owned(), stands_in);
        }
    }
    if let Some(time) = reply.pointer_mut("/metadata/execution_time") {
        assert!(time.as_f64().unwrap() >= 0.0);
        *time = 0.into();
    }
    reply
}

//! A plugin that misbehaves on demand, to test hosts with. Every interface is exported, so that it fits every part.
//!
//! `mode` says what it does wrong and `call` in which call. In all other calls, and with `mode = "none"`, it is a
//! well-behaved plugin of no use: a one-line prompt, the lowest score of the scale for every response, and a policy
//! that draws one sample and passes its scores on.

mod misbehave;
mod remember;

use rewarden_plugin::{
    Completion, ConfigError, Context, Draw, Judgement, Outcome, ParseFailure, Parser, Plugin, Policy, Principle,
    Principles, Prompt, Query, Refusal, Request, Reward, Sample, Scale, Score, Scorer, Step, Task, Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing.
    None,
    /// Never returns.
    Loop,
    /// Asks for memory without end.
    Allocate,
    /// Executes `unreachable`.
    Trap,
    /// Panics with a message.
    Panic,
    /// Calls itself without end.
    Recurse,
    /// Returns 64 MiB of text.
    HugeResult,
    /// Returns NaN as a score, or as a weight. In `render`, `ask` and `configure`, which return none, nothing.
    Nan,
    /// Returns one score too many, or no principle. In `render`, `ask` and `configure`, which return none, nothing.
    WrongCount,
    /// Writes 10,000 lines of 1 KiB to the log, then behaves.
    LogFlood,
    /// Leaves marks in statics, heap, stack and new memory, and returns what it finds of an earlier call's; nothing of
    /// an earlier call is the good end, and then it behaves.
    Remember,
    /// Leaves the same marks, then executes `unreachable`.
    RememberAndTrap,
}

/// In which call it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// In whichever of `render`, `parse`, `next`, `score`, `ask` and `read` is called.
    Main,
    /// In `configure`, thus already when the host checks the configuration.
    Configure,
    /// In the template's `render` alone.
    Render,
    /// In the parser's `parse` alone.
    Parse,
    /// In the policy's first `next` alone, before any sample.
    NextFirst,
    /// In the policy's `next` with samples alone.
    NextLast,
    /// In the scorer's `score-responses` alone.
    Score,
    /// In `ask` for principles alone.
    Ask,
    /// In `read` of principles alone.
    Read,
}

/// Options of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What goes wrong.
    pub mode: Mode,
    /// In which call it goes wrong.
    pub call: Call,
    /// Goes wrong only for tasks that have this text in a message or in a response, and for completions that have it;
    /// for all when it is empty. Lets one task of a run fail and the others pass. Of no effect in `configure`.
    pub only_if: String,
}

impl Default for Config {
    fn default() -> Self {
        Config { mode: Mode::None, call: Call::Main, only_if: String::new() }
    }
}

/// The configured plugin.
#[derive(Debug)]
pub struct Evil {
    config: Config,
}

impl Evil {
    /// What goes wrong in this call, on a task with these texts.
    fn mode<'a>(&self, call: Call, mut texts: impl Iterator<Item = &'a String>) -> Mode {
        let here = self.config.call == call || self.config.call == Call::Main;
        if here && texts.any(|text| text.contains(&self.config.only_if)) { self.config.mode } else { Mode::None }
    }
}

fn texts(task: &Task) -> impl Iterator<Item = &String> {
    task.messages.iter().map(|message| &message.content).chain(&task.responses)
}

impl Plugin for Evil {
    type Config = Config;

    const NAME: &str = "evil";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    const PURPOSE: &str = "Misbehaves as configured, to test hosts with. Never of use for scoring.";

    fn new(config: Config) -> Result<Self, ConfigError> {
        if config.call == Call::Configure {
            let huge = misbehave::act(config.mode);
            if let Some(message) = huge {
                return Err(ConfigError { key: None, message });
            }
        }
        Ok(Evil { config })
    }
}

impl Template for Evil {
    fn render(&self, request: &Request) -> Result<Prompt, Refusal> {
        let huge = misbehave::act(self.mode(Call::Render, texts(&request.task)));
        Ok(Prompt::user(huge.unwrap_or_else(|| "Say anything.".to_owned())))
    }
}

impl Parser for Evil {
    fn parse(&self, completion: &Completion, shown: u32, scale: Scale) -> Result<Judgement, ParseFailure> {
        let mode = self.mode(Call::Parse, std::iter::once(&completion.text));
        let critique = misbehave::act(mode);
        let scores = misbehave::spoil(mode, vec![Score::Value(scale.min); shown as usize]);
        Ok(Judgement { scores, critique, ..Judgement::default() })
    }
}

impl Policy for Evil {
    fn next(&self, task: &Task, _: &Context, samples: &[Sample]) -> Result<Step, Refusal> {
        let call = if samples.is_empty() { Call::NextFirst } else { Call::NextLast };
        let mode = self.mode(call, texts(task));
        let huge = misbehave::act(mode);
        // A first call that is to return bad scores has to finish at once.
        let returns_scores = matches!(mode, Mode::HugeResult | Mode::Nan | Mode::WrongCount);
        if samples.is_empty() && !returns_scores {
            return Ok(Step::Draw(vec![Draw::all(task)]));
        }
        let mut scores: Vec<Score> = match samples.first().map(|sample| &sample.outcome) {
            Some(Outcome::Scored(scores)) => {
                scores.iter().map(|score| score.clone().unwrap_or_else(unscored)).collect()
            }
            _ => task.responses.iter().map(|_| unscored()).collect(),
        };
        if let (Some(text), Some(first)) = (huge, scores.first_mut()) {
            *first = Score::Abstain(text);
        }
        let used = samples.first().map(|sample| sample.id).into_iter().collect();
        Ok(Step::Finish(Reward { scores: misbehave::spoil(mode, scores), used, ..Reward::default() }))
    }
}

impl Scorer for Evil {
    fn score(&self, task: &Task) -> Result<Vec<Score>, Refusal> {
        let mode = self.mode(Call::Score, texts(task));
        let mut scores = vec![Score::Value(0.0); task.responses.len()];
        if let (Some(text), Some(first)) = (misbehave::act(mode), scores.first_mut()) {
            *first = Score::Abstain(text);
        }
        Ok(misbehave::spoil(mode, scores))
    }
}

impl Principles for Evil {
    fn ask(&self, query: &Query) -> Result<Prompt, Refusal> {
        let texts = query.messages.iter().map(|message| &message.content);
        let huge = misbehave::act(self.mode(Call::Ask, texts));
        Ok(Prompt::user(huge.unwrap_or_else(|| "Name anything.".to_owned())))
    }

    fn read(&self, completion: &Completion) -> Result<Vec<Principle>, ParseFailure> {
        let mode = self.mode(Call::Read, std::iter::once(&completion.text));
        let text = misbehave::act(mode).unwrap_or_else(|| "Anything goes.".to_owned());
        let weight = if mode == Mode::Nan { f64::NAN } else { 1.0 };
        let count = if mode == Mode::WrongCount { 0 } else { 1 };
        Ok(vec![Principle { name: "Anything".to_owned(), weight: Some(weight), text }; count])
    }
}

fn unscored() -> Score {
    Score::Abstain("the one sample did not score it".to_owned())
}

rewarden_plugin::export!(Evil: template, parser, policy, scorer, principles);

#[cfg(test)]
mod tests {
    use rewarden_plugin::{FinishReason, Message};

    use super::*;

    const SCALE: Scale = Scale { min: 1.0, max: 10.0, integer: true };

    fn task() -> Task {
        Task {
            messages: vec![Message::user("Which?")],
            responses: vec!["a".to_owned(), "bad".to_owned()],
            reference: None,
            metadata: "{}".to_owned(),
        }
    }

    fn completion(text: &str) -> Completion {
        Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] }
    }

    #[test]
    fn it_behaves_where_it_is_not_told_otherwise() {
        for json in ["{}", r#"{"mode": "nan", "call": "render"}"#, r#"{"mode": "nan", "only_if": "elsewhere"}"#] {
            let evil = Evil::from_json(json).unwrap();
            assert_eq!(evil.score(&task()).unwrap(), [Score::Value(0.0), Score::Value(0.0)], "{json}");
            let judgement = evil.parse(&completion("text"), 2, SCALE).unwrap();
            assert_eq!(judgement.scores, [Score::Value(1.0), Score::Value(1.0)], "{json}");
        }
    }

    #[test]
    fn only_if_singles_out_tasks_and_completions() {
        let evil = Evil::from_json(r#"{"mode": "wrong-count", "only_if": "bad"}"#).unwrap();
        assert_eq!(evil.score(&task()).unwrap().len(), 3);
        assert_eq!(evil.parse(&completion("all is bad"), 2, SCALE).unwrap().scores.len(), 3);
        assert_eq!(evil.parse(&completion("all is well"), 2, SCALE).unwrap().scores.len(), 2);
    }

    #[test]
    fn nan_and_wrong_count_and_huge_results_are_what_they_say() {
        let evil = |mode| Evil::from_json(&format!(r#"{{"mode": "{mode}"}}"#)).unwrap();
        assert!(matches!(evil("nan").score(&task()).unwrap()[..], [Score::Value(a), _] if a.is_nan()));
        assert_eq!(evil("wrong-count").score(&task()).unwrap().len(), 3);
        let huge = evil("huge-result").score(&task()).unwrap();
        assert!(matches!(&huge[..], [Score::Abstain(text), _] if text.len() == 64 << 20));
    }

    #[test]
    fn it_does_remember_where_nothing_keeps_calls_apart() {
        let evil = Evil::from_json(r#"{"mode": "remember"}"#).unwrap();
        assert_eq!(evil.parse(&completion("first"), 1, SCALE).unwrap().critique, None);
        let critique = evil.parse(&completion("second"), 1, SCALE).unwrap().critique.unwrap();
        assert!(critique.starts_with("1 earlier calls in a static"), "{critique}");
    }

    #[test]
    #[should_panic(expected = "evil was told to panic")]
    fn a_panic_panics() {
        let _ = Evil::from_json(r#"{"mode": "panic"}"#).unwrap().score(&task());
    }
}

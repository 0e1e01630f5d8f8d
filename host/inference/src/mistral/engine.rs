//! One generation, from messages to text.

use std::sync::Arc;

use mistralrs::core::Pipeline;
use mistralrs::llguidance::toktrie::TokEnv;
use mistralrs::{RequestBuilder, Response, SamplingParams, StopTokens, TextMessageRole, TextMessages};
use tokio::sync::Mutex;

use super::control_tokens::ControlTokens;
use super::sampler::{GrammarEnd, SamplerStep, SeededSampler};
use crate::backtrace;
use crate::reply::{RawReply, RawToken};
use crate::thinking::{self, Start};
use rewarden_types::Constraint;
use rewarden_types::ModelError;
use rewarden_types::{Alternative, Completion, FinishReason, GenerateProgress, GenerateRequest, PromptTurn, Usage};

/// What the model's tokens mean.
pub(crate) struct Vocabulary {
    pub trie: TokEnv,
    /// Every token that ends the model's turn.
    pub end_of_turn: Vec<u32>,
    /// The one of them that the grammar engine knows.
    pub grammar_end: u32,
    pub control: ControlTokens,
    /// Formats with several channels, which the engine takes apart itself (gpt-oss, Gemma 4).
    pub engine_sets_thinking_apart: bool,
}

impl Vocabulary {
    /// The bytes that a token adds to the text. Control tokens add none, thinking tags excepted.
    fn bytes(&self, token: u32) -> Vec<u8> {
        let trie = self.trie.tok_trie();
        let plain = trie.decode_ext(&[token], false);
        if !plain.is_empty() {
            return plain;
        }
        let control = trie.decode_ext(&[token], true);
        if std::str::from_utf8(&control).is_ok_and(thinking::is_tag) { control } else { Vec::new() }
    }

    /// How a token is shown: control tokens by their names.
    fn show(&self, token: u32) -> String {
        String::from_utf8_lossy(&self.trie.tok_trie().decode_ext(&[token], true)).into_owned()
    }

    /// How a text ends under a grammar; `None` if there is no difference.
    fn ends_of_a_grammar(&self) -> Option<GrammarEnd> {
        let others: Vec<u32> = self.end_of_turn.iter().copied().filter(|token| *token != self.grammar_end).collect();
        (!others.is_empty()).then_some(GrammarEnd { token: self.grammar_end, others })
    }

    fn raw_token(&self, step: &SamplerStep) -> RawToken {
        let (logprob, alternatives) = match &step.odds {
            Some(odds) => (odds.logprob, odds.alternatives.as_slice()),
            None => (0.0, [].as_slice()),
        };
        RawToken {
            bytes: self.bytes(step.token),
            logprob,
            alternatives: alternatives
                .iter()
                .map(|&(token, logprob)| Alternative { text: self.show(token), logprob })
                .collect(),
        }
    }
}

/// A running mistral.rs engine.
pub(crate) struct Engine {
    name: String,
    model: mistralrs::Model,
    pipeline: Arc<Mutex<dyn Pipeline>>,
    vocabulary: Arc<Vocabulary>,
    context: usize,
}

/// What the engine itself made of the text, where it sets thinking apart.
#[derive(Default)]
struct Parsed {
    content: String,
    thinking: String,
}

/// Refuses by name what servers take and this engine does not.
fn refuse_what_is_not_offered(request: &GenerateRequest) -> Result<(), ModelError> {
    let refused = |field, found: String| {
        let expected = "nothing: the engine in this process does not offer it; use a server (--endpoint) that does";
        Err(ModelError::InvalidRequest { field, found, expected })
    };
    if let Some(prefill) = &request.prefill {
        return refused("prefill", format!("{prefill:?}"));
    }
    match request.fields.iter().next() {
        Some((field, value)) => refused("fields", format!("`{field} = {value}`")),
        None => Ok(()),
    }
}

impl Engine {
    pub(crate) fn new(
        name: String,
        model: mistralrs::Model,
        pipeline: Arc<Mutex<dyn Pipeline>>,
        vocabulary: Arc<Vocabulary>,
        context: usize,
    ) -> Self {
        Engine { name, model, pipeline, vocabulary, context }
    }

    /// Runs one request, which must be valid.
    pub(crate) async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        refuse_what_is_not_offered(request)?;
        let messages = self.messages(crate::request::chat_turns(request)?);
        // A constraint binds all that the model writes, so there is no room for a thinking block before it.
        let enable_thinking = request.constraint.is_some().then_some(false);
        let (prompt_tokens, start) = self.measure(messages.clone(), enable_thinking).await?;
        let max_tokens = request.sampling.max_tokens;
        if prompt_tokens + max_tokens as usize > self.context {
            return Err(ModelError::ContextLength {
                model: self.name.clone(),
                prompt_tokens,
                max_tokens,
                context: self.context,
            });
        }
        let grammar_end = request.constraint.as_ref().and_then(|_| self.vocabulary.ends_of_a_grammar());
        let sampler = Arc::new(SeededSampler::new(&request.sampling, request.top_logprobs, grammar_end));
        let mut outgoing = RequestBuilder::from(messages)
            .set_sampling(SamplingParams {
                // The processor leaves one token possible; at 0 the engine takes it without a softmax.
                temperature: Some(0.0),
                max_len: Some(max_tokens as usize),
                stop_toks: Some(StopTokens::Seqs(self.stops(request))),
                ..SamplingParams::neutral()
            })
            .add_logits_processor(Arc::clone(&sampler) as _);
        if let Some(enable_thinking) = enable_thinking {
            outgoing = outgoing.enable_thinking(enable_thinking);
        }
        if let Some(constraint) = &request.constraint {
            outgoing = outgoing.set_constraint(engine_constraint(constraint)?);
        }
        let parsed = self.run(outgoing, request, &sampler, progress).await?;
        self.completion(request, &sampler.steps(), parsed, start, prompt_tokens)
    }

    /// What ends the text: the request's strings, and the names of the tokens that end a turn or a grammar.
    fn stops(&self, request: &GenerateRequest) -> Vec<String> {
        let ends = self.vocabulary.end_of_turn.iter().map(|&token| self.vocabulary.show(token));
        request.stop.iter().cloned().chain(ends).collect()
    }

    fn messages(&self, turns: &[PromptTurn]) -> TextMessages {
        turns.iter().fold(TextMessages::new(), |messages, turn| {
            let role = match turn.role.as_str() {
                "system" => TextMessageRole::System,
                "user" => TextMessageRole::User,
                "assistant" => TextMessageRole::Assistant,
                other => TextMessageRole::Custom(other.to_owned()),
            };
            messages.add_message(role, self.vocabulary.control.defuse(&turn.content))
        })
    }

    /// Applies the chat template: how many tokens the prompt has, and whether it ends inside a thinking block.
    async fn measure(&self, messages: TextMessages, thinking: Option<bool>) -> Result<(usize, Start), ModelError> {
        let pipeline = self.pipeline.lock().await;
        let (tokens, text) = pipeline
            .get_processor()
            .process(&*pipeline, messages.into(), true, true, thinking, None, Vec::new())
            .map_err(|error| self.failed(format!("the chat template does not take these messages: {error:#}")))?;
        Ok((tokens.len(), if thinking::ends_inside(&text) { Start::Inside } else { Start::Unknown }))
    }

    /// Sends the request and waits for its end.
    async fn run(
        &self,
        outgoing: RequestBuilder,
        request: &GenerateRequest,
        sampler: &SeededSampler,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Parsed, ModelError> {
        let mut stream =
            self.model.stream_chat_request(outgoing).await.map_err(|error| self.failed(error.to_string()))?;
        let mut parsed = Parsed::default();
        let mut seen = 0;
        while let Some(response) = stream.next().await {
            match response {
                Response::Chunk(chunk) => {
                    for choice in chunk.choices {
                        parsed.content.extend(choice.delta.content);
                        parsed.thinking.extend(choice.delta.reasoning_content);
                    }
                    let (now, latest) = sampler.latest();
                    if now > seen {
                        progress(GenerateProgress { new_tokens: u32::try_from(now - seen).unwrap_or(u32::MAX) });
                        seen = now;
                    }
                    // The engine ends here too, or finds out that nobody listens any more.
                    if now >= request.sampling.max_tokens as usize || self.ends_turn(latest) {
                        break;
                    }
                }
                Response::ValidationError(error) => return Err(self.refused(request, error.to_string())),
                Response::InternalError(error) => return Err(self.failed(error.to_string())),
                Response::ModelError(message, _) => return Err(self.failed(message)),
                _ => return Err(self.failed("it sent something that is not a chat reply".into())),
            }
        }
        Ok(parsed)
    }

    /// Judges by the tokens alone why the text ended: the stream's last chunk, which would say so, is not sent when the
    /// text ends in the middle of a character.
    fn completion(
        &self,
        request: &GenerateRequest,
        steps: &[SamplerStep],
        parsed: Parsed,
        start: Start,
        prompt_tokens: usize,
    ) -> Result<Completion, ModelError> {
        // A sequence that had to make way for others is counted anew when it comes back, and so may run past its limit.
        let steps = steps.get(..request.sampling.max_tokens as usize).unwrap_or(steps);
        let tokens: Vec<RawToken> = steps.iter().map(|step| self.vocabulary.raw_token(step)).collect();
        let bytes: Vec<u8> = tokens.iter().flat_map(|t| t.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ended = self.ends_turn(steps.last().map(|step| step.token))
            || request.stop.iter().any(|stop| text.contains(stop.as_str()));
        let finish = match ended {
            true => FinishReason::Stop,
            false if steps.len() >= request.sampling.max_tokens as usize => FinishReason::Length,
            false => {
                return Err(self.failed(format!(
                    "it stopped after {} of {} tokens without an end of turn",
                    steps.len(),
                    request.sampling.max_tokens
                )));
            }
        };
        let (content, thinking) = match self.vocabulary.engine_sets_thinking_apart {
            true => (parsed.content, Some(parsed.thinking)),
            false => (text, None),
        };
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        let usage = Usage { prompt_tokens: count(prompt_tokens), completion_tokens: count(steps.len()) };
        // Without them the sampler does not look at probabilities, so there is nothing to measure either.
        let wants_tokens = request.top_logprobs > 0;
        let tokens = if wants_tokens { tokens } else { Vec::new() };
        RawReply { content, thinking, start, tokens, wants_tokens, finish, usage }
            .into_completion(&request.stop)
            .map_err(|_| ModelError::MalformedReply {
                origin: format!("the engine (`{}`)", self.name),
                expected: "tokens that spell the text",
                found: "other tokens; ask for no log-probabilities of this model".into(),
            })
    }

    fn ends_turn(&self, token: Option<u32>) -> bool {
        token.is_some_and(|token| self.vocabulary.end_of_turn.contains(&token))
    }

    fn refused(&self, request: &GenerateRequest, message: String) -> ModelError {
        match &request.constraint {
            Some(constraint) if message.starts_with("Invalid grammar") => ModelError::ConstraintInvalid {
                constraint: constraint.kind(),
                message: backtrace::cut(message.trim_start_matches("Invalid grammar. ")),
            },
            _ => self.failed(message),
        }
    }

    fn failed(&self, message: String) -> ModelError {
        ModelError::Engine { model: self.name.clone(), message: backtrace::cut(&message) }
    }
}

fn engine_constraint(constraint: &Constraint) -> Result<mistralrs::Constraint, ModelError> {
    Ok(match constraint {
        Constraint::Regex(regex) => mistralrs::Constraint::Regex(regex.clone()),
        Constraint::Lark(grammar) => mistralrs::Constraint::Lark(grammar.clone()),
        Constraint::JsonSchema(schema) => {
            mistralrs::Constraint::JsonSchema(serde_json::from_str(schema).map_err(|error| {
                ModelError::ConstraintInvalid { constraint: constraint.kind(), message: format!("not JSON: {error}") }
            })?)
        }
    })
}

//! One generation, from messages to text.

use std::sync::Arc;

use mistralrs::core::{NormalRequest, Pipeline, Request, RequestMessage};
use mistralrs::llguidance::toktrie::TokEnv;
use mistralrs::{CustomLogitsProcessor, Response, SamplingParams, StopTokens};
use tokio::sync::{Mutex, mpsc};

use super::admission::{Demand, SequenceGate};
use super::control_tokens::ControlTokens;
use super::forced::ForcedSampler;
use super::prompt::{self, PromptForm, PromptMaker, PromptTokens};
use super::sampler::{GrammarEnd, SamplerStep, SeededSampler};
use crate::backtrace;
use crate::reply::{RawReply, RawToken};
use crate::thinking;
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

    /// Tokens that are text and nothing else.
    pub(crate) fn ordinary_tokens(&self) -> Vec<u32> {
        let trie = self.trie.tok_trie();
        let ordinary = |token: &u32| !self.end_of_turn.contains(token) && !trie.decode_ext(&[*token], false).is_empty();
        (0..u32::try_from(trie.vocab_size()).unwrap_or(u32::MAX)).filter(ordinary).collect()
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
    pub(super) name: String,
    model: mistralrs::Model,
    pub(super) pipeline: Arc<Mutex<dyn Pipeline>>,
    pub(super) vocabulary: Arc<Vocabulary>,
    pub(super) context: usize,
    pub(super) gate: SequenceGate,
    pub(super) prompts: PromptMaker,
}

/// So many steps the engine may be ahead of whoever reads, so that it need not wait for a thread to wake up.
const AHEAD: usize = 64;

/// A request on its way to the engine.
struct Sent {
    messages: RequestMessage,
    new_tokens: usize,
    stops: Vec<String>,
    constraint: mistralrs::Constraint,
    processor: Arc<dyn CustomLogitsProcessor>,
}

/// What the engine itself made of the text, where it sets thinking apart.
#[derive(Default)]
struct Parsed {
    content: String,
    thinking: String,
}

/// Refuses by name what servers take and this engine does not.
pub(super) fn refuse_what_is_not_offered(request: &GenerateRequest) -> Result<(), ModelError> {
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
        gate: SequenceGate,
    ) -> Self {
        Engine { name, model, pipeline, vocabulary, context, gate, prompts: PromptMaker::default() }
    }

    /// How many sequences it works on at once.
    pub(crate) fn sequences(&self) -> usize {
        self.gate.sharing().sequences()
    }

    /// Runs one request, which must be valid.
    pub(crate) async fn generate(
        &self,
        request: &GenerateRequest,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Completion, ModelError> {
        refuse_what_is_not_offered(request)?;
        let turns = crate::request::chat_turns(request)?;
        // A constraint binds all that the model writes, so there is no room for a thinking block before it.
        let thinking = request.constraint.is_some().then_some(false);
        let made =
            self.prompts.tokens(turns, PromptForm::Answer(thinking), &self.vocabulary.control, &self.pipeline).await;
        let prompt = made.map_err(|message| self.failed(message))?;
        let (prompt_tokens, max_tokens) = (prompt.tokens.len(), request.sampling.max_tokens);
        if prompt_tokens + max_tokens as usize > self.context {
            return Err(ModelError::ContextLength {
                model: self.name.clone(),
                prompt_tokens,
                max_tokens,
                context: self.context,
            });
        }
        let constraint = request.constraint.as_ref().map(engine_constraint).transpose()?;
        let demand = Demand { prompt: prompt.tokens.clone(), new_tokens: max_tokens as usize };
        let admitted = self.gate.enter(demand).await;
        let grammar_end = request.constraint.as_ref().and_then(|_| self.vocabulary.ends_of_a_grammar());
        let sampler = SeededSampler::new(&request.sampling, request.top_logprobs, grammar_end, Some(admitted));
        let sampler = Arc::new(sampler);
        let sent = Sent {
            messages: self.message(turns, thinking, &prompt),
            new_tokens: max_tokens as usize,
            stops: self.stops(request),
            constraint: constraint.unwrap_or(mistralrs::Constraint::None),
            processor: Arc::clone(&sampler) as _,
        };
        let replies = self.send(sent).await?;
        let parsed = self.receive(replies, request, &sampler, progress).await?;
        self.completion(request, &sampler.steps(), parsed, &prompt)
    }

    /// The prompt as it goes to the engine: as tokens, unless the engine has to take the answer apart, which it does for
    /// chats only.
    fn message(&self, turns: &[PromptTurn], enable_thinking: Option<bool>, prompt: &PromptTokens) -> RequestMessage {
        match self.vocabulary.engine_sets_thinking_apart {
            true => RequestMessage::Chat {
                messages: prompt::messages(turns, &self.vocabulary.control).into(),
                enable_thinking,
                reasoning_effort: None,
            },
            false => RequestMessage::CompletionTokens(prompt.tokens.to_vec()),
        }
    }

    /// The logarithms of the probabilities that the model gives to `forced`, token by token, after `prompt`.
    pub(crate) async fn forced(&self, prompt: Arc<[u32]>, forced: Arc<[u32]>) -> Result<Vec<f64>, ModelError> {
        let demand = Demand { prompt: prompt.clone(), new_tokens: forced.len() };
        let sampler = Arc::new(ForcedSampler::new(forced.clone(), self.gate.enter(demand).await));
        self.observe(&prompt, forced.len(), Arc::clone(&sampler) as _, || sampler.seen() >= forced.len()).await?;
        let found = sampler.logprobs();
        match found.len() == forced.len() {
            true => Ok(found),
            false => Err(self.failed(format!("it stopped after {} of {} forced tokens", found.len(), forced.len()))),
        }
    }

    /// Runs a prompt for the sake of what its processor notes, until that is `enough` or the sequence ends.
    pub(super) async fn observe(
        &self,
        prompt: &[u32],
        new_tokens: usize,
        processor: Arc<dyn CustomLogitsProcessor>,
        enough: impl Fn() -> bool,
    ) -> Result<(), ModelError> {
        let sent = Sent {
            messages: RequestMessage::CompletionTokens(prompt.to_vec()),
            new_tokens,
            stops: Vec::new(),
            constraint: mistralrs::Constraint::None,
            processor,
        };
        let mut replies = self.send(sent).await?;
        while let Some(reply) = replies.recv().await {
            match reply {
                Response::CompletionChunk(_) => {}
                Response::ValidationError(error) => return Err(self.failed(error.to_string())),
                other => return Err(self.broken(other)),
            }
            if enough() {
                break;
            }
        }
        Ok(())
    }

    /// What the model's tokens mean.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What ends the text: the request's strings, and the names of the tokens that end a turn or a grammar.
    fn stops(&self, request: &GenerateRequest) -> Vec<String> {
        let ends = self.vocabulary.end_of_turn.iter().map(|&token| self.vocabulary.show(token));
        request.stop.iter().cloned().chain(ends).collect()
    }

    /// Hands a request to the engine; its replies end when the sequence does.
    async fn send(&self, sent: Sent) -> Result<mpsc::Receiver<Response>, ModelError> {
        let (response, replies) = mpsc::channel(AHEAD);
        let request = NormalRequest {
            messages: sent.messages,
            sampling_params: SamplingParams {
                // The processor leaves one token possible; at 0 the engine takes it without a softmax.
                temperature: Some(0.0),
                max_len: Some(sent.new_tokens),
                stop_toks: Some(StopTokens::Seqs(sent.stops)),
                ..SamplingParams::neutral()
            },
            response,
            return_logprobs: false,
            is_streaming: true,
            id: 0,
            constraint: sent.constraint,
            suffix: None,
            tools: None,
            tool_choice: None,
            logits_processors: Some(vec![sent.processor]),
            return_raw_logits: false,
            web_search_options: None,
            model_id: None,
            truncate_sequence: false,
        };
        let engine = self.model.inner().get_sender(None).map_err(|error| self.failed(error.to_string()))?;
        let sent = engine.send(Request::Normal(Box::new(request))).await;
        sent.map_err(|_| self.failed("it does not run any more".into()))?;
        Ok(replies)
    }

    /// Waits for the end of a request.
    async fn receive(
        &self,
        mut replies: mpsc::Receiver<Response>,
        request: &GenerateRequest,
        sampler: &SeededSampler,
        progress: &(dyn Fn(GenerateProgress) + Send + Sync),
    ) -> Result<Parsed, ModelError> {
        let mut parsed = Parsed::default();
        let mut seen = 0;
        while let Some(response) = replies.recv().await {
            match response {
                Response::Chunk(chunk) => {
                    for choice in chunk.choices {
                        parsed.content.extend(choice.delta.content);
                        parsed.thinking.extend(choice.delta.reasoning_content);
                    }
                }
                Response::CompletionChunk(_) => {}
                Response::ValidationError(error) => return Err(self.refused(request, error.to_string())),
                other => return Err(self.broken(other)),
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
        Ok(parsed)
    }

    /// Judges by the tokens alone why the text ended: the stream's last chunk, which would say so, is not sent when the
    /// text ends in the middle of a character.
    fn completion(
        &self,
        request: &GenerateRequest,
        steps: &[SamplerStep],
        parsed: Parsed,
        prompt: &PromptTokens,
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
        let usage = Usage { prompt_tokens: count(prompt.tokens.len()), completion_tokens: count(steps.len()) };
        // Without them the sampler does not look at probabilities, so there is nothing to measure either.
        let wants_tokens = request.top_logprobs > 0;
        let tokens = if wants_tokens { tokens } else { Vec::new() };
        RawReply { content, thinking, start: prompt.start, tokens, wants_tokens, finish, usage }
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

    /// A reply that is neither text nor a refusal.
    fn broken(&self, response: Response) -> ModelError {
        self.failed(match response {
            Response::InternalError(error) => error.to_string(),
            Response::ModelError(message, _) | Response::CompletionModelError(message, _) => message,
            _ => "it sent something that is not a reply to what it was asked".into(),
        })
    }

    pub(super) fn failed(&self, message: String) -> ModelError {
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

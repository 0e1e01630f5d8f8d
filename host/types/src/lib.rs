//! The words of Rewarden: what a task, a sample, a score, a failure and a reward are, and what a model is asked.
//!
//! Every crate of the host speaks in these types. Nothing here runs anything: there is no WebAssembly, no database and no
//! network below this crate. Plugins have types of their own, one set for each version of the contract in `wit/`; the
//! runtime converts between those and these, so the contract can change without the host.

mod completion;
mod digest;
mod failure;
mod model;
mod model_error;
mod plugin_call;
mod policy;
mod prompt;
mod sample;
mod score;
mod standing;
pub mod strict_json;
mod task;
mod text;

pub use completion::{Alternative, Completion, FinishReason, Token, Usage};
pub use digest::{NotADigest, Sha256Digest, hex};
pub use failure::{Failure, FailureKind};
pub use model::{GenerateProgress, GenerateRequest, Identity, MAX_TOP_LOGPROBS, Model, Sampling};
pub use model_error::ModelError;
pub use plugin_call::{EarlierText, ParseRequest, PolicyInput, Query, RenderRequest};
pub use policy::{Context, Detail, DetailValue, Draw, NamedJudge, Rejection, RejectionKind, Reward, Signal, Step};
pub use prompt::{
    AnswerForm, AnswerOption, Constraint, Message, Principle, Prompt, PromptInput, PromptTurn, Question, Role,
};
pub use sample::{
    CountMismatch, CriterionScore, Judgement, Outcome, ParseFailure, Rating, Refusal, Sample, ScoreLevel,
};
pub use score::{OffScale, Scale, Score};
pub use standing::Standing;
pub use task::{ReferencesTaken, Task, TaskView};
pub use text::{listed, shown, shown_within};

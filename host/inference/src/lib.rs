//! Language models behind one trait: mistral.rs in this process, any server that speaks the OpenAI chat protocol, or a
//! server that gives one number for a conversation.
//!
//! [`Model`] is all that the rest of the host knows. A backend turns a [`GenerateRequest`] into a [`Completion`] or a
//! [`ModelError`]; it never cuts a prompt to fit, never retries what a retry cannot cure, and never hands on thinking
//! as an answer.

mod constraint;
mod error;
pub mod gguf;
mod model;
pub mod openai;
mod reply;
pub mod scalar;
mod server;
pub mod thinking;

#[cfg(feature = "mistralrs")]
mod backtrace;
#[cfg(feature = "mistralrs")]
pub mod default_model;
#[cfg(feature = "mistralrs")]
mod digest;
#[cfg(feature = "mistralrs")]
pub mod mistral;
#[cfg(feature = "mistralrs")]
mod requantize;

pub use constraint::Constraint;
pub use error::ModelError;
pub use model::{
    Alternative, Completion, FinishReason, GenerateProgress, GenerateRequest, Identity, MAX_TOP_LOGPROBS, Message,
    Model, Role, Sampling, Token, Usage,
};
pub use server::Terms;

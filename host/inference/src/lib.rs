//! Language models behind one trait: mistral.rs in this process, any server that speaks the OpenAI chat protocol, or a
//! server that gives one number for a conversation, or probabilities for typed questions.
//!
//! [`Model`](rewarden_types::Model) is all that the rest of the host knows. A backend turns a [`GenerateRequest`](rewarden_types::GenerateRequest) into a [`Completion`](rewarden_types::Completion) or a
//! [`ModelError`](rewarden_types::ModelError); it never cuts a prompt to fit, never retries what a retry cannot cure, and never hands on thinking
//! as an answer.

mod constraint;
pub mod decision;
mod gbnf;
pub mod gguf;
pub mod openai;
mod reply;
mod request;
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

pub use request::validate;
pub use server::ServerTerms;

//! The wire formats of trainers, evaluators and inference servers.
//!
//! Each consumer has one small module. It turns a request into [`Ask`]s and the [`Answer`]s to them into the consumer's
//! reply, and it alone decides what the consumer sees if there is no reward. `docs/dialects.md` has the table.
//!
//! Nothing here asks for a reward, waits or speaks HTTP. [`DialectEndpoint::read`] reads a request, whoever serves it gets the
//! answers, and [`ReplyWriter::write`] writes the reply.

mod ask;
mod asked;
mod calendar;
mod cohort;
mod config;
mod consumers;
mod conversation;
mod document;
mod endpoint;
mod json;
mod outcome;
mod problem;
mod reply;
mod request;
mod settings;
mod special_tokens;
mod untemplate;

pub use crate::ask::{
    Answer, AnswerCriterion, AnswerError, Ask, BatchRefused, Cohort, PackLabel, SamplingWishes, Turn,
};
pub use crate::asked::{Asked, DialectReply, ReplyWriter};
pub use crate::calendar::since_1970;
pub use crate::config::{Dialect, DialectConfig, DialectConfigError, Floors, SlimeReply};
pub use crate::consumers::{endpoints, error_form};
pub use crate::document::document;
pub use crate::endpoint::{DialectEndpoint, ErrorForm};
pub use crate::json::parse as parse_json;
pub use crate::problem::{Problem, ProblemKind};
pub use crate::settings::Dialects;
pub use crate::untemplate::{ChatFormat, ChatFormatConfig, ChatFormatError, Exchange, MOST_EXCHANGES, Untemplatable};

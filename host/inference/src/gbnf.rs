//! GBNF, the grammars of llama.cpp's server, written from the constraints that templates ask for.
//!
//! A server of the default build takes nothing else for a form that is not JSON. SGLang's `ebnf` is the same language.

mod grammar;
mod lark;
mod regex;

pub(crate) use lark::of_lark;
pub(crate) use regex::of_regex;

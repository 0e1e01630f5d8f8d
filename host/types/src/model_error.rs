//! Why a model could not be loaded or did not answer.

use thiserror::Error;

/// Why a model could not be loaded or did not answer. Never carries an API key.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A field of the request is out of its range.
    #[error("generation request: `{field}` is {found}, expected {expected}")]
    InvalidRequest {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },

    /// Prompt and new tokens together do not fit. Nothing is ever cut to make them fit.
    #[error(
        "the prompt has {prompt_tokens} tokens and up to {max_tokens} new ones were asked for, but `{model}` holds \
         {context} in all; shorten the task, lower max_tokens, or use a model with a longer context"
    )]
    ContextLength {
        /// The model's name.
        model: String,
        /// Tokens of the prompt, chat template included.
        prompt_tokens: usize,
        /// New tokens that were asked for.
        max_tokens: u32,
        /// Tokens that the model can hold.
        context: usize,
    },

    /// The backend cannot hold the model to this kind of constraint.
    #[error("{backend} cannot constrain the output by a {constraint}; {advice}")]
    ConstraintUnsupported {
        /// Which backend, and its dialect where it has one.
        backend: String,
        /// The kind of constraint.
        constraint: &'static str,
        /// What to do.
        advice: &'static str,
    },

    /// The constraint itself is wrong.
    #[error("the {constraint} that the prompt asks for cannot be used: {message}; correct it in the template")]
    ConstraintInvalid {
        /// The kind of constraint.
        constraint: &'static str,
        /// What is wrong with it.
        message: String,
    },

    /// The server answered with an error status.
    #[error("{endpoint} answered {status} (attempts: {attempts}): {body}{}", advice_for(*status))]
    HttpStatus {
        /// The URL.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the server's answer.
        body: String,
        /// How often it was tried.
        attempts: u32,
    },

    /// The server took too long.
    #[error(
        "{endpoint} did not finish within {seconds} s (attempts: {attempts}); raise the {limit} timeout, or lower \
         max_tokens or the concurrency"
    )]
    Timeout {
        /// The URL.
        endpoint: String,
        /// Which limit: `per-try` or `total`.
        limit: &'static str,
        /// The limit, in seconds.
        seconds: f64,
        /// How often it was tried.
        attempts: u32,
    },

    /// The connection could not be made, or broke.
    #[error(
        "{endpoint} could not be reached or broke off (attempts: {attempts}): {message}; is the server running there?"
    )]
    Connection {
        /// The URL.
        endpoint: String,
        /// What went wrong.
        message: String,
        /// How often it was tried.
        attempts: u32,
    },

    /// The server answered, with nothing.
    #[error(
        "{endpoint} sent an empty reply (attempts: {attempts}); expected a completion: check the endpoint's path, and what \
         stands between here and the model server"
    )]
    EmptyReply {
        /// The URL.
        endpoint: String,
        /// How often it was tried.
        attempts: u32,
    },

    /// The answer is not what the protocol says.
    #[error("{origin} sent a reply that cannot be used: expected {expected}, found {found}")]
    MalformedReply {
        /// The URL, or the engine.
        origin: String,
        /// What should have been there.
        expected: &'static str,
        /// What was there.
        found: String,
    },

    /// The model, or what watches over it, did not want to answer.
    #[error("{endpoint} declined to answer: {reason}; expected a judgement: see what of the task it takes offence at")]
    Declined {
        /// The URL.
        endpoint: String,
        /// The refusal's own words, or the reason for which the completion ended.
        reason: String,
    },

    /// An endpoint, key or option that cannot be used.
    #[error("model option `{option}` is {found}, expected {expected}")]
    InvalidOption {
        /// The option's name.
        option: &'static str,
        /// Its value; a key is never quoted.
        found: String,
        /// What it may be.
        expected: String,
    },

    /// No model where one was looked for.
    #[error("no model at `{model}`: {message}")]
    NotFound {
        /// What was given.
        model: String,
        /// What was looked for, and what to do.
        message: String,
    },

    /// The device cannot be used.
    #[error("device `{device}` cannot be used: {message}")]
    Device {
        /// What was asked for.
        device: String,
        /// Why not, and what to do.
        message: String,
    },

    /// The model was found and could not be loaded.
    #[error("`{model}` cannot be loaded: {message}")]
    Load {
        /// The model.
        model: String,
        /// Why.
        message: String,
    },

    /// The engine in this process failed while it generated.
    #[error("the engine failed while `{model}` was generating: {message}")]
    Engine {
        /// The model.
        model: String,
        /// Why.
        message: String,
    },

    /// A file could not be read or written.
    #[error("{action} `{path}`: {source}")]
    File {
        /// What was tried, such as `reading`.
        action: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },

    /// The default model could not be obtained.
    #[error(
        "the default model {name} could not be obtained: {attempts}; give a model with --model, or a server with \
         --endpoint"
    )]
    DefaultModel {
        /// The model.
        name: &'static str,
        /// What was tried and how each attempt ended.
        attempts: String,
    },
}

/// What a person can do about a status that retries will not cure.
fn advice_for(status: u16) -> &'static str {
    match status {
        401 | 403 => "; check the API key and what it may use",
        404 => "; check the endpoint's path and the model's name",
        429 => "; lower the concurrency or wait",
        _ => "",
    }
}

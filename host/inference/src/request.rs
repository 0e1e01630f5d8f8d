//! The ranges that every backend holds a request to.

use rewarden_types::{GenerateRequest, MAX_TOP_LOGPROBS, ModelError, PromptInput, PromptTurn, Sampling};

use crate::constraint;

/// Most stop strings of a request. Each is looked for after every token; servers take 4 to 16.
const MAX_STOPS: usize = 64;

/// Most bytes of a stop string.
const MAX_STOP_BYTES: usize = 1024;

/// Checks the ranges that the fields' documentation states, so that no backend interprets them in its own way.
///
/// # Errors
/// Returns the first field that is out of its range, with what was expected.
pub fn validate(request: &GenerateRequest) -> Result<(), ModelError> {
    let invalid = |field, found: String, expected| Err(ModelError::InvalidRequest { field, found, expected });
    let Sampling { temperature, top_p, max_tokens, .. } = request.sampling;
    if matches!(&request.input, PromptInput::Chat(turns) if turns.is_empty()) {
        return invalid("messages", "none".into(), "at least one");
    }
    if !(temperature.is_finite() && temperature >= 0.0) {
        return invalid("temperature", temperature.to_string(), "a finite number of at least 0");
    }
    if let Some(top_p) = top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
        return invalid("top_p", top_p.to_string(), "a number above 0 and at most 1");
    }
    if max_tokens == 0 {
        return invalid("max_tokens", "0".into(), "at least 1");
    }
    if request.stop.len() > MAX_STOPS || request.stop.iter().any(|stop| stop.len() > MAX_STOP_BYTES) {
        let longest = request.stop.iter().map(String::len).max().unwrap_or_default();
        let found = format!("{} strings, the longest of {longest} bytes", request.stop.len());
        return invalid("stop", found, "at most 64 strings of at most 1024 bytes");
    }
    if let Some(constraint) = &request.constraint {
        constraint::check(constraint)
            .map_err(|message| ModelError::ConstraintInvalid { constraint: constraint.kind(), message })?;
    }
    if request.stop.iter().any(String::is_empty) {
        return invalid("stop", "an empty string".into(), "strings of at least one character");
    }
    if request.top_logprobs > MAX_TOP_LOGPROBS {
        return invalid("top_logprobs", request.top_logprobs.to_string(), "0 to 20");
    }
    Ok(())
}

/// Returns the turns of a request to a model that takes nothing else.
///
/// # Errors
/// Names what else the request has.
pub(crate) fn chat_turns(request: &GenerateRequest) -> Result<&[PromptTurn], ModelError> {
    match &request.input {
        PromptInput::Chat(turns) => Ok(turns),
        other => Err(ModelError::InvalidRequest {
            field: "input",
            found: other.kind().to_owned(),
            expected: "chat turns, which are all that this model takes",
        }),
    }
}

#[cfg(test)]
mod tests {
    use rewarden_types::Constraint;

    use super::*;

    fn request() -> GenerateRequest {
        let sampling = Sampling { temperature: 0.5, top_p: None, max_tokens: 8, seed: 1 };
        GenerateRequest::new(PromptInput::user("hi"), sampling)
    }

    #[test]
    fn a_plain_request_is_valid() {
        validate(&request()).unwrap();
    }

    #[test]
    fn every_out_of_range_field_is_named() {
        type Breakage = fn(&mut GenerateRequest);
        let broken: [(&str, Breakage); 11] = [
            ("messages", |r| r.input = PromptInput::Chat(vec![])),
            ("temperature", |r| r.sampling.temperature = -0.1),
            ("temperature", |r| r.sampling.temperature = f64::NAN),
            ("temperature", |r| r.sampling.temperature = f64::INFINITY),
            ("top_p", |r| r.sampling.top_p = Some(0.0)),
            ("top_p", |r| r.sampling.top_p = Some(1.5)),
            ("max_tokens", |r| r.sampling.max_tokens = 0),
            ("stop", |r| r.stop.push(String::new())),
            ("stop", |r| r.stop.push("x".repeat(MAX_STOP_BYTES + 1))),
            ("stop", |r| r.stop = vec!["x".into(); MAX_STOPS + 1]),
            ("top_logprobs", |r| r.top_logprobs = 21),
        ];
        for (field, breaking) in broken {
            let mut request = request();
            breaking(&mut request);
            let error = validate(&request).unwrap_err();
            assert!(matches!(&error, ModelError::InvalidRequest { field: f, .. } if *f == field), "{field}: {error}");
        }
        let large = GenerateRequest { constraint: Some(Constraint::Regex("(a{1000}){1000}".into())), ..request() };
        let error = validate(&large).unwrap_err();
        assert!(matches!(&error, ModelError::ConstraintInvalid { constraint: "regular expression", .. }), "{error}");
    }
}

//! The body of a request.

use serde_json::{Map, Value, json};

use super::constraint::ConstraintDialect;
use rewarden_types::GenerateRequest;
use rewarden_types::ModelError;

/// The JSON object to post.
pub(super) fn body(model: &str, request: &GenerateRequest, dialect: ConstraintDialect) -> Result<Value, ModelError> {
    let sampling = &request.sampling;
    let messages: Vec<Value> =
        request.messages.iter().map(|m| json!({ "role": m.role.name(), "content": m.content })).collect();
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    body.insert("messages".into(), json!(messages));
    body.insert("temperature".into(), json!(sampling.temperature));
    body.insert("max_tokens".into(), json!(sampling.max_tokens));
    body.insert("seed".into(), json!(server_seed(sampling.seed)));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    if let Some(top_p) = sampling.top_p {
        body.insert("top_p".into(), json!(top_p));
    }
    if !request.stop.is_empty() {
        body.insert("stop".into(), json!(request.stop));
    }
    if request.top_logprobs > 0 {
        body.insert("logprobs".into(), json!(true));
        body.insert("top_logprobs".into(), json!(request.top_logprobs));
    }
    if let Some(constraint) = &request.constraint {
        dialect.apply(constraint, &mut body)?;
    }
    Ok(Value::Object(body))
}

/// A seed that every server takes. Some hold it in 32 bits, and llama.cpp reads the largest 32-bit number as "at
/// random", so it is folded to 31 bits; seeds that are small enough stay what they are.
fn server_seed(seed: u64) -> u64 {
    const MASK: u64 = (1 << 31) - 1;
    (seed ^ (seed >> 31) ^ (seed >> 62)) & MASK
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewarden_types::{Message, Role, Sampling};

    fn request() -> GenerateRequest {
        GenerateRequest {
            messages: vec![
                Message { role: Role::System, content: "judge".into() },
                Message { role: Role::User, content: "hi".into() },
            ],
            sampling: Sampling { temperature: 0.5, top_p: None, max_tokens: 8, seed: 3 },
            constraint: None,
            stop: vec![],
            top_logprobs: 0,
        }
    }

    #[test]
    fn only_what_is_asked_for_is_sent() {
        let sent = body("grm", &request(), ConstraintDialect::None).unwrap();
        let expected = json!({
            "model": "grm",
            "messages": [{"role": "system", "content": "judge"}, {"role": "user", "content": "hi"}],
            "temperature": 0.5,
            "max_tokens": 8,
            "seed": 3,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(sent, expected);
    }

    #[test]
    fn stop_strings_top_p_and_log_probabilities_are_passed_on() {
        let mut request = request();
        request.stop = vec!["END".into()];
        request.sampling.top_p = Some(0.9);
        request.top_logprobs = 5;
        let sent = body("grm", &request, ConstraintDialect::None).unwrap();
        assert_eq!((&sent["stop"], &sent["top_p"]), (&json!(["END"]), &json!(0.9)));
        assert_eq!((&sent["logprobs"], &sent["top_logprobs"]), (&json!(true), &json!(5)));
    }

    #[test]
    fn seeds_fit_in_31_bits_and_differ_where_they_should() {
        assert_eq!(server_seed(7), 7);
        assert_eq!(server_seed((1 << 31) - 1), (1 << 31) - 1);
        assert!([u64::MAX, 1 << 63, 1 << 31].iter().all(|s| server_seed(*s) < 1 << 31));
        assert_ne!(server_seed(1 << 40), server_seed(1 << 41));
    }
}

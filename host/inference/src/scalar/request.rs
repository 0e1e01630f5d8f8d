//! The body of a request, and the requests that a model without text cannot serve.

use serde_json::{Map, Value, json};

use super::{ScalarInput, ScalarRoute};
use rewarden_types::ModelError;
use rewarden_types::{GenerateRequest, PromptTurn};

/// The JSON object to post.
pub(super) fn body(
    model: &str,
    messages: &[PromptTurn],
    fields: &Map<String, Value>,
    route: ScalarRoute,
    input: ScalarInput,
) -> Value {
    let mut body = fields.clone();
    body.insert("model".into(), json!(model));
    match input {
        ScalarInput::Messages => {
            let messages: Vec<Value> =
                messages.iter().map(|m| json!({ "role": m.role, "content": m.content })).collect();
            body.insert("messages".into(), json!(messages));
            // The conversation is over, also where its last turn is the user's.
            body.insert("add_generation_prompt".into(), json!(false));
        }
        ScalarInput::Text => {
            let turns: Vec<&str> = messages.iter().map(|m| m.content.as_str()).collect();
            body.insert("input".into(), json!(turns.join("\n\n")));
        }
    }
    body.insert("use_activation".into(), json!(false));
    if route == ScalarRoute::Pooling {
        // Else some servers pool every token.
        body.insert("task".into(), json!("classify"));
    }
    Value::Object(body)
}

/// Refuses what a number cannot satisfy, rather than leave it out.
pub(crate) fn refuse_what_presumes_text(request: &GenerateRequest) -> Result<(), ModelError> {
    if let Some(constraint) = &request.constraint {
        return Err(ModelError::ConstraintUnsupported {
            backend: "a scalar model".into(),
            constraint: constraint.kind(),
            advice: "it gives one number and writes no text: take the constraint out of its prompt",
        });
    }
    let refused = |field, found: String, expected| Err(ModelError::InvalidRequest { field, found, expected });
    if !request.stop.is_empty() {
        return refused(
            "stop",
            format!("{:?}", request.stop),
            "none: a scalar model gives a number and writes no text",
        );
    }
    if let Some(prefill) = &request.prefill {
        return refused("prefill", format!("{prefill:?}"), "none: a scalar model writes no answer");
    }
    if request.top_logprobs > 0 {
        return refused("top_logprobs", request.top_logprobs.to_string(), "0: a scalar model writes no tokens");
    }
    Ok(())
}

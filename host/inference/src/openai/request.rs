//! The body of a request.

use serde_json::{Map, Value, json};

use super::negotiation::Written;
use rewarden_types::{GenerateRequest, ModelError, PromptInput, PromptTurn};

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/chat/completions`.
    Chat,
    /// `/completions`, which applies no chat template.
    Text,
}

/// By which name a server takes the upper bound of new tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenBound {
    MaxTokens,
    /// OpenAI's reasoning models refuse the other one.
    MaxCompletionTokens,
}

impl TokenBound {
    fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// Whether an error says that the bound has its newer name. OpenAI's own says both; others only what they do not take.
pub(super) fn wants_renamed_bound(body: &str) -> bool {
    let body = body.to_ascii_lowercase();
    let refused = ["unsupported", "not supported", "unrecognized", "unknown", "not permitted", "extra_forbidden"];
    body.contains("max_completion_tokens")
        || body.contains("max_tokens") && refused.iter().any(|word| body.contains(word))
}

/// Returns where to post the request, and the JSON object to post, with the constraint as the server takes it.
pub(super) fn body(
    model: &str,
    request: &GenerateRequest,
    written: Option<Written>,
    bound: TokenBound,
) -> Result<(Route, Value), ModelError> {
    let sampling = &request.sampling;
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    let route = match &request.input {
        PromptInput::Chat(turns) => {
            messages(turns, request.prefill.as_deref(), &mut body);
            Route::Chat
        }
        PromptInput::Text(text) => {
            if request.top_logprobs > 0 {
                return Err(ModelError::InvalidRequest {
                    field: "top_logprobs",
                    found: request.top_logprobs.to_string(),
                    expected: "0 with a text: servers give log-probabilities of chat completions in the form that is read",
                });
            }
            body.insert("prompt".into(), json!(format!("{text}{}", request.prefill.as_deref().unwrap_or_default())));
            Route::Text
        }
        other @ PromptInput::Questions { .. } => {
            return Err(ModelError::InvalidRequest {
                field: "input",
                found: other.kind().to_owned(),
                expected: "chat turns or a text; a pack says `kind = \"decision\"` of a model that answers questions",
            });
        }
    };
    body.insert("temperature".into(), json!(sampling.temperature));
    let bound = if route == Route::Text { TokenBound::MaxTokens } else { bound };
    body.insert(bound.name().into(), json!(sampling.max_tokens));
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
    if let Some((field, value)) = written {
        body.insert(field.to_owned(), value);
    }
    for (field, value) in &request.fields {
        if body.insert(field.clone(), value.clone()).is_some() {
            return Err(ModelError::InvalidRequest {
                field: "fields",
                found: format!("`{field}`"),
                expected: "fields that the host does not write itself",
            });
        }
    }
    Ok((route, Value::Object(body)))
}

/// Writes a conversation; with a prefill, so that the server goes on with the last turn instead of opening another.
fn messages(turns: &[PromptTurn], prefill: Option<&str>, body: &mut Map<String, Value>) {
    let mut messages: Vec<Value> =
        turns.iter().map(|turn| json!({ "role": turn.role, "content": turn.content })).collect();
    if let Some(prefill) = prefill {
        messages.push(json!({ "role": "assistant", "content": prefill }));
        // vLLM's and SGLang's names. llama.cpp goes on with an assistant's last turn by itself.
        body.insert("continue_final_message".into(), json!(true));
        body.insert("add_generation_prompt".into(), json!(false));
    }
    body.insert("messages".into(), json!(messages));
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
        let turns = vec![
            Message { role: Role::System, content: "judge".into() }.into(),
            Message { role: Role::User, content: "hi".into() }.into(),
        ];
        let sampling = Sampling { temperature: 0.5, top_p: None, max_tokens: 8, seed: 3 };
        GenerateRequest::new(PromptInput::Chat(turns), sampling)
    }

    fn sent(request: &GenerateRequest) -> (Route, Value) {
        body("grm", request, None, TokenBound::MaxTokens).unwrap()
    }

    #[test]
    fn any_role_a_prefill_and_a_text_are_sent_as_servers_take_them() {
        let turns = vec![PromptTurn { role: "response_1".into(), content: "4".into() }];
        let prefilled =
            GenerateRequest { input: PromptInput::Chat(turns), prefill: Some("\\boxed{".into()), ..request() };
        let (route, body) = sent(&prefilled);
        assert_eq!(route, Route::Chat);
        assert_eq!(
            body["messages"],
            json!([{"role": "response_1", "content": "4"}, {"role": "assistant", "content": "\\boxed{"}])
        );
        assert_eq!((&body["continue_final_message"], &body["add_generation_prompt"]), (&json!(true), &json!(false)));
        let (route, body) = sent(&GenerateRequest { input: PromptInput::Text("User: 2+2?".into()), ..prefilled });
        assert_eq!((route, &body["prompt"]), (Route::Text, &json!("User: 2+2?\\boxed{")));
        assert_eq!((body.get("messages"), body.get("continue_final_message")), (None, None));
    }

    #[test]
    fn fields_of_the_pack_go_along_and_replace_none_of_the_hosts() {
        let with = |field: &str| {
            let mut request = request();
            request.fields.insert(field.into(), json!(7));
            body("grm", &request, None, TokenBound::MaxCompletionTokens)
        };
        let (_, sent) = with("top_k").unwrap();
        assert_eq!((&sent["top_k"], &sent["max_completion_tokens"]), (&json!(7), &json!(8)));
        assert_eq!(sent.get("max_tokens"), None);
        assert!(with("seed").unwrap_err().to_string().contains("`fields` is `seed`"));
    }

    #[test]
    fn a_refused_bound_is_told_from_one_that_is_too_large() {
        for body in [
            r#"{"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "code": "unsupported_parameter"}}"#,
            r#"{"error": {"code": "unsupported_parameter", "param": "max_tokens"}}"#,
            r#"{"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"]}]}"#,
        ] {
            assert!(wants_renamed_bound(body), "{body}");
        }
        assert!(!wants_renamed_bound(r#"{"error": {"message": "max_tokens is too large: 9000"}}"#));
        assert!(!wants_renamed_bound(r#"{"error": {"code": "unsupported_parameter", "param": "seed"}}"#));
    }

    #[test]
    fn only_what_is_asked_for_is_sent() {
        let (_, sent) = sent(&request());
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
        let (_, sent) = sent(&request);
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

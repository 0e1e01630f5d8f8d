//! A server's reply: one number, or why there is none.

use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{ScalarInput, ScalarRoute};
use crate::server::{self, TryFailure, body, excerpt};
use rewarden_types::ModelError;
use rewarden_types::{Completion, FinishReason, Usage};

/// The most bytes of a reply, which holds one number. A list for every token, which is told apart from it, fits too.
const LARGEST: usize = 1 << 20;

/// The reply of either route; they differ in the name of the field that holds the number.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Vec<Entry>,
    usage: Option<WireUsage>,
    /// Some gateways send it with status 200.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Entry {
    probs: Option<Value>,
    data: Option<Value>,
    /// Which of the conversations it is about; there was one.
    index: Option<u64>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: u32,
    completion_tokens: Option<u32>,
}

/// Reads a successful response to its end.
pub(super) async fn receive(response: Response, route: ScalarRoute) -> Result<Completion, TryFailure> {
    let text = body::text(response, LARGEST).await?;
    complete(&text, route)
}

fn complete(text: &str, route: ScalarRoute) -> Result<Completion, TryFailure> {
    let expected = match route {
        ScalarRoute::Classify => "a classification in JSON, with one finite number at `data[0].probs`",
        ScalarRoute::Pooling => "a pooling result in JSON, with one finite number at `data[0].data`",
    };
    let malformed = |found: String| TryFailure::Malformed { expected, found };
    let Reply { data, usage, error } = server::parse(text, expected)?;
    if let Some(error) = error.filter(|error| !error.is_null()) {
        return Err(malformed(format!("an error: {}", excerpt(&error.to_string(), None))));
    }
    let [entry] = data.as_slice() else {
        return Err(malformed(format!("{} entries in `data` for one conversation", data.len())));
    };
    if let Some(index) = entry.index.filter(|index| *index != 0) {
        return Err(malformed(format!("the entry of conversation {index}, where only 0 was asked about")));
    }
    let (name, held) = match route {
        ScalarRoute::Classify => ("probs", &entry.probs),
        ScalarRoute::Pooling => ("data", &entry.data),
    };
    let held = held.as_ref().ok_or_else(|| malformed(format!("no `{name}` there: {}", excerpt(text, None))))?;
    let number = only_number(held).map_err(malformed)?;
    if route == ScalarRoute::Classify && number == 1.0 {
        return Err(malformed(
            "exactly 1, which a softmax over one label always gives and a sigmoid where it is saturated; switch the \
             activation off at the server, or ask it by /pooling"
                .into(),
        ));
    }
    let usage = match usage {
        Some(usage) => {
            Usage { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens.unwrap_or_default() }
        }
        None => {
            tracing::warn!("the server reports no token usage: prompt tokens are counted as 0");
            Usage::default()
        }
    };
    // Without an exponent, and as short as reading it back exactly allows.
    let text = number.to_string();
    Ok(Completion { usage, ..Completion::of_text(text, FinishReason::Stop) })
}

/// The one number of a list of one, or in words what is there instead.
fn only_number(held: &Value) -> Result<f64, String> {
    let shown = || excerpt(&held.to_string(), None);
    let Value::Array(items) = held else { return Err(format!("no list but {}", shown())) };
    match items.as_slice() {
        [Value::Number(number)] => match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(number),
            None => Err(format!("{number}, which is not finite")),
        },
        [Value::Null] => Err("null, by which servers write a number that is not finite".into()),
        [Value::Array(_), ..] => {
            Err("a list for every token; serve the model for the task `classify`, or ask it by /classify".into())
        }
        [] => Err("an empty list".into()),
        [_] => Err(shown()),
        several => Err(format!(
            "{} labels: {}; a model that scores has one, so is this the right model?",
            several.len(),
            shown()
        )),
    }
}

/// Says it in the terms of the options when a server misses the `input` that messages were sent instead of.
pub(super) fn explain(error: ModelError, input: ScalarInput) -> ModelError {
    match error {
        ModelError::HttpStatus { endpoint, status: status @ (400 | 422), body, .. }
            if input == ScalarInput::Messages && misses_input(&body) =>
        {
            ModelError::InvalidOption {
                option: "input",
                found: format!("messages, which {endpoint} does not take ({status}: {body})"),
                expected: "text; or a server that applies the chat template, such as a newer vLLM".into(),
            }
        }
        error => error,
    }
}

/// Returns whether an error's text names `body, input` as the place of what is missing, as FastAPI's servers write it: a JSON
/// list or a Python tuple. A server that takes messages too names the variant in between.
fn misses_input(body: &str) -> bool {
    let bare: String = body.chars().filter(|c| !matches!(c, '"' | '\'' | '\\' | ' ')).collect();
    bare.contains("body,input]") || bare.contains("body,input)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(number: &str) -> Result<Completion, TryFailure> {
        complete(&format!(r#"{{"data":[{{"probs":[{number}]}}]}}"#), ScalarRoute::Classify)
    }

    #[test]
    fn a_number_beside_an_error_or_of_another_conversation_is_none() {
        let told = |reply: &str| match complete(reply, ScalarRoute::Classify) {
            Err(TryFailure::Malformed { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(told(r#"{"error":"overloaded","data":[{"probs":[0.7]}]}"#), r#"an error: "overloaded""#);
        assert_eq!(told(r#"{"error":{"code":5}}"#), r#"an error: {"code":5}"#);
        let other = r#"{"data":[{"index":5,"probs":[0.7]}]}"#;
        assert_eq!(told(other), "the entry of conversation 5, where only 0 was asked about");
        assert!(complete(r#"{"error":null,"data":[{"index":0,"probs":[0.7]}]}"#, ScalarRoute::Classify).is_ok());
    }

    #[test]
    fn the_text_is_the_number_without_an_exponent_and_reads_back_as_the_same() {
        for (sent, text) in [
            ("-15.7781", "-15.7781"),
            ("1.3125999999999999", "1.3126"),
            ("3", "3"),
            ("-0.0", "-0"),
            ("1.4e-07", "0.00000014"),
            ("0.1000000000000000055511151231257827", "0.1"),
            ("5e-324", &format!("0.{}5", "0".repeat(323))),
            ("1.7976931348623157e308", &f64::MAX.to_string()),
        ] {
            let completion = classified(sent).unwrap();
            assert_eq!(completion.text, text, "{sent}");
            let (read, meant): (f64, f64) = (completion.text.parse().unwrap(), sent.parse().unwrap());
            assert_eq!(read.to_bits(), meant.to_bits(), "{sent}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_however_they_are_written() {
        for wrong in ["NaN", "null", "Infinity", "-Infinity", "1e999", "\"NaN\""] {
            let failure = classified(wrong).unwrap_err();
            assert!(matches!(failure, TryFailure::Malformed { .. }), "{wrong}: {failure}");
            assert!(failure.to_string().contains("one finite number"), "{wrong}: {failure}");
        }
    }

    #[test]
    fn only_a_server_that_misses_the_input_itself_is_taken_for_one_without_messages() {
        for (body, misses) in [
            (r#"{"detail":[{"type":"missing","loc":["body","input"],"msg":"Field required"}]}"#, true),
            (r#"{"error":{"message":"[{'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required'"}}"#, true),
            (r#"{"detail":[{"type":"missing","loc":["body","model"],"input":{"messages":[]}}]}"#, false),
            ("[{'loc': ('body', 'ClassificationCompletionRequest', 'input'), 'msg': 'Field required'}]", false),
            ("This model's maximum context length is 8192 tokens, but the input has 9000", false),
        ] {
            assert_eq!(misses_input(body), misses, "{body}");
        }
    }
}

//! The JSON object or array in a completion that is its answer.

use rewarden_plugin::{Completion, FinishReason, ParseFailure};

use crate::{
    cut,
    json::{Found, Json, outermost},
    quote::{end_of, excerpt},
};

/// The last value in the text of which `is_answer` holds: earlier ones are drafts. `expected` says what that is, for
/// messages; `mark` is what an attempt at an answer holds, such as `"scores"`.
///
/// # Errors
/// `Unparsable` when there is none; when what follows it is an attempt that cannot be read, or one that the token limit
/// cut; and when it is part of something that is no JSON, as `[1, 2]` is in `{'scores': [1, 2]}`.
pub fn json_answer(
    completion: &Completion,
    expected: &str,
    mark: &str,
    is_answer: impl Fn(&Json) -> bool,
) -> Result<Found, ParseFailure> {
    let text = completion.text.as_str();
    let fail = |found: &str| {
        Err(ParseFailure::Unparsable(format!("expected {expected}, found {found}; {}", end_of(completion))))
    };
    let Some(found) = outermost(text).into_iter().rev().find(|found| is_answer(&found.value)) else {
        return fail("none");
    };
    let after = text.get(found.end..).unwrap_or_default();
    if !mark.is_empty() && after.contains(mark) {
        return fail("a later one that is no whole JSON");
    }
    let begun = after.rfind(['{', '[']).is_some_and(|at| outermost(after.get(at..).unwrap_or_default()).is_empty());
    if completion.finish == FinishReason::Length && begun {
        return fail("a later one that the token limit may have cut");
    }
    if !cut::counts(completion, text, found.start, found.end) {
        return fail("only one in the middle of a text that was cut");
    }
    if goes_on(after) {
        let value = excerpt(text.get(found.start..found.end).unwrap_or_default());
        return fail(&format!("`{value}` as part of something that is no JSON"));
    }
    Ok(found)
}

/// Whether what follows a value makes it a part of something.
fn goes_on(after: &str) -> bool {
    let rest = after.trim_start();
    rest.starts_with(['}', ']'])
        || rest.strip_prefix(',').is_some_and(|rest| rest.trim_start().starts_with(['"', '\'', '{', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, finish: FinishReason) -> Result<String, String> {
        let completion = Completion { text: text.to_owned(), finish, tokens: vec![] };
        let found = json_answer(&completion, "an object with `a`", "\"a\"", |value| value.field("a").is_some());
        match found {
            Ok(found) => Ok(text.get(found.start..found.end).unwrap().to_owned()),
            Err(ParseFailure::Unparsable(why)) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_answer_counts_and_other_values_do_not() {
        let text = "{\"a\": 1} or rather {\"a\": 2} (see [1] and {\"b\": 3}).";
        assert_eq!(answer(text, FinishReason::Stop).as_deref(), Ok("{\"a\": 2}"));
        assert!(
            answer("{\"b\": 1}", FinishReason::Stop)
                .unwrap_err()
                .starts_with("expected an object with `a`, found none")
        );
    }

    #[test]
    fn a_later_attempt_that_cannot_be_read_is_no_reason_to_take_an_earlier_one() {
        for text in ["{\"a\": 1} no, {\"a\": 2", "{\"a\": 1} no, {\"a\": x}", "{\"a\": 1}\n{\"a\"; 1}"] {
            assert!(answer(text, FinishReason::Stop).unwrap_err().contains("a later one"), "{text}");
        }
        assert!(answer("{\"a\": 1} no, {", FinishReason::Length).unwrap_err().contains("token limit"));
        assert!(answer("{\"a\": 1} no, {", FinishReason::Stop).is_ok());
        assert!(answer("{\"a\": 1} (see [1]) and", FinishReason::Length).is_ok());
        let restated = "I am to write {\"a\": 1} for the first. It says that";
        assert!(answer(restated, FinishReason::Length).unwrap_err().contains("in the middle of a text that was cut"));
        assert!(answer(restated, FinishReason::Stop).is_ok());
    }

    #[test]
    fn a_part_of_something_that_is_no_json_is_no_answer() {
        for text in ["{'x': {\"a\": 1}}", "[{\"a\": 1}, {'a': 2}]", "{'x': {\"a\": 1}, 'y': 2}"] {
            assert!(answer(text, FinishReason::Stop).unwrap_err().contains("no JSON"), "{text}");
        }
        assert!(answer("{\"a\": 1}, as I said", FinishReason::Stop).is_ok());
    }
}

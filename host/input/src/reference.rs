//! Ground truths as data sets have them.

use serde_json::{Number, Value};

use crate::unreadable::UnreadableValue;

/// The most texts that a ground truth may have. Each is a call into every scorer.
pub const MOST_REFERENCES: usize = 64;

/// The fields of an object that may hold the ground truth. The first that is there counts.
const FIELDS: [&str; 8] = ["target", "targets", "answer", "answers", "ground_truth", "reference", "value", "text"];

/// Returns the texts that a ground truth is right by; any one of them counts. Empty if there is none.
///
/// A text is itself, and a number its decimal digits without an exponent (`1e16` is `10000000000000000`). A list holds texts
/// that all count. An object is what its field `target`, `targets`, `answer`, `answers`, `ground_truth`, `reference`, `value` or
/// `text` holds. Null and a text of white space are no ground truth, and entries of a list like that are left out.
///
/// # Errors
///
/// Anything else, such as a list in a list, of which nobody can tell whether it is one answer or several.
pub fn references(value: &Value, at: &str) -> Result<Vec<String>, UnreadableValue> {
    let (value, at) = match value {
        Value::Object(fields) => {
            let held = FIELDS.iter().find_map(|name| fields.get(*name).map(|value| (value, format!("{at}/{name}"))));
            held.ok_or_else(|| UnreadableValue::expected(at, EXPECTED, value))?
        }
        value => (value, at.to_owned()),
    };
    let mut texts: Vec<String> = Vec::new();
    match value {
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                let text = single(entry, &format!("{at}/{index}"))?;
                texts.extend(text.filter(|text| !texts.contains(text)));
                if texts.len() > MOST_REFERENCES {
                    let detail = format!("expected at most {MOST_REFERENCES} different texts, found {}", entries.len());
                    return Err(UnreadableValue::new(at, detail));
                }
            }
        }
        value => texts.extend(single(value, &at)?),
    }
    Ok(texts)
}

const EXPECTED: &str = "a text, a number, a list of them of which any counts, or an object with `target`, `answer` or `answers` (what a \
                        scorer reads as JSON goes as a text)";

fn single(value: &Value, at: &str) -> Result<Option<String>, UnreadableValue> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok((!text.trim().is_empty()).then(|| text.clone())),
        Value::Number(number) => Ok(Some(decimal(number))),
        Value::Bool(value) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(UnreadableValue::expected(at, EXPECTED, value)),
    }
}

/// A number in decimal digits, without an exponent: rules compare texts, and `1e16` is one that nobody writes into an answer.
fn decimal(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(value: Value) -> Vec<String> {
        references(&value, "").unwrap()
    }

    #[test]
    fn every_kind_of_ground_truth_is_its_texts() {
        for (value, expected) in [
            (json!("4"), &["4"][..]),
            (json!(3), &["3"]),
            (json!(-9223372036854775808_i64), &["-9223372036854775808"]),
            (json!(0.5), &["0.5"]),
            (json!(3.0), &["3"]),
            (json!(1e16), &["10000000000000000"]),
            (json!(1e-5), &["0.00001"]),
            (json!(true), &["true"]),
            (json!(["4", "four"]), &["4", "four"]),
            (json!([4, "4", null, " ", 5.5]), &["4", "5.5"]),
            (json!({ "target": ["Paris"], "split": "train" }), &["Paris"]),
            (json!({ "answers": ["a", "b"] }), &["a", "b"]),
            (json!({ "target": 7 }), &["7"]),
            (json!({ "text": ["x"], "answer_start": [3] }), &["x"]),
            (json!(null), &[]),
            (json!(""), &[]),
            (json!("  \n"), &[]),
            (json!([]), &[]),
            (json!([null]), &[]),
            (json!({ "target": null }), &[]),
        ] {
            assert_eq!(texts(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn what_no_text_can_be_made_of_is_named_by_its_place() {
        let refused = |value: Value| references(&value, "/ground_truth").unwrap_err();
        for (value, pointer, found) in [
            (json!([["4"]]), "/ground_truth/0", "a list of 1"),
            (json!({ "answers": ["4", {}] }), "/ground_truth/answers/1", "an object without fields"),
            (json!({ "inputs": [], "outputs": [] }), "/ground_truth", "an object with inputs, outputs"),
            (json!({ "target": { "target": "4" } }), "/ground_truth/target", "an object with target"),
        ] {
            let error = refused(value);
            assert_eq!(error.pointer, pointer);
            assert!(error.detail.ends_with(&format!("found {found}")), "{error}");
        }
        let many: Vec<u32> = (0..=64).collect();
        assert!(refused(json!(many)).detail.starts_with("expected at most 64 different texts, found 65"));
        assert_eq!(texts(json!(vec!["same"; 1000])), ["same"]);
    }
}

//! Scores lines of JSON, `{"reference": …, "response": …}`, from the standard input: one line with 1 or 0 for each, and
//! behind it how the two were read.
#![allow(clippy::unwrap_used, reason = "a tool for measuring")]

use std::io::BufRead;

use answer_match::AnswerMatch;
use rewarden_plugin::{Message, Plugin, Score, Scorer, Task};

fn main() {
    let config = std::env::args().nth(1).unwrap_or_else(|| "{}".to_owned());
    let scorer = AnswerMatch::from_json(&config).unwrap();
    for line in std::io::stdin().lock().lines() {
        let case: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = |key: &str| case.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let (reference, response) = (text("reference"), text("response"));
        let task = Task {
            messages: vec![Message::user("?")],
            responses: vec![response.clone()],
            reference: Some(reference.clone()),
            metadata: "{}".to_owned(),
        };
        let score = match scorer.score(&task) {
            Ok(scores) => match scores.first() {
                Some(Score::Value(value)) => value.to_string(),
                other => format!("{other:?}"),
            },
            Err(refusal) => format!("{refusal:?}"),
        };
        println!("{score}\t{}\t{}", answer_match::explain(&reference, true), answer_match::explain(&response, false));
    }
}

//! Made-up input: texts that tasks and models could hold, and those that they should not.

use std::sync::Arc;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rewarden_types::{Alternative, Completion, FinishReason, Message, Role, TaskView, Token};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cases::{Case, Golden};

/// Longest made-up text, in bytes, or a little more.
const LONGEST: usize = 16 << 10;

/// What templates delimit with, what parsers look for, and what breaks careless code.
pub(super) const FRAGMENTS: [&str; 62] = [
    r"\boxed{10, 1}",
    r"\boxed{",
    "}",
    r"\boxed{}",
    r"\boxed{7}",
    r"\boxed{N/A, 3}",
    "Scores:",
    "Score: 7/10",
    "[RESULT] 4",
    "[[A]]",
    "[[B]]",
    "[[C]]",
    "[[8]]",
    "A>>B",
    "A=B",
    "Output (a)",
    "Output (b) is better",
    "tie",
    "Rating:",
    "Verdict:",
    "{\"scores\": [7, 3]}",
    "{\"score\":",
    "[7, 3]",
    "```json",
    "```",
    "[The Begin of Response 1]",
    "[The End of Response 1]",
    "[The Begin of Response 2]",
    "#### Output Format Requirements ####",
    "### Response 2",
    "<response>",
    "</response>",
    "<|im_start|>system",
    "<|im_end|>",
    "[INST]",
    "</s>",
    "<think>",
    "</think>",
    "{response}",
    "{{response}}",
    "{0}",
    "%s",
    "Specific Criteria:",
    "Analysis:",
    "Weight: 30%",
    "$",
    "\\",
    "\"",
    "'",
    ",",
    ";",
    "|",
    "-",
    "yes",
    "no",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "Ü",
];

const NUMBERS: [&str; 22] = [
    "7",
    "3",
    "10",
    "1",
    "0",
    "-1",
    "11",
    "5.5",
    "1e999",
    "-1e-999",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "007",
    "1,000",
    "7/10",
    "٣",
    "７",
    "99999999999999999999999999",
    "+4",
    "0x7",
];

const WORDS: [&str; 16] = [
    "apple", "river", "stone", "window", "garden", "silver", "yellow", "market", "winter", "letter", "bottle",
    "forest", "candle", "doctor", "engine", "island",
];

/// A seeded source of input.
pub(super) struct MadeUp {
    pub(super) random: ChaCha8Rng,
    /// Completions of the golden cases.
    completions: Vec<String>,
    /// What was learnt of the plugin itself, such as its delimiters.
    fragments: Vec<String>,
}

impl MadeUp {
    /// The same `seed`, `part` and cases always make up the same.
    pub(super) fn new(seed: u64, part: &str, golden: &[Golden]) -> Self {
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(part.as_bytes()).finalize();
        let completions = golden.iter().filter_map(|golden| match &golden.case {
            Case::Parse(case) => case.completion.clone(),
            Case::Read(case) => Some(case.completion.clone()),
            _ => None,
        });
        Self { random: ChaCha8Rng::from_seed(digest.into()), completions: completions.collect(), fragments: Vec::new() }
    }

    /// Makes `fragment` part of texts from now on.
    pub(super) fn learn(&mut self, fragment: &str) {
        if !fragment.trim().is_empty() {
            self.fragments.push(fragment.to_owned());
        }
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: u32) -> bool {
        self.random.random_ratio(1, n.max(1))
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T], otherwise: &'a T) -> &'a T {
        from.choose(&mut self.random).copied().unwrap_or(otherwise)
    }

    fn fragment(&mut self) -> String {
        match self.random.random_range(0..10) {
            0..=2 => self.pick(&NUMBERS, "7").to_owned(),
            3 => self.pick(&WORDS, "apple").to_owned(),
            4..=5 if !self.fragments.is_empty() => self.fragments.choose(&mut self.random).cloned().unwrap_or_default(),
            _ => self.pick(&FRAGMENTS, "}").to_owned(),
        }
    }

    /// Any text.
    pub(super) fn text(&mut self) -> String {
        match self.random.random_range(0..20) {
            0..=11 => self.soup(),
            12..=13 => self.characters(),
            14 => {
                let fragment = self.fragment();
                fragment.repeat(self.random.random_range(1..=times(&fragment)))
            }
            _ => self.changed_completion(),
        }
    }

    /// The text of a law's case by its number: first each fragment over and over, which is what makes a careless search
    /// take the square of its time; then any text.
    pub(super) fn text_of_case(&mut self, number: u32) -> String {
        match FRAGMENTS.get(number as usize) {
            Some(fragment) => fragment.repeat(times(fragment)),
            None => self.text(),
        }
    }

    fn soup(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.random.random_range(0..14) {
            text.push_str(&self.fragment());
            text.push_str(self.pick(&["", " ", "\n", "\n\n", ", "], " "));
        }
        text
    }

    fn characters(&mut self) -> String {
        let any = self.once_in(2);
        let highest = if any { 0x10_FFFF } else { 0x2FF };
        (0..self.random.random_range(0..200))
            .filter_map(|_| char::from_u32(self.random.random_range(0..=highest)))
            .collect()
    }

    /// A golden completion with a piece of it left out, doubled or replaced: near to what the parser reads.
    fn changed_completion(&mut self) -> String {
        let Some(completion) = self.completions.choose(&mut self.random).cloned() else { return self.soup() };
        let characters: Vec<char> = completion.chars().collect();
        let start = self.random.random_range(0..=characters.len());
        let end = self.random.random_range(start..=characters.len().min(start + 40));
        let (before, piece, after) = (
            characters.iter().take(start).collect::<String>(),
            characters.iter().take(end).skip(start).collect::<String>(),
            characters.iter().skip(end).collect::<String>(),
        );
        let middle = match self.random.random_range(0..3) {
            0 => String::new(),
            1 => format!("{piece}{piece}"),
            _ => self.fragment(),
        };
        format!("{before}{middle}{after}")
    }

    /// A few common words, which no template has a reason to change.
    pub(super) fn words(&mut self) -> String {
        let count = self.random.random_range(3..9);
        (0..count).map(|_| self.pick(&WORDS, "apple")).collect::<Vec<_>>().join(" ")
    }

    /// A task with this many responses of any text.
    pub(super) fn task(&mut self, responses: usize) -> TaskView {
        let mut messages = Vec::new();
        for _ in 0..self.random.random_range(0..3) {
            let role = if self.once_in(2) { Role::System } else { Role::Assistant };
            messages.push(Message { role, content: self.text() });
        }
        messages.push(Message { role: Role::User, content: self.text() });
        let responses = (0..responses).map(|_| Arc::from(self.text())).collect();
        let reference = self.once_in(2).then(|| Arc::from(self.text()));
        let metadata =
            if self.once_in(2) { "{}".to_owned() } else { serde_json::json!({"note": self.text()}).to_string() };
        TaskView { messages: messages.into(), responses, reference, metadata: metadata.into() }
    }

    /// A rubric as a task brings it.
    pub(super) fn rubric(&mut self) -> Vec<Value> {
        let criterion = |made_up: &mut Self, number: u32| {
            let weight = made_up.random.random_range(1..=5);
            let required = made_up.once_in(4);
            // Something has to be worth having.
            let fault = number > 0 && !required && made_up.once_in(4);
            let levels = if made_up.once_in(4) { json!(["dull", "fine", "bright"]) } else { json!([]) };
            json!({"id": format!("c{number}"), "text": made_up.words(), "weight": if fault { -weight } else { weight },
                "required": required, "levels": levels})
        };
        (0..self.random.random_range(1..=5)).map(|number| criterion(self, number)).collect()
    }

    /// A number from `min` to `max`, both finite.
    pub(super) fn between(&mut self, min: f64, max: f64) -> f64 {
        let share: f64 = self.random.random();
        (min * (1.0 - share) + max * share).clamp(min, max)
    }

    /// A completion of this text, with log-probabilities once in a while.
    pub(super) fn completion(&mut self, text: String) -> Completion {
        let finish = if self.once_in(4) { FinishReason::Length } else { FinishReason::Stop };
        let mut tokens = Vec::new();
        if self.once_in(3) {
            for piece in text.split_inclusive(' ').take(64) {
                let count = self.random.random_range(0..4);
                let alternatives =
                    (0..count).map(|_| Alternative { text: self.fragment(), logprob: self.logprob() }).collect();
                tokens.push(Token { text: piece.to_owned(), logprob: self.logprob(), alternatives });
            }
        }
        Completion { tokens, ..Completion::of_text(text, finish) }
    }

    fn logprob(&mut self) -> f64 {
        if self.once_in(10) { 0.0 } else { -self.random.random_range(0.0..30.0) }
    }
}

/// How often a fragment fits into the longest text, at least once.
fn times(fragment: &str) -> usize {
    (LONGEST / fragment.len().max(1)).max(1)
}

/// The smallest text that can be found from `text` by leaving pieces out, for which `fails` still says why.
pub(super) fn smallest(text: String, mut fails: impl FnMut(&str) -> Option<String>) -> Option<(String, String)> {
    const TRIES: usize = 400;
    let mut reason = fails(&text)?;
    let mut characters: Vec<char> = text.chars().collect();
    let (mut size, mut tries) = (characters.len().div_ceil(2), 0);
    while size > 0 && tries < TRIES {
        let mut start = 0;
        while start < characters.len() && tries < TRIES {
            let shorter: Vec<char> =
                characters.iter().take(start).chain(characters.iter().skip(start + size)).copied().collect();
            tries += 1;
            match fails(&shorter.iter().collect::<String>()) {
                Some(why) => (characters, reason) = (shorter, why),
                None => start += size,
            }
        }
        size /= 2;
    }
    Some((characters.into_iter().collect(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_up_the_same_and_another_one_does_not() {
        let texts = |seed, part| {
            let mut made_up = MadeUp::new(seed, part, &[]);
            (0..20).map(|_| made_up.text()).collect::<Vec<_>>()
        };
        assert_eq!(texts(1, "parser"), texts(1, "parser"));
        assert_ne!(texts(1, "parser"), texts(2, "parser"));
        assert_ne!(texts(1, "parser"), texts(1, "policy"));
    }

    #[test]
    fn the_smallest_failing_text_is_the_part_that_fails() {
        let fails = |text: &str| text.contains("a1").then(|| "has a1".to_owned());
        assert_eq!(smallest("zzzz a1 yyyyyyyyyy".into(), fails), Some(("a1".into(), "has a1".into())));
        assert_eq!(smallest("fine".into(), fails), None);
    }
}

//! Special tokens around decoded texts, for requests without a chat format that knows its own.

use crate::untemplate::{ChatFormat, strip_ends};

/// End-of-turn, end-of-text and padding tokens of the common model families.
const ENDS: [&str; 11] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|end|>",
    "</s>",
    "<end_of_turn>",
    "<eos>",
    "<pad>",
    "<｜end▁of▁sentence｜>",
];

/// Begin-of-text and padding tokens.
const BEGINS: [&str; 6] = ["<s>", "<|begin_of_text|>", "<bos>", "<｜begin▁of▁sentence｜>", "<|endoftext|>", "<pad>"];

/// Returns what follows `prompt` in `query`, without the end tokens. The prompt may lack the begin and padding tokens
/// before it.
///
/// # Errors
///
/// The query does not begin with the prompt. The error is the first byte that differs.
pub(crate) fn response<'q>(prompt: &str, query: &'q str, format: Option<&ChatFormat>) -> Result<&'q str, usize> {
    let follows = query.strip_prefix(prompt).or_else(|| strip_begins(query).strip_prefix(strip_begins(prompt)));
    let raw = follows.ok_or_else(|| query.bytes().zip(prompt.bytes()).take_while(|(a, b)| a == b).count())?;
    Ok(without_end(raw, format))
}

/// Returns a generated text without the end tokens.
pub(crate) fn without_end<'t>(text: &'t str, format: Option<&ChatFormat>) -> &'t str {
    match format {
        Some(format) => format.without_end(text),
        None => strip_ends(text, ENDS.into_iter()),
    }
}

fn strip_begins(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = BEGINS.into_iter().find_map(|begin| rest.strip_prefix(begin)) {
        rest = after;
    }
    rest
}

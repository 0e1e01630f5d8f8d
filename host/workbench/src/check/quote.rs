//! Made-up input in counterexamples: in full, and still readable where it repeats itself.

use rewarden_types::{Role, TaskView};

/// A piece that follows itself is written once, with how often, from this many characters on.
const LONG: usize = 48;
/// The longest piece that is looked for.
const PIECE: usize = 40;

/// `text` as a Rust string; repetitions as `"piece" × count`, joined with `+`.
pub(super) fn quoted(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut pieces, mut plain, mut at) = (Vec::new(), String::new(), 0);
    while let Some(rest) = characters.get(at..).filter(|rest| !rest.is_empty()) {
        let repeated = (1..=PIECE.min(rest.len())).find_map(|size| {
            let piece = rest.get(..size)?;
            let count = rest.chunks_exact(size).take_while(|next| *next == piece).count();
            (count >= 4 && count * size >= LONG).then(|| (piece.iter().collect::<String>(), size, count))
        });
        match repeated {
            Some((piece, size, count)) => {
                if !plain.is_empty() {
                    pieces.push(format!("{plain:?}"));
                    plain.clear();
                }
                pieces.push(format!("{piece:?} × {count}"));
                at += size * count;
            }
            None => {
                plain.extend(rest.first());
                at += 1;
            }
        }
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(format!("{plain:?}"));
    }
    pieces.join(" + ")
}

/// A task, a line for each of its texts.
pub(super) fn task(task: &TaskView) -> String {
    let mut text = String::from("the task");
    for message in task.messages.iter() {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        text.push_str(&format!("\n  {role}: {}", quoted(&message.content)));
    }
    for (index, response) in task.responses.iter().enumerate() {
        text.push_str(&format!("\n  response {index}: {}", quoted(response)));
    }
    if let Some(reference) = &task.reference {
        text.push_str(&format!("\n  reference: {}", quoted(reference)));
    }
    text.push_str(&format!("\n  metadata: {}", quoted(&task.metadata)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_written_once_and_all_else_in_full() {
        assert_eq!(quoted("a \"b\"\n"), r#""a \"b\"\n""#);
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted(&format!("x{}y", "ab".repeat(100))), r#""x" + "ab" × 100 + "y""#);
        assert_eq!(quoted(&"a".repeat(47)), format!("{:?}", "a".repeat(47)));
    }
}

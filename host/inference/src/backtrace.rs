//! Error texts without backtraces.

/// A text up to the backtrace that candle appends to its errors when `RUST_BACKTRACE` is set: a message of ours says
/// what to do, and forty frames of somebody else's code do not help with that.
pub(crate) fn cut(text: &str) -> String {
    let is_frame = |line: &str| {
        let line = line.trim_start();
        line.split_once(": ")
            .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    text.lines().take_while(|line| !is_frame(line)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_and_other_lines_stay() {
        let text =
            "no such tensor: `a`\nin `m.gguf`\n   0: candle_core::error::Error::bt\n             at src/error.rs:264\n";
        assert_eq!(cut(text), "no such tensor: `a`\nin `m.gguf`");
        assert_eq!(cut("status 500: 3: x"), "status 500: 3: x");
        assert_eq!(cut(""), "");
    }
}

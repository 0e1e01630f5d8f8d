//! Everything that people read: standard output and standard error, with nothing in it that a terminal obeys.
//!
//! Ids, names, messages of servers and texts of models come from others. A control character in them moves the cursor or
//! writes over what stands there, a bidi control turns a line around, an invisible one makes two names look alike. So all
//! text passes [`shown`] on its way out, and clippy lets no other module of this crate print.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::{Result, bail};

/// Combining marks on one character; a language needs four at most, a thousand cover the lines above.
const MARKS: usize = 8;

/// A text as a terminal may show it: what would be obeyed or not be seen stands as `\u{202e}`. Line breaks and tabs stay.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n' || c == '\t')
}

/// A text that must stay on its line: as [`shown`], with line breaks and tabs as `\n` and `\t`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// Characters of a name in a table; what is longer is no name, and would bury the rest.
const NAME: usize = 200;

/// A name that others chose, on one line, and shortened with its length where it is too long to be one.
pub(crate) fn name(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(NAME) {
        None => line(text),
        Some((end, _)) => {
            let shown = line(text.get(..end).unwrap_or_default());
            Cow::Owned(format!("{shown}… ({} characters)", text.chars().count()))
        }
    }
}

/// A message of several lines, of which none but the first begins where a line of this program's would: what it quotes from
/// others may have line breaks.
pub(crate) fn indented(text: &str) -> String {
    let mut lines = text.lines();
    let mut whole = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        whole.push_str(if line.starts_with(' ') { "\n" } else { "\n  " });
        whole.push_str(line);
    }
    whole
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let mut marks = 0;
    let mut needs = |c: char| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        marks > MARKS || (is_obeyed(c) && !stays(c))
    };
    if !text.chars().any(&mut needs) {
        return Cow::Borrowed(text);
    }
    marks = 0;
    let mut needs = |c: char| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        marks > MARKS || (is_obeyed(c) && !stays(c))
    };
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !needs(c) => plain.push(c),
            '\n' => plain.push_str("\\n"),
            '\t' => plain.push_str("\\t"),
            '\r' => plain.push_str("\\r"),
            c => {
                let _ = write!(plain, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(plain)
}

/// Control characters, bidi controls, and characters that take no place.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{730}'..='\u{74a}'
            | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{eb1}' | '\u{eb4}'..='\u{ebc}'
            | '\u{ec8}'..='\u{ece}' | '\u{f71}'..='\u{f84}' | '\u{f8d}'..='\u{fbc}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{302a}'..='\u{302f}' | '\u{3099}'..='\u{309a}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1d165}'..='\u{1d172}'
    )
}

/// Standard output for people.
macro_rules! out {
    ($($text:tt)*) => { $crate::console::print(&format!($($text)*)) };
}
pub(crate) use out;

/// A line on standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::console::tell(&format!($($text)*)) };
}
pub(crate) use err;

/// The first error of standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to standard output. [`written`] reports an error at the end.
pub(crate) fn print(text: &str) {
    if let Err(error) = writeln!(io::stdout().lock(), "{}", shown(text)) {
        let _ = LOST.set(error);
    }
}

/// The end of a command: `code`, unless something for standard output was lost, as on a full disk. A reader that has gone, as
/// `head` does, is no failure.
///
/// # Errors
/// Returns why it could not be written.
pub(crate) fn written(code: ExitCode) -> Result<ExitCode> {
    let flushed = io::stdout().flush().err();
    match LOST.get().or(flushed.as_ref()) {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => bail!("cannot write to standard output: {error}"),
        _ => Ok(code),
    }
}

/// Writes a line to standard error, which may be closed.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(text));
}

/// Standard output for programs: the bytes as they are, unless a terminal reads them.
pub(crate) fn data() -> Box<dyn Write + Send> {
    let stdout = io::stdout();
    if stdout.is_terminal() { Box::new(Escaping(stdout)) } else { Box::new(stdout) }
}

/// Writes text of which each call's end is a character's end, as those of formatted text and of JSON lines are.
pub(crate) struct Escaping<W>(pub(crate) W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(shown(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Log lines, whose colours are the log's own: `ESC [ digits m` stays. The log itself writes no other escapes.
pub(crate) fn log_line(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    for (index, piece) in text.split('\u{1b}').enumerate() {
        let colour = piece.strip_prefix('[').and_then(|rest| rest.split_once('m')).map(|(digits, _)| digits);
        let is_colour = colour.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
        match (index, is_colour) {
            (0, _) => {}
            (_, true) => plain.push('\u{1b}'),
            (_, false) => plain.push_str("\\u{1b}"),
        }
        plain.push_str(&shown(piece));
    }
    plain.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let cases = [
            ("plain ä 你好 🙂", "plain ä 你好 🙂"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}y\u{2066}z", "x\\u{202e}y\\u{2066}z"),
            ("ad\u{200b}min", "ad\\u{200b}min"),
            ("\u{e0041}", "\\u{e0041}"),
            ("a\r\u{8}\u{7f}", "a\\r\\u{8}\\u{7f}"),
            ("a\nb\tc", "a\nb\tc"),
        ];
        for (text, plain) in cases {
            assert_eq!(shown(text), plain);
        }
        assert_eq!(line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn marks_beyond_what_a_character_has_are_written_out() {
        assert_eq!(shown("e\u{301}\u{323}"), "e\u{301}\u{323}");
        for mark in ['\u{301}', '\u{e47}', '\u{64b}', '\u{fe0f}'] {
            let flood = format!("e{}", mark.to_string().repeat(1000));
            assert_eq!(shown(&flood).matches(mark).count(), MARKS, "{mark:?}");
        }
    }

    #[test]
    fn a_name_stays_on_its_line_and_one_that_is_none_is_shortened_with_its_length() {
        assert_eq!(name("a\nb\u{202e}"), "a\\nb\\u{202e}");
        assert_eq!(name(&"ä".repeat(NAME)), "ä".repeat(NAME));
        assert_eq!(name(&"ä".repeat(300)), format!("{}… (300 characters)", "ä".repeat(NAME)));
    }

    #[test]
    fn no_line_of_a_message_but_the_first_begins_where_a_line_begins() {
        assert_eq!(indented("bad id `a\r\nerror: forged\n b`"), "bad id `a\n  error: forged\n b`");
    }

    #[test]
    fn a_log_line_keeps_its_colours_and_nothing_else() {
        let line = log_line("\u{1b}[32m INFO\u{1b}[0m \u{1b}]0;title\u{7} \u{202e}\n".as_bytes());
        assert_eq!(String::from_utf8(line).unwrap(), "\u{1b}[32m INFO\u{1b}[0m \\u{1b}]0;title\\u{7} \\u{202e}\n");
    }

    proptest! {
        #[test]
        fn nothing_that_is_obeyed_is_left_and_plain_text_is_itself(text in "\\PC{0,40}|(\\p{Any}){0,40}") {
            let plain = line(&text);
            prop_assert!(!plain.chars().any(is_obeyed), "{plain:?}");
            prop_assert_eq!(line(&plain).clone(), plain.clone());
        }
    }
}

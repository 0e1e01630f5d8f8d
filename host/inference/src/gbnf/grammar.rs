//! The pieces that a grammar is put together from.

/// The most that llama.cpp counts: a larger upper bound it takes for none without a word, a larger lower one it refuses.
const MOST_TIMES: u32 = 2000;

/// A part of a rule's right side.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    form: Form,
}

/// What has to be done to a piece before something is put beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Matches the empty text alone.
    Empty,
    /// A text, a class or a name, which an operator may follow.
    Atom,
    /// Several in a row, or one with an operator.
    Sequence,
    /// Several of which one is taken.
    Choice,
}

impl Piece {
    pub(super) fn empty() -> Self {
        Self { text: "\"\"".to_owned(), form: Form::Empty }
    }

    pub(super) fn atom(text: String) -> Self {
        Self { text, form: Form::Atom }
    }

    /// The text itself.
    pub(super) fn literal(text: &str) -> Self {
        if text.is_empty() {
            return Self::empty();
        }
        let escaped: String = text.chars().map(|c| escaped(c, "\"\\")).collect();
        Self::atom(format!("\"{escaped}\""))
    }

    /// One character of these ranges, ends included; `None` if there is none that a grammar can name.
    pub(super) fn class(ranges: impl IntoIterator<Item = (char, char)>) -> Option<Self> {
        let mut members = String::new();
        for (first, last) in ranges {
            // llama.cpp ends texts with NUL, which no judge has to write.
            let first = first.max('\u{1}');
            if first > last {
                continue;
            }
            members.push_str(&escaped(first, "\\[]-^"));
            if first < last {
                members.push('-');
                members.push_str(&escaped(last, "\\[]-^"));
            }
        }
        (!members.is_empty()).then(|| Self::atom(format!("[{members}]")))
    }

    pub(super) fn row(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut pieces: Vec<Piece> = pieces.into_iter().filter(|piece| piece.form != Form::Empty).collect();
        match pieces.len() {
            0 => Self::empty(),
            1 => pieces.remove(0),
            _ => {
                let texts: Vec<String> = pieces
                    .into_iter()
                    .map(|piece| if piece.form == Form::Choice { format!("({})", piece.text) } else { piece.text })
                    .collect();
                Self { text: texts.join(" "), form: Form::Sequence }
            }
        }
    }

    pub(super) fn choice(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut pieces: Vec<Piece> = pieces.into_iter().collect();
        if pieces.len() == 1 {
            return pieces.remove(0);
        }
        let texts: Vec<String> = pieces.into_iter().map(|piece| piece.text).collect();
        Self { text: texts.join(" | "), form: Form::Choice }
    }
}

/// Four or eight digits for all that is not plain: llama.cpp reads two after `\x`, SGLang's grammars as many as there are.
fn escaped(c: char, special: &str) -> String {
    if (' '..='~').contains(&c) && !special.contains(c) {
        return c.to_string();
    }
    match u32::from(c) {
        code @ 0..=0xffff => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

/// The rules of a grammar beside `root`.
#[derive(Default)]
pub(super) struct Rules {
    text: String,
    made: u32,
}

impl Rules {
    pub(super) fn add(&mut self, name: &str, piece: &Piece) {
        self.text.push_str(&format!("{name} ::= {}\n", piece.text));
    }

    /// A piece that an operator may follow. What is counted has a name: llama.cpp adds up all rules of a group before it
    /// multiplies them.
    fn operand(&mut self, piece: Piece) -> Piece {
        if piece.form == Form::Atom {
            return piece;
        }
        let name = format!("p{}", self.made);
        self.made += 1;
        self.add(&name, &piece);
        Piece::atom(name)
    }

    /// The piece so many times; without an upper bound it must not match the empty text.
    pub(super) fn repeated(&mut self, piece: Piece, least: u32, most: Option<u32>) -> Piece {
        if piece.form == Form::Empty || most == Some(0) {
            return Piece::empty();
        }
        let operand = self.operand(piece);
        counted(&operand.text, least, most)
    }

    /// The whole grammar.
    pub(super) fn finish(self, root: &Piece) -> String {
        format!("root ::= {}\n{}", root.text, self.text)
    }
}

/// A count that is larger than llama.cpp's is written in stretches of which each begins where the one before it is full,
/// so that a text can be read in one way only.
fn counted(operand: &str, least: u32, most: Option<u32>) -> Piece {
    let sequence = |text| Piece { text, form: Form::Sequence };
    match (least, most) {
        (1, Some(1)) => Piece::atom(operand.to_owned()),
        (0, Some(1)) => sequence(format!("{operand}?")),
        (0, None) => sequence(format!("{operand}*")),
        (1, None) => sequence(format!("{operand}+")),
        (least, None) if least <= MOST_TIMES => sequence(format!("{operand}{{{least},}}")),
        (least, Some(most)) if most <= MOST_TIMES && least == most => sequence(format!("{operand}{{{most}}}")),
        (least, Some(most)) if most <= MOST_TIMES => sequence(format!("{operand}{{{least},{most}}}")),
        (least, most) => {
            let full = sequence(format!("{operand}{{{MOST_TIMES}}}"));
            let rest = counted(operand, least.saturating_sub(MOST_TIMES), most.map(|most| most - MOST_TIMES));
            let onwards = Piece::row([full, rest]);
            if least >= MOST_TIMES {
                return onwards;
            }
            Piece::choice([counted(operand, least, Some(MOST_TIMES - 1)), onwards])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_llama_cpps_are_written_in_stretches() {
        assert_eq!(counted("a", 3, Some(2000)).text, "a{3,2000}");
        assert_eq!(counted("a", 0, Some(4001)).text, "a{0,1999} | a{2000} (a{0,1999} | a{2000} a?)");
        assert_eq!(counted("a", 2500, Some(2500)).text, "a{2000} a{500}");
        assert_eq!(counted("a", 2500, None).text, "a{2000} a{500,}");
    }

    #[test]
    fn what_a_grammar_would_read_as_its_own_is_escaped() {
        assert_eq!(Piece::literal("a\"b\\c\né").text, r#""a\u0022b\u005Cc\u000A\u00E9""#);
        assert_eq!(
            Piece::class([('\0', '\t'), ('^', '^'), ('a', '😀')]).unwrap().text,
            r"[\u0001-\u0009\u005Ea-\U0001F600]"
        );
        assert!(Piece::class([('\0', '\0')]).is_none());
    }
}

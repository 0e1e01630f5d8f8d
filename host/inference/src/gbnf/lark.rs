//! Lark grammars as GBNF: rules and terminals of texts, ranges, regular expressions, groups and counts.
//!
//! What tells a lexer what to do (`%ignore`, priorities, attributes) has no counterpart and is refused by name, as is what
//! names tokens of one model.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use tokens::{LarkToken, Tokens};

use super::grammar::{Piece, Rules};
use super::regex;

/// Groups within groups.
const DEEPEST: u32 = 64;

/// Writes the grammar as GBNF.
///
/// # Errors
/// Returns the line, and what there has no counterpart or is no Lark.
pub(crate) fn of_lark(grammar: &str) -> Result<String, String> {
    let mut parser = Parser {
        tokens: Tokens::new(grammar)?,
        rules: Rules::default(),
        defined: BTreeSet::new(),
        used: BTreeMap::new(),
    };
    while parser.tokens.skip_lines() {
        parser.rule()?;
    }
    if !parser.defined.contains("start") {
        return Err("expected a rule `start`, found none".to_owned());
    }
    if let Some((name, line)) = parser.used.iter().find(|(name, _)| !parser.defined.contains(*name)) {
        return Err(format!("line {line}: `{name}` is not defined"));
    }
    Ok(parser.rules.finish(&Piece::atom(named("start"))))
}

/// GBNF's names have no underscores, Lark's no hyphens.
fn named(name: &str) -> String {
    format!("l-{}", name.replace('_', "-"))
}

struct Parser {
    tokens: Tokens,
    rules: Rules,
    defined: BTreeSet<String>,
    /// With the line where it was first used.
    used: BTreeMap<String, usize>,
}

impl Parser {
    fn rule(&mut self) -> Result<(), String> {
        // These say only how a parse tree looks.
        while self.tokens.take(&LarkToken::Sign('?')) || self.tokens.take(&LarkToken::Sign('!')) {}
        let line = self.tokens.line();
        let Some(LarkToken::Name(name)) = self.tokens.next() else {
            return Err(format!("line {line}: expected a rule, such as `start: \"a\"`"));
        };
        if !self.tokens.take(&LarkToken::Sign(':')) {
            return Err(self.unexpected(&format!(
                "`:` after `{name}` (attributes, priorities and templates have no counterpart)"
            )));
        }
        let piece = self.choice(DEEPEST)?;
        if !self.tokens.ends_rule() {
            return Err(self.unexpected("the end of the rule"));
        }
        if !self.defined.insert(name.clone()) {
            return Err(format!("line {line}: `{name}` is defined twice"));
        }
        self.rules.add(&named(&name), &piece);
        Ok(())
    }

    fn choice(&mut self, levels: u32) -> Result<Piece, String> {
        let mut choices = vec![self.row(levels)?];
        while self.tokens.takes_alternative() {
            choices.push(self.row(levels)?);
        }
        Ok(Piece::choice(choices))
    }

    fn row(&mut self, levels: u32) -> Result<Piece, String> {
        let mut row = Vec::new();
        while let Some(piece) = self.item(levels)? {
            row.push(piece);
        }
        Ok(Piece::row(row))
    }

    /// One item with its operator; `None` where none begins.
    fn item(&mut self, levels: u32) -> Result<Option<Piece>, String> {
        let Some(piece) = self.atom(levels)? else { return Ok(None) };
        let (least, most) = if self.tokens.take(&LarkToken::Sign('?')) {
            (0, Some(1))
        } else if self.tokens.take(&LarkToken::Sign('*')) {
            (0, None)
        } else if self.tokens.take(&LarkToken::Sign('+')) {
            (1, None)
        } else if self.tokens.take(&LarkToken::Sign('~')) {
            let least = self.number()?;
            (least, Some(if self.tokens.take(&LarkToken::Dots) { self.number()? } else { least }))
        } else if self.tokens.take(&LarkToken::Sign('{')) {
            self.counts()?
        } else {
            return Ok(Some(piece));
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.unexpected("an upper count that is not below the lower one"));
        }
        Ok(Some(self.rules.repeated(piece, least, most)))
    }

    /// What stands between the braces of a count.
    fn counts(&mut self) -> Result<(u32, Option<u32>), String> {
        let least = if self.tokens.is(&LarkToken::Sign(',')) { 0 } else { self.number()? };
        let most = match self.tokens.take(&LarkToken::Sign(',')) {
            false => Some(least),
            true if self.tokens.is(&LarkToken::Sign('}')) => None,
            true => Some(self.number()?),
        };
        if !self.tokens.take(&LarkToken::Sign('}')) {
            return Err(self.unexpected("`}` after the count"));
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Result<u32, String> {
        match self.tokens.next() {
            Some(LarkToken::Number(number)) => Ok(number),
            _ => Err(self.unexpected("a number")),
        }
    }

    fn atom(&mut self, levels: u32) -> Result<Option<Piece>, String> {
        let line = self.tokens.line();
        let piece = match self.tokens.peek() {
            Some(LarkToken::Name(name)) => {
                let name = name.clone();
                self.tokens.next();
                let piece = Piece::atom(named(&name));
                self.used.entry(name).or_insert(line);
                piece
            }
            Some(LarkToken::Text { text, ignores_case }) => {
                let (text, ignores_case) = (text.clone(), *ignores_case);
                self.tokens.next();
                if self.tokens.take(&LarkToken::Dots) {
                    return self.range(&text).map(Some);
                }
                match ignores_case {
                    true => self.regex(&format!("(?i:{})", regex_syntax::escape(&text)), line)?,
                    false => Piece::literal(&text),
                }
            }
            Some(LarkToken::Regex { pattern, flags }) => {
                let pattern = if flags.is_empty() { pattern.clone() } else { format!("(?{flags}:{pattern})") };
                self.tokens.next();
                self.regex(&pattern, line)?
            }
            Some(LarkToken::Sign(open @ ('(' | '['))) => {
                let close = if *open == '(' { ')' } else { ']' };
                let levels =
                    levels.checked_sub(1).ok_or(format!("line {line}: more than {DEEPEST} groups within groups"))?;
                self.tokens.open();
                let inner = self.choice(levels)?;
                if !self.tokens.close(close) {
                    return Err(self.unexpected(&format!("`{close}`")));
                }
                match close {
                    ']' => self.rules.repeated(inner, 0, Some(1)),
                    _ => inner,
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(piece))
    }

    fn regex(&mut self, pattern: &str, line: usize) -> Result<Piece, String> {
        regex::piece(&mut self.rules, pattern).map_err(|message| format!("line {line}: {message}"))
    }

    /// The characters from `first` to the text that follows.
    fn range(&mut self, first: &str) -> Result<Piece, String> {
        let single = |text: &str| {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        let last = match self.tokens.next() {
            Some(LarkToken::Text { text, .. }) => single(&text),
            _ => None,
        };
        match (single(first), last) {
            (Some(first), Some(last)) if first <= last => Piece::class([(first, last)])
                .ok_or_else(|| self.unexpected("a range of characters that can be written")),
            _ => Err(self.unexpected("a range of two characters, such as \"a\"..\"z\"")),
        }
    }

    fn unexpected(&self, expected: &str) -> String {
        format!("line {}: expected {expected}", self.tokens.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_terminals_groups_and_counts_become_gbnf() {
        let grammar = "// a verdict\nstart: reasons \"\\n\" [\"so: \"] VERDICT\n?reasons: (WORD \" \")~1..3\n    | \"none\"i\n\
                       WORD: /[a-z]+/ | \"a\"..\"c\"\nVERDICT: \"A\" | \"B\"\n";
        let expected = "root ::= l-start\n\
                        l-start ::= l-reasons \"\\u000A\" \"so: \"? l-VERDICT\n\
                        p0 ::= l-WORD \" \"\n\
                        l-reasons ::= p0{1,3} | [Nn] [Oo] [Nn] [Ee]\n\
                        l-WORD ::= [a-z]+ | [a-c]\n\
                        l-VERDICT ::= \"A\" | \"B\"\n";
        assert_eq!(of_lark(grammar).unwrap(), expected);
        assert!(of_lark("start: \"a\"{2,} \"b\"{,3} \"c\"{4}").unwrap().contains("\"a\"{2,} \"b\"{0,3} \"c\"{4}"));
        assert!(of_lark("start: /a\\/b/s a_b\na_b: \"x\"").unwrap().contains("l-start ::= \"a/b\" l-a-b\n"));
    }

    #[test]
    fn what_has_no_counterpart_is_refused_with_its_line() {
        for (grammar, expected) in [
            ("start: \"a\"\n%ignore \" \"", "line 2: `%ignore` has no counterpart"),
            ("start: a\na[lazy]: /x/", "line 2: expected `:` after `a`"),
            ("start.2: \"a\"", "line 1: expected `:` after `start`"),
            ("start: <think> \"a\"", "line 1: `<` has no counterpart"),
            ("start: \"a\" -> b", "line 1: `-` has no counterpart"),
            ("start: b", "line 1: `b` is not defined"),
            ("a: \"b\"", "expected a rule `start`"),
            ("start: \"a\"\nstart: \"b\"", "line 2: `start` is defined twice"),
            ("start: (\"a\"", "line 1: expected `)`"),
            ("start: \"a", "line 1: the text has no end"),
            ("start: \"a\"~3..2", "line 1: expected an upper count"),
            ("start: \"ab\"..\"c\"", "line 1: expected a range of two characters"),
            ("start: /a\\b./", "line 1: an anchor or word boundary"),
        ] {
            let error = of_lark(grammar).unwrap_err();
            assert!(error.starts_with(expected), "{grammar}: {error}");
        }
        let deep = format!("start: {}\"a\"{}", "(".repeat(100), ")".repeat(100));
        assert!(of_lark(&deep).unwrap_err().contains("more than 64 groups within groups"));
    }
}

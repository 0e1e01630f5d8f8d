//! The words of a text, forwards and backwards from any place, and phrases made of them.

/// How many words and commas may be passed over between two words of a phrase.
const PASSED_OVER: usize = 8;

/// A word (letters, digits, apostrophes) or a single other sign.
fn in_word(char: char) -> bool {
    char.is_alphanumeric() || char == '\'' || char == '\u{2019}'
}

/// The first word or sign of `text` from `at`, and where it ends.
fn next(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at..)?;
    let word = rest.trim_start();
    let first = word.chars().next()?;
    let length = if in_word(first) { word.find(|char| !in_word(char)).unwrap_or(word.len()) } else { first.len_utf8() };
    let start = text.len() - word.len();
    Some((word.get(..length)?, start + length))
}

/// The last word or sign of `text` before `at`, and where it begins.
fn previous(text: &str, at: usize) -> Option<(&str, usize)> {
    let word = text.get(..at)?.trim_end();
    let last = word.chars().next_back()?;
    let length =
        if in_word(last) { word.trim_end_matches(in_word).len().abs_diff(word.len()) } else { last.len_utf8() };
    let start = word.len() - length;
    Some((word.get(start..)?, start))
}

/// A sequence of words and signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(String);

impl Phrase {
    /// The words and signs of `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Phrase(text.into())
    }

    /// The first word or sign.
    pub fn first(&self) -> Option<&str> {
        next(&self.0, 0).map(|(word, _)| word)
    }

    /// Where the phrase ends if it stands right after `at`; commas, colons and `fillers` before or between its words
    /// are passed over. An empty phrase ends at `at`.
    pub fn after(&self, text: &str, at: usize, fillers: &[String]) -> Option<usize> {
        along((&self.0, 0), (text, at), fillers, next)
    }

    /// Where the phrase begins if it stands right before `at`; commas, colons and `fillers` between or after its words
    /// are passed over. An empty phrase begins at `at`.
    pub fn before(&self, text: &str, at: usize, fillers: &[String]) -> Option<usize> {
        along((&self.0, self.0.len()), (text, at), fillers, previous)
    }
}

/// Goes along the phrase and the text, each from its place, by the same steps.
fn along(
    (phrase, mut place): (&str, usize),
    (text, mut at): (&str, usize),
    fillers: &[String],
    step: for<'a> fn(&'a str, usize) -> Option<(&'a str, usize)>,
) -> Option<usize> {
    while let Some((word, next_place)) = step(phrase, place) {
        place = next_place;
        let mut passed_over = 0;
        loop {
            let (found, end) = step(text, at)?;
            at = end;
            if found == word {
                break;
            }
            let filler = matches!(found, "," | ":") || fillers.iter().any(|filler| filler == found);
            passed_over += 1;
            if !filler || passed_over > PASSED_OVER {
                return None;
            }
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fillers() -> Vec<String> {
        vec!["the".to_owned(), "clearly".to_owned()]
    }

    #[test]
    fn a_phrase_is_found_right_after_a_place_or_right_before_it() {
        let text = "I say, the better output is: (a), clearly.";
        let label = 29;
        assert_eq!(text.get(label..label + 3), Some("(a)"));
        assert_eq!(Phrase::new("better output is").before(text, label, &[]), Some(11));
        assert_eq!(Phrase::new("I say better output is").before(text, label, &fillers()), Some(0));
        assert_eq!(Phrase::new("I say better output is").before(text, label, &[]), None);
        assert_eq!(Phrase::new(".").after(text, label + 3, &fillers()), Some(text.len()));
        assert_eq!(Phrase::default().after(text, label, &[]), Some(label));
    }

    #[test]
    fn words_are_compared_whole() {
        assert_eq!(Phrase::new("is better").after(" is bettering it", 0, &[]), None);
        assert_eq!(Phrase::new("prefer").before("prefers ", 8, &[]), None);
        assert_eq!(Phrase::new("is not").after(" isn't", 0, &[]), None);
    }

    #[test]
    fn a_sentence_end_is_never_passed_over() {
        assert_eq!(Phrase::new("is better").after(". is better", 0, &fillers()), None);
    }

    #[test]
    fn only_a_few_fillers_are_passed_over() {
        let text = "the ".repeat(9) + "end";
        assert_eq!(Phrase::new("end").after(&text, 0, &fillers()), None);
        assert_eq!(Phrase::new("end").after(&text, 4, &fillers()), Some(text.len()));
    }
}

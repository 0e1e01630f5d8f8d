//! Takes the markers of the prompt, of the answer and of chat formats out of text that comes from a task.
//!
//! A hyphen is put into each marker, and nothing else is changed: `[The End of Response 1]` becomes
//! `[-The End of Response 1]`, `####` becomes `###-#`, `\boxed{7}` becomes `\box-ed{7}`, and `<|im_start|>` becomes
//! `<-|im_start|>`. The text stays readable for the judge, who sees the same change in the question and in the
//! responses; and since nothing is removed, breaking one marker cannot put another one together.
//!
//! Markers are found whatever their case, with white space or invisible characters between their letters, and in
//! full-width letters. This keeps a response from closing its block or posing as part of the prompt; it cannot keep a
//! model from being swayed by what a response says.

/// A marker, and where the hyphen goes.
struct Marker {
    /// Lower case, without white space.
    letters: &'static str,
    /// The number of letters before the hyphen.
    head: usize,
    /// Whether white space between the letters still makes the marker. Invisible characters always do.
    across_space: bool,
}

const fn spaced(letters: &'static str, head: usize) -> Marker {
    Marker { letters, head, across_space: true }
}

const fn tight(letters: &'static str, head: usize) -> Marker {
    Marker { letters, head, across_space: false }
}

const MARKERS: &[Marker] = &[
    // The prompt's own.
    spaced("[thebeginof", 1),
    spaced("[theendof", 1),
    tight("####", 3),
    spaced("[system]", 1),
    spaced("[user]", 1),
    spaced("[assistant]", 1),
    // What the parser looks for. The hyphen falls into the same place in all three.
    spaced("\\boxed", 4),
    spaced("boxed{", 3),
    spaced("boxed\\{", 3),
    // Control tokens of chat formats, other than those of the form `<|name|>`.
    tight("<s>", 1),
    tight("</s>", 1),
    tight("<bos>", 1),
    tight("<eos>", 1),
    tight("<start_of_turn>", 1),
    tight("<end_of_turn>", 1),
    tight("<think>", 1),
    tight("</think>", 1),
    tight("[inst]", 1),
    tight("[/inst]", 1),
    tight("<<sys>>", 1),
    tight("<</sys>>", 1),
];

/// The longest name in a control token of the form `<|name|>`.
const LONGEST_NAME: usize = 64;

/// The text with a hyphen in every marker. Takes time linear in the length of the text.
pub(crate) fn escape(text: &str) -> String {
    let breaks = breaks(text);
    let mut escaped = String::with_capacity(text.len() + breaks.len());
    let mut done = 0;
    for at in breaks {
        escaped.push_str(text.get(done..at).unwrap_or_default());
        escaped.push('-');
        done = at;
    }
    escaped.push_str(text.get(done..).unwrap_or_default());
    escaped
}

/// Where hyphens go, as byte offsets in ascending order: at least one inside every marker.
fn breaks(text: &str) -> Vec<usize> {
    let mut breaks: Vec<usize> = Vec::new();
    for (start, char) in text.char_indices() {
        if !matches!(folded(char), Some('[' | '#' | '\\' | 'b' | '<')) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        for found in MARKERS.iter().filter_map(|marker| find(rest, marker)).chain(control_token(rest)) {
            // A marker that begins inside another one may have its hyphen already.
            let last_letter = start + found.last_letter;
            let broken = breaks.iter().rev().take_while(|&&at| at > start).any(|&at| at <= last_letter);
            if !broken {
                breaks.push(start + found.hyphen);
            }
        }
    }
    breaks.sort_unstable();
    breaks
}

/// A marker at the start of a text, as byte offsets into it.
struct Found {
    hyphen: usize,
    /// Where the marker's last letter begins.
    last_letter: usize,
}

fn find(text: &str, marker: &Marker) -> Option<Found> {
    let mut letters = text.char_indices().filter_map(|(at, char)| Some((at, char.len_utf8(), folded(char)?)));
    let (mut hyphen, mut last_letter) = (0, 0);
    for (index, wanted) in marker.letters.chars().enumerate() {
        let (at, length, _) = letters
            .by_ref()
            .find(|(.., letter)| !(marker.across_space && *letter == ' '))
            .filter(|(.., letter)| *letter == wanted)?;
        if index + 1 == marker.head {
            hyphen = at + length;
        }
        last_letter = at;
    }
    Some(Found { hyphen, last_letter })
}

/// `<|name|>`, also with the full-width bars that DeepSeek's tokenisers use.
fn control_token(text: &str) -> Option<Found> {
    let mut letters = text.char_indices().filter_map(|(at, char)| Some((at, char.len_utf8(), folded(char)?)));
    let (_, hyphen, _) = letters.next().filter(|(.., letter)| *letter == '<')?;
    letters.next().filter(|(.., letter)| *letter == '|')?;
    let mut before = ' ';
    for (at, _, letter) in letters.take(LONGEST_NAME + 2) {
        match letter {
            '>' if before == '|' => return Some(Found { hyphen, last_letter: at }),
            '<' | '>' => return None,
            letter => before = letter,
        }
    }
    None
}

/// The character as markers are compared: lower case, full-width forms as their ASCII counterparts, all white space
/// as a space; none for a character that shows nothing.
fn folded(char: char) -> Option<char> {
    match char {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(char) - 0xfee0).map(|char| char.to_ascii_lowercase())
        }
        // Soft hyphen, joiners, direction marks, variation selectors, byte order mark, tags.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => None,
        char if char.is_whitespace() => Some(' '),
        char if char.is_control() => None,
        char => Some(char.to_ascii_lowercase()),
    }
}

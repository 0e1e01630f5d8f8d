//! Takes chat-templated texts apart.
//!
//! Some consumers send a conversation as the one string that a model's chat template rendered. A [`ChatFormat`] renders
//! conversations of sentinels to learn what the template writes around the turns, splits the text there, and accepts
//! the turns only if rendering them gives the same text again. Everything else is refused, with the offset.
//!
//! # What is accepted
//!
//! - `[system] (user assistant)+`, as the template renders it, at most [`MOST_EXCHANGES`] exchanges. With the white
//!   space around the last turn left open, since it is often generated text that no template has trimmed.
//! - The prompt as the template renders it for generation, followed by the response as generated.
//! - A begin-of-text token that is missing, padding before it, and at the end: no end-of-turn token (the response was
//!   cut off), the template's, or several end and padding tokens.
//!
//! # What is refused
//!
//! - **A marker inside a turn.** A response that spells `<|im_start|>user` cannot be told from a real further turn. So
//!   no turn may hold a string that the template tells turns apart by.
//! - **More than one exchange, unless the format says `multi_turn`.** A response that forges whole exchanges makes a
//!   text that is exactly that of a longer conversation. No parser can see the difference; only who knows that the
//!   tokenizer never writes markers for content can vouch for it, and `multi_turn` says so.
//!
//! A template that writes the system turn into the user turn (Gemma, Mistral) leaves no trace of it: such a text comes
//! back as a user turn that begins with the system text.

mod builtin;
mod config;
mod shape;
mod template;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use self::config::{ChatFormatConfig, ChatFormatError, Untemplatable};
use self::shape::{TemplateShape, TurnOutline, count_markers, find_marker};
use self::template::ChatTemplate;
use crate::ask::Turn;

/// The most exchanges that a conversation may have.
pub const MOST_EXCHANGES: usize = 64;

/// Qwen 3 writes an empty thought before an answer that has none.
const EMPTY_THOUGHT: &str = "<think>\n\n</think>\n\n";

/// A conversation and the answer to its last turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Ends with a user turn.
    pub messages: Vec<Turn>,
    /// The answer.
    pub response: String,
}

/// A model's chat template, and what it writes around turns. See the module's documentation.
#[derive(Debug)]
pub struct ChatFormat {
    name: String,
    template: ChatTemplate,
    multi_turn: bool,
    /// The strings that separate turns, longest first.
    markers: Vec<String>,
    /// The strings that may follow the last turn.
    ends: Vec<String>,
    shapes: Mutex<HashMap<TurnOutline, Option<Arc<TemplateShape>>>>,
}

/// Where a text differs from a shape.
struct Mismatch {
    offset: usize,
    reason: String,
}

impl ChatFormat {
    /// Loads a format. `name` appears in messages.
    ///
    /// # Errors
    ///
    /// See [`ChatFormatError`].
    pub fn load(name: &str, config: &ChatFormatConfig) -> Result<Self, ChatFormatError> {
        let template = match (&config.builtin, &config.tokenizer_config) {
            (Some(builtin), None) => ChatTemplate::builtin(builtin, &config.variables)?,
            (None, Some(path)) => ChatTemplate::from_tokenizer_config(path, &config.variables)?,
            (None, None) => return Err(ChatFormatError::Source { format: name.to_owned(), found: "neither" }),
            (Some(_), Some(_)) => return Err(ChatFormatError::Source { format: name.to_owned(), found: "both" }),
        };
        let no_markers = || ChatFormatError::NoMarkers { format: name.to_owned() };
        let learn = |system, exchanges, generation| {
            TemplateShape::learn(&template, TurnOutline { system, exchanges, generation })
        };
        let single = learn(false, 1, false).ok_or_else(no_markers)?;
        let tail = single.pieces.last().cloned().unwrap_or_default();
        let mut learnt = vec![single];
        learnt.extend([learn(false, 1, true), learn(false, 2, false)].into_iter().flatten());
        let mut markers = shape::markers(&learnt, &template.specials).ok_or_else(no_markers)?;
        // A system turn is one of its own only if something marks where it ends.
        if let Some(with_system) = learn(true, 1, false).filter(|shape| parts_system(shape, &markers)) {
            learnt.push(with_system);
            markers = shape::markers(&learnt, &template.specials).ok_or_else(no_markers)?;
        }
        let mut ends: Vec<String> = [&template.eos, &template.pad].into_iter().cloned().collect();
        ends.extend(markers.iter().filter(|marker| tail.contains(marker.as_str())).cloned());
        ends.retain(|end| !end.is_empty());
        Ok(Self {
            name: name.to_owned(),
            template,
            multi_turn: config.multi_turn,
            markers,
            ends,
            shapes: Mutex::new(HashMap::new()),
        })
    }

    /// The name given at loading.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Splits a conversation that ends with an answer.
    ///
    /// # Errors
    ///
    /// The text is not what the template makes of exactly one conversation.
    pub fn untemplate(&self, text: &str) -> Result<Exchange, Untemplatable> {
        let (body, skipped) = self.body(text);
        let core = self.without_end(body);
        let mut readings: Vec<Vec<Turn>> = Vec::new();
        let mut worst = Mismatch { offset: 0, reason: "no conversation of this format begins like this".to_owned() };
        for generation in [false, true] {
            for shape in self.fitting(core, generation) {
                match self.read(core, &shape, generation) {
                    Ok(turns) => readings.push(turns),
                    Err(mismatch) if mismatch.offset >= worst.offset => worst = mismatch,
                    Err(_) => {}
                }
            }
        }
        let turns = self.decide(readings, core, worst).map_err(|mismatch| self.refuse(mismatch, skipped))?;
        let mut messages = turns;
        let response = messages.pop().map(|turn| turn.content).unwrap_or_default();
        Ok(Exchange { messages, response })
    }

    /// Splits a prompt: a conversation that ends with a user turn and the template's generation prompt.
    ///
    /// # Errors
    ///
    /// As [`Self::untemplate`].
    pub fn untemplate_prompt(&self, text: &str) -> Result<Vec<Turn>, Untemplatable> {
        // With an empty response, a prompt is a conversation that ends with an answer.
        let (body, skipped) = self.body(text);
        let mut readings: Vec<Vec<Turn>> = Vec::new();
        let mut worst = Mismatch { offset: 0, reason: "no prompt of this format begins like this".to_owned() };
        for shape in self.fitting(body, true) {
            match self.read(body, &shape, true) {
                Ok(turns) if turns.last().is_some_and(|turn| turn.content.is_empty()) => readings.push(turns),
                Ok(_) => {
                    worst =
                        Mismatch { offset: body.len(), reason: "the generation prompt ends before the text".to_owned() }
                }
                Err(mismatch) if mismatch.offset >= worst.offset => worst = mismatch,
                Err(_) => {}
            }
        }
        let mut turns = self.decide(readings, body, worst).map_err(|mismatch| self.refuse(mismatch, skipped))?;
        turns.pop();
        Ok(turns)
    }

    /// Returns a generated response without the end-of-turn and padding tokens.
    pub fn without_end<'t>(&self, text: &'t str) -> &'t str {
        strip_ends(text, self.ends.iter().map(String::as_str))
    }

    /// Removes padding and the begin-of-text token from the start. Also returns how many bytes these are.
    fn body<'t>(&self, text: &'t str) -> (&'t str, usize) {
        let mut body = text;
        while let Some(rest) = body.strip_prefix(&self.template.pad).filter(|_| !self.template.pad.is_empty()) {
            body = rest;
        }
        if let Some(rest) = body.strip_prefix(&self.template.bos) {
            body = rest;
        }
        (body, text.len() - body.len())
    }

    fn refuse(&self, mismatch: Mismatch, skipped: usize) -> Untemplatable {
        Untemplatable { format: self.name.clone(), offset: skipped + mismatch.offset, reason: mismatch.reason }
    }

    /// Returns the shapes whose pieces, up to the last turn, hold as many markers as the text, or else the nearest
    /// smaller one.
    fn fitting(&self, text: &str, generation: bool) -> Vec<Arc<TemplateShape>> {
        let found = count_markers(text, &self.markers);
        let mut fitting = Vec::new();
        let mut nearest: Option<Arc<TemplateShape>> = None;
        for system in [false, true] {
            for exchanges in 1..=MOST_EXCHANGES {
                let Some(shape) = self.shape(TurnOutline { system, exchanges, generation }) else { break };
                let last = if generation { shape.pieces.len() } else { shape.pieces.len() - 1 };
                let needed: usize =
                    shape.pieces.iter().take(last).map(|piece| count_markers(piece, &self.markers)).sum();
                if needed > found {
                    break;
                }
                if needed == found {
                    fitting.push(Arc::clone(&shape));
                }
                nearest = Some(shape);
            }
        }
        if fitting.is_empty() {
            fitting.extend(nearest.or_else(|| self.shape(TurnOutline { system: false, exchanges: 1, generation })));
        }
        fitting
    }

    fn shape(&self, outline: TurnOutline) -> Option<Arc<TemplateShape>> {
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let learn = || {
            let shape = TemplateShape::learn(&self.template, outline)?;
            let told_apart = !outline.system || parts_system(&shape, &self.markers);
            told_apart.then(|| Arc::new(shape))
        };
        shapes.entry(outline).or_insert_with(learn).clone()
    }

    /// Returns the turns of `core` if it is exactly what the template makes of them in this shape.
    fn read(&self, core: &str, shape: &TemplateShape, generation: bool) -> Result<Vec<Turn>, Mismatch> {
        let date = shape
            .date(core)
            .map_err(|offset| Mismatch { offset, reason: "expected the date of writing".to_owned() })?;
        let dated = shape.on(&date);
        let first =
            self.split(core, &dated, generation).and_then(|turns| self.same_again(core, turns, generation, &date));
        let mismatch = match first {
            Ok(turns) => return Ok(turns),
            Err(mismatch) => mismatch,
        };
        // An answer with a real thought replaces the empty one that the template writes.
        let opener = if generation { dated.pieces.len() - 1 } else { dated.pieces.len() - 2 };
        let mut thinking = dated;
        match thinking.pieces.get_mut(opener) {
            Some(piece) if piece.contains(EMPTY_THOUGHT) => *piece = piece.replace(EMPTY_THOUGHT, ""),
            _ => return Err(mismatch),
        }
        self.split(core, &thinking, generation)
            .and_then(|turns| self.same_again(core, turns, generation, &date))
            .map_err(|_| mismatch)
    }

    /// Splits `core` at the pieces. The rest is the last turn.
    fn split(&self, core: &str, shape: &TemplateShape, generation: bool) -> Result<Vec<Turn>, Mismatch> {
        let mut turns = Vec::with_capacity(shape.roles.len() + 1);
        let mut roles = shape.roles.iter().copied().chain(generation.then_some("assistant")).peekable();
        let mut at = 0;
        let mut pieces = shape.pieces.iter();
        if let Some(first) = pieces.next() {
            at = expect(core, 0, first)?;
        }
        while let Some(role) = roles.next() {
            if roles.peek().is_none() {
                let content = core.get(at..).unwrap_or_default();
                if let Some(marker) = find_marker(core, at, &self.markers) {
                    let reason = format!(
                        "the last turn holds {}, which only the template may write",
                        self.excerpt(core, marker)
                    );
                    return Err(Mismatch { offset: marker, reason });
                }
                turns.push(Turn { role: role.to_owned(), content: content.to_owned() });
                break;
            }
            let Some(piece) = pieces.next() else { break };
            let lead = find_marker(piece, 0, &self.markers).unwrap_or(0);
            let end = find_marker(core, at, &self.markers)
                .and_then(|marker| marker.checked_sub(lead))
                .filter(|end| *end >= at)
                .ok_or_else(|| Mismatch {
                    offset: core.len(),
                    reason: format!("expected {piece:?} after the {role} turn, found the end"),
                })?;
            let content = core.get(at..end).unwrap_or_default();
            turns.push(Turn { role: role.to_owned(), content: content.to_owned() });
            at = expect(core, end, piece)?;
        }
        Ok(turns)
    }

    /// Returns the turns if rendering them gives `core` again.
    fn same_again(&self, core: &str, turns: Vec<Turn>, generation: bool, date: &str) -> Result<Vec<Turn>, Mismatch> {
        let (last, before) = turns.split_last().ok_or_else(|| Mismatch { offset: 0, reason: "no turns".to_owned() })?;
        let failed = |error: ChatFormatError| Mismatch { offset: 0, reason: error.to_string() };
        let head = core.len() - last.content.len();
        let rendered = if generation {
            let mut prompt = self.template.render(before, true, date).map_err(failed)?;
            prompt.push_str(&last.content);
            prompt
        } else {
            self.without_end(&self.template.render(&turns, false, date).map_err(failed)?).to_owned()
        };
        let same_head = rendered.get(..head).is_some_and(|rendered| core.get(..head) == Some(rendered));
        let same_last = rendered.get(head..).is_some_and(|rendered| rendered.trim() == last.content.trim());
        if same_head && same_last {
            return Ok(turns);
        }
        let offset =
            core.bytes().zip(rendered.bytes()).position(|(a, b)| a != b).unwrap_or(core.len().min(rendered.len()));
        Err(Mismatch { offset, reason: "rendering the turns again gives another text".to_owned() })
    }

    /// Returns the text's only reading.
    fn decide(&self, mut readings: Vec<Vec<Turn>>, core: &str, worst: Mismatch) -> Result<Vec<Turn>, Mismatch> {
        // A default system prompt reads as a system turn or as none. It is the same conversation, so the shorter
        // reading is used.
        readings.sort_by_key(Vec::len);
        let mut readings = readings.into_iter();
        let Some(turns) = readings.next() else { return Err(worst) };
        if readings.any(|other| spoken(&other) != spoken(&turns)) {
            return Err(Mismatch { offset: 0, reason: "the text is that of more than one conversation".to_owned() });
        }
        let exchanges = spoken(&turns).len().div_ceil(2);
        if exchanges > 1 && !self.multi_turn {
            let last = turns.last().map_or(0, |turn| turn.content.len());
            let reason = format!(
                "it reads as {exchanges} exchanges, but a response that spells the markers itself would look the same; set `multi_turn` for \
                 this format if the texts' tokenizer never writes markers for content"
            );
            return Err(Mismatch { offset: core.len() - last, reason });
        }
        Ok(turns)
    }

    fn excerpt(&self, text: &str, at: usize) -> String {
        let rest = text.get(at..).unwrap_or_default();
        self.markers.iter().find(|marker| rest.starts_with(marker.as_str())).cloned().unwrap_or_default()
    }
}

/// Returns whether a marker separates the system turn from the user turn.
fn parts_system(shape: &TemplateShape, markers: &[String]) -> bool {
    shape.pieces.get(1).is_some_and(|piece| find_marker(piece, 0, markers).is_some())
}

/// The user and assistant turns without the last, whose thought may be the template's or the model's.
fn spoken(turns: &[Turn]) -> Vec<&Turn> {
    let before = turns.split_last().map_or(turns, |(_, before)| before);
    before.iter().filter(|turn| turn.role != "system").collect()
}

/// Returns the offset after `piece`, which must be at `at`.
fn expect(text: &str, at: usize, piece: &str) -> Result<usize, Mismatch> {
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with(piece) {
        return Ok(at + piece.len());
    }
    let same = rest.bytes().zip(piece.bytes()).take_while(|(a, b)| a == b).count();
    Err(Mismatch { offset: at + same, reason: format!("expected {piece:?} from byte {at} on") })
}

/// Removes any number of the given end tokens, and the white space between them, from the end of a text.
pub(crate) fn strip_ends<'t, 'e>(text: &'t str, ends: impl Iterator<Item = &'e str> + Clone) -> &'t str {
    let mut core = text;
    loop {
        let trimmed = core.trim_end();
        match ends.clone().filter(|end| !end.is_empty()).find_map(|end| trimmed.strip_suffix(end)) {
            Some(rest) => core = rest,
            None => return core,
        }
    }
}

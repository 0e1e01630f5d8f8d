//! A model's chat template, as Hugging Face's tokenizers render it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::{Map, Value as Json};

use super::builtin;
use super::config::ChatFormatError;
use crate::ask::Turn;

/// Stands for today's date in rendered texts. The actual date is read from the text.
pub(super) const DATE: &str = "zqdateqz";

/// The most bytes of a tokenizer's configuration. Llama 3's has 50 kB, and few have more than 100 kB.
const LARGEST_FILE: u64 = 16 << 20;

/// The most bytes of a chat template. The longest published ones have some 20 kB.
const LARGEST_TEMPLATE: usize = 256 << 10;

/// Instructions of the template engine for one rendering. The built-in templates take some 40 a turn, so the longest
/// conversation, of 129 turns, takes less than 10,000. Two nested loops of 100,000 steps would take hours.
const FUEL: u64 = 1_000_000;

/// The most bytes that a template may write beside the turns.
const LARGEST_FRAME: usize = 1 << 20;

/// The variable that `strftime_now` reads.
const DATE_VARIABLE: &str = "rewarden_date";

/// A Jinja chat template with its special tokens.
#[derive(Debug)]
pub(super) struct ChatTemplate {
    source: String,
    environment: Environment<'static>,
    /// What the template sees beside the messages.
    variables: BTreeMap<String, Value>,
    /// Empty if the model has none.
    pub(super) bos: String,
    /// Empty if the model has none.
    pub(super) eos: String,
    /// Empty if the model has none.
    pub(super) pad: String,
    /// The tokens that the tokenizer declares special, the three above included.
    pub(super) specials: Vec<String>,
}

impl ChatTemplate {
    /// One of [`builtin::ALL`].
    pub(super) fn builtin(name: &str, variables: &Map<String, Json>) -> Result<Self, ChatFormatError> {
        let found = builtin::ALL.iter().find(|builtin| builtin.name == name).ok_or_else(|| {
            let known: Vec<&str> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
            ChatFormatError::UnknownBuiltin { name: name.to_owned(), known: known.join(", ") }
        })?;
        Self::new(found.template.to_owned(), found.bos, found.eos, "", Vec::new(), variables)
    }

    /// The `chat_template` of a `tokenizer_config.json`, or the `chat_template.jinja` beside it.
    pub(super) fn from_tokenizer_config(path: &Path, variables: &Map<String, Json>) -> Result<Self, ChatFormatError> {
        let unreadable = |source| ChatFormatError::Unreadable { path: path.to_owned(), source };
        let text = read(path).map_err(unreadable)?;
        let config: Json = serde_json::from_str(&text)
            .map_err(|source| ChatFormatError::NotJson { path: path.to_owned(), message: source.to_string() })?;
        let template = match config.get("chat_template") {
            Some(Json::String(template)) => template.clone(),
            // Of several named templates, the one for conversations without tools.
            Some(Json::Array(named)) => named
                .iter()
                .find(|entry| entry.get("name").and_then(Json::as_str) == Some("default"))
                .and_then(|entry| entry.get("template").and_then(Json::as_str))
                .map(str::to_owned)
                .ok_or_else(|| ChatFormatError::NoTemplate { path: path.to_owned() })?,
            _ => read(&path.with_file_name("chat_template.jinja"))
                .map_err(|_| ChatFormatError::NoTemplate { path: path.to_owned() })?,
        };
        let token = |name: &str| match config.get(name) {
            Some(Json::String(token)) => token.clone(),
            Some(token) => token.get("content").and_then(Json::as_str).unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let added = config.get("added_tokens_decoder").and_then(Json::as_object).into_iter().flatten();
        let specials = added
            .filter(|(_, token)| token.get("special").and_then(Json::as_bool) == Some(true))
            .filter_map(|(_, token)| token.get("content").and_then(Json::as_str).map(str::to_owned))
            .collect();
        Self::new(template, &token("bos_token"), &token("eos_token"), &token("pad_token"), specials, variables)
    }

    fn new(
        source: String,
        bos: &str,
        eos: &str,
        pad: &str,
        mut specials: Vec<String>,
        given: &Map<String, Json>,
    ) -> Result<Self, ChatFormatError> {
        if source.len() > LARGEST_TEMPLATE {
            let message = format!("it has {} bytes, expected at most {LARGEST_TEMPLATE}", source.len());
            return Err(ChatFormatError::Template { message });
        }
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment
            .template_from_str(&source)
            .map_err(|error| ChatFormatError::Template { message: error.to_string() })?;
        let mut variables: BTreeMap<String, Value> =
            given.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))).collect();
        for (name, token) in [("bos_token", bos), ("eos_token", eos), ("pad_token", pad)] {
            variables.insert(name.to_owned(), Value::from(token));
            if !token.is_empty() && !specials.iter().any(|special| special == token) {
                specials.push(token.to_owned());
            }
        }
        Ok(Self {
            source,
            environment,
            variables,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            pad: pad.to_owned(),
            specials,
        })
    }

    /// Renders a conversation, without the begin-of-text token that the template may write.
    pub(super) fn render(&self, turns: &[Turn], generation: bool, date: &str) -> Result<String, ChatFormatError> {
        let mut context = self.variables.clone();
        context.insert("messages".to_owned(), Value::from_serialize(turns));
        context.insert("add_generation_prompt".to_owned(), Value::from(generation));
        context.insert(DATE_VARIABLE.to_owned(), Value::from(date));
        let failed = |error: Error| ChatFormatError::Template { message: error.to_string() };
        let template = self.environment.template_from_str(&self.source).map_err(failed)?;
        let given: usize = turns.iter().map(|turn| turn.content.len()).sum();
        // Some templates write a turn twice, in upper case or with escapes.
        let mut rendered = Bounded { text: Vec::new(), room: LARGEST_FRAME + 8 * given };
        template.render_captured_to(Value::from(context), &mut rendered).map_err(failed)?;
        let rendered = String::from_utf8(rendered.text)
            .map_err(|error| ChatFormatError::Template { message: error.to_string() })?;
        if self.bos.is_empty() {
            return Ok(rendered);
        }
        Ok(rendered.strip_prefix(&self.bos).map(str::to_owned).unwrap_or(rendered))
    }
}

/// Reads a plain file that is not too large.
fn read(path: &Path) -> std::io::Result<String> {
    rewarden_input::read_regular_text(path, LARGEST_FILE)
}

/// The text that a template writes, up to a number of bytes.
struct Bounded {
    text: Vec<u8>,
    room: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.len() > self.room {
            return Err(std::io::Error::other("the template writes more than any conversation needs"));
        }
        self.room -= bytes.len();
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn strftime_now(state: &State, _format: String) -> Result<String, Error> {
    let date = state.lookup(DATE_VARIABLE).and_then(|date| date.as_str().map(str::to_owned));
    date.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "no date is given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<String, String> {
        let turns = [Turn { role: "user".into(), content: "2+2?".into() }];
        let made = ChatTemplate::new(template.to_owned(), "", "", "", Vec::new(), &Map::new());
        made.and_then(|template| template.render(&turns, false, "")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_template_that_goes_on_for_hours_runs_out_of_fuel() {
        let loops = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
        assert!(rendered(loops).unwrap_err().contains("fuel"), "{:?}", rendered(loops));
        assert!(rendered("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").is_err());
    }

    #[test]
    fn a_template_that_writes_without_end_is_stopped() {
        let flood = "{% set a = 'x' * 100000 %}{% for b in range(1000) %}{{ a }}{% endfor %}";
        assert!(rendered(flood).is_err());
        let long = format!("{{% for a in range(100) %}}{}{{% endfor %}}", "x".repeat(100_000));
        let error = rendered(&long).unwrap_err();
        assert!(error.starts_with("the chat template fails"), "{error}");
    }

    #[test]
    fn a_template_and_a_file_have_a_largest_size() {
        let error = rendered(&"x".repeat(LARGEST_TEMPLATE + 1)).unwrap_err();
        assert!(error.contains("it has 262145 bytes, expected at most 262144"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenizer_config.json");
        std::fs::File::create(&path).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        let error = ChatTemplate::from_tokenizer_config(&path, &Map::new()).unwrap_err().to_string();
        assert!(error.contains("has 16777217 bytes, more than the 16777216 allowed"), "{error}");
    }
}

//! What is wrong with a configuration, in words.

use std::fmt;

use serde_json::Value;

use super::number::ExactNumber;
use super::shape::{Bound, Constants, Count, Numbers, Range, Shape, Texts};
use rewarden_types::shown;

/// Constants and names that a message lists; there may be thousands.
const LISTED: usize = 12;

/// A value that does not fit the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where it stands in the configuration; never empty.
    pub place: SchemaPlace,
    /// What is wrong with it.
    pub problem: SchemaProblem,
}

/// See [`Misfit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaProblem {
    /// The key at the end of the path is none that the schema has.
    UnknownKey {
        /// Those that it has there.
        known: Vec<String>,
    },
    /// What was expected, and what was found.
    Value(String),
}

/// The way to a value: keys, and places in lists. It reads `signals.answer.weight` or `principles[2].name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaPlace(pub(super) Vec<PlaceStep>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlaceStep {
    Key(String),
    Item(usize),
}

impl SchemaPlace {
    /// The key of the configuration itself that the way begins with.
    pub fn key(&self) -> Option<&str> {
        match self.0.first() {
            Some(PlaceStep::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The key that the way ends with, if it ends with one.
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(PlaceStep::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                PlaceStep::Key(key) if place == 0 => f.write_str(&shown(key))?,
                PlaceStep::Key(key) => write!(f, ".{}", shown(key))?,
                PlaceStep::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.place, self.problem)
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(message) => f.write_str(message),
            Self::UnknownKey { known } if known.is_empty() => f.write_str("unknown; no keys are known here"),
            Self::UnknownKey { known } => write!(f, "unknown; expected one of {}", few(known, |key| shown(key))),
        }
    }
}

/// What fits, as in `an integer from 1 to 8 or null`.
pub(super) fn expected(shape: &Shape) -> String {
    if shape.is_of_constants() {
        let constants = constants(shape, quoted);
        return match constants.len() {
            0 => "no value at all".to_owned(),
            1 => few(&constants, Clone::clone),
            _ => format!("one of {}", few(&constants, Clone::clone)),
        };
    }
    let mut kinds = Vec::new();
    match shape.booleans {
        [true, true] => kinds.push("true or false".to_owned()),
        [true, false] => kinds.push("false".to_owned()),
        [false, true] => kinds.push("true".to_owned()),
        [false, false] => {}
    }
    match &shape.numbers {
        Some(Numbers::Within(range)) => kinds.push(range.to_string()),
        Some(Numbers::OneOf(numbers)) => kinds.push(few(numbers.order(), ExactNumber::to_string)),
        None => {}
    }
    match &shape.texts {
        Some(Texts::Within(count)) => kinds.push(counted("a text", count, "characters")),
        Some(Texts::OneOf(texts)) => kinds.push(few(texts.order(), |text| quoted(text))),
        None => {}
    }
    if let Some(lists) = &shape.lists {
        kinds.push(counted("a list", &lists.count, "items"));
    }
    if shape.objects.is_some() {
        kinds.push("an object".to_owned());
    }
    if shape.null {
        kinds.push("null".to_owned());
    }
    kinds.join(" or ")
}

/// The kind of values in few words, for a table: `none | random`, `integer or null`; nothing where anything fits.
pub(super) fn kind(shape: &Shape) -> String {
    let everything = shape.null
        && shape.booleans == [true; 2]
        && matches!(&shape.numbers, Some(Numbers::Within(range)) if !range.integer)
        && matches!(shape.texts, Some(Texts::Within(_)))
        && shape.lists.is_some()
        && shape.objects.is_some();
    if everything {
        return String::new();
    }
    let only_booleans = shape.booleans == [true; 2] && shape.numbers.is_none() && shape.texts.is_none();
    if shape.is_of_constants() && !only_booleans {
        let constants = constants(shape, shown);
        let more = constants.len().saturating_sub(LISTED);
        let mut text = constants.into_iter().take(LISTED).collect::<Vec<_>>().join(" | ");
        if more > 0 {
            text.push_str(&format!(" | … ({more} more)"));
        }
        return text;
    }
    let number = match &shape.numbers {
        Some(Numbers::Within(range)) if range.integer => Some("integer"),
        Some(_) => Some("number"),
        None => None,
    };
    let kinds = [
        (shape.booleans != [false; 2]).then_some("boolean"),
        number,
        shape.texts.as_ref().map(|_| "string"),
        shape.lists.as_ref().map(|_| "array"),
        shape.objects.as_ref().map(|_| "object"),
        shape.null.then_some("null"),
    ];
    kinds.into_iter().flatten().collect::<Vec<_>>().join(" or ")
}

/// The single values that fit, texts by `text`.
fn constants(shape: &Shape, text: impl Fn(&str) -> String) -> Vec<String> {
    fn order<T: Ord + Clone>(constants: Option<&Constants<T>>) -> &[T] {
        constants.map_or(&[], Constants::order)
    }
    let texts = match &shape.texts {
        Some(Texts::OneOf(texts)) => Some(texts),
        _ => None,
    };
    let numbers = match &shape.numbers {
        Some(Numbers::OneOf(numbers)) => Some(numbers),
        _ => None,
    };
    let mut all: Vec<String> = order(texts).iter().map(|constant| text(constant)).collect();
    all.extend(order(numbers).iter().map(ExactNumber::to_string));
    let [no, yes] = shape.booleans;
    all.extend(
        [(no, "false"), (yes, "true"), (shape.null, "null")]
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| (*word).to_owned()),
    );
    all
}

/// The value beside what was expected of it.
pub(super) fn found(value: &Value, shape: &Shape) -> String {
    match value {
        Value::String(text) if shape.is_of_constants() => quoted(text),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(items) => format!("a list of {}", counted_items(items.len())),
        Value::Object(_) => "an object".to_owned(),
        scalar => shown(&scalar.to_string()),
    }
}

pub(super) fn counted_items(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

fn quoted(text: &str) -> String {
    shown(&Value::from(text).to_string())
}

/// The first few, and how many more there are.
fn few<T>(all: &[T], text: impl Fn(&T) -> String) -> String {
    let mut line = all.iter().take(LISTED).map(text).collect::<Vec<_>>().join(", ");
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        line.push_str(&format!(" and {more} more"));
    }
    line
}

fn counted(what: &str, count: &Count, of: &str) -> String {
    match (count.least, count.most) {
        (0, None) => what.to_owned(),
        (least, None) => format!("{what} of at least {least} {of}"),
        (0, Some(most)) => format!("{what} of at most {most} {of}"),
        (least, Some(most)) if least == most => format!("{what} of {most} {of}"),
        (least, Some(most)) => format!("{what} of {least} to {most} {of}"),
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.integer { "an integer" } else { "a number" })?;
        let least = |bound: Bound| match bound.excluded {
            true => format!("above {}", bound.number),
            false => format!("of at least {}", bound.number),
        };
        let most = |bound: Bound| match bound.excluded {
            true => format!("below {}", bound.number),
            false => format!("of at most {}", bound.number),
        };
        match (self.least, self.most) {
            (None, None) => Ok(()),
            (Some(bound), None) => write!(f, " {}", least(bound)),
            (None, Some(bound)) => write!(f, " {}", most(bound)),
            (Some(from), Some(to)) if !from.excluded && !to.excluded => {
                write!(f, " from {} to {}", from.number, to.number)
            }
            (Some(from), Some(to)) => write!(f, " {} and {}", least(from), most(to)),
        }
    }
}

//! Whether a configuration fits: every value is looked at once, under one rule.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::misfit::{Misfit, PlaceStep, SchemaPlace, SchemaProblem, counted_items, expected, found};
use super::number::ExactNumber;
use super::shape::{Lists, Objects, Others, Shape, Texts};

/// Where the check is, without a copy of a key until it is needed.
#[derive(Clone, Copy)]
enum At<'a> {
    Key(&'a str),
    Item(usize),
}

pub(super) struct Check<'a> {
    way: Vec<At<'a>>,
}

impl<'a> Check<'a> {
    pub(super) fn value(shape: &'a Shape, value: &'a Value) -> Result<(), Misfit> {
        let mut check = Self { way: Vec::new() };
        check.fits(shape, value).map_err(|problem| check.misfit(problem))
    }

    pub(super) fn map(objects: &'a Objects, map: &'a Map<String, Value>) -> Result<(), Misfit> {
        let mut check = Self { way: Vec::new() };
        check.object(objects, map).map_err(|problem| check.misfit(problem))
    }

    /// The way is left where it was when the value did not fit.
    fn misfit(self, problem: SchemaProblem) -> Misfit {
        let steps = self.way.into_iter().map(|at| match at {
            At::Key(key) => PlaceStep::Key(key.to_owned()),
            At::Item(item) => PlaceStep::Item(item),
        });
        Misfit { place: SchemaPlace(steps.collect()), problem }
    }

    /// Goes no deeper than the schema does, which is [`super::LEVELS`] at most.
    fn fits(&mut self, shape: &'a Shape, value: &'a Value) -> Result<(), SchemaProblem> {
        let fits = match value {
            Value::Null => shape.null,
            Value::Bool(value) => {
                let [no, yes] = shape.booleans;
                if *value { yes } else { no }
            }
            Value::Number(number) => {
                let number = ExactNumber::of(number);
                shape.numbers.as_ref().zip(number).is_some_and(|(numbers, number)| numbers.has(number))
            }
            Value::String(text) => match &shape.texts {
                None => false,
                Some(Texts::OneOf(texts)) => texts.has(text),
                Some(Texts::Within(count)) => {
                    let characters = text.chars().count();
                    if !count.has(characters) {
                        let found = if characters == 1 { "1 character" } else { &format!("{characters} characters") };
                        return Err(SchemaProblem::Value(format!(
                            "expected {}, found one of {found}",
                            expected(shape)
                        )));
                    }
                    true
                }
            },
            Value::Array(items) => match &shape.lists {
                None => false,
                Some(lists) => return self.list(shape, lists, items),
            },
            Value::Object(map) => match &shape.objects {
                None => false,
                Some(objects) => return self.object(objects, map),
            },
        };
        if fits {
            Ok(())
        } else {
            Err(SchemaProblem::Value(format!("expected {}, found {}", expected(shape), found(value, shape))))
        }
    }

    fn list(&mut self, shape: &'a Shape, lists: &'a Lists, items: &'a [Value]) -> Result<(), SchemaProblem> {
        if !lists.count.has(items.len()) {
            let found = counted_items(items.len());
            return Err(SchemaProblem::Value(format!("expected {}, found one of {found}", expected(shape))));
        }
        for (place, item) in items.iter().enumerate() {
            if let Some(shape) = lists.first.get(place).or(lists.items.as_ref()) {
                self.way.push(At::Item(place));
                self.fits(shape, item)?;
                self.way.pop();
            }
        }
        if lists.unique {
            let mut seen = HashSet::new();
            for (place, item) in items.iter().enumerate() {
                let mut text = String::new();
                canonical(item, &mut text);
                if !seen.insert(text) {
                    self.way.push(At::Item(place));
                    let found = found(item, &Shape::default());
                    return Err(SchemaProblem::Value(format!("expected no item twice, found {found} again")));
                }
            }
        }
        Ok(())
    }

    fn object(&mut self, objects: &'a Objects, map: &'a Map<String, Value>) -> Result<(), SchemaProblem> {
        for (key, value) in map {
            self.way.push(At::Key(key));
            match (objects.property(key), &objects.others) {
                (Some(property), _) => self.fits(&property.shape, value)?,
                (None, Others::Fitting(shape)) => self.fits(shape, value)?,
                (None, Others::Anything) => {}
                (None, Others::Refused) => {
                    let known = objects.properties.iter().map(|property| property.name.clone()).collect();
                    return Err(SchemaProblem::UnknownKey { known });
                }
            }
            self.way.pop();
        }
        // Ends at the first one that is missing, hence after no more steps than the object has keys.
        for name in &objects.required {
            if !map.contains_key(name) {
                self.way.push(At::Key(name));
                let expected = match objects.property(name) {
                    Some(property) => format!("; expected {}", expected(&property.shape)),
                    None => String::new(),
                };
                return Err(SchemaProblem::Value(format!("missing{expected}")));
            }
        }
        Ok(())
    }
}

/// One text for equal values: numbers by what they are, objects without the order of their keys.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Number(number) => match ExactNumber::of(number) {
            Some(number) => text.push_str(&number.to_string()),
            None => text.push_str(&number.to_string()),
        },
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(map) => {
            text.push('{');
            for (key, value) in map.iter().collect::<BTreeMap<_, _>>() {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

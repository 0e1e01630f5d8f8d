//! From the JSON text of a schema to its [`Shape`], in one pass.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::check::Check;
use super::keywords::{CHECKED, Keyword, keyword};
use super::number::ExactNumber;
use super::shape::{Bound, Constants, Count, Lists, Numbers, Objects, Others, Property, Range, Shape, Texts};
use super::types::Types;
use super::{CONSTANTS, LEVELS, NAME_BYTES, SUBSCHEMAS, SchemaError};
use rewarden_types::shown;

type Result<T> = std::result::Result<T, SchemaError>;

/// The prefix of the only references that there are.
const DEFINITION: &str = "#/$defs/";

pub(super) struct Reader<'a> {
    definitions: Option<&'a Map<String, Value>>,
    /// Each is read once, wherever it is referred to; `None` while it is being read.
    read: HashMap<&'a str, Option<Shape>>,
    /// The way from the root to the schema at hand.
    way: Vec<String>,
    /// Levels that schemas and references are nested in each other.
    level: usize,
    subschemas: usize,
    constants: usize,
}

impl<'a> Reader<'a> {
    /// Reads everything, whether it is referred to or not.
    pub(super) fn root(root: &'a Map<String, Value>, whole: &'a Value) -> Result<Arc<Objects>> {
        let mut reader =
            Self { definitions: None, read: HashMap::new(), way: Vec::new(), level: 0, subschemas: 0, constants: 0 };
        if let Some(definitions) = root.get("$defs") {
            let Value::Object(definitions) = definitions else {
                return Err(reader.refuse("$defs", "expected an object of schemas"));
            };
            reader.definitions = Some(definitions);
            for name in definitions.keys() {
                reader.definition(name)?;
            }
        }
        let shape = reader.schema(whole)?;
        shape.objects.ok_or_else(|| {
            let expected = "a configuration is an object always; write \"type\": \"object\"";
            reader.refuse("type", expected)
        })
    }

    fn refuse(&self, keyword: &str, message: impl Into<String>) -> SchemaError {
        let pointer = self.way.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")));
        SchemaError::Keyword {
            keyword: shown(keyword),
            pointer: shown(&pointer.collect::<String>()),
            message: message.into(),
        }
    }

    fn within<T>(&mut self, steps: &[&str], read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.way.len();
        self.way.extend(steps.iter().map(|step| (*step).to_owned()));
        let read = read(self)?;
        self.way.truncate(before);
        Ok(read)
    }

    fn schema(&mut self, value: &'a Value) -> Result<Shape> {
        self.subschemas += 1;
        if self.subschemas > SUBSCHEMAS {
            return Err(SchemaError::Subschemas);
        }
        self.level += 1;
        if self.level > LEVELS {
            return Err(self.too_deep());
        }
        let shape = match value {
            Value::Bool(true) => Shape::anything(),
            Value::Bool(false) => Shape { height: 1, ..Shape::default() },
            Value::Object(map) => self.keywords(map)?,
            _ => {
                let last = self.way.last().cloned().unwrap_or_default();
                return Err(self.refuse(&last, "expected a schema, which is an object, true or false"));
            }
        };
        self.level -= 1;
        Ok(shape)
    }

    fn too_deep(&self) -> SchemaError {
        let pointer = self.way.iter().map(|step| format!("/{step}")).collect::<String>();
        SchemaError::Levels { pointer: shown(&pointer) }
    }

    fn keywords(&mut self, map: &'a Map<String, Value>) -> Result<Shape> {
        for (name, value) in map {
            match keyword(name) {
                Keyword::Checked => {}
                Keyword::Note => self.note(name, value)?,
                Keyword::Root if self.way.is_empty() => {}
                Keyword::Root => return Err(self.refuse(name, "expected at the root of the schema alone")),
                Keyword::Refused(instead) => {
                    return Err(self.refuse(name, format!("is not among the keywords of a plugin's schema; {instead}")));
                }
            }
        }
        let alternatives = ["$ref", "oneOf", "anyOf"].into_iter().find_map(|name| Some((name, map.get(name)?)));
        let mut shape = match alternatives {
            Some((word, value)) => {
                // Two rules for one value would have to be combined, and nobody needs that.
                let beside = |name: &str| CHECKED.contains(&name) && name != word && name != "default";
                let allowed = |name: &str| name == "type" && word != "$ref";
                if let Some(name) = map.keys().find(|name| beside(name) && !allowed(name)) {
                    let message = format!("cannot stand beside `{word}`; move it into the schemas that `{word}` names");
                    return Err(self.refuse(name, message));
                }
                match word {
                    "$ref" => self.reference(value)?,
                    _ => {
                        let shape = self.alternatives(word, value)?;
                        self.types(map)?.map_or(shape.clone(), |types| types.of(shape))
                    }
                }
            }
            None => self.plain(map)?,
        };
        if let Some(listed) = self.listed(map)? {
            shape = self.constants("enum", listed, Some(&shape))?;
        }
        if let Some(default) = map.get("default")
            && let Err(misfit) = Check::value(&shape, default)
        {
            let at = if misfit.place == super::SchemaPlace::default() {
                String::new()
            } else {
                format!("`{}` ", misfit.place)
            };
            return Err(self.refuse("default", format!("does not fit its own schema: {at}{}", misfit.problem)));
        }
        Ok(shape)
    }

    /// They go to terminals.
    fn note(&self, name: &str, value: &Value) -> Result<()> {
        let text = match value {
            Value::String(text) if matches!(name, "title" | "description") => text,
            _ if matches!(name, "title" | "description") => return Err(self.refuse(name, "expected a text")),
            _ => return Ok(()),
        };
        if text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || is_bidi_control(c)) {
            return Err(self.refuse(name, "holds control characters; expected text alone"));
        }
        Ok(())
    }

    fn reference(&mut self, value: &'a Value) -> Result<Shape> {
        let refuse = |reader: &Self| {
            let found = shown(&value.to_string());
            reader.refuse(
                "$ref",
                format!("expected \"{DEFINITION}NAME\" with a name of the root's `$defs`, found {found}"),
            )
        };
        let Value::String(text) = value else { return Err(refuse(self)) };
        let Some(name) = text.strip_prefix(DEFINITION) else { return Err(refuse(self)) };
        let name = name.replace("~1", "/").replace("~0", "~");
        let Some((name, _)) = self.definitions.and_then(|definitions| definitions.get_key_value(&name)) else {
            return Err(refuse(self));
        };
        let shape = self.definition(name)?;
        // What it was read within the first time says nothing of where it is now.
        if self.level + shape.height > LEVELS {
            return Err(self.too_deep());
        }
        Ok(Shape { height: shape.height + 1, ..shape })
    }

    fn definition(&mut self, name: &'a str) -> Result<Shape> {
        match self.read.get(name) {
            Some(Some(shape)) => return Ok(shape.clone()),
            Some(None) => {
                let message = "leads back to itself; a configuration has a stated depth, so write its levels out";
                return Err(self.refuse("$ref", message));
            }
            None => {}
        }
        let Some(value) = self.definitions.and_then(|definitions| definitions.get(name)) else {
            return Err(self.refuse("$ref", "names nothing under `$defs`"));
        };
        self.read.insert(name, None);
        // An error in it is told where it stands.
        let way = std::mem::replace(&mut self.way, vec!["$defs".to_owned(), name.to_owned()]);
        let shape = self.schema(value)?;
        self.way = way;
        self.read.insert(name, Some(shape.clone()));
        Ok(shape)
    }

    /// At most one alternative may take values of a type, except for values that are listed one by one: which one a
    /// value belongs to is seen at a glance, and never tried.
    fn alternatives(&mut self, word: &str, value: &'a Value) -> Result<Shape> {
        let Some(schemas) = value.as_array().filter(|schemas| !schemas.is_empty()) else {
            return Err(self.refuse(word, "expected a list of one schema or more"));
        };
        let mut all = Shape { height: 1, ..Shape::default() };
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        let mut shared = None;
        for (place, schema) in schemas.iter().enumerate() {
            let shape = self.within(&[word, &place.to_string()], |reader| reader.schema(schema))?;
            let mut once = |kind: &'static str, there: bool, more: bool| {
                if there && more {
                    shared.get_or_insert(kind);
                }
                there || more
            };
            all.null = once("null", all.null, shape.null);
            let [no, yes] = shape.booleans;
            all.booleans = [once("booleans", all.booleans[0], no), once("booleans", all.booleans[1], yes)];
            match shape.numbers {
                Some(Numbers::OneOf(more)) => numbers.extend_from_slice(self.counted(word, more.order())?),
                Some(within) => {
                    once("numbers", all.numbers.is_some(), true);
                    all.numbers = Some(within);
                }
                None => {}
            }
            match shape.texts {
                Some(Texts::OneOf(more)) => texts.extend_from_slice(self.counted(word, more.order())?),
                Some(within) => {
                    once("texts", all.texts.is_some(), true);
                    all.texts = Some(within);
                }
                None => {}
            }
            once("lists", all.lists.is_some(), shape.lists.is_some());
            all.lists = all.lists.or(shape.lists);
            once("objects", all.objects.is_some(), shape.objects.is_some());
            all.objects = all.objects.or(shape.objects);
            all.height = all.height.max(shape.height + 1);
        }
        if !numbers.is_empty() {
            let (constants, twice) = Constants::new(numbers);
            if all.numbers.is_some() || (twice.is_some() && word == "oneOf") {
                shared.get_or_insert("numbers");
            }
            all.numbers = Some(Numbers::OneOf(constants));
        }
        if !texts.is_empty() {
            let (constants, twice) = Constants::new(texts);
            if all.texts.is_some() || (twice.is_some() && word == "oneOf") {
                shared.get_or_insert("texts");
            }
            all.texts = Some(Texts::OneOf(constants));
        }
        match shared {
            Some(kind) => {
                let message = format!(
                    "two of its schemas take the same {kind}; write one schema for each type of value, or list single \
                     values by `const`"
                );
                Err(self.refuse(word, message))
            }
            None => Ok(all),
        }
    }

    fn counted<'b, T>(&mut self, word: &str, constants: &'b [T]) -> Result<&'b [T]> {
        self.count(word, constants.len())?;
        Ok(constants)
    }

    fn count(&mut self, word: &str, constants: usize) -> Result<()> {
        self.constants += constants;
        if self.constants > CONSTANTS {
            let message =
                format!("there are more than {CONSTANTS} single values in the schema; check them in `configure`");
            return Err(self.refuse(word, message));
        }
        Ok(())
    }

    /// The values of `enum` and `const`.
    fn listed(&mut self, map: &'a Map<String, Value>) -> Result<Option<Vec<&'a Value>>> {
        match (map.get("enum"), map.get("const")) {
            (Some(_), Some(_)) => Err(self.refuse("const", "cannot stand beside `enum`; write one of them")),
            (Some(Value::Array(values)), None) => {
                self.count("enum", values.len())?;
                Ok(Some(values.iter().collect()))
            }
            (Some(_), None) => Err(self.refuse("enum", "expected a list of values")),
            (None, Some(value)) => {
                self.count("const", 1)?;
                Ok(Some(vec![value]))
            }
            (None, None) => Ok(None),
        }
    }

    /// A shape of these values alone, as far as they fit the keywords beside them.
    fn constants(&self, word: &str, values: Vec<&Value>, fitting: Option<&Shape>) -> Result<Shape> {
        let mut shape = Shape { height: 1, ..Shape::default() };
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for value in values {
            if fitting.is_some_and(|fitting| Check::value(fitting, value).is_err()) {
                continue;
            }
            match value {
                Value::Null => shape.null = true,
                Value::Bool(false) => shape.booleans[0] = true,
                Value::Bool(true) => shape.booleans[1] = true,
                Value::Number(number) => numbers.extend(ExactNumber::of(number)),
                Value::String(text) => texts.push(text.clone()),
                Value::Array(_) | Value::Object(_) => {
                    let message =
                        "expected texts, numbers, true, false or null; write `items` or `properties` for others";
                    return Err(self.refuse(word, message));
                }
            }
        }
        shape.numbers = (!numbers.is_empty()).then(|| Numbers::OneOf(Constants::new(numbers).0));
        shape.texts = (!texts.is_empty()).then(|| Texts::OneOf(Constants::new(texts).0));
        Ok(shape)
    }

    fn types(&self, map: &Map<String, Value>) -> Result<Option<Types>> {
        let expected = || {
            let found = map.get("type").map(|value| shown(&value.to_string())).unwrap_or_default();
            let types = "null, boolean, integer, number, string, array, object";
            self.refuse("type", format!("expected one of {types}, or a list of them, found {found}"))
        };
        let names: Vec<&Value> = match map.get("type") {
            None => return Ok(None),
            Some(Value::Array(names)) if !names.is_empty() => names.iter().collect(),
            Some(name) => vec![name],
        };
        let mut types = Types::default();
        for name in names {
            match name.as_str() {
                Some("null") => types.null = true,
                Some("boolean") => types.boolean = true,
                Some("integer") => types.integer = true,
                Some("number") => types.number = true,
                Some("string") => types.string = true,
                Some("array") => types.array = true,
                Some("object") => types.object = true,
                _ => return Err(expected()),
            }
        }
        Ok(Some(types))
    }

    /// A schema without references and alternatives.
    fn plain(&mut self, map: &'a Map<String, Value>) -> Result<Shape> {
        let types = self.types(map)?;
        let (lists, lists_height) = self.lists(map)?;
        let (objects, objects_height) = self.objects(map)?;
        let shape = Shape {
            null: true,
            booleans: [true; 2],
            numbers: Some(Numbers::Within(self.range(map)?)),
            texts: Some(Texts::Within(self.extent(map, "minLength", "maxLength")?)),
            lists: Some(lists),
            objects: Some(objects),
            height: 1 + lists_height.max(objects_height),
        };
        Ok(match types {
            Some(types) => types.of(shape),
            None => shape,
        })
    }

    fn range(&self, map: &Map<String, Value>) -> Result<Range> {
        let bound = |word: &str, excluded: bool| match map.get(word) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(ExactNumber::of(number).map(|number| Bound { number, excluded })),
            Some(other) => Err(self.refuse(word, format!("expected a number, found {}", shown(&other.to_string())))),
        };
        let tighter = |one: Option<Bound>, other: Option<Bound>, least: bool| match (one, other) {
            // The excluded one where both are of the same number.
            (Some(one), Some(other)) if (one.number > other.number) == least && one.number != other.number => Some(one),
            (one, None) => one,
            (_, other) => other,
        };
        Ok(Range {
            integer: false,
            least: tighter(bound("minimum", false)?, bound("exclusiveMinimum", true)?, true),
            most: tighter(bound("maximum", false)?, bound("exclusiveMaximum", true)?, false),
        })
    }

    fn extent(&self, map: &Map<String, Value>, least: &str, most: &str) -> Result<Count> {
        let count = |word: &str| match map.get(word) {
            None => Ok(None),
            Some(value) => match value.as_number().and_then(ExactNumber::of) {
                Some(ExactNumber::Integer(count)) if count >= 0 => Ok(Some(u64::try_from(count).unwrap_or(u64::MAX))),
                _ => {
                    let found = shown(&value.to_string());
                    Err(self.refuse(word, format!("expected an integer of at least 0, found {found}")))
                }
            },
        };
        Ok(Count { least: count(least)?.unwrap_or(0), most: count(most)? })
    }

    fn lists(&mut self, map: &'a Map<String, Value>) -> Result<(Arc<Lists>, usize)> {
        let count = self.extent(map, "minItems", "maxItems")?;
        let unique = match map.get("uniqueItems") {
            None => false,
            Some(Value::Bool(unique)) => *unique,
            Some(_) => return Err(self.refuse("uniqueItems", "expected true or false")),
        };
        let mut height = 0;
        let mut first = Vec::new();
        match map.get("prefixItems") {
            None => {}
            Some(Value::Array(schemas)) => {
                for (place, schema) in schemas.iter().enumerate() {
                    let steps = ["prefixItems", &place.to_string()];
                    first.push(self.within(&steps, |reader| reader.schema(schema))?);
                }
            }
            Some(_) => return Err(self.refuse("prefixItems", "expected a list of schemas")),
        }
        let items = match map.get("items") {
            None => None,
            Some(Value::Array(_)) => {
                return Err(self.refuse("items", "expected one schema; write `prefixItems` for a list of them"));
            }
            Some(schema) => Some(self.within(&["items"], |reader| reader.schema(schema))?),
        };
        for shape in first.iter().chain(&items) {
            height = height.max(shape.height);
        }
        Ok((Arc::new(Lists { count, unique, first, items }), height))
    }

    fn objects(&mut self, map: &'a Map<String, Value>) -> Result<(Arc<Objects>, usize)> {
        let mut objects = Objects::default();
        let mut height = 0;
        match map.get("properties") {
            None => {}
            Some(Value::Object(properties)) => {
                for (name, schema) in properties {
                    let property = self.property(name, schema)?;
                    height = height.max(property.shape.height);
                    objects.index.insert(name.clone(), objects.properties.len());
                    objects.properties.push(property);
                }
            }
            Some(_) => return Err(self.refuse("properties", "expected an object of schemas")),
        }
        objects.others = match map.get("additionalProperties") {
            None | Some(Value::Bool(true)) => Others::Anything,
            Some(Value::Bool(false)) => Others::Refused,
            Some(schema) => {
                let shape = self.within(&["additionalProperties"], |reader| reader.schema(schema))?;
                height = height.max(shape.height);
                Others::Fitting(shape)
            }
        };
        let names = match map.get("required") {
            None => Vec::new(),
            Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
            Some(_) => vec![None],
        };
        for name in names {
            let Some(name) = name else { return Err(self.refuse("required", "expected a list of keys")) };
            self.name(name)?;
            objects.required.push(name.to_owned());
        }
        Ok((Arc::new(objects), height))
    }

    fn property(&mut self, name: &'a str, schema: &'a Value) -> Result<Property> {
        self.within(&["properties", name], |reader| {
            reader.name(name)?;
            let shape = reader.schema(schema)?;
            let description = schema.get("description").and_then(Value::as_str).map(str::to_owned);
            Ok(Property { name: name.to_owned(), shape, default: schema.get("default").cloned(), description })
        })
    }

    /// Keys go to terminals and into messages.
    fn name(&self, name: &str) -> Result<()> {
        let fits =
            (1..=NAME_BYTES).contains(&name.len()) && !name.chars().any(|c| c.is_control() || is_bidi_control(c));
        if fits {
            return Ok(());
        }
        let expected = format!("expected a key of 1 to {NAME_BYTES} bytes without control characters");
        Err(self.refuse(name, expected))
    }
}

/// Characters that reorder what stands around them on a terminal.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

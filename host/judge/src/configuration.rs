//! Configurations of plugins: the pack's, changed by settings, checked against the plugin's schema.

use std::fmt;
use std::str::FromStr;

use rewarden_manifest::nearest;
use rewarden_runtime::configuration_schema::{ConfigurationSchema, Misfit, SchemaProblem, unrepeated_json};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::part_name::PartName;

/// Bytes of a configuration as JSON text: as many as a `pack.toml` may have. The largest in the bundled packs has 1.4 kB.
const BYTES: usize = 1 << 20;
/// Levels of lists and objects in a configuration. A plugin that holds a JSON schema for responses needs a dozen or two;
/// the JSON readers of plugins commonly end at 128.
const LEVELS: usize = 64;

/// A change to one key of one part's configuration, written `part.key=value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Which part of the pack.
    pub part: PartName,
    /// A key of its configuration.
    pub key: String,
    /// The value: JSON where the text is JSON, else the text itself as a string.
    pub value: Value,
}

/// A configuration that a plugin cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: configuration of the {part}{}: {message}",
    key.as_deref().map(|key| format!(", key `{key}`")).unwrap_or_default())]
pub struct ConfigurationError {
    /// Where the value came from: the pack's file, or `--set`.
    pub origin: String,
    /// Which part of the pack.
    pub part: PartName,
    /// The key at fault, when it is one, with the way to the value inside: `signals.answer.weight`.
    pub key: Option<String>,
    /// What was expected and found.
    pub message: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected part.key=value (such as policy.k=8), found `{text}`");
        let (path, value) = text.split_once('=').ok_or_else(expected)?;
        let (part, key) = path.rsplit_once('.').ok_or_else(expected)?;
        let part = PartName::from_str(part)?;
        if key.is_empty() {
            return Err(expected());
        }
        let value = match unrepeated_json(value) {
            Ok(value) => value,
            // JSON for others, so it was not meant as a text.
            Err(error) if serde_json::from_str::<IgnoredAny>(value).is_ok() => {
                return Err(format!("the value of `{path}` cannot be used: {error}"));
            }
            Err(_) => Value::String(value.to_owned()),
        };
        Ok(Self { part, key: key.to_owned(), value })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}={}", self.part, self.key, self.value)
    }
}

/// The pack's configuration of a part with the settings applied and the schema's defaults filled in, or why it does
/// not fit the schema. `file` names the pack's manifest in errors.
pub(crate) fn effective(
    part: &PartName,
    base: Map<String, Value>,
    settings: &[Setting],
    schema: &ConfigurationSchema,
    file: &str,
) -> Result<Map<String, Value>, ConfigurationError> {
    let mut config = base;
    let mut set = Vec::new();
    for setting in settings.iter().filter(|setting| setting.part == *part) {
        config.insert(setting.key.clone(), setting.value.clone());
        set.push(setting.key.as_str());
    }
    let refuse = |first: Option<&str>, key: Option<String>, message: String| ConfigurationError {
        origin: match first {
            Some(first) if set.contains(&first) => "--set".to_owned(),
            _ => file.to_owned(),
        },
        part: part.clone(),
        key,
        message,
    };
    if let Some(key) = config.iter().find(|(_, value)| is_deeper(value, LEVELS)).map(|(key, _)| key) {
        let message = format!("is nested deeper than the {LEVELS} levels allowed");
        return Err(refuse(Some(key), Some(brief(key)), message));
    }
    check_size(&config).map_err(|message| refuse(None, None, message))?;
    schema.check(&config).map_err(|misfit| {
        let message = explained(&misfit);
        refuse(misfit.place.key(), Some(misfit.place.to_string()), message)
    })?;
    schema.fill_in(&mut config);
    // In a fixed order, so that two ways of writing the same configuration give the same bytes.
    config.sort_keys();
    Ok(config)
}

/// What a pack's TOML table is as JSON.
///
/// # Errors
/// The key of a date, or of a number that JSON does not have; either would be something else there.
pub(crate) fn of_toml(
    table: toml::Table,
    part: &PartName,
    file: &str,
) -> Result<Map<String, Value>, ConfigurationError> {
    let mut config = Map::new();
    for (key, value) in table {
        let value = json(value).map_err(|message| ConfigurationError {
            origin: file.to_owned(),
            part: part.clone(),
            key: Some(brief(&key)),
            message,
        })?;
        config.insert(key, value);
    }
    Ok(config)
}

/// TOML's reader bounds the depth.
fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(integer) => integer.into(),
        toml::Value::Boolean(boolean) => boolean.into(),
        toml::Value::Float(float) => match serde_json::Number::from_f64(float) {
            Some(number) => Value::Number(number),
            None => return Err(format!("expected a finite number, found {float}")),
        },
        toml::Value::Datetime(date) => {
            return Err(format!("expected a text, number, list or table, found the date {date}; put it in quotes"));
        }
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?),
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(key, value)| Ok((key, json(value)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
    })
}

/// Ends `levels` down, however much deeper the value is.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return value.is_array() || value.is_object() };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
        Value::Object(map) => map.values().any(|value| is_deeper(value, below)),
        _ => false,
    }
}

/// Without writing more of it than is allowed.
fn check_size(config: &Map<String, Value>) -> Result<(), String> {
    struct Room(usize);
    impl std::io::Write for Room {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| std::io::Error::other("full"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Room(BYTES), config)
        .map_err(|_| format!("has more than the {BYTES} bytes of JSON allowed; keep long texts out of it"))
}

fn explained(misfit: &Misfit) -> String {
    if let SchemaProblem::UnknownKey { known } = &misfit.problem {
        let unknown = misfit.place.last_key().unwrap_or_default();
        if let Some(meant) = nearest(unknown, known.iter().map(String::as_str)) {
            return format!("unknown; did you mean `{meant}`?");
        }
        if known.is_empty() && misfit.place.key() == misfit.place.last_key() {
            return "unknown; this plugin has no configuration".to_owned();
        }
    }
    misfit.problem.to_string()
}

/// Foreign text in a message.
fn brief(text: &str) -> String {
    const MOST: usize = 100;
    let cut: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> ConfigurationSchema {
        let text = json!({
            "type": "object",
            "properties": {
                "k": {"type": "integer", "minimum": 1, "default": 4},
                "shuffle": {"enum": ["none", "random"], "default": "none"},
                "note": {"type": "string"},
                "signals": {"additionalProperties": {
                    "properties": {"weight": {"type": "number", "exclusiveMinimum": 0}},
                    "additionalProperties": false,
                }},
            },
            "additionalProperties": false,
        });
        ConfigurationSchema::read(&text.to_string()).unwrap()
    }

    fn with(base: Value, settings: &[&str]) -> Result<Value, ConfigurationError> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        let base = base.as_object().unwrap().clone();
        effective(&PartName::Policy, base, &settings, &schema(), "p/pack.toml").map(Value::Object)
    }

    fn refusal(base: Value, settings: &[&str]) -> String {
        with(base, settings).unwrap_err().to_string()
    }

    #[test]
    fn defaults_of_the_schema_show_in_the_effective_configuration() {
        assert_eq!(with(json!({}), &[]).unwrap(), json!({"k": 4, "shuffle": "none"}));
    }

    #[test]
    fn a_setting_overrides_the_pack_and_touches_its_own_part_only() {
        let config = with(json!({"k": 2}), &["policy.k=8", "template.k=1", "policy.note=17 of 20"]).unwrap();
        assert_eq!(config, json!({"k": 8, "note": "17 of 20", "shuffle": "none"}));
    }

    #[test]
    fn a_misspelt_key_is_named_with_where_it_came_from_and_the_nearest_known_one() {
        let text = with(json!({"shufle": "none"}), &[]).unwrap_err().to_string();
        assert_eq!(text, "p/pack.toml: configuration of the policy, key `shufle`: unknown; did you mean `shuffle`?");
        let text = with(json!({}), &["policy.zzz=1"]).unwrap_err().to_string();
        assert_eq!(
            text,
            "--set: configuration of the policy, key `zzz`: unknown; expected one of k, shuffle, note, signals"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_or_range_is_told_with_the_values_that_there_are() {
        let at = "configuration of the policy, key";
        let text = refusal(json!({"k": "many"}), &[]);
        assert_eq!(text, format!("p/pack.toml: {at} `k`: expected an integer of at least 1, found the text \"many\""));
        let text = refusal(json!({}), &["policy.k=0"]);
        assert_eq!(text, format!("--set: {at} `k`: expected an integer of at least 1, found 0"));
        let text = refusal(json!({}), &["policy.shuffle=x"]);
        assert_eq!(text, format!("--set: {at} `shuffle`: expected one of \"none\", \"random\", found \"x\""));
        let text = refusal(json!({}), &["policy.note=7"]);
        assert_eq!(text, format!("--set: {at} `note`: expected a text, found 7"));
    }

    #[test]
    fn a_value_inside_a_table_is_named_with_the_way_to_it() {
        let text = refusal(json!({"signals": {"answer": {"weight": 0}}}), &[]);
        assert_eq!(
            text,
            "p/pack.toml: configuration of the policy, key `signals.answer.weight`: expected a number above 0, found 0"
        );
        let text = refusal(json!({}), &[r#"policy.signals={"answer": {"wieght": 1}}"#]);
        assert_eq!(
            text,
            "--set: configuration of the policy, key `signals.answer.wieght`: unknown; did you mean `weight`?"
        );
    }

    #[test]
    fn a_configuration_is_bounded_in_size_and_in_depth() {
        let text = refusal(json!({"note": "x".repeat(BYTES)}), &[]);
        assert!(text.ends_with("has more than the 1048576 bytes of JSON allowed; keep long texts out of it"), "{text}");
        assert!(with(json!({"note": "x".repeat(BYTES - 100)}), &[]).is_ok());
        let nested = |levels: usize| format!("policy.note={}{}", "[".repeat(levels), "]".repeat(levels));
        let text = refusal(json!({}), &[&nested(LEVELS + 1)]);
        assert_eq!(text, "--set: configuration of the policy, key `note`: is nested deeper than the 64 levels allowed");
        assert!(refusal(json!({}), &[&nested(LEVELS)]).contains("expected a text"));
        // A key that is no key of the schema is not compared with all of them when it is long.
        let started = std::time::Instant::now();
        let long = refusal(json!({ "k".repeat(BYTES - 100): 1 }), &[]);
        assert!(long.contains("unknown") && long.len() < 1000, "{long:.1000}");
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn what_toml_has_and_json_does_not_is_refused_by_its_key() {
        let refused = |text: &str| {
            of_toml(toml::from_str(text).unwrap(), &PartName::Policy, "p/pack.toml").unwrap_err().to_string()
        };
        let at = "p/pack.toml: configuration of the policy, key `level`";
        assert_eq!(refused("level = nan"), format!("{at}: expected a finite number, found NaN"));
        assert_eq!(
            refused("level = { a = [2026-11-26] }"),
            format!("{at}: expected a text, number, list or table, found the date 2026-11-26; put it in quotes")
        );
        let table = toml::from_str("k = 4\nx = [1.5, \"a\", { b = true }]").unwrap();
        let config = Value::Object(of_toml(table, &PartName::Policy, "p/pack.toml").unwrap());
        assert_eq!(config, json!({"k": 4, "x": [1.5, "a", {"b": true}]}));
    }

    #[test]
    fn a_setting_with_a_key_twice_is_no_text() {
        let error = r#"policy.signals={"a": 1, "a": 2}"#.parse::<Setting>().unwrap_err();
        assert!(error.starts_with("the value of `policy.signals` cannot be used: the key `a` stands twice"), "{error}");
        assert_eq!("policy.note=a b".parse::<Setting>().unwrap().value, json!("a b"));
        let error = "policy.k=1e999".parse::<Setting>().unwrap_err();
        assert!(error.starts_with("the value of `policy.k` cannot be used: number out of range"), "{error}");
    }

    #[test]
    fn a_setting_says_what_form_it_must_have() {
        assert!("k=8".parse::<Setting>().unwrap_err().contains("part.key=value"));
        assert!("polcy.k=8".parse::<Setting>().unwrap_err().contains("`policy`"));
    }
}

//! The group fields of requests that hold one sample of a group.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ask::Cohort;
use crate::json::view;
use crate::problem::Problem;
use crate::request::{Url, shown_value};

/// The most bytes of a key that stands for itself.
const MOST_NAME_BYTES: usize = 200;

/// The most seconds that a request may ask for. The server's own bound is lower.
const MOST_SECONDS: f64 = 86_400.0;

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    cohort_key: Option<Value>,
    /// Another name for the key.
    #[serde(default)]
    group_id: Option<Value>,
    #[serde(default)]
    cohort_size: Option<u32>,
    /// Seconds.
    #[serde(default)]
    cohort_deadline: Option<f64>,
}

/// What names no group, in JSON.
const NAMELESS: [&str; 3] = ["", "[]", "{}"];

/// A key that servers take, for a name of any kind and length: one that is long or not on one line is its digest.
pub(crate) fn short(name: String) -> String {
    if name.len() <= MOST_NAME_BYTES && !name.chars().any(char::is_control) {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the cohort that an object's fields name. If they name none and the size is known from the fields or the URL,
/// `fallback` gives the key.
///
/// Returns `None` if the sample stands alone. `at` is the object's JSON pointer.
pub(crate) fn cohort(
    object: &Value,
    at: &str,
    url: &Url,
    fallback: impl FnOnce() -> Option<String>,
) -> Result<Option<Cohort>, Problem> {
    let fields: Fields = view(object).map_err(|problem| {
        let pointer = format!("{at}{}", problem.pointer.as_deref().unwrap_or_default());
        Problem { pointer: Some(pointer), ..problem }
    })?;
    let named = |field: &str| format!("{at}/{field}");
    let given = match (&fields.cohort_key, &fields.group_id) {
        (Some(key), _) | (None, Some(key)) => Some(key),
        (None, None) => None,
    };
    let key = given.and_then(shown_value).filter(|key| !NAMELESS.contains(&key.as_str())).map(short);
    let size = match fields.cohort_size.or(url.cohort_size) {
        Some(0) => return Err(Problem::at(named("cohort_size"), "a group has at least 1 member, found 0")),
        Some(1) => return Ok(None),
        Some(size) => size,
        None if key.is_some() => {
            let detail = "the group has a key but no size; give `cohort_size` here or in the URL";
            return Err(Problem::at(named("cohort_size"), detail));
        }
        None => return Ok(None),
    };
    let Some(key) = key.or_else(fallback) else {
        let detail = "the group has a size but no key; give `cohort_key` or `group_id`, equal for its members";
        return Err(Problem::at(named("cohort_key"), detail));
    };
    let deadline = match fields.cohort_deadline {
        None => None,
        Some(seconds) if seconds > 0.0 && seconds <= MOST_SECONDS => Some(Duration::from_secs_f64(seconds)),
        Some(seconds) => {
            let detail = format!("expected seconds above 0 and at most {MOST_SECONDS}, found {seconds}");
            return Err(Problem::at(named("cohort_deadline"), detail));
        }
    };
    Ok(Some(Cohort { key, size, deadline }))
}

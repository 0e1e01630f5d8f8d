//! Fields that several reply formats demand.

use serde_json::{Value, json};

use crate::calendar::since_1970;

/// The model's name in replies to requests that name none.
pub(crate) const NO_MODEL: &str = "rewarden";

/// The current time in seconds since 1970.
pub(crate) fn now() -> u64 {
    since_1970().as_secs()
}

/// A reply's id. The formats demand one; nothing is looked up by it.
pub(crate) fn reply_id(kind: &str) -> String {
    let nanos = since_1970().as_nanos();
    format!("{kind}-{nanos:x}")
}

/// Token counts, all zero: the server's metrics hold what a judgement costs, and it is not tokens of this text.
pub(crate) fn usage() -> Value {
    json!({ "prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0 })
}

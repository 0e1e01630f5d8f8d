//! Why one try failed, and whether another may succeed.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::ServerTerms;
use rewarden_types::ModelError;

/// How much of a server's error text is kept, in characters.
const SHOWN: usize = 500;

/// Why one try failed.
#[derive(Debug)]
pub(crate) enum TryFailure {
    /// An error status.
    Status { status: u16, body: String, retry_after: Option<Duration> },
    /// The connection was not made or broke off, perhaps in the middle of a reply.
    Connection(String),
    /// A whole reply without a byte, as of a proxy that has lost its server.
    Empty,
    /// One try took too long.
    TryTimeout,
    /// All tries together took too long.
    TotalTimeout,
    /// A whole reply that is not what the protocol says.
    Malformed { expected: &'static str, found: String },
    /// The model, or what watches over it, did not want to answer.
    Declined(String),
}

impl TryFailure {
    /// Returns whether the same request may succeed later: not after a 4xx, which says that the request is at fault (429 says
    /// that its time is), and not after a reply that was whole.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            TryFailure::Status { status, .. } => *status == 429 || *status >= 500,
            TryFailure::Connection(_) | TryFailure::Empty | TryFailure::TryTimeout => true,
            TryFailure::TotalTimeout | TryFailure::Malformed { .. } | TryFailure::Declined(_) => false,
        }
    }

    /// Whether the server was started and is not ready yet, in llama.cpp's and TGI's words.
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self, TryFailure::Status { status: 503, body, .. } if body.to_ascii_lowercase().contains("loading"))
    }

    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            TryFailure::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A connection that was not made or broke off.
    pub(crate) fn of_transport(error: &reqwest::Error) -> TryFailure {
        // The library's own text says only "error sending request"; what happened is in the causes.
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        TryFailure::Connection(text)
    }

    /// The error that `url` is named in, after `attempts` tries.
    pub(crate) fn into_error(self, url: &str, terms: &ServerTerms, attempts: u32) -> ModelError {
        let endpoint = url.to_owned();
        match self {
            TryFailure::Status { status, body, .. } => ModelError::HttpStatus { endpoint, status, body, attempts },
            TryFailure::Connection(message) => ModelError::Connection { endpoint, message, attempts },
            TryFailure::Empty => ModelError::EmptyReply { endpoint, attempts },
            TryFailure::TryTimeout => {
                ModelError::Timeout { endpoint, limit: "per-try", seconds: terms.try_timeout.as_secs_f64(), attempts }
            }
            TryFailure::TotalTimeout => {
                ModelError::Timeout { endpoint, limit: "total", seconds: terms.total_timeout.as_secs_f64(), attempts }
            }
            TryFailure::Malformed { expected, found } => {
                ModelError::MalformedReply { origin: endpoint, expected, found }
            }
            TryFailure::Declined(reason) => ModelError::Declined { endpoint, reason },
        }
    }
}

impl fmt::Display for TryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryFailure::Status { status, body, .. } => write!(f, "status {status}: {body}"),
            TryFailure::Connection(message) => f.write_str(message),
            TryFailure::Empty => f.write_str("an empty reply"),
            TryFailure::TryTimeout => f.write_str("took too long"),
            TryFailure::TotalTimeout => f.write_str("took too long in all"),
            TryFailure::Malformed { expected, found } => write!(f, "expected {expected}, found {found}"),
            TryFailure::Declined(reason) => write!(f, "declined to answer: {reason}"),
        }
    }
}

/// Reads a whole reply's JSON. `expected` says in words what it should be.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, expected: &'static str) -> Result<T, TryFailure> {
    if text.trim().is_empty() {
        return Err(TryFailure::Empty);
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // Cut off on its way.
        Category::Eof | Category::Io => {
            TryFailure::Connection(format!("the reply ended in the middle of its JSON: {error}"))
        }
        Category::Syntax | Category::Data => {
            TryFailure::Malformed { expected, found: format!("{} ({error})", excerpt(text, None)) }
        }
    })
}

/// The beginning of a text in one line, without the key, which some services quote when they refuse it.
pub(crate) fn excerpt(text: &str, secret: Option<&str>) -> String {
    let text = match secret.map(str::trim).filter(|s| !s.is_empty()) {
        Some(secret) => text.replace(secret, "(key)"),
        None => text.to_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "(empty)".into();
    }
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_time_can_cure_is_tried_again() {
        let status = |status| TryFailure::Status { status, body: String::new(), retry_after: None };
        for (failure, again) in [
            (status(429), true),
            (status(500), true),
            (status(503), true),
            (status(400), false),
            (status(401), false),
            (status(404), false),
            (status(422), false),
            (TryFailure::Connection("refused".into()), true),
            (TryFailure::Empty, true),
            (TryFailure::TryTimeout, true),
            (TryFailure::TotalTimeout, false),
            (TryFailure::Malformed { expected: "JSON", found: "HTML".into() }, false),
        ] {
            assert_eq!(failure.may_pass(), again, "{failure}");
        }
    }

    #[test]
    fn an_excerpt_is_one_short_line_without_the_key() {
        assert_eq!(excerpt("wrong key\n sk-1 ", Some("sk-1")), "wrong key (key)");
        assert_eq!(excerpt("", None), "(empty)");
        let long = excerpt(&"ä".repeat(2000), None);
        assert_eq!(long.chars().count(), SHOWN + 1);
    }
}

//! The server's base URL.

use reqwest::Url;

use crate::error::ModelError;

const CHAT: &str = "/chat/completions";

/// A checked base URL.
pub(super) struct Endpoint {
    base: String,
    chat: String,
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Result<Endpoint, ModelError> {
        let invalid = |found: String| ModelError::InvalidOption {
            option: "endpoint",
            found,
            expected: "a base URL such as http://localhost:8000/v1".into(),
        };
        // Not quoted where it may hold a password.
        let url = Url::parse(text.trim()).map_err(|error| invalid(format!("not a URL ({error})")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("a URL with a user name or password; give the key by its environment variable".into()));
        }
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid(format!("`{url}`, which is neither http nor https")));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(format!("`{url}`, which has a query or fragment")));
        }
        let url = url.as_str().trim_end_matches('/');
        let url = url.strip_suffix(CHAT).unwrap_or(url);
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let base = if has_path { url.to_owned() } else { format!("{url}/v1") };
        let chat = format!("{base}{CHAT}");
        Ok(Endpoint { base, chat })
    }

    /// The base URL, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The URL to post to.
    pub(super) fn chat(&self) -> &str {
        &self.chat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_may_leave_out_v1_and_may_have_another_path() {
        for (given, base) in [
            ("http://localhost:8000", "http://localhost:8000/v1"),
            ("http://localhost:8000/", "http://localhost:8000/v1"),
            ("http://localhost:8000/v1", "http://localhost:8000/v1"),
            ("http://localhost:8000/v1/", "http://localhost:8000/v1"),
            ("https://api.example.com/openai/v1", "https://api.example.com/openai/v1"),
            ("https://api.example.com/api/v3/", "https://api.example.com/api/v3"),
            (" http://[::1]:8000/v1/chat/completions ", "http://[::1]:8000/v1"),
        ] {
            let endpoint = Endpoint::parse(given).unwrap();
            assert_eq!(endpoint.base(), base, "{given}");
            assert_eq!(endpoint.chat(), format!("{base}/chat/completions"));
        }
    }

    #[test]
    fn what_cannot_be_a_base_url_is_refused_and_no_password_is_quoted() {
        for wrong in ["", "localhost:8000", "ftp://host", "http://host/v1?key=1", "http://host#x", "http://"] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
        let error = Endpoint::parse("http://me:hunter2@host/v1").err().unwrap().to_string();
        assert!(error.contains("environment variable") && !error.contains("hunter2"), "{error}");
    }
}

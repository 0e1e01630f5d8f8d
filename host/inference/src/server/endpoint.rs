//! Where a server is asked.

use reqwest::Url;

use rewarden_types::ModelError;

/// A checked base URL, and the route that is posted to.
pub(crate) struct Endpoint {
    base: String,
    url: String,
}

impl Endpoint {
    /// Checks the base URL `text`. `root` (`/v1` or nothing) is added to a URL without a path; `route` starts with a
    /// slash and may already be at the end of `text`.
    pub(crate) fn parse(text: &str, root: &str, route: &str) -> Result<Endpoint, ModelError> {
        let invalid = |found: String| ModelError::InvalidOption {
            option: "endpoint",
            found,
            expected: format!("a base URL such as http://localhost:8000{root}"),
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
        let url = url.strip_suffix(route).unwrap_or(url);
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let base = if has_path { url.to_owned() } else { format!("{url}{root}") };
        let url = format!("{base}{route}");
        Ok(Endpoint { base, url })
    }

    /// The base URL, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The URL to post to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "/chat/completions";

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
            let endpoint = Endpoint::parse(given, "/v1", CHAT).unwrap();
            assert_eq!(endpoint.base(), base, "{given}");
            assert_eq!(endpoint.url(), format!("{base}{CHAT}"));
        }
    }

    #[test]
    fn a_route_below_the_servers_own_root_needs_no_v1() {
        for (given, url) in [
            ("http://localhost:8000", "http://localhost:8000/classify"),
            ("http://localhost:8000/classify", "http://localhost:8000/classify"),
            ("https://gateway.example.com/rm/v1/", "https://gateway.example.com/rm/v1/classify"),
        ] {
            assert_eq!(Endpoint::parse(given, "", "/classify").unwrap().url(), url, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_a_base_url_is_refused_and_no_password_is_quoted() {
        for wrong in ["", "localhost:8000", "ftp://host", "http://host/v1?key=1", "http://host#x", "http://"] {
            assert!(Endpoint::parse(wrong, "/v1", CHAT).is_err(), "{wrong}");
        }
        let error = Endpoint::parse("http://me:hunter2@host/v1", "/v1", CHAT).err().unwrap().to_string();
        assert!(error.contains("environment variable") && !error.contains("hunter2"), "{error}");
    }
}

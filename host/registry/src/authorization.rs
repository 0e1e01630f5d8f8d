//! What a registry wants to see before it answers, and how that is got.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use rewarden_input::shown;
use serde::Deserialize;

/// Bytes of a token: some are lists of what it allows, with a signature.
const TOKEN_BYTES: usize = 32 << 10;

/// How a registry wants its clients to say who they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By name and password with every request.
    Basic,
    /// By a token that another address gives.
    Token {
        /// The address.
        realm: String,
        /// What it knows the registry as.
        service: Option<String>,
    },
}

impl Challenge {
    /// Reads it from the headers of a refusal. `None` if there is none that is understood.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
        let mut basic = None;
        for text in texts {
            for challenge in http_auth::parser::ChallengeParser::new(text).map_while(Result::ok) {
                let parameter = |name: &str| {
                    let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.to_unescaped())
                };
                if challenge.scheme.eq_ignore_ascii_case("bearer")
                    && let Some(realm) = parameter("realm")
                {
                    return Some(Self::Token { realm, service: parameter("service") });
                }
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    basic = Some(Self::Basic);
                }
            }
        }
        basic
    }
}

/// What an address that gives tokens answers.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Reads the token of such an answer as the header that carries it.
///
/// # Errors
/// Says what is wrong with the answer.
pub(crate) fn bearer(answer: &[u8]) -> Result<HeaderValue, String> {
    let TokenAnswer { token, access_token } = serde_json::from_slice(answer)
        .map_err(|error| format!("it is no JSON object with a token: {}", shown(&error.to_string())))?;
    let token = token.filter(|token| !token.is_empty()).or(access_token).ok_or("it has no `token`")?;
    // A header of whatever a server sends could end the request and begin another.
    let is_token = |byte: u8| byte.is_ascii_graphic();
    if token.is_empty() || token.len() > TOKEN_BYTES || !token.bytes().all(is_token) {
        return Err(format!(
            "its token has {} bytes, of which 1 to {TOKEN_BYTES} visible ones are allowed",
            token.len()
        ));
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn challenge(texts: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn a_challenge_names_where_tokens_are_or_asks_for_a_password() {
        let token = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a:pull""#;
        let expected = Challenge::Token {
            realm: "https://auth.example/token".to_owned(),
            service: Some("registry.example".to_owned()),
        };
        assert_eq!(challenge(&[token]), Some(expected));
        assert_eq!(challenge(&[r#"Basic realm="basic-realm""#]), Some(Challenge::Basic));
        assert!(matches!(challenge(&["Basic realm=\"a\"", token]), Some(Challenge::Token { .. })));
        for none in ["Negotiate", "Bearer service=\"x\"", "", "\"", "Bearer realm=\"https://auth"] {
            assert_eq!(challenge(&[none]), None, "{none}");
        }
    }

    #[test]
    fn a_token_is_taken_from_either_field_and_one_that_is_no_header_is_refused() {
        assert_eq!(bearer(br#"{"token": "a.b-c"}"#).unwrap(), "Bearer a.b-c");
        assert_eq!(bearer(br#"{"token": "", "access_token": "x", "expires_in": 60}"#).unwrap(), "Bearer x");
        for wrong in
            [&br#"{}"#[..], br#"[]"#, b"", br#"{"token": "a\r\nHost: b"}"#, br#"{"token": 1}"#, br#"{"token": ""}"#]
        {
            assert!(bearer(wrong).is_err());
        }
        assert!(bearer(format!(r#"{{"token": "{}"}}"#, "x".repeat(TOKEN_BYTES + 1)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_header_and_no_answer_ends_in_a_panic(text in "[ -~]{0,80}", answer in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = challenge(&[&text]);
            let _ = bearer(&answer);
        }
    }
}

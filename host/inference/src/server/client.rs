//! The HTTP client of one endpoint: what of the environment it goes by, and what it leaves alone.

use std::path::Path;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::CONNECT;
use rewarden_types::ModelError;

/// A client, and where it sends its requests first.
pub(crate) struct EndpointClient {
    pub(crate) client: Client,
    /// The proxy that the environment names for this endpoint, in words.
    pub(crate) proxy: Option<String>,
}

impl EndpointClient {
    /// Makes the client for a URL. `model` is named in errors.
    pub(crate) fn new(url: &str, model: &str) -> Result<Self, ModelError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = Url::parse(url).ok();
        let proxy = url.as_ref().and_then(|url| proxy(url, variable));
        let mut client = Client::builder().connect_timeout(CONNECT).redirect(Policy::none());
        if proxy.is_none() {
            client = client.no_proxy();
        }
        if url.is_some_and(|url| url.scheme() == "http") && proxy.is_none() {
            // No TLS is spoken, so certificates need not be there, and are not read.
            client = client.tls_certs_only([]);
        } else {
            check_certificates(variable("SSL_CERT_FILE").as_deref())?;
        }
        let client = client.build().map_err(|error| ModelError::Load {
            model: model.to_owned(),
            message: format!("the HTTP client cannot be set up: {error}"),
        })?;
        Ok(Self { client, proxy })
    }
}

/// The proxy that the environment names for a URL. None for this machine itself: a proxy elsewhere would reach another one, with
/// the prompts and the API key.
fn proxy(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    let of_scheme = if url.scheme() == "https" { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let names = of_scheme.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let (name, value) = names.into_iter().find_map(|name| variable(name).map(|value| (name, value)))?;
    // It may hold a password.
    let place = match Url::parse(&value).ok().filter(Url::has_host) {
        Some(proxy) => {
            let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!(" ({}://{}{port})", proxy.scheme(), proxy.host_str().unwrap_or_default())
        }
        None => String::new(),
    };
    Some(format!("the proxy that {name} names{place}, unless NO_PROXY leaves this server out"))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let name = host.strip_suffix('.').unwrap_or(host);
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Refuses a file of certificates that has no end, or that waits for a writer.
fn check_certificates(file: Option<&str>) -> Result<(), ModelError> {
    match file {
        Some(file) if Path::new(file).metadata().is_ok_and(|metadata| !metadata.is_file()) => {
            Err(ModelError::InvalidOption {
                option: "SSL_CERT_FILE",
                found: format!("`{file}`, which is not a regular file"),
                expected: "a file of certificates in PEM; correct the environment variable, or unset it".into(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        proxy(&Url::parse(url).unwrap(), variable)
    }

    #[test]
    fn a_proxy_is_named_without_its_password_and_never_asked_for_this_machine() {
        let variables = [("http_proxy", "http://me:hunter2@proxy:3128"), ("ALL_PROXY", "socks5://s")];
        let unless = ", unless NO_PROXY leaves this server out";
        assert_eq!(
            asked("http://example.com/v1", &variables).unwrap(),
            format!("the proxy that http_proxy names (http://proxy:3128){unless}")
        );
        assert_eq!(
            asked("https://example.com/v1", &variables).unwrap(),
            format!("the proxy that ALL_PROXY names (socks5://s){unless}")
        );
        for here in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"]
        {
            assert_eq!(asked(&format!("http://{here}:8000/v1"), &variables), None, "{here}");
        }
        assert!(asked("http://10.0.0.1", &variables).is_some());
        assert_eq!(asked("http://example.com", &[]), None);
    }

    #[test]
    fn a_file_of_certificates_without_an_end_is_refused_in_words() {
        let error = check_certificates(Some("/dev/zero")).unwrap_err().to_string();
        assert!(
            error.starts_with("model option `SSL_CERT_FILE` is `/dev/zero`, which is not a regular file"),
            "{error}"
        );
        check_certificates(None).unwrap();
        check_certificates(Some("/nonexistent/certificates.pem")).unwrap();
    }
}

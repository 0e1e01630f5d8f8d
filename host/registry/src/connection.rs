//! How registries are reached: by which scheme, and with whose credentials.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::credentials::Credentials;
use crate::transfer_error::TransferError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a registry may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct RegistryAccess {
    /// Registries beside those on this machine that are spoken to without TLS, by host and port as references have them.
    pub insecure: Vec<String>,
    /// Who the user is to every registry. `None` goes by what `docker login` keeps for each.
    pub credentials: Option<Credentials>,
}

impl RegistryAccess {
    /// The address that a registry's paths are appended to.
    pub(crate) fn base(&self, registry: &str) -> Result<Url, TransferError> {
        let scheme = if self.is_plain(registry) { "http" } else { "https" };
        Url::parse(&format!("{scheme}://{registry}/")).map_err(|error| TransferError::Unreachable {
            registry: registry.to_owned(),
            what: "anything".to_owned(),
            message: format!("its name makes no address: {error}"),
        })
    }

    /// Who the user is to a registry; `None` is nobody in particular.
    pub(crate) fn credentials(&self, registry: &str) -> Result<Option<Credentials>, TransferError> {
        match &self.credentials {
            Some(given) => Ok(Some(given.clone())),
            None => Credentials::of_docker(registry),
        }
    }

    /// Returns whether a registry is spoken to without TLS: one on this machine, or one that the user says so of.
    fn is_plain(&self, registry: &str) -> bool {
        self.insecure.iter().any(|insecure| insecure.eq_ignore_ascii_case(registry)) || is_loopback(registry)
    }

    /// Returns whether what a registry at `base` leads to may be asked: over TLS; or without, where the registry itself is
    /// spoken to so and the other host may be, too.
    pub(crate) fn may_follow(&self, base: &Url, to: &Url) -> bool {
        let place = match (to.host_str(), to.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return false,
        };
        match to.scheme() {
            "https" => true,
            "http" => base.scheme() == "http" && self.is_plain(&place),
            _ => false,
        }
    }

    /// The client for the registry at `base`. It follows no redirect by itself, and asks no proxy for this machine.
    pub(crate) fn client(base: &Url) -> Result<Client, TransferError> {
        let mut client = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).redirect(Policy::none());
        if base.scheme() == "http" {
            client = client.no_proxy();
        }
        client.build().map_err(|error| TransferError::Client(error.to_string()))
    }
}

/// Returns whether a host with its port is this machine itself.
fn is_loopback(registry: &str) -> bool {
    let bracketed = registry.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let host = bracketed.unwrap_or_else(|| registry.split(':').next().unwrap_or_default());
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Waits for a future on a thread of its own: whoever calls may be on an async thread, which must not start a runtime.
pub(crate) fn wait_for<T: Send, E: From<TransferError> + Send>(
    future: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, E> {
    let client = |error: &dyn std::fmt::Display| E::from(TransferError::Client(error.to_string()));
    let run = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| client(&error))?;
        runtime.block_on(future)
    };
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(client(&"the thread that asks the registry has crashed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(registry: &str) -> String {
        let access = RegistryAccess { insecure: vec!["registry.lan:5000".to_owned()], credentials: None };
        access.base(registry).unwrap().scheme().to_owned()
    }

    #[test]
    fn tls_is_left_out_on_this_machine_and_where_the_user_says_so() {
        for plain in ["localhost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]:5000", "registry.lan:5000"] {
            assert_eq!(scheme(plain), "http", "{plain}");
        }
        for secure in
            ["ghcr.io", "registry.lan", "registry.lan:5001", "localhost.example", "10.0.0.1:5000", "127.0.0.1.nip.io"]
        {
            assert_eq!(scheme(secure), "https", "{secure}");
        }
    }

    #[test]
    fn a_registry_behind_tls_leads_to_nothing_without_it_and_nobody_to_other_schemes() {
        let access = RegistryAccess { insecure: vec!["registry.lan:5000".to_owned()], credentials: None };
        let may = |from: &str, to: &str| access.may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(may("https://ghcr.io/", "https://cdn.example/blob"));
        assert!(may("http://127.0.0.1:5000/", "https://cdn.example/blob"));
        assert!(may("http://127.0.0.1:5000/", "http://registry.lan:5000/blob"));
        assert!(!may("https://ghcr.io/", "http://127.0.0.1:8080/admin"));
        assert!(!may("https://ghcr.io/", "http://cdn.example/blob"));
        assert!(!may("http://127.0.0.1:5000/", "http://10.0.0.1/blob"));
        assert!(!may("http://127.0.0.1:5000/", "file:///etc/passwd"));
    }
}

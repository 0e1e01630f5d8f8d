//! Who may ask: host names, API keys, roles and rates.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method, header};
use rewarden_dialects::{Problem, ProblemKind};

use crate::http::keys::{KeyRole, Keys};
use crate::http::rate::Rate;

/// What a path demands of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    /// Nothing: probes, documentation and the page show nothing of what is scored.
    Open,
    Role(KeyRole),
}

fn needed(path: &str) -> Needed {
    match path {
        "/healthz" | "/readyz" | "/" | "/docs" | "/openapi.json" => Needed::Open,
        _ if path.starts_with("/page/") || path.starts_with("/problems/") => Needed::Open,
        _ if path == "/admin" || path.starts_with("/admin/") => Needed::Role(KeyRole::Admin),
        _ => Needed::Role(KeyRole::Score),
    }
}

/// What decides who may ask.
pub(crate) struct Access {
    pub(crate) hosts: Hosts,
    pub(crate) keys: Option<Keys>,
    /// The rate of everybody, if there are no keys.
    pub(crate) rate: Option<Rate>,
}

impl Access {
    /// Lets a request in and returns the name of the caller's key, `None` if the server has no keys.
    ///
    /// # Errors
    ///
    /// The host name, the key, its role or its rate forbids the request.
    pub(crate) fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Option<String>, Problem> {
        self.hosts.check(headers)?;
        let Needed::Role(needed) = needed(path) else { return Ok(None) };
        let Some(keys) = &self.keys else {
            if needed == KeyRole::Admin {
                let detail = "this server was started without API keys, and /admin is never open; make a key with `rewarden keygen \
                          NAME --role admin` and start with --keys FILE";
                return Err(Problem::new(ProblemKind::Forbidden, detail));
            }
            return self.rate.as_ref().map_or(Ok(None), |rate| take(rate).map(|()| None));
        };
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret =
            bearer.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, secret)) = secret else {
            let detail = format!("{method} {path} needs an API key in the header `Authorization: Bearer KEY`");
            return Err(Problem::new(ProblemKind::Unauthorized, detail));
        };
        let key = keys
            .find(secret.trim())
            .ok_or_else(|| Problem::new(ProblemKind::Unauthorized, "this server has no such API key"))?;
        if key.role < needed {
            let detail = format!(
                "{method} {path} needs a key of the role `{}`; `{}` has `{}`",
                needed.name(),
                key.name,
                key.role.name()
            );
            return Err(Problem::new(ProblemKind::Forbidden, detail));
        }
        if let Some(rate) = &key.rate {
            take(rate)?;
        }
        Ok(Some(key.name.clone()))
    }
}

fn take(rate: &Rate) -> Result<(), Problem> {
    rate.take().map_err(|wait| {
        let seconds = u32::try_from(wait.as_secs_f64().ceil().max(1.0) as u64).unwrap_or(u32::MAX);
        let detail = "more requests a second than this key may make; slow down";
        Problem { retry_after: Some(seconds), ..Problem::new(ProblemKind::Overloaded, detail) }
    })
}

/// The host names that this server answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// All names, because there are keys or the operator said that none are needed.
    Any,
    /// Loopback names only. Without keys, a web page whose name was made to point here (DNS rebinding) could do what a
    /// local program can.
    Loopback,
}

impl Hosts {
    fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(host) = headers.get(header::HOST).filter(|_| self == Self::Loopback) else { return Ok(()) };
        let host = host.to_str().unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let local = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if local {
            return Ok(());
        }
        let detail = "without API keys this server answers only to loopback names such as 127.0.0.1 and localhost; start it with \
                      --keys FILE to use another";
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }
}

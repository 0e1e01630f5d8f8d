//! Requests to one repository of a registry.

use std::io::Write;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use rewarden_input::shown;
use rewarden_types::Sha256Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::artifact::{Descriptor, INDEX_TYPE, MANIFEST_BYTES, MANIFEST_TYPE};
use crate::authorization::{Challenge, bearer};
use crate::connection::RegistryAccess;
use crate::reference::PackReference;
use crate::transfer_error::TransferError;

/// How long an answer of some kilobytes may take.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Bytes a second at least, beyond that: a registry that drips must not hold a start for days.
const SLOWEST: u64 = 32 << 10;
/// Hosts that a registry may lead to, one after the other.
const REDIRECTS: usize = 5;
/// Bytes of an error that are read.
const ERROR_BYTES: u64 = 4 << 10;
/// Bytes of the answer that holds a token.
const TOKEN_ANSWER_BYTES: u64 = 64 << 10;

/// What is to be done with the repository: decides what a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pull,
    Push,
}

/// Makes requests to one repository of a registry. What it reads is bounded in bytes and in time, and credentials go to the
/// registry and to the address that it names for tokens, nowhere else.
pub(crate) struct RegistryClient {
    http: Client,
    access: RegistryAccess,
    base: Url,
    registry: String,
    repository: String,
    action: Action,
    /// What the registry wants to see with every request, once it has said so.
    authorization: Mutex<Option<HeaderValue>>,
}

impl RegistryClient {
    /// A client for the repository of `reference`.
    pub(crate) fn new(
        reference: &PackReference,
        access: &RegistryAccess,
        action: Action,
    ) -> Result<Self, TransferError> {
        let base = access.base(reference.registry())?;
        Ok(Self {
            http: RegistryAccess::client(&base)?,
            access: access.clone(),
            base,
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            action,
            authorization: Mutex::new(None),
        })
    }

    /// The registry's name, for errors.
    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// Gets the manifest of `reference`, with its digest.
    pub(crate) async fn manifest(&self, reference: &PackReference) -> Result<(Vec<u8>, Sha256Digest), TransferError> {
        let wanted = reference.wanted();
        let what = format!("the manifest of {}:{wanted}", self.repository);
        let accept = format!("{MANIFEST_TYPE}, {INDEX_TYPE}");
        let response = self.get(&format!("manifests/{wanted}"), Some(&accept), ANSWER_TIME, &what).await?;
        let said = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        let said: Option<Sha256Digest> = said.and_then(|text| text.parse().ok());
        let bytes = self.body(response, MANIFEST_BYTES, &what).await?;
        let found = Sha256Digest::of(&bytes);
        match reference.digest().or(said) {
            Some(expected) if expected != found => {
                Err(TransferError::WrongDigest { registry: self.registry.clone(), what, expected, found })
            }
            _ => Ok((bytes, found)),
        }
    }

    /// Writes the blob of a descriptor, which has exactly its size and its digest.
    pub(crate) async fn blob(
        &self,
        blob: &Descriptor,
        what: &str,
        into: &mut (dyn Write + Send),
    ) -> Result<(), TransferError> {
        let time = ANSWER_TIME + Duration::from_secs(blob.size / SLOWEST);
        let mut response = self.get(&format!("blobs/{}", blob.digest), None, time, what).await?;
        let registry = || self.registry.clone();
        let (mut found, mut hasher) = (0_u64, Sha256::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error, what))? {
            found = found.saturating_add(chunk.len() as u64);
            if found > blob.size {
                return Err(TransferError::TooLong { registry: registry(), what: what.to_owned(), allowed: blob.size });
            }
            hasher.update(&chunk);
            into.write_all(&chunk).map_err(|error| TransferError::file(std::path::Path::new(what), &error))?;
        }
        if found < blob.size {
            let (what, expected) = (what.to_owned(), blob.size);
            return Err(TransferError::WrongSize { registry: registry(), what, expected, found });
        }
        match Sha256Digest::from(hasher) {
            digest if digest == blob.digest => Ok(()),
            found => {
                let (what, expected) = (what.to_owned(), blob.digest);
                Err(TransferError::WrongDigest { registry: registry(), what, expected, found })
            }
        }
    }

    /// Gets a small JSON document of at most [`MANIFEST_BYTES`], or `None` if there is none.
    pub(crate) async fn document(&self, path: &str, what: &str) -> Result<Option<Vec<u8>>, TransferError> {
        match self.get(path, Some(INDEX_TYPE), ANSWER_TIME, what).await {
            Ok(response) => self.body(response, MANIFEST_BYTES, what).await.map(Some),
            Err(TransferError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores a blob unless the registry has it.
    pub(crate) async fn store_blob(
        &self,
        digest: Sha256Digest,
        bytes: Vec<u8>,
        what: &str,
    ) -> Result<(), TransferError> {
        let there = self.http.head(self.url(&format!("blobs/{digest}"), what)?).timeout(ANSWER_TIME);
        if self.send(there, what).await?.status() == StatusCode::OK {
            return Ok(());
        }
        let begin = self.http.post(self.url("blobs/uploads/", what)?).timeout(ANSWER_TIME).body("");
        let response = self.checked(self.send(begin, what).await?, what).await?;
        let mut to = self.led_to(&response, &self.base, what)?;
        to.query_pairs_mut().append_pair("digest", &digest.to_string());
        let time = ANSWER_TIME + Duration::from_secs(bytes.len() as u64 / SLOWEST);
        let put = self.http.put(to.clone()).header(CONTENT_TYPE, "application/octet-stream").timeout(time).body(bytes);
        let response = if self.is_own(&to) { self.send(put, what).await? } else { self.sent(put, what).await? };
        self.checked(response, what).await.map(drop)
    }

    /// Stores a manifest under a tag.
    pub(crate) async fn store_manifest(&self, tag: &str, bytes: Vec<u8>) -> Result<(), TransferError> {
        let what = format!("the manifest of {}:{tag}", self.repository);
        let put = self.http.put(self.url(&format!("manifests/{tag}"), &what)?).timeout(ANSWER_TIME);
        let put = put.header(CONTENT_TYPE, MANIFEST_TYPE).body(bytes);
        self.checked(self.send(put, &what).await?, &what).await.map(drop)
    }

    fn url(&self, path: &str, what: &str) -> Result<Url, TransferError> {
        self.base.join(&format!("v2/{}/{path}", self.repository)).map_err(|error| self.unreachable(&error, what))
    }

    /// Gets what is at a path, wherever the registry leads to for it.
    async fn get(
        &self,
        path: &str,
        accept: Option<&str>,
        time: Duration,
        what: &str,
    ) -> Result<Response, TransferError> {
        let mut url = self.url(path, what)?;
        for _ in 0..=REDIRECTS {
            let mut request = self.http.get(url.clone()).timeout(time);
            if let Some(accept) = accept {
                request = request.header(ACCEPT, accept);
            }
            let response =
                if self.is_own(&url) { self.send(request, what).await? } else { self.sent(request, what).await? };
            if !response.status().is_redirection() {
                return self.checked(response, what).await;
            }
            url = self.led_to(&response, &url, what)?;
        }
        Err(self.redirect(what, url.as_str(), "it leads on and on"))
    }

    /// Where an answer leads to, if that may be asked.
    fn led_to(&self, response: &Response, from: &Url, what: &str) -> Result<Url, TransferError> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.malformed("its answer has no Location", what))?;
        let to =
            from.join(location).map_err(|error| self.malformed(&format!("its Location is none: {error}"), what))?;
        if self.access.may_follow(&self.base, &to) {
            return Ok(to);
        }
        Err(self.redirect(what, to.as_str(), "only https is, and http for registries that are spoken to without TLS"))
    }

    /// Returns whether an address is the registry's own, and so may see its credentials.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Sends a request to the registry itself, with what it wants to see.
    async fn send(&self, request: RequestBuilder, what: &str) -> Result<Response, TransferError> {
        let again = request.try_clone();
        let known = self.authorization.lock().await.clone();
        let response = self.sent(authorized(request, known), what).await?;
        let (StatusCode::UNAUTHORIZED, Some(again)) = (response.status(), again) else { return Ok(response) };
        let Some(header) = self.authorize(response.headers(), what).await? else { return Ok(response) };
        *self.authorization.lock().await = Some(header.clone());
        self.sent(authorized(again, Some(header)), what).await
    }

    async fn sent(&self, request: RequestBuilder, what: &str) -> Result<Response, TransferError> {
        request.send().await.map_err(|error| self.unreachable(&error, what))
    }

    /// Gets what the registry wants to see, going by its refusal. `None` if there is nothing that could be shown.
    async fn authorize(&self, refusal: &HeaderMap, what: &str) -> Result<Option<HeaderValue>, TransferError> {
        let Some(challenge) = Challenge::of(refusal) else { return Ok(None) };
        let credentials = self.access.credentials(&self.registry)?;
        let (realm, service) = match challenge {
            Challenge::Basic => {
                let Some(known) = credentials else { return Ok(None) };
                // The one way to have it encoded.
                let request = self.http.get(self.base.clone()).basic_auth(known.user, Some(known.password)).build();
                let request = request.map_err(|error| self.unreachable(&error, what))?;
                return Ok(request.headers().get(AUTHORIZATION).cloned());
            }
            Challenge::Token { realm, service } => (realm, service),
        };
        let what = format!("a token for {what}");
        let mut url =
            Url::parse(&realm).map_err(|error| self.malformed(&format!("its address is none: {error}"), &what))?;
        if !self.access.may_follow(&self.base, &url) {
            return Err(self.redirect(
                &what,
                &realm,
                "only https is, and http for registries that are spoken to without TLS",
            ));
        }
        let actions = match self.action {
            Action::Pull => "pull",
            Action::Push => "pull,push",
        };
        url.query_pairs_mut().append_pair("scope", &format!("repository:{}:{actions}", self.repository));
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", &service);
        }
        let mut request = self.http.get(url).timeout(ANSWER_TIME);
        if let Some(known) = credentials {
            request = request.basic_auth(known.user, Some(known.password));
        }
        let response = self.checked(self.sent(request, &what).await?, &what).await?;
        let answer = self.body(response, TOKEN_ANSWER_BYTES, &what).await?;
        bearer(&answer).map(Some).map_err(|message| self.malformed(&message, &what))
    }

    /// The answer, unless it is an error.
    async fn checked(&self, response: Response, what: &str) -> Result<Response, TransferError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let (registry, what) = (self.registry.clone(), what.to_owned());
        if status == StatusCode::NOT_FOUND {
            return Err(TransferError::NotFound { registry, what });
        }
        let told = said(response).await;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let told = if told.is_empty() { format!("status {}", status.as_u16()) } else { told };
            return Err(TransferError::Unauthorized { registry, what, told });
        }
        let told = if told.is_empty() { told } else { format!(": {told}") };
        Err(TransferError::Status { registry, what, status: status.as_u16(), told })
    }

    /// The whole body of an answer, of at most so many bytes.
    async fn body(&self, mut response: Response, allowed: u64, what: &str) -> Result<Vec<u8>, TransferError> {
        let too_long = || TransferError::TooLong { registry: self.registry.clone(), what: what.to_owned(), allowed };
        if response.content_length().is_some_and(|length| length > allowed) {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error, what))? {
            if bytes.len() as u64 + chunk.len() as u64 > allowed {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn unreachable(&self, error: &dyn std::error::Error, what: &str) -> TransferError {
        // The causes say what reqwest leaves out: no such host, connection refused.
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        let message = rewarden_input::shown_within(&message, 400);
        TransferError::Unreachable { registry: self.registry.clone(), what: what.to_owned(), message }
    }

    fn malformed(&self, message: &str, what: &str) -> TransferError {
        TransferError::Malformed { registry: self.registry.clone(), what: what.to_owned(), message: shown(message) }
    }

    fn redirect(&self, what: &str, to: &str, reason: &'static str) -> TransferError {
        TransferError::Redirect { registry: self.registry.clone(), what: what.to_owned(), to: shown(to), reason }
    }
}

fn authorized(request: RequestBuilder, authorization: Option<HeaderValue>) -> RequestBuilder {
    match authorization {
        Some(header) => request.header(AUTHORIZATION, header),
        None => request,
    }
}

/// The errors of the distribution specification.
#[derive(Deserialize)]
struct ErrorAnswer {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    code: String,
    #[serde(default)]
    message: String,
}

/// What an error says in its first bytes; nothing if that is nothing.
async fn said(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = (ERROR_BYTES as usize).saturating_sub(bytes.len());
        bytes.extend(chunk.iter().take(room));
        if bytes.len() as u64 >= ERROR_BYTES {
            break;
        }
    }
    match serde_json::from_slice::<ErrorAnswer>(&bytes) {
        Ok(ErrorAnswer { errors }) => {
            let told: Vec<String> = errors.iter().map(|error| format!("{} {}", error.code, error.message)).collect();
            shown(told.join("; ").trim())
        }
        Err(_) => shown(String::from_utf8_lossy(&bytes).trim()),
    }
}

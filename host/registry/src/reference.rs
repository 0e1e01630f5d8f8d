//! Names of packs in registries.

use std::fmt;
use std::str::FromStr;

use rewarden_input::shown;
use rewarden_types::Sha256Digest;

/// What every reference begins with.
const SCHEME: &str = "oci://";
/// Bytes of a registry's host and port.
const REGISTRY_BYTES: usize = 255;
/// Bytes of a repository's name, as the distribution specification has it.
const REPOSITORY_BYTES: usize = 255;
/// Bytes of a tag, as the distribution specification has it.
const TAG_BYTES: usize = 128;

/// A pack in a registry: `oci://HOST[:PORT]/REPOSITORY`, with `:TAG`, `@sha256:DIGEST` or both. If it has a digest, that decides,
/// and the tag is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Sha256Digest>,
}

/// A text that is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no reference to a pack: {reason}; expected oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@sha256:DIGEST"
)]
pub struct ReferenceError {
    found: String,
    reason: String,
}

impl PackReference {
    /// Returns whether a text is meant as a reference, right or wrong, and not as a path or a name.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The registry's host, with its port if it is not the usual one.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository's name.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Registry and repository, as `[trust]` has them.
    pub fn place(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag, if it has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if it has one.
    pub fn digest(&self) -> Option<Sha256Digest> {
        self.digest
    }

    /// The same place with this digest alone: what to pin.
    pub fn pinned(&self, digest: Sha256Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The last part of the repository's name, which is the pack's own.
    pub fn last_part(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// Returns what the last part of the repository of a pack of this name is called: names of packs may have capitals and `+`,
    /// those of repositories may not.
    pub fn part_for(pack: &str) -> String {
        pack.to_ascii_lowercase().replace('+', "-")
    }

    /// What a registry is asked for: the digest, or else the tag.
    pub(crate) fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            // Parsing sees to it that there is one of them.
            (None, None) => String::new(),
        }
    }
}

impl FromStr for PackReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let refused = |reason: String| ReferenceError { found: shown(text), reason };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| refused(format!("it does not begin with {SCHEME}")))?;
        let (registry, path) = rest.split_once('/').ok_or_else(|| refused("it names no repository".to_owned()))?;
        check_registry(registry).map_err(refused)?;
        let (path, digest) = match path.split_once('@') {
            Some((path, digest)) => {
                let digest = digest.parse().map_err(|error| refused(format!("its digest is none: {error}")))?;
                (path, Some(digest))
            }
            None => (path, None),
        };
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        check_repository(repository).map_err(refused)?;
        if let Some(tag) = tag {
            check_tag(tag).map_err(refused)?;
        }
        if tag.is_none() && digest.is_none() {
            return Err(refused("it has neither tag nor digest".to_owned()));
        }
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl fmt::Display for PackReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// A host name or an address, with a port or without.
fn check_registry(registry: &str) -> Result<(), String> {
    let told = || format!("`{}` is no host with a port or without", shown(registry));
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            address.parse::<std::net::Ipv6Addr>().map_err(|_| told())?;
            (None, rest.strip_prefix(':').or(rest.is_empty().then_some("443")))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), Some("443")),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let host_fits = host.is_none_or(|host| host.split('.').all(is_label));
    let is_number =
        |port: &str| port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if registry.len() <= REGISTRY_BYTES && host_fits && port.is_some_and(is_number) { Ok(()) } else { Err(told()) }
}

/// Small letters and digits, with single dots, one or two underscores, or dashes between them; parts are separated by slashes.
fn check_repository(repository: &str) -> Result<(), String> {
    let fits = |part: &str| {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let separators = part.split(is_word).filter(|separator| !separator.is_empty());
        let known = |separator: &str| matches!(separator, "." | "_" | "__") || separator.chars().all(|c| c == '-');
        part.starts_with(is_word) && part.ends_with(is_word) && separators.into_iter().all(known)
    };
    if repository.len() <= REPOSITORY_BYTES && repository.split('/').all(fits) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no repository: small letters and digits, with dots, underscores or dashes between them, in parts separated by \
         slashes",
        shown(repository)
    ))
}

fn check_tag(tag: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if (1..=TAG_BYTES).contains(&tag.len()) && !tag.starts_with(['.', '-']) && tag.chars().all(fits) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no tag: 1 to {TAG_BYTES} letters, digits, `_`, `.` or `-`, beginning with none of the latter two",
        shown(tag)
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> String {
        text.parse::<PackReference>().unwrap_err().to_string()
    }

    #[test]
    fn a_reference_names_registry_repository_and_a_tag_or_a_digest() {
        let digest = Sha256Digest::of(b"manifest");
        let tagged: PackReference = "oci://GHCR.io/team/maths:0.1.0".parse().unwrap();
        assert_eq!((tagged.registry(), tagged.repository()), ("ghcr.io", "team/maths"));
        assert_eq!((tagged.tag(), tagged.digest(), tagged.wanted()), (Some("0.1.0"), None, "0.1.0".to_owned()));
        let pinned: PackReference = format!("oci://[::1]:5000/a/b_c/d--e:latest@{digest}").parse().unwrap();
        assert_eq!((pinned.registry(), pinned.wanted()), ("[::1]:5000", digest.to_string()));
        assert_eq!(tagged.pinned(digest).to_string(), format!("oci://ghcr.io/team/maths@{digest}"));
        assert_eq!(tagged.last_part(), "maths");
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_part_that_is_wrong() {
        for (text, expected) in [
            ("ghcr.io/team/maths:1", "does not begin with oci://"),
            ("oci://ghcr.io", "names no repository"),
            ("oci://ghcr.io/maths", "neither tag nor digest"),
            ("oci://user:word@ghcr.io/maths:1", "`user:word@ghcr.io` is no host"),
            ("oci://ghcr.io:0/maths:1", "is no host"),
            ("oci://ghcr.io:99999/maths:1", "is no host"),
            ("oci://[::1/maths:1", "is no host"),
            ("oci:///maths:1", "is no host"),
            ("oci://ghcr.io/Maths:1", "`Maths` is no repository"),
            ("oci://ghcr.io/../maths:1", "is no repository"),
            ("oci://ghcr.io/a//b:1", "is no repository"),
            ("oci://ghcr.io/a?x=1:1", "is no repository"),
            ("oci://ghcr.io/maths:", "`` is no tag"),
            ("oci://ghcr.io/maths:a/b", "`a/b` is no tag"),
            ("oci://ghcr.io/maths@sha1:00", "its digest is none"),
            ("oci://ghcr.io/maths\n:1", "is no repository"),
        ] {
            assert!(reason(text).contains(expected), "{text}: {}", reason(text));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same_and_goes_into_a_url_as_it_is(text in "oci://[a-zA-Z0-9.:\\[\\]@/_%#?-]{0,40}") {
            if let Ok(reference) = text.parse::<PackReference>() {
                prop_assert_eq!(reference.to_string().parse::<PackReference>().unwrap(), reference.clone());
                let url = format!("https://{}/v2/{}/manifests/{}", reference.registry(), reference.repository(), reference.wanted());
                let parsed = reqwest::Url::parse(&url).unwrap();
                prop_assert!(parsed.username().is_empty() && parsed.query().is_none() && parsed.fragment().is_none());
                let path = format!("/v2/{}/manifests/{}", reference.repository(), reference.wanted());
                prop_assert_eq!(parsed.path(), path);
            }
        }
    }
}

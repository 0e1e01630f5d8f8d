//! Whose signature a pack must have.

use std::fmt;
use std::str::FromStr;

use rewarden_input::shown;
use rewarden_manifest::PackIdentity;
use rewarden_types::Sha256Digest;

use crate::checked_pack::CheckedPack;
use crate::reference::PackReference;
use crate::signature::{KeyError, PackSignature, TrustedComment, VerificationKey};

/// Characters of a pattern.
const PATTERN_BYTES: usize = 512;

/// Why a pack's signature is not good enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is no signature, and there must be one.
    #[error(
        "{pack} is not signed, but a signature by {keys} is required; sign it with `rewarden pack sign`, or ask who made it"
    )]
    Unsigned {
        /// The pack's name and version.
        pack: String,
        /// The keys of which one must have signed.
        keys: String,
    },
    /// It is signed by nobody who is trusted, or something else was signed.
    #[error("the signature of {pack} is not one by {keys}: {reason}")]
    Signature {
        /// The pack's name and version.
        pack: String,
        /// The keys of which one must have signed.
        keys: String,
        /// What is wrong, for each key.
        reason: String,
    },
    /// It is no signature at all.
    #[error("the signature of {pack}: {error}")]
    Unreadable {
        /// The pack's name and version.
        pack: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The signature says that it is another pack's.
    #[error("the signature of {pack} says that it is of {other}; a signature of one pack is none of another")]
    OtherPack {
        /// The pack's name and version.
        pack: String,
        /// What the signature says.
        other: String,
    },
    /// The repository is another pack's.
    #[error(
        "{reference} holds {pack}, whose repository would be called `{expected}`: a registry that gives one signed pack for \
         another looks like this. If it is meant, name the pack by its digest"
    )]
    OtherRepository {
        /// Where it was asked for.
        reference: String,
        /// The pack's name and version.
        pack: String,
        /// What the last part of its repository is called.
        expected: String,
    },
}

/// What a pattern's packs must be signed by: `PATTERN=KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRule {
    pattern: String,
    key: VerificationKey,
}

impl FromStr for TrustRule {
    type Err = String;

    /// Reads `PATTERN=KEY`. Keys may hold `=` themselves, patterns may not.
    fn from_str(text: &str) -> Result<Self, String> {
        let (pattern, key) = text
            .split_once('=')
            .ok_or_else(|| format!("expected PATTERN=KEY, such as ghcr.io/team/*=RW…, found `{}`", shown(text)))?;
        let (pattern, key) = (pattern.trim(), key.trim());
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '[' | ']' | '*');
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES || !pattern.chars().all(fits) {
            return Err(format!(
                "expected a pattern of HOST/REPOSITORY in which * stands for anything, such as ghcr.io/team/*, found `{}`",
                shown(pattern)
            ));
        }
        Ok(Self { pattern: pattern.to_owned(), key: key.parse().map_err(|error: KeyError| error.to_string())? })
    }
}

impl fmt::Display for TrustRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.pattern, self.key)
    }
}

/// Whose signature packs must have.
#[derive(Clone, Debug, Default)]
pub struct TrustRules {
    /// The keys of which one must have signed every pack, wherever it comes from; none requires none.
    pub required: Vec<VerificationKey>,
    /// The keys of which one must have signed the packs of certain repositories.
    pub rules: Vec<TrustRule>,
}

/// Who signed a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Nobody, and nobody has to.
    Not,
    /// Somebody, and no key was given to verify it with.
    Unverified {
        /// What the signature says of itself.
        comment: String,
    },
    /// A key that is trusted.
    By {
        /// The key.
        key: VerificationKey,
        /// What it says beside.
        comment: TrustedComment,
    },
}

impl TrustRules {
    /// The keys of which one must have signed a pack: those that every pack needs, else those of the pattern that fits best, which is
    /// the one with the most characters beside `*`. None requires none. A pack that comes from no registry is of no pattern.
    pub fn keys_for(&self, reference: Option<&PackReference>) -> Vec<&VerificationKey> {
        if !self.required.is_empty() {
            return self.required.iter().collect();
        }
        let Some(place) = reference.map(PackReference::place) else { return Vec::new() };
        let fitting = || self.rules.iter().filter(|rule| fits(&rule.pattern, &place));
        let said = |rule: &TrustRule| rule.pattern.chars().filter(|c| *c != '*').count();
        let best = fitting().map(said).max();
        fitting().filter(|rule| Some(said(rule)) == best).map(|rule| &rule.key).collect()
    }

    /// Says who signed a pack, whose files are those of its lock, and that came from `reference` if it came from a registry.
    ///
    /// # Errors
    /// If it must be signed by somebody and is not, or if its signature is another pack's.
    pub fn check(&self, pack: &CheckedPack, reference: Option<&PackReference>) -> Result<Signed, TrustError> {
        self.check_lock(pack.identity(), pack.lock_bytes(), pack.signature(), reference)
    }

    /// As [`TrustRules::check`], of a lock by itself: before any other file is there.
    pub(crate) fn check_lock(
        &self,
        identity: &PackIdentity,
        lock: &[u8],
        signature: Option<&str>,
        reference: Option<&PackReference>,
    ) -> Result<Signed, TrustError> {
        let pack = format!("{} {}", shown(&identity.name), shown(&identity.version));
        let keys = self.keys_for(reference);
        let listed = || match keys.as_slice() {
            [one] => format!("the key {} ({one})", one.id()),
            several => format!("one of the keys {}", several.iter().map(|key| key.id()).collect::<Vec<_>>().join(", ")),
        };
        let Some(text) = signature else {
            return if keys.is_empty() { Ok(Signed::Not) } else { Err(TrustError::Unsigned { pack, keys: listed() }) };
        };
        let signature =
            PackSignature::parse(text).map_err(|error| TrustError::Unreadable { pack: pack.clone(), error })?;
        if keys.is_empty() {
            return Ok(Signed::Unverified { comment: signature.unverified_comment().to_owned() });
        }
        let mut reasons = Vec::new();
        for key in &keys {
            match key.verify(lock, &signature) {
                Ok(comment) => {
                    check_comment(&comment, identity, lock, &pack)?;
                    check_repository(identity, &pack, reference)?;
                    return Ok(Signed::By { key: (*key).clone(), comment });
                }
                Err(reason) if reasons.contains(&reason) => {}
                Err(reason) => reasons.push(reason),
            }
        }
        Err(TrustError::Signature { pack, keys: listed(), reason: reasons.join("; ") })
    }
}

/// The lock itself names the pack, and the signature is over the lock. What the signature says of itself must be the same.
fn check_comment(comment: &TrustedComment, identity: &PackIdentity, lock: &[u8], pack: &str) -> Result<(), TrustError> {
    let same_pack = comment.pack.as_ref().is_none_or(|name| *name == identity.name);
    let same_version = comment.version.as_ref().is_none_or(|version| *version == identity.version);
    let same_lock = comment.lock.is_none_or(|digest| digest == Sha256Digest::of(lock));
    if same_pack && same_version && same_lock {
        return Ok(());
    }
    let said = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), shown);
    let other = format!("{} {}", said(&comment.pack), said(&comment.version));
    Err(TrustError::OtherPack { pack: pack.to_owned(), other })
}

/// Somebody who signs several packs with one key must not see one given for another. A digest names its pack beyond doubt.
fn check_repository(identity: &PackIdentity, pack: &str, reference: Option<&PackReference>) -> Result<(), TrustError> {
    let Some(reference) = reference.filter(|reference| reference.digest().is_none()) else { return Ok(()) };
    let expected = PackReference::part_for(&identity.name);
    if reference.last_part() == expected {
        return Ok(());
    }
    Err(TrustError::OtherRepository { reference: reference.to_string(), pack: pack.to_owned(), expected })
}

/// Returns whether a text is of a pattern, in which `*` stands for any characters, none among them.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::SigningKey;

    fn key() -> (SigningKey, VerificationKey) {
        let (key, _) = SigningKey::generate(None).unwrap();
        let public = key.public().unwrap();
        (key, public)
    }

    fn identity(name: &str) -> PackIdentity {
        PackIdentity { name: name.to_owned(), version: "1".to_owned() }
    }

    fn reference(text: &str) -> PackReference {
        text.parse().unwrap()
    }

    #[test]
    fn what_must_be_signed_is_refused_without_a_signature_with_another_key_and_over_another_lock() {
        let ((mine, public), (theirs, _)) = (key(), key());
        let rules = TrustRules { required: vec![public.clone()], rules: Vec::new() };
        let check = |signature: Option<&str>| rules.check_lock(&identity("a"), b"lock", signature, None);
        let signed = |key: &SigningKey, lock: &[u8]| key.sign(&identity("a"), lock).unwrap();
        assert!(matches!(check(Some(&signed(&mine, b"lock"))), Ok(Signed::By { key, .. }) if key == public));
        let told = |signature: Option<&str>| check(signature).unwrap_err().to_string();
        assert!(told(None).contains("a 1 is not signed") && told(None).contains(public.line()), "{}", told(None));
        assert!(told(Some(&signed(&theirs, b"lock"))).contains("created with a different key"));
        assert!(told(Some(&signed(&mine, b"look"))).contains("verification failed"));
        assert!(told(Some("nonsense")).contains("cannot be read"));
    }

    #[test]
    fn where_nobody_has_to_sign_a_signature_is_not_said_to_be_verified() {
        let rules = TrustRules::default();
        let signature = key().0.sign(&identity("a"), b"lock").unwrap();
        assert_eq!(rules.check_lock(&identity("a"), b"lock", None, None), Ok(Signed::Not));
        let signed = rules.check_lock(&identity("a"), b"another", Some(&signature), None);
        assert!(matches!(signed, Ok(Signed::Unverified { .. })), "{signed:?}");
    }

    #[test]
    fn a_signature_of_one_pack_is_none_of_another_and_a_tag_of_one_gives_no_other() {
        let (mine, public) = key();
        let rules = TrustRules { required: vec![public], rules: Vec::new() };
        let of_a = mine.sign(&identity("a"), b"lock").unwrap();
        let other = rules.check_lock(&identity("b"), b"lock", Some(&of_a), None).unwrap_err();
        assert!(matches!(other, TrustError::OtherPack { .. }), "{other}");
        let check = |text: &str| rules.check_lock(&identity("a"), b"lock", Some(&of_a), Some(&reference(text)));
        check("oci://ghcr.io/team/a:1").unwrap();
        let given = check("oci://ghcr.io/team/b:1").unwrap_err().to_string();
        assert!(given.contains("whose repository would be called `a`"), "{given}");
        check(&format!("oci://ghcr.io/team/b@{}", Sha256Digest::of(b"manifest"))).unwrap();
    }

    #[test]
    fn the_pattern_that_says_most_decides_and_keys_for_all_come_before_it() {
        let keys = [key().1, key().1, key().1, key().1];
        let rule = |pattern: &str, key: &VerificationKey| format!("{pattern}={key}").parse::<TrustRule>().unwrap();
        let rules = vec![
            rule("*", &keys[0]),
            rule("ghcr.io/team/*", &keys[1]),
            rule("ghcr.io/team/maths", &keys[2]),
            rule("ghcr.io/team/maths", &keys[3]),
        ];
        let rules = TrustRules { required: Vec::new(), rules };
        let of = |text: &str| rules.keys_for(Some(&reference(text)));
        assert_eq!(of("oci://quay.io/x:1"), [&keys[0]]);
        assert_eq!(of("oci://ghcr.io/team/law:1"), [&keys[1]]);
        assert_eq!(of("oci://ghcr.io/team/maths:1"), [&keys[2], &keys[3]]);
        assert!(rules.keys_for(None).is_empty());
        let rules = TrustRules { required: vec![keys[0].clone()], ..rules };
        assert_eq!(rules.keys_for(Some(&reference("oci://ghcr.io/team/maths:1"))), [&keys[0]]);
    }

    #[test]
    fn a_rule_that_is_none_is_refused_with_what_was_expected() {
        for (text, expected) in [
            ("ghcr.io/team/*", "expected PATTERN=KEY"),
            ("=RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", "expected a pattern"),
            ("oci://a b=RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", "expected a pattern"),
            ("a=b", "is no minisign public key"),
        ] {
            assert!(text.parse::<TrustRule>().unwrap_err().contains(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_its_stars_are_replaced_with(pieces in prop::collection::vec("[ab/]{0,3}", 1..5), fill in "[abc/]{0,3}") {
            prop_assert!(fits(&pieces.join("*"), &pieces.join(&fill)));
            let exact = pieces.join("");
            prop_assert_eq!(fits(&exact, &format!("{exact}x")), false);
        }
    }

    #[test]
    fn stars_do_not_overlap() {
        assert!(!fits("ab*b", "ab"));
        assert!(!fits("a*a", "a"));
        assert!(fits("a**b", "ab"));
    }
}

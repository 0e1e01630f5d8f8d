//! Minisign keys, and signatures over a pack's lock.

use std::fmt;
use std::io::Cursor;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use minisign::{KeyPair, PublicKey as SignersKey, SecretKey, SecretKeyBox};
use minisign_verify::{PublicKey, Signature};
use rewarden_input::shown;
use rewarden_manifest::{LOCK_FILE, PackIdentity};
use rewarden_types::Sha256Digest;

/// The signature's file, beside pack.lock.
pub const SIGNATURE_FILE: &str = "pack.lock.minisig";
/// Bytes of a signature: two lines of base64 and two comments.
pub(crate) const SIGNATURE_BYTES: u64 = 4 << 10;
/// Bytes of a public key with its comment.
const KEY_BYTES: usize = 1 << 10;
/// How the text of an encrypted secret key begins: `Ed`, and `Sc` for the way in which it is encrypted.
const ENCRYPTED: &str = "RWRTY";
/// The algorithm and the number of a key, in front of the key itself.
const NUMBER: std::ops::Range<usize> = 2..10;

/// Where the checksum of a secret key lies, which ends there.
const CHECKSUM: std::ops::Range<usize> = 126..158;

/// Why a key or a signature is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no public key.
    #[error(
        "`{found}` is no minisign public key; expected the line of 56 characters that begins with RW, or the file that holds it"
    )]
    Public {
        /// What was given.
        found: String,
    },
    /// It is no secret key, or one that the password does not open.
    #[error("the secret key cannot be used: {0}")]
    Secret(String),
    /// It is no signature.
    #[error("the signature cannot be read: {0}")]
    Signature(String),
    /// Nothing was signed.
    #[error("cannot sign: {0}")]
    Signing(String),
}

/// A public key: who may have signed.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationKey {
    key: PublicKey,
    line: String,
}

impl VerificationKey {
    /// The key as one line, for `rewarden.toml` and for the command line.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The number by which minisign names the key: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        // The line was read as base64 of 42 bytes, and is so again.
        let decoded = SignersKey::from_base64(&self.line).map(|key| key.to_bytes()).unwrap_or_default();
        key_id(decoded.get(NUMBER).unwrap_or_default())
    }

    /// Verifies a signature over these bytes, and returns its trusted comment.
    ///
    /// # Errors
    /// Returns what is wrong with the signature. One in the old form, without a digest of its own, is refused.
    pub(crate) fn verify(&self, bytes: &[u8], signature: &PackSignature) -> Result<TrustedComment, String> {
        self.key.verify(bytes, &signature.0, false).map_err(|error| error.to_string())?;
        TrustedComment::parse(signature.0.trusted_comment())
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.line)
    }
}

impl fmt::Display for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl FromStr for VerificationKey {
    type Err = KeyError;

    /// Reads a key's line, or the text of the file that holds it below a comment.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refused = || KeyError::Public { found: shown(text) };
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).ok_or_else(refused)?;
        if text.len() > KEY_BYTES {
            return Err(refused());
        }
        let key = PublicKey::from_base64(line).map_err(|_| refused())?;
        Ok(Self { key, line: line.to_owned() })
    }
}

/// The 16 digits by which minisign names a key: its number, the last byte first.
fn key_id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

/// A signature that was read and not verified.
pub(crate) struct PackSignature(Signature);

impl PackSignature {
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() as u64 > SIGNATURE_BYTES {
            return Err(KeyError::Signature(format!(
                "it has {} bytes, more than the {SIGNATURE_BYTES} allowed",
                text.len()
            )));
        }
        Signature::decode(text).map(Self).map_err(|error| KeyError::Signature(error.to_string()))
    }

    /// What it says of itself, which nobody has verified.
    pub(crate) fn unverified_comment(&self) -> &str {
        self.0.trusted_comment()
    }
}

/// What a signature says beside what it signs, and signs as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedComment {
    /// When it was signed, going by the signer's clock.
    pub signed_at: Timestamp,
    /// The pack's name, if it says so.
    pub pack: Option<String>,
    /// The pack's version, if it says so.
    pub version: Option<String>,
    /// The digest of the lock, if it says so.
    pub lock: Option<Sha256Digest>,
}

impl TrustedComment {
    /// The comment on the lock of a pack, signed at that time.
    fn new(identity: &PackIdentity, lock: &[u8], signed_at: Timestamp) -> Self {
        Self {
            signed_at,
            pack: Some(identity.name.clone()),
            version: Some(identity.version.clone()),
            lock: Some(Sha256Digest::of(lock)),
        }
    }

    /// Reads the fields that are known, separated by tabs, as minisign itself writes them. `timestamp` must be there.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut comment = Self { signed_at: Timestamp::UNIX_EPOCH, pack: None, version: None, lock: None };
        let mut dated = false;
        for (key, value) in text.split('\t').filter_map(|field| field.split_once(':')) {
            match key {
                "timestamp" => {
                    let seconds = value.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
                    comment.signed_at = seconds.ok_or_else(|| format!("`timestamp:{}` is no time", shown(value)))?;
                    dated = true;
                }
                "pack" => comment.pack = Some(value.to_owned()),
                "version" => comment.version = Some(value.to_owned()),
                "lock" => comment.lock = Some(value.parse().map_err(|error| format!("its `lock` is none: {error}"))?),
                _ => {}
            }
        }
        if dated { Ok(comment) } else { Err(format!("its trusted comment `{}` has no timestamp", shown(text))) }
    }
}

impl fmt::Display for TrustedComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timestamp:{}\tfile:{LOCK_FILE}\thashed", self.signed_at.as_second())?;
        for (key, value) in [("pack", &self.pack), ("version", &self.version)] {
            if let Some(value) = value {
                write!(f, "\t{key}:{value}")?;
            }
        }
        match self.lock {
            Some(digest) => write!(f, "\tlock:{digest}"),
            None => Ok(()),
        }
    }
}

/// A secret key, opened.
pub struct SigningKey {
    secret: SecretKey,
    public: SignersKey,
}

impl SigningKey {
    /// Makes a key and returns it with the text of its file, encrypted if there is a password.
    ///
    /// # Errors
    /// Returns what the system says if it has no randomness.
    pub fn generate(password: Option<String>) -> Result<(Self, String), KeyError> {
        let failed = |error: minisign::PError| KeyError::Secret(error.to_string());
        let plain = KeyPair::generate_unencrypted_keypair().map_err(failed)?;
        let Some(password) = password else {
            let text = plain
                .sk
                .to_box(Some("minisign secret key of a signer of packs, without a password"))
                .map_err(failed)?;
            return Ok((Self { secret: plain.sk, public: plain.pk }, text.into_string()));
        };
        let encrypted = KeyPair::generate_encrypted_keypair(Some(password.clone())).map_err(failed)?;
        let text = encrypted.sk.to_box(Some("minisign encrypted secret key of a signer of packs")).map_err(failed)?;
        // What was generated is encrypted already, and signs nothing.
        let secret = SecretKey::from_box(text.clone(), Some(password)).map_err(failed)?;
        Ok((Self { secret, public: encrypted.pk }, text.into_string()))
    }

    /// Opens the key in the text of a file. `password` is asked for the password if there is one.
    ///
    /// # Errors
    /// If the text is no secret key, or the password is another.
    pub fn open<E: From<KeyError>>(text: &str, password: impl FnOnce() -> Result<String, E>) -> Result<Self, E> {
        let failed = |error: minisign::PError| KeyError::Secret(error.to_string());
        let kept = SecretKeyBox::from_string(text).map_err(failed)?;
        let encrypted = text.lines().nth(1).is_some_and(|line| line.starts_with(ENCRYPTED));
        let secret = match unchecked(text) {
            _ if encrypted => SecretKey::from_box(kept, Some(password()?)),
            Some(bytes) => SecretKey::from_bytes(&bytes),
            None => SecretKey::from_unencrypted_box(kept),
        };
        let secret = secret.map_err(failed)?;
        let public = SignersKey::from_secret_key(&secret).map_err(failed)?;
        Ok(Self { secret, public })
    }

    /// The public key that goes with it.
    ///
    /// # Errors
    /// None that is known; both are keys of the same library's author.
    pub fn public(&self) -> Result<VerificationKey, KeyError> {
        self.public.to_base64().parse()
    }

    /// Signs a lock now, and returns the text of the signature's file.
    ///
    /// # Errors
    /// Returns what the system says if it has no randomness.
    pub fn sign(&self, identity: &PackIdentity, lock: &[u8]) -> Result<String, KeyError> {
        // The one time of the wall clock that anything depends on: which of two signatures is the older one.
        self.sign_at(identity, lock, Timestamp::now())
    }

    fn sign_at(&self, identity: &PackIdentity, lock: &[u8], time: Timestamp) -> Result<String, KeyError> {
        let comment = TrustedComment::new(identity, lock, time).to_string();
        let about = format!(
            "signature of {} {} by minisign key {}",
            identity.name,
            identity.version,
            key_id(self.public.keynum())
        );
        minisign::sign(Some(&self.public), &self.secret, Cursor::new(lock), Some(&comment), Some(&about))
            .map(minisign::SignatureBox::into_string)
            .map_err(|error| KeyError::Signing(error.to_string()))
    }
}

/// The bytes of a key without a password as `minisign -G -W` 0.11 writes it: with zeros for its checksum. `None` for all others. A
/// damaged one signs nothing, since every signature is verified with the public half.
fn unchecked(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    let checksum = bytes.get(CHECKSUM)?;
    (bytes.len() == CHECKSUM.end && bytes.get(2..4)? == [0, 0] && checksum.iter().all(|byte| *byte == 0))
        .then_some(bytes)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", key_id(self.public.keynum()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity() -> PackIdentity {
        PackIdentity { name: "maths".to_owned(), version: "1.0.0".to_owned() }
    }

    fn verified(key: &SigningKey, lock: &[u8], signature: &str) -> Result<TrustedComment, String> {
        let signature = PackSignature::parse(signature).map_err(|error| error.to_string())?;
        key.public().unwrap().verify(lock, &signature)
    }

    fn no_password() -> Result<String, KeyError> {
        panic!("it has none")
    }

    #[test]
    fn a_signature_is_verified_by_its_own_key_over_its_own_bytes_alone() {
        let (key, text) = SigningKey::generate(None).unwrap();
        let (other, _) = SigningKey::generate(None).unwrap();
        let opened = SigningKey::open(&text, no_password).unwrap();
        assert_eq!(opened.public().unwrap(), key.public().unwrap());
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        let signature = opened.sign_at(&identity(), b"lock", time).unwrap();
        let comment = verified(&key, b"lock", &signature).unwrap();
        assert_eq!(comment, TrustedComment::new(&identity(), b"lock", time));
        assert!(verified(&key, b"lick", &signature).unwrap_err().contains("verification failed"));
        assert!(verified(&other, b"lock", &signature).unwrap_err().contains("different key"));
        let comment = signature.replace("version:1.0.0", "version:9.0.0");
        assert!(verified(&key, b"lock", &comment).unwrap_err().contains("verification failed"));
    }

    #[test]
    fn a_key_with_a_password_opens_with_that_password_alone() {
        let (key, text) = SigningKey::generate(Some("correct".to_owned())).unwrap();
        let open = |password: &str| SigningKey::open(&text, || Ok::<_, KeyError>(password.to_owned()));
        let signature = open("correct").unwrap().sign(&identity(), b"lock").unwrap();
        verified(&key, b"lock", &signature).unwrap();
        assert!(open("wrong").unwrap_err().to_string().contains("Wrong password"));
        assert!(!text.contains("correct"));
    }

    #[test]
    fn a_public_key_is_read_from_its_line_and_from_its_file_and_has_minisigns_number() {
        let line = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let key: VerificationKey = line.parse().unwrap();
        assert_eq!((key.line(), key.id().as_str()), (line, "E7620F1842B4E81F"));
        let file = format!("untrusted comment: minisign public key E7620F1842B4E81F\n{line}\n");
        assert_eq!(file.parse::<VerificationKey>().unwrap(), key);
        for wrong in ["", "RWQ", "minisign.pub", &line.replace('R', "X"), &"R".repeat(2000)] {
            assert!(wrong.parse::<VerificationKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_comment_of_minisigns_own_has_a_time_and_one_without_is_refused() {
        let comment = TrustedComment::parse("timestamp:1555779966\tfile:pack.lock\thashed").unwrap();
        assert_eq!((comment.signed_at.to_string().as_str(), comment.pack), ("2019-04-20T17:06:06Z", None));
        for wrong in
            ["", "file:pack.lock", "timestamp:", "timestamp:x", "timestamp:99999999999999", "timestamp:1\tlock:x"]
        {
            assert!(TrustedComment::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        // Signing takes its time without optimisation.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn comments_read_back_whatever_the_pack_is_called(name in "[a-zA-Z0-9+._-]{1,64}", version in "[a-zA-Z0-9+._-]{1,64}", seconds in 0i64..4_000_000_000) {
            let comment = TrustedComment::new(&PackIdentity { name, version }, b"lock", Timestamp::from_second(seconds).unwrap());
            prop_assert_eq!(TrustedComment::parse(&comment.to_string()).unwrap(), comment);
        }

        #[test]
        fn no_text_ends_in_a_panic(text in "(.{0,40}\n){0,5}", cut in 0usize..300) {
            let _ = PackSignature::parse(&text);
            let _ = text.parse::<VerificationKey>();
            let _ = SigningKey::open(&text, || Ok::<_, KeyError>(String::new()));
            let (key, _) = SigningKey::generate(None).unwrap();
            let signature = key.sign(&identity(), b"lock").unwrap();
            let cut = signature.get(..cut.min(signature.len())).unwrap_or_default();
            prop_assert!(verified(&key, b"lock", cut).is_err() || cut.len() + 1 >= signature.len());
        }
    }
}

//! Machine code by function, so that a component that has most of its functions in common with another one is compiled in a
//! part of the time. Components made of one interpreter have: a pack with a frozen Python differs from the next in its data.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use wasmtime::CacheStore;

/// Bytes of a component's functions from which on it is worth it: keys cost a tenth of the compiler's time, and bundled plugins
/// have half a megabyte.
pub(crate) const WORTH_IT: usize = 2 << 20;

/// Bytes of all entries together: some four times those of one interpreter.
pub(crate) const MOST: usize = 256 << 20;

/// Entries by their key, which holds all that the code depends on.
#[derive(Default)]
pub(crate) struct FunctionCache {
    /// Those that were there, and whether they were asked for.
    known: HashMap<Vec<u8>, (Vec<u8>, AtomicBool)>,
    new: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl std::fmt::Debug for FunctionCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FunctionCache({} entries)", self.known.len())
    }
}

impl FunctionCache {
    /// Reads what [`FunctionCache::to_bytes`] wrote; nothing of what is damaged.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut known = HashMap::new();
        let mut rest = bytes;
        while let Some((key, after)) = piece(rest) {
            let Some((code, after)) = piece(after) else { break };
            known.insert(key.to_vec(), (code.to_vec(), AtomicBool::new(false)));
            rest = after;
        }
        Self { known, new: Mutex::default() }
    }

    /// What is to be kept, unless nothing is new: the entries of this compilation first, then as many of the others as there is
    /// room for.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.is_empty() {
            return None;
        }
        let known = |used: bool| {
            let of = move |entry: &(&Vec<u8>, &(Vec<u8>, AtomicBool))| entry.1.1.load(Ordering::Relaxed) == used;
            self.known.iter().filter(of).map(|(key, (code, _))| (key, code))
        };
        let mut bytes = Vec::new();
        for (key, code) in new.iter().chain(known(true)).chain(known(false)) {
            let more = key.len().saturating_add(code.len()).saturating_add(8);
            let (Ok(key_length), Ok(code_length)) = (u32::try_from(key.len()), u32::try_from(code.len())) else {
                continue;
            };
            if bytes.len().saturating_add(more) > MOST {
                break;
            }
            for (length, piece) in [(key_length, key), (code_length, code)] {
                bytes.extend(length.to_le_bytes());
                bytes.extend(piece);
            }
        }
        Some(bytes)
    }
}

/// A length and as many bytes, and what follows.
fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        if let Some((code, used)) = self.known.get(key) {
            used.store(true, Ordering::Relaxed);
            return Some(Cow::Borrowed(code));
        }
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.get(key).map(|code| Cow::Owned(code.clone()))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        self.new.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_vec(), code);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_and_damage_costs_what_follows_it() {
        let cache = FunctionCache::default();
        assert_eq!(cache.to_bytes(), None);
        for (key, code) in [(b"f".as_slice(), b"ret".as_slice()), (b"g", b"")] {
            assert!(cache.get(key).is_none());
            assert!(cache.insert(key, code.to_vec()));
            assert_eq!(cache.get(key).unwrap(), code);
        }
        let bytes = cache.to_bytes().unwrap();
        let again = FunctionCache::from_bytes(&bytes);
        assert_eq!(
            (again.get(b"f").unwrap().as_ref(), again.get(b"g").unwrap().as_ref()),
            (b"ret".as_slice(), b"".as_slice())
        );
        assert_eq!(again.to_bytes(), None);
        for end in 0..bytes.len() {
            assert!(FunctionCache::from_bytes(&bytes[..end]).known.len() < 2);
        }
        assert_eq!(FunctionCache::from_bytes(&[255; 40]).known.len(), 0);
    }

    #[test]
    fn what_was_not_asked_for_goes_first() {
        let many = FunctionCache::default();
        let code = vec![0; 1 << 20];
        for number in 0..(MOST / code.len() - 1) as u32 {
            many.insert(&number.to_le_bytes(), code.clone());
        }
        let many = FunctionCache::from_bytes(&many.to_bytes().unwrap());
        assert!(many.get(&7_u32.to_le_bytes()).is_some());
        for number in 1000..1010_u32 {
            many.insert(&number.to_le_bytes(), code.clone());
        }
        let kept = FunctionCache::from_bytes(&many.to_bytes().unwrap());
        assert!([7, 1000, 1009_u32].iter().all(|number| kept.get(&number.to_le_bytes()).is_some()));
        assert!(kept.known.len() < MOST / code.len());
    }
}

//! The versions of the contract by name, and what is known of their texts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Package of the contract, without its version.
pub const PACKAGE: &str = "rewarden:plugin";

/// The newest version of the contract that this host speaks. `cargo xtask wit-check` keeps `wit/` honest about it.
pub const VERSION: &str = V0_3;

/// See [`super::v0_2`].
pub(crate) const V0_2: &str = "0.2.0";

/// See [`super::v0_3`].
pub(crate) const V0_3: &str = "0.3.0";

/// Every version that this host speaks, oldest first.
pub const SPOKEN: [&str; 2] = [V0_2, V0_3];

/// Digests of the interfaces of every version, kept by `cargo xtask wit-check`.
const LOCK: &str = include_str!("../../../../wit/versions.lock");

/// Returns the versions that this host speaks, for messages.
pub(crate) fn spoken() -> String {
    SPOKEN.join(" and ")
}

/// Returns the place of a version among those that this host speaks, oldest first; `None` if it does not speak it.
pub fn age(version: &str) -> Option<usize> {
    SPOKEN.iter().position(|spoken| *spoken == version)
}

/// Before 1.0 a minor version may change everything, and a patch nothing.
pub(crate) fn same_minor(a: &str, b: &str) -> bool {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    minor(a).is_some_and(|minor_of_a| Some(minor_of_a) == minor(b))
}

/// The digest of an interface's text in a version of the contract.
pub(crate) fn digest(version: &str, interface: &str) -> Option<&'static str> {
    static DIGESTS: OnceLock<BTreeMap<(&'static str, &'static str), &'static str>> = OnceLock::new();
    let digests = DIGESTS.get_or_init(|| {
        let lines = LOCK.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some(((words.next()?, words.next()?), words.next()?))
            })
            .collect()
    });
    digests.get(&(version, interface)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_knows_every_interface_of_every_version_that_is_spoken() {
        for version in SPOKEN {
            for interface in crate::Interface::ALL {
                if interface == crate::Interface::Prepare && version == V0_2 {
                    continue;
                }
                assert!(digest(version, interface.name()).is_some(), "{} {interface}", version);
            }
            assert_eq!(digest(version, "nothing"), None);
        }
    }
}

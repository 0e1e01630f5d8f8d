//! Names of the contract's interfaces as components carry them, and which version of the contract they mean.

use rewarden_types::{listed, shown};

use super::versions::{PACKAGE, SPOKEN, digest, same_minor};
use crate::error::LoadFailure;

/// A name of the form `package/interface@version`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) package: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// Takes a name apart, or returns `None` if it has another form.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let (package, rest) = name.split_once('/')?;
        let (interface, version) = match rest.split_once('@') {
            Some((interface, version)) => (interface, Some(version)),
            None => (rest, None),
        };
        Some(Self { package, interface, version })
    }

    /// Returns whether the name means this interface of the contract as `version` has it: the version itself, another
    /// patch of it, or any version in which the text of the interface was the same.
    fn is_of(&self, version: &str) -> bool {
        let Some(written) = self.version else { return false };
        same_minor(written, version)
            || digest(written, self.interface).is_some_and(|text| digest(version, self.interface) == Some(text))
    }
}

/// Returns the newest version of the contract that fits all of a component's names.
///
/// # Errors
/// Returns the names if there is no such version, though each may be [`known`].
pub(crate) fn choose(names: &[String]) -> Result<&'static str, LoadFailure> {
    let of_contract: Vec<Name<'_>> =
        names.iter().filter_map(|name| Name::parse(name)).filter(|name| name.package == PACKAGE).collect();
    let fits = |version: &&str| of_contract.iter().all(|name| name.is_of(version));
    SPOKEN.into_iter().rev().find(fits).ok_or_else(|| LoadFailure::OtherVersion { name: listed(names) })
}

/// Refuses a name of the contract's package that no version of this host fits.
pub(crate) fn known(name: &str) -> Result<(), LoadFailure> {
    match Name::parse(name) {
        Some(parsed) if parsed.package == PACKAGE && !SPOKEN.iter().any(|version| parsed.is_of(version)) => {
            Err(LoadFailure::OtherVersion { name: shown(name) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Result<&'static str, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let known = names.iter().try_for_each(|name| known(name));
        known.and_then(|()| choose(&names)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_component_of_any_patch_of_a_known_version_is_understood() {
        assert_eq!(chosen(&["rewarden:plugin/describe@0.2.0", "rewarden:plugin/policy@0.2.0"]), Ok("0.2.0"));
        assert_eq!(chosen(&["rewarden:plugin/describe@0.2.7", "acme:extra/policy@9.0.0"]), Ok("0.2.0"));
        assert_eq!(chosen(&[]), Ok("0.3.0"));
        // The text of `describe` is the same in both; that of `policy` is not.
        assert_eq!(chosen(&["rewarden:plugin/describe@0.2.0"]), Ok("0.3.0"));
        assert!(chosen(&["rewarden:plugin/policy@0.2.0", "rewarden:plugin/parser@0.3.0"]).is_err());
    }

    #[test]
    fn a_foreign_version_is_refused_by_both_names_and_with_what_to_do() {
        for name in ["rewarden:plugin/policy@9.0.0", "rewarden:plugin/policy", "rewarden:plugin/policy@2"] {
            let refused = chosen(&["rewarden:plugin/describe@0.2.0", name]).unwrap_err();
            assert!(refused.contains(&format!("`{name}`")) && refused.contains("0.2.0"), "{refused}");
        }
    }
}

//! Whose packs are used: what is checked of one before anything of it is compiled.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rewarden_registry::{Acceptance, CachedPack, CheckedPack, ComponentFacts, PackCache, PackReference, TrustRules};
use rewarden_runtime::{LimitChange, Limits, contract, examine, read_regular};
use rewarden_server::PackAdmission;
use rewarden_types::Sha256Digest;

use crate::console::err;
use crate::model;
use crate::options::Places;

/// The host's limits, as the options have them.
pub(crate) fn limits(places: &Places) -> Limits {
    Limits::default().with(&places.limits)
}

/// The pack that a reference names, from its registry or from the cache, after everything was checked that can be checked without
/// compiling.
///
/// # Errors
/// Says why it cannot be got, or is refused.
pub(crate) fn fetch(reference: &str, places: &Places) -> Result<CachedPack> {
    let reference: PackReference = reference.parse()?;
    let cache = PackCache::open(&model::cache(places)?.join("packs"))?;
    let limits = limits(places);
    let acceptance = Acceptance {
        contracts: contract::SPOKEN.iter().map(|version| (*version).to_owned()).collect(),
        file_bytes: limits.component_bytes as u64,
        allow_older: places.trust.allow_older,
    };
    let fetched = cache.fetch(&reference, &places.trust.access()?, &acceptance, &places.trust.rules()?)?;
    examined(&fetched.pack, &limits).with_context(|| reference.to_string())?;
    interpreters(&fetched.pack, places, &limits).with_context(|| reference.to_string())?;
    // What a tag leads to is another pack tomorrow.
    if reference.digest().is_none() {
        err!("{reference} is {}", fetched.reference);
    }
    Ok(fetched)
}

/// Checks the pack in a directory if a signature is required of every pack.
///
/// # Errors
/// Says which file, key, contract or limit does not fit.
pub(crate) fn admit(directory: &Path, places: &Places) -> Result<()> {
    let rules = places.trust.rules()?;
    if rules.required.is_empty() { Ok(()) } else { admitted(directory, &rules, &limits(places)) }
}

/// The check of [`admit`] for packs that come to a running server; `None` if no signature is required.
pub(crate) fn admission(places: &Places) -> Result<Option<PackAdmission>> {
    let (rules, limits) = (places.trust.rules()?, limits(places));
    if rules.required.is_empty() {
        return Ok(None);
    }
    let check = move |directory: &Path| admitted(directory, &rules, &limits).map_err(|error| format!("{error:#}"));
    Ok(Some(Arc::new(check)))
}

fn admitted(directory: &Path, rules: &TrustRules, limits: &Limits) -> Result<()> {
    let pack = CheckedPack::read(directory, limits.component_bytes as u64)?;
    rules.check(&pack, None).with_context(|| directory.display().to_string())?;
    examined(&pack, limits).map(drop)
}

/// What the components of a pack show without being compiled, by their path, after their contract and the limits were checked.
///
/// # Errors
/// Says which limit or component does not fit.
pub(crate) fn examined(pack: &CheckedPack, limits: &Limits) -> Result<BTreeMap<String, ComponentFacts>> {
    let told = || pack.directory().join("pack.toml").display().to_string();
    let wanted = pack.manifest().limits.iter();
    let changes = wanted.map(|(key, value)| LimitChange::new(key, *value)).collect::<Result<Vec<_>, _>>();
    let limits = changes.and_then(|changes| limits.tightened(&changes)).with_context(told)?;
    let mut facts = BTreeMap::new();
    for name in pack.lock().components().keys() {
        let found = examine(name, &pack.file(name)?, &limits).with_context(told)?;
        let interfaces = found.interfaces.iter().map(|interface| interface.name().to_owned()).collect();
        facts.insert(name.clone(), ComponentFacts { contract: found.contract, interfaces });
    }
    Ok(facts)
}

/// The interpreters of a pack's programs, by name, and whether this host has them. They are the host's own, and no files of the pack.
///
/// # Errors
/// If the host has another one than was locked.
pub(crate) fn interpreters(pack: &CheckedPack, places: &Places, limits: &Limits) -> Result<Vec<(String, bool)>> {
    let directories = places.beside("runtimes", &places.runtimes);
    let mut found = Vec::new();
    for name in pack.lock().runtimes().keys() {
        let file = format!("{name}.wasm");
        let there = directories.iter().map(|directory| directory.join(&file)).find(|path| path.is_file());
        if let Some(path) = &there {
            let bytes = read_regular(path, limits.component_bytes as u64)
                .with_context(|| format!("cannot read the interpreter {}", path.display()))?;
            pack.lock().check_runtime(name, Sha256Digest::of(&bytes))?;
        }
        found.push((name.clone(), there.is_some()));
    }
    Ok(found)
}

/// The versions of the contract that components are made for, each once.
pub(crate) fn contracts(facts: &BTreeMap<String, ComponentFacts>) -> Vec<String> {
    let mut contracts: Vec<String> = facts.values().map(|facts| facts.contract.clone()).collect();
    contracts.sort();
    contracts.dedup();
    contracts
}

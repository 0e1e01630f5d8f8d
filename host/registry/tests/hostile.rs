//! What a registry can do to whoever asks it, and what comes of it: a typed error, and nothing kept.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "hostile/fake_registry.rs"]
mod fake_registry;

use std::path::{Path, PathBuf};

use fake_registry::{FakeRegistry, Reply, Request};
use rewarden_manifest::{Lock, LockedFiles, PackIdentity};
use rewarden_registry::{
    Acceptance, CachedPack, CheckedPack, Credentials, PackCache, PackReference, PullError, RegistryAccess,
    SIGNATURE_FILE, Signed, SigningKey, TrustRules, push, sigstore_bundles,
};
use rewarden_types::Sha256Digest;
use serde_json::{Value, json};

const COMPONENT: &[u8] = b"what a component is does not matter here";

/// A registry, a cache, and a key that signs what is pushed.
struct World {
    registry: FakeRegistry,
    directory: tempfile::TempDir,
    key: SigningKey,
    access: RegistryAccess,
}

impl World {
    /// With the pack `maths` 1.0.0, signed, under the tag 1.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(None).unwrap().0;
        let world = Self { registry: FakeRegistry::new(), directory, key, access: RegistryAccess::default() };
        world.push("maths", "1.0.0", "1");
        world.registry.requests();
        world
    }

    fn reference(&self, what: &str) -> PackReference {
        format!("oci://{}/team/{what}", self.registry.host()).parse().unwrap()
    }

    /// A signed pack in a directory of its own.
    fn pack(&self, name: &str, version: &str) -> PathBuf {
        let directory = self.directory.path().join(format!("{name}-{version}"));
        std::fs::create_dir_all(directory.join("tests")).unwrap();
        let manifest = format!(
            "name = \"{name}\"\nversion = \"{version}\"\nscale = {{ min = 0, max = 1, integer = false }}\n\
             [scorers.s]\ncomponent = \"s.wasm\"\n[policy]\ncomponent = \"s.wasm\"\n"
        );
        let files = [("pack.toml", manifest.as_bytes()), ("tests/cases.toml", b"# none"), ("s.wasm", COMPONENT)];
        for (file, bytes) in files {
            std::fs::write(directory.join(file), bytes).unwrap();
        }
        let entry = |(file, bytes): &(&str, &[u8])| (PathBuf::from(file), Sha256Digest::of(bytes));
        let identity = PackIdentity { name: name.to_owned(), version: version.to_owned() };
        let locked = LockedFiles {
            components: vec![entry(&files[2])],
            files: files[..2].iter().map(entry).collect(),
            runtimes: Vec::new(),
        };
        let lock = Lock::new(&directory, identity, locked);
        lock.write().unwrap();
        let pack = CheckedPack::read(&directory, 1 << 20).unwrap();
        let signature = self.key.sign(pack.identity(), pack.lock_bytes()).unwrap();
        std::fs::write(directory.join(SIGNATURE_FILE), signature).unwrap();
        directory
    }

    fn push(&self, name: &str, version: &str, tag: &str) -> PackReference {
        let pack = CheckedPack::read(&self.pack(name, version), 1 << 20).unwrap();
        push(&pack, vec!["0.3.0".to_owned()], &self.reference(&format!("{name}:{tag}")), &self.access).unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn trusting(&self) -> TrustRules {
        TrustRules { required: vec![self.key.public().unwrap()], rules: Vec::new() }
    }

    fn fetch_with(&self, what: &str, trust: &TrustRules, acceptance: &Acceptance) -> Result<CachedPack, PullError> {
        PackCache::open(&self.cache()).unwrap().fetch(&self.reference(what), &self.access, acceptance, trust)
    }

    fn fetch(&self, what: &str) -> Result<CachedPack, PullError> {
        self.fetch_with(what, &self.trusting(), &acceptance())
    }

    /// What is said when a pack is refused. Nothing of it is kept.
    fn refused(&self, what: &str) -> String {
        let error = self.fetch(what).unwrap_err().to_string();
        assert_eq!(entries(&self.cache()), Vec::<String>::new(), "{error}");
        error
    }

    /// Changes the manifest under a tag, and returns what names it by its digest.
    fn edit(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut manifest: Value = serde_json::from_slice(&self.registry.manifest("1")).unwrap();
        change(&mut manifest);
        let digest = self.registry.put_manifest("1", serde_json::to_vec(&manifest).unwrap());
        format!("maths@{digest}")
    }

    fn layer(&self, title: &str) -> String {
        let manifest: Value = serde_json::from_slice(&self.registry.manifest("1")).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        let is_it = |layer: &&Value| layer["annotations"]["org.opencontainers.image.title"] == title;
        layers.iter().find(is_it).unwrap()["digest"].as_str().unwrap().to_owned()
    }
}

fn acceptance() -> Acceptance {
    Acceptance { contracts: vec!["0.2.0".to_owned(), "0.3.0".to_owned()], file_bytes: 1 << 20, allow_older: false }
}

/// What a cache holds beside its memory.
fn entries(cache: &Path) -> Vec<String> {
    let names = std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "newest").collect()
}

fn is(request: &Request, part: &str) -> bool {
    request.method == "GET" && request.path.contains(part)
}

#[test]
fn what_was_pushed_is_fetched_and_one_that_is_pinned_is_never_asked_for_again() {
    let world = World::new();
    let fetched = world.fetch("maths:1").unwrap();
    assert!(fetched.fetched && matches!(fetched.signed, Signed::By { .. }));
    assert_eq!(std::fs::read(fetched.pack.directory().join("s.wasm")).unwrap(), COMPONENT);
    assert_eq!(fetched.pack.sizes().len(), 3);

    // A tag is asked for what it is, and no file again.
    world.registry.requests();
    assert!(!world.fetch("maths:1").unwrap().fetched);
    let asked = world.registry.requests();
    assert!(asked.len() == 1 && is(&asked[0], "/manifests/1"), "{asked:?}");

    let pinned = format!("maths@{}", fetched.reference.digest().unwrap());
    world.registry.answer(|_| Some(Reply::new(500, "gone")));
    assert!(!world.fetch(&pinned).unwrap().fetched);
    assert!(world.registry.requests().is_empty());
}

#[test]
fn the_same_pack_has_the_same_digest_and_is_not_sent_twice() {
    let world = World::new();
    let first = world.push("maths", "1.0.0", "2");
    // Signed at another moment it is another one.
    let pack = CheckedPack::read(&world.directory.path().join("maths-1.0.0"), 1 << 20).unwrap();
    world.registry.requests();
    let again = push(&pack, vec!["0.3.0".to_owned()], &world.reference("maths:3"), &world.access).unwrap();
    assert_eq!(first.digest(), again.digest());
    let asked = world.registry.requests();
    assert!(asked.iter().all(|request| request.method == "HEAD" || request.path.contains("/manifests/")), "{asked:?}");
}

#[test]
fn a_damaged_entry_of_the_cache_is_fetched_anew() {
    let world = World::new();
    let fetched = world.fetch("maths:1").unwrap();
    let pinned = format!("maths@{}", fetched.reference.digest().unwrap());
    let files = fetched.pack.directory();
    for (file, bytes) in [
        (files.join("s.wasm"), b"what a component is does not matter HERE".as_slice()),
        (files.join("pack.toml"), b""),
        (files.join("pack.lock"), b"version = 2"),
        (files.join(SIGNATURE_FILE), b"x"),
        (files.join("../manifest.json"), b"{}"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        assert!(world.fetch(&pinned).unwrap().fetched, "{}", file.display());
        assert_eq!(std::fs::read(files.join("s.wasm")).unwrap(), COMPONENT);
    }
}

#[test]
fn bodies_without_end_are_given_up_at_what_was_announced() {
    for (part, body, expected) in
        [("/manifests/", "{ ", "sends more than 1048576 bytes for the manifest"), ("/blobs/", "x", "sends more than")]
    {
        let world = World::new();
        world.registry.answer(move |request| is(request, part).then(|| Reply::endless(body)));
        assert!(world.refused("maths:1").contains(expected), "{part}");
    }
    let world = World::new();
    world.registry.answer(|_| Some(Reply { status: 500, ..Reply::endless("no") }));
    let told = world.refused("maths:1");
    assert!(told.contains("answers status 500") && told.len() < 500, "{told}");
    let world = World::new();
    world.registry.answer(|_| Some(Reply::new(200, "").with("content-length", 1_u64 << 60)));
    assert!(world.refused("maths:1").contains("sends more than 1048576 bytes"));
}

#[test]
fn another_digest_another_size_and_half_a_file_are_told_apart() {
    let world = World::new();
    let component = world.layer("s.wasm");
    let mut other = COMPONENT.to_vec();
    other[0] ^= 1;
    world.registry.swap_blob(&component, other);
    let told = world.refused("maths:1");
    assert!(told.contains("for `s.wasm`, expected sha256:"), "{told}");
    world.registry.swap_blob(&component, COMPONENT[1..].to_vec());
    assert!(world.refused("maths:1").contains("sends 39 bytes for `s.wasm`, expected 40"));
    world.registry.swap_blob(&component, [COMPONENT, b"!"].concat());
    assert!(world.refused("maths:1").contains("sends more than 40 bytes for `s.wasm`"));
    let pinned = format!("maths@{}", Sha256Digest::of(b"another"));
    let manifest = world.registry.manifest("1");
    world.registry.answer(move |request| is(request, "/manifests/sha256").then(|| Reply::new(200, manifest.clone())));
    assert!(world.refused(&pinned).contains("for the manifest of team/maths:sha256:"));
}

#[test]
fn what_a_manifest_announces_is_refused_before_a_file_is_asked_for() {
    let title = |title: &str| json!({"org.opencontainers.image.title": title});
    type Change = Box<dyn Fn(&mut Value)>;
    let set =
        |title: Value| -> Change { Box::new(move |manifest| manifest["layers"][3]["annotations"] = title.clone()) };
    let mut cases: Vec<(Change, &str)> = vec![
        (
            Box::new(|manifest| manifest["layers"][3]["size"] = json!(100_000_000_000_u64)),
            "more than the 1048576 allowed",
        ),
        (Box::new(|manifest| manifest["config"]["size"] = json!(1 << 30)), "its summary has 1073741824 bytes"),
        (Box::new(|manifest| manifest["layers"][3]["digest"] = json!("sha1:00")), "is no image manifest"),
        (Box::new(|manifest| manifest["layers"][3]["size"] = json!(-1)), "is no image manifest"),
        (Box::new(|manifest| manifest["schemaVersion"] = json!(1)), "schema version 1"),
        (
            Box::new(|manifest| manifest["artifactType"] = json!("application/vnd.oci.image.config.v1+json")),
            "is no pack",
        ),
        (
            Box::new(|manifest| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json")),
            "list of images",
        ),
        (Box::new(|manifest| manifest["layers"] = json!([])), "has no pack.lock"),
        (
            Box::new(|manifest| {
                let layer = manifest["layers"][3].clone();
                manifest["layers"].as_array_mut().unwrap().extend(std::iter::repeat_n(layer, 1001));
            }),
            "more than the 1000 allowed",
        ),
        (set(json!({})), "has no title"),
        (set(title("pack.toml")), "has `pack.toml` twice"),
        (set(title("PACK.toml")), "has `PACK.toml` twice"),
    ];
    for name in
        ["../s.wasm", "/etc/passwd", "a/../../s.wasm", "C:\\s.wasm", ".ssh/authorized_keys", "s\u{202e}.wasm", "a\0b"]
    {
        cases.push((set(title(name)), "expected a relative path without `..`"));
    }
    for (change, expected) in cases {
        let world = World::new();
        let what = world.edit(|manifest| change(manifest));
        let told = world.refused(&what);
        assert!(told.contains(expected), "{expected}: {told}");
        let asked = world.registry.requests();
        assert!(asked.iter().all(|request| !request.path.contains("/blobs/")), "{expected}: {asked:?}");
    }
}

#[test]
fn ten_thousand_layers_are_too_many_bytes_for_a_manifest() {
    let world = World::new();
    let what = world.edit(|manifest| {
        let layer = manifest["layers"][0].clone();
        manifest["layers"].as_array_mut().unwrap().extend(std::iter::repeat_n(layer, 10_000));
    });
    assert!(world.refused(&what).contains("sends more than 1048576 bytes"));
}

#[test]
fn files_that_are_not_those_of_the_lock_are_refused_though_their_digests_fit_the_manifest() {
    let world = World::new();
    let other = world.registry.put_blob(b"another component of 40 bytes in its own".to_vec());
    let what = world.edit(|manifest| {
        let layers = manifest["layers"].as_array_mut().unwrap();
        let component = layers.iter_mut().find(|layer| layer["mediaType"] == "application/wasm").unwrap();
        component["digest"] = json!(other);
    });
    assert!(world.refused(&what).contains("but pack.lock says"));

    let world = World::new();
    let extra = world.registry.put_blob(b"x".to_vec());
    let what = world.edit(|manifest| {
        let title = json!({"org.opencontainers.image.title": "tests/more.toml"});
        let layer = json!({"mediaType": "application/toml", "digest": extra, "size": 1, "annotations": title});
        manifest["layers"].as_array_mut().unwrap().push(layer);
    });
    assert!(world.refused(&what).contains("`tests/more.toml` is not in pack.lock"));

    let world = World::new();
    let what = world.edit(|manifest| {
        manifest["layers"].as_array_mut().unwrap().retain(|layer| layer["mediaType"] != "application/wasm");
    });
    assert!(world.refused(&what).contains("lacks `s.wasm`, which pack.lock names"));
}

#[test]
fn a_contract_that_this_host_does_not_speak_is_refused_before_the_lock_is_fetched() {
    let world = World::new();
    let pack = CheckedPack::read(&world.directory.path().join("maths-1.0.0"), 1 << 20).unwrap();
    push(&pack, vec!["9.0.0".to_owned()], &world.reference("maths:9"), &world.access).unwrap();
    world.registry.requests();
    let told = world.refused("maths:9");
    assert!(told.contains("version 9.0.0 of the contract, and this host speaks 0.2.0, 0.3.0"), "{told}");
    assert_eq!(world.registry.requests().len(), 2);
}

#[test]
fn no_signature_another_key_and_an_old_version_are_refused_and_a_digest_is_obeyed() {
    let world = World::new();
    let unsigned = world.edit(|manifest| {
        let layers = manifest["layers"].as_array_mut().unwrap();
        layers.retain(|layer| layer["annotations"]["org.opencontainers.image.title"] != SIGNATURE_FILE);
    });
    assert!(world.refused(&unsigned).contains("maths 1.0.0 is not signed"));
    let other =
        TrustRules { required: vec![SigningKey::generate(None).unwrap().0.public().unwrap()], rules: Vec::new() };
    world.push("maths", "1.0.0", "1");
    let told = world.fetch_with("maths:1", &other, &acceptance()).unwrap_err().to_string();
    assert!(told.contains("created with a different key"), "{told}");

    let old = world.fetch("maths:1").unwrap().reference;
    // Times of signatures are those of whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.push("maths", "1.1.0", "1");
    world.fetch("maths:1").unwrap();
    let pinned = format!("maths@{}", old.digest().unwrap());
    world.registry.put_manifest("1", world.registry.manifest(&old.digest().unwrap().to_string()));
    let told = world.fetch("maths:1").unwrap_err().to_string();
    assert!(told.contains("leads to version 1.0.0, signed at") && told.contains("1.1.0"), "{told}");
    world.fetch(&pinned).unwrap();
    let leave = Acceptance { allow_older: true, ..acceptance() };
    world.fetch_with("maths:1", &world.trusting(), &leave).unwrap();
}

#[test]
fn one_signed_pack_under_the_name_of_another_is_refused() {
    let world = World::new();
    world.push("law", "1.0.0", "1");
    // One registry, one signer, two packs: the registry answers for maths with law.
    let told = world.fetch("maths:1").unwrap_err().to_string();
    assert!(told.contains("holds law 1.0.0, whose repository would be called `law`"), "{told}");
    let pack = CheckedPack::read(&world.directory.path().join("law-1.0.0"), 1 << 20).unwrap();
    let wrong = push(&pack, Vec::new(), &world.reference("maths:2"), &world.access).unwrap_err().to_string();
    assert!(wrong.contains("is no place for the pack `law`"), "{wrong}");
}

#[test]
fn a_signature_that_was_made_before_the_lock_is_not_pushed() {
    let world = World::new();
    let directory = world.directory.path().join("maths-1.0.0");
    let signature = std::fs::read(directory.join(SIGNATURE_FILE)).unwrap();
    let other = world.pack("maths", "2.0.0");
    std::fs::write(other.join(SIGNATURE_FILE), signature).unwrap();
    let pack = CheckedPack::read(&other, 1 << 20).unwrap();
    let told = push(&pack, Vec::new(), &world.reference("maths:2"), &world.access).unwrap_err().to_string();
    assert!(told.contains("run `rewarden pack sign` again"), "{told}");
    assert!(world.registry.requests().is_empty());
}

#[test]
fn credentials_go_to_the_registry_alone_and_not_where_it_leads() {
    let mut world = World::new();
    world.access.credentials = Some(Credentials { user: "me".to_owned(), password: "secret".to_owned() });
    let elsewhere = FakeRegistry::new();
    for title in ["pack.toml", "s.wasm", "tests/cases.toml", "pack.lock", SIGNATURE_FILE] {
        elsewhere.put_blob(world.registry.blob(&world.layer(title)));
    }
    let summary: Value = serde_json::from_slice(&world.registry.manifest("1")).unwrap();
    elsewhere.put_blob(world.registry.blob(summary["config"]["digest"].as_str().unwrap()));
    let host = elsewhere.host();
    world.registry.answer(move |request| match &request.authorization {
        None => Some(Reply::new(401, "").with("www-authenticate", "Basic realm=\"registry\"")),
        Some(_) if is(request, "/blobs/") => {
            Some(Reply::new(307, "").with("location", format!("http://{host}{}", request.path)))
        }
        Some(_) => None,
    });
    world.fetch("maths:1").unwrap();
    let own = world.registry.requests();
    // me:secret
    assert!(own.iter().any(|request| request.authorization.as_deref() == Some("Basic bWU6c2VjcmV0")), "{own:?}");
    let foreign = elsewhere.requests();
    assert_eq!(foreign.len(), 6);
    assert!(foreign.iter().all(|request| request.authorization.is_none()), "{foreign:?}");
}

#[test]
fn what_leads_on_and_on_or_to_other_schemes_is_not_followed() {
    for (location, expected) in [
        ("/v2/team/maths/manifests/1", "it leads on and on"),
        ("file:///etc/passwd", "only https is"),
        ("http://169.254.169.254/latest/meta-data", "only https is"),
        ("http://", "its Location is none"),
    ] {
        let world = World::new();
        world.registry.answer(move |_| Some(Reply::new(302, "").with("location", location)));
        let told = world.refused("maths:1");
        assert!(told.contains(expected), "{location}: {told}");
    }
}

#[test]
fn tokens_are_asked_for_and_what_is_no_token_is_no_header() {
    let world = World::new();
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"r\"", world.registry.host());
    let with = |answer: Reply| {
        let realm = realm.clone();
        world.registry.answer(move |request| {
            if request.path.starts_with("/token?") {
                return Some(answer.clone());
            }
            let known = request.authorization.as_deref() == Some("Bearer good");
            (!known).then(|| Reply::new(401, "").with("www-authenticate", &realm))
        });
    };
    for (answer, expected) in [
        (Reply::new(200, r#"{"token": "a\r\nx: y"}"#), "visible ones are allowed"),
        (Reply::endless("{"), "sends more than 65536 bytes for a token"),
        (Reply::new(200, "[]"), "no JSON object with a token"),
        (Reply::new(403, "no"), "refuses a token for the manifest of team/maths:1: no; log in"),
        (Reply::new(200, r#"{"token": "bad"}"#), "refuses the manifest of team/maths:1"),
    ] {
        with(answer);
        let told = world.refused("maths:1");
        assert!(told.contains(expected), "{expected}: {told}");
    }
    with(Reply::new(200, r#"{"token": "good"}"#));
    world.registry.requests();
    world.fetch("maths:1").unwrap();
    let asked = world.registry.requests();
    let tokens: Vec<&Request> = asked.iter().filter(|request| request.path.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].path.contains("scope=repository%3Ateam%2Fmaths%3Apull&service=r"), "{}", tokens[0].path);
}

#[test]
fn sigstores_signatures_are_found_where_registries_keep_them_and_their_command_is_told() {
    let world = World::new();
    let reference = world.reference("maths:1");
    let digest = Sha256Digest::of(&world.registry.manifest("1"));
    let look = || sigstore_bundles(&reference, digest, &world.access).unwrap();
    assert_eq!(look(), None);
    let index = json!({"schemaVersion": 2, "manifests": [
        {"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}, {"artifactType": "application/spdx+json"},
    ]});
    let bytes = serde_json::to_vec(&index).unwrap();
    world.registry.put_manifest(&format!("sha256-{}", digest.hex()), bytes.clone());
    let found = look().unwrap();
    let place = format!("{}/team/maths@{digest}", world.registry.host());
    assert_eq!(found.count, 1);
    assert_eq!(
        found.command,
        format!("cosign verify {place} --certificate-identity IDENTITY --certificate-oidc-issuer ISSUER")
    );
    // A registry that lists what refers to the pack is asked no further, but for the signatures of older tools.
    world.registry.answer(move |request| is(request, "/referrers/").then(|| Reply::new(200, bytes.clone())));
    world.registry.put_manifest(&format!("sha256-{}.sig", digest.hex()), b"{}".to_vec());
    assert_eq!(look().unwrap().count, 2);
    world.registry.answer(|request| is(request, "/referrers/").then(|| Reply::endless("[")));
    let told = sigstore_bundles(&reference, digest, &world.access).unwrap_err().to_string();
    assert!(told.contains("sends more than 1048576 bytes for what refers to the pack"), "{told}");
}

#[test]
fn what_is_not_there_is_told_as_such() {
    let world = World::new();
    assert!(world.refused("maths:2").contains("does not have the manifest of team/maths:2; check the reference"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("oci://{port}/team/maths:1").parse().unwrap();
    let cache = PackCache::open(&world.cache()).unwrap();
    let error = cache.fetch(&nobody, &world.access, &acceptance(), &TrustRules::default()).unwrap_err().to_string();
    assert!(error.contains("cannot be asked for the manifest") && error.contains("refused"), "{error}");
}

//! Packs are signed, pushed to a real registry, fetched and verified; what was tampered with is refused before it runs.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rewarden_tests::python::{environment, or_left_out, said};
use rewarden_tests::registry::{OciRegistry, PASSWORD, USER};
use rewarden_tests::serving::{Serving, rule_manifest, rule_pack, tar};
use rewarden_tests::{Run, Sandbox, component, debian, interpreter};
use serde_json::{Value, json};

const TASK: &str = r#"{"id": "t", "prompt": "2+2?", "responses": ["4", "5"], "reference": "4"}"#;

/// A pack of rules called `maths`, its author's keys, and a cache that is empty.
struct Author(Sandbox);

impl Author {
    fn new() -> Self {
        let author = Self(Sandbox::default());
        author.expect(0, &["pack", "keygen", "signer", "--no-password"]);
        author.expect(0, &["pack", "keygen", "stranger", "--no-password"]);
        author.0.write("tasks.jsonl", format!("{TASK}\n"));
        author.write_pack("0.1.0");
        author
    }

    fn write_pack(&self, version: &str) {
        rule_pack(&self.0.path().join("maths"), "maths", version, 1.0);
        self.0.write(
            "maths/tests/cases.toml",
            "[[score]]\ntask = { prompt = \"q\", responses = [\"4\"], reference = \"4\" }\nscores = [1]\n",
        );
        self.expect(0, &["pack", "lock", "maths"]);
    }

    fn sign(&self, key: &str) {
        self.expect(0, &["pack", "sign", "maths", "--key", key]);
    }

    /// A run of the binary with compiled components shared, and with packs and what was seen of them kept here.
    fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(&[], arguments)
    }

    fn run_as(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.0.rewarden();
        command.env("REWARDEN_CACHE_DIR", self.0.path().join("cache")).envs(variables.iter().copied()).args(arguments);
        Run::of(command)
    }

    fn expect(&self, status: i32, arguments: &[&str]) -> Run {
        self.run(arguments).expect(status)
    }

    fn public(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.0.path().join(format!("{name}.pub"))).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    }

    /// Pushes the pack, and returns what names it for ever.
    fn push(&self, reference: &str) -> String {
        self.expect(0, &["pack", "push", "maths", reference]).stdout().trim().to_owned()
    }

    /// What is said when something is refused.
    fn refused(&self, arguments: &[&str]) -> String {
        self.expect(1, arguments).stderr()
    }

    fn compiled(&self) -> usize {
        std::fs::read_dir(self.0.path().join("cache/components")).map_or(0, Iterator::count)
    }
}

#[test]
fn a_pack_is_signed_pushed_fetched_verified_and_scored_by_its_digest() {
    let Some(mut registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    author.sign("signer.key");
    let tag = registry.reference("team/maths:0.1.0");
    let pinned = author.push(&tag);
    assert!(pinned.starts_with(&registry.reference("team/maths@sha256:")), "{pinned}");
    assert_eq!(author.push(&registry.reference("team/maths:again")), pinned);

    let verified = author.expect(0, &["pack", "verify", &tag, "--require-signature", "signer.pub"]);
    let told = verified.stdout();
    for expected in [
        "pack       maths 0.1.0",
        "signature  by the key ",
        &author.public("signer"),
        "contract   0.3.0",
        "sigstore   no signature",
        &pinned,
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(verified.stderr().contains(&format!("{tag} is {pinned}")), "{}", verified.stderr());
    assert_eq!(author.compiled(), 0, "nothing is compiled to verify");

    // The registry is not asked again for what is pinned.
    registry.stop();
    let key = author.public("signer");
    let score = ["score", "tasks.jsonl", "--pack", &pinned, "--require-signature", &key, "--format", "jsonl"];
    let rows = author.expect(0, &score).rows();
    assert_eq!(rows[0]["scores"], json!([1.0, 0.0]));
    let told = author.refused(&["pack", "verify", &tag]);
    assert!(told.contains("cannot be asked for the manifest of team/maths:0.1.0"), "{told}");
    author.expect(0, &["pack", "pull", &pinned, "--output", "copy"]);
    for name in ["pack.toml", "pack.lock", "pack.lock.minisig", "tests/cases.toml", "blend.wasm", "answer-match.wasm"] {
        let read = |directory: &str| std::fs::read(author.0.path().join(directory).join(name)).unwrap();
        assert_eq!(read("copy"), read("maths"), "{name}");
    }
    author.expect(0, &["pack", "test", "copy"]);
}

#[test]
fn a_changed_byte_another_key_and_a_missing_signature_are_refused_before_anything_runs() {
    let author = Author::new();
    let key = author.public("signer");
    let score = ["score", "tasks.jsonl", "--pack", "maths", "--format", "jsonl", "--require-signature", &key];
    assert!(author.refused(&score).contains("maths 0.1.0 is not signed, but a signature by the key"));
    author.sign("stranger.key");
    assert!(author.refused(&score).contains("created with a different key than the one provided"));
    author.sign("signer.key");
    author.expect(0, &["pack", "verify", "maths", "--require-signature", &key]);
    for name in ["pack.toml", "blend.wasm", "tests/cases.toml", "pack.lock"] {
        let path = author.0.path().join("maths").join(name);
        let right = std::fs::read(&path).unwrap();
        let mut wrong = right.clone();
        // A letter of a comment or a description, or a byte of code; of the lock, the version.
        let at = if name == "pack.lock" { find(&right, b"0.1.0") } else { right.len() - 2 };
        wrong[at] ^= 1;
        std::fs::write(&path, wrong).unwrap();
        let told = author.refused(&score);
        let expected = if name == "pack.lock" { "pack.toml says maths 0.1.0" } else { "expected " };
        assert!(told.contains(expected) && told.contains("pack.lock"), "{name}: {told}");
        assert_eq!(told, author.refused(&["pack", "verify", "maths", "--require-signature", &key]), "{name}");
        std::fs::write(&path, right).unwrap();
    }
    // Locked anew, it is another lock than the signed one.
    author.0.write("maths/pack.toml", rule_manifest("maths", "0.1.0", 2.0));
    author.expect(0, &["pack", "lock", "maths"]);
    assert!(author.refused(&score).contains("The signature verification failed"));
    assert_eq!(author.compiled(), 0);
    author.write_pack("0.1.0");
    author.sign("signer.key");
    assert_eq!(author.expect(0, &score).rows()[0]["scores"], json!([1.0, 0.0]));
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

#[test]
fn an_old_version_that_is_played_back_under_a_tag_is_refused_and_its_digest_is_obeyed() {
    let Some(registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    let key = author.public("signer");
    let tag = registry.reference("team/maths:latest");
    author.sign("signer.key");
    let old = author.push(&tag);
    let verify = ["pack", "verify", &tag, "--require-signature", &key];
    author.expect(0, &verify);
    // The older signature is pushed again, after a newer version was seen.
    let kept = std::fs::read(author.0.path().join("maths/pack.lock.minisig")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    author.write_pack("0.2.0");
    author.sign("signer.key");
    author.push(&tag);
    assert!(author.expect(0, &verify).stdout().contains("maths 0.2.0"));
    author.write_pack("0.1.0");
    author.0.write("maths/pack.lock.minisig", kept);
    assert_eq!(author.push(&tag), old);

    let told = author.refused(&verify);
    assert!(
        told.contains("leads to version 0.1.0, signed at ") && told.contains("version 0.2.0, signed at "),
        "{told}"
    );
    assert!(told.contains("--allow-older"), "{told}");
    author.expect(0, &["pack", "verify", &old, "--require-signature", &key]);
    author.expect(0, &[&verify[..], &["--allow-older"]].concat());
    author.refused(&verify);
    // Without a key nothing is known of a signature's age, and nothing is said to be verified.
    let unverified = author.expect(0, &["pack", "verify", &tag]).stdout();
    assert!(unverified.contains("signature  NOT VERIFIED"), "{unverified}");
}

#[test]
fn a_registry_that_knows_its_users_is_used_with_variables_and_with_what_docker_login_keeps() {
    let Some(registry) = OciRegistry::start(true) else { return };
    let author = Author::new();
    let reference = registry.reference("team/maths:1");
    let push = ["pack", "push", "maths", &reference];
    let told = author.refused(&push);
    assert!(told.contains("refuses `answer-match.wasm`") && told.contains("REWARDEN_REGISTRY_USER"), "{told}");
    let wrong = author.run_as(&[("REWARDEN_REGISTRY_USER", USER), ("REWARDEN_REGISTRY_PASSWORD", "sword")], &push);
    assert!(wrong.expect(1).stderr().contains("refuses "));
    let half = author.run_as(&[("REWARDEN_REGISTRY_USER", USER)], &push);
    assert!(half.expect(1).stderr().contains("is set without REWARDEN_REGISTRY_PASSWORD"));
    let right = [("REWARDEN_REGISTRY_USER", USER), ("REWARDEN_REGISTRY_PASSWORD", PASSWORD)];
    author.run_as(&right, &push).expect(0);

    author.refused(&["pack", "pull", &reference]);
    // me:word
    let config = json!({"auths": {registry.address(): {"auth": "bWU6d29yZA=="}}});
    author.0.write("home/.docker/config.json", config.to_string());
    author.expect(0, &["pack", "pull", &reference, "--output", "copy"]);
}

#[test]
fn a_file_of_settings_names_the_pack_by_its_digest_and_says_whose_packs_are_used() {
    let Some(registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    author.sign("signer.key");
    let pinned = author.push(&registry.reference("team/maths:1"));
    let settings = |key: &str| {
        let pattern = format!("{}/team/*", registry.address());
        author.0.write(
            "rewarden.toml",
            format!("pack = \"{pinned}\"\n[trust]\n\"{pattern}\" = \"{}\"\n", author.public(key)),
        );
    };
    let score = ["score", "tasks.jsonl", "--format", "jsonl"];
    settings("stranger");
    let told = author.refused(&score);
    assert!(told.contains("the signature of maths 0.1.0 is not one by the key"), "{told}");
    settings("signer");
    assert_eq!(author.expect(0, &score).rows()[0]["scores"], json!([1.0, 0.0]));
    author.0.write("rewarden.toml", "[trust]\n\"ghcr.io/*\" = \"RW\"\n");
    assert!(author.run(&score).stderr().contains("is no minisign public key"));
}

#[test]
fn a_pull_replaces_a_pack_of_the_same_name_alone_and_only_when_told() {
    let Some(registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    let reference = registry.reference("team/maths:1");
    author.push(&reference);
    author.0.write("mine/notes.txt", "notes");
    rule_pack(&author.0.path().join("law"), "law", "1", 1.0);
    let pull = |more: &[&str]| author.run(&[&["pack", "pull", &reference, "--output"], more].concat());
    assert!(pull(&["maths"]).expect(1).stderr().contains("maths exists; give --output another directory"));
    assert!(pull(&["mine", "--replace"]).expect(1).stderr().contains("since it holds no pack"));
    assert!(pull(&["law", "--replace"]).expect(1).stderr().contains("holds the pack `law`, and not `maths`"));
    author.0.write("maths/pack.toml", rule_manifest("maths", "0.0.1", 1.0));
    pull(&["maths", "--replace"]).expect(0);
    author.expect(0, &["pack", "verify", "maths"]);
    assert!(author.0.path().join("mine/notes.txt").is_file());
    let left =
        std::fs::read_dir(author.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.starts_with(".pulling")));
}

#[test]
fn a_component_that_does_not_fit_this_host_is_refused_before_the_others_are_compiled() {
    let Some(registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    let reference = registry.reference("team/maths:1");
    let pinned = author.push(&reference);
    let small = ["score", "tasks.jsonl", "--pack", &pinned, "--limits", "component_functions=3"];
    let told = author.refused(&small);
    assert!(told.contains("functions, more than the 3 allowed"), "{told}");
    assert_eq!(author.compiled(), 0);
    let manifest = format!("{}[limits]\nfuel = 1000000000000\n", rule_manifest("maths", "0.1.0", 1.0));
    author.0.write("maths/pack.toml", manifest);
    author.expect(0, &["pack", "lock", "maths"]);
    let told = author.refused(&["pack", "push", "maths", &reference]);
    assert!(told.contains("asks for fuel = 1000000000000, but this host allows"), "{told}");
}

#[test]
fn a_program_travels_as_its_text_and_is_held_to_the_interpreter_that_it_was_locked_with() {
    let Some(interpreter) = interpreter("javascript") else { return };
    let Some(registry) = OciRegistry::start(false) else { return };
    let author = Author::new();
    author.0.write(
        "maths/reward.js",
        "export function reward(response, reference) { return response === reference ? 1 : 0 }",
    );
    std::fs::copy(component("rule-sum"), author.0.path().join("maths/rule-sum.wasm")).unwrap();
    let manifest = "name = \"maths\"\nversion = \"0.1.0\"\nscale = { min = 0, max = 1, integer = false }\n\
                    [policy]\ncomponent = \"rule-sum.wasm\"\n[scorers.answer]\nsource = \"reward.js\"\n";
    author.0.write("maths/pack.toml", manifest);
    let here = interpreter.parent().unwrap().to_str().unwrap();
    author.expect(0, &["pack", "lock", "maths", "--runtimes", here]);
    author.sign("signer.key");
    let pinned = author.push(&registry.reference("team/maths:1"));
    let key = author.public("signer");
    let verify = ["pack", "verify", &pinned, "--require-signature", &key, "--runtimes"];
    let told = author.expect(0, &[&verify[..], &[here]].concat()).stdout();
    assert!(told.contains("runtime    javascript, the locked one is here"), "{told}");
    let told = author.expect(0, &[&verify[..], &["nowhere"]].concat()).stdout();
    assert!(told.contains("runtime    javascript, NOT HERE"), "{told}");
    author.0.write("other/javascript.wasm", "another");
    let told = author.refused(&[&verify[..], &["other"]].concat());
    assert!(told.contains("expected the interpreter `javascript` with sha256:"), "{told}");

    author.expect(0, &["pack", "pull", &pinned, "--output", "copy"]);
    let path = author.0.path().join("copy/reward.js");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("? 1 : 0", "? 0 : 1")).unwrap();
    let told = author.refused(&["pack", "verify", "copy", "--require-signature", &key]);
    assert!(told.contains("expected reward.js with sha256:"), "{told}");
    let bom: Value = serde_json::from_str(&author.expect(0, &["pack", "sbom", "maths"]).stdout()).unwrap();
    let listed = bom["components"].as_array().unwrap();
    assert!(
        listed.iter().any(|component| component["type"] == "platform" && component["name"] == "javascript"),
        "{bom}"
    );
}

#[test]
fn a_server_that_requires_signatures_takes_no_other_pack_by_directory_or_upload() {
    let author = Author::new();
    author.sign("signer.key");
    let signed = author.0.path().join("maths");
    let sandbox = Sandbox::default();
    let packs = sandbox.path().join("packs");
    copy(&signed, &packs.join("maths"));
    rule_pack(&packs.join("unsigned"), "unsigned", "1", 1.0);
    let admin = sandbox.run(["keygen", "ops", "--role", "admin"]).expect(0);
    sandbox.write("keys", admin.stdout());
    let bearer = format!("Bearer {}", admin.stderr().lines().next().unwrap());
    let key = author.public("signer");
    let server = Serving::in_sandbox(sandbox, &["--packs", "packs", "--keys", "keys", "--require-signature", &key]);
    let told = server.stderr();
    assert!(told.contains("pack maths 0.1.0") && told.contains("unsigned has no pack.lock"), "{told}");

    let client = || server.client().with("authorization", &bearer);
    let upload =
        |archive: &[u8]| client().send("POST", "/admin/packs/maths", &[("content-type", "application/x-tar")], archive);
    author.write_pack("0.2.0");
    let refused = upload(&tar(&signed)).expect(422).json();
    assert!(refused["detail"].as_str().unwrap().contains("The signature verification failed"), "{refused}");
    author.sign("stranger.key");
    let refused = upload(&tar(&signed)).expect(422).json();
    assert!(refused["detail"].as_str().unwrap().contains("created with a different key"), "{refused}");
    author.sign("signer.key");
    assert_eq!(upload(&tar(&signed)).expect(200).json()["change"], "swapped");
    let live = client().get("/v1/packs").expect(200).json();
    assert_eq!((live["packs"].as_array().unwrap().len(), &live["packs"][0]["version"]), (1, &json!("0.2.0")));
}

#[test]
fn minisign_itself_verifies_what_was_signed_here_and_signs_what_is_verified_here() {
    let files = or_left_out("minisign", debian::unpacked(&["minisign", "libsodium23"]));
    let Some(files) = files else { return };
    let minisign = |author: &Author, arguments: &[&str]| {
        let mut command = Command::new(files.join("usr/bin/minisign"));
        let libraries = files.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH));
        command.args(arguments).current_dir(author.0.path()).env("LD_LIBRARY_PATH", libraries);
        said(&mut command)
    };
    let author = Author::new();
    author.sign("signer.key");
    let told = minisign(&author, &["-Vm", "maths/pack.lock", "-P", &author.public("signer")]).unwrap();
    assert!(told.contains("pack:maths\tversion:0.1.0\tlock:sha256:"), "{told}");
    minisign(&author, &["-Vm", "maths/pack.lock", "-P", &author.public("stranger")]).unwrap_err();
    // By a key of minisign's own, without a password, and with no word of ours in the signature.
    minisign(&author, &["-G", "-W", "-p", "own.pub", "-s", "own.key"]).unwrap();
    minisign(&author, &["-Sm", "maths/pack.lock", "-s", "own.key"]).unwrap();
    author.expect(0, &["pack", "verify", "maths", "--require-signature", "own.pub"]);
    author.sign("own.key");
    author.expect(0, &["pack", "verify", "maths", "--require-signature", "own.pub"]);
}

#[test]
fn a_key_with_a_password_is_asked_for_it_and_no_key_is_written_over() {
    let author = Author::new();
    let no_terminal = author.refused(&["pack", "keygen", "mine"]);
    assert!(no_terminal.contains("set REWARDEN_SIGN_PASSWORD"), "{no_terminal}");
    let with = |password: &str, arguments: &[&str]| author.run_as(&[("REWARDEN_SIGN_PASSWORD", password)], arguments);
    let public = with("correct", &["pack", "keygen", "mine"]).expect(0).stdout().trim().to_owned();
    assert_eq!(public, author.public("mine"));
    let sign = ["pack", "sign", "maths", "--key", "mine.key"];
    assert!(with("wrong", &sign).expect(1).stderr().contains("Wrong password"));
    with("correct", &sign).expect(0);
    author.expect(0, &["pack", "verify", "maths", "--require-signature", &public]);
    assert!(with("correct", &["pack", "keygen", "mine"]).expect(1).stderr().contains("mine.key is there already"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(author.0.path().join("mine.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_bill_of_materials_lists_every_file_and_is_what_cyclonedx_says_it_must_be() {
    let author = Author::new();
    let text = author.expect(0, &["pack", "sbom", "maths"]).stdout();
    assert_eq!(text, author.expect(0, &["pack", "sbom", "maths"]).stdout());
    let bom: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    let listed = bom["components"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|component| component["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["answer-match.wasm", "blend.wasm", "pack.toml", "tests/cases.toml"]);
    assert_eq!(listed[1]["hashes"][0]["content"], json!(sha256(&component("blend"))));
    let has = |name: &str, value: &str| {
        let properties = listed[1]["properties"].as_array().unwrap();
        properties
            .iter()
            .any(|property| property["name"] == name && property["value"].as_str().unwrap().starts_with(value))
    };
    assert!(has("rewarden:contract", "0.3.0") && has("rewarden:interface", "policy"), "{text}");
    assert!(has("wasm:producers:language", "Rust") || has("wasm:producers:processed-by", ""), "{text}");

    let python = environment("cyclonedx", &["cyclonedx-python-lib[json-validation]==11.12.0"]);
    let Some(python) = or_left_out("CycloneDX's own schema", python) else { return };
    author.0.write("bom.json", &text);
    let check = "import sys; from cyclonedx.schema import SchemaVersion; \
                 from cyclonedx.validation.json import JsonStrictValidator; \
                 wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open('bom.json').read()); \
                 sys.exit(str(wrong) if wrong else 0)";
    let validate = || said(Command::new(&python).args(["-c", check]).current_dir(author.0.path()));
    validate().unwrap();
    author.0.write("bom.json", text.replace("\"specVersion\"", "\"spec\""));
    validate().unwrap_err();
}

fn sha256(file: &Path) -> String {
    let told = said(Command::new("sha256sum").arg(file)).unwrap();
    told.split(' ').next().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

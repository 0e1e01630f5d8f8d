//! The shape of the house: which crate may use which, and that the files of a crate form floors.
//!
//! Both are read from the sources, so a new arrow or a new circle fails here before anybody has to untangle it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which crates of the host a crate may use. What is used stands further up in this list, so there can be no circle.
const ARROWS: &[(&str, &[&str])] = &[
    ("rewarden-input", &[]),
    ("rewarden-types", &["rewarden-input"]),
    ("rewarden-manifest", &["rewarden-input", "rewarden-types"]),
    ("rewarden-registry", &["rewarden-input", "rewarden-types", "rewarden-manifest"]),
    ("rewarden-engine-edits", &[]),
    ("rewarden-tables", &[]),
    ("rewarden-evaluate", &[]),
    ("rewarden-dialects", &["rewarden-input"]),
    ("rewarden-plugin-build", &[]),
    ("rewarden-report", &["rewarden-evaluate"]),
    ("rewarden-runtime", &["rewarden-input", "rewarden-types"]),
    ("rewarden-inference", &["rewarden-types"]),
    ("rewarden-record", &["rewarden-types"]),
    ("rewarden-store", &["rewarden-types", "rewarden-record"]),
    (
        "rewarden-judge",
        &["rewarden-input", "rewarden-types", "rewarden-manifest", "rewarden-runtime", "rewarden-record"],
    ),
    (
        "rewarden-server",
        &[
            "rewarden-input",
            "rewarden-types",
            "rewarden-dialects",
            "rewarden-runtime",
            "rewarden-inference",
            "rewarden-record",
            "rewarden-store",
            "rewarden-judge",
        ],
    ),
    (
        "rewarden-workbench",
        &["rewarden-types", "rewarden-manifest", "rewarden-plugin-build", "rewarden-runtime", "rewarden-judge"],
    ),
    (
        "rewarden",
        &[
            "rewarden-input",
            "rewarden-types",
            "rewarden-manifest",
            "rewarden-registry",
            "rewarden-tables",
            "rewarden-evaluate",
            "rewarden-report",
            "rewarden-runtime",
            "rewarden-inference",
            "rewarden-record",
            "rewarden-store",
            "rewarden-judge",
            "rewarden-server",
            "rewarden-workbench",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn crates_use_only_what_stands_below_them() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--locked"]).current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let path = package["manifest_path"].as_str().unwrap();
        if !Path::new(path).starts_with(root().join("host")) {
            continue;
        }
        let uses = package["dependencies"].as_array().unwrap().iter();
        // Tests may look from anywhere.
        let uses = uses.filter(|dependency| dependency["kind"].is_null());
        let uses = uses.filter_map(|dependency| dependency["name"].as_str());
        let uses: BTreeSet<String> = uses.filter(|name| name.starts_with("rewarden")).map(str::to_owned).collect();
        found.insert(package["name"].as_str().unwrap().to_owned(), uses);
    }
    let listed: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed.iter().copied().collect());
    for (at, (name, allowed)) in ARROWS.iter().enumerate() {
        for used in *allowed {
            assert!(listed[..at].contains(used), "{name} may use {used}, which does not stand above it in the list");
        }
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found[*name], allowed, "what {name} uses, and what it may use");
    }
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("host")).unwrap() {
        let directory = entry.unwrap().path();
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        for circle in circles(&imports(&directory.join("src"))) {
            found.push(format!("{name}: {}", circle.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    found.sort();
    assert!(found.is_empty(), "files that import each other:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_and_a_tree_is_none() {
    let edges = |edges: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        edges.iter().map(|(from, to)| ((*from).to_owned(), own(to))).collect()
    };
    assert!(circles(&edges(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])).is_empty());
    let circle = circles(&edges(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]));
    assert_eq!(circle, [["a", "b", "c"].map(str::to_owned).into()]);
}

#[test]
fn paths_are_read_from_use_trees_and_from_expressions() {
    let source = "use crate::a::{b::C, d};\nuse super::e;\nfn f() { crate::g::h(); }\n// crate::no\n\
                  #[cfg(test)]\nmod tests { use crate::no; }";
    let paths: Vec<String> = paths(source).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::a::b::C", "crate::a::d", "super::e", "crate::g::h"]);
}

/// The files of a crate by module path, with the files that each imports. Files of tests are left out, and so is the root,
/// which names all others by its nature.
fn imports(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut sources = BTreeMap::new();
    read(src, &mut Vec::new(), &mut sources);
    let root = sources.remove("").unwrap_or_default();
    // What the root hands on under its own name lies in the module that it comes from.
    let mut handed_on = BTreeMap::new();
    for path in paths(&root.replace("pub use ", "use crate::").replace("pub(crate) use ", "use crate::")) {
        if let [_, module @ .., name] = path.as_slice() {
            handed_on.insert(name.clone(), module.join("::"));
        }
    }
    let modules: BTreeSet<String> = sources.keys().cloned().collect();
    let target = |path: &[String]| -> Option<String> {
        let longest = (1..=path.len()).rev().map(|length| path[..length].join("::"));
        let direct = longest.into_iter().find(|module| modules.contains(module));
        direct.or_else(|| handed_on.get(path.first()?).filter(|module| modules.contains(*module)).cloned())
    };
    let mut all = BTreeMap::new();
    for (module, source) in &sources {
        let own: Vec<String> = module.split("::").map(str::to_owned).collect();
        let mut uses = BTreeSet::new();
        for path in paths(source) {
            let ups = path.iter().take_while(|piece| *piece == "super").count();
            let absolute: Vec<String> = match path.first().map(String::as_str) {
                Some("crate") => path[1..].to_vec(),
                Some("self") => own.iter().chain(&path[1..]).cloned().collect(),
                _ => own[..own.len().saturating_sub(ups)].iter().chain(&path[ups..]).cloned().collect(),
            };
            uses.extend(target(&absolute).filter(|used| used != module));
        }
        all.insert(module.clone(), uses);
    }
    all
}

fn read(directory: &Path, module: &mut Vec<String>, sources: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name == "fixtures" {
            continue;
        }
        module.push(name.clone());
        if path.is_dir() {
            read(&path, module, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let root = module.len() == 1 && (name == "lib" || name == "main");
            let own = if root || name == "mod" { &module[..module.len() - 1] } else { &module[..] };
            let source = std::fs::read_to_string(&path).unwrap();
            sources.entry(own.join("::")).and_modify(|known| known.push_str(&source)).or_insert(source);
        }
        module.pop();
    }
}

/// Every path of this crate that a source names, its tests left out.
fn paths(source: &str) -> Vec<Vec<String>> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String =
        source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found: Vec<(usize, Vec<Vec<String>>)> = Vec::new();
    for start in ["crate", "super", "self"] {
        let mut rest = 0;
        while let Some(at) = code[rest..].find(&format!("{start}::")).map(|at| at + rest) {
            rest = at + start.len();
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$' && c != ':') {
                let mut named = Vec::new();
                tree(&mut code[at..].chars().peekable(), &mut Vec::new(), &mut named);
                found.push((at, named));
            }
        }
    }
    found.sort();
    found.into_iter().flat_map(|(_, named)| named).collect()
}

/// Reads one path or use tree.
fn tree(
    code: &mut std::iter::Peekable<impl Iterator<Item = char>>,
    prefix: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    let depth = prefix.len();
    loop {
        while code.next_if(|c| c.is_whitespace()).is_some() {}
        if code.next_if_eq(&'{').is_some() {
            while code.peek().is_some_and(|c| *c != '}') {
                tree(code, prefix, found);
                while code.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
            }
            code.next();
            break;
        }
        let mut name = String::new();
        while let Some(c) = code.next_if(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if name.is_empty() {
            code.next();
            break;
        }
        prefix.push(name);
        if code.next_if_eq(&':').is_none() || code.next_if_eq(&':').is_none() {
            found.push(prefix.clone());
            break;
        }
    }
    prefix.truncate(depth);
    // An alias names nothing.
    while code.peek().is_some_and(|c| !matches!(c, ',' | '}' | ';' | '\n')) && depth > 0 {
        code.next();
    }
}

/// Groups of files of which each reaches each other.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reachable = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(file) = open.pop() {
            for used in imports.get(&file).into_iter().flatten() {
                if seen.insert(used.clone()) {
                    open.push(used.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = imports.keys().map(|file| (file, reachable(file))).collect();
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for (file, reached) in &reach {
        if reached.contains(*file) && !groups.iter().any(|group| group.contains(*file)) {
            groups.push(reached.iter().filter(|other| reach[other].contains(*file)).cloned().collect());
        }
    }
    groups
}

#[test]
fn the_page_of_the_architecture_names_every_crate() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root().join("host")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("`host/{name}`")), "ARCHITECTURE.md does not name host/{name}");
    }
}

#[test]
fn every_file_of_end_to_end_tests_is_run_by_one_process() {
    let tests = root().join("tests");
    let manifest = std::fs::read_to_string(tests.join("Cargo.toml")).unwrap();
    let files: Vec<PathBuf> = std::fs::read_dir(tests.join("tests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let alone = usize::from(manifest.contains(&format!("path = \"tests/{name}.rs\"\n")));
        // A module with a path of its own is a file in a folder.
        let beside =
            |text: &&String| text.contains(&format!("\nmod {name};")) && !text.contains(&format!("\"]\nmod {name};"));
        let shared = texts.iter().filter(beside).count();
        assert_eq!(
            alone + shared,
            1,
            "tests/tests/{name}.rs has {alone} `[[test]]` in tests/Cargo.toml and {shared} `mod {name};` in a file beside it; \
             expected one of either"
        );
    }
}

/// Types that stand for each other on different systems.
const ALTERNATIVES: [&str; 2] = ["Pool", "Supervisor"];

#[test]
fn a_name_of_a_type_occurs_once_unless_it_is_private_to_its_file() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources(&root().join("host")) {
        // Modules of tests stand last in a file.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in text.lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            let mut kind = words.next();
            if kind != Some("pub") {
                continue;
            }
            kind = words.find(|word| !matches!(*word, "crate" | "super" | "in"));
            if matches!(kind, Some("struct" | "enum" | "trait" | "union" | "type")) {
                found.entry(words.next().unwrap().to_owned()).or_default().push(file.clone());
            }
        }
    }
    assert!(found.len() > 400, "only {} types were found", found.len());
    let twice: Vec<String> = found
        .into_iter()
        .filter(|(name, files)| files.len() > 1 && !ALTERNATIVES.contains(&name.as_str()))
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(twice.is_empty(), "types of one name:\n{}", twice.join("\n"));
}

/// All Rust files of the crates below a directory but their tests, with their texts.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !matches!(name, "tests" | "benches" | "examples") {
            sources.extend(self::sources(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" {
            sources.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    sources
}

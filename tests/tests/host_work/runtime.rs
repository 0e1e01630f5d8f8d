//! Packs on disk: what lies in the place of a manifest, a lock, a component or a golden case.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rewarden_tests::{Sandbox, pack, peak_memory};

/// What a row may take.
const WITHIN: Duration = Duration::from_secs(2);
/// KiB of memory beyond those of a good pack.
const MORE: u64 = 64 << 10;

/// Runs the command and gives what it wrote to stderr, its exit status, how long it took and its largest memory in KiB.
fn measured(sandbox: &Sandbox, arguments: &[&str]) -> (String, bool, Duration, u64) {
    let started = Instant::now();
    let error = sandbox.path().join("stderr");
    let mut command = sandbox.rewarden();
    command.args(arguments).stdout(Stdio::null()).stderr(File::create(&error).unwrap()).stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(peak_memory(child.id()).unwrap_or(0) / 1024);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("{arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    (std::fs::read_to_string(error).unwrap(), status.success(), started.elapsed(), most)
}

/// Puts something in the place of a file.
type Put = fn(&Path);

fn fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn socket(path: &Path) {
    std::os::unix::net::UnixListener::bind(path).unwrap();
}

fn sparse(path: &Path) {
    File::create(path).unwrap().set_len(20 << 30).unwrap();
}

fn device(path: &Path) {
    std::os::unix::fs::symlink("/dev/zero", path).unwrap();
}

fn outside(path: &Path) {
    std::os::unix::fs::symlink("/etc/hostname", path).unwrap();
}

fn itself(path: &Path) {
    std::os::unix::fs::symlink(path, path).unwrap();
}

fn folder(path: &Path) {
    std::fs::create_dir(path).unwrap();
}

/// A copy of a bundled pack, with `put` in the place of one of its files.
fn packed(sandbox: &Sandbox, name: &str, put: Option<Put>) -> PathBuf {
    let mine = sandbox.path().join("mine");
    let _ = std::fs::remove_dir_all(&mine);
    std::fs::create_dir_all(mine.join("tests")).unwrap();
    for entry in std::fs::read_dir(pack("spct-vote")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, mine.join(path.file_name().unwrap())).unwrap();
        }
    }
    if let Some(put) = put {
        let place = mine.join(name);
        let _ = std::fs::remove_file(&place);
        put(&place);
    }
    mine
}

#[test]
fn whatever_lies_in_the_place_of_a_packs_files_is_refused_by_name_and_costs_nothing() {
    let sandbox = Sandbox::default();
    let mine = packed(&sandbox, "", None);
    let component = std::fs::read_dir(&mine).unwrap().map(|entry| entry.unwrap().path());
    let component = component.filter(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    let component = component.min().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let run = |command: &[&str]| measured(&sandbox, command);
    let (error, good, _, _) = run(&["inspect", "mine"]);
    assert!(good, "{error}");
    let (_, _, _, usual) = run(&["inspect", "mine"]);

    let rows: &[(&str, &str, Put, &str)] = &[
        ("pack.toml", "a FIFO", fifo, "mine holds no pack.toml"),
        ("pack.toml", "a socket", socket, "mine holds no pack.toml"),
        ("pack.toml", "a device", device, "mine holds no pack.toml"),
        ("pack.toml", "a folder", folder, "mine holds no pack.toml"),
        ("pack.toml", "20 GB", sparse, "has 21474836480 bytes, more than the 262144 allowed"),
        ("pack.lock", "a FIFO", fifo, "pack.lock: cannot be read: is not a regular file"),
        ("pack.lock", "a socket", socket, "pack.lock: cannot be read: is not a regular file"),
        ("pack.lock", "a device", device, "pack.lock: cannot be read: is not a regular file"),
        (
            "pack.lock",
            "20 GB",
            sparse,
            "pack.lock: cannot be read: has 21474836480 bytes, more than the 262144 allowed",
        ),
        ("pack.lock", "a link to itself", itself, "pack.lock: cannot be read: "),
        (&component, "a FIFO", fifo, "is not a regular file; expected a WebAssembly component"),
        (&component, "a folder", folder, "is not a regular file; expected a WebAssembly component"),
        (&component, "a device", device, "is not inside the pack or leads outside of it"),
        (&component, "a link out of the pack", outside, "is not inside the pack or leads outside of it"),
        (&component, "20 GB", sparse, "has 21474836480 bytes, more than the 100663296 allowed"),
        (&component, "a link to itself", itself, "cannot read "),
    ];
    for (name, what, put, expected) in rows {
        packed(&sandbox, name, Some(*put));
        let (error, good, took, most) = run(&["inspect", "./mine"]);
        assert!(!good, "{what} as {name} was taken");
        let error = error.replace("./mine", "mine");
        assert!(error.contains(expected), "{what} as {name}: {error}");
        assert!(took < WITHIN, "{what} as {name}: {took:?}");
        assert!(most < usual + MORE, "{what} as {name}: {most} KiB, {usual} for a good pack");
    }
}

/// The manifest of a pack whose components are all this one.
fn by_rule(component: &str) -> String {
    format!(
        "name = \"evil\"\nversion = \"1\"\nscale = {{ min = 0, max = 1, integer = false }}\n\
         [scorers.s]\ncomponent = \"{component}\"\n[policy]\ncomponent = \"{component}\"\n"
    )
}

#[test]
fn golden_cases_and_locks_read_nothing_but_files_of_the_pack() {
    let sandbox = Sandbox::default();
    sandbox.write("stderr", "");
    let case = |text: &str| {
        let mine = packed(&sandbox, "", None);
        std::fs::write(mine.join("tests/a.toml"), text).unwrap();
    };
    for (file, expected) in [
        ("/etc/passwd", "lies outside of"),
        ("../../stderr", "lies outside of"),
        ("/dev/zero", "lies outside of"),
        ("fifo", "is not a regular file"),
        ("sparse", "has 21474836480 bytes, more than the 1048576 allowed"),
    ] {
        case(&format!("[[parse]]\ncompletion_file = \"{file}\"\nscores = [1.0]\n"));
        fifo(&sandbox.path().join("mine/tests/fifo"));
        sparse(&sandbox.path().join("mine/tests/sparse"));
        let started = Instant::now();
        let output = sandbox.rewarden().args(["pack", "test", "./mine"]).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(expected), "{file}: {text}");
        assert!(started.elapsed() < WITHIN, "{file}: {:?}", started.elapsed());
    }

    for (component, expected) in [
        ("/etc/passwd", "lies outside of the pack"),
        ("../stderr", "lies outside of the pack"),
        ("fifo", "is not a regular file"),
        ("sparse", "has 21474836480 bytes, more than the 100663296 allowed"),
    ] {
        let mine = packed(&sandbox, "", None);
        fifo(&mine.join("fifo"));
        sparse(&mine.join("sparse"));
        std::fs::write(mine.join("pack.toml"), by_rule(component)).unwrap();
        let (error, good, took, _) = measured(&sandbox, &["pack", "lock", "./mine"]);
        assert!(!good && error.contains(expected), "{component}: {error}");
        assert!(took < WITHIN, "{component}: {took:?}");
    }
}

#[test]
fn a_new_pack_writes_nothing_outside_of_its_own_directory() {
    let sandbox = Sandbox::default();
    let victim = sandbox.write("victim", "mine");
    sandbox.write("far/away/victim", "theirs");
    for component in ["../victim", "./../victim", victim.to_str().unwrap()] {
        sandbox.write("far/away/evil/pack.toml", by_rule(component));
        let _ = std::fs::remove_dir_all(sandbox.path().join("new"));
        let (error, good, took, _) =
            measured(&sandbox, &["pack", "new", "new", "--kind", "pack", "--from", "far/away/evil"]);
        assert!(!good && error.contains("lies outside of the pack"), "{component}: {error}");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine", "{component}");
        assert!(took < WITHIN, "{component}: {took:?}");
    }
}

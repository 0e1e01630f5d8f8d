//! Uploads, pack directories, request bodies and slow clients of a server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rewarden_runtime::contract;
use rewarden_tests::http::Client;
use rewarden_tests::serving::{Serving, rule_manifest, rule_pack, tar};
use rewarden_tests::{Sandbox, peak_memory};
use serde_json::{Value, json};

/// A component that takes seconds to compile; each number is another one.
fn bomb(number: u32) -> Vec<u8> {
    let function =
        format!("(func (param i32) (result i32) (local.get 0) {})", "(i32.const 7) (i32.mul)".repeat(60_000));
    let describe = format!("{}/describe@{}", contract::PACKAGE, contract::VERSION);
    let module = format!("(core module {} (global i32 (i32.const {number})))", function.repeat(4));
    wat::parse_str(format!("(component {module} (instance $none) (export \"{describe}\" (instance $none)))")).unwrap()
}

/// An archive of a pack whose policy is this component.
fn archive(name: &str, policy: &[u8]) -> Vec<u8> {
    let directory = Sandbox::default();
    rule_pack(directory.path(), name, "1.0.0", 1.0);
    std::fs::write(directory.path().join("blend.wasm"), policy).unwrap();
    tar(directory.path())
}

/// An archive of a pack that is sound.
fn sound(name: &str, version: &str) -> Vec<u8> {
    let directory = Sandbox::default();
    rule_pack(directory.path(), name, version, 1.0);
    tar(directory.path())
}

/// A server over a watched directory with one rule pack in it, and the header that its operator sends.
fn guarded(arguments: &[&str], fill: impl Fn(&Path)) -> (Serving, String) {
    let sandbox = Sandbox::default();
    rule_pack(&sandbox.path().join("packs/rule"), "rule", "1.0.0", 1.0);
    fill(&sandbox.path().join("packs"));
    let key = sandbox.run(["keygen", "ops", "--role", "admin"]).expect(0);
    sandbox.write("keys", key.stdout());
    let bearer = format!("Bearer {}", key.stderr().lines().next().unwrap());
    let base = ["--packs", "packs", "--keys", "keys"];
    let arguments: Vec<&str> = base.iter().chain(arguments).copied().collect();
    (Serving::in_sandbox(sandbox, &arguments), bearer)
}

fn ask() -> Value {
    json!({"task": {"prompt": "2 + 2?", "responses": [r"\boxed{4}", r"\boxed{5}"], "reference": "4"}, "pack": "rule"})
}

fn upload(client: &mut Client, name: &str, archive: &[u8]) -> rewarden_tests::http::Reply {
    client.send("POST", &format!("/admin/packs/{name}"), &[("content-type", "application/x-tar")], archive)
}

/// Uploads until one is let in: what others left behind still compiles.
fn upload_at_last(server: &Serving, bearer: &str, name: &str, archive: &[u8]) -> Value {
    let begun = Instant::now();
    loop {
        let reply = upload(&mut server.client().with("authorization", bearer), name, archive);
        if reply.status == 200 {
            return reply.json();
        }
        assert!([429, 504].contains(&reply.status), "{}: {}", reply.status, reply.text());
        assert!(begun.elapsed() < Duration::from_secs(300), "no upload is let in: {}", reply.text());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn uploads_that_never_seem_to_end_cost_themselves_alone_and_one_sigterm_ends_the_server() {
    let (mut server, bearer) = guarded(&["--load-timeout", "1", "--grace", "2"], |_| ());
    let bombs: Vec<Vec<u8>> = (0..10).map(|number| archive("bomb", &bomb(number))).collect();
    let (done, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let (server, bearer, done, answered) = (&server, &bearer, &done, &answered);
        scope.spawn(move || {
            let mut client = server.client().with("authorization", bearer);
            while !done.load(Ordering::SeqCst) {
                let begun = Instant::now();
                assert_eq!(client.post("/v1/reward", &ask()).expect(200).json()["scores"], json!([1.0, 0.0]));
                assert!(begun.elapsed() < Duration::from_secs(5), "a request took {:?}", begun.elapsed());
                answered.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let uploads: Vec<_> = bombs
            .iter()
            .map(|bomb| {
                scope.spawn(move || {
                    let begun = Instant::now();
                    let reply = upload(&mut server.client().with("authorization", bearer), "bomb", bomb);
                    (reply.status, reply.text(), begun.elapsed())
                })
            })
            .collect();
        for thread in uploads {
            let (status, text, took) = thread.join().unwrap();
            let says = match status {
                429 => "--load-timeout",
                504 => "it was not loaded within 1 s (--load-timeout)",
                422 => "what was live stays so",
                other => panic!("{other}: {text}"),
            };
            assert!(text.contains(says), "{status}: {text}");
            assert!(took < Duration::from_secs(10), "an upload took {took:?}");
        }
        // Nothing is locked: a pack can be taken out at once, and another comes in as soon as a compiler is free.
        server.client().with("authorization", bearer).send("DELETE", "/admin/packs/bomb", &[], b"").expect(404);
        done.store(true, Ordering::SeqCst);
    });
    assert!(answered.load(Ordering::SeqCst) > 10, "{answered:?}");
    let live = upload_at_last(&server, &bearer, "rule", &sound("rule", "2.0.0"));
    assert_eq!((&live["change"], &live["pack"]["version"]), (&json!("swapped"), &json!("2.0.0")));

    std::thread::scope(|scope| {
        for number in 20..22 {
            let (bearer, mut client) = (&bearer, server.client());
            scope.spawn(move || {
                client = client.with("authorization", bearer);
                let headers = [("content-type", "application/x-tar")];
                // Answered, refused or dropped: the server is on its way out.
                let _ = client.try_send("POST", "/admin/packs/bomb", &headers, &archive("bomb", &bomb(number)));
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        server.terminate();
        let status = server.wait();
        assert_eq!(status, 0, "{}", server.stderr());
        assert!(begun.elapsed() < Duration::from_secs(10), "the server took {:?} to end", begun.elapsed());
    });
}

#[test]
fn archives_that_lie_are_refused_and_leave_nothing_behind() {
    let (server, bearer) = guarded(&[], |_| ());
    let whole = sound("more", "1.0.0");
    let header = |name: &str, size: &str, kind: u8| {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..124 + size.len()].copy_from_slice(size.as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    };
    let many: Vec<u8> = (0..5000).flat_map(|number| header(&format!("f{number}"), "00000000000", b'0')).collect();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut off", whole[..whole.len() / 2].to_vec(), "archive"),
        ("no archive", vec![0xff; 4096], "archive cannot be read"),
        ("longer than it is", header("pack.toml", "77777777777", b'0'), "pack.toml"),
        ("a file as directory", [header("a", "00000000000", b'0'), header("a/b", "00000000000", b'0')].concat(), "a/b"),
        ("a link", header("pack.toml", "00000000000", b'2'), "expected plain files"),
        ("a name that turns around", header("\u{202e}a", "00000000000", b'0'), "characters that are not shown"),
        ("five thousand files", many, "more than 1000 files"),
        ("nothing", Vec::new(), "pack.toml"),
    ];
    for (what, archive, says) in rows {
        let reply = upload(&mut server.client().with("authorization", &bearer), "more", &archive);
        assert!(reply.status == 422, "{what}: {} {}", reply.status, reply.text());
        assert!(reply.text().contains(says), "{what}: {}", reply.text());
    }
    let packs = server.sandbox.path().join("packs");
    let left: Vec<_> = std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["rule"]);
    upload(&mut server.client().with("authorization", &bearer), "more", &whole).expect(200);
}

#[test]
fn bodies_share_a_room_and_slow_ones_cannot_keep_it() {
    let mut server = Serving::rule(&["--max-body", "4", "--max-bodies", "8", "--grace", "1"]);
    // Two bodies that never end hold all of the room, unless a request took a little of it while they arrived.
    let hold = || -> Vec<TcpStream> {
        let stream = |_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let head = format!(
                "POST /v1/reward HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                4 << 20
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![b' '; (4 << 20) - 1]).unwrap();
            stream
        };
        (0..2).map(stream).collect()
    };
    let begun = Instant::now();
    let (held, refused) = loop {
        let held = hold();
        std::thread::sleep(Duration::from_millis(200));
        let reply = server.client().post("/v1/reward", &ask());
        if reply.status == 429 {
            break (held, reply);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{}: {}", reply.status, reply.text());
    };
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.text().contains("--max-bodies"), "{}", refused.text());
    // A client that sends all before it reads is told so too, and not by a broken connection.
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = "POST /v1/reward HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n", 3 << 20).as_bytes()).unwrap();
    stream.write_all(&vec![b' '; 3 << 20]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    drop(held);
    let begun = Instant::now();
    while server.client().post("/v1/reward", &ask()).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the room is not given back");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Refused by its length, before it is sent.
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = "POST /v1/reward HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n", 5 << 20).as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    server.terminate();
    assert_eq!(server.wait(), 0);
}

#[test]
fn two_lengths_or_a_length_beside_chunks_never_make_two_requests_of_one() {
    let server = Serving::rule(&[]);
    for lengths in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip, chunked, x",
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let smuggled = "GET /v1/packs HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let head = format!(
            "POST /v1/reward HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{lengths}\r\n\r\n0\r\n\r\n"
        );
        stream.write_all(format!("{head}{smuggled}").as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(!answer.contains("\"packs\""), "{lengths}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 2"), "{lengths}: {answer}");
    }
    server.client().post("/v1/reward", &ask()).expect(200);
}

/// Directories of packs that share their components, as files of one inode.
fn fill(directory: &Path, packs: u32) {
    for number in 0..packs {
        let (pack, name) = (directory.join(format!("p{number:05}")), format!("p{number:05}"));
        std::fs::create_dir_all(&pack).unwrap();
        for component in ["blend.wasm", "answer-match.wasm"] {
            std::fs::hard_link(directory.join("rule").join(component), pack.join(component)).unwrap();
        }
        std::fs::write(pack.join("pack.toml"), rule_manifest(&name, "1.0.0", 1.0)).unwrap();
    }
}

#[test]
fn packs_beyond_the_ceiling_are_left_out_and_said_so() {
    // The long form: REWARDEN_MANY_PACKS=10000.
    let many: u32 = std::env::var("REWARDEN_MANY_PACKS").ok().map_or(40, |text| text.parse().unwrap());
    let begun = Instant::now();
    let (server, bearer) = guarded(&["--max-packs", "12"], |packs| fill(packs, many));
    let started = begun.elapsed();
    let mut client = server.client().with("authorization", &bearer);
    let live = client.get("/v1/packs").expect(200).json()["packs"].as_array().unwrap().len();
    assert_eq!(live, 12);
    let said = format!("{} packs in ", many + 1 - 12);
    assert!(server.stderr().contains(&said) && server.stderr().contains("--max-packs"), "{}", server.stderr());
    let peak = peak_memory(server.pid()).unwrap() >> 20;
    println!("{many} packs: up in {started:?}, {peak} MiB at most");
    let refused = upload(&mut client, "more", &sound("more", "1.0.0")).expect(422);
    assert!(
        refused.text().contains("12 packs are live, which is the most that may be (--max-packs)"),
        "{}",
        refused.text()
    );
    // A live one may still be swapped, and be taken out.
    upload(&mut client, "p00000", &sound("p00000", "2.0.0")).expect(200);
    client.send("DELETE", "/admin/packs/p00001", &[], b"").expect(200);
}

#[test]
fn of_two_directories_with_one_name_the_other_is_live_when_one_goes() {
    let (server, bearer) = guarded(&[], |packs| rule_pack(&packs.join("twin"), "rule", "2.0.0", 1.0));
    let version = || {
        let packs = server.client().with("authorization", &bearer).get("/v1/packs").expect(200).json();
        packs["packs"][0]["version"].as_str().map(str::to_owned)
    };
    assert_eq!(version().as_deref(), Some("2.0.0"));
    std::fs::remove_dir_all(server.sandbox.path().join("packs/twin")).unwrap();
    let begun = Instant::now();
    while version().as_deref() != Some("1.0.0") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}: {}", version(), server.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the one live pack has this version.
fn wait_for_version(server: &Serving, bearer: &str, version: &str) {
    let begun = Instant::now();
    loop {
        let packs = server.client().with("authorization", bearer).get("/v1/packs").expect(200).json();
        if packs["packs"][0]["version"] == version {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{packs}: {}", server.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_upload_deletes_nothing_but_the_pack_that_it_replaces_and_a_deleted_pack_is_gone_whatever_its_directory() {
    let (server, bearer) = guarded(&[], |packs| {
        std::fs::write(packs.join("notes"), "mine").unwrap();
        std::fs::create_dir(packs.join("data")).unwrap();
        std::fs::write(packs.join("data/file"), "mine").unwrap();
        std::fs::rename(packs.join("rule"), packs.join("elsewhere")).unwrap();
    });
    let packs = server.sandbox.path().join("packs");
    let mut client = server.client().with("authorization", &bearer);
    for (name, what) in
        [("notes", "a file"), ("data", "a directory that is no pack"), ("elsewhere", "holds the pack `rule`")]
    {
        let refused = upload(&mut client, name, &sound(name, "1.0.0")).expect(409);
        assert!(refused.text().contains(what), "{}", refused.text());
    }
    assert_eq!(std::fs::read_to_string(packs.join("notes")).unwrap(), "mine");
    assert_eq!(std::fs::read_to_string(packs.join("data/file")).unwrap(), "mine");
    let live = client.get("/v1/packs").expect(200).json()["packs"].as_array().unwrap().len();
    assert_eq!(live, 1);
    // The new version takes the place of the old one, so that there are never two.
    upload(&mut client, "rule", &sound("rule", "2.0.0")).expect(200);
    assert!(packs.join("elsewhere/pack.toml").exists() && !packs.join("rule").exists());
    client.send("DELETE", "/admin/packs/rule", &[], b"").expect(200);
    assert!(!packs.join("elsewhere").exists());
}

#[test]
fn a_change_that_keeps_size_and_time_of_a_file_is_seen() {
    let (server, bearer) = guarded(&[], |_| {});
    wait_for_version(&server, &bearer, "1.0.0");
    let manifest = server.sandbox.path().join("packs/rule/pack.toml");
    let modified = manifest.metadata().unwrap().modified().unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap().replace("\"1.0.0\"", "\"2.0.0\"");
    let file = std::fs::File::options().write(true).open(&manifest).unwrap();
    (&file).write_all(text.as_bytes()).unwrap();
    file.set_modified(modified).unwrap();
    wait_for_version(&server, &bearer, "2.0.0");
}

#[test]
fn a_run_that_is_moved_away_or_deleted_while_it_is_written_is_noticed_and_begun_anew() {
    let server = Serving::rule(&[]);
    let judge = |question: &str| {
        let task = json!({"prompt": question, "responses": [r"\boxed{4}", r"\boxed{5}"], "reference": "4"});
        server.client().post("/v1/reward", &json!({"task": task, "pack": "rule"}))
    };
    judge("first").expect(200);
    let run = server.runs().remove(0);
    std::fs::rename(&run, run.with_extension("moved")).unwrap();
    // It looks once a second.
    std::thread::sleep(Duration::from_millis(1100));
    judge("second").expect(200);
    assert!(server.stderr().contains("was moved away, deleted or cut while it was written"), "{}", server.stderr());
    assert_eq!(server.runs(), std::slice::from_ref(&run));
    std::fs::remove_dir_all(run.parent().unwrap()).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let refused = judge("third").expect(503);
    assert!(refused.text().contains("the reward cannot be recorded"), "{}", refused.text());
    std::fs::create_dir(run.parent().unwrap()).unwrap();
    judge("fourth").expect(200);
    server.terminate();
    let mut server = server;
    assert_eq!(server.wait(), 0);
    let recorded = server.sandbox.run(["export", run.to_str().unwrap(), "--quiet"]).expect(0).stdout();
    // What was recorded since the directory is there again, and nothing else.
    assert_eq!(recorded.lines().count(), 1, "{recorded}");
}

#[test]
fn requests_with_settings_of_their_own_cannot_fill_the_disk_with_runs() {
    let (server, bearer) = guarded(&["--max-runs", "2", "--allow-sampling", "temperature"], |_| {});
    let mut client = server.client().with("authorization", &bearer);
    let mut at = |temperature: f64| {
        let mut ask = ask();
        ask["sampling"] = json!({ "temperature": temperature });
        let reply = client.post("/v1/reward", &ask);
        (reply.status, reply.text())
    };
    assert_eq!(at(0.125).0, 200);
    assert_eq!(at(0.25).0, 200);
    let (status, told) = at(0.375);
    assert_eq!(status, 400, "{told}");
    assert!(told.contains("there are 2 runs of this pack") && told.contains("--max-runs"), "{told}");
    assert_eq!(at(0.125).0, 200);
}

#[test]
fn a_key_twice_is_refused_by_every_way_in_however_deep() {
    let (server, bearer) = guarded(&[], |_| {});
    let mut client = server.client().with("authorization", &bearer);
    let bodies = [
        ("/v1/reward", r#"{"task": {"prompt": "q", "responses": ["a"], "metadata": {"a": 1, "a": 2}}}"#),
        ("/v1/reward", r#"{"task": {"prompt": "q", "responses": ["a"]}, "set": {"policy.k": 1, "policy.k": 2}}"#),
        ("/slime", r#"{"prompt": "q", "response": "a", "label": "1", "label": "2"}"#),
        ("/slime/group", r#"[{"prompt": "q", "response": "a", "label": "1", "label": "2"}]"#),
        ("/verify", r#"{"responses_create_params": {"input": "q"}, "response": {"output": []}, "x": 1, "x": 2}"#),
    ];
    for (path, body) in bodies {
        let reply = client.send("POST", path, &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(reply.status, 400, "{path} {body}: {}", reply.text());
        assert!(reply.text().contains("twice"), "{path} {body}: {}", reply.text());
    }
}

//! Runs: what is drawn stays drawn, and everything after it can be made again.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rewarden_record::Recorded;
use rewarden_store::RunReader;
use rewarden_tests::{ModelServer, Sandbox, component, pack, prompt};
use serde_json::{Value, json};

/// A judge whose answer is a function of the request, as a real one's is of its seed. Some answers hold no scores.
fn judge() -> ModelServer {
    ModelServer::new(answer)
}

fn answer(body: &Value) -> String {
    let shown = prompt(body).matches("[The Begin of Response").count() as u64;
    let seed = body["seed"].as_u64().unwrap();
    if seed % 7 == 3 {
        return "I would rather not say.".into();
    }
    let scores: Vec<String> = (0..shown).map(|index| (1 + (seed >> (8 * index)) % 10).to_string()).collect();
    format!("Specific Criteria: care\nAnalysis: seed {seed}\nScores: \\boxed{{{}}}", scores.join(", "))
}

fn tasks(count: usize) -> String {
    (0..count)
        .map(|index| {
            let task = json!({"id": format!("t{index}"), "prompt": "Which?", "responses": ["one", "two"], "preferred": index % 2,
                "metadata": {"subset": if index % 3 == 0 { "a" } else { "b" }}});
            format!("{task}\n")
        })
        .collect()
}

/// Everything in a run but what a clock said.
fn contents(run: &Path) -> Vec<Recorded> {
    let reader = RunReader::open(run).unwrap();
    let mut all = Vec::new();
    loop {
        let chunk = reader.chunk(all.last().map(|last: &Recorded| last.key), 50).unwrap();
        if chunk.is_empty() {
            break;
        }
        all.extend(chunk);
    }
    for sample in all.iter_mut().flat_map(|recorded| &mut recorded.samples) {
        assert!(sample.seconds.take().is_some_and(|seconds| seconds > 0.0));
    }
    all
}

fn score<'a>(run: &'a str, endpoint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["score", "tasks.jsonl", "--run", run, "--endpoint", endpoint, "--model", "m"];
    arguments.extend(["--seed", "5", "--concurrency", "3", "--quiet"]);
    arguments.extend(more);
    arguments
}

fn pack_path() -> String {
    pack("spct-vote").to_str().unwrap().to_owned()
}

/// A finished run of 40 tasks with k = 4.
fn finished(sandbox: &Sandbox, server: &ModelServer) -> Vec<Value> {
    sandbox.write("tasks.jsonl", tasks(40));
    let (endpoint, pack) = (server.endpoint(), pack_path());
    sandbox.run(score("a.run", &endpoint, &["--pack", &pack, "-k", "4"])).expect(0).rows()
}

#[test]
fn a_run_killed_twenty_times_ends_as_one_that_was_left_alone() {
    let sandbox = Sandbox::default();
    let server = ModelServer::new(|body| {
        std::thread::sleep(Duration::from_millis(2));
        answer(body)
    });
    sandbox.write("tasks.jsonl", tasks(150));
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let arguments = |run| score(run, &endpoint, &["--pack", &pack, "-k", "6"]);

    let whole = sandbox.run(arguments("whole.run")).expect(0).rows();
    let asked_once = server.requests().len();
    assert_eq!(asked_once, 150 * 6);

    // Moments from a fixed generator: as good as random, and a failure can be had again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut killed = 0;
    let mut progress = Vec::new();
    while killed < 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = Duration::from_millis(60 + (state >> 33) % 120);
        let mut child = sandbox
            .rewarden()
            .args(arguments("killed.run"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while started.elapsed() < moment && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended after {killed} kills, before it could be killed");
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        if let Ok(reader) = RunReader::open(&sandbox.path().join("killed.run")) {
            progress.push(reader.samples().unwrap());
        }
    }
    assert!(progress.is_sorted(), "samples that were committed are lost: {progress:?}");
    let half = *progress.last().unwrap();
    assert!(half > 0 && half < asked_once as u64, "no kill fell into the middle of the run: {progress:?}");

    let resumed = sandbox.run(arguments("killed.run")).expect(0).rows();
    assert_eq!(resumed, whole);
    assert_eq!(contents(&sandbox.path().join("killed.run")), contents(&sandbox.path().join("whole.run")));
    // What was in flight or not yet committed at a kill may be asked again; what was committed never is.
    let asked_again = server.requests().len() - 2 * asked_once;
    assert!(asked_again < 20 * 30, "{asked_again} samples were drawn twice in 20 kills");
}

#[test]
fn a_finished_run_is_not_asked_again_and_gives_the_same_rows() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let first = finished(&sandbox, &server);
    let asked = server.requests().len();
    assert_eq!(finished(&sandbox, &server), first);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn a_run_of_another_kind_is_refused_with_the_difference_named() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let before = std::fs::read(sandbox.path().join("a.run")).unwrap();
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let small = rewarden_tests::pack("spct-small");
    let other = |more: &[&str]| {
        let mut arguments = score("a.run", &endpoint, &["--pack", &pack]);
        arguments.extend(more);
        sandbox.run(arguments).expect(1).stderr()
    };
    assert!(other(&["-k", "8"]).contains("policy.config.k: the run has 4, the command 8"));
    let stderr = other(&["-k", "4", "--temperature", "0.9"]);
    assert!(stderr.contains("sampling.temperature: the run has 0.5, the command 0.9"), "{stderr}");
    let other_seed: Vec<_> = score("a.run", &endpoint, &["--pack", &pack, "-k", "4"])
        .into_iter()
        .map(|argument| if argument == "5" { "6" } else { argument })
        .collect();
    let stderr = sandbox.run(other_seed).expect(1).stderr();
    assert!(stderr.contains("seed: the run has 5, the command 6"), "{stderr}");
    let arguments = score("a.run", &endpoint, &["--pack", small.to_str().unwrap(), "--constraints", "vllm"]);
    let stderr = sandbox.run(arguments).expect(1).stderr();
    assert!(stderr.contains("pack.name: the run has \"spct-vote\", the command \"spct-small\""), "{stderr}");
    assert!(std::fs::read(sandbox.path().join("a.run")).unwrap() == before);

    let changed = tasks(40).replacen("\"one\"", "\"ONE\"", 1);
    sandbox.write("tasks.jsonl", changed);
    let run = sandbox.run(score("a.run", &endpoint, &["--pack", &pack, "-k", "4"])).expect(3);
    assert!(run.rows()[0]["error"]["message"].as_str().unwrap().contains("other responses"), "{}", run.stdout());
}

#[test]
fn only_one_process_writes_a_run() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let file = std::fs::File::options().read(true).write(true).open(sandbox.path().join("a.run")).unwrap();
    file.lock().unwrap();
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let stderr = sandbox.run(score("a.run", &endpoint, &["--pack", &pack, "-k", "4"])).expect(1).stderr();
    assert!(stderr.contains("is being written by another process"), "{stderr}");
}

#[test]
fn samples_that_failed_with_the_model_are_drawn_again_when_asked_for() {
    let (sandbox, server) = (Sandbox::default(), judge());
    sandbox.write("tasks.jsonl", tasks(6));
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let run = |name, more: &[&str]| {
        let mut arguments = score(name, &endpoint, &["--pack", &pack, "-k", "2"]);
        arguments.extend(more);
        sandbox.run(arguments)
    };
    let never_failed = run("b.run", &[]).expect(0).rows();
    server.refuse(true);
    assert_eq!(run("a.run", &[]).expect(3).rows()[0]["failures"], json!({"model_error": 2}));
    server.refuse(false);
    // What is recorded stays, until it is asked for otherwise.
    assert_eq!(run("a.run", &[]).expect(3).rows()[0]["failures"], json!({"model_error": 2}));
    assert_eq!(run("a.run", &["--retry-failed"]).expect(0).rows(), never_failed);
    let path = |name| sandbox.path().join(name);
    assert_eq!(contents(&path("a.run")), contents(&path("b.run")));
}

#[test]
fn a_replay_with_the_runs_own_plugins_gives_the_runs_own_rewards() {
    let (sandbox, server) = (Sandbox::default(), judge());
    let scored = finished(&sandbox, &server);
    let replayed = sandbox.run(["replay", "a.run", "--diff"]).expect(0);
    let rewards = |rows: &[Value]| -> Vec<Value> {
        rows.iter().map(|row| json!([row["id"], row["scores"], row["used"], row["failures"], row["details"]])).collect()
    };
    assert_eq!(rewards(&replayed.rows()), rewards(&scored));
    assert_eq!(replayed.rows()[0]["provenance"], scored[0]["provenance"]);
    let diff = replayed.stderr();
    assert!(diff.contains("40 tasks with a reward before and now"), "{diff}");
    assert!(diff.contains("0 (0.0 %)") && diff.contains("Pearson 1.0000"), "{diff}");
}

#[test]
fn a_policy_that_asks_for_fewer_samples_takes_a_prefix_and_one_that_asks_for_more_is_told() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let fewer = sandbox.run(["replay", "a.run", "--set", "policy.k=3", "--samples", "s.jsonl"]).expect(0);
    assert!(fewer.rows().iter().all(|row| row["k"] == 3));
    let samples = rewarden_tests::rows(&std::fs::read_to_string(sandbox.path().join("s.jsonl")).unwrap());
    let recorded = contents(&sandbox.path().join("a.run"));
    for (sample, recorded) in samples.iter().zip(recorded.iter().flat_map(|recorded| &recorded.samples[..3])) {
        assert_eq!(sample["seed"], recorded.seed);
    }
    let more = sandbox.run(["replay", "a.run", "--set", "policy.k=9"]).expect(3);
    assert!(more.rows().iter().all(|row| row["error"]["kind"] == "not_recorded" && row["scores"].is_null()));
    assert!(more.stderr().contains("the policy asked 40 tasks for 200 samples"), "{}", more.stderr());
}

#[test]
fn a_replay_is_a_run_of_its_own_and_can_be_measured_beside_the_first() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let worst = component("worst-case");
    sandbox.run(["replay", "a.run", "--policy", worst.to_str().unwrap(), "--run", "worst.run", "--diff"]).expect(0);
    sandbox.run(["verify", "worst.run"]).expect(0);
    let table = sandbox.run(["eval", "a.run", "worst.run"]).expect(0).stdout();
    assert!(table.contains("vote") && table.contains("worst-case") && table.contains("accuracy@k"), "{table}");
    let figures: Value = {
        let run = sandbox.run(["eval", "a.run", "worst.run", "--format", "json", "--by", "subset"]).expect(0);
        serde_json::from_str(&run.stdout()).unwrap()
    };
    assert_eq!(figures[0]["overall"]["labelled"], 40);
    assert_eq!(figures[0]["overall"]["samples"], 160);
    assert_eq!(figures[0]["groups"].as_array().unwrap().len(), 2);
    let ks: Vec<_> = figures[0]["at_k"].as_array().unwrap().iter().map(|at| at["k"].as_u64().unwrap()).collect();
    assert_eq!(ks, [1, 2, 4]);
    // With all samples, accuracy@k is the run's own accuracy.
    assert_eq!(figures[0]["at_k"][2]["accuracy"]["value"], figures[0]["overall"]["accuracy"]["value"]);
    // A replay of a replay is no new sample: a second one into the same file is refused.
    let stderr = sandbox.run(["replay", "a.run", "--run", "worst.run"]).expect(1).stderr();
    assert!(stderr.contains("worst.run exists"), "{stderr}");
}

#[test]
fn the_default_pack_of_a_file_is_for_scoring_and_never_for_a_run() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let small = pack("spct-small");
    let places = format!("pack-path = {:?}\npack = \"spct-small\"\n", small.parent().unwrap());
    sandbox.write("rewarden.toml", places + "k = 1\nrun = \"a.run\"\nout = \"elsewhere.jsonl\"\n");
    sandbox.run(["verify", "a.run"]).expect(0);
    sandbox.run(["eval", "a.run"]).expect(0);
    assert_eq!(sandbox.run(["replay", "a.run"]).expect(0).rows()[0]["provenance"]["pack"]["name"], "spct-vote");
}

#[test]
fn verify_finds_what_was_changed_in_a_run_and_what_differs_in_a_pack() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let run = sandbox.path().join("a.run");
    assert!(sandbox.run(["verify", "a.run"]).expect(0).stderr().contains("40 tasks, 160 samples"));

    let other = sandbox.run(["verify", "a.run", "--pack", pack("spct-small").to_str().unwrap()]).expect(1).stdout();
    assert!(other.contains("pack.name: the run has \"spct-vote\", the pack \"spct-small\""), "{other}");
    assert!(other.contains("prompt: recorded sha256:"), "{other}");

    let connection = rusqlite::Connection::open(&run).unwrap();
    let changes = [
        ("UPDATE samples SET text = replace(text, 'boxed{', 'boxed{1') WHERE task = 3 AND id = 1", "task t2, sample 1"),
        ("UPDATE rewards SET scores = '[1.0,40.0]' WHERE task = 9", "task t8, reward"),
        ("UPDATE tasks SET responses = '[\"one\",\"three\"]' WHERE key = 12", "task t11, sample 0, prompt"),
    ];
    for (change, told) in changes {
        let before = std::fs::read(&run).unwrap();
        assert_eq!(connection.execute(change, []).unwrap(), 1);
        let stdout = sandbox.run(["verify", "a.run"]).expect(1).stdout();
        assert!(stdout.contains(told), "{change}: {stdout}");
        std::fs::write(&run, before).unwrap();
    }
    sandbox.run(["verify", "a.run"]).expect(0);
}

#[test]
fn a_file_that_is_no_sound_run_is_refused_in_words_and_left_as_it_is() {
    let (sandbox, server) = (Sandbox::default(), judge());
    finished(&sandbox, &server);
    let run = std::fs::read(sandbox.path().join("a.run")).unwrap();
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let refused = |name: &str, bytes: Option<&[u8]>, told: &str| {
        if let Some(bytes) = bytes {
            sandbox.write(name, bytes);
        }
        let before = std::fs::read(sandbox.path().join(name)).ok();
        for arguments in [
            vec!["eval", name],
            vec!["verify", name],
            vec!["replay", name],
            vec!["export", name],
            vec!["report", name, "--out", "r.html"],
            score(name, &endpoint, &["--pack", &pack, "-k", "4"]),
        ] {
            // A task file may be evaluated, and a new run made.
            let makes = matches!(arguments[0], "eval" | "score");
            if makes && (before.is_none() || told.contains("no SQLite")) && arguments[0] == "eval" {
                continue;
            }
            if before.is_none() && makes {
                continue;
            }
            let stderr = sandbox.run(&arguments).expect(1).stderr();
            assert!(stderr.contains(told) && stderr.contains(name), "{arguments:?}: {stderr}");
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
        assert!(std::fs::read(sandbox.path().join(name)).ok() == before, "{name} was changed");
    };
    refused("absent.run", None, "there is no run at");
    refused("cut.run", Some(&run[..run.len() / 2]), "is cut off");
    refused("head.run", Some(&run[..60]), "is cut off");
    refused("text.run", Some(b"{\"id\": 1}\n"), "no SQLite database");
    let mut damaged = run.clone();
    damaged[4096..12288].fill(0xa5);
    refused("damaged.run", Some(&damaged), "is damaged");

    let foreign = rusqlite::Connection::open(sandbox.path().join("foreign.run")).unwrap();
    foreign.execute_batch("CREATE TABLE notes (text)").unwrap();
    refused("foreign.run", None, "not a run of Rewarden");

    sandbox.write("newer.run", &run);
    let newer = rusqlite::Connection::open(sandbox.path().join("newer.run")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    refused("newer.run", None, "has schema 99; this rewarden reads up to 5");

    let odd = rusqlite::Connection::open(sandbox.write("odd.run", &run)).unwrap();
    odd.execute("UPDATE samples SET shown = 'both' WHERE task = 2 AND id = 0", []).unwrap();
    drop(odd);
    let stderr = sandbox.run(["replay", "odd.run"]).expect(1).stderr();
    assert!(stderr.contains("table samples, task 2, id 0, column `shown`"), "{stderr}");
}

#[test]
fn a_full_disk_is_told_and_the_run_goes_on_where_it_stopped() {
    let (sandbox, server) = (Sandbox::default(), judge());
    sandbox.write("tasks.jsonl", tasks(400));
    let disk = sandbox.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&disk)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    // Three components take about 1 MB.
    if !mount("size=1500k") {
        eprintln!("SKIPPED: a file system of a limited size cannot be mounted here (it takes root)");
        return;
    }
    let (endpoint, pack) = (server.endpoint(), pack_path());
    let arguments = || score("disk/a.run", &endpoint, &["--pack", &pack, "-k", "8"]);
    let full = sandbox.run(arguments());
    let made_room = mount("remount,size=64m");
    let resumed = sandbox.run(arguments());
    let verified = sandbox.run(["verify", "disk/a.run"]);
    let _ = std::process::Command::new("umount").arg("-l").arg(&disk).status();
    let stderr = full.expect(1).stderr();
    assert!(stderr.contains("no space is left to write disk/a.run"), "{stderr}");
    assert!(made_room);
    assert_eq!(resumed.expect(0).rows().len(), 400);
    verified.expect(0);
}

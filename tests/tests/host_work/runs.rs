//! Run files that were edited by hand.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rewarden_tests::{ModelServer, Sandbox, component, pack, peak_memory, prompt};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The most that any command may take for an edited run of a few tasks, and beyond what it takes for the sound one.
const PATIENCE: Duration = Duration::from_secs(2);
const MEMORY: u64 = 64 << 20;

/// A scored run, one with principles and one that was replayed from an import, closed, with the files of nothing else.
struct Runs {
    sandbox: Sandbox,
    /// Part of what they were made with.
    server: ModelServer,
}

static RUNS: LazyLock<Runs> = LazyLock::new(Runs::new);

fn tasks() -> String {
    let task = |index: usize| {
        json!({"id": format!("t{index}"), "prompt": format!("Where do otters sleep, in pond {index}?"), "reference": "afloat",
            "responses": ["afloat", "in a den"], "preferred": index % 2, "metadata": {"subset": "s", "source": "made"}})
    };
    (0..3).map(|index| format!("{}\n", task(index))).collect()
}

fn judge() -> ModelServer {
    ModelServer::new(|body| {
        if prompt(body).contains("You set up the criteria") {
            return "1. Right (Weight: 70%): the facts hold.\n2. Brevity (Weight: 20%): one line.\n3. Tone (Weight: 10%): calm.".to_owned();
        }
        let seed = body["seed"].as_u64().unwrap();
        format!("Analysis: seed {seed}\nScores: \\boxed{{{}, {}}}", 1 + seed % 10, 1 + (seed >> 8) % 10)
    })
}

impl Runs {
    fn new() -> Self {
        let (sandbox, server) = (Sandbox::default(), judge());
        sandbox.write("tasks.jsonl", tasks());
        let endpoint = server.endpoint();
        let score = |run: &str, name: &str| {
            let pack = pack(name);
            let base = ["score", "tasks.jsonl", "--run", run, "--endpoint", &endpoint, "--model", "m", "--quiet"];
            let more = ["--seed", "5", "--pack", pack.to_str().unwrap(), "-k", "2", "--concurrency", "1"];
            sandbox.run(base.iter().chain(&more)).expect(0);
        };
        score("scored.run", "spct-vote");
        score("principled.run", "spct-two-stage");
        let sample = |scores: &str, rating: f64| json!({"text": format!("Analysis: fine\nScores: \\boxed{{{scores}}}"), "rating": rating, "seconds": 0.5});
        let rows = tasks();
        let log = rows.lines().map(|line| {
            let mut task: Value = serde_json::from_str(line).unwrap();
            task["samples"] = json!([sample("9, 2", 0.5), sample("3, 4", 0.25)]);
            format!("{task}\n")
        });
        sandbox.write("log.jsonl", log.collect::<String>());
        sandbox.run(["import", "log.jsonl", "--run", "imported.run", "--quiet"]).expect(0);
        let vote = pack("spct-vote");
        let replay = ["replay", "imported.run", "--pack", vote.to_str().unwrap(), "--all-samples", "--run"];
        sandbox.run(replay.iter().chain(&["replayed.run", "--quiet", "--out", "rows.jsonl"])).expect(0);
        Self { sandbox, server }
    }

    fn bytes(&self, run: &str) -> Vec<u8> {
        std::fs::read(self.sandbox.path().join(run)).unwrap()
    }
}

/// A command on an edited run: how it ended, what it said, and what it took.
struct Outcome {
    status: i32,
    text: String,
    took: Duration,
    peak: u64,
}

fn outcome(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let file = |file: &tempfile::NamedTempFile| Stdio::from(File::create(file.path()).unwrap());
    let started = Instant::now();
    let mut child = sandbox.rewarden().args(arguments).stdout(file(&out)).stderr(file(&err)).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_memory(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > 5 * PATIENCE {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = started.elapsed();
    let text = [out, err].map(|file| std::fs::read_to_string(file.path()).unwrap()).concat();
    Outcome { status: status.code().unwrap_or(-1), text, took, peak }
}

/// What a command said of a run in `sandbox`, without what differs between two makings of it.
fn told(sandbox: &Sandbox, text: &str) -> String {
    let text = text.replace(&format!("{}/", sandbox.path().canonicalize().unwrap().display()), "");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("sha256:") {
        plain += before;
        plain += "sha256:…";
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    plain += rest;
    // Which pages SQLite finds first depends on the size of the components.
    let line =
        |line: &str| line.split_once(" *** in database main ***").map_or(line, |(before, _)| before).to_owned() + "\n";
    plain.lines().map(line).collect()
}

/// Edits a copy of a run with SQL, as anybody can.
fn edited(run: &str, sql: &str) -> Sandbox {
    let sandbox = Sandbox::default();
    edit(&sandbox.write("a.run", RUNS.bytes(run)), sql);
    sandbox
}

fn edit(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = off; PRAGMA writable_schema = on").unwrap();
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The edits of `forge.py` and others: of which run, and what.
#[rustfmt::skip] // A row a line.
const EDITS: &[(&str, &str, &str)] = &[
    // forge.py
    ("label", "scored.run", "UPDATE tasks SET preferred = 1 - preferred"),
    ("responses swapped", "replayed.run", "UPDATE tasks SET responses = json_array(json_extract(responses, '$[1]'), json_extract(responses, '$[0]'))"),
    ("responses of an import swapped", "imported.run", "UPDATE tasks SET responses = json_array(json_extract(responses, '$[1]'), json_extract(responses, '$[0]'))"),
    ("reward deleted", "scored.run", "DELETE FROM rewards WHERE task = 1"),
    ("score", "scored.run", "UPDATE rewards SET scores = '[10,0]' WHERE task = 1"),
    ("used", "scored.run", "UPDATE rewards SET used = '[0]' WHERE task = 1"),
    ("infinite temperature", "scored.run", "UPDATE samples SET temperature = 9e999"),
    ("order too long", "scored.run", "UPDATE samples SET shown = '[' || replace(hex(zeroblob(2000000)), '00', '0,') || '0]' WHERE id = 0"),
    ("component as text", "scored.run", "UPDATE components SET wasm = 'text'"),
    ("trigger", "scored.run", "CREATE TRIGGER gone AFTER INSERT ON rewards BEGIN DELETE FROM tasks; END"),
    ("view", "scored.run", "ALTER TABLE rewards RENAME TO kept; CREATE VIEW rewards AS SELECT task, '[10,0]' scores, used, details, failure_kind, failure_message FROM kept"),
    ("endless view", "scored.run", "ALTER TABLE tasks RENAME TO kept; CREATE VIEW tasks AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x key, 'a' || x id, '[]' messages, '[]' responses, NULL reference, NULL preferred, '{}' metadata FROM c"),
    // The schema.
    ("another column", "scored.run", "ALTER TABLE tasks ADD COLUMN more TEXT"),
    ("a generated column", "scored.run", "ALTER TABLE rewards ADD COLUMN more TEXT AS (scores)"),
    ("a check", "scored.run", "UPDATE sqlite_schema SET sql = replace(sql, 'preferred INTEGER', 'preferred INTEGER CHECK (preferred = 0)') WHERE name = 'tasks'"),
    ("a default", "scored.run", "UPDATE sqlite_schema SET sql = replace(sql, 'extra             TEXT', 'extra             TEXT DEFAULT 1') WHERE name = 'samples'"),
    ("a quoted comment", "scored.run", "UPDATE sqlite_schema SET sql = replace(sql, 'value TEXT', '\"value\" TEXT') WHERE name = 'run'"),
    ("row ids", "scored.run", "ALTER TABLE run RENAME TO kept; CREATE TABLE run (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL); INSERT INTO run SELECT * FROM kept; DROP TABLE kept"),
    ("an index on an expression", "scored.run", "CREATE INDEX i ON samples (abs(seed))"),
    ("statistics", "scored.run", "ANALYZE"),
    ("a virtual table", "scored.run", "CREATE VIRTUAL TABLE f USING fts5 (a)"),
    ("a table of another name", "scored.run", "CREATE TABLE \"a\u{1b}]0;title\u{7}\" (a)"),
    ("a thousand tables", "scored.run", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) INSERT INTO sqlite_schema SELECT 'table', 'm' || x, 'm' || x, 2, 'CREATE TABLE m' || x || ' (a)' FROM c"),
    ("a table of a thousand columns", "scored.run", "UPDATE sqlite_schema SET sql = (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT 'CREATE TABLE run (' || group_concat('c' || x) || ')' FROM c) WHERE name = 'run'"),
    ("no seals", "scored.run", "DROP TABLE seals"),
    ("another schema", "scored.run", "PRAGMA user_version = 1"),
    ("tables changed for each other", "scored.run", "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'tasks') WHERE name = 'rewards'"),
    // Types and ranges.
    ("text that is not UTF-8", "scored.run", "UPDATE tasks SET reference = CAST(x'ff41' AS TEXT) WHERE key = 1"),
    ("binary data for a text", "scored.run", "UPDATE samples SET text = x'00' WHERE task = 1"),
    ("text for a number", "scored.run", "UPDATE samples SET round = 'first' WHERE task = 1"),
    ("a fraction for an integer", "scored.run", "UPDATE samples SET prompt_tokens = 1.5 WHERE task = 1"),
    ("nothing where something is needed", "scored.run", "UPDATE sqlite_schema SET sql = replace(sql, 'temperature       REAL NOT NULL', 'temperature       REAL') WHERE name = 'samples'"),
    ("a negative id", "scored.run", "UPDATE samples SET id = -1 WHERE id = 0"),
    ("a negative key", "scored.run", "UPDATE tasks SET key = -5 WHERE key = 1; UPDATE samples SET task = -5 WHERE task = 1; UPDATE rewards SET task = -5 WHERE task = 1; UPDATE seals SET task = -5 WHERE task = 1"),
    ("the largest key", "scored.run", "UPDATE tasks SET key = 9223372036854775807 WHERE key = 1; UPDATE samples SET task = 9223372036854775807 WHERE task = 1; UPDATE rewards SET task = 9223372036854775807 WHERE task = 1; UPDATE seals SET task = 9223372036854775807 WHERE task = 1"),
    ("a large id", "scored.run", "UPDATE samples SET id = 4294967296 WHERE id = 1"),
    ("a long id", "scored.run", "UPDATE tasks SET id = hex(zeroblob(4000000)) || char(27) WHERE key = 1"),
    ("a long text", "scored.run", "UPDATE samples SET text = CAST(zeroblob(70000000) AS TEXT) WHERE task = 1 AND id = 0"),
    ("a negative seed", "scored.run", "UPDATE samples SET seed = -1 WHERE task = 1"),
    ("negative seconds", "scored.run", "UPDATE samples SET seconds = -1 WHERE task = 1"),
    ("a response that is not there", "scored.run", "UPDATE tasks SET preferred = 2 WHERE key = 1"),
    ("no responses", "scored.run", "UPDATE tasks SET responses = '[]' WHERE key = 1"),
    ("a response shown twice", "scored.run", "UPDATE samples SET shown = '[1,1]' WHERE task = 1"),
    ("scores of another number", "scored.run", "UPDATE rewards SET scores = '[1.0]' WHERE task = 1"),
    ("a score that is no number", "scored.run", "UPDATE rewards SET scores = '[{\"not_finite\":\"NaN\"},1]' WHERE task = 1"),
    ("scores and a failure", "scored.run", "UPDATE samples SET failure_kind = 'trap', failure_message = 'm' WHERE task = 1"),
    ("a failure of no kind", "scored.run", "UPDATE samples SET scores = NULL, failure_kind = 'bored', failure_message = 'm' WHERE task = 1"),
    ("a sample that is not there is used", "scored.run", "UPDATE rewards SET used = '[0,7]' WHERE task = 1"),
    ("a digest of another form", "scored.run", "UPDATE samples SET prompt = upper(prompt) WHERE task = 1"),
    ("a key twice", "scored.run", "UPDATE tasks SET metadata = '{\"a\":1,\"a\":2}' WHERE key = 1"),
    ("deep metadata", "scored.run", "UPDATE tasks SET metadata = '{\"a\":' || replace(hex(zeroblob(100000)), '00', '[') || '}' WHERE key = 1"),
    ("wide metadata", "scored.run", "UPDATE tasks SET metadata = '{\"a\":[' || replace(hex(zeroblob(2000000)), '00', '0,') || '0]}' WHERE key = 1"),
    ("endless rounds", "scored.run", "UPDATE run SET value = json_set(value, '$.budget.max_rounds', 4000000000) WHERE key = 'drawn'"),
    ("raised limits", "scored.run", "UPDATE run SET value = json_set(value, '$.limits.fuel', 4000000000) WHERE key = 'strategy'; DELETE FROM run WHERE key = 'digest'"),
    ("another fact in the header", "scored.run", "INSERT INTO run VALUES ('author', 'x')"),
    // What belongs together.
    ("samples of no task", "scored.run", "INSERT INTO samples (task, id, round, shown, temperature, seed, scores) VALUES (9, 0, 1, '[0]', 0.5, 1, '[1.0]')"),
    ("a rating of no sample", "imported.run", "INSERT INTO ratings (task, sample, rating) VALUES (1, 9, 0.5)"),
    ("a reward of no task", "scored.run", "INSERT INTO rewards (task, scores, used, details) VALUES (9, '[1.0]', '[]', '[]')"),
    ("a query without principles", "principled.run", "DELETE FROM principles"),
    ("principles of no query", "principled.run", "DELETE FROM queries"),
    // Changes.
    ("metadata changed", "scored.run", "UPDATE tasks SET metadata = '{}' WHERE key = 1"),
    ("reference changed", "scored.run", "UPDATE tasks SET reference = 'x' WHERE key = 1"),
    ("judgement changed", "scored.run", "UPDATE samples SET judgement = replace(judgement, 'seed', 'meed') WHERE task = 1 AND id = 0"),
    ("seconds changed", "scored.run", "UPDATE samples SET seconds = 0.0 WHERE task = 1"),
    ("a rating changed", "imported.run", "UPDATE ratings SET rating = 1.0 WHERE task = 1 AND sample = 0"),
    ("principles changed", "principled.run", "UPDATE principles SET text = text || '!'"),
    ("samples changed for each other", "scored.run", "UPDATE samples SET id = 9 WHERE id = 0; UPDATE samples SET id = 0 WHERE id = 1; UPDATE samples SET id = 1 WHERE id = 9"),
    ("a sample moved to another task", "scored.run", "UPDATE samples SET task = 2, id = 2 WHERE task = 1 AND id = 1"),
    ("a sample appended", "scored.run", "INSERT INTO samples SELECT task, 2, round, shown, judge, asked, built_on, temperature, seed, prompt, text, thinking, finish, prompt_tokens, completion_tokens, seconds, tokens, answer_logprob, thinking_logprob, judgement, scores, failure_kind, failure_message, extra FROM samples WHERE task = 1 AND id = 1"),
    ("a sample deleted", "scored.run", "DELETE FROM samples WHERE task = 1 AND id = 1"),
    ("a task deleted with all that is its", "scored.run", "DELETE FROM samples WHERE task = 2; DELETE FROM rewards WHERE task = 2; DELETE FROM seals WHERE task = 2; DELETE FROM tasks WHERE key = 2"),
    ("tasks in another order", "scored.run", "UPDATE tasks SET key = key + 7 WHERE key = 1; UPDATE samples SET task = task + 7 WHERE task = 1; UPDATE rewards SET task = task + 7 WHERE task = 1; UPDATE seals SET task = task + 7 WHERE task = 1"),
    ("a seal replaced", "scored.run", "UPDATE seals SET samples = zeroblob(32) WHERE task = 1"),
    ("a seal cut", "scored.run", "UPDATE seals SET samples = x'00' WHERE task = 1"),
    ("a seal deleted", "scored.run", "DELETE FROM seals WHERE task = 1"),
    ("the digest replaced", "scored.run", "UPDATE run SET value = json_set(value, '$.run', 'sha256:' || lower(hex(zeroblob(32)))) WHERE key = 'digest'"),
    ("the digest is something else", "scored.run", "UPDATE run SET value = 'good' WHERE key = 'digest'"),
    ("the digest taken away with a reward", "scored.run", "DELETE FROM run WHERE key = 'digest'; DELETE FROM rewards WHERE task = 1"),
    ("the digest taken away with a seal", "scored.run", "DELETE FROM run WHERE key = 'digest'; DELETE FROM seals WHERE task = 1"),
    ("the strategy changed", "scored.run", "UPDATE run SET value = json_set(value, '$.policy.config.k', 1) WHERE key = 'strategy'"),
    ("the time changed", "scored.run", "UPDATE run SET value = '1999-01-01T00:00:00Z' WHERE key = 'created'"),
    ("a component replaced", "scored.run", "UPDATE components SET wasm = zeroblob(100) WHERE name = (SELECT min(name) FROM components)"),
    ("a component added", "scored.run", "INSERT INTO components VALUES ('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'nothing', x'')"),
    ("a component renamed", "scored.run", "UPDATE components SET name = name || '!'"),
];

/// What cannot be done in one statement, or not by SQL alone.
fn further(name: &str) -> Sandbox {
    let bytes = || RUNS.bytes("scored.run");
    let sandbox = Sandbox::default();
    match name {
        "a user version of four thousand millions" => {
            let mut bytes = bytes();
            bytes[60..64].copy_from_slice(&4_000_000_000_u32.to_be_bytes());
            sandbox.write("a.run", bytes);
        }
        "texts in UTF-16" => {
            let connection = Connection::open(sandbox.path().join("a.run")).unwrap();
            connection.execute_batch("PRAGMA encoding = 'UTF-16le'; PRAGMA application_id = 0x52574452").unwrap();
            connection.execute_batch("PRAGMA user_version = 3; CREATE TABLE run (key)").unwrap();
        }
        "nothing in a column that needs something" => {
            let path = sandbox.write("a.run", bytes());
            let change = |sql: &str| {
                let connection = Connection::open(&path).unwrap();
                connection.execute_batch("PRAGMA writable_schema = on").unwrap();
                connection.execute_batch(sql).unwrap();
            };
            let (with, without) = ("temperature       REAL NOT NULL", "temperature       REAL ");
            let replace = |from: &str, to: &str| {
                format!("UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = 'samples'")
            };
            change(&replace(with, without));
            change("UPDATE samples SET temperature = NULL WHERE task = 1");
            change(&replace(without, with));
        }
        "other bytes in a page" => {
            let mut bytes = bytes();
            let at = bytes.windows(15).position(|window| window == b"Analysis: seed ").unwrap();
            bytes[at] = b'B';
            sandbox.write("a.run", bytes);
        }
        "a page of noise" => {
            let mut bytes = bytes();
            let at = bytes.windows(15).position(|window| window == b"Analysis: seed ").unwrap() / 4096 * 4096;
            bytes[at..at + 100].fill(0x5a);
            sandbox.write("a.run", bytes);
        }
        "pages that lead to the same pages again" => {
            sandbox.write("a.run", tower(bytes()));
        }
        "a log that is a link" => {
            sandbox.write("a.run", bytes());
            sandbox.write("precious", "kept");
            std::os::unix::fs::symlink("precious", sandbox.path().join("a.run-wal")).unwrap();
        }
        "a journal that names another" => {
            sandbox.write("a.run", bytes());
            sandbox.write("a.run-journal", [&[0; 512][..], b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"].concat());
        }
        other => panic!("{other}"),
    }
    sandbox
}

/// A run whose tasks are found over five levels of pages, each of which names the next 501 times: 30 million million tasks in
/// five pages more than there were.
fn tower(mut bytes: Vec<u8>) -> Vec<u8> {
    const PAGE: usize = 4096;
    let interior = |child: u32| {
        let (cells, mut page) = (500_u16, vec![0_u8; PAGE]);
        let content = PAGE as u16 - 5 * cells;
        page[0] = 5;
        page[3..5].copy_from_slice(&cells.to_be_bytes());
        page[5..7].copy_from_slice(&content.to_be_bytes());
        page[8..12].copy_from_slice(&child.to_be_bytes());
        for cell in 0..cells {
            let (at, to) = (12 + 2 * usize::from(cell), content + 5 * cell);
            page[at..at + 2].copy_from_slice(&to.to_be_bytes());
            page[usize::from(to)..usize::from(to) + 4].copy_from_slice(&child.to_be_bytes());
            page[usize::from(to) + 4] = 1 + cell.min(100) as u8;
        }
        page
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'tasks'";
    let root = Connection::open(file.path()).unwrap().query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    let at = (root as usize - 1) * PAGE;
    let leaf = bytes[at..at + PAGE].to_vec();
    bytes.extend(leaf);
    for _ in 0..4 {
        let last = u32::try_from(bytes.len() / PAGE).unwrap();
        bytes.extend(interior(last));
    }
    let pages = u32::try_from(bytes.len() / PAGE).unwrap();
    bytes[at..at + PAGE].copy_from_slice(&interior(pages));
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    bytes
}

const FURTHER: [&str; 8] = [
    "a user version of four thousand millions",
    "texts in UTF-16",
    "nothing in a column that needs something",
    "other bytes in a page",
    "a page of noise",
    "pages that lead to the same pages again",
    "a log that is a link",
    "a journal that names another",
];

#[test]
fn every_edit_of_a_run_is_told_by_name_in_bounded_time_and_memory() {
    let sound = outcome(&RUNS.sandbox, &["verify", "scored.run", "--quiet"]);
    assert_eq!(sound.status, 0, "{}", sound.text);
    let rows = EDITS.iter().map(|(name, run, sql)| (*name, Some((*run, *sql)))).chain(FURTHER.map(|name| (name, None)));
    let mut all = String::new();
    for (name, edit) in rows {
        let sandbox = match edit {
            Some((run, sql)) => edited(run, sql),
            None => further(name),
        };
        let ended = outcome(&sandbox, &["verify", "a.run", "--quiet"]);
        all += &format!("{name}:\n{}\n", told(&sandbox, &ended.text));
        assert_eq!(ended.status, 1, "{name}: {}", ended.text);
        assert!(!ended.text.contains("panicked") && !ended.text.contains('\u{1b}'), "{name}: {}", ended.text);
        assert!(ended.took < PATIENCE, "{name} took {:?}", ended.took);
        assert!(ended.peak < sound.peak + MEMORY, "{name} took {} bytes, a sound run {}", ended.peak, sound.peak);
    }
    insta::assert_snapshot!("edited_runs", all);
}

#[test]
fn what_verify_refuses_no_other_command_works_with() {
    // Whatever is wrong with rows, or with the whole file; the others are what a run of that form is.
    let whole = ["trigger", "view", "endless view", "statistics", "a thousand tables", "no seals"];
    let rows = ["label", "score", "infinite temperature", "order too long", "component as text", "a long text"];
    let (pack, endpoint) = (pack("spct-vote"), RUNS.server.endpoint());
    for name in whole.iter().chain(&rows) {
        let (_, run, sql) = EDITS.iter().find(|(known, ..)| known == name).unwrap();
        let sandbox = edited(run, sql);
        sandbox.write("tasks.jsonl", tasks());
        let before = std::fs::read(sandbox.path().join("a.run")).unwrap();
        let score = ["score", "tasks.jsonl", "--run", "a.run", "--endpoint", &endpoint, "--model", "m"];
        let score =
            [&score[..], &["--seed", "5", "--pack", pack.to_str().unwrap(), "-k", "2", "--retry-failed"]].concat();
        let commands: [&[&str]; 5] = [
            &["eval", "a.run"],
            &["replay", "a.run"],
            &["report", "a.run", "--out", "r.html"],
            &["export", "a.run"],
            &score,
        ];
        for command in commands {
            // Components are not read by every command.
            if *name == "component as text" && matches!(command[0], "export" | "score") {
                continue;
            }
            let ended = outcome(&sandbox, command);
            assert_eq!(ended.status, 1, "{name}: {command:?}: {}", ended.text);
            assert!(ended.text.contains("a.run"), "{name}: {command:?}: {}", ended.text);
            assert!(ended.took < PATIENCE, "{name}: {command:?} took {:?}", ended.took);
        }
        if whole.contains(name) {
            assert!(std::fs::read(sandbox.path().join("a.run")).unwrap() == before, "{name}: the file was changed");
        }
    }
}

#[test]
fn reading_ends_where_pages_lead_to_the_same_pages_again() {
    let sandbox = further("pages that lead to the same pages again");
    for command in ["eval", "replay", "export"] {
        let ended = outcome(&sandbox, &[command, "a.run"]);
        assert_eq!(ended.status, 1, "{command}: {}", ended.text);
        let told = "a.run is damaged: reading it takes more work than a sound file of its size ever does";
        assert!(ended.text.contains(told), "{command}: {}", ended.text);
        assert!(ended.took < PATIENCE, "{command} took {:?}", ended.took);
    }
}

#[test]
fn what_lies_beside_a_run_is_neither_written_nor_followed() {
    for name in ["a log that is a link", "a journal that names another"] {
        let sandbox = further(name);
        sandbox.write("tasks.jsonl", tasks());
        for command in [&["eval", "a.run"][..], &["import", "tasks.jsonl", "--run", "a.run"]] {
            let ended = outcome(&sandbox, command);
            assert_eq!(ended.status, 1, "{name}: {}", ended.text);
            assert!(ended.text.contains("lies beside the run"), "{name}: {}", ended.text);
        }
        if let Ok(precious) = std::fs::read_to_string(sandbox.path().join("precious")) {
            assert_eq!(precious, "kept");
        }
    }
}

/// The digest that `verify` prints.
fn digest(sandbox: &Sandbox, run: &str) -> String {
    let text = sandbox.run(["verify", run, "--quiet"]).expect(0).stdout();
    let line = text.lines().find_map(|line| line.strip_prefix("digest ")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.starts_with("sha256:") && line.len() == 71, "{text}");
    line.to_owned()
}

#[test]
fn a_program_of_sixty_lines_computes_the_same_digest_from_the_rows() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("run_digest.py");
    assert!(std::fs::read_to_string(&script).unwrap().lines().count() <= 60);
    let mut seen = Vec::new();
    for run in ["scored.run", "principled.run", "imported.run", "replayed.run"] {
        let run_digest = Command::new("python3").arg(&script).arg(RUNS.sandbox.path().join(run)).output().unwrap();
        assert!(run_digest.status.success(), "{}", String::from_utf8_lossy(&run_digest.stderr));
        let computed = String::from_utf8(run_digest.stdout).unwrap();
        assert_eq!(computed.trim(), digest(&RUNS.sandbox, run), "{run}");
        assert!(!seen.contains(&computed));
        seen.push(computed);
    }
}

#[test]
fn every_command_prints_the_digest_and_verify_asks_for_one() {
    let sandbox = &RUNS.sandbox;
    let digest = digest(sandbox, "scored.run");
    let export = sandbox.run(["export", "scored.run", "--out", "rows.csv"]).expect(0).stderr();
    assert!(export.contains(&format!("scored.run has the digest {digest}")), "{export}");
    sandbox.run(["report", "scored.run", "--out", "r.html", "--quiet"]).expect(0);
    let page = std::fs::read_to_string(sandbox.path().join("r.html")).unwrap();
    assert!(page.contains(&format!("digest <code>{digest}</code>")));
    let figures = sandbox.run(["eval", "scored.run", "--format", "json", "--quiet"]).expect(0).stdout();
    let figures: Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures[0]["digest"], json!(digest));

    sandbox.run(["verify", "scored.run", "--digest", &digest]).expect(0);
    let other = format!("sha256:{}", "0".repeat(64));
    let told = sandbox.run(["verify", "scored.run", "--digest", &other]).expect(1).stdout();
    assert!(told.contains(&format!("digest: expected {other}")), "{told}");
    sandbox.run(["verify", "scored.run", "--digest", "sha256:12"]).expect(2);
}

#[test]
fn a_digest_is_of_the_rows_and_not_of_how_the_file_lies_on_the_disk() {
    let digest = digest(&RUNS.sandbox, "scored.run");
    for layout in [
        "PRAGMA page_size = 512; PRAGMA auto_vacuum = full; VACUUM",
        "CREATE TABLE junk (a); INSERT INTO junk VALUES (zeroblob(20000000)); DROP TABLE junk",
        "PRAGMA journal_mode = wal; UPDATE tasks SET preferred = preferred",
    ] {
        let sandbox = edited("scored.run", layout);
        assert_eq!(self::digest(&sandbox, "a.run"), digest, "{layout}");
    }
}

#[test]
fn somebody_who_makes_all_digests_anew_has_another_digest() {
    // The labels are changed, and the run is opened again and closed, with all seals made anew by this very program.
    let sql = "UPDATE tasks SET preferred = 1 - preferred; DELETE FROM seals; DELETE FROM run WHERE key = 'digest'; \
               DELETE FROM rewards";
    let sandbox = edited("scored.run", sql);
    sandbox.write(
        "tasks.jsonl",
        tasks()
            .replace("\"preferred\":0", "\"preferred\":X")
            .replace("\"preferred\":1", "\"preferred\":0")
            .replace("\"preferred\":X", "\"preferred\":1"),
    );
    let (pack, endpoint) = (pack("spct-vote"), RUNS.server.endpoint());
    let score = ["score", "tasks.jsonl", "--run", "a.run", "--endpoint", &endpoint, "--model", "m", "--quiet"];
    sandbox.run(score.iter().chain(&["--seed", "5", "--pack", pack.to_str().unwrap(), "-k", "2"])).expect(0);
    let (forged, made) = (digest(&sandbox, "a.run"), digest(&RUNS.sandbox, "scored.run"));
    assert_ne!(forged, made);
    sandbox.run(["verify", "a.run", "--digest", &made]).expect(1);
}

/// The seals of a run but for what clocks said, and whether it is closed.
fn seals(run: &Path) -> (Vec<String>, bool) {
    let connection = Connection::open(run).unwrap();
    let sql =
        "SELECT hex(content) || hex(principles) || hex(samples) || hex(ratings) || hex(reward) FROM seals ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let seals = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let closed = connection.query_row("SELECT count(*) FROM run WHERE key = 'digest'", [], |row| row.get(0)).unwrap();
    (seals, closed)
}

#[test]
fn seals_are_the_same_in_one_go_with_any_concurrency_and_after_kills() {
    let sandbox = Sandbox::default();
    let server = ModelServer::new(|body| {
        std::thread::sleep(Duration::from_millis(3));
        format!("Analysis: fine\nScores: \\boxed{{{}, 4}}", 1 + body["seed"].as_u64().unwrap() % 9)
    });
    let tasks: String = (0..60)
        .map(|index| format!("{}\n", json!({"id": format!("t{index}"), "prompt": "Which?", "responses": ["a", "b"]})))
        .collect();
    sandbox.write("tasks.jsonl", tasks);
    let (pack, endpoint) = (pack("spct-vote"), server.endpoint());
    let score = |run, concurrency| {
        let score =
            ["score", "tasks.jsonl", "--run", run, "--endpoint", &endpoint, "--model", "m", "--quiet", "-k", "3"];
        let more = ["--seed", "5", "--pack", pack.to_str().unwrap(), "--concurrency", concurrency];
        score.iter().chain(&more).map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    let path = |run: &str| -> PathBuf { sandbox.path().join(run) };
    sandbox.run(score("one.run", "1")).expect(0);
    sandbox.run(score("many.run", "16")).expect(0);
    let whole = seals(&path("one.run"));
    assert_eq!((whole.0.len(), whole.1), (60, true));
    assert_eq!(seals(&path("many.run")), whole);

    let mut child = sandbox.rewarden().args(score("killed.run", "4")).stdout(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
        let sealed = path("killed.run")
            .exists()
            .then(|| Connection::open(path("killed.run")).unwrap())
            .and_then(|run| run.query_row("SELECT count(*) FROM seals", [], |row| row.get::<_, u32>(0)).ok());
        if sealed.is_some_and(|sealed| sealed >= 10) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (killed, closed) = seals(&path("killed.run"));
    assert!((10..60).contains(&killed.len()) && !closed);
    // What is there is sound, and what is not sealed is said to be so.
    let told = sandbox.run(["verify", "killed.run"]).expect(0).stdout();
    assert!(told.contains("(not final)") && told.contains("note: the run is not closed"), "{told}");
    sandbox.run(score("killed.run", "4")).expect(0);
    assert_eq!(seals(&path("killed.run")), whole);
    digest(&sandbox, "killed.run");
}

#[test]
fn a_run_that_is_gone_on_with_has_no_digest_until_it_is_closed_and_what_was_changed_stays_told() {
    let sandbox = edited("scored.run", "UPDATE tasks SET metadata = '{}' WHERE key = 1");
    let more = json!({"id": "t9", "prompt": "Where?", "responses": ["here", "there"]});
    sandbox.write("tasks.jsonl", format!("{more}\n"));
    let (pack, endpoint) = (pack("spct-vote"), RUNS.server.endpoint());
    let score = ["score", "tasks.jsonl", "--run", "a.run", "--endpoint", &endpoint, "--model", "m", "--quiet"];
    let before = digest(&RUNS.sandbox, "scored.run");
    sandbox.run(score.iter().chain(&["--seed", "5", "--pack", pack.to_str().unwrap(), "-k", "2"])).expect(0);
    let told = sandbox.run(["verify", "a.run", "--quiet"]).expect(1).stdout();
    assert!(told.contains("task t0: table tasks changed since the task was sealed"), "{told}");
    assert!(!told.contains(&before), "{told}");
}

/// Puts components into a run as schemas before the fifth have them.
fn unpack_components(run: &Path) {
    let connection = Connection::open(run).unwrap();
    let mut statement = connection.prepare("SELECT digest, wasm FROM components").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    let components: Vec<_> = rows.map(Result::unwrap).collect();
    assert!(!components.is_empty());
    for (digest, packed) in components {
        let wasm = zstd::decode_all(&*packed).unwrap();
        connection.execute("UPDATE components SET wasm = ? WHERE digest = ?", (wasm, digest)).unwrap();
    }
}

#[test]
fn runs_of_schema_2_are_read_verified_replayed_and_gone_on_with_as_they_are() {
    let new_in_4 = [
        ("samples", ["judge", "asked", "built_on", "answer_logprob", "thinking_logprob"].as_slice()),
        ("rewards", &["rejected", "criteria", "confidence"]),
    ];
    let dropped = new_in_4.iter().flat_map(|(table, columns)| {
        columns.iter().map(move |column| format!("ALTER TABLE {table} DROP COLUMN {column}; "))
    });
    let sql = "DROP TABLE seals; DELETE FROM run WHERE key = 'digest'; PRAGMA user_version = 2";
    // Nothing of its plugins has a place of its own in schema 4 alone: `vote` would give a confidence.
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", tasks());
    let (pack, policy, endpoint) = (pack("spct-vote"), component("worst-case"), RUNS.server.endpoint());
    let score =
        ["score", "tasks.jsonl", "--run", "a.run", "--endpoint", &endpoint, "--model", "m", "--quiet", "--seed", "5"];
    let parts = ["--pack", pack.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
    sandbox.run(score.iter().chain(&parts)).expect(0);
    unpack_components(&sandbox.path().join("a.run"));
    edit(&sandbox.path().join("a.run"), &(dropped.collect::<String>() + sql));
    let told = sandbox.run(["verify", "a.run"]).expect(0).stdout();
    assert_eq!(told, "note: the run was made before runs had a digest: whether its rows were changed cannot be told\n");
    let rows = sandbox.run(["replay", "a.run", "--quiet"]).expect(0).rows();
    assert_eq!(rows.len(), 3);
    let figures = sandbox.run(["eval", "a.run", "--format", "json", "--quiet"]).expect(0).stdout();
    assert_eq!(serde_json::from_str::<Value>(&figures).unwrap()[0]["digest"], Value::Null);
    let more = json!({"id": "t9", "prompt": "Where?", "responses": ["here", "there"]});
    sandbox.write("tasks.jsonl", format!("{}{more}\n", tasks()));
    sandbox.run(score.iter().chain(&parts)).expect(0);
    let connection = Connection::open(sandbox.path().join("a.run")).unwrap();
    let version = "SELECT user_version FROM pragma_user_version";
    assert_eq!(connection.query_row(version, [], |row| row.get::<_, u32>(0)).unwrap(), 2);
    assert!(sandbox.run(["verify", "a.run"]).expect(0).stdout().contains("made before runs had a digest"));
}

#[test]
fn a_file_with_the_name_of_a_journal_and_a_directory_that_is_not_there_are_called_that() {
    let sandbox = edited("scored.run", "");
    sandbox.write("a.run-journal", "hello world\n");
    for arguments in [vec!["verify", "a.run"], vec!["export", "a.run"], vec!["eval", "a.run"]] {
        let stderr = sandbox.run(&arguments).expect(1).stderr();
        let told = "a.run-journal lies beside the run and has the name of its journal and is none; move it away\n";
        assert!(stderr.ends_with(told), "{arguments:?}: {stderr}");
    }
    sandbox.write("log.jsonl", r#"{"id": "a", "prompt": "q", "responses": ["a"], "samples": []}"#);
    let stderr = sandbox.run(["import", "log.jsonl", "--run", "nope/x.run", "--quiet"]).expect(1).stderr();
    assert_eq!(stderr, "error: there is no directory nope for nope/x.run; make it, or give another path\n");
}

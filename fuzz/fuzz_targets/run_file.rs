//! A damaged or edited run is read or refused in words; it never takes the process with it, nor keeps it busy. And no value of a
//! closed run is changed unseen: what was edited by SQL is told by its digest, or refused.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rewarden_fuzz::{Choices, damaged};
use rewarden_record::{
    Budget, Drawn, MetaRecord, PrinciplesRecord, RecordedComponent, SampleRecord, SamplingProvenance,
};
use rewarden_store::{Header, RunReader, RunSource, RunWriter};
use rewarden_types::{
    Completion, CriterionScore, FinishReason, Identity, Judgement, Outcome, Principle, Rating, Reward, Score,
    ScoreLevel, Sha256Digest, Task, Usage,
};
use rusqlite::Connection;
use rusqlite::types::Value;

static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

/// The bytes of a closed run with two tasks and a row in every table.
static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = DIRECTORY.path().join("base.run");
    let drawn = Drawn {
        model: Identity::new("recorded", "m"),
        meta_model: None,
        judge_models: BTreeMap::new(),
        sampling: SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: Some(16) },
        seed: 1,
        budget: Budget { max_samples: 4, max_rounds: 4 },
    };
    let wasm = b"\0asm".to_vec();
    let component = RecordedComponent { name: "part".into(), digest: Sha256Digest::of(&wasm), wasm };
    let header = Header::new(RunSource::Import, None, drawn, None);
    let writer = RunWriter::open(&path, &header, &[component]).expect("a new run");
    writer.begin().expect("a transaction");
    for id in ["t", "u"] {
        let key = writer.begin_task(&task(id)).expect("a task").key;
        writer.judged_under(key, &principles()).expect("principles");
        writer.add_sample(key, &sample(0)).expect("a sample");
        writer.add_sample(key, &sample(1)).expect("a sample");
        let scores = vec![Score::Value(9.0), Score::Value(2.0)];
        writer
            .finish_task(
                key,
                &Ok(Reward {
                    scores,
                    used: vec![0, 1],
                    criteria: vec![criterion()],
                    confidence: Some(0.5),
                    ..Reward::default()
                }),
            )
            .expect("an end");
    }
    writer.close().expect("a closed run");
    std::fs::read(path).expect("the run's bytes")
});

/// What the base holds, and its schema.
static HELD: LazyLock<Vec<String>> = LazyLock::new(|| held(&DIRECTORY.path().join("base.run")).expect("a sound run"));

fn task(id: &str) -> Task {
    Task {
        id: id.into(),
        messages: vec![rewarden_types::Message { role: rewarden_types::Role::User, content: "2+2?".into() }].into(),
        responses: vec!["4".into(), "5".into()].into(),
        reference: Some("4".into()),
        preferred: Some(0),
        metadata: serde_json::Map::new(),
    }
}

fn completion(text: &str) -> Completion {
    Completion {
        usage: Usage { prompt_tokens: 9, completion_tokens: 7 },
        ..Completion::of_text(text, FinishReason::Stop)
    }
}

fn principles() -> PrinciplesRecord {
    PrinciplesRecord {
        query: Sha256Digest::of(b"query"),
        temperature: 0.5,
        seed: 4,
        prompt: None,
        completion: Some(completion("1. Truth")),
        seconds: Some(1.5),
        outcome: Ok(vec![Principle { name: "Truth".into(), weight: Some(1.0), text: "facts hold".into() }]),
    }
}

fn criterion() -> CriterionScore {
    CriterionScore { criterion: "tone".into(), response: 0, score: Score::Value(2.0), reason: Some("kind".into()) }
}

fn sample(id: u32) -> SampleRecord {
    let meta = MetaRecord { rating: Rating::Rated(0.5), prompt: None, completion: None, seconds: Some(0.25) };
    SampleRecord {
        id,
        round: 1,
        order: vec![1, 0],
        judge: Some("strong".into()),
        asked: vec!["tone".into()],
        built_on: Vec::new(),
        temperature: 0.5,
        seed: 3,
        prompt: None,
        completion: Some(Completion {
            answer_logprob: Some(-0.5),
            thinking_logprob: Some(-0.75),
            ..completion(r"\boxed{2, 9}")
        }),
        seconds: Some(0.1),
        judgement: Some(Judgement {
            scores: vec![Score::Value(2.0), Score::Value(9.0)],
            criteria: vec![criterion()],
            confidence: Some(0.75),
            distributions: vec![vec![ScoreLevel { score: 2.0, probability: 1.0 }], vec![]],
            principles: Vec::new(),
            critique: Some("fine".into()),
        }),
        outcome: Outcome::Scored(vec![Some(Score::Value(9.0)), Some(Score::Value(2.0))]),
        meta: Some(meta),
        extra: serde_json::Map::new(),
    }
}

const TABLES: [&str; 9] =
    ["run", "components", "tasks", "principles", "queries", "samples", "ratings", "rewards", "seals"];

/// Every value of every table, and the schema.
fn held(path: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open(path)?;
    let mut all = Vec::new();
    for table in TABLES.iter().chain(&["sqlite_schema"]) {
        let order = if *table == "sqlite_schema" { "name" } else { "1, 2" };
        let columns = if *table == "sqlite_schema" { "type, name, tbl_name, sql" } else { "*" };
        let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table} ORDER BY {order}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..columns).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            all.push(format!("{table} {values:?}"));
        }
    }
    Ok(all)
}

fn value(choices: &mut Choices<'_>) -> Value {
    match choices.byte() % 8 {
        0 => Value::Null,
        1 => Value::Integer(i64::from(choices.byte())),
        2 => Value::Integer(i64::MIN | i64::from(choices.byte())),
        3 => Value::Real(f64::from(choices.byte()) / 8.0),
        4 => Value::Real([f64::INFINITY, f64::NAN, -1e308, 5e-324][usize::from(choices.byte() % 4)]),
        5 => Value::Text(
            ["", "[]", "{}", "[1,0]", "[0,0]", "trap", "1", "\u{1b}[31m"][usize::from(choices.byte() % 8)].into(),
        ),
        6 => Value::Text("x".repeat(choices.short())),
        _ => Value::Blob(vec![choices.byte(); usize::from(choices.byte() % 40)]),
    }
}

/// Statements against the schema, in which $ stands for a table.
const SCHEMA_EDITS: [&str; 10] = [
    "CREATE VIEW v AS SELECT * FROM $",
    "CREATE TRIGGER t AFTER INSERT ON $ BEGIN DELETE FROM tasks; END",
    "CREATE INDEX i ON $ (1)",
    "ALTER TABLE $ ADD COLUMN more",
    "ALTER TABLE $ ADD COLUMN more AS (1)",
    "ALTER TABLE $ RENAME TO kept",
    "DROP TABLE $",
    "ANALYZE",
    "VACUUM",
    "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = '$'",
];

/// Edits a run as anybody can who has SQLite; edits that SQLite itself refuses are left out.
fn edit(path: &Path, choices: &mut Choices<'_>) {
    let connection = Connection::open(path).expect("a database");
    let _ = connection
        .execute_batch("PRAGMA foreign_keys = off; PRAGMA writable_schema = on; PRAGMA journal_mode = memory");
    for _ in 0..=choices.byte() % 3 {
        let table = TABLES[usize::from(choices.byte()) % TABLES.len()];
        let kind = choices.byte() % 8;
        if kind == 0 {
            let sql = SCHEMA_EDITS[usize::from(choices.byte()) % SCHEMA_EDITS.len()];
            let _ = connection.execute_batch(&sql.replace('$', table));
            continue;
        }
        let Ok(statement) = connection.prepare(&format!("SELECT * FROM {table}")) else { continue };
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let (first, column) = (&columns[0], &columns[usize::from(choices.byte()) % columns.len()]);
        let row = usize::from(choices.byte() % 4);
        let row = format!("{first} = (SELECT {first} FROM {table} ORDER BY 1 LIMIT 1 OFFSET {row})");
        let _ = match kind {
            1 => connection.execute(&format!("DELETE FROM {table} WHERE {row}"), []),
            2 => {
                connection.execute(&format!("INSERT INTO {table} ({first}, {column}) VALUES (9, ?)"), [value(choices)])
            }
            3 => connection
                .execute(&format!("UPDATE {table} SET {column} = {column} || ? WHERE {row}"), [value(choices)]),
            _ => connection.execute(&format!("UPDATE {table} SET {column} = ? WHERE {row}"), [value(choices)]),
        };
    }
}

/// Goes through a run as `verify` does: whether anything is told or refused.
fn is_told(path: &Path) -> bool {
    let run = match RunReader::open_changed(path) {
        Ok(run) => run,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return true;
        }
    };
    let mut told = 0;
    let Ok(checked) = run.changes(|_| told += 1) else { return true };
    told > 0 || !checked.closed || read(&run).is_err() || RunReader::open(path).is_err()
}

fn read(run: &RunReader) -> Result<(), rewarden_store::StoreError> {
    run.tasks()?;
    run.samples()?;
    let mut after = None;
    // A damaged file may well lead in a circle: a few steps are enough.
    for _ in 0..4 {
        match run.chunk(after, 2)?.last() {
            Some(last) => after = Some(last.key),
            None => break,
        }
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let path = DIRECTORY.path().join("damaged.run");
    let mut choices = Choices(data);
    if choices.byte() % 2 == 0 {
        std::fs::write(&path, damaged(&BASE, choices)).expect("a writable file");
        is_told(&path);
        if let Ok(run) = RunReader::open(&path) {
            let _ = read(&run);
        }
        return;
    }
    std::fs::write(&path, &*BASE).expect("a writable file");
    edit(&path, &mut choices);
    // A table that is not there any more is a change too.
    let changed = held(&path).map_or(true, |held| held != *HELD);
    assert_eq!(is_told(&path), changed, "a change must be told, and nothing else");
});

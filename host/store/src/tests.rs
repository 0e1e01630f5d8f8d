//! Runs as a whole: what is written is sealed, and no stored value can be changed unseen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rewarden_types::{
    Completion, CriterionScore, Detail, DetailValue, Failure, FailureKind, FinishReason, Identity, Judgement, Message,
    Outcome, Principle, Rating, Rejection, RejectionKind, Reward, Role, Score, ScoreLevel, Sha256Digest, Task, Usage,
};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;

use super::*;
use rewarden_record::{
    Budget, Drawn, Journal, MetaRecord, PrinciplesRecord, RecordedComponent, SampleRecord, SamplingProvenance,
    TaskFailure, TaskFailureKind,
};

fn header() -> Header {
    let drawn = Drawn {
        model: Identity::new("recorded", "m"),
        meta_model: None,
        judge_models: BTreeMap::new(),
        sampling: SamplingProvenance { temperature: 0.5, top_p: None, max_tokens: Some(16) },
        seed: 1,
        budget: Budget { max_samples: 4, max_rounds: 4 },
    };
    Header::new(RunSource::Replay, Some("log.jsonl".into()), drawn, None)
}

fn task(id: &str) -> Task {
    Task {
        id: id.into(),
        messages: vec![Message { role: Role::User, content: "2+2?".into() }].into(),
        responses: vec!["4".into(), "5".into()].into(),
        reference: Some("4".into()),
        preferred: Some(0),
        metadata: json!({"subset": "maths"}).as_object().unwrap().clone(),
    }
}

fn completion(text: &str) -> Completion {
    let usage = Usage { prompt_tokens: 9, completion_tokens: 7 };
    Completion { thinking: Some("hm".into()), usage, ..Completion::of_text(text, FinishReason::Stop) }
}

fn criterion() -> CriterionScore {
    CriterionScore { criterion: "tone".into(), response: 0, score: Score::Value(2.0), reason: Some("kind".into()) }
}

fn sample(id: u32) -> SampleRecord {
    SampleRecord {
        id,
        round: 1,
        order: vec![1, 0],
        judge: Some("strong".into()),
        asked: vec!["tone".into()],
        built_on: Vec::new(),
        temperature: 0.5,
        seed: 3,
        prompt: Some(Sha256Digest::of(b"prompt")),
        completion: Some(Completion {
            answer_logprob: Some(-0.5),
            thinking_logprob: Some(-0.75),
            ..completion("2, 9")
        }),
        seconds: Some(0.25),
        judgement: Some(Judgement {
            scores: vec![Score::Value(2.0), Score::Value(9.0)],
            criteria: vec![criterion()],
            confidence: Some(0.75),
            distributions: vec![vec![ScoreLevel { score: 2.0, probability: 1.0 }], vec![]],
            principles: Vec::new(),
            critique: Some("fine".into()),
        }),
        outcome: Outcome::Scored(vec![Some(Score::Value(9.0)), Some(Score::Value(2.0))]),
        meta: Some(MetaRecord {
            rating: Rating::Rated(0.75),
            prompt: None,
            completion: Some(completion("0.75")),
            seconds: Some(0.5),
        }),
        extra: json!({"annotator": "x"}).as_object().unwrap().clone(),
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

fn reward() -> Result<Reward, TaskFailure> {
    Ok(Reward {
        scores: vec![Score::Value(9.0), Score::Value(2.0)],
        used: vec![],
        rejected: vec![Rejection { sample: 0, kind: RejectionKind::MissingCriterion, message: "no tone".into() }],
        criteria: vec![criterion()],
        confidence: Some(0.5),
        details: vec![Detail { name: "votes".into(), value: DetailValue::Number(1.0) }],
    })
}

/// A closed run with a row in every table: a task with everything, one that failed, and one that is unfinished.
fn written(directory: &Path) -> PathBuf {
    let path = directory.join("a.run");
    let wasm = b"\0asm".to_vec();
    let component = RecordedComponent { name: "part".into(), digest: Sha256Digest::of(&wasm), wasm };
    let writer = RunWriter::open(&path, &header(), &[component]).unwrap();
    writer.begin().unwrap();
    let key = writer.begin_task(&task("whole")).unwrap().key;
    writer.judged_under(key, &principles()).unwrap();
    writer.add_sample(key, &sample(0)).unwrap();
    writer.finish_task(key, &reward()).unwrap();
    let key = writer.begin_task(&task("failed")).unwrap().key;
    let failure = TaskFailure { kind: TaskFailureKind::Scorer, message: "no".into() };
    writer.finish_task(key, &Err(failure)).unwrap();
    let key = writer.begin_task(&task("open")).unwrap().key;
    writer.add_sample(key, &sample(0)).unwrap();
    writer.close().unwrap();
    path
}

/// The changes that are told of a run, or why it is refused.
fn found(path: &Path) -> Result<Vec<String>, String> {
    let run = RunReader::open_changed(path).map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    let checked = run.changes(|change| told.push(change.to_string())).map_err(|error| error.to_string())?;
    if !checked.closed {
        told.push("not closed".to_owned());
    }
    run.chunk(None, 10).map_err(|error| error.to_string())?;
    Ok(told)
}

/// Every value of a table, by row and column.
fn values(connection: &Connection, table: &str) -> Vec<Vec<(String, Value)>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        names.iter().enumerate().map(|(index, name)| Ok((name.clone(), row.get(index)?))).collect()
    };
    statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
}

const TABLES: [&str; 9] =
    ["run", "components", "tasks", "principles", "queries", "samples", "ratings", "rewards", "seals"];

#[test]
fn no_stored_value_of_a_closed_run_can_be_changed_unseen() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path());
    assert_eq!(found(&path), Ok(vec![]));
    let (sound, edited) = (std::fs::read(&path).unwrap(), directory.path().join("edited.run"));
    let others = [
        Value::Null,
        Value::Integer(7),
        Value::Integer(-1),
        Value::Real(0.125),
        Value::Text(String::new()),
        Value::Text("[]".into()),
        Value::Blob(vec![0; 32]),
    ];
    let mut tried = 0;
    std::fs::write(&edited, &sound).unwrap();
    let connection = Connection::open(&edited).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = off; PRAGMA journal_mode = memory; PRAGMA synchronous = off")
        .unwrap();
    for table in TABLES {
        let before = values(&connection, table);
        assert!(!before.is_empty(), "{table} has no row to try");
        for (index, row) in before.iter().enumerate() {
            // By all of its old values: tables have different keys.
            let row_is = row.iter().enumerate().map(|(at, (name, _))| format!("{name} IS ?{}", at + 2));
            let condition = row_is.collect::<Vec<_>>().join(" AND ");
            for (name, _) in row {
                for other in &others {
                    let mut parameters = vec![other.clone()];
                    parameters.extend(row.iter().map(|(_, value)| value.clone()));
                    let sql = format!("UPDATE {table} SET {name} = ?1 WHERE {condition}");
                    connection.execute_batch("SAVEPOINT before").unwrap();
                    // Refused where the schema itself forbids it.
                    let changed =
                        connection.execute(&sql, rusqlite::params_from_iter(parameters)).is_ok_and(|n| n == 1)
                            && values(&connection, table) != before;
                    connection
                        .execute_batch(if changed { "RELEASE before" } else { "ROLLBACK TO before; RELEASE before" })
                        .unwrap();
                    if changed {
                        tried += 1;
                        let found = found(&edited);
                        assert!(found != Ok(vec![]), "{table}, row {index}, {name} = {other:?} is not found");
                        // Back, by the value before.
                        restore(&connection, table, &before);
                    }
                }
            }
            let deleted = format!("DELETE FROM {table} WHERE {condition}");
            let mut parameters = vec![Value::Null];
            parameters.extend(row.iter().map(|(_, value)| value.clone()));
            assert_eq!(connection.execute(&deleted, rusqlite::params_from_iter(parameters)).unwrap(), 1);
            assert!(found(&edited) != Ok(vec![]), "{table}, row {index}: that it is gone is not found");
            restore(&connection, table, &before);
        }
    }
    assert!(tried > 500, "only {tried} edits");
    assert_eq!(found(&edited), Ok(vec![]));
}

fn restore(connection: &Connection, table: &str, rows: &[Vec<(String, Value)>]) {
    connection.execute(&format!("DELETE FROM {table}"), []).unwrap();
    for row in rows {
        let places = vec!["?"; row.len()].join(", ");
        let values = row.iter().map(|(_, value)| value.clone());
        let sql = format!("INSERT INTO {table} VALUES ({places})");
        connection.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
    }
}

#[test]
fn what_is_written_comes_back_and_the_digest_holds_while_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path());
    let run = RunReader::open(&path).unwrap();
    let digest = run.digest();
    assert!(digest.is_some());
    let tasks = run.chunk(None, 10).unwrap();
    assert_eq!(tasks.len(), 3);
    assert_eq!(tasks[0].samples, [sample(0)]);
    assert_eq!(tasks[0].principles.as_deref(), Some(&principles()));
    assert_eq!(tasks[0].reward, Some(reward()));
    drop(run);
    // Opened for writing and closed again, with nothing written.
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    assert_eq!(writer.begin_task(&task("whole")).unwrap().samples, [sample(0)]);
    writer.close().unwrap();
    assert_eq!(RunReader::open(&path).unwrap().digest(), digest);
    assert_eq!(found(&path), Ok(vec![]));
}

#[test]
fn a_run_that_is_written_again_has_no_digest_until_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path());
    let before = RunReader::open(&path).unwrap().digest();
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    let begun = writer.begin_task(&task("open")).unwrap();
    writer.add_sample(begun.key, &sample(1)).unwrap();
    writer.commit().unwrap();
    let open = RunReader::open(&path).unwrap();
    assert_eq!(open.digest(), None);
    let checked = open.changes(|change| panic!("{change}")).unwrap();
    assert_eq!((checked.closed, checked.unsealed), (false, 1));
    writer.finish_task(begun.key, &reward()).unwrap();
    writer.close().unwrap();
    let after = RunReader::open(&path).unwrap().digest();
    assert!(after.is_some() && after != before);
    assert_eq!(found(&path), Ok(vec![]));
}

#[test]
fn a_changed_task_is_neither_read_nor_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path());
    Connection::open(&path).unwrap().execute_batch("UPDATE tasks SET reference = '5' WHERE key = 3").unwrap();
    let told = "task open: table tasks changed since the task was sealed";
    assert!(RunReader::open(&path).unwrap().chunk(None, 10).unwrap_err().to_string().contains(told));
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    let changed = Task { reference: Some("5".into()), ..task("open") };
    assert!(writer.begin_task(&changed).unwrap_err().to_string().contains(told));
}

#[test]
fn forgetting_failures_of_the_model_opens_their_tasks_and_their_seals_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run");
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    let failure = Failure { kind: FailureKind::ModelError, message: "gone".into() };
    for id in ["good", "bad"] {
        let key = writer.begin_task(&task(id)).unwrap().key;
        writer.add_sample(key, &sample(0)).unwrap();
        if id == "bad" {
            let failed = SampleRecord { outcome: Outcome::Failed(failure.clone()), round: 2, meta: None, ..sample(1) };
            writer.add_sample(key, &failed).unwrap();
            writer.add_sample(key, &SampleRecord { round: 3, ..sample(2) }).unwrap();
        }
        writer.finish_task(key, &reward()).unwrap();
    }
    writer.close().unwrap();
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    assert_eq!(writer.forget_model_errors(), Ok(1));
    let tasks = RunReader::open(&path).unwrap().chunk(None, 10).unwrap();
    assert_eq!((tasks[0].samples.len(), tasks[0].reward.is_some()), (1, true));
    // The sample before the failure stays, its rating does not.
    assert_eq!((tasks[1].samples.len(), tasks[1].reward.is_some()), (1, false));
    assert_eq!(tasks[1].samples[0].meta, None);
    assert_eq!(writer.forget_model_errors(), Ok(0));
    writer.close().unwrap();
    assert_eq!(found(&path), Ok(vec![]));
}

#[test]
fn a_retrying_writer_begins_a_task_again_that_ended_in_an_outage_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run");
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    let outage = Outcome::Failed(Failure::new(FailureKind::ModelError, "503"));
    for (id, outcome) in [("good", sample(0).outcome), ("bad", outage)] {
        let key = writer.begin_task(&task(id)).unwrap().key;
        writer.add_sample(key, &SampleRecord { outcome, meta: None, ..sample(0) }).unwrap();
        writer.finish_task(key, &reward()).unwrap();
    }
    writer.close().unwrap();
    let begun = |writer: &RunWriter, id: &str| {
        writer.begin().unwrap();
        let begun = writer.begin_task(&task(id)).unwrap();
        (begun.samples.len(), begun.reward.is_some())
    };
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    assert_eq!([begun(&writer, "good"), begun(&writer, "bad")], [(1, true), (1, true)]);
    writer.close().unwrap();
    let writer = RunWriter::open(&path, &header(), &[]).unwrap().retrying();
    assert_eq!([begun(&writer, "good"), begun(&writer, "bad")], [(1, true), (0, false)]);
    writer.close().unwrap();
    assert_eq!(found(&path), Ok(vec![]));
}

#[test]
fn a_row_that_is_too_large_is_refused_by_its_name_and_the_run_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run");
    let writer = RunWriter::open(&path, &header(), &[]).unwrap();
    writer.begin().unwrap();
    let large = Task { reference: Some("x".repeat(65 << 20).into()), ..task("large") };
    let error = writer.begin_task(&large).unwrap_err();
    assert!(error.to_string().starts_with("task `large` has more than 67108864 bytes, the most that a run"), "{error}");
    writer.begin_task(&task("small")).unwrap();
    writer.close().unwrap();
    assert_eq!(RunReader::open(&path).unwrap().tasks(), Ok(1));
}

#[test]
fn what_waits_in_the_recorder_is_sealed_with_its_task() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.run");
    let recorder = Recorder::start(RunWriter::open(&path, &header(), &[]).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let begun = recorder.begin(&task("whole")).await.unwrap();
        recorder.judged_under(begun.key, &Arc::new(principles())).await;
        // Samples come as they are drawn.
        for id in [1, 0] {
            recorder.sample(begun.key, &sample(id)).await;
        }
        recorder.finish(begun.key, &reward()).await.unwrap();
    });
    recorder.close().unwrap();
    assert_eq!(found(&path), Ok(vec![]));
}

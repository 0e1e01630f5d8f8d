//! Completions recorded elsewhere, and rows for elsewhere.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rewarden_tests::{ModelServer, Sandbox, pack, prompt, rows};
use serde_json::{Value, json};

const TASKS: &str = r#"{"id": "t1", "prompt": "2+2?", "responses": ["4", "5"], "preferred": 0, "metadata": {"subset": "maths"}}
{"id": "t2", "prompt": "Capital of Peru?", "responses": ["Quito", "Lima"], "preferred": 1}
"#;

fn boxed(scores: &str) -> Value {
    json!(format!("Analysis: fine\nScores: \\boxed{{{scores}}}"))
}

fn replay(sandbox: &Sandbox, run: &str) -> Vec<Value> {
    let pack = pack("spct-vote");
    sandbox.run(["replay", run, "--pack", pack.to_str().unwrap(), "--all-samples", "--quiet"]).expect(0).rows()
}

#[test]
fn what_an_imported_judge_only_thought_is_no_verdict() {
    let sandbox = Sandbox::default();
    let rows = [
        ("unclosed", json!({"text": "<think>At first sight \\boxed{3, 9}. But wait", "finish": "length"})),
        ("no answer", json!({"text": "<think>Perhaps \\boxed{2, 9}?</think>\nBoth have their merits."})),
        ("answer", json!({"text": "<think>Perhaps \\boxed{2, 9}?</think>\nScores: \\boxed{8, 5}"})),
    ];
    let row = |(id, sample): (&str, Value)| {
        json!({"id": id, "prompt": "q", "responses": ["a", "b"], "samples": [sample]}).to_string()
    };
    sandbox.write("log.jsonl", rows.map(row).join("\n"));
    sandbox.run(["import", "log.jsonl", "--run", "log.run", "--quiet"]).expect(0);
    let pack = pack("spct-vote");
    let replayed =
        sandbox.run(["replay", "log.run", "--pack", pack.to_str().unwrap(), "--all-samples", "--quiet"]).rows();
    let scores: Vec<&Value> = replayed.iter().map(|row| &row["scores"]).collect();
    assert_eq!(scores, [&json!([null, null]), &json!([null, null]), &json!([8.0, 5.0])]);
    let samples = sandbox.run(["export", "log.run", "--what", "samples"]).expect(0).rows();
    assert_eq!(samples[2]["thinking"], json!("Perhaps \\boxed{2, 9}?"));
}

#[test]
fn a_log_of_tasks_with_their_samples_is_replayed_with_scores_in_the_tasks_own_order() {
    let sandbox = Sandbox::default();
    let log = json!({"id": "t", "prompt": "2+2?", "responses": ["4", "5"], "samples": [
        {"text": boxed("9, 2")},
        {"text": boxed("1, 8"), "order": [1, 0], "finish": "stop", "usage": {"prompt_tokens": 90, "completion_tokens": 7},
         "thinking": "hm", "seconds": 1.5, "temperature": 0.7, "annotator": "x"},
        {"text": "no idea"},
    ]});
    sandbox.write("log.jsonl", format!("{log}\n"));
    sandbox.run(["import", "log.jsonl", "--run", "log.run", "--model", "gpt"]).expect(0);
    let row = &replay(&sandbox, "log.run")[0];
    assert_eq!((&row["scores"], &row["failures"]), (&json!([17.0, 3.0]), &json!({"unparsable": 1})));
    assert_eq!(row["provenance"]["model"]["model"], "gpt");

    let samples = sandbox.run(["export", "log.run", "--what", "samples"]).expect(0).rows();
    assert_eq!(samples[1]["extra"], json!({"annotator": "x"}));
    assert_eq!((&samples[1]["order"], &samples[1]["seconds"]), (&json!([1, 0]), &json!(1.5)));
    assert_eq!((&samples[1]["completion_tokens"], &samples[0]["completion_tokens"]), (&json!(7), &json!(null)));

    // Nothing has read an import yet.
    let stderr = sandbox.run(["eval", "log.run"]).expect(1).stderr();
    assert!(stderr.contains("was imported and nothing has read it yet") && stderr.contains("--pack"), "{stderr}");
}

#[test]
fn samples_that_name_their_task_are_kept_apart_by_their_other_fields() {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    let grouped = json!({"task": "t1", "judge": "a", "samples": [{"text": boxed("9, 2")}, {"text": boxed("8, 1")}]});
    let flat = |task: &str, scores| json!({"task": task, "judge": "b", "text": boxed(scores), "order": [1, 0]});
    let lines = [grouped, flat("t1", "3, 5"), flat("t2", "7, 7"), flat("t1", "2, 6")].map(|row| format!("{row}\n"));
    sandbox.write("log.jsonl", lines.concat());
    sandbox
        .run(["import", "log.jsonl", "--tasks", "tasks.jsonl", "--field", "origin=here", "--run", "log.run"])
        .expect(0);
    let scores: Vec<Value> = replay(&sandbox, "log.run").iter().map(|row| json!([row["id"], row["scores"]])).collect();
    assert_eq!(scores, [json!(["t1/a", [17.0, 3.0]]), json!(["t1/b", [11.0, 5.0]]), json!(["t2/b", [7.0, 7.0]])]);
    let rewards = sandbox.run(["export", "log.run"]).expect(0).rows();
    assert!(rewards.is_empty(), "an import has no rewards");

    // The same file again adds nothing.
    let again =
        sandbox.run(["import", "log.jsonl", "--tasks", "tasks.jsonl", "--field", "origin=here", "--run", "log.run"]);
    assert!(again.expect(0).stderr().contains("5 samples belong to tasks that the run held before"));
}

#[test]
fn fields_that_are_named_or_that_cannot_tell_tasks_apart_belong_to_the_samples() {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    let flat = |scores: &str, annotator: &str, marks: Value| json!({"task": "t1", "judge": "a", "text": boxed(scores), "annotator": annotator, "marks": marks});
    let many = json!({"task": "t2", "judge": "a", "annotator": "both", "samples": [
        {"text": boxed("1, 2")}, {"text": boxed("3, 4"), "annotator": "own"}]});
    let lines = [flat("9, 2", "x", json!([1])), flat("8, 1", "y", json!({"of": 2})), many];
    sandbox.write("log.jsonl", lines.map(|row| format!("{row}\n")).concat());
    let import = ["import", "log.jsonl", "--tasks", "tasks.jsonl", "--sample-field", "annotator", "--run", "log.run"];
    sandbox.run(import).expect(0);
    let samples = sandbox.run(["export", "log.run", "--what", "samples"]).expect(0).rows();
    let kept: Vec<Value> = samples.iter().map(|sample| json!([sample["task"], sample["extra"]])).collect();
    assert_eq!(
        kept,
        [
            json!(["t1/a", {"marks": [1], "annotator": "x"}]),
            json!(["t1/a", {"marks": {"of": 2}, "annotator": "y"}]),
            json!(["t2/a", {"annotator": "both"}]),
            json!(["t2/a", {"annotator": "own"}]),
        ]
    );
}

#[test]
fn a_seed_is_kept_to_the_last_digit_or_refused() {
    let sandbox = Sandbox::default();
    let log = |seed: u64| {
        let samples = json!([{"text": boxed("9, 2"), "seed": seed}]);
        json!({"id": "t", "prompt": "?", "responses": ["a", "b"], "samples": samples}).to_string()
    };
    let most = i64::MAX as u64;
    sandbox.write("log.jsonl", log(most));
    sandbox.run(["import", "log.jsonl", "--run", "log.run"]).expect(0);
    let samples = sandbox.run(["export", "log.run", "--what", "samples"]).expect(0).rows();
    assert_eq!(samples[0]["seed"], json!(most));

    sandbox.write("log.jsonl", log(most + 1));
    let stderr = sandbox.run(["import", "log.jsonl", "--run", "other.run"]).expect(1).stderr();
    assert!(stderr.contains("row 1") && stderr.contains("field `seed`: expected a whole number from 0 to"), "{stderr}");
    assert!(stderr.contains("9223372036854775808"), "{stderr}");
}

#[test]
fn a_log_that_cannot_be_read_is_told_by_its_row_and_field() {
    let told = |row: Value, more: &[&str]| {
        let sandbox = Sandbox::default();
        sandbox.write("tasks.jsonl", TASKS);
        sandbox.write("log.jsonl", format!("\n{row}\n"));
        let arguments = ["import", "log.jsonl", "--run", "log.run"];
        let stderr = sandbox.run(arguments.iter().chain(more)).expect(1).stderr();
        assert!(stderr.contains("log.jsonl: row 2"), "{stderr}");
        stderr
    };
    let tasks = ["--tasks", "tasks.jsonl"];
    let order = told(json!({"task": "t1", "text": "x", "order": [0, 2]}), &tasks);
    assert!(order.contains("field `order`: expected indices of 2 responses"), "{order}");
    assert!(told(json!({"task": "t9", "text": "x"}), &tasks).contains("task `t9`, which is not in tasks.jsonl"));
    assert!(told(json!({"task": "t1", "text": "x"}), &[]).contains("name it with --tasks FILE"));
    assert!(told(json!({"task": "t1", "samples": [{"txt": "x"}]}), &tasks).contains("missing field `text`"));
    assert!(told(json!({"text": "x"}), &tasks).contains("neither `responses`"));
    assert!(told(json!({"prompt": "q", "responses": ["a"]}), &[]).contains("no `samples`"));
}

fn judge() -> ModelServer {
    ModelServer::new(|body| {
        let shown = prompt(body).matches("[The Begin of Response").count();
        let scores: Vec<String> = (0..shown).map(|index| (9 - index).to_string()).collect();
        format!("Scores: \\boxed{{{}}}", scores.join(", "))
    })
}

fn score(sandbox: &Sandbox, tasks: &str, more: &[&str]) -> rewarden_tests::Run {
    let (server, pack) = (judge(), pack("spct-vote"));
    let endpoint = server.endpoint();
    let mut arguments = vec!["score", tasks, "--pack", pack.to_str().unwrap(), "--endpoint", &endpoint, "--model", "m"];
    arguments.extend(["-k", "2", "--set", "policy.shuffle=none", "--format", "jsonl"]);
    arguments.extend(more);
    sandbox.run(arguments)
}

#[test]
fn rewards_and_samples_are_exported_alike_in_every_format() {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    score(&sandbox, "tasks.jsonl", &["--run", "a.run"]).expect(0);
    let jsonl = sandbox.run(["export", "a.run"]).expect(0).rows();
    assert_eq!(jsonl[0]["scores"], json!([18.0, 16.0]));
    assert_eq!((&jsonl[0]["preferred"], &jsonl[0]["metadata"]), (&json!(0), &json!({"subset": "maths"})));

    for out in ["r.parquet", "r.csv", "r.jsonl"] {
        sandbox.run(["export", "a.run", "--out", out]).expect(0);
    }
    assert_eq!(rows(&std::fs::read_to_string(sandbox.path().join("r.jsonl")).unwrap()), jsonl);
    let csv = std::fs::read_to_string(sandbox.path().join("r.csv")).unwrap();
    assert!(csv.starts_with("id,scores,best,") && csv.contains("t1,\"[18.0,16.0]\",0,[],0,2,2,"), "{csv}");
    let file = std::fs::File::open(sandbox.path().join("r.parquet")).unwrap();
    let batches: Vec<RecordBatch> =
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().collect::<Result<_, _>>().unwrap();
    let batch = &batches[0];
    assert_eq!(batch.num_rows(), 2);
    let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
    assert_eq!((ids.value(0), ids.value(1)), ("t1", "t2"));
    let scores: &ListArray = batch.column_by_name("scores").unwrap().as_list();
    assert_eq!(scores.value(1).as_primitive::<Float64Type>().values(), &[18.0, 16.0]);
    assert_eq!(batch.column_by_name("best").unwrap().as_primitive::<Int64Type>().value(0), 0);

    let filtered = sandbox.run(["export", "a.run", "--what", "samples", "--where", "subset=math*"]).expect(0).rows();
    assert_eq!(filtered.len(), 2);
    let stderr = sandbox.run(["export", "a.run", "--format", "parquet"]).expect(1).stderr();
    assert!(stderr.contains("give --out FILE"), "{stderr}");
}

fn parquet(sandbox: &Sandbox, name: &str, columns: Vec<(&str, Arc<dyn Array>)>) {
    let fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, values)| values).collect()).unwrap();
    let file = std::fs::File::create(sandbox.path().join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn texts(values: &[&str]) -> Arc<dyn Array> {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn a_parquet_file_of_pairs_is_scored_like_jsonl() {
    let sandbox = Sandbox::default();
    let columns =
        vec![("prompt", texts(&["q1", "q2"])), ("chosen", texts(&["a", "b"])), ("rejected", texts(&["c", "d"]))];
    parquet(&sandbox, "tasks.parquet", columns);
    let scored = score(&sandbox, "tasks.parquet", &[]).expect(0).rows();
    assert_eq!(scored.len(), 2);
    assert_eq!(scored[1]["scores"], json!([18.0, 16.0]));
}

#[test]
fn a_parquet_file_of_the_wrong_kind_is_told_by_its_column() {
    let sandbox = Sandbox::default();
    let numbers: Arc<dyn Array> = Arc::new(Int64Array::from(vec![1, 2]));
    parquet(
        &sandbox,
        "n.parquet",
        vec![("prompt", texts(&["q", "r"])), ("chosen", numbers), ("rejected", texts(&["c", "d"]))],
    );
    let run = score(&sandbox, "n.parquet", &[]).expect(3);
    assert_eq!(run.rows()[0]["error"]["field"], "chosen");
    assert!(run.rows()[0]["error"]["message"].as_str().unwrap().contains("found a number"), "{}", run.stdout());

    let bytes: Arc<dyn Array> = Arc::new(arrow::array::BinaryArray::from(vec![b"x".as_slice(), b"y"]));
    assert_eq!(*bytes.data_type(), DataType::Binary);
    parquet(&sandbox, "b.parquet", vec![("prompt", texts(&["q", "r"])), ("image", bytes)]);
    let stderr = score(&sandbox, "b.parquet", &[]).expect(1).stderr();
    assert!(stderr.contains("image") && stderr.contains("b.parquet"), "{stderr}");

    let whole = std::fs::read(sandbox.path().join("n.parquet")).unwrap();
    sandbox.write("cut.parquet", &whole[..whole.len() - 20]);
    let stderr = score(&sandbox, "cut.parquet", &[]).expect(1).stderr();
    assert!(stderr.contains("cut.parquet is no whole Parquet file"), "{stderr}");
}

#[test]
fn a_benchmarks_own_file_is_scored_and_measured_by_its_own_rules() {
    let sandbox = Sandbox::default();
    let pair = |id: &str, source: &str, label: &str| {
        json!({"pair_id": id, "original_id": id, "source": source, "question": "q", "response_model": "m",
            "response_A": "a", "response_B": "b", "label": label})
    };
    let pairs = [pair("1", "livebench-math", "A>B"), pair("2", "livecodebench", "B>A")].map(|row| format!("{row}\n"));
    sandbox.write("judgebench.jsonl", pairs.concat());
    // A judge that always prefers what is shown first is never consistent, and right about nothing under this protocol.
    score(
        &sandbox,
        "judgebench.jsonl",
        &["--dataset", "judgebench", "--run", "jb.run", "--set", "policy.shuffle=balanced"],
    )
    .expect(0);
    let table = sandbox.run(["eval", "jb.run", "--protocol", "judgebench", "--format", "json"]).expect(0).stdout();
    let figures: Value = serde_json::from_str(&table).unwrap();
    let result = &figures[0]["protocol"];
    assert_eq!(result["protocol"], "judgebench");
    assert!(result["rows"].as_array().unwrap().iter().any(|row| row["score"] == 0.0), "{result}");
    assert_eq!(figures[0]["overall"]["first_shown_wins"]["value"], 1.0);
    let stderr = sandbox.run(["eval", "jb.run", "--protocol", "rewardbench"]).expect(1).stderr();
    assert!(stderr.contains("subset"), "{stderr}");
}

#[test]
fn a_task_file_can_be_evaluated_in_one_go() {
    let sandbox = Sandbox::default();
    sandbox.write("tasks.jsonl", TASKS);
    let (server, pack) = (judge(), pack("spct-vote"));
    let endpoint = server.endpoint();
    let arguments = ["eval", "tasks.jsonl", "--pack", pack.to_str().unwrap(), "--endpoint", &endpoint, "--model", "m"];
    let table = sandbox.run(arguments.iter().chain(&["-k", "2", "--run", "kept.run"])).expect(0).stdout();
    assert!(table.contains("2, 2 labelled") && table.contains("accuracy@k"), "{table}");
    assert!(sandbox.run(["eval", "kept.run"]).expect(0).stdout().contains("2, 2 labelled"));
}

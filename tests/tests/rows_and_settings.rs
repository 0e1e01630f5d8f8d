//! Task files, result rows, and where options come from.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use rewarden_tests::{ModelServer, Sandbox, pack, prompt};
use serde_json::{Value, json};

fn server() -> ModelServer {
    // One score for each response shown.
    ModelServer::new(|body| {
        let shown = rewarden_tests::prompt(body).matches("[The Begin of Response").count();
        let scores: Vec<String> = (0..shown).map(|index| (9 - index).to_string()).collect();
        format!("Specific Criteria: care\nAnalysis: fine\nScores: \\boxed{{{}}}", scores.join(", "))
    })
}

#[test]
fn a_result_row_holds_the_reward_the_counts_and_what_made_them() {
    let sandbox = Sandbox::default();
    let pack = pack("spct-vote");
    let task = json!({"id": "t", "prompt": "q", "responses": ["a", "b", "c"]});
    let arguments = ["--pack", pack.to_str().unwrap(), "-k", "2", "--seed", "7", "--set", "policy.shuffle=none"];
    let row = sandbox.score(&server(), &[task], &arguments).expect(0).rows().remove(0);
    assert_eq!(row["id"], "t");
    assert_eq!(row["scores"], json!([18.0, 16.0, 14.0]));
    assert_eq!((&row["best"], &row["tied"]), (&json!(0), &json!([])));
    assert_eq!((&row["k"], &row["valid"], &row["failures"]), (&json!(2), &json!(2), &json!({})));
    let provenance = &row["provenance"];
    assert_eq!(provenance["pack"]["name"], "spct-vote");
    assert_eq!(provenance["seed"], 7);
    assert_eq!(provenance["model"]["model"], "fake");
    assert_eq!(provenance["sampling"], json!({"temperature": 0.5, "max_tokens": 1024}));
    for part in ["template", "parser", "policy"] {
        let digest = provenance[part]["digest"].as_str().unwrap();
        assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
        assert!(provenance[part]["config"].is_object());
    }
}

#[test]
fn equal_scores_are_a_tie_and_nobody_is_best() {
    let sandbox = Sandbox::default();
    let pack = pack("spct-vote");
    let task = json!({"id": "t", "prompt": "q", "responses": ["a", "b"]});
    let server = ModelServer::new(|_| r"Scores: \boxed{6, 6}".into());
    let row = sandbox.score(&server, &[task], &["--pack", pack.to_str().unwrap()]).expect(0).rows().remove(0);
    assert_eq!((&row["best"], &row["tied"]), (&json!(null), &json!([0, 1])));
}

#[test]
fn bad_rows_are_error_rows_with_line_and_field_and_the_others_are_scored() {
    let sandbox = Sandbox::default();
    sandbox.write(
        "tasks.jsonl",
        "{\"id\":\"good\",\"prompt\":\"q\",\"responses\":[\"a\"]}\nnot json\n{\"id\":\"none\",\"prompt\":\"q\",\"responses\":[]}\n\
         {\"id\":\"typed\",\"prompt\":\"q\",\"responses\":[\"a\",5]}\n{\"id\":\"good\",\"prompt\":\"q\",\"responses\":[\"a\"]}\n\
         {\"id\":\"pair\",\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\"}\n",
    );
    let (server, pack) = (server(), pack("spct-vote"));
    let endpoint = server.endpoint();
    let arguments = ["score", "tasks.jsonl", "--pack", pack.to_str().unwrap(), "--endpoint", &endpoint, "--model", "m"];
    let rows = sandbox.run(arguments).expect(3).rows();
    let summary: Vec<(Value, Value, Value)> =
        rows.iter().map(|row| (row["id"].clone(), row["line"].clone(), row["error"]["field"].clone())).collect();
    assert_eq!(
        summary,
        [
            (json!("good"), json!(null), json!(null)),
            (json!(null), json!(2), json!(null)),
            (json!("none"), json!(3), json!("responses")),
            (json!("typed"), json!(4), json!("responses[1]")),
            (json!("good"), json!(5), json!("id")),
            (json!("pair"), json!(null), json!(null)),
        ]
    );
    assert!(rows[5]["scores"].is_array());
}

#[test]
fn tasks_come_from_standard_input_too() {
    use std::io::Write;
    let sandbox = Sandbox::default();
    let (server, pack) = (server(), pack("spct-vote"));
    let mut child = sandbox
        .rewarden()
        .args(["score", "-", "--pack", pack.to_str().unwrap(), "--endpoint", &server.endpoint(), "--model", "m"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"prompt\": \"q\", \"responses\": [\"a\"]}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(rewarden_tests::rows(&String::from_utf8(output.stdout).unwrap())[0]["id"], "line-1");
}

#[test]
fn what_people_prefer_is_never_shown_to_the_model() {
    let sandbox = Sandbox::default();
    let (server, pack) = (server(), pack("spct-vote"));
    let task = |preferred| json!({"id": "t", "prompt": "q", "responses": ["a", "b"], "preferred": preferred});
    let arguments = ["--pack", pack.to_str().unwrap(), "--concurrency", "1"];
    sandbox.score(&server, &[task(0)], &arguments).expect(0);
    let with_0 = server.requests();
    sandbox.score(&server, &[task(1)], &arguments).expect(0);
    assert_eq!(with_0, server.requests()[with_0.len()..]);
}

#[test]
fn a_flag_beats_a_variable_beats_the_nearest_file_beats_the_users_file() {
    let sandbox = Sandbox::default();
    sandbox.write("home/.config/rewarden/rewarden.toml", "seed = 1\nk = 1\ntemperature = 0.1\nmax-tokens = 11\n");
    sandbox.write("rewarden.toml", "seed = 2\nk = 2\ntemperature = 0.2\n");
    let output = sandbox
        .rewarden()
        .args(["config", "--json", "--seed", "4"])
        .env("REWARDEN_SEED", "3")
        .env("REWARDEN_K", "3")
        .output()
        .unwrap();
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let in_force = |option: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["option"] == option).unwrap();
        (row["value"].as_str().map(str::to_owned), row["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(in_force("seed"), (Some("4".into()), "flag --seed".into()));
    assert_eq!(in_force("k"), (Some("3".into()), "environment REWARDEN_K".into()));
    let (value, origin) = in_force("temperature");
    assert_eq!(value.as_deref(), Some("0.2"));
    assert!(origin.ends_with("/rewarden.toml") && !origin.contains(".config"), "{origin}");
    let (value, origin) = in_force("max-tokens");
    assert_eq!(value.as_deref(), Some("11"));
    assert!(origin.ends_with("/.config/rewarden/rewarden.toml"), "{origin}");
    assert_eq!(in_force("max-rounds"), (Some("64".into()), "default".into()));
    assert_eq!(in_force("endpoint"), (None, "not set".into()));
}

#[test]
fn the_server_and_its_model_can_stand_in_the_file() {
    let sandbox = Sandbox::default();
    let (server, pack) = (server(), pack("spct-vote"));
    let options = json!({"endpoint": server.endpoint(), "model": "named-in-the-file", "pack": pack, "k": 1});
    let file: String = options.as_object().unwrap().iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    sandbox.write("rewarden.toml", file);
    sandbox.write("tasks.jsonl", r#"{"prompt": "q", "responses": ["a"]}"#);
    let row = sandbox.run(["score", "tasks.jsonl"]).expect(0).rows().remove(0);
    assert_eq!(row["provenance"]["model"]["model"], "named-in-the-file");
}

#[test]
fn a_misspelt_key_in_the_file_is_an_error_with_its_line_and_the_nearest_key() {
    let sandbox = Sandbox::default();
    sandbox.write("rewarden.toml", "# ours\nseed = 2\ntemprature = 0.2\n");
    let stderr = sandbox.run(["config"]).expect(1).stderr();
    assert!(stderr.contains("rewarden.toml:3: unknown key `temprature`; did you mean `temperature`?"), "{stderr}");
}

#[test]
fn a_pack_that_is_not_there_is_an_error_that_says_where_it_was_looked_for() {
    let sandbox = Sandbox::default();
    sandbox.write("packs/mine/pack.toml", "");
    sandbox.write("tasks.jsonl", "");
    let stderr = sandbox.run(["score", "tasks.jsonl", "--pack", "yours"]).expect(1).stderr();
    assert!(stderr.contains("no pack `yours`") && stderr.contains("packs there: mine"), "{stderr}");
}

#[test]
fn a_pack_that_names_a_component_outside_itself_is_refused() {
    let sandbox = Sandbox::default();
    let manifest = std::fs::read_to_string(pack("spct-vote").join("pack.toml")).unwrap();
    sandbox.write("p/pack.toml", manifest.replacen("\"spct.wasm\"", "\"../spct.wasm\"", 1));
    sandbox.write("tasks.jsonl", "");
    let stderr = sandbox.run(["score", "tasks.jsonl", "--pack", "p"]).expect(1).stderr();
    assert!(stderr.contains("not inside the pack"), "{stderr}");
}

#[test]
fn inspect_reports_exports_configuration_digest_and_limits() {
    let sandbox = Sandbox::default();
    let run = sandbox.run(["inspect", "--json", pack("spct-vote").to_str().unwrap()]).expect(0);
    let report: Value = serde_json::from_str(&run.stdout()).unwrap();
    // In the component's own order, which is the linker's to choose.
    let exports = report["parts"]["policy"]["exports"].as_array().unwrap();
    assert!(exports.len() == 2 && exports.contains(&json!("policy")) && exports.contains(&json!("describe")));
    assert_eq!(report["parts"]["policy"]["config"]["k"], 4);
    assert!(report["parts"]["policy"]["config_schema"]["properties"]["k"].is_object());
    assert_eq!(report["limits"]["fuel"], 500_000_000);
}

#[test]
fn inspect_fits_a_page_however_long_a_configuration_is() {
    let sandbox = Sandbox::default();
    for name in ["customer-support", "llmbar"] {
        let text = sandbox.run(["inspect", pack(name).to_str().unwrap()]).expect(0).stdout();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 120, "{widest} columns:\n{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "blanks at the ends of lines:\n{text}");
    }
}

#[test]
fn a_slow_first_task_holds_up_no_other_and_rows_come_in_the_order_of_the_file() {
    // Two requests are under way at once. The first task is answered once all the others are.
    let answered = (Mutex::new(0), Condvar::new());
    let server = ModelServer::new(move |body| {
        let (count, changed) = &answered;
        if !prompt(body).contains("the slow one") {
            *count.lock().unwrap() += 1;
            changed.notify_all();
            return r"Scores: \boxed{1, 2}".to_owned();
        }
        let wait = || changed.wait_timeout_while(count.lock().unwrap(), Duration::from_secs(5), |count| *count < 8);
        let held_up = tokio::task::block_in_place(wait).unwrap().1.timed_out();
        if held_up { r"Scores: \boxed{9, 9}" } else { r"Scores: \boxed{2, 1}" }.to_owned()
    });
    let tasks: Vec<_> = (0..9)
        .map(|number| {
            let query = if number == 0 { "the slow one" } else { "a quick one" };
            json!({"id": number.to_string(), "prompt": query, "responses": ["a", "b"]})
        })
        .collect();
    let pack = pack("spct-vote");
    let sandbox = Sandbox::default();
    let arguments = ["--pack", pack.to_str().unwrap(), "-k", "1", "--set", "policy.shuffle=none", "--concurrency", "2"];
    let rows = sandbox.score(&server, &tasks, &arguments).expect(0).rows();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(rows[0]["scores"], json!([2.0, 1.0]), "the others waited for the first");
    assert_eq!(rows[8]["scores"], json!([1.0, 2.0]));
}

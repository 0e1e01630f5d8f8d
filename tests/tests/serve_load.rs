//! More than can be done at once: refusals, recovery, and groups that wait for each other.

use std::io::Write;
use std::time::{Duration, Instant};

use rewarden_tests::ModelServer;
use rewarden_tests::http::{Client, Reply};
use rewarden_tests::serving::Serving;
use serde_json::{Value, json};

const TEXT: &str = r"Scores: \boxed{9, 5}";

/// Sends these bodies at once, each on a connection of its own.
fn together(server: &Serving, bodies: &[Value]) -> Vec<Reply> {
    std::thread::scope(|scope| {
        let asking: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| server.client().post("/v1/reward", body))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    })
}

#[test]
fn beyond_the_queue_requests_are_refused_with_advice_and_later_taken_again() {
    let model = ModelServer::new(|_| {
        std::thread::sleep(Duration::from_millis(100));
        TEXT.into()
    });
    let server = Serving::voting(&model, &["--max-model-queue", "3", "--concurrency", "1"]);
    let ask = |number: usize| json!({"task": {"prompt": format!("q{number}"), "responses": ["a", "b"]}});
    let replies = together(&server, &(0..16).map(ask).collect::<Vec<_>>());
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((3..16).contains(&taken), "{taken} of 16 were taken by a queue of 3");
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        refused.clone().expect(429).problem("overloaded");
        assert_eq!(refused.header("retry-after"), "1");
    }
    for number in 0..16 {
        server.client().post("/v1/reward", &ask(number)).expect(200);
    }
    assert_eq!(server.figure("rewarden_model_tasks", ""), 0.0);
}

#[test]
fn a_batch_larger_than_the_queue_is_taken_by_an_idle_server() {
    let server = Serving::rule(&["--max-rule-queue", "4"]);
    let tasks: Vec<Value> =
        (0..200).map(|n| json!({"prompt": format!("q{n}"), "responses": ["a"], "reference": "1"})).collect();
    let rewards = server.client().post("/v1/reward", &json!({"tasks": tasks})).expect(200).json();
    assert_eq!(rewards["rewards"].as_array().unwrap().len(), 200);
}

#[test]
fn a_dialect_s_batch_is_let_in_or_refused_as_a_whole() {
    let server = Serving::rule(&["--max-rule-queue", "4", "--max-batch", "200"]);
    let batch = |tasks: usize| {
        let prompts: Vec<String> = (0..tasks).map(|n| format!("q{n} ")).collect();
        let queries: Vec<String> = prompts.iter().map(|prompt| format!("{prompt}\\boxed{{1}}")).collect();
        json!({"query": queries, "prompts": prompts, "labels": vec!["1"; tasks]})
    };
    let reply = server.client().post("/get_reward", &batch(200)).expect(200).json();
    assert_eq!(reply["rewards"], json!(vec![1.0; 200]));
    assert_eq!(server.figure("rewarden_tasks_total", "rewarded"), 200.0);
    let refused = server.client().post("/get_reward", &batch(201));
    let detail = refused.expect(413).problem("too-large")["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail, "201 tasks in one request; this server takes up to 200 (--max-batch)");
    // One task that cannot be taken, and none is judged.
    let texts = json!({"text_1": vec!["p"; 3], "text_2": ["a", "b", "c"]});
    server.client().post("/score?pack=nowhere", &texts).expect(404).problem("not-found");
    let group = vec![json!({"prompt": "p", "response": "r"}); 257];
    let group = [vec![json!({"prompt": "other", "response": "r"})], group].concat();
    let problem = server.client().post("/slime/group", &json!(group)).expect(400).problem("invalid-request");
    assert_eq!(problem["pointer"], "/1");
    assert_eq!(server.figure("rewarden_tasks_total", ""), 200.0);
}

#[test]
fn a_request_whose_client_leaves_is_in_flight_no_longer_and_is_counted_and_logged() {
    let model = ModelServer::new(|_| {
        std::thread::sleep(Duration::from_secs(3));
        TEXT.into()
    });
    let server = Serving::voting(&model, &["-v"]);
    let body = json!({"task": {"prompt": "q", "responses": ["a", "b"]}}).to_string();
    let mut leaving = std::net::TcpStream::connect(server.address).unwrap();
    let head =
        "POST /v1/reward HTTP/1.1\r\nhost: localhost\r\nx-request-id: leaving\r\ncontent-type: application/json\r\n";
    write!(leaving, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    until("the request is in flight", || server.figure("rewarden_in_flight", "") == 2.0);
    drop(leaving);
    // What is left is the request for the figure itself.
    until("nothing is in flight", || server.figure("rewarden_in_flight", "") == 1.0);
    assert_eq!(server.figure("rewarden_requests_total", "route=\"/v1/reward\",status=\"499\""), 1.0);
    until("the log tells of it", || {
        server.stderr().lines().any(|line| line.contains("leaving") && line.contains("the client left"))
    });
}

/// Waits for what comes soon.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn member(key: &str, size: usize, response: &str) -> Value {
    json!({"task": {"id": response, "prompt": "q", "responses": [response]}, "cohort": {"key": key, "size": size}})
}

#[test]
fn members_of_a_cohort_are_judged_together_and_each_gets_its_own_score() {
    let model = ModelServer::new(|_| r"Scores: \boxed{2, 5, 9}".into());
    let server = Serving::voting(&model, &[]);
    let sizes = ["b", "c", "a"].map(|response| member("g", 3, response));
    let replies = together(&server, &sizes);
    let rewards: Vec<Value> = replies.into_iter().map(|reply| reply.expect(200).json()).collect();
    assert_eq!(model.requests().len(), 2, "one task of two samples, not three");
    for (reward, id) in rewards.iter().zip(["b", "c", "a"]) {
        assert_eq!(reward["id"], id);
        assert_eq!(reward["scores"].as_array().unwrap().len(), 1);
        assert_eq!((&reward["details"]["cohort_size"], &reward["details"]["cohort_members"]), (&json!(3), &json!(3)));
        assert_eq!(reward["details"]["cohort_task"], rewards[0]["details"]["cohort_task"]);
    }
    let total: f64 = rewards.iter().map(|reward| reward["scores"][0].as_f64().unwrap()).sum();
    assert_eq!(total, 2.0 * (2.0 + 5.0 + 9.0), "each score went to exactly one member");
    // The same group again, in whatever order its members come, is the same task: nothing is sampled.
    let again = together(&server, &["a", "b", "c"].map(|response| member("g", 3, response)));
    assert_eq!(again[1].json()["scores"], rewards[0]["scores"]);
    assert_eq!(model.requests().len(), 2);
}

#[test]
fn a_cohort_that_stays_incomplete_is_judged_or_fails_as_the_operator_says_and_nobody_waits_for_ever() {
    let model = ModelServer::new(|_| TEXT.into());
    let judging = Serving::voting(&model, &["--cohort-deadline", "1"]);
    let begun = Instant::now();
    let replies = together(&judging, &["a", "b"].map(|response| member("g", 3, response)));
    assert!(begun.elapsed() < Duration::from_secs(10));
    for reply in replies {
        let reward = reply.expect(200).json();
        assert_eq!((&reward["details"]["cohort_members"], &reward["details"]["cohort_size"]), (&json!(2), &json!(3)));
    }
    assert_eq!(judging.figure("rewarden_partial_cohorts_total", ""), 1.0);

    let failing = Serving::voting(&model, &["--cohort-deadline", "60", "--partial-groups", "fail"]);
    let mut hurried = member("g", 3, "a");
    hurried["cohort"]["deadline"] = json!(0.3);
    let refused = failing.client().post("/v1/reward", &hurried).expect(504);
    assert!(refused.problem("timeout")["detail"].as_str().unwrap().contains("1 of the 3 members"));
    assert_eq!(failing.figure("rewarden_cohort_members", ""), 0.0);
}

#[test]
fn a_member_that_differs_is_refused_and_one_whose_client_left_is_not_counted() {
    let model = ModelServer::new(|_| TEXT.into());
    let server = Serving::voting(&model, &[]);
    let mut leaving = Client::new(server.address);
    let json = [("content-type", "application/json")];
    leaving.write("POST", "/v1/reward", &json, member("g", 2, "gone").to_string().as_bytes()).unwrap();
    let waiting = || server.figure("rewarden_cohort_members", "");
    let until = |members: f64| {
        let begun = Instant::now();
        while waiting() != members {
            assert!(begun.elapsed() < Duration::from_secs(5), "{} members wait, expected {members}", waiting());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(1.0);
    server.client().post("/v1/reward", &member("g", 3, "b")).expect(409).problem("conflict");
    let mut other = member("g", 2, "b");
    other["task"]["prompt"] = json!("another question");
    server.client().post("/v1/reward", &other).expect(409).problem("conflict");
    drop(leaving);
    until(0.0);
    let replies = together(&server, &["a", "b"].map(|response| member("g", 2, response)));
    for reply in replies {
        assert_eq!(reply.expect(200).json()["details"]["cohort_members"], 2);
    }
}

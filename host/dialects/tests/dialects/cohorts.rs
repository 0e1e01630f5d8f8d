//! Samples that come one by one and belong to a group.

use std::time::Duration;

use rewarden_dialects::{Cohort, ProblemKind};
use serde_json::{Value, json};

use crate::server::Server;

fn slime(fields: Value) -> Value {
    let mut body = json!({ "prompt": "p", "response": "1", "label": null });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[test]
fn group_fields_become_a_cohort_wherever_the_format_has_a_place_for_them() {
    let server = Server::new();
    server.good("/slime", slime(json!({ "cohort_key": "g1", "cohort_size": 4, "cohort_deadline": 1.5 })));
    server.good("/slime?cohort_size=4", slime(json!({ "group_id": 17 })));
    let extra_info = json!({ "question": "q", "group_id": "u-1", "cohort_size": 8 });
    let body = json!({ "data_source": "d", "solution_str": "1", "ground_truth": null, "extra_info": extra_info });
    server.good("/verl/compute_score", body);
    let verify = json!({
        "responses_create_params": { "input": "q" }, "cohort_key": "k", "cohort_size": 2,
        "response": { "output": [{ "type": "message", "content": [{ "type": "output_text", "text": "1" }] }] },
    });
    server.good("/verify", verify);
    let cohort = |key: &str, size, deadline| Some(Cohort { key: key.to_owned(), size, deadline });
    let found: Vec<Option<Cohort>> = server.asked().into_iter().map(|ask| ask.cohort).collect();
    let deadline = Some(Duration::from_millis(1500));
    assert_eq!(found, [cohort("g1", 4, deadline), cohort("17", 4, None), cohort("u-1", 8, None), cohort("k", 2, None)]);
}

#[test]
fn a_sample_without_group_fields_or_of_a_group_of_one_stands_alone() {
    let server = Server::new();
    server.good("/slime", slime(json!({})));
    server.good("/slime", slime(json!({ "cohort_key": "g", "cohort_size": 1 })));
    assert!(server.asked().iter().all(|ask| ask.cohort.is_none()));
}

#[test]
fn half_a_cohort_is_refused_with_the_field_that_is_missing() {
    let server = Server::new();
    for (fields, pointer) in [
        (json!({ "cohort_key": "g" }), "/cohort_size"),
        (json!({ "cohort_size": 4 }), "/cohort_key"),
        (json!({ "cohort_key": [], "cohort_size": 4 }), "/cohort_key"),
        (json!({ "cohort_key": "g", "cohort_size": 0 }), "/cohort_size"),
        (json!({ "cohort_key": "g", "cohort_size": "four" }), "/cohort_size"),
        (json!({ "cohort_key": "g", "cohort_size": 4, "cohort_deadline": -1 }), "/cohort_deadline"),
    ] {
        let reply = server.problem("/slime", slime(fields), ProblemKind::InvalidRequest);
        assert_eq!(reply.json["pointer"], pointer, "{}", reply.json);
    }
    let body = json!({ "data_source": "d", "solution_str": "1", "extra_info": { "question": "q", "group_id": 4 } });
    let reply = server.problem("/verl/compute_score", body, ProblemKind::InvalidRequest);
    assert_eq!(reply.json["pointer"], "/extra_info/cohort_size");
}

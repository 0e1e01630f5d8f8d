//! Which version of a pack answered.

use rewarden_dialects::ProblemKind;
use serde_json::json;

use crate::server::Server;

#[test]
fn every_response_names_the_version_that_made_it() {
    let server = Server::new();
    let slime = json!({ "prompt": "p", "response": "1", "label": null });
    assert_eq!(server.post("/slime", slime).pack.as_deref(), Some("fake@1.0.0;d"));
    let failed = json!({ "prompt": "p", "response": "abstain", "label": null });
    assert_eq!(server.post("/slime", failed).pack.as_deref(), Some("fake@1.0.0;d"));
    assert_eq!(server.post("/slime", json!({})).pack, None);
}

#[test]
fn tasks_that_fail_do_not_count_as_a_version() {
    let server = Server::new();
    let body = json!({ "text_1": ["a", "b"], "text_2": ["1", "timeout"] });
    server.problem("/score", body, ProblemKind::Timeout);
    assert_eq!(server.asked().len(), 2);
}

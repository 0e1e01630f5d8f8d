//! The conversation comes through as it is, and what gives no single number is refused.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use response_turn::ResponseTurn;
use rewarden_plugin::{Message, Plugin, Prompt, Refusal, Request, Role, Scale, Task, Template};

fn render(responses: &[&str], critique: Option<&str>) -> Result<Prompt, Refusal> {
    let task = Task {
        messages: vec![Message { role: Role::System, content: "Be brief.".to_owned() }, Message::user("2+2?")],
        responses: responses.iter().map(|response| (*response).to_owned()).collect(),
        reference: None,
        metadata: "{}".to_owned(),
    };
    let scale = Scale { min: -100.0, max: 100.0, integer: false };
    let request = Request { critique: critique.map(str::to_owned), ..Request::of(task, scale) };
    ResponseTurn::from_json("{}").unwrap().render(&request)
}

#[test]
fn the_response_is_the_assistants_last_turn_word_for_word() {
    let prompt = render(&["4 [The End of Response 1]"], None).unwrap();
    let turns: Vec<(&str, &str)> = prompt.turns().iter().map(|t| (t.role.as_str(), t.content.as_str())).collect();
    assert_eq!(turns, [("system", "Be brief."), ("user", "2+2?"), ("assistant", "4 [The End of Response 1]")]);
}

#[test]
fn several_responses_and_critiques_are_refused() {
    for refused in [render(&["4", "5"], None), render(&[], None), render(&["4"], Some("fine"))] {
        assert!(matches!(refused, Err(Refusal::UnsuitableTask(_))));
    }
}

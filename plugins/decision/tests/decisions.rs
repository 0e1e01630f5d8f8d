//! What is asked, and what becomes of probabilities.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use decision::Decision;
use rewarden_plugin::{
    AnswerForm, Completion, FinishReason, Judgement, Message, ParseFailure, Parser, Plugin, PromptInput, Question,
    Refusal, Request, Scale, Score, Task, Template,
};

const UNIT: Scale = Scale { min: 0.0, max: 1.0, integer: false };

const RUBRIC: &str = r#"{"rubric": [{"id": "rule", "text": "Names the rule."}, {"id": "tone", "text": "Tone.", "levels": ["rude", "civil", "kind"]}]}"#;

fn asked(config: &str, responses: &[&str], metadata: &str, asked: &[&str]) -> Result<(String, Vec<Question>), Refusal> {
    let task = Task {
        messages: vec![Message::user("2+2?")],
        responses: responses.iter().map(|response| (*response).to_owned()).collect(),
        reference: Some("4".to_owned()),
        metadata: metadata.to_owned(),
    };
    let asked = asked.iter().map(|id| (*id).to_owned()).collect();
    let prompt = Decision::from_json(config).unwrap().render(&Request { asked, ..Request::of(task, UNIT) })?;
    match prompt.input {
        PromptInput::Questions(questions) => Ok((questions.state, questions.questions)),
        other => panic!("{other:?}"),
    }
}

fn parsed(text: &str, shown: u32) -> Result<Judgement, ParseFailure> {
    let completion = Completion { text: text.to_owned(), finish: FinishReason::Stop, tokens: vec![] };
    Decision::from_json("{}").unwrap().parse(&completion, shown, UNIT)
}

#[test]
fn one_response_is_asked_about_by_all_criteria_in_one_request() {
    let (state, questions) = asked("{}", &["It is 4. [The End of Response]"], RUBRIC, &[]).unwrap();
    assert!(
        state.contains("2+2?") && state.contains("[-The End of Response]") && state.contains("Reference"),
        "{state}"
    );
    assert_eq!(questions.iter().map(|q| q.id.as_str()).collect::<Vec<_>>(), ["rule", "tone"]);
    assert!(matches!(questions[0].form, AnswerForm::YesNo(_)));
    assert!(matches!(&questions[1].form, AnswerForm::Levels(levels) if levels.len() == 3));
    assert_eq!(asked("{}", &["4"], RUBRIC, &["tone"]).unwrap().1.len(), 1);
}

#[test]
fn without_a_rubric_the_pack_asks_one_question_and_several_responses_are_compared() {
    let (_, questions) = asked("{}", &["4"], "{}", &[]).unwrap();
    assert_eq!((questions.len(), questions[0].id.as_str()), (1, "grade"));
    let (_, questions) = asked(r#"{"levels": []}"#, &["4"], "{}", &[]).unwrap();
    assert!(matches!(questions[0].form, AnswerForm::YesNo(_)));
    let (state, questions) = asked("{}", &["4", "5", "6"], RUBRIC, &[]).unwrap();
    assert!(state.contains("[The Begin of Response C]"), "{state}");
    assert!(matches!(&questions[0].form, AnswerForm::Choice(options) if options.len() == 3 && options[2].name == "C"));
    // A rubric that is wrong is not passed over.
    assert!(asked("{}", &["4"], r#"{"rubric": [{}]}"#, &[]).is_err());
    assert!(asked("{}", &["4"], r#"{"rubric": [{"id": "grade", "text": "x"}]}"#, &[]).is_err());
}

#[test]
fn probabilities_become_expected_scores_with_their_distribution() {
    let graded = parsed(r#"{"grade": {"0": 0.0, "1": 0.5, "2": 0.5}}"#, 1).unwrap();
    assert_eq!((graded.scores.clone(), graded.confidence), (vec![Score::Value(0.75)], Some(0.5)));
    assert_eq!(
        graded.distributions[0].iter().map(|l| (l.score, l.probability)).collect::<Vec<_>>(),
        [(0.0, 0.0), (0.5, 0.5), (1.0, 0.5)]
    );
    let best = parsed(r#"{"best": {"B": 0.75, "A": 0.25}}"#, 2).unwrap();
    assert_eq!((best.scores, best.confidence), (vec![Score::Value(0.25), Score::Value(0.75)], Some(0.75)));
    let rubric = parsed(r#"{"rule": {"yes": 0.9, "no": 0.1}, "tone": {"0": 0, "1": 1.0, "2": 0}}"#, 1).unwrap();
    let criteria: Vec<(&str, &Score)> = rubric.criteria.iter().map(|c| (c.criterion.as_str(), &c.score)).collect();
    assert_eq!(criteria, [("rule", &Score::Value(0.9)), ("tone", &Score::Value(0.5))]);
    assert!(matches!(rubric.scores[0], Score::Abstain(_)));
}

#[test]
fn what_is_no_answer_of_a_decision_model_fails() {
    for (text, shown) in [
        ("The best is B.", 2),
        ("{}", 1),
        (r#"{"grade": {"0": 0.5, "1": 0.2}}"#, 1),
        (r#"{"grade": {"0": 1.5, "1": -0.5}}"#, 1),
        (r#"{"grade": {"0": "1", "1": 0}}"#, 1),
        (r#"{"grade": {"1": 0.5, "2": 0.5}}"#, 1),
        (r#"{"grade": 0.5}"#, 1),
        (r#"{"best": {"A": 0.5, "C": 0.5}}"#, 2),
    ] {
        assert!(matches!(parsed(text, shown), Err(ParseFailure::Unparsable(_))), "{text}");
    }
    assert!(matches!(parsed(r#"{"best": {"A": 0.5, "B": 0.5}}"#, 3), Err(ParseFailure::WrongCount(_))));
    assert!(matches!(parsed(r#"{"grade": {"0": 0.5, "1": 0.5}}"#, 2), Err(ParseFailure::WrongCount(_))));
}

//! Short ways to make and read the contract's values.

use crate::{
    Context, Detail, DetailValue, Draw, Judgement, Message, Outcome, Prompt, PromptInput, Question, Questionnaire,
    Request, Reward, Role, Sample, Scale, Score, Task, Turn,
};

impl Message {
    /// A user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Message { role: Role::User, content: content.into() }
    }
}

impl Prompt {
    /// One user turn; the model writes freely, up to the host's limit, without log-probabilities.
    pub fn user(content: impl Into<String>) -> Self {
        Prompt::chat(vec![Turn::user(content)])
    }

    /// A conversation; the rest as in [`Prompt::user`].
    pub fn chat(turns: Vec<Turn>) -> Self {
        Prompt::of(PromptInput::Chat(turns))
    }

    /// A text that the model continues without a chat template; the rest as in [`Prompt::user`].
    pub fn text(text: impl Into<String>) -> Self {
        Prompt::of(PromptInput::Text(text.into()))
    }

    /// Questions to a decision model about a text.
    pub fn questions(state: impl Into<String>, questions: Vec<Question>) -> Self {
        Prompt::of(PromptInput::Questions(Questionnaire { state: state.into(), questions }))
    }

    fn of(input: PromptInput) -> Self {
        Prompt { input, prefill: None, constraint: None, stop: Vec::new(), max_tokens: None, top_logprobs: 0 }
    }

    /// The turns of a conversation; empty for another input.
    pub fn turns(&self) -> &[Turn] {
        match &self.input {
            PromptInput::Chat(turns) => turns,
            PromptInput::Text(_) | PromptInput::Questions(_) => &[],
        }
    }
}

impl Turn {
    /// The user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Turn::of("user", content)
    }

    /// The model's turn.
    pub fn assistant(content: impl Into<String>) -> Self {
        Turn::of("assistant", content)
    }

    /// Instructions that stand above the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Turn::of("system", content)
    }

    /// A turn of any role that the model's chat template knows, such as `response_1`.
    pub fn of(role: impl Into<String>, content: impl Into<String>) -> Self {
        Turn { role: role.into(), content: content.into() }
    }
}

impl Request {
    /// A request about a task, with nothing but its scale beside it: for tests.
    pub fn of(task: Task, scale: Scale) -> Self {
        let (principles, asked, earlier) = (Vec::new(), Vec::new(), Vec::new());
        Request { task, scale, critique: None, principles, asked, earlier }
    }
}

impl Default for Judgement {
    /// Nothing: for the rest of a judgement that has scores.
    fn default() -> Self {
        Judgement {
            scores: Vec::new(),
            criteria: Vec::new(),
            confidence: None,
            distributions: Vec::new(),
            principles: Vec::new(),
            critique: None,
        }
    }
}

impl Default for Reward {
    /// Nothing: for the rest of a reward that has scores.
    fn default() -> Self {
        Reward {
            scores: Vec::new(),
            used: Vec::new(),
            rejected: Vec::new(),
            criteria: Vec::new(),
            confidence: None,
            details: Vec::new(),
        }
    }
}

impl Scale {
    /// True for a finite number from `min` to `max`, whole where the scale is.
    pub fn contains(&self, value: f64) -> bool {
        value >= self.min && value <= self.max && (!self.integer || value.fract() == 0.0)
    }
}

impl Draw {
    /// All responses in the task's own order, at the context's temperature.
    pub fn all(task: &Task) -> Self {
        Draw::of((0..).zip(&task.responses).map(|(index, _)| index).collect())
    }

    /// The responses with these indices, in this order, at the context's temperature.
    pub fn of(order: Vec<u32>) -> Self {
        Draw { order, temperature: None, judge: None, asked: Vec::new(), show: Vec::new() }
    }

    /// The same of a judge of the pack's, by its name.
    pub fn by(self, judge: impl Into<String>) -> Self {
        Draw { judge: Some(judge.into()), ..self }
    }
}

impl Sample {
    /// A sample of the pack's own judge at temperature 0.5 that showed these responses: for tests.
    pub fn of(id: u32, order: Vec<u32>, outcome: Outcome) -> Self {
        Sample {
            id,
            order,
            judge: None,
            asked: Vec::new(),
            temperature: 0.5,
            outcome,
            criteria: Vec::new(),
            confidence: None,
            distributions: Vec::new(),
            answer_logprob: None,
            thinking_logprob: None,
            rating: None,
            completion_tokens: 250,
        }
    }

    /// The score that this sample gave to a response, by its index in the task; none when the sample failed, did not
    /// show the response or abstained on it.
    pub fn value(&self, response: usize) -> Option<f64> {
        let Outcome::Scored(scores) = &self.outcome else { return None };
        match scores.get(response) {
            Some(Some(Score::Value(value))) => Some(*value),
            _ => None,
        }
    }

    /// A score for every response of the task, in the task's own order; none when any is missing.
    pub fn values(&self) -> Option<Vec<f64>> {
        let Outcome::Scored(scores) = &self.outcome else { return None };
        scores
            .iter()
            .map(|score| match score {
                Some(Score::Value(value)) => Some(*value),
                _ => None,
            })
            .collect()
    }
}

impl Context {
    /// A context with seed 5, temperature 0.5 and room for 64 samples in 8 rounds, without signals and judges: for tests.
    pub fn of(scale: Scale) -> Self {
        Context {
            scale,
            seed: 5,
            temperature: 0.5,
            samples_left: 64,
            rounds_left: 8,
            signals: Vec::new(),
            judges: Vec::new(),
            has_own_judge: true,
        }
    }
}

impl Detail {
    /// A finite number under a name in snake case.
    pub fn number(name: &str, value: impl Into<f64>) -> Self {
        Detail { name: name.to_owned(), value: DetailValue::Number(value.into()) }
    }

    /// A text under a name in snake case.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Detail { name: name.to_owned(), value: DetailValue::Text(value.into()) }
    }

    /// A flag under a name in snake case.
    pub fn flag(name: &str, value: bool) -> Self {
        Detail { name: name.to_owned(), value: DetailValue::Flag(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, FailureKind};

    fn sample(outcome: Outcome) -> Sample {
        Sample::of(0, vec![1, 0], outcome)
    }

    #[test]
    fn a_sample_has_values_only_when_it_scored_every_response() {
        let whole = sample(Outcome::Scored(vec![Some(Score::Value(3.0)), Some(Score::Value(7.0))]));
        assert_eq!((whole.value(0), whole.value(1), whole.value(2)), (Some(3.0), Some(7.0), None));
        assert_eq!(whole.values(), Some(vec![3.0, 7.0]));

        let abstained =
            sample(Outcome::Scored(vec![Some(Score::Value(3.0)), Some(Score::Abstain("unsure".to_owned()))]));
        assert_eq!((abstained.value(0), abstained.value(1), abstained.values()), (Some(3.0), None, None));

        let partly_shown = sample(Outcome::Scored(vec![None, Some(Score::Value(7.0))]));
        assert_eq!((partly_shown.value(1), partly_shown.values()), (Some(7.0), None));

        let failed = sample(Outcome::Failed(Failure { kind: FailureKind::Time, message: "slow".to_owned() }));
        assert_eq!((failed.value(0), failed.values()), (None, None));
    }

    #[test]
    fn a_scale_contains_what_lies_on_it() {
        let whole = Scale { min: 1.0, max: 10.0, integer: true };
        assert!(whole.contains(1.0) && whole.contains(10.0));
        for value in [0.0, 11.0, 5.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!whole.contains(value), "{value}");
        }
        assert!(Scale { min: 0.0, max: 1.0, integer: false }.contains(0.5));
    }

    #[test]
    fn a_draw_of_all_shows_the_responses_in_the_task_order() {
        let responses = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let task = Task { messages: vec![Message::user("?")], responses, reference: None, metadata: "{}".to_owned() };
        assert_eq!(Draw::all(&task), Draw::of(vec![0, 1, 2]));
        assert_eq!(Draw::all(&task).by("strong").judge.as_deref(), Some("strong"));
    }
}

//! Short ways to make and read the contract's values.

use crate::{Detail, DetailValue, Draw, Message, Outcome, Prompt, Role, Sample, Scale, Score, Task};

impl Message {
    /// A user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Message { role: Role::User, content: content.into() }
    }
}

impl Prompt {
    /// One user turn; the model writes freely, up to the host's limit, without log-probabilities.
    pub fn user(content: impl Into<String>) -> Self {
        Prompt {
            messages: vec![Message::user(content)],
            constraint: None,
            stop: Vec::new(),
            max_tokens: None,
            top_logprobs: 0,
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
        Draw { order, temperature: None }
    }
}

impl Sample {
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

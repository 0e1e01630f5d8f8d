//! Tasks: conversations with the responses to judge.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::prompt::Message;

/// A conversation, its candidate responses, and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Names the task in results and seeds its samples: the same id in the same run gives the same samples.
    pub id: String,
    /// The conversation, oldest turn first; ends with the user's query.
    pub messages: Arc<[Message]>,
    /// The candidates, at least one.
    pub responses: Arc<[Arc<str>]>,
    /// A ground-truth answer: the first of [`references`](Self::references).
    pub reference: Option<Arc<str>>,
    /// Index of the response that people prefer. Never shown to a plugin or a model.
    pub preferred: Option<usize>,
    /// Everything else that the row held.
    pub metadata: Map<String, Value>,
}

/// The metadata field that holds all ground-truth answers of a task that has several.
const REFERENCES: &str = "references";

/// What stands between several ground-truth answers where they are shown as one text.
const OR: &str = "\nor\n";

impl Task {
    /// Keeps the ground-truth answers of a task, of which any one counts: the first as its reference, and several as a list in
    /// the field `references` of its metadata, too, so that plugins, runs and reports of every version have them all. Returns
    /// the reference.
    ///
    /// # Errors
    ///
    /// There are several, and the metadata has a field of that name already.
    pub fn keep_references(
        texts: Vec<String>,
        metadata: &mut Map<String, Value>,
    ) -> Result<Option<Arc<str>>, ReferencesTaken> {
        let first = texts.first().map(|text| Arc::from(text.as_str()));
        if texts.len() > 1 {
            let all = Value::from(texts);
            match metadata.get(REFERENCES) {
                Some(own) if *own != all => return Err(ReferencesTaken),
                _ => metadata.insert(REFERENCES.to_owned(), all),
            };
        }
        Ok(first)
    }

    /// All ground-truth answers, of which any one counts. Empty if the task has none.
    ///
    /// They are the list of texts in the field `references` of the metadata if its first is the task's reference. Another field
    /// of that name is the task's own.
    pub fn references(&self) -> Vec<Arc<str>> {
        let Some(reference) = &self.reference else { return Vec::new() };
        let texts = |entries: &Vec<Value>| entries.iter().map(|entry| entry.as_str().map(Arc::from)).collect();
        let all: Option<Vec<Arc<str>>> = self.metadata.get(REFERENCES).and_then(Value::as_array).and_then(texts);
        match all {
            Some(all) if all.first() == Some(reference) => all,
            _ => vec![reference.clone()],
        }
    }

    /// Returns the task as plugins see it, with all its responses in its own order. Several ground-truth answers are one text
    /// with `or` between them; a scorer is asked about each by itself.
    pub fn view(&self) -> TaskView {
        let references = self.references();
        let reference = match references.as_slice() {
            [] | [_] => self.reference.clone(),
            several => Some(several.join(OR).into()),
        };
        TaskView {
            messages: self.messages.clone(),
            responses: self.responses.clone(),
            reference,
            // Neither an object nor its strings can fail to be written.
            metadata: serde_json::to_string(&self.metadata).unwrap_or_default().into(),
        }
    }
}

/// A task has several ground-truth answers, and the place where they are kept is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the metadata has a field `references`, which holds the texts of a reference that is a list; give that field another name"
)]
pub struct ReferencesTaken;

/// A task as plugins see it: without its id and its label. Texts are shared, so a clone costs nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// The conversation, oldest turn first.
    pub messages: Arc<[Message]>,
    /// The candidates: in shown order for templates, in the task's own order for policies and scorers.
    pub responses: Arc<[Arc<str>]>,
    /// A ground-truth answer.
    pub reference: Option<Arc<str>>,
    /// The task's other fields as the text of one JSON object.
    pub metadata: Arc<str>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(texts: &[&str], mut metadata: Map<String, Value>) -> Task {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let reference = Task::keep_references(texts, &mut metadata).unwrap();
        Task {
            id: "t".to_owned(),
            messages: [].into(),
            responses: ["a".into()].into(),
            reference,
            preferred: None,
            metadata,
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn several_references_are_kept_in_the_metadata_and_shown_as_one_text() {
        let several = task(&["4", "four"], Map::new());
        assert_eq!(several.reference.as_deref(), Some("4"));
        assert_eq!(several.metadata, object(json!({ "references": ["4", "four"] })));
        assert_eq!(several.references(), ["4".into(), "four".into()]);
        assert_eq!(several.view().reference.as_deref(), Some("4\nor\nfour"));
        let one = task(&["4"], Map::new());
        assert_eq!((one.references(), one.metadata.len()), (vec!["4".into()], 0));
        assert_eq!(one.view().reference.as_deref(), Some("4"));
        assert_eq!(task(&[], Map::new()).references(), []);
    }

    #[test]
    fn a_field_of_that_name_that_is_the_task_s_own_is_left_alone() {
        let own = object(json!({ "references": ["a paper"] }));
        assert_eq!(task(&["4"], own.clone()).references(), ["4".into()]);
        assert_eq!(Task::keep_references(vec!["4".into(), "four".into()], &mut own.clone()), Err(ReferencesTaken));
    }
}

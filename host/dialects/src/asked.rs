//! A request that has been read: the tasks that it asks for, and how their answers become the reply.

use serde_json::Value;

use crate::ask::{Answer, Ask, BatchRefused, PackLabel};
use crate::outcome::AskOutcome;
use crate::problem::{Problem, ProblemKind};

type Write = dyn FnOnce(&[AskOutcome]) -> Result<Value, Problem> + Send;

/// A request that has been read.
pub struct Asked {
    /// The tasks to be rewarded. May be empty; then nothing needs to be asked.
    pub asks: Vec<Ask>,
    /// Turns their answers into the reply.
    pub reply: ReplyWriter,
}

/// Turns the answers to a request's tasks into the reply in the consumer's format.
pub struct ReplyWriter {
    tasks: usize,
    /// The JSON pointer of each task in the request. Empty if the request is one task.
    pointers: Vec<String>,
    write: Box<Write>,
}

/// What is sent to the consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct DialectReply {
    /// The version of the pack that answered. `None` if none did.
    pub pack: Option<PackLabel>,
    /// The body of a 200, or why there is none.
    pub body: Result<Value, Problem>,
}

impl Asked {
    /// A request that needs no task to be rewarded.
    pub(crate) fn nothing(reply: Value) -> Self {
        Self::new(Vec::new(), Vec::new(), Box::new(|_| Ok(reply)))
    }

    /// A request that is one task.
    pub(crate) fn one(ask: Ask, write: impl FnOnce(&AskOutcome) -> Result<Value, Problem> + Send + 'static) -> Self {
        let write = |outcomes: &[AskOutcome]| write(outcomes.first().ok_or_else(missing)?);
        Self::new(vec![ask], Vec::new(), Box::new(write))
    }

    /// A request of several tasks, each with its JSON pointer. The outcomes are in the same order.
    pub(crate) fn batch(
        asks: Vec<(String, Ask)>,
        write: impl FnOnce(&[AskOutcome]) -> Result<Value, Problem> + Send + 'static,
    ) -> Self {
        let (pointers, asks) = asks.into_iter().unzip();
        Self::new(asks, pointers, Box::new(write))
    }

    fn new(asks: Vec<Ask>, pointers: Vec<String>, write: Box<Write>) -> Self {
        let reply = ReplyWriter { tasks: asks.len(), pointers, write };
        Self { asks, reply }
    }
}

impl ReplyWriter {
    /// Writes the reply. The answers are in the order of [`Asked::asks`].
    pub fn write(self, answers: Result<Vec<Result<Answer, Problem>>, BatchRefused>) -> DialectReply {
        let answers = match answers {
            Ok(answers) => answers,
            Err(BatchRefused { task, problem }) => {
                if let Some(pointer) = task.and_then(|task| self.pointers.get(task)) {
                    let problem = Problem { pointer: Some(pointer.clone()), ..problem };
                    return DialectReply { pack: None, body: Err(problem) };
                }
                // Each dialect decides what its consumer sees of a problem, so all tasks get it.
                vec![Err(problem); self.tasks]
            }
        };
        if answers.len() != self.tasks {
            return DialectReply { pack: None, body: Err(missing()) };
        }
        let pack = answers.iter().flatten().next().map(|answer| answer.pack.clone());
        let outcomes: Vec<AskOutcome> = answers.into_iter().map(AskOutcome).collect();
        DialectReply { pack, body: (self.write)(&outcomes) }
    }
}

fn missing() -> Problem {
    Problem::new(ProblemKind::Internal, "an answer is missing")
}

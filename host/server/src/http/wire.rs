//! The native API's bodies.

use std::time::Duration;

use rewarden_dialects::{Answer, Ask, Cohort, Problem, ProblemKind, SamplingWishes, Turn};
use rewarden_input::{answers, references, turns};
use rewarden_record::{Provenance, SampleRow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One task or a batch of them, and how to reward them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewardRequest {
    /// The live pack to use; the server's default without it.
    #[serde(default)]
    pub(crate) pack: Option<String>,
    /// One task. Give this or `tasks`.
    #[serde(default)]
    pub(crate) task: Option<TaskBody>,
    /// Several tasks, answered together and in this order.
    #[serde(default)]
    pub(crate) tasks: Option<Vec<TaskBody>>,
    /// What is to differ from the pack's own sampling, as far as the operator allows.
    #[serde(default)]
    pub(crate) sampling: Option<SamplingBody>,
    /// Changes to plugin configurations, as far as the operator allows, such as `{"policy.k": 8}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) set: Map<String, Value>,
    /// Whether each reward comes with the samples that it was made from.
    #[serde(default)]
    pub(crate) samples: bool,
    /// Whether each reward comes with all that it goes back to: digests, configurations, model, sampling, seed.
    #[serde(default)]
    pub(crate) provenance: bool,
    /// The group that this task, which has one response, is judged with.
    #[serde(default)]
    pub(crate) cohort: Option<CohortBody>,
}

/// A conversation and the responses to be rewarded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskBody {
    /// Names the task in the answer, in which it comes back as it was written, whatever JSON it is. Together with the content it
    /// decides the seeds of its samples.
    #[serde(default)]
    id: Option<Value>,
    /// The query: a text, or messages like those of `messages`. Give this or `messages`.
    #[serde(default)]
    prompt: Option<Value>,
    /// The conversation, oldest turn first; ends with the user's query or a result of a tool. A turn has a `role` (`system`,
    /// `developer`, `user`, `assistant`, `tool`) and a `content`, a text or a list of text parts; the assistant's may have
    /// `tool_calls`, too.
    #[serde(default)]
    messages: Option<Value>,
    /// The candidates, at least one: each a text, a list of text parts, or a list of turns of which the assistant's last ones are
    /// judged. The turns before those are part of the conversation, and the same in all responses of a task.
    #[schema(min_items = 1)]
    responses: Vec<Value>,
    /// A ground-truth answer: a text, a number, a list of which any counts, or an object with `target`, `answer` or `answers`.
    #[serde(default)]
    reference: Option<Value>,
    /// Further fields; plugins see them.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// Sampling parameters; those that are missing are the pack's.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplingBody {
    /// At least 0; 0 is greedy decoding.
    #[serde(default)]
    #[schema(minimum = 0)]
    temperature: Option<f64>,
    /// Nucleus sampling: above 0, at most 1.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// Upper bound on new tokens of one sample.
    #[serde(default)]
    #[schema(minimum = 1)]
    max_tokens: Option<u32>,
    /// From which every other seed follows.
    #[serde(default)]
    seed: Option<u64>,
}

/// A group whose members come one by one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CohortBody {
    /// Equal for the members of a group.
    #[schema(min_length = 1, max_length = 200)]
    key: String,
    /// How many members it has.
    #[schema(minimum = 1)]
    size: u32,
    /// Seconds that the first member waits for the last; the server's own bound applies too.
    #[serde(default)]
    #[schema(exclusive_minimum = 0)]
    deadline: Option<f64>,
}

/// One reward.
#[derive(Serialize, ToSchema)]
pub(crate) struct RewardBody {
    #[serde(flatten)]
    pub(crate) answer: Answer,
    /// The samples, where they were asked for: order, text, scores or failure, principles, critique, rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) samples: Option<Vec<Value>>,
    /// Where it was asked for: everything that the reward depends on besides its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) provenance: Option<Value>,
}

/// The rewards of a batch, in its order.
#[derive(Serialize, ToSchema)]
pub(crate) struct RewardsBody {
    pub(crate) rewards: Vec<RewardBody>,
}

/// The tasks of a request.
pub(crate) enum RequestedTasks {
    /// One, under `task`.
    One(Box<Ask>),
    /// A list, under `tasks`.
    Batch(Vec<Ask>),
}

impl RewardRequest {
    /// Returns the tasks as asks. There may be at most `most`.
    pub(crate) fn asks(self, most: usize) -> Result<RequestedTasks, Problem> {
        let Self { pack, task, tasks, sampling, set, cohort, .. } = self;
        let sampling = sampling.unwrap_or_default().wishes();
        let set: Vec<(String, Value)> = set.into_iter().collect();
        let cohort = cohort.map(CohortBody::cohort).transpose()?;
        let with = |task: TaskBody, at: &str| task.ask(pack.clone(), sampling, set.clone(), cohort.clone(), at);
        match (task, tasks) {
            (Some(task), None) => Ok(RequestedTasks::One(Box::new(with(task, "/task")?))),
            (None, Some(_)) if cohort.is_some() => {
                Err(Problem::at("/cohort", "a cohort's members come one by one: give `task`, not `tasks`"))
            }
            (None, Some(tasks)) if tasks.is_empty() => {
                Err(Problem::at("/tasks", "is empty; expected at least one task"))
            }
            (None, Some(tasks)) if tasks.len() > most => {
                let detail =
                    format!("holds {} tasks; this server takes up to {most} in one request (--max-batch)", tasks.len());
                Err(Problem { pointer: Some("/tasks".to_owned()), ..Problem::new(ProblemKind::TooLarge, detail) })
            }
            (None, Some(tasks)) => {
                let asks = tasks.into_iter().enumerate().map(|(index, task)| with(task, &format!("/tasks/{index}")));
                asks.collect::<Result<_, _>>().map(RequestedTasks::Batch)
            }
            (Some(_), Some(_)) => Err(Problem::at("/tasks", "give `task` or `tasks`, not both")),
            (None, None) => Err(Problem::at("/task", "is missing; give `task`, or `tasks` for several")),
        }
    }
}

impl TaskBody {
    fn ask(
        self,
        pack: Option<String>,
        sampling: SamplingWishes,
        set: Vec<(String, Value)>,
        cohort: Option<Cohort>,
        at: &str,
    ) -> Result<Ask, Problem> {
        let Self { id, prompt, messages, responses, reference, metadata } = self;
        let mut messages = match (prompt, messages) {
            (Some(prompt), None) => turns(&prompt, &format!("{at}/prompt"))?,
            (None, Some(messages)) => turns(&messages, &format!("{at}/messages"))?,
            (Some(_), Some(_)) => {
                return Err(Problem::at(format!("{at}/messages"), "give `prompt` or `messages`, not both"));
            }
            (None, None) => return Err(Problem::at(format!("{at}/prompt"), "is missing; give `prompt` or `messages`")),
        };
        let responses = answers(&mut messages, &responses, &format!("{at}/responses"))?;
        let references = references(&reference.unwrap_or_default(), &format!("{at}/reference"))?;
        let messages = messages.into_iter().map(Turn::from).collect();
        Ok(Ask { pack, id, messages, responses, references, metadata, sampling, set, cohort })
    }
}

impl SamplingBody {
    fn wishes(self) -> SamplingWishes {
        let Self { temperature, top_p, max_tokens, seed } = self;
        SamplingWishes { temperature, top_p, max_tokens, seed }
    }
}

impl CohortBody {
    fn cohort(self) -> Result<Cohort, Problem> {
        let Self { key, size, deadline } = self;
        let seconds = |seconds: f64| {
            if seconds.is_finite() && seconds > 0.0 {
                // What no duration holds is longer than the server's own deadline, which bounds it.
                return Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
            }
            Err(Problem::at("/cohort/deadline", format!("expected a number of seconds above 0, found {seconds}")))
        };
        Ok(Cohort { key, size, deadline: deadline.map(seconds).transpose()? })
    }
}

/// Points the problem of a task at the request: `task` is the task's own pointer.
pub(crate) fn within(problem: Problem, task: &str) -> Problem {
    const WHOLE: [&str; 4] = ["/pack", "/sampling", "/set", "/cohort"];
    let pointer = problem.pointer.as_ref().map(|pointer| {
        let whole = WHOLE.iter().any(|field| pointer == field || pointer.starts_with(&format!("{field}/")));
        if whole { pointer.clone() } else { format!("{task}{pointer}") }
    });
    Problem { pointer, ..problem }
}

/// Writes a sample like a samples file does.
pub(crate) fn sample_value(row: &SampleRow<'_>) -> Result<Value, Problem> {
    serde_json::to_value(row).map_err(|error| unwritable(&error))
}

/// Writes the provenance like a result row does.
pub(crate) fn provenance_value(provenance: &Provenance) -> Result<Value, Problem> {
    serde_json::to_value(provenance.for_rows()).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemKind::Internal, format!("the answer could not be written as JSON: {error}"))
}

/// An RFC 9457 problem document.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "stands for what `Problem` writes; read by the schema alone")]
pub(crate) struct ProblemDocument {
    /// `/problems/` and the kind; stable.
    #[schema(example = "/problems/invalid-request")]
    r#type: String,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What was expected, what was found, and what to do.
    detail: String,
    /// JSON pointer of the field at fault.
    pointer: Option<String>,
}

/// A reward for `task`, a list for `tasks`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "read by the schema alone")]
pub(crate) enum OneOrMany {
    One(Box<RewardBody>),
    Many(RewardsBody),
}

//! `POST /v1/reward/stream`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use rewarden_dialects::{Problem, ProblemKind};
use rewarden_types::Rating;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::http::api::reward::Show;
use crate::http::extract::JsonBody;
use crate::http::headers::labelled;
use crate::http::refusal::ProblemResponse;
use crate::http::state::App;
use crate::http::wire::{self, RequestedTasks, RewardRequest};
use crate::judging::{Admitted, JudgeHandle, JudgeResult, ProgressEvent};

/// Reward one task and watch it happen.
///
/// Server-sent events: `drawing` (`{"samples": 4}`: that many more were asked for), `sample` (as it is drawn: order, text, scores
/// or failure, principles, critique), `rating` (of a sample, by a meta RM), and at the end `reward` (as `/v1/reward` answers) or
/// `problem` (a problem document). Identical requests share one judgement; who comes late gets what has happened so far first.
#[utoipa::path(
    post, path = "/v1/reward/stream", tag = "rewards", request_body = RewardRequest,
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "The request cannot be taken", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "The server cannot answer now", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    JsonBody(request): JsonBody<RewardRequest>,
) -> Result<Response, ProblemResponse> {
    let show = Show { samples: request.samples, provenance: request.provenance };
    let ask = match request.asks(app.limits.batch)? {
        RequestedTasks::One(ask) => ask,
        RequestedTasks::Batch(_) => return Err(Problem::at("/tasks", "a stream shows one task: give `task`").into()),
    };
    if ask.cohort.is_some() {
        return Err(Problem::at("/cohort", "members of a cohort are not streamed; ask /v1/reward").into());
    }
    let inside = |problem| wire::within(problem, "/task");
    let prepared = app.service.prepare_one(*ask).await.map_err(inside)?;
    let (label, id) = (prepared.version.label.clone(), prepared.id.clone());
    let task = match &id {
        Some(Value::String(id)) => id.clone(),
        Some(id) => id.to_string(),
        None => prepared.task.id.clone(),
    };
    let (handle, admitted) = app.service.watch(prepared)?;
    let progress = handle.progress.subscribe();
    let deadline = Instant::now() + app.limits.request_time;
    let watching = Watching { progress, handle, _admitted: admitted, deadline, task, id, show, end: None };
    let events = Sse::new(events(watching)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(labelled(&label, events.into_response()))
}

struct Watching {
    progress: UnboundedReceiver<ProgressEvent>,
    handle: JudgeHandle,
    _admitted: Admitted,
    deadline: Instant,
    /// The task's id in events.
    task: String,
    id: Option<Value>,
    show: Show,
    /// How it ended. Sent after everything that happened before.
    end: Option<JudgeResult>,
}

fn events(watching: Watching) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(Some(watching), |watching| async move {
        let mut watching = watching?;
        loop {
            if let Some(end) = &watching.end {
                return match watching.progress.try_recv() {
                    Ok(progress) => Some((Ok(watching.event(&progress)), Some(watching))),
                    Err(_) => Some((Ok(watching.last(end)), None)),
                };
            }
            tokio::select! {
                biased;
                Some(progress) = watching.progress.recv() => return Some((Ok(watching.event(&progress)), Some(watching))),
                end = &mut watching.handle.work => watching.end = Some(end),
                () = tokio::time::sleep_until(watching.deadline) => {
                    let problem = Problem::new(ProblemKind::Timeout, "the stream took longer than this server allows (--request-timeout)");
                    watching.end = Some(Err(problem));
                }
            }
        }
    })
}

impl Watching {
    fn event(&self, progress: &ProgressEvent) -> Event {
        match progress {
            ProgressEvent::Drawing(samples) => named("drawing", &json!({"samples": samples})),
            ProgressEvent::Sample(sample) => named("sample", &sample.row(&self.task)),
            ProgressEvent::Rating(sample, meta) => {
                let row = match &meta.rating {
                    Rating::Rated(rating) => json!({"task": self.task, "sample": sample, "rating": rating}),
                    Rating::Failed(failure) => {
                        let failure = json!({"kind": failure.kind.name(), "message": failure.message});
                        json!({"task": self.task, "sample": sample, "failure": failure})
                    }
                };
                named("rating", &row)
            }
        }
    }

    fn last(&self, end: &JudgeResult) -> Event {
        let body = end.clone().and_then(|judged| self.show.body(&judged, judged.answer(self.id.clone())));
        match body {
            Ok(body) => named("reward", &body),
            Err(problem) => named("problem", &problem.document()),
        }
    }
}

/// An event whose data is JSON on one line.
fn named(name: &str, data: &impl Serialize) -> Event {
    let data = serde_json::to_value(data).unwrap_or(Value::Null);
    Event::default().event(name).data(data.to_string())
}

//! `POST /v1/reward`.

use std::sync::Arc;

use crate::http::headers::labelled;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use rewarden_dialects::{Answer, Ask, BatchRefused, PackLabel, Problem, ProblemKind};
use serde_json::Value;

use crate::http::extract::JsonBody;
use crate::http::refusal::ProblemResponse;
use crate::http::state::App;
use crate::http::wire::{self, RequestedTasks, RewardBody, RewardRequest, RewardsBody};
use crate::judging::{Caller, JudgeResult, Judged, Rewards};

/// Reward one task, or a batch.
///
/// With `task` the answer is one reward, with `tasks` a list in the same order. A task that was taken and has no reward carries
/// an `error`; a request that could not be taken is a problem as a whole. The same task asked again of the same pack version
/// and sampling gives the same reward, without sampling again. A request with an `Idempotency-Key` header is answered once; a
/// repetition gets the same answer, the same key with another body a conflict.
#[utoipa::path(
    post, path = "/v1/reward", tag = "rewards", request_body = RewardRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a retry safe, whatever it asks for")),
    responses(
        (status = 200, description = "The reward, or for `tasks` the rewards", body = crate::http::wire::OneOrMany),
        (status = "4XX", description = "The request cannot be taken", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "The server cannot answer now", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reward(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<RewardRequest>,
) -> Result<Response, ProblemResponse> {
    let show = Show { samples: request.samples, provenance: request.provenance };
    match request.asks(app.limits.batch)? {
        RequestedTasks::One(ask) if ask.cohort.is_some() => {
            let answers = app.service.rewards(vec![*ask], &caller).await.map_err(|refused| refused.problem);
            let answer = answers.and_then(|answers| answers.into_iter().next().unwrap_or_else(|| Err(lost())));
            let answer = answer.map_err(|problem| wire::within(problem, "/task"))?;
            let body = RewardBody { answer, samples: None, provenance: None };
            Ok(labelled(&body.answer.pack.clone(), Json(body)))
        }
        RequestedTasks::One(ask) => {
            let mut rewards = judged(&app, vec![*ask], show, |_| "/task".to_owned()).await?;
            let (label, body) = rewards.pop().ok_or_else(lost)?;
            Ok(labelled(&label, Json(body)))
        }
        RequestedTasks::Batch(asks) => {
            let rewards = judged(&app, asks, show, |index| format!("/tasks/{index}")).await?;
            let label = rewards.last().map(|(label, _)| label.clone()).unwrap_or_default();
            let rewards = rewards.into_iter().map(|(_, body)| body).collect();
            Ok(labelled(&label, Json(RewardsBody { rewards })))
        }
    }
}

/// The rewards of the tasks, each with the version that made it. `pointer` says where a task stands in the request.
async fn judged(
    app: &App,
    asks: Vec<Ask>,
    show: Show,
    pointer: impl Fn(usize) -> String,
) -> Result<Vec<(PackLabel, RewardBody)>, Problem> {
    let judged = app.service.judge_all(asks).await.map_err(|BatchRefused { task, problem }| match task {
        Some(task) => wire::within(problem, &pointer(task)),
        None => problem,
    })?;
    let reward = |(index, (id, outcome)): (usize, (Option<Value>, JudgeResult))| {
        let judged = outcome.map_err(|problem| wire::within(problem, &pointer(index)))?;
        Ok((judged.version.label.clone(), show.body(&judged, judged.answer(id))?))
    };
    judged.into_iter().enumerate().map(reward).collect()
}

fn lost() -> Problem {
    Problem::new(ProblemKind::Internal, "a task of the request was lost; send it again")
}

/// What a reward comes with.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    pub(crate) samples: bool,
    pub(crate) provenance: bool,
}

impl Show {
    pub(crate) fn body(self, judged: &Judged, answer: Answer) -> Result<RewardBody, Problem> {
        let samples = if self.samples {
            Some(judged.judged.1.sample_rows().map(|row| wire::sample_value(&row)).collect::<Result<_, _>>()?)
        } else {
            None
        };
        let provenance =
            if self.provenance { Some(wire::provenance_value(judged.version.judge.provenance())?) } else { None };
        Ok(RewardBody { answer, samples, provenance })
    }
}

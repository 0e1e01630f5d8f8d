//! The dialects over HTTP.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use rewarden_dialects::{Asked, ChatFormatError, DialectConfig, DialectEndpoint, DialectReply, Dialects, endpoints};

use crate::http::extract::JsonBytes;
use crate::http::headers::labelled;
use crate::http::refusal::ProblemResponse;
use crate::judging::{Caller, Rewards};
use crate::off_thread::{cost, off_thread};

struct Serving {
    rewards: Arc<dyn Rewards>,
    dialects: Arc<Dialects>,
}

/// The routes of all dialects.
///
/// The request's [`Caller`] is taken from its extensions; without one it is the default.
///
/// # Errors
///
/// A chat format of the configuration cannot be loaded, or one is named that is not configured.
pub fn dialect_routes<S: Clone + Send + Sync + 'static>(
    rewards: Arc<dyn Rewards>,
    config: DialectConfig,
) -> Result<Router<S>, ChatFormatError> {
    let mut routes = Router::new();
    for endpoint in endpoints() {
        for path in endpoint.paths {
            let handler = move |serving: State<Arc<Serving>>, query: RawQuery, caller: Caller, body: JsonBytes| {
                answer(endpoint, serving, query, caller, body)
            };
            routes = routes.route(path, post(handler));
        }
    }
    let dialects = Arc::new(Dialects::new(config)?);
    Ok(routes.with_state(Arc::new(Serving { rewards, dialects })))
}

async fn answer(
    endpoint: &'static DialectEndpoint,
    State(serving): State<Arc<Serving>>,
    RawQuery(query): RawQuery,
    caller: Caller,
    JsonBytes(body): JsonBytes,
) -> Result<Response, ProblemResponse> {
    let (dialects, query, bytes) = (serving.dialects.clone(), query.unwrap_or_default(), body.len());
    let Asked { asks, reply } =
        off_thread(cost::DIALECT, bytes, move || endpoint.read(&dialects, &query, &body)).await??;
    let answers = if asks.is_empty() { Ok(Vec::new()) } else { serving.rewards.rewards(asks, &caller).await };
    let (pack, response) = off_thread(cost::DIGEST, bytes, move || {
        let DialectReply { pack, body } = reply.write(answers);
        (pack, body.map(Json).map_err(ProblemResponse).into_response())
    })
    .await?;
    Ok(match pack {
        Some(pack) => labelled(&pack, response),
        None => response,
    })
}

//! The interface between endpoints and what answers their asks.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use rewarden_dialects::{Answer, Ask, BatchRefused, Problem};

/// The client that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name of the API key. `None` without authentication.
    pub key: Option<String>,
    /// The request's id, as in the log and in `x-request-id`.
    pub request: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Answers asks.
#[async_trait]
pub trait Rewards: Send + Sync {
    /// Returns the rewards of one request's tasks, in their order. All are judged by the same version of their pack,
    /// and either all of them are let in or none.
    ///
    /// A task that was let in and has no reward is an [`Answer`] with an [`error`](Answer::error), or the [`Problem`]
    /// that came up while it was judged.
    ///
    /// A member of a cohort comes alone and waits for the others.
    ///
    /// # Errors
    ///
    /// A task cannot be let in (unknown pack, forbidden setting), there are too many, or the queue is full. Nothing is
    /// judged then.
    async fn rewards(&self, asks: Vec<Ask>, caller: &Caller) -> Result<Vec<Result<Answer, Problem>>, BatchRefused>;
}

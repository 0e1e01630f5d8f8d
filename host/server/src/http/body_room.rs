//! Bodies of requests, read whole before anything is done with them, within a room that all of them share.
//!
//! A connection may send as much as one request may hold. All connections together must not: 4,096 bodies of 16 MB would
//! be 64 GB. So each piece of a body takes room as it arrives, and gives it back when its request is answered. It takes
//! what it will be when it is decoded: two bytes of `0,` are a value of some 40.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use rewarden_dialects::{Problem, ProblemKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::refusal::ProblemResponse;

/// The time within which a body must arrive. A body of 16 MB does so over a line of 4.5 Mbit/s.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The time within which the rest of a refused body must arrive, so that its client reads why.
const DRAINING: Duration = Duration::from_secs(3);

/// Bytes that one permit stands for.
const UNIT: usize = 1024;

/// Bytes that a decoded JSON value takes beside its text. Measured: 300 MB for 16 MB of `0,`.
const VALUE: usize = 40;

/// The room for the bodies of all requests.
#[derive(Clone)]
pub(crate) struct BodyRoom {
    room: Arc<Semaphore>,
    bytes: usize,
    arrival: Duration,
}

impl BodyRoom {
    /// A room of this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), bytes, arrival: ARRIVAL }
    }

    /// Reads the whole body. Returns it with the permit for its room, which is given back when dropped.
    async fn collect(&self, body: &mut Body, most: usize) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
        let too_large = || {
            let detail = format!(
                "the body is larger than the {most} bytes that this server takes (--max-body, for packs --max-upload); send less"
            );
            Problem::new(ProblemKind::TooLarge, detail)
        };
        if body.size_hint().lower() > most as u64 {
            return Err(too_large());
        }
        let (mut whole, mut held) = (Vec::new(), None::<OwnedSemaphorePermit>);
        let mut weight = 0_usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Problem::new(ProblemKind::InvalidRequest, format!("the body could not be read: {error}"))
            })?;
            let Ok(piece) = frame.into_data() else { continue };
            if whole.len() + piece.len() > most {
                return Err(too_large());
            }
            let values = piece.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
            let heavier = weight + piece.len() + VALUE * values;
            let needed = heavier.div_ceil(UNIT) - weight.div_ceil(UNIT);
            weight = heavier;
            let more = self.room.clone().try_acquire_many_owned(u32::try_from(needed).unwrap_or(u32::MAX));
            let more = more.map_err(|_| {
                let detail = format!(
                    "the bodies of requests under way fill the {} bytes that this server has for them (--max-bodies); \
                     send it again later",
                    self.bytes
                );
                Problem { retry_after: Some(1), ..Problem::new(ProblemKind::Overloaded, detail) }
            })?;
            match &mut held {
                Some(held) => held.merge(more),
                none => *none = Some(more),
            }
            whole.extend_from_slice(&piece);
        }
        Ok((whole, held))
    }
}

/// Reads the body, at most `most` bytes, and passes the request on with it.
pub(crate) async fn take((bodies, most): (BodyRoom, usize), request: Request, next: Next) -> Response {
    let (parts, mut body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let taken = tokio::time::timeout(bodies.arrival, bodies.collect(&mut body, most)).await;
    let taken = taken.unwrap_or_else(|_| {
        let detail = format!("the body had not arrived after {} s", bodies.arrival.as_secs());
        Err(Problem::new(ProblemKind::Timeout, detail))
    });
    match taken {
        Ok((whole, _held)) => next.run(Request::from_parts(parts, Body::from(whole))).await,
        Err(problem) => {
            // One that waits to be told to send is not told to.
            if !parts.headers.contains_key(EXPECT) {
                drain(body, most).await;
            }
            ProblemResponse(problem).into_response()
        }
    }
}

/// Reads on, and keeps nothing: a client that sends all before it reads would see a broken connection instead of the answer.
/// Ends after `most` bytes and [`DRAINING`], since nobody has to be waited for.
async fn drain(mut body: Body, most: usize) {
    let draining = async {
        let mut left = most;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
            left = rest;
        }
    };
    // The connection is closed with what is left.
    let _ = tokio::time::timeout(DRAINING, draining).await;
}

/// Like [`take`], with the arguments that axum gives to a middleware.
pub(crate) async fn layer(State(taking): State<(BodyRoom, usize)>, request: Request, next: Next) -> Response {
    take(taking, request, next).await
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn pieces(pieces: usize) -> Body {
        let piece = || Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; UNIT]));
        Body::from_stream(stream::iter((0..pieces).map(move |_| piece())))
    }

    #[tokio::test]
    async fn bodies_share_a_room_and_give_it_back() {
        let bodies = BodyRoom::new(8 * UNIT);
        let (first, held) = bodies.collect(&mut pieces(6), 64 * UNIT).await.unwrap();
        assert_eq!(first.len(), 6 * UNIT);
        let refused = bodies.collect(&mut pieces(3), 64 * UNIT).await.unwrap_err();
        assert_eq!((refused.kind, refused.retry_after), (ProblemKind::Overloaded, Some(1)));
        // The refused body gives back what it took.
        let (_, small) = bodies.collect(&mut pieces(2), 64 * UNIT).await.unwrap();
        drop((held, small));
        bodies.collect(&mut pieces(8), 64 * UNIT).await.unwrap();
        assert_eq!(bodies.room.available_permits(), 8);
    }

    #[tokio::test]
    async fn a_body_of_many_values_takes_the_room_of_what_it_is_decoded() {
        let bodies = BodyRoom::new(64 * UNIT);
        let list = "0,".repeat(UNIT / 2);
        let (_, held) = bodies.collect(&mut Body::from(list), 64 * UNIT).await.unwrap();
        assert_eq!(held.unwrap().num_permits(), 1 + VALUE / 2);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_by_its_length_or_as_it_arrives() {
        let bodies = BodyRoom::new(64 * UNIT);
        for mut body in [Body::from(vec![0; 5 * UNIT]), pieces(5)] {
            let refused = bodies.collect(&mut body, 4 * UNIT).await.unwrap_err();
            assert_eq!(refused.kind, ProblemKind::TooLarge);
            assert!(refused.detail.contains("4096 bytes"), "{}", refused.detail);
        }
        bodies.collect(&mut pieces(4), 4 * UNIT).await.unwrap();
    }
}

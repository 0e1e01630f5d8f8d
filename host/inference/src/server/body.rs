//! Bodies of replies, which have an end.

use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::Response;

use super::failure::{TryFailure, excerpt};

/// The most bytes that are read of any reply: some 40,000 tokens with twenty log-probabilities each.
pub(crate) const LARGEST: usize = 64 << 20;

/// The most bytes that are read of a reply with an error status, of which 500 characters are shown.
const LARGEST_ERROR: usize = 64 << 10;

/// The most bytes of one line of an event stream, which holds a few tokens. A line is looked through again with every piece of
/// it that arrives, so one without end would cost the square of its length.
const LONGEST_LINE: usize = 1 << 20;

/// The body as it arrives; fails when it is larger than `most` bytes.
fn pieces(response: Response, most: usize) -> impl Stream<Item = Result<impl AsRef<[u8]>, TryFailure>> {
    let mut received = 0_usize;
    response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|error| TryFailure::of_transport(&error))?;
        received = received.saturating_add(piece.len());
        if received > most {
            let expected = "a reply no longer than what was asked for can be";
            return Err(TryFailure::Malformed { expected, found: format!("one that goes on after {most} bytes") });
        }
        Ok(piece)
    })
}

/// The body of an event stream as it arrives; fails when it is larger than `most` bytes or one of its lines is too large.
pub(crate) fn lines(response: Response, most: usize) -> impl Stream<Item = Result<impl AsRef<[u8]>, TryFailure>> {
    let mut line = 0_usize;
    pieces(response, most).map(move |piece| {
        let piece = piece?;
        let bytes = piece.as_ref();
        line = match bytes.iter().rev().position(|byte| *byte == b'\n') {
            Some(after) => after,
            None => line.saturating_add(bytes.len()),
        };
        if line > LONGEST_LINE {
            let expected = "lines of at most 1 MiB in the event stream";
            return Err(TryFailure::Malformed { expected, found: "one that goes on".into() });
        }
        Ok(piece)
    })
}

/// The whole body, which must be UTF-8, as JSON is, and no larger than `most` bytes.
pub(crate) async fn text(response: Response, most: usize) -> Result<String, TryFailure> {
    let mut pieces = std::pin::pin!(pieces(response, most));
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        whole.extend_from_slice(piece?.as_ref());
    }
    String::from_utf8(whole).map_err(|error| TryFailure::Malformed {
        expected: "a reply in UTF-8",
        found: format!("other bytes ({error})"),
    })
}

impl TryFailure {
    /// An error status, with the beginning of its body and without `secret`.
    pub(crate) async fn of_status(response: Response, secret: Option<&str>) -> TryFailure {
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let seconds = header.and_then(|value| value.trim().parse().ok());
        let retry_after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let onwards = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = match onwards.filter(|_| (300..400).contains(&status)) {
            // Followed, it would carry a prompt, and perhaps a key, to where nobody meant it to go.
            Some(onwards) => format!("redirects to {onwards}, which is not followed; if that is the server, name it"),
            None => beginning(response).await,
        };
        TryFailure::Status { status, body: excerpt(&body, secret), retry_after }
    }
}

/// The beginning of the body of a reply with an error status; what follows is not read.
async fn beginning(response: Response) -> String {
    let mut pieces = std::pin::pin!(pieces(response, usize::MAX));
    let mut read = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => read.extend(piece.as_ref().iter().take(LARGEST_ERROR - read.len())),
            Err(failure) if read.is_empty() => return format!("({failure})"),
            Err(_) => break,
        }
        if read.len() >= LARGEST_ERROR {
            break;
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

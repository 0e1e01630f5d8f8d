//! Connections whose other end stops reading.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream that fails once nothing could be written for some time. Without that, a client that sends requests and reads no
/// answer keeps its connection, and the memory of its answers, for ever.
pub(crate) struct StalledWrites<S> {
    stream: S,
    patience: Duration,
    /// Runs while a write waits for the other end.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> StalledWrites<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    /// Passes on what became of a write, unless it has waited for too long.
    fn outcome<T>(&mut self, written: Poll<std::io::Result<T>>, context: &mut Context<'_>) -> Poll<std::io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        ready!(waiting.as_mut().poll(context));
        let seconds = patience.as_secs();
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, format!("the client read nothing for {seconds} s"))))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StalledWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StalledWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.outcome(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.outcome(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.outcome(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.outcome(ended, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_reader_that_stops_ends_the_connection_and_a_slow_one_does_not() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = StalledWrites::new(ours, Duration::from_millis(500));
        let slow = tokio::spawn(async move {
            let mut some = [0; 16];
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                theirs.read_exact(&mut some).await.unwrap();
            }
            theirs
        });
        ours.write_all(&[7; 160]).await.unwrap();
        let _open = slow.await.unwrap();
        let started = Instant::now();
        let error = ours.write_all(&[7; 160]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(started.elapsed() >= Duration::from_millis(500));
    }
}

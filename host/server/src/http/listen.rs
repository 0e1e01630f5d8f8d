//! Accepts connections, serves them, and ends them in an orderly way.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::http::stalled_writes::StalledWrites;

/// The time for a TLS handshake and for a request's head, so that nobody holds a connection by sending nothing.
const HEAD: Duration = Duration::from_secs(20);

/// For a client to read something of its answer: after that its connection ends.
const UNREAD: Duration = Duration::from_secs(60);

/// How far a server is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Connections end with their current request.
    Finishing,
    /// Connections end at once.
    Over,
}

/// Serves until `stop` ends. Requests in flight then have `grace` to finish; the rest is dropped. Returns whether all
/// of them finished.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    connections: usize,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> bool {
    let slots = Arc::new(Semaphore::new(connections.max(1)));
    let (stopping, stopped) = watch::channel(Phase::Serving);
    // Every connection holds a sender, so receiving ends when all connections are gone.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let mut stop = pin!(stop);
    loop {
        let accept = async {
            let slot = slots.clone().acquire_owned().await.map_err(std::io::Error::other)?;
            listener.accept().await.map(|(stream, peer)| (slot, stream, peer))
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept => accepted,
        };
        let (slot, stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or a connection that broke at once: no reason to end, nor to spin.
                tracing::warn!("a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (tls, router, stopped, alive) = (tls.clone(), router.clone(), stopped.clone(), alive.clone());
        tokio::spawn(async move {
            let _held = (slot, alive);
            connection(stream, peer, tls, router, stopped).await;
        });
    }
    drop(listener);
    let _ = stopping.send(Phase::Finishing);
    drop(alive);
    let finished = tokio::time::timeout(grace, all_gone.recv()).await.is_ok();
    let _ = stopping.send(Phase::Over);
    // Dropping is quick, and runs must not be closed while connections still hold them.
    let _ = tokio::time::timeout(HEAD, all_gone.recv()).await;
    finished
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: watch::Receiver<Phase>,
) {
    // Answers are small, and clients wait for them.
    let _ = stream.set_nodelay(true);
    let stream = StalledWrites::new(stream, UNREAD);
    let Some(tls) = tls else { return http(stream, peer, router, stopped).await };
    match tokio::time::timeout(HEAD, tls.accept(stream)).await {
        Ok(Ok(stream)) => http(stream, peer, router, stopped).await,
        Ok(Err(error)) => tracing::debug!("{peer}: no TLS: {error}"),
        Err(_) => tracing::debug!("{peer}: no TLS within {} s", HEAD.as_secs()),
    }
}

/// Returns whether the clock has a time that an HTTP date can name. hyper's own header panics beyond.
fn has_date() -> bool {
    const YEAR_9999: Duration = Duration::from_secs(253_370_764_800);
    rewarden_dialects::since_1970() < YEAR_9999
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<Phase>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .pipeline_flush(true)
        .auto_date_header(has_date())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let mut ending = stopped.clone();
    let finishing = async {
        let _ = stopped.wait_for(|phase| *phase >= Phase::Finishing).await;
    };
    let over = async {
        let _ = ending.wait_for(|phase| *phase == Phase::Over).await;
    };
    let served = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = finishing => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    };
    let ended = tokio::select! {
        ended = served => ended,
        () = over => return,
    };
    if let Err(error) = ended {
        tracing::debug!("{peer}: {error}");
    }
}

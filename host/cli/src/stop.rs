//! Signals that ask the process to end: the first is for an end in good order, a second one ends it at once.

use std::io;

use tokio::sync::watch;

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a service manager, a scheduler, `kill`.
    Terminate,
}

impl StopSignal {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            StopSignal::Interrupt => "SIGINT",
            StopSignal::Terminate => "SIGTERM",
        }
    }

    /// The exit status that shells give a process which the signal ended: 128 and the signal's number.
    pub(crate) fn status(self) -> u8 {
        match self {
            StopSignal::Interrupt => 130,
            StopSignal::Terminate => 143,
        }
    }
}

/// Whether the process has been asked to end.
pub(crate) struct Stop {
    asked: watch::Receiver<Option<StopSignal>>,
}

impl Stop {
    /// Hears signals from now on, for as long as the process lives. Once this value is gone, nobody is left to end in
    /// good order, and the first signal ends the process too.
    pub(crate) fn listen() -> io::Result<Self> {
        // A thread of its own: a signal must be heard when everything else is busy or already over.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let signals = {
            // The library panics where it gets no descriptors for itself.
            #[cfg(unix)]
            drop((0..4).map(|_| std::os::unix::net::UnixStream::pair()).collect::<io::Result<Vec<_>>>()?);
            let _inside = runtime.enter();
            Signals::new()?
        };
        let (sender, asked) = watch::channel(None);
        std::thread::Builder::new()
            .name("rewarden-signals".into())
            .spawn(move || runtime.block_on(heed(signals, sender)))?;
        Ok(Self { asked })
    }

    /// The signal, if there was one.
    pub(crate) fn signal(&self) -> Option<StopSignal> {
        *self.asked.borrow()
    }

    /// Ends when the process is asked to.
    pub(crate) fn asked(&self) -> impl Future<Output = StopSignal> + use<> {
        let mut asked = self.asked.clone();
        async move {
            let signal = asked.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
            match signal {
                Some(signal) => signal,
                // Nobody listens, so nobody can ask.
                None => std::future::pending().await,
            }
        }
    }
}

async fn heed(mut signals: Signals, asked: watch::Sender<Option<StopSignal>>) {
    while let Some(signal) = signals.next().await {
        if asked.is_closed() || asked.borrow().is_some() {
            std::process::exit(signal.status().into());
        }
        asked.send_replace(Some(signal));
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Option<StopSignal> {
        tokio::select! {
            heard = self.interrupt.recv() => heard.map(|()| StopSignal::Interrupt),
            heard = self.terminate.recv() => heard.map(|()| StopSignal::Terminate),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<StopSignal> {
        tokio::signal::ctrl_c().await.ok().map(|()| StopSignal::Interrupt)
    }
}

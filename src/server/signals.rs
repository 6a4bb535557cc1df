//! Signals that end the process.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A signal that ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: somebody manages this process and load balancers are to be told.
    Terminate,
    /// SIGINT or Ctrl-C: somebody sits at the terminal and waits.
    Interrupt,
}

/// The signals as they come.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<Signal>);

impl Signals {
    /// Listens to the process's signals from here on.
    pub fn listen() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // Whoever asks for files to be read again is not to end the process: they are anyway,
        // and a journal begins another file where there is one.
        let mut hangup = signal(SignalKind::hangup())?;
        let (sender, signals) = Self::by_hand();
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    Some(()) = terminate.recv() => Signal::Terminate,
                    Some(()) = interrupt.recv() => Signal::Interrupt,
                    Some(()) = hangup.recv() => continue,
                    else => return,
                };
                if sender.send(signal).is_err() {
                    return;
                }
            }
        });
        Ok(signals)
    }

    /// Signals that come from the sender.
    pub fn by_hand() -> (mpsc::UnboundedSender<Signal>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(receiver))
    }

    /// The next signal; waits for ever when none can come.
    pub async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

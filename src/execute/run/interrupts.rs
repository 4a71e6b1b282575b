//! Ctrl-C, as the driver hears of it.

use std::task::{Context, Poll};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Requests to stop.
#[derive(Debug)]
pub struct Interrupts {
    receiver: UnboundedReceiver<()>,
    // Without a sender the channel would be closed, which is not the same as silent.
    _keep: UnboundedSender<()>,
}

impl Interrupts {
    /// Those that somebody sends; each message is one request.
    pub fn channel() -> (UnboundedSender<()>, Self) {
        let (sender, receiver) = unbounded_channel();
        (sender.clone(), Self { receiver, _keep: sender })
    }

    /// Ctrl-C and, where there are such, SIGTERM and SIGHUP: a terminal that goes away is no reason to stop half-way.
    /// Must be called inside a tokio runtime.
    pub fn signals() -> Self {
        let (sender, interrupts) = Self::channel();
        #[cfg(unix)]
        for kind in [tokio::signal::unix::SignalKind::terminate(), tokio::signal::unix::SignalKind::hangup()] {
            if let Ok(mut heard) = tokio::signal::unix::signal(kind) {
                let sender = sender.clone();
                tokio::spawn(async move { while heard.recv().await.is_some() && sender.send(()).is_ok() {} });
            }
        }
        tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {} });
        interrupts
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

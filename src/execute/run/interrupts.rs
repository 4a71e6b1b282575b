//! Ctrl-C, as the driver hears of it.

use std::task::{Context, Poll};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// SIGXFSZ, on Linux and the BSDs.
#[cfg(unix)]
const FILE_TOO_LARGE: i32 = 25;

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

    /// Ctrl-C and, where there are such, SIGTERM and SIGHUP: a terminal that goes away is no reason to stop half-way. A
    /// file that may not grow any more is an error of the write from then on, not the end of the process. Must be called
    /// inside a tokio runtime.
    pub fn signals() -> Self {
        let (sender, interrupts) = Self::channel();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            for kind in [SignalKind::terminate(), SignalKind::hangup()] {
                let Ok(mut asked) = signal(kind) else { continue };
                let sender = sender.clone();
                tokio::spawn(async move { while asked.recv().await.is_some() && sender.send(()).is_ok() {} });
            }
            // To listen to it is to survive it.
            drop(signal(SignalKind::from_raw(FILE_TOO_LARGE)));
        }
        tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {} });
        interrupts
    }

    /// Waits for the next one.
    pub async fn asked(&mut self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

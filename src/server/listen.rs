//! Answers requests in a thread of its own; slow, large and many ones are bounded.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::answers::{Gate, answer};
use super::board::Board;
use crate::file;

/// Connections at once; those beyond wait in the kernel's queue.
const AT_ONCE: usize = 32;
/// A request's head, in bytes.
const LARGEST: usize = 16 << 10;
/// Its lines.
const HEADERS: usize = 64;
/// A head that is not here by then is not waited for.
const HEAD: Duration = Duration::from_secs(5);
/// A whole request with its answer.
const WHOLE: Duration = Duration::from_secs(20);
/// The most that a token's file may hold, in bytes.
const TOKEN: u64 = 4 << 10;

/// Where to listen, and who may read.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; a port of 0 takes any that is free.
    pub address: SocketAddr,
    /// A file with a token that readers must bring, beside those of health.
    pub token: Option<PathBuf>,
}

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The token cannot be read.
    #[error("the token in `{}` cannot be used: {why}", path.display())]
    Token {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// This process gets no thread.
    #[error("no thread to answer requests: {0}")]
    Thread(#[from] io::Error),
}

fn gate(listen: &Listen) -> Result<Gate, ListenError> {
    let Some(path) = &listen.token else {
        return Ok(if listen.address.ip().is_loopback() { Gate::Open } else { Gate::Shut });
    };
    let refused = |why: String| ListenError::Token { path: path.clone(), why };
    let bytes = file::given(path, TOKEN).map_err(|error| refused(error.to_string()))?;
    let token = String::from_utf8(bytes).map_err(|_| refused("it is not text".to_owned()))?.trim().to_owned();
    if token.len() < 16 {
        return Err(refused("it has fewer than 16 characters".to_owned()));
    }
    Ok(Gate::Token(token))
}

/// Begins to answer from `board`, and says on which address.
///
/// # Errors
/// The address cannot be had, or the token not read.
pub fn serve(listen: &Listen, board: Board) -> Result<SocketAddr, ListenError> {
    let gate = Arc::new(gate(listen)?);
    let failed = |error| ListenError::Address { address: listen.address, error };
    let listener = TcpListener::bind(listen.address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // It ends with the process: it holds nothing that must be let go.
    std::thread::Builder::new().name("server".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            accept(listener, board, gate).await;
        });
    })?;
    Ok(address)
}

async fn accept(listener: tokio::net::TcpListener, board: Board, gate: Arc<Gate>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // No file descriptor is left, or the like: others may end meanwhile.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (board, gate) = (board.clone(), gate.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (board, gate) = (board.clone(), gate.clone());
                async move {
                    let of = (request.method(), request.uri().path(), request.headers());
                    Ok::<_, Infallible>(answer(&board, &gate, of).await)
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(LARGEST)
                .max_headers(HEADERS)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever goes away or is too slow is not to be told.
            drop(tokio::time::timeout(WHOLE, connection).await);
            drop(place);
        });
    }
}

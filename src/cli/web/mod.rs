//! What the pages of this program share: an HTTP server on a thread of its own, and its guard. hyper reads and writes
//! HTTP; here are the limits (connections, headers, bodies, times), who may ask (`door`), and the headers that
//! close a page to the outside. Leaves out TLS: it is for this machine, or for a network that is trusted.

pub mod address;
pub mod body;
pub mod door;
pub mod reply;
pub mod token;

use anyhow::Context as _;
use door::Door;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use reply::{Refusal, Reply, closed};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::Poll,
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{Semaphore, oneshot},
};
use tokio_io_timeout::TimeoutStream;

/// Connections at once; more are turned away.
const CONNECTIONS: usize = 128;
/// Bytes of a request's head, and how many lines it may have.
const HEAD: usize = 16 << 10;
const HEADERS: usize = 64;
/// How long a head may take to arrive, and how long a connection may stay without a request.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a browser may leave what is sent to it unread, before it counts as gone.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// What answers requests that the door let in.
pub trait App: Send + Sync + 'static {
    /// The answer to a request of `peer`.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> impl Future<Output = Result<Reply, Refusal>> + Send;
}

/// A server that runs until it is stopped or dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers what comes in on `listener` by `app`. `names` are hosts by which it may be called, besides addresses.
    pub fn start(
        listener: std::net::TcpListener,
        names: Vec<String>,
        app: Arc<impl App>,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("the server has no address")?;
        listener.set_nonblocking(true).context("the server's socket cannot be set up")?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // Pictures are decoded one after the other: a crowd must not take the processor from the training.
        let runtime = runtime.enable_io().enable_time().max_blocking_threads(1).build();
        let runtime = runtime.context("the server's threads cannot be started")?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("the server's socket cannot be set up")?
        };
        let (stop, stopped) = oneshot::channel();
        let door = Arc::new(Door::new(address.ip(), names));
        let thread = std::thread::Builder::new().name("web".into());
        let thread = thread.spawn(move || run(runtime, listener, door, app, stopped));
        let thread = thread.context("the server's thread cannot be started")?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Takes no more requests and ends those under way, within `grace`.
    pub fn stop(mut self, grace: Duration) {
        self.end(grace);
    }

    fn end(&mut self, grace: Duration) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            // A thread that has ended by itself needs neither.
            let (Ok(()) | Err(_)) = stop.send(grace);
            let (Ok(()) | Err(_)) = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// The server's thread.
fn run(
    runtime: Runtime,
    listener: TcpListener,
    door: Arc<Door>,
    app: Arc<impl App>,
    stopped: oneshot::Receiver<Duration>,
) {
    runtime.block_on(async {
        let graceful = GracefulShutdown::new();
        let grace = accept(&listener, &graceful, door, app, stopped).await;
        drop(listener);
        // Whoever is not done by then is cut off with the runtime.
        let (Ok(()) | Err(_)) = tokio::time::timeout(grace, graceful.shutdown()).await;
    });
    runtime.shutdown_background();
}

/// Takes connections until it is told to stop; how long those under way then have.
async fn accept(
    listener: &TcpListener,
    graceful: &GracefulShutdown,
    door: Arc<Door>,
    app: Arc<impl App>,
    mut stopped: oneshot::Receiver<Duration>,
) -> Duration {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = poll_fn(|cx| {
            if let Poll::Ready(grace) = Pin::new(&mut stopped).poll(cx) {
                return Poll::Ready(Err(grace.unwrap_or_default()));
            }
            listener.poll_accept(cx).map(Ok)
        });
        let (stream, peer) = match next.await {
            Err(grace) => return grace,
            Ok(Ok(connection)) => connection,
            // Out of file handles, say: a pause instead of a busy loop.
            Ok(Err(_)) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            let (Ok(_) | Err(_)) = stream.try_write(reply::FULL.as_bytes());
            continue;
        };
        let (door, app, watcher) = (door.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            let answer = move |request: Request<Incoming>| {
                let (door, app) = (door.clone(), app.clone());
                async move {
                    let reply = match door.admit(request.method(), request.headers()) {
                        Ok(()) => app.answer(request, peer.ip()).await,
                        Err(refusal) => Err(refusal),
                    };
                    Ok::<_, Infallible>(closed(reply.unwrap_or_else(Refusal::reply)))
                }
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(HEAD)
                .max_headers(HEADERS)
                .serve_connection(TokioIo::new(timed(stream)), service_fn(answer));
            // A browser that has gone is no fault of this side.
            let (Ok(()) | Err(_)) = watcher.watch(connection).await;
            drop(place);
        });
    }
}

/// A stream that gives up on a reader that reads nothing.
fn timed(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    // Small events should not wait for more.
    let (Ok(()) | Err(_)) = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    Box::pin(stream)
}

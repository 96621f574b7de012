//! What the pages of this program share: an HTTP server on a thread of its own, and its guard. hyper reads and writes
//! HTTP; here are the limits (connections, headers, bodies, times), who may ask (`door`), and the headers that
//! close a page to the outside. Leaves out TLS: it is for this machine, or for a network that is trusted.

pub mod address;
pub mod body;
pub mod door;
pub mod paths;
pub mod reply;
pub mod shares;
pub mod store;
pub mod token;
pub mod turns;

use anyhow::Context as _;
use door::Door;
use hyper::{Method, Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use reply::{Refusal, Reply, closed};
use shares::{Held, Shares, who};
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
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::oneshot,
    time::Sleep,
};
use tokio_io_timeout::TimeoutStream;

/// Connections at once, and those of one address; more are turned away.
const CONNECTIONS: usize = 128;
const OF_ONE: usize = 96;
/// Connections that are being turned away in words; and for how long what they send is read, as who sends does not read.
const TURNED: usize = 32;
const TURN_TIME: Duration = Duration::from_secs(1);
/// For how long connections are still taken when it ends: those that came just before are in the system's queue.
const LAST: Duration = Duration::from_millis(300);
/// Bytes of a request's head, and how many lines it may have.
const HEAD: usize = 16 << 10;
const HEADERS: usize = 64;
/// How long a head may take to arrive, and how long a connection may stay without a request.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a browser may leave what is sent to it unread, before it counts as gone.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// What answers requests that the door let in.
pub trait App: Send + Sync + 'static {
    /// The answer to a request of `peer`. One that asks for the head alone comes as GET; its body is left out later.
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
        // Who came last has yet to ask: a connection without a request is closed at once.
        let ask = LAST.min(grace);
        tokio::time::sleep(ask).await;
        let grace = grace - ask;
        // Whoever is not done by then is cut off with the runtime.
        let (Ok(()) | Err(_)) = tokio::time::timeout(grace, graceful.shutdown()).await;
    });
    runtime.shutdown_background();
}

/// Takes connections until it is told to stop, and a moment longer; how long those under way then have.
async fn accept(
    listener: &TcpListener,
    graceful: &GracefulShutdown,
    door: Arc<Door>,
    app: Arc<impl App>,
    mut stopped: oneshot::Receiver<Duration>,
) -> Duration {
    let room = Shares::new(CONNECTIONS, OF_ONE);
    let turned = Shares::new(TURNED, TURNED);
    // Once it is to end: within which time, and for how long it still takes connections.
    let mut ends: Option<(Duration, Pin<Box<Sleep>>)> = None;
    loop {
        let next = poll_fn(|cx| {
            let over = match &mut ends {
                None => {
                    if let Poll::Ready(grace) = Pin::new(&mut stopped).poll(cx) {
                        return Poll::Ready(Err(Some(grace.unwrap_or_default())));
                    }
                    false
                }
                Some((_, last)) => {
                    let over = last.as_mut().poll(cx).is_ready();
                    if over && last.deadline().elapsed() > LAST {
                        return Poll::Ready(Err(None));
                    }
                    over
                }
            };
            match listener.poll_accept(cx) {
                // Nobody is left in the queue.
                Poll::Pending if over => Poll::Ready(Err(None)),
                next => next.map(Ok),
            }
        });
        let (stream, peer) = match next.await {
            Err(Some(grace)) => {
                ends = Some((grace, Box::pin(tokio::time::sleep(LAST.min(grace)))));
                continue;
            }
            Err(None) => return ends.map_or(Duration::ZERO, |(grace, _)| grace.saturating_sub(LAST)),
            Ok(Ok((stream, peer))) => (stream, who(peer.ip())),
            // Out of file handles, say: a pause instead of a busy loop.
            Ok(Err(_)) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(place) = room.take_now(peer) else {
            if let Some(place) = turned.take_now(peer) {
                tokio::spawn(turn_away(stream, place));
            }
            continue;
        };
        let last = ends.is_some();
        let (door, app, watcher) = (door.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            let answer = move |mut request: Request<Incoming>| {
                let (door, app) = (door.clone(), app.clone());
                if request.method() == Method::HEAD {
                    *request.method_mut() = Method::GET;
                }
                async move {
                    let reply = match door.admit(request.method(), request.headers()) {
                        Ok(()) => app.answer(request, peer).await,
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
                .keep_alive(!last)
                .serve_connection(TokioIo::new(timed(stream)), service_fn(answer));
            // A browser that has gone is no fault of this side.
            let (Ok(()) | Err(_)) = watcher.watch(connection).await;
            drop(place);
        });
    }
}

/// Says that there is no room, and reads for a moment what was sent: closed at once, the words might not arrive.
async fn turn_away(mut stream: TcpStream, _place: Held) {
    let told = async {
        stream.write_all(reply::FULL.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1 << 10];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let (Ok(_) | Err(_)) = tokio::time::timeout(TURN_TIME, told).await;
}

/// A stream that gives up on a reader that reads nothing.
fn timed(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    // Small events should not wait for more.
    let (Ok(()) | Err(_)) = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    Box::pin(stream)
}

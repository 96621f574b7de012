//! HTTP server that the pages of this program share, on a separate thread. axum routes the requests. This module adds
//! the limits (connections, headers, bodies, times), the admission of requests (`door`), and the headers that close a
//! page to the outside. There is no TLS: the server is for this machine, or for a trusted network.

pub mod address;
pub mod body;
pub mod door;
pub mod reply;
pub mod shares;
pub mod store;
pub mod token;
pub mod turns;

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state, map_response},
};
use door::Door;
use futures_util::future::{Either, select};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use reply::{Reply, closed};
use shares::{Held, Shares, who};
use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// Most connections at once, and most of one address; more are refused. (tower limits requests, not connections.)
const CONNECTIONS: usize = 128;
const OF_ONE: usize = 96;
/// Most connections that are being refused with an answer, and the time for which their data are read: a client that
/// still sends does not read.
const TURNED: usize = 32;
const TURN_TIME: Duration = Duration::from_secs(1);
/// Time for which connections are still accepted at the end: those that came just before are in the system's queue.
const LAST: Duration = Duration::from_millis(300);
/// Most bytes and most lines of a request's head.
const HEAD: usize = 16 << 10;
const HEADERS: usize = 64;
/// Longest time for a head to arrive, and for a connection to stay without a request.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Longest time for which a browser may leave sent data unread before it counts as gone. (tower's timeouts end where an
/// answer begins.)
const WRITE_TIME: Duration = Duration::from_secs(20);

/// A server that runs until it is stopped or dropped.
pub struct Server {
    /// Address that it listens on.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `app` on `listener`. `names` are hosts by which it may be called, besides addresses.
    pub fn start(listener: std::net::TcpListener, names: Vec<String>, app: Router) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("the server has no address")?;
        listener.set_nonblocking(true).context("the server's socket cannot be set up")?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // Pictures are decoded one after the other: many requests must not take the processor from the training.
        let runtime = runtime.enable_io().enable_time().max_blocking_threads(1).build();
        let runtime = runtime.context("the server's threads cannot be started")?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("the server's socket cannot be set up")?
        };
        let (stop, stopped) = oneshot::channel();
        let door = Arc::new(Door::new(address.ip(), names));
        // The layers are around all paths, not on each: axum adds a path's methods to the refusals of its layers.
        let app = Router::new().fallback_service(app);
        let app = app.layer(from_fn_with_state(door, admit)).layer(map_response(closed));
        let thread = std::thread::Builder::new().name("web".into());
        let thread = thread.spawn(move || run(runtime, listener, app, stopped));
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

/// Admits or refuses a request.
async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Reply {
    door.admit(request.method(), request.headers())?;
    Ok(next.run(request).await)
}

/// The server's thread.
fn run(runtime: Runtime, listener: TcpListener, app: Router, stopped: oneshot::Receiver<Duration>) {
    runtime.block_on(async {
        let graceful = GracefulShutdown::new();
        let grace = accept(&listener, &graceful, app, stopped).await;
        drop(listener);
        // Waits for the requests of the last clients: the shutdown closes a connection without a request at once.
        let ask = LAST.min(grace);
        tokio::time::sleep(ask).await;
        let grace = grace - ask;
        // Connections that are not done by then end with the runtime.
        let (Ok(()) | Err(_)) = timeout(grace, graceful.shutdown()).await;
    });
    runtime.shutdown_background();
}

/// Accepts connections until the server stops, and a moment longer; returns the time that is left for those under way.
/// (The server of axum has no limits on connections, heads and times, and accepts none once it is to end.)
async fn accept(
    listener: &TcpListener,
    graceful: &GracefulShutdown,
    app: Router,
    mut stopped: oneshot::Receiver<Duration>,
) -> Duration {
    let room = Shares::new(CONNECTIONS, OF_ONE);
    let turned = Shares::new(TURNED, TURNED);
    let take = async |next: std::io::Result<(TcpStream, SocketAddr)>, keep_alive| {
        let Ok((stream, peer)) = next else {
            // A pause instead of a busy loop, for example when file handles run out.
            return tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let peer = who(peer.ip());
        let Some(place) = room.take_now(peer) else {
            if let Some(place) = turned.take_now(peer) {
                tokio::spawn(turn_away(stream, place));
            }
            return;
        };
        let app = app.clone().map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            // axum would answer HEAD, but refuse it with other words than GET; hyper leaves the body out.
            if request.method() == Method::HEAD {
                *request.method_mut() = Method::GET;
            }
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            .keep_alive(keep_alive)
            .serve_connection(TokioIo::new(timed(stream)), TowerToHyperService::new(app));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A browser that has gone is no error.
            let (Ok(()) | Err(_)) = connection.await;
            drop(place);
        });
    };
    let grace = loop {
        match select(&mut stopped, pin!(listener.accept())).await {
            Either::Left((grace, _)) => break grace.unwrap_or_default(),
            Either::Right((next, _)) => take(next, true).await,
        }
    };
    let last = Instant::now() + LAST.min(grace);
    // Connections in the queue are accepted too, but many of them must not delay the end.
    while last.elapsed() <= LAST
        && let Ok(next) = timeout_at(last, listener.accept()).await
    {
        take(next, false).await;
    }
    grace.saturating_sub(LAST)
}

/// Answers that there is no room, and reads for a moment what was sent: if closed at once, the answer might not arrive.
async fn turn_away(mut stream: TcpStream, _place: Held) {
    let reported = async {
        stream.write_all(reply::FULL.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1 << 10];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    let (Ok(_) | Err(_)) = timeout(TURN_TIME, reported).await;
}

/// A stream with a time-out for a client that reads nothing.
fn timed(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    // Small events should not wait for more.
    let (Ok(()) | Err(_)) = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    Box::pin(stream)
}

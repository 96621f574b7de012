//! What the pages of this program share: an HTTP server on a thread of its own, and its guard. axum finds who
//! answers; here are the limits (connections, headers, bodies, times), who may ask (`door`), and the headers
//! that close a page to the outside. Leaves out TLS: it is for this machine, or for a network that is
//! trusted.

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

/// Connections at once, and those of one address; more are turned away. (tower limits requests, not these.)
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
/// How long a browser may leave what is sent to it unread, before it counts as gone. (tower's timeouts end
/// where an answer begins.)
const WRITE_TIME: Duration = Duration::from_secs(20);

/// A server that runs until it is stopped or dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers what comes in on `listener` by `app`. `names` are hosts by which it may be called, besides addresses.
    pub fn start(listener: std::net::TcpListener, names: Vec<String>, app: Router) -> anyhow::Result<Self> {
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
        // Round all paths, not on each: axum tells the methods of a path in what its layers refuse, too.
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

/// Lets a request in, or not.
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
        // Who came last has yet to ask: a connection without a request is closed at once.
        let ask = LAST.min(grace);
        tokio::time::sleep(ask).await;
        let grace = grace - ask;
        // Whoever is not done by then is cut off with the runtime.
        let (Ok(()) | Err(_)) = timeout(grace, graceful.shutdown()).await;
    });
    runtime.shutdown_background();
}

/// Takes connections until it is told to stop, and a moment longer; how long those under way then have. (The
/// server of axum has no limits of connections, heads and times, and takes nobody once it is to end.)
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
            // Out of file handles, say: a pause instead of a busy loop.
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
            // axum would answer it, but refuse it in other words than GET; hyper leaves the body out.
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
            // A browser that has gone is no fault of this side.
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
    // Who is in the queue by then is taken too, but a crowd may not hold it up.
    while last.elapsed() <= LAST
        && let Ok(next) = timeout_at(last, listener.accept()).await
    {
        take(next, false).await;
    }
    grace.saturating_sub(LAST)
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
    let (Ok(_) | Err(_)) = timeout(TURN_TIME, told).await;
}

/// A stream that gives up on a reader that reads nothing.
fn timed(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    // Small events should not wait for more.
    let (Ok(()) | Err(_)) = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    Box::pin(stream)
}

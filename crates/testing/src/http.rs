//! An HTTP server for tests, on the loopback interface and on threads of the standard library. A closure provides the
//! answers, and the server records the requests. It supports only what the tests send.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request of a client.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path; without the host for a request to a proxy.
    pub target: String,
    /// The first byte of `Range: bytes=N-`.
    pub from: Option<u64>,
    /// The request line and headers, as sent; a proxy's CONNECT before them.
    pub head: String,
}

/// A part of an answer.
pub enum Step {
    /// Bytes.
    Send(Vec<u8>),
    /// A pause.
    Pause(Duration),
}

type Handler = dyn Fn(&Request, usize) -> Vec<Step> + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    body_bytes: AtomicUsize,
    stop: AtomicBool,
}

/// A server that lives as long as this value.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Starts a server that answers each request by `handler`, given the number of earlier requests, and closes the
    /// connection.
    pub fn start(handler: impl Fn(&Request, usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            requests: Mutex::default(),
            body_bytes: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let server = Self { address, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || answer(&stream, &shared));
            }
        });
        server
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Returns the bytes of all bodies that were sent, without headers.
    pub fn body_bytes(&self) -> usize {
        self.shared.body_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, so that it sees the flag.
        drop(TcpStream::connect(self.address));
    }
}

fn answer(stream: &TcpStream, shared: &Shared) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = read_head(&mut reader);
    if head.starts_with("CONNECT ") {
        let mut stream = stream;
        if stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_err() {
            return;
        }
        head.push_str(&read_head(&mut reader));
    }
    let Some(line) = head.lines().find(|line| line.starts_with("GET ")) else {
        return;
    };
    let target = line.split(' ').nth(1).unwrap();
    let target = match target.strip_prefix("http://") {
        Some(absolute) => absolute.find('/').map_or("/", |at| &absolute[at..]),
        None => target,
    };
    let from = head.lines().find_map(|line| {
        let line = line.to_lowercase();
        line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    });
    let request = Request { target: target.to_owned(), from, head: head.clone() };
    let count = {
        let mut requests = shared.requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let mut in_body = false;
    for step in (shared.handler)(&request, count) {
        match step {
            Step::Send(bytes) => {
                // Counted before it is sent, so that a client that received it finds it counted.
                let head = if in_body { 0 } else { head_length(&bytes) };
                in_body = true;
                shared.body_bytes.fetch_add(bytes.len() - head, Ordering::SeqCst);
                let mut stream = stream;
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Step::Pause(duration) => {
                let end = Instant::now() + duration;
                while Instant::now() < end && !shared.stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(10).min(duration));
                }
            }
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while let Ok(1..) = reader.read_line(&mut head) {
        if head.ends_with("\r\n\r\n") {
            break;
        }
    }
    head
}

fn head_length(bytes: &[u8]) -> usize {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(0, |at| at + 4)
}

/// Returns an answer with these headers; the only other header closes the connection.
pub fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

/// Returns status 200 with the whole body, regardless of the requested range.
pub fn ok(body: &[u8]) -> Vec<Step> {
    reply("200 OK", &[&format!("Content-Length: {}", body.len())], body)
}

/// Returns a status without content.
pub fn status(status: &str) -> Vec<Step> {
    reply(status, &["Content-Length: 0"], b"")
}

/// Returns a status with a text.
pub fn page(status: &str, text: &str) -> Vec<Step> {
    reply(status, &[&format!("Content-Length: {}", text.len())], text.as_bytes())
}

/// Returns status 206 with the part that starts at byte `from`.
pub fn partial_content(body: &[u8], from: usize) -> Vec<Step> {
    let length = format!("Content-Length: {}", body.len() - from);
    let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
    reply("206 Partial Content", &[&length, &range], &body[from..])
}

/// Answers like a correct server: the whole body, the requested part, or status 416 if there is no such part.
pub fn from_byte(body: &[u8], request: &Request) -> Vec<Step> {
    match request.from.map(|from| from as usize) {
        None => ok(body),
        Some(from) if from < body.len() => partial_content(body, from),
        Some(_) => {
            let range = format!("Content-Range: bytes */{}", body.len());
            reply("416 Range Not Satisfiable", &["Content-Length: 0", &range], b"")
        }
    }
}

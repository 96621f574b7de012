//! For the tests of the pages: the real binary in the background, and a plain HTTP client over a socket, so that a
//! test sends exactly what it means to, right or wrong.
#![allow(dead_code)]

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

/// A page whose process runs until it ends by itself or the test ends.
pub struct Served {
    child: Child,
    /// Keeps reading, so that the output never fills the pipe.
    reader: Option<JoinHandle<String>>,
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// The secret behind the `#`, if there is one.
    pub token: String,
    said: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let (Ok(()) | Err(_)) = self.child.kill();
        let (Ok(_) | Err(_)) = self.child.wait();
    }
}

/// Starts `wgrad` with these arguments in `folder`, on the adapter under test; returns once it has printed its address.
pub fn serve(folder: &Path, arguments: &[&str]) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command.current_dir(folder).args(arguments).env("WGRAD_TUNED", folder.join("tuned"));
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default();
    if !adapter.is_empty() {
        command.args(["--adapter", &adapter]);
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut said = String::new();
    let address = loop {
        let from = said.len();
        let read = stderr.read_line(&mut said).expect("reads");
        assert!(read > 0, "it ended before it served: {said}");
        if let Some((_, address)) = said[from..].split_once("http://") {
            break address.split_whitespace().next().expect("an address").to_string();
        }
    };
    let (host, token) = address.split_once('/').expect("a path");
    let (host, token) = (host.to_string(), token.trim_start_matches('#').to_string());
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        let (Ok(_) | Err(_)) = stderr.read_to_string(&mut said);
        said
    });
    Served { child, reader: Some(reader), host, token, said }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {} {text}", self.head))
    }

    /// The JSON, if the status is this.
    #[track_caller]
    pub fn with(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} {}", self.head, String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Asserts that it is refused with this status and words.
    #[track_caller]
    pub fn refuses(self, status: u16, words: &[&str]) {
        let reported = self.with(status);
        let reported = reported["error"].as_str().expect("an error in words");
        words.iter().for_each(|word| assert!(reported.contains(word), "no {word:?} in {reported}"));
    }
}

/// Sends bytes as they are and reads the answer to its end.
pub fn send(host: &str, bytes: &[u8]) -> Answer {
    send_on(TcpStream::connect(host).expect("connects"), bytes)
}

/// Sends as another client of this machine, from `127.0.0.N`.
pub fn send_from(last: u8, host: &str, bytes: &[u8]) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, last], 0).into()).expect("binds");
        socket.connect(host.parse().expect("an address")).await.expect("connects").into_std()
    });
    let stream = stream.expect("a socket");
    stream.set_nonblocking(false).expect("sets");
    send_on(stream, bytes)
}

fn send_on(mut stream: TcpStream, bytes: &[u8]) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("sets");
    // A refused client may be cut off before all is sent.
    let (Ok(()) | Err(_)) = stream.write_all(bytes);
    let mut answer = Vec::new();
    let (Ok(_) | Err(_)) = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer"));
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, body: answer[end + 4..].to_vec(), head }
}

impl Served {
    /// A request with these headers besides Host.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        send(&self.host, &self.written(method, path, headers, body))
    }

    /// The bytes of the request.
    pub fn written(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        if method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    /// Adds the token, if there is one.
    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        let token = format!("Bearer {}", self.token);
        self.request("POST", path, &[("Authorization", &token)], body)
    }

    /// Asks the training to do something.
    #[track_caller]
    pub fn control(&self, what: &str) {
        assert_eq!(self.post("/control", what.as_bytes()).with(200)["done"], true);
    }

    /// The stream of events.
    pub fn events(&self) -> Events {
        let mut stream = TcpStream::connect(&self.host).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("sets");
        write!(stream, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.host).expect("sends");
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).expect("reads") > 0, "{head}");
        }
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        Events { lines, names: Vec::new() }
    }

    /// Presses Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        wgrad_testing::signal(self.child.id(), "INT");
    }

    /// Its exit code and all of its output, within a minute.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.child.try_wait().expect("waits").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
            sleep(Duration::from_millis(10));
        }
        let code = self.child.wait().expect("ended").code();
        let rest = self.reader.take().expect("once").join().expect("no panic");
        let said = format!("{}{rest}", self.said);
        assert!(!said.contains("panicked"), "{said}");
        (code, said)
    }
}

/// Events, one after the other.
pub struct Events {
    lines: BufReader<TcpStream>,
    /// The names of those read so far.
    pub names: Vec<String>,
}

impl Iterator for Events {
    type Item = (String, Value);

    /// The next event; `None` when the stream has ended.
    fn next(&mut self) -> Option<Self::Item> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(reported) = line.strip_prefix("event: ") {
                name = reported.trim().to_string();
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.names.push(name.clone());
                return Some((name, serde_json::from_str(data).expect("JSON")));
            }
        }
    }
}

impl Events {
    /// The next event of this name that is `right`.
    #[track_caller]
    pub fn until(&mut self, name: &str, right: impl Fn(&Value) -> bool) -> Value {
        let found = self.find(|(event, value)| event == name && right(value));
        found.unwrap_or_else(|| panic!("the stream ended without such a {name}: {:?}", self.names)).1
    }
}

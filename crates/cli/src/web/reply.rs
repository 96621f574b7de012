//! Answers: pages, JSON, errors in words, streams of events; and the headers that close them to the outside.

use crate::page::called;
use http_body_util::{Either, Full, channel::Channel};
use hyper::{
    Response, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::json;
use std::convert::Infallible;

/// The body of an answer: all of it, or piece by piece.
pub type Content = Either<Full<Bytes>, Channel<Bytes, Infallible>>;
/// An answer.
pub type Reply = Response<Content>;

/// What a connection gets for which there is no room.
pub const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\n\
                        Content-Length: 67\r\nConnection: close\r\n\r\n\
                        {\"error\": \"too many connections are open; ask again in a moment\"}\r\n";

/// What a page may do: load its own files and talk to its own server, nothing else. `blob:` is a picture that was
/// dropped into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer with the headers that close it.
pub fn closed(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A page.
pub fn page(text: &'static str) -> Reply {
    file("text/html; charset=utf-8", text)
}

/// A page's script.
pub fn script(text: &'static str) -> Reply {
    file("text/javascript", text)
}

/// A file that all pages share.
pub fn shared(path: &str) -> Option<Reply> {
    Some(match path {
        "/page.css" => file("text/css", include_str!("../../assets/web/page.css")),
        "/icon.svg" => file("image/svg+xml", include_str!("../../assets/web/icon.svg")),
        "/shared.js" => script(include_str!("../../assets/web/shared.js")),
        _ => return None,
    })
}

fn file(kind: &'static str, text: &'static str) -> Reply {
    with(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()))
}

/// A value as JSON.
pub fn json(value: &impl serde::Serialize) -> Result<Reply, Refusal> {
    held(value, ())
}

/// A value as JSON, and what is `kept` until all of it has been sent.
pub fn held(value: &impl serde::Serialize, kept: impl Send + 'static) -> Result<Reply, Refusal> {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let bytes = Bytes::from_owner(Kept { bytes, _kept: kept });
            Ok(with(StatusCode::OK, "application/json", bytes))
        }
        Err(e) => Err(refused(StatusCode::INTERNAL_SERVER_ERROR, e)),
    }
}

struct Kept<T> {
    bytes: Vec<u8>,
    _kept: T,
}

impl<T> AsRef<[u8]> for Kept<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why there is no answer: what, got, expected, what to do next.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    words: String,
    again: Option<u64>,
    allowed: Option<&'static str>,
}

impl Refusal {
    /// The answer that says so.
    pub fn reply(self) -> Reply {
        let body = json!({ "error": self.words }).to_string();
        let mut reply = with(self.status, "application/json", body.into());
        if let Some(methods) = self.allowed {
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = self.again {
            reply.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        reply
    }

    /// The same, and by which methods it can be asked for.
    pub fn allowing(self, methods: &'static str) -> Self {
        Self { allowed: Some(methods), ..self }
    }
}

/// An error.
pub fn refused(status: StatusCode, words: impl ToString) -> Refusal {
    Refusal { status, words: called(&words.to_string()).into_owned(), again: None, allowed: None }
}

/// A request that makes no sense.
pub fn bad(words: impl ToString) -> Refusal {
    refused(StatusCode::BAD_REQUEST, words)
}

/// An error that passes: to be asked again after so many seconds.
pub fn later(status: StatusCode, seconds: u64, words: impl ToString) -> Refusal {
    Refusal { again: Some(seconds), ..refused(status, words) }
}

/// A stream of events.
pub fn events(body: Channel<Bytes, Infallible>) -> Reply {
    let mut reply = Response::new(Either::Right(body));
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    reply
}

fn with(status: StatusCode, kind: &'static str, bytes: Bytes) -> Reply {
    let mut reply = Response::new(Either::Left(Full::new(bytes)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

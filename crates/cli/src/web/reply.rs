//! Answers: pages, JSON and errors in words; and the headers that close all answers to the outside.

use crate::{fields::spelled, page::called};
use axum::{
    Router,
    body::Bytes,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderName, HeaderValue},
    },
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use serde_json::json;

/// Answer to a connection for which there is no room.
pub const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\n\
                        Content-Length: 67\r\nConnection: close\r\n\r\n\
                        {\"error\": \"too many connections are open; try again in a moment\"}\r\n";

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// Content security policy: a page may load its own files and talk to its own server, nothing else. `blob:` is a
/// picture that was dropped into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds to an answer the headers that close it to the outside.
pub async fn closed(mut reply: Response) -> Response {
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
pub fn page<S: Clone + Send + Sync + 'static>(text: &'static str) -> MethodRouter<S> {
    file("text/html; charset=utf-8", text)
}

/// A page's script.
pub fn script<S: Clone + Send + Sync + 'static>(text: &'static str) -> MethodRouter<S> {
    file("text/javascript", text)
}

fn file<S: Clone + Send + Sync + 'static>(kind: &'static str, text: &'static str) -> MethodRouter<S> {
    get(([(header::CONTENT_TYPE, kind)], text))
}

/// Joins the paths to look at (`looked`), the files that all pages share, and the paths to send to (`asked`). The error
/// for any other path lists `known`.
pub fn paths<S: Clone + Send + Sync + 'static>(
    looked: Router<S>,
    asked: Router<S>,
    known: &'static str,
) -> Router<S> {
    // axum refuses without an explanation. This comes after the layers of `asked`: a wrong method is reported even
    // without a token.
    let astray = |allowed: Option<&'static str>| {
        move |method: Method, uri: Uri| async move {
            let words = format!("there is no {method} {}; expected one of: {known}", uri.path());
            match allowed {
                None => refused(StatusCode::NOT_FOUND, words),
                Some(_) => Refusal { allowed, ..refused(StatusCode::METHOD_NOT_ALLOWED, words) },
            }
        }
    };
    let looked = looked
        .route("/page.css", file("text/css", include_str!("../../assets/web/page.css")))
        .route("/icon.svg", file("image/svg+xml", include_str!("../../assets/web/icon.svg")))
        .route("/shared.js", script(include_str!("../../assets/web/shared.js")));
    looked
        .method_not_allowed_fallback(astray(Some("GET, HEAD")))
        .merge(asked.method_not_allowed_fallback(astray(Some("POST"))))
        .fallback(astray(None))
}

/// A value as JSON.
pub fn json(value: &impl serde::Serialize) -> Reply {
    held(value, ())
}

/// A value as JSON, which keeps `kept` until all of it has been sent.
pub fn held(value: &impl serde::Serialize, kept: impl Send + 'static) -> Reply {
    let text = serde_json::to_string(value).map_err(|e| refused(StatusCode::INTERNAL_SERVER_ERROR, e))?;
    let bytes = spelled(&text).into_owned().into_bytes();
    Ok((JSON, Bytes::from_owner(Kept { bytes, _kept: kept })).into_response())
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

/// An answer, or a refusal.
pub type Reply = Result<Response, Refusal>;

/// Refusal of an answer, with words that say: what, got, expected, what to do next.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    words: String,
    again: Option<u64>,
    allowed: Option<&'static str>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.words }).to_string();
        let mut reply = (self.status, JSON, body).into_response();
        if let Some(methods) = self.allowed {
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = self.again {
            reply.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        reply
    }
}

/// An error.
pub fn refused(status: StatusCode, words: impl ToString) -> Refusal {
    Refusal { status, words: called(&spelled(&words.to_string())).into_owned(), again: None, allowed: None }
}

/// An error for an invalid request.
pub fn bad(words: impl ToString) -> Refusal {
    refused(StatusCode::BAD_REQUEST, words)
}

/// A temporary error, with the seconds after which to ask again.
pub fn later(status: StatusCode, seconds: u64, words: impl ToString) -> Refusal {
    Refusal { again: Some(seconds), ..refused(status, words) }
}

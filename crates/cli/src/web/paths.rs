//! The paths of a server, and what is said of those that are not there or not so.

use super::reply::{self, Refusal, refused};
use hyper::{Method, StatusCode};

/// The paths.
pub struct Paths {
    /// What can be looked at.
    pub get: &'static [&'static str],
    /// Files of its page, besides those that all pages share.
    pub files: &'static [&'static str],
    /// What can be asked for.
    pub post: &'static [&'static str],
}

impl Paths {
    /// Why a request to `path` by `method` has no answer.
    pub fn refuse(&self, method: &Method, path: &str) -> Refusal {
        let looked = self.get.contains(&path) || self.files.contains(&path) || reply::shared(path).is_some();
        let allowed = match looked {
            true => "GET, HEAD",
            false if self.post.contains(&path) => "POST",
            false => "",
        };
        let list = |method: &'static str, paths: &'static [&'static str]| {
            paths.iter().map(move |path| format!("{method} {path}"))
        };
        let known: Vec<_> = list("GET", self.get).chain(list("POST", self.post)).collect();
        let words = format!("there is no {method} {path}; here are: {}", known.join(", "));
        match allowed {
            "" => refused(StatusCode::NOT_FOUND, words),
            allowed => refused(StatusCode::METHOD_NOT_ALLOWED, words).allowing(allowed),
        }
    }
}

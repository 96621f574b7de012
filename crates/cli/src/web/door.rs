//! Admission of requests. A page of another site can make a browser send requests here (CSRF). With a name that it
//! points to this machine, it can even read the answers (DNS rebinding). So the server must be called by an address, by
//! `localhost`, or by an allowed name; and a request that a page sends must come from one of the server's own pages.

use super::reply::{Refusal, bad, refused};
use axum::http::{
    HeaderMap, Method, StatusCode,
    header::{HOST, HeaderName, ORIGIN},
    uri::Authority,
};
use std::net::IpAddr;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Names by which a server may be called.
pub struct Door {
    loopback: bool,
    names: Vec<String>,
}

impl Door {
    /// The door of a server at `address`, which may be called by `names` too.
    pub fn new(address: IpAddr, names: Vec<String>) -> Self {
        Self { loopback: address.is_loopback(), names }
    }

    /// Refuses a request that is called by another name, or that a page of another site sends.
    pub fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let no = |words: String| Err(refused(StatusCode::FORBIDDEN, words));
        let Some(host) = single(headers, &HOST) else {
            return Err(bad("got no Host header or several, expected one"));
        };
        if !self.knows(host) {
            return no(format!(
                "got the host `{host}`, expected an address, localhost or a name that was allowed; \
                 start with `--host-name NAME` to allow one"
            ));
        }
        if headers.contains_key(&ORIGIN) {
            let own = format!("http://{host}");
            match single(headers, &ORIGIN) {
                Some(origin) if origin.eq_ignore_ascii_case(&own) => {}
                other => {
                    let got = other.unwrap_or("several");
                    return no(format!("got a request from a page of {got}, expected one from {own}"));
                }
            }
        }
        // Newer browsers also name the site; following a link to the page does no harm.
        match headers.get(&SITE).map(|site| site.as_bytes()) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) if method == Method::GET && navigates(headers) => Ok(()),
            Some(_) => no("got a request from a page of another site, expected one from its own".into()),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if host.contains('@') {
            return false;
        }
        let name = authority.host();
        if name.eq_ignore_ascii_case("localhost") || self.names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            return true;
        }
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
        bare.parse::<IpAddr>().is_ok_and(|ip| !self.loopback || ip.is_loopback())
    }
}

fn navigates(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

/// Value of a header that occurs exactly once, as text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn admits(door: &Door, method: &Method, pairs: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        door.admit(method, &headers).is_ok()
    }

    #[test]
    fn names_that_others_can_point_here_are_refused() {
        let here = Door::new([127, 0, 0, 1].into(), vec!["box.example".into()]);
        let anywhere = Door::new([0, 0, 0, 0].into(), Vec::new());
        for (host, on_loopback, on_all) in [
            ("127.0.0.1:7878", true, true),
            ("localhost:9000", true, true),
            ("LocalHost", true, true),
            ("[::1]:7878", true, true),
            ("box.example:7878", true, false),
            ("192.168.1.7:7878", false, true),
            ("evil.example:7878", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("user@127.0.0.1", false, false),
            ("", false, false),
            ("a b", false, false),
        ] {
            assert_eq!(admits(&here, &Method::GET, &[("host", host)]), on_loopback, "{host}");
            assert_eq!(admits(&anywhere, &Method::GET, &[("host", host)]), on_all, "{host}");
        }
        assert!(!admits(&here, &Method::GET, &[]));
        assert!(!admits(&here, &Method::GET, &[("host", "localhost"), ("host", "localhost")]));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let door = Door::new([127, 0, 0, 1].into(), Vec::new());
        let host = ("host", "127.0.0.1:7878");
        let post = |others: &[(&str, &str)]| admits(&door, &Method::POST, &[&[host], others].concat());
        let get = |others: &[(&str, &str)]| admits(&door, &Method::GET, &[&[host], others].concat());
        assert!(post(&[]) && post(&[("origin", "http://127.0.0.1:7878")]));
        for origin in ["http://evil.example", "null", "https://127.0.0.1:7878", "http://127.0.0.1:80"] {
            assert!(!post(&[("origin", origin)]) && !get(&[("origin", origin)]), "{origin}");
        }
        let own = ("origin", "http://127.0.0.1:7878");
        assert!(!post(&[own, ("origin", "http://evil.example")]), "two origins");
        assert!(post(&[("sec-fetch-site", "same-origin")]) && get(&[("sec-fetch-site", "none")]));
        for site in ["cross-site", "same-site", "anything"] {
            assert!(!post(&[("sec-fetch-site", site)]) && !get(&[("sec-fetch-site", site)]), "{site}");
        }
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert!(get(&link) && !post(&link));
    }
}

//! Address of a page: on this machine alone, unless both the address and `--expose` say otherwise.

use anyhow::{Context, Result, bail};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    str::FromStr,
};

/// Value of `--live` and `--addr`: an address, a port, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    ip: IpAddr,
    port: Option<u16>,
}

impl Default for Address {
    fn default() -> Self {
        Self { ip: Ipv4Addr::LOCALHOST.into(), port: None }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if text.is_empty() || text.eq_ignore_ascii_case("localhost") {
            return Ok(Self::default());
        }
        if let Ok(ip) = bare.parse() {
            return Ok(Self { ip, port: None });
        }
        if let Ok(both) = text.parse::<SocketAddr>() {
            return Ok(Self { ip: both.ip(), port: Some(both.port()) });
        }
        let port = text.strip_prefix("localhost").unwrap_or(text);
        match port.strip_prefix(':').unwrap_or(port).parse() {
            Ok(port) => Ok(Self { ip: here, port: Some(port) }),
            Err(_) => Err("expected a port (8080), an address (127.0.0.1), or both (127.0.0.1:8080)".into()),
        }
    }
}

/// Options for the clients that may reach a page.
#[derive(clap::Args, Clone)]
pub struct Reach {
    /// Allow an address that other machines can reach: everyone on that network can see the page
    #[arg(long)]
    pub expose: bool,
    /// Another host name of the page, besides addresses and `localhost` (repeatable)
    #[arg(long, value_name = "NAME")]
    pub host_name: Vec<String>,
}

impl Address {
    /// Checks that it can listen there later, so that a refusal comes before any long work.
    pub fn check(&self, usual: u16, reach: &Reach) -> Result<()> {
        let ip = self.ip;
        if !ip.is_loopback() && !reach.expose {
            bail!(
                "{ip} can be reached from other machines, and there is no encryption; add `--expose` if that is \
                 intended, or reach this machine through `ssh -L {usual}:127.0.0.1:{usual}`"
            );
        }
        self.bind(usual).map(drop)
    }

    /// A socket that listens there. Without a port of its own it takes `usual`, or a free one if that is taken.
    pub fn listen(&self, usual: u16, reach: &Reach) -> Result<TcpListener> {
        self.check(usual, reach)?;
        if !self.ip.is_loopback() {
            tell!("warning: other machines can reach this page at {}, unencrypted", self.ip);
        }
        self.bind(usual)
    }

    fn bind(&self, usual: u16) -> Result<TcpListener> {
        let ip = self.ip;
        let at = |port| TcpListener::bind(SocketAddr::new(ip, port));
        let listener = match self.port {
            Some(port) => at(port),
            None => at(usual).or_else(|_| at(0)),
        };
        let place = SocketAddr::new(ip, self.port.unwrap_or(usual));
        listener
            .with_context(|| format!("cannot listen at {place}; choose another port, or 0 for a free one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_port_or_both() {
        let reported = |text: &str| text.parse::<Address>().map(|a| (a.ip.to_string(), a.port));
        for (text, ip, port) in [
            ("", "127.0.0.1", None),
            ("localhost", "127.0.0.1", None),
            ("8080", "127.0.0.1", Some(8080)),
            (":0", "127.0.0.1", Some(0)),
            ("localhost:80", "127.0.0.1", Some(80)),
            ("0.0.0.0", "0.0.0.0", None),
            ("10.1.2.3:99", "10.1.2.3", Some(99)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:99", "::1", Some(99)),
        ] {
            assert_eq!(reported(text), Ok((ip.to_string(), port)), "{text}");
        }
        for text in ["example.org:80", "65536", "-1", "1.2.3", "http://localhost", "localhost:x"] {
            assert!(reported(text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_machines_only_where_it_is_said_twice() {
        let reach = |expose| Reach { expose, host_name: Vec::new() };
        let all = Address { ip: Ipv4Addr::UNSPECIFIED.into(), port: Some(0) };
        let reported = all.listen(1, &reach(false)).expect_err("not exposed").to_string();
        assert!(reported.contains("--expose") && reported.contains("0.0.0.0"), "{reported}");
        assert!(all.listen(1, &reach(true)).is_ok());
        let taken = Address { port: Some(0), ..Address::default() }.listen(1, &reach(false)).expect("free");
        let port = taken.local_addr().expect("bound").port();
        let other = Address::default().listen(port, &reach(false)).expect("a free one instead");
        assert_ne!(other.local_addr().expect("bound").port(), port);
        let fixed = Address { port: Some(port), ..Address::default() };
        assert!(fixed.listen(1, &reach(false)).expect_err("taken").to_string().contains(&port.to_string()));
    }
}

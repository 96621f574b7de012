//! Files over HTTP, for networks that fail: several mirrors, time-outs, resuming a partial file, and a
//! digest of the decompressed content before a file gets its name. Leaves out which files (the caller's)
//! and printing (a callback's). Of several processes that want the same folder one fetches, and the others wait for it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::{
    Proxy,
    blocking::Client,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{Error, Result, error::io_error};
use transfer::{Failure, transfer, verify};
use wgrad_files::flush;

mod transfer;

/// Where the files of Fashion-MNIST are served. All three serve the same bytes, so a download begun from one is
/// resumed from another; the content is verified, so plain HTTP does no harm.
pub const MIRRORS: [&str; 3] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
];

/// The file that is locked while something is fetched into its folder.
const LOCK: &str = ".download.lock";
const CANNOT_WRITE: &str = "check that the folder can be written and the disk has space";

/// A file to fetch, and what must be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// Its name, on the mirror and here.
    pub name: &'a str,
    /// SHA-256 of the content, in lower-case hexadecimal; of the decompressed content where it is gzip.
    pub sha256: &'a str,
    /// Bytes of the content, decompressed; nothing much longer is accepted.
    pub bytes: u64,
}

/// Which proxy is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// `HTTP_PROXY` or `HTTPS_PROXY`, as the mirror's address begins, else `ALL_PROXY`, upper or lower case; not for
    /// the hosts in `NO_PROXY`.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one: `http://host:3128`, `socks5://host:1080`.
    Address(String),
}

/// How files are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Addresses of folders, tried in this order.
    pub mirrors: Vec<String>,
    /// How often the list of mirrors is gone through.
    pub rounds: usize,
    /// The longest wait for a connection, and for a name to be resolved.
    pub connect_timeout: Duration,
    /// The longest wait for the next byte.
    pub stall_timeout: Duration,
    /// Which proxy.
    pub proxy: ProxySetting,
}

impl Default for Options {
    /// Fashion-MNIST's mirrors, twice; 15 s to connect, 30 s without a byte.
    fn default() -> Self {
        Self {
            mirrors: MIRRORS.map(str::to_owned).to_vec(),
            rounds: 2,
            connect_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            proxy: ProxySetting::Environment,
        }
    }
}

/// What happens during a download, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The file is there already, with the right content.
    Present {
        /// Its name.
        name: &'a str,
    },
    /// Another process fetches into the folder; it is waited for.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// A mirror sends the file.
    Started {
        /// Its name.
        name: &'a str,
        /// Where it comes from.
        url: &'a str,
        /// Bytes that were here already.
        resumed_at: u64,
        /// Bytes in all, where the mirror says so.
        total: Option<u64>,
    },
    /// More of it is here.
    Received {
        /// Bytes so far, with those that were here already.
        bytes: u64,
        /// Bytes in all, where the mirror says so.
        total: Option<u64>,
    },
    /// A mirror did not do; the next one is tried.
    Failed {
        /// The address.
        url: &'a str,
        /// Why, in words.
        reason: &'a str,
    },
    /// The file is here, verified, under its name.
    Finished {
        /// Its name.
        name: &'a str,
    },
}

/// Fetches those of the `files` that are not in `folder` with the right content. What arrives is kept in
/// `NAME.partial` until it is whole, flushed and verified, and then renamed: a file under its own name is never half there.
///
/// # Errors
/// [`Error::Download`] with every mirror's failure; [`wgrad::Error::Io`] where the folder or the disk is at
/// fault, at once, as no mirror can help; [`Error::Proxy`].
pub fn fetch(
    files: &[RemoteFile<'_>],
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error("cannot create", folder, CANNOT_WRITE))?;
    let client = client(options)?;
    let mut lock = None;
    for file in files {
        let target = folder.join(file.name);
        if is_right(&target, file)? {
            progress(Event::Present { name: file.name });
            continue;
        }
        if lock.is_none() {
            lock = Some(locked(folder, progress)?);
            // Who had the lock may have fetched it.
            if is_right(&target, file)? {
                progress(Event::Present { name: file.name });
                continue;
            }
        }
        match fetch_one(&client, file, &target, options, progress) {
            // Where locks keep nobody out, another one may have been faster.
            Err(_) if is_right(&target, file)? => progress(Event::Present { name: file.name }),
            fetched => {
                fetched?;
                progress(Event::Finished { name: file.name });
            }
        }
    }
    Ok(())
}

/// Whether the file is there with the right content.
fn is_right(target: &Path, file: &RemoteFile<'_>) -> Result<bool> {
    Ok(target.is_file() && verify(target, file)?.is_ok())
}

/// Waits until nobody else fetches into `folder`; nobody does as long as what this gives lives.
fn locked(folder: &Path, progress: &mut dyn FnMut(Event<'_>)) -> Result<File> {
    let path = folder.join(LOCK);
    let cannot = |e| io_error("cannot lock", &path, CANNOT_WRITE)(e);
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
    let taken = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            progress(Event::Waiting { folder });
            file.lock()
        }
        Err(TryLockError::Error(e)) => Err(e),
        Ok(()) => Ok(()),
    };
    match taken {
        // A file system without locks.
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {}
        taken => taken.map_err(cannot)?,
    }
    Ok(file)
}

fn client(options: &Options) -> Result<Client> {
    let cannot = |e: &dyn std::fmt::Display| {
        let next = "report this: it depends on no file";
        io_error("cannot set up", Path::new("the download"), next)(io::Error::other(e.to_string()))
    };
    let provider = std::sync::Arc::new(ring::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| cannot(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // What arrives is what the digest and the offsets of a resumed transfer are of.
    let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(headers)
        .connect_timeout(options.connect_timeout)
        // Of a blocking client this is for each wait: for the answer, and for the next bytes of it.
        .timeout(options.stall_timeout);
    let builder = match &options.proxy {
        ProxySetting::Environment => builder,
        ProxySetting::Direct => builder.no_proxy(),
        ProxySetting::Address(address) => {
            builder.proxy(Proxy::all(address).map_err(|_| Error::Proxy { got: address.clone() })?)
        }
    };
    builder.build().map_err(|e| cannot(&e))
}

fn fetch_one(
    client: &Client,
    file: &RemoteFile<'_>,
    target: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    let partial = target.with_file_name(format!("{}.partial", file.name));
    let mut attempts = Vec::new();
    for mirror in options.mirrors.iter().cycle().take(options.mirrors.len() * options.rounds) {
        let url = format!("{}/{}", mirror.trim_end_matches('/'), file.name);
        let mut may_repeat = true;
        loop {
            let (reason, repeat) = match transfer(client, file, &url, &partial, progress) {
                Ok(()) => return publish(&partial, target),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(reason)) => (reason, false),
                Err(Failure::Content { reason, resumed }) => {
                    remove(&partial)?;
                    // The fault may lie in what was here before: the same mirror gets one more chance.
                    (reason, resumed && may_repeat)
                }
            };
            progress(Event::Failed { url: &url, reason: &reason });
            attempts.push(format!("{url}: {reason}"));
            if !repeat {
                break;
            }
            may_repeat = false;
        }
    }
    Err(Error::Download { file: file.name.to_owned(), attempts })
}

/// Gives the verified file its name.
fn publish(partial: &Path, target: &Path) -> Result<()> {
    fs::rename(partial, target).map_err(io_error("cannot rename to", target, CANNOT_WRITE))?;
    // The rename itself is only on the disk once the folder is.
    Ok(target.parent().map_or(Ok(()), flush)?)
}

fn remove(partial: &Path) -> Result<()> {
    fs::remove_file(partial).map_err(io_error("cannot remove", partial, CANNOT_WRITE))
}

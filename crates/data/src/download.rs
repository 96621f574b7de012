//! Downloads over unreliable HTTP: several mirrors, time-outs, and resuming of partial files. The digest of the
//! decompressed content is verified before a file gets its name. The caller chooses the files, and a callback
//! reports progress. If several processes want the same folder, one fetches and the others wait for it.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use content::verify;
#[cfg(feature = "download")]
pub(crate) use mirrors::locked;

mod content;
#[cfg(feature = "download")]
mod mirrors;
#[cfg(feature = "download")]
mod transfer;

/// Mirrors of the Fashion-MNIST files. All three serve the same bytes, so a download begun from one is resumed from
/// another; the content is verified, so plain HTTP does no harm.
pub const MIRRORS: [&str; 3] = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
];

/// Advice for a file that cannot be written.
#[cfg(feature = "download")]
const CANNOT_WRITE: &str = "check that the folder can be written and the disk has space";

/// A file to fetch, with its expected content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile<'a> {
    /// Its name, on the mirror and here.
    pub name: &'a str,
    /// SHA-256 of the content, in lower-case hexadecimal; of the decompressed content where it is gzip.
    pub sha256: &'a str,
    /// Bytes of the content, decompressed; nothing much longer is accepted.
    pub bytes: u64,
    /// True if digest and length are those of the file as it is sent, compressed or not.
    pub as_sent: bool,
}

/// Choice of the proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// `HTTP_PROXY` or `HTTPS_PROXY`, by the scheme of the mirror's address, else `ALL_PROXY`, in upper or lower
    /// case; not for the hosts in `NO_PROXY`.
    #[default]
    Environment,
    /// No proxy, even where the environment names one.
    Direct,
    /// This one: `http://host:3128`, `socks5://host:1080`.
    Address(String),
}

/// Options of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Addresses of folders, tried in this order; also paths of folders on this machine.
    pub mirrors: Vec<String>,
    /// Number of passes over the list of mirrors.
    pub rounds: usize,
    /// The longest wait for a connection, and for a name to be resolved.
    pub connect_timeout: Duration,
    /// The longest wait for the next byte.
    pub stall_timeout: Duration,
    /// The proxy to use.
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

/// Progress of a download, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The file is already there, with the right content.
    Present {
        /// Its name.
        name: &'a str,
    },
    /// Another process is fetching into the folder, and this one waits for it.
    Waiting {
        /// The folder.
        folder: &'a Path,
    },
    /// A mirror starts to send the file.
    Started {
        /// Its name.
        name: &'a str,
        /// The address it is sent from.
        url: &'a str,
        /// Bytes that were here already.
        resumed_at: u64,
        /// Bytes in all, where the mirror says so.
        total: Option<u64>,
    },
    /// More bytes have arrived.
    Received {
        /// Bytes so far, including those that were here already.
        bytes: u64,
        /// Bytes in all, where the mirror says so.
        total: Option<u64>,
    },
    /// A mirror failed; the next one is tried.
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
    /// The archive is here and is being unpacked.
    Unpacking {
        /// Its name.
        name: &'a str,
    },
}

/// Fetches those of the `files` that are not in `folder` with the right content. The bytes that arrive are kept in
/// `NAME.partial` until the file is complete, flushed and verified, and is then renamed: a file under its own name
/// is never incomplete.
///
/// # Errors
/// [`crate::Error::Download`] with every mirror's failure, or because the feature `download` is off;
/// [`wgrad::Error::Io`] where the folder or the disk is at fault (returned at once, as no mirror can help);
/// [`crate::Error::Proxy`].
pub fn fetch(
    files: &[RemoteFile<'_>],
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    #[cfg(feature = "download")]
    return mirrors::fetch(files, folder, options, progress);
    #[cfg(not(feature = "download"))]
    here(files, folder, options, progress)
}

/// [`fetch`] of a program built without downloads: accepts files that are there, and fails for all others.
#[cfg(not(feature = "download"))]
fn here(
    files: &[RemoteFile<'_>],
    folder: &Path,
    _: &Options,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    for file in files {
        if !is_right(&folder.join(file.name), file)? {
            let why = "this program was built without downloads; put the file into the folder yourself";
            return Err(crate::Error::Download {
                file: file.name.to_owned(),
                attempts: vec![why.to_owned()],
            });
        }
        progress(Event::Present { name: file.name });
    }
    Ok(())
}

/// True if the file is there with the right content.
fn is_right(target: &Path, file: &RemoteFile<'_>) -> Result<bool> {
    Ok(target.is_file() && verify(target, file)?.is_ok())
}

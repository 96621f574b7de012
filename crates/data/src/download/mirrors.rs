//! Fetches from one mirror after the other, under a lock of the folder.

use super::{
    CANNOT_WRITE, Event, Options, ProxySetting, RemoteFile, is_right,
    transfer::{Failure, copy, transfer},
};
use crate::{Error, Result, error::io_error};
use reqwest::{
    Proxy,
    blocking::Client,
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};
use wgrad_files::flush;

/// The file that is locked while something is fetched into its folder.
const LOCK: &str = ".download.lock";

/// Fetches as [`super::fetch`] documents.
pub(super) fn fetch(
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
            lock = Some(locked(folder, LOCK, progress)?);
            // The previous holder of the lock may have fetched it.
            if is_right(&target, file)? {
                progress(Event::Present { name: file.name });
                continue;
            }
        }
        match fetch_one(&client, file, &target, options, progress) {
            // Where locks exclude nobody, another process may have been faster.
            Err(_) if is_right(&target, file)? => progress(Event::Present { name: file.name }),
            fetched => {
                fetched?;
                progress(Event::Finished { name: file.name });
            }
        }
    }
    Ok(())
}

/// Waits until no other process fetches into `folder`, and locks the file `name` there for as long as the returned file
/// lives.
pub(crate) fn locked(folder: &Path, name: &str, progress: &mut dyn FnMut(Event<'_>)) -> Result<File> {
    let path = folder.join(name);
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
        let next = "report this: no file causes it";
        io_error("cannot set up", Path::new("the download"), next)(io::Error::other(e.to_string()))
    };
    let provider = std::sync::Arc::new(ring::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| cannot(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // The digest and the offsets of a resumed transfer are those of the bytes that arrive.
    let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(headers)
        .connect_timeout(options.connect_timeout)
        // In a blocking client, this limits each wait: for the response, and for the next bytes of its body.
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
        let here = (!mirror.contains("://")).then(|| Path::new(mirror).join(file.name));
        let mut may_repeat = true;
        loop {
            let tried = match &here {
                Some(from) => copy(file, from, &partial, progress),
                None => transfer(client, file, &url, &partial, progress),
            };
            let (reason, repeat) = match tried {
                Ok(()) => return publish(&partial, target),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(reason)) => (reason, false),
                Err(Failure::Content { reason, resumed }) => {
                    remove(&partial)?;
                    // The fault may lie in the bytes that were here before: the same mirror gets one more chance.
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
    // The rename is only on the disk once the folder is flushed.
    Ok(target.parent().map_or(Ok(()), flush)?)
}

fn remove(partial: &Path) -> Result<()> {
    fs::remove_file(partial).map_err(io_error("cannot remove", partial, CANNOT_WRITE))
}

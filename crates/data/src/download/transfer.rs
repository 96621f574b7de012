//! One transfer of a download: sends a request (for the rest of a partial file, if there is one), appends the body
//! to that file, and verifies the content. The parent module chooses the next mirror.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use reqwest::{
    StatusCode,
    blocking::{Client, Response},
    header,
};

use super::{CANNOT_WRITE, Event, RemoteFile, content::verify};
use crate::Error;
use crate::error::io_error;

/// The reason why one attempt did not yield the file.
pub(super) enum Failure {
    /// The mirror failed now: the next one may work. The bytes received so far are kept.
    Mirror(String),
    /// The bytes on disk are wrong and are discarded. `resumed` is true if an earlier attempt began them.
    Content { reason: String, resumed: bool },
    /// The disk failed: no mirror can help.
    Local(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

/// Sends one request for the bytes missing in `partial`, appends them, and verifies the whole file.
pub(super) fn transfer(
    client: &Client,
    file: &RemoteFile<'_>,
    url: &str,
    partial: &Path,
    progress: &mut dyn FnMut(Event<'_>),
) -> std::result::Result<(), Failure> {
    let mut output = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(partial)
        .map_err(io_error("cannot open", partial, CANNOT_WRITE))?;
    let had = output.metadata().map_err(io_error("cannot read", partial, CANNOT_WRITE))?.len();
    let mut request = client.get(url);
    if had > 0 {
        request = request.header(header::RANGE, format!("bytes={had}-"));
    }
    let mut response = request.send().map_err(|e| Failure::Mirror(in_words(&e)))?;
    let start = match response.status() {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(had) => had,
        StatusCode::PARTIAL_CONTENT => {
            return Err(Failure::Content {
                reason: format!("sent another part of the file than the one from byte {had} on"),
                resumed: had > 0,
            });
        }
        // The server has nothing past these bytes: the file is complete, or too long.
        StatusCode::RANGE_NOT_SATISFIABLE if had > 0 => {
            return verify(partial, file)?.map_err(|fault| Failure::Content {
                reason: format!("{} (416 for the rest of the file)", fault.reason),
                resumed: true,
            });
        }
        status => return Err(Failure::Mirror(format!("HTTP status {status}"))),
    };
    if start == 0 && had > 0 {
        // The file is opened for appending: the next write goes to the new end, byte 0.
        output.set_len(0).map_err(io_error("cannot write", partial, CANNOT_WRITE))?;
    }
    let total = response.content_length().map(|rest| start + rest);
    progress(Event::Started { name: file.name, url, resumed_at: start, total });
    let received = receive(&mut response, &mut output, partial, start, total, longest(file), progress)?;
    output.sync_all().map_err(io_error("cannot write", partial, CANNOT_WRITE))?;
    if let Some(total) = total.filter(|&total| received < total) {
        let reason = format!("the connection closed after {received} of {total} bytes");
        return Err(Failure::Mirror(reason));
    }
    verify(partial, file)?.map_err(|fault| {
        if fault.is_short && total.is_none() {
            Failure::Mirror(format!("{} (the mirror did not say how long it is)", fault.reason))
        } else {
            Failure::Content { reason: fault.reason, resumed: start > 0 }
        }
    })
}

/// Copies the file from a folder of this machine, and verifies it.
pub(super) fn copy(
    file: &RemoteFile<'_>,
    from: &Path,
    partial: &Path,
    progress: &mut dyn FnMut(Event<'_>),
) -> std::result::Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::Mirror(format!("cannot be read ({e})"));
    let source = File::open(from).map_err(unreadable)?;
    let total = source.metadata().map_err(unreadable)?.len();
    let url = from.display().to_string();
    progress(Event::Started { name: file.name, url: &url, resumed_at: 0, total: Some(total) });
    let cannot_write = |e| io_error("cannot write", partial, CANNOT_WRITE)(e);
    let mut output = File::create(partial).map_err(cannot_write)?;
    let copied = io::copy(&mut source.take(longest(file)), &mut output).map_err(cannot_write)?;
    output.sync_all().map_err(cannot_write)?;
    progress(Event::Received { bytes: copied, total: Some(total) });
    verify(partial, file)?.map_err(|fault| Failure::Content { reason: fault.reason, resumed: false })
}

/// Maximum length of the file as sent. Gzip never makes a file much longer than it was.
fn longest(file: &RemoteFile<'_>) -> u64 {
    file.bytes + file.bytes / 100 + 4096
}

/// Appends the body to `output`. Returns the length of the file after it.
fn receive(
    response: &mut Response,
    output: &mut File,
    partial: &Path,
    start: u64,
    total: Option<u64>,
    longest: u64,
    progress: &mut dyn FnMut(Event<'_>),
) -> std::result::Result<u64, Failure> {
    let mut buffer = vec![0; 1 << 16];
    let mut received = start;
    loop {
        let count = match response.read(&mut buffer) {
            Ok(0) => return Ok(received),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                let after = total.map_or(String::new(), |total| format!(" of {total}"));
                let inner = e.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
                let words = inner.map_or_else(|| e.to_string(), in_words);
                return Err(Failure::Mirror(format!("{words} after {received}{after} bytes")));
            }
        };
        output.write_all(&buffer[..count]).map_err(io_error("cannot write", partial, CANNOT_WRITE))?;
        received += count as u64;
        if received > longest {
            return Err(Failure::Content {
                reason: format!("sent more than {longest} bytes, far more than the file has"),
                resumed: start > 0,
            });
        }
        progress(Event::Received { bytes: received, total });
    }
}

/// First byte of the part that a 206 carries: `Content-Range: bytes 100-199/200`.
fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (start, _) = range.trim().strip_prefix("bytes ")?.split_once('-')?;
    start.trim().parse().ok()
}

/// Describes an error by its innermost cause: the outermost one says little more than the address.
fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        let what = if error.is_connect() { "no connection" } else { "stalled: no byte" };
        return format!("{what} within the time-out");
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    match words.iter().any(|words| words.starts_with("failed to lookup address")) {
        true => "the host name is not known".to_owned(),
        false => words.last().cloned().unwrap_or_default(),
    }
}

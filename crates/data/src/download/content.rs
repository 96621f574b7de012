//! Verification of a file's content, or of the file as it is sent.

use super::RemoteFile;
use crate::{Result, error::io_error, idx};
use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

/// The reason why a file's content is wrong.
pub(super) struct Fault {
    #[cfg_attr(
        not(feature = "download"),
        expect(dead_code, reason = "nothing is said of a file that is not fetched")
    )]
    pub reason: String,
    /// True if the file seems to be the beginning of the right one.
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "nothing is fetched again"))]
    pub is_short: bool,
}

/// Compares the digest of the decompressed content, or of the file as it is, with the expected one. The outer result reports disk errors.
pub(super) fn verify(path: &Path, file: &RemoteFile<'_>) -> Result<std::result::Result<(), Fault>> {
    let input = File::open(path).map_err(io_error("cannot open", path, ""))?;
    let input = BufReader::new(input);
    let digest = match file.as_sent {
        true => idx::digest(input, file.bytes),
        false => idx::content_digest(input, file.bytes),
    };
    let fault = match digest {
        Ok((digest, _)) if digest == file.sha256 => return Ok(Ok(())),
        Ok((digest, length)) => Fault {
            reason: format!(
                "wrong content: got {length} bytes with SHA-256 {digest}, expected {} with {}",
                file.bytes, file.sha256
            ),
            is_short: length < file.bytes,
        },
        Err(e) => match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                Fault { reason: "the gzip data ends early".to_owned(), is_short: true }
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Fault { reason: format!("damaged content: {e}"), is_short: false }
            }
            _ => return Err(io_error("cannot read", path, "")(e)),
        },
    };
    Ok(Err(fault))
}
